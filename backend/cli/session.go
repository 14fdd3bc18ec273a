package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

func sessionCommand(o *operator) *cobra.Command {
	return o.group("session", "See who is signed in, and sign members out.", listSessionsCommand(o), revokeCommand(o), revokeAllCommand(o))
}

func listSessionsCommand(o *operator) *cobra.Command {
	command := &cobra.Command{Use: "list", Short: "List live sessions, the newest sign-in first.", Args: usage(cobra.NoArgs)}
	flags := command.Flags()
	flags.String("member", "", "only sessions of the member with this e-mail address")
	flags.String("q", "", "only sessions with these words in the member, the client or the network address")
	limit := flags.Int("limit", 0, "list at most this many (default: all)")
	return o.readOnly(command, func([]string) error {
		if flags.Changed("limit") && *limit < 1 {
			return misuse(errors.New("--limit: use a whole number from 1"))
		}
		query := url.Values{"scope": {"all"}, "sort": {"signedIn"}} // an order that stays while pages are read
		addQuery(query, flags, "q")
		if err := o.addMember(query, flags); err != nil {
			return err
		}
		return printList(o, list{"/api/sessions", query, *limit}, "MEMBER\tCLIENT\tADDRESS\tSIGNED IN\tLAST SEEN\tENDS\tID", func(s httpapi.Session) []string {
			member := s.MemberId
			if s.Member != nil {
				member = s.Member.Email
			}
			return []string{member, formatClient(s.Client), s.Client.Address, clock(s.AuthenticatedAt), clock(s.LastSeenAt), clock(s.ExpiresAt), s.Id}
		})
	})
}

// formatClient describes a client, as in "Firefox on Windows".
func formatClient(client httpapi.SessionClient) string {
	switch {
	case client.Browser == "":
		return string(client.Device)
	case client.Os == "":
		return client.Browser
	default:
		return client.Browser + " on " + client.Os
	}
}

func revokeCommand(o *operator) *cobra.Command {
	command := &cobra.Command{Use: "revoke ID...", Short: "End the sessions with these ids.", Args: usage(cobra.MinimumNArgs(1))}
	return o.readWrite(command, func(args []string) error {
		ids := slices.Compact(slices.Sorted(slices.Values(args)))
		var ended httpapi.SessionsEnded
		if err := o.post("/api/sessions/revoke", httpapi.RevokeRequest{Ids: ids}, &ended); err != nil {
			return err
		}
		if ended.SessionsEnded > 0 || o.json {
			if err := o.print("Ended %s.\n", count(ended.SessionsEnded, "session")); err != nil {
				return err
			}
		}
		if missing := int64(len(ids)) - ended.SessionsEnded; missing > 0 { // for the operator, none is skipped
			return &codedError{fmt.Errorf("%s had already ended, or never existed", count(missing, "session")), exitNotFound}
		}
		return nil
	})
}

func revokeAllCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "revoke-all", Short: "Sign everyone out.", Args: usage(cobra.NoArgs),
		Long: "Signs everyone out, at once and for good. It first shows how many sessions that ends, and asks.",
	}
	reason := command.Flags().String("reason", "", "shown to everyone who is signed out")
	o.addYes(command)
	return o.readWrite(command, func([]string) error {
		var live httpapi.SessionFigures
		if err := o.get("/api/sessions/summary", &live); err != nil {
			return err
		}
		withdraws := ""
		if live.OpenLinks > 0 {
			withdraws = fmt.Sprintf(" It withdraws %s.", count(live.OpenLinks, "open one-time link"))
		}
		if err := o.confirm("This signs everyone out: %s of %s.%s", count(live.Sessions, "session"), count(live.Members, "member"), withdraws); err != nil {
			return err
		}
		var request httpapi.RevokeAllRequest
		if *reason != "" {
			request.Reason = reason
		}
		var receipt httpapi.RevocationReceipt
		if err := o.post("/api/sessions/revoke-all", request, &receipt); err != nil {
			return err
		}
		withdrawn := ""
		if receipt.LinksWithdrawn > 0 {
			withdrawn = fmt.Sprintf(" Withdrew %s.", count(receipt.LinksWithdrawn, "one-time link"))
		}
		return o.print("Signed everyone out: %s of %s.%s Audit entry %d, %s.\n",
			count(receipt.SessionsEnded, "session"), count(receipt.MembersSignedOut, "member"), withdrawn, receipt.AuditSequence, receipt.AuditHash)
	})
}
