package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

func auditCommand(env Environment) *cobra.Command {
	return group("audit", "Check the audit log, and take it away.", verifyCommand(env), exportCommand(env))
}

func verifyCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "verify", Short: "Check the chain of hashes that seals the log.", Args: exactly(0),
		Long: `Checks the whole log against its hashes and against the receipts of revocations, and names the first entry that does not fit.
Keep the head that it prints somewhere else: who has it can tell later whether the log up to there is still the same.`,
	}
	return asReader(env, command, func(o *operator, _ []string) error {
		var chain httpapi.AuditChain
		raw, err := o.read(&chain)(o.client.Get(o.ctx, "/api/audit/chain", nil))
		if err != nil {
			return err
		}
		if chain.Intact {
			return o.print(raw, "The audit log is intact: %s.\nHead: %s\n", entries(chain.Entries), chain.Head)
		}
		if o.json {
			if err := o.print(raw, ""); err != nil {
				return err
			}
		}
		err = errors.New("the audit chain is broken")
		if chain.Broken != nil {
			err = fmt.Errorf("the audit chain is broken at entry %d: %s", chain.Broken.Sequence, chain.Broken.Reason)
		}
		return &codedError{err, broken}
	})
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func exportCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "export", Short: "Write the log, or a part of it, to standard output, the newest entry first.", Args: exactly(0),
		Example: "  curfew audit export --format csv --since 2026-11-01T00:00:00Z > november.csv",
	}
	format := command.Flags().String("format", "jsonl", "csv, or jsonl: one JSON object a line")
	address := command.Flags().String("member", "", "only what concerns the member with this e-mail address")
	since := command.Flags().String("since", "", "only from then on, as 2026-11-23T00:00:00Z")
	until := command.Flags().String("until", "", "only before then")
	action := command.Flags().String("action", "", "only one kind of entry, as session.started")
	suggest(command, "format", "csv", "jsonl")
	return asReader(env, command, func(o *operator, _ []string) error {
		if o.json {
			*format = "jsonl"
		}
		if *format != "csv" && *format != "jsonl" {
			return misuse(errors.New("--format: choose one of: csv, jsonl"))
		}
		query := url.Values{"format": {*format}}
		for name, value := range map[string]string{"since": *since, "until": *until, "action": *action} {
			if command.Flags().Changed(name) {
				query.Set(name, value)
			}
		}
		if command.Flags().Changed("member") {
			m, err := o.member(*address)
			if err != nil {
				return err
			}
			query.Set("member", m.Id)
		}
		body, err := o.client.Get(o.ctx, "/api/audit", query)
		if err != nil {
			return err
		}
		_, err = io.Copy(o.env.Stdout, body)
		if err := errors.Join(err, body.Close()); err != nil {
			return fmt.Errorf("the export broke off, and what was written is not all of it: %w", err)
		}
		return nil
	})
}
