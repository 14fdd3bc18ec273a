package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

func auditCommand(o *operator) *cobra.Command {
	return o.group("audit", "Check the audit log, and export it.", verifyCommand(o), exportCommand(o))
}

func verifyCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "verify", Short: "Check the log's chain of hashes.", Args: usage(cobra.NoArgs),
		Long: `Checks the whole log against its hashes and against the receipts of revocations, and names the first
entry that does not match. Keep the head that it prints in another place: with it you can check later
that the log up to that entry is unchanged.`,
	}
	return o.readOnly(command, func([]string) error {
		var chain httpapi.AuditChain
		if err := o.get("/api/audit/chain", &chain); err != nil {
			return err
		}
		if chain.Intact {
			return o.print("The audit log is intact: %s.\nHead: %s\n", count(chain.Entries, "entry"), chain.Head)
		}
		err := errors.New("the audit chain is broken")
		if chain.Broken != nil {
			err = fmt.Errorf("the audit chain is broken at entry %d: %s", chain.Broken.Sequence, chain.Broken.Reason)
		}
		err = &codedError{err, exitBroken}
		if o.json {
			err = errors.Join(o.print(""), err)
		}
		return err
	})
}

func exportCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "export", Short: "Write the log, or a part of it, to standard output, the newest entry first.", Args: usage(cobra.NoArgs),
		Example: "  curfew audit export --format csv --since 2026-11-01T00:00:00Z > november.csv",
	}
	flags := command.Flags()
	format := flags.String("format", "jsonl", "csv, or jsonl: one JSON object a line")
	flags.String("q", "", "only entries with all of these words: names, actions, addresses, reasons")
	flags.String("member", "", "only entries about the member with this e-mail address")
	flags.String("since", "", "only entries from this time on, as 2026-11-23T00:00:00Z")
	flags.String("until", "", "only entries before this time")
	flags.String("action", "", "only one kind of entry, as session.started")
	suggest(command, "format", "csv", "jsonl")
	return o.readOnly(command, func([]string) error {
		if o.json {
			*format = "jsonl"
		}
		if *format != "csv" && *format != "jsonl" {
			return misuse(errors.New("--format: choose one of: csv, jsonl"))
		}
		query := url.Values{"format": {*format}}
		addQuery(query, flags, "q", "since", "until", "action")
		if err := o.addMember(query, flags); err != nil {
			return err
		}
		body, err := o.client.Call(o.ctx, "GET", "/api/audit?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(o.Stdout, body)
		if err := errors.Join(err, body.Close()); err != nil {
			return fmt.Errorf("the export broke off, and its output is incomplete: %w", err)
		}
		return nil
	})
}
