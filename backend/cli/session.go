package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

func sessionCommand(env Environment) *cobra.Command {
	return group("session", "See who is signed in, and sign people out.", listSessionsCommand(env), revokeCommand(env), revokeAllCommand(env))
}

func listSessionsCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "list", Short: "List live sessions, the newest sign-in first.", Args: exactly(0)}
	address := command.Flags().String("member", "", "only those of the member with this e-mail address")
	text := command.Flags().String("q", "", "only those with these words in the member, the client or the network address")
	limit := command.Flags().Int("limit", 0, "at most so many (default: all)")
	return asReader(env, command, func(o *operator, _ []string) error {
		flags := command.Flags()
		if flags.Changed("limit") && *limit < 1 {
			return misuse(errors.New("--limit: use a whole number from 1"))
		}
		query := url.Values{"scope": {"all"}, "sort": {"signedIn"}} // in which no session moves while the pages are read
		if flags.Changed("q") {
			query.Set("q", *text)
		}
		if flags.Changed("member") {
			m, err := o.member(*address)
			if err != nil {
				return err
			}
			query.Set("member", m.Id)
		}
		return printList(o, "/api/sessions", query, *limit, "MEMBER\tCLIENT\tADDRESS\tSIGNED IN\tLAST SEEN\tENDS\tID", func(s httpapi.Session) []string {
			whose := s.MemberId
			if s.Member != nil {
				whose = s.Member.Email
			}
			return []string{whose, inWords(s.Client), s.Client.Address, clock(s.AuthenticatedAt), clock(s.LastSeenAt), clock(s.ExpiresAt), s.Id}
		})
	})
}

// inWords is a client as people speak of it, as in "Firefox on Windows".
func inWords(client httpapi.SessionClient) string {
	switch {
	case client.Browser == "":
		return string(client.Device)
	case client.Os == "":
		return client.Browser
	default:
		return client.Browser + " on " + client.Os
	}
}

func revokeCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "revoke ID...", Short: "End the sessions with these ids.", Args: atLeast(1)}
	return asOperator(env, command, func(o *operator, args []string) error {
		ids := slices.Compact(slices.Sorted(slices.Values(args)))
		var ended httpapi.SessionsEnded
		raw, err := o.read(&ended)(o.client.Post(o.ctx, "/api/sessions/revoke", httpapi.RevokeRequest{Ids: ids}))
		if err != nil {
			return err
		}
		if ended.SessionsEnded > 0 || o.json {
			if err := o.print(raw, "Ended %s.\n", count(ended.SessionsEnded, "session")); err != nil {
				return err
			}
		}
		if missing := int64(len(ids)) - ended.SessionsEnded; missing > 0 { // the operator skips none
			return &codedError{fmt.Errorf("%s had ended before, or never was", count(missing, "session")), notFound}
		}
		return nil
	})
}

func revokeAllCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "revoke-all", Short: "Sign everybody out.", Args: exactly(0),
		Long: "Signs everybody out, at once and for good. It says first how many people that is, and asks; without a terminal it wants --yes.",
	}
	reason := command.Flags().String("reason", "", "shown to those who are signed out")
	command.Flags().Bool("yes", false, "do not ask")
	return asOperator(env, command, func(o *operator, _ []string) error {
		var live httpapi.SessionFigures
		if _, err := o.read(&live)(o.client.Get(o.ctx, "/api/sessions/summary", nil)); err != nil {
			return err
		}
		withdraws := ""
		if live.OpenLinks > 0 {
			withdraws = fmt.Sprintf(" It withdraws %s.", count(live.OpenLinks, "open one-time link"))
		}
		if err := o.confirm("This signs everybody out: %s of %s.%s", count(live.Sessions, "session"), count(live.Members, "member"), withdraws); err != nil {
			return err
		}
		var request httpapi.RevokeAllRequest
		if *reason != "" {
			request.Reason = reason
		}
		var receipt httpapi.RevocationReceipt
		raw, err := o.read(&receipt)(o.client.Post(o.ctx, "/api/sessions/revoke-all", request))
		if err != nil {
			return err
		}
		withdrawn := ""
		if receipt.LinksWithdrawn > 0 {
			withdrawn = fmt.Sprintf(" It withdrew %s.", count(receipt.LinksWithdrawn, "one-time link"))
		}
		return o.print(raw, "Signed everybody out: %s of %s.%s It is entry %d of the audit log, %s.\n",
			count(receipt.SessionsEnded, "session"), count(receipt.MembersSignedOut, "member"), withdrawn, receipt.AuditSequence, receipt.AuditHash)
	})
}
