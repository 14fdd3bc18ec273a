package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

func memberCommand(env Environment) *cobra.Command {
	return group("member", "See the members, invite them, and help one who cannot sign in.",
		addMemberCommand(env), listMembersCommand(env), activateCommand(env, false), activateCommand(env, true), resetCommand(env),
		removeFactorCommand(env))
}

func addMemberCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "add EMAIL", Short: "Invite a member, and print the one-time link for them.", Args: exactly(1),
		Long: "Invites a member. It prints a link, good for a week, by which they set a password; it is shown this once.",
	}
	name := command.Flags().String("name", "", "their name, which they can change when they accept")
	role := command.Flags().String("role", "member", "owner, admin, auditor or member")
	suggest(command, "role", "owner", "admin", "auditor", "member")
	return asOperator(env, command, func(o *operator, args []string) error {
		request := httpapi.InviteRequest{Email: args[0], Role: httpapi.Role(*role)}
		if *name != "" {
			request.Name = name
		}
		var invited httpapi.Invitation
		raw, err := o.read(&invited)(o.door.Post(o.ctx, "/api/members", request))
		if err != nil {
			return err
		}
		return o.print(raw, "Invited %s as %s. Hand them this link, which is good until %s:\n%s\n",
			fold.Printable(invited.Member.Email), invited.Member.Role, clock(invited.ExpiresAt), invited.Link)
	})
}

func listMembersCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "list", Short: "List the members by name.", Args: exactly(0)}
	text := command.Flags().String("q", "", "only those with this in the name or the e-mail address")
	return asReader(env, command, func(o *operator, _ []string) error {
		query := url.Values{}
		if command.Flags().Changed("q") {
			query.Set("q", *text)
		}
		return printList(o, "/api/members", query, 0, "NAME\tE-MAIL\tROLE\tSTATE\tSESSIONS\tID", func(m httpapi.MemberDetails) []string {
			return []string{m.Name, m.Email, string(m.Role), string(m.State), strconv.FormatInt(m.Sessions, 10), m.Id}
		})
	})
}

// activateCommand is the command that deactivates a member, or reactivates them.
func activateCommand(env Environment, active bool) *cobra.Command {
	command := &cobra.Command{Use: "deactivate EMAIL", Short: "Keep a member out, and end their sessions.", Args: exactly(1)}
	words := "%s is deactivated, and their sessions were ended.\n"
	if active {
		command.Use, command.Short = "reactivate EMAIL", "Let a deactivated member sign in again."
		words = "%s is active again.\n"
	}
	return asOperator(env, command, func(o *operator, args []string) error {
		m, err := o.member(args[0])
		if err != nil {
			return err
		}
		raw, err := o.read(&m)(o.door.Patch(o.ctx, "/api/members/"+m.Id, httpapi.MemberRequest{Active: &active}))
		if err != nil {
			return err
		}
		return o.print(raw, words, fold.Printable(m.Email))
	})
}

func resetCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "reset EMAIL", Short: "Give a member a new password, reactivate them, and end their sessions.", Args: exactly(1),
		Long: `Gives a member a new random password, reactivates them and ends their sessions. It is the way back in for an
owner who has lost their password. It prints the new password once.`,
	}
	return asOperator(env, command, func(o *operator, args []string) error {
		m, err := o.member(args[0])
		if err != nil {
			return err
		}
		var reset httpapi.PasswordReset
		raw, err := o.read(&reset)(o.door.Post(o.ctx, "/api/members/"+m.Id+"/reset-password", nil))
		if err != nil {
			return err
		}
		return o.print(raw, "New password for %s: %s\nTheir sessions were ended.\n", fold.Printable(reset.Member.Email), reset.Password)
	})
}

func removeFactorCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "remove-factor EMAIL", Short: "Remove a member's second factor and passkeys, and end their sessions.", Args: exactly(1),
		Long: `Removes the second factor of a member who has lost it, with its recovery codes and all passkeys, and ends their
sessions. Their password alone signs them in again. Make sure first that it is they who ask for it.`,
	}
	return asOperator(env, command, func(o *operator, args []string) error {
		m, err := o.member(args[0])
		if err != nil {
			return err
		}
		var ended httpapi.SessionsEnded
		raw, err := o.read(&ended)(o.door.Delete(o.ctx, "/api/members/"+m.Id+"/second-factor"))
		if err != nil {
			return err
		}
		return o.print(raw, "%s has no second factor any more; %s ended.\n", fold.Printable(m.Email), count(ended.SessionsEnded, "session"))
	})
}

var errFound = errors.New("found")

// member finds the member with that e-mail address.
func (o *operator) member(address string) (found httpapi.MemberDetails, err error) {
	if strings.TrimSpace(address) == "" { // an empty search finds nobody
		return httpapi.MemberDetails{}, &codedError{errors.New("the e-mail address is empty"), notFound}
	}
	const longestSearch = 200
	search := []rune(fold.AddressKey(address))
	query := url.Values{"q": {string(search[:min(len(search), longestSearch)])}}
	err = eachItem(o, "/api/members", query, 0, func(_ page, raw json.RawMessage) error {
		if err := json.Unmarshal(raw, &found); err != nil {
			return fmt.Errorf("the server's answer makes no sense to this program: %w", err)
		}
		// One in an old spelling, which another member may share, is meant by that spelling alone.
		same := fold.AddressKey
		if found.AddressIssue != nil {
			same = fold.OldAddress
		}
		if same(found.Email) == same(address) {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return found, nil
	}
	if err == nil {
		err = &codedError{fmt.Errorf("no member has the e-mail address %q", address), notFound}
	}
	return httpapi.MemberDetails{}, err
}
