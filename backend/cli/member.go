package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"curfew/backend/app"
	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

func memberCommand(env Environment) *cobra.Command {
	return group("member", "See the members, invite them, and help one who cannot sign in.",
		addMemberCommand(env), listMembersCommand(env), setMemberCommand(env), activateCommand(env, false), activateCommand(env, true),
		removeMemberCommand(env), resetCommand(env), removeFactorCommand(env))
}

func addMemberCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "add EMAIL", Short: "Invite a member, and print the one-time link for them.", Args: exactly(1),
		Long: "Invites a member. It prints a link, good for a week, by which they set a password; it is shown this once.",
	}
	name := command.Flags().String("name", "", "their name, which they can change when they accept")
	role := command.Flags().String("role", "member", "owner, admin, auditor or member")
	reuse := reuseFlag(command)
	suggest(command, "role", "owner", "admin", "auditor", "member")
	return asOperator(env, command, func(o *operator, args []string) error {
		request := httpapi.InviteRequest{Email: args[0], Role: httpapi.Role(*role), ReuseAddress: reuse}
		if *name != "" {
			request.Name = name
		}
		var invited httpapi.Invitation
		raw, err := o.read(&invited)(o.client.Post(o.ctx, "/api/members", request))
		if err != nil {
			return adviseReuse(err)
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

// reuseFlag adds the flag by which an address of a former member goes to this one.
func reuseFlag(command *cobra.Command) *bool {
	return command.Flags().Bool("reuse-address", false, "give them the address even if it was another member's")
}

// adviseReuse names the flag that allows what was refused, if one does.
func adviseReuse(err error) error {
	var refused *app.RefusedError
	if errors.As(err, &refused) && refused.Problem.Code == "address_retired" {
		refused.Problem.Detail = "This e-mail address was another member's. Use another one, or give it to this member anyway with --reuse-address."
	}
	return err
}

func setMemberCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "set EMAIL", Short: "Change a member's name or e-mail address.", Args: exactly(1),
		Long: `Changes what its flags name and leaves the rest as it is. With another address their sessions go on, they sign in by
the new one, and a one-time link that is open no longer works.`,
		Example: `  curfew member set ben@example.org --name "Ben Okafor" --email ben.okafor@example.org`,
	}
	flags := command.Flags()
	name := flags.String("name", "", "their name")
	email := flags.String("email", "", "their e-mail address from now on")
	reuse := reuseFlag(command)
	command.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case !flags.Changed("name") && !flags.Changed("email"):
			return misuse(errors.New("name what to change: --name or --email"))
		case *reuse && !flags.Changed("email"):
			return misuse(errors.New("--reuse-address is about the address in --email"))
		}
		return nil
	}
	return asOperator(env, command, func(o *operator, args []string) error {
		before, err := o.member(args[0])
		if err != nil {
			return err
		}
		var request httpapi.MemberRequest
		if flags.Changed("name") {
			request.Name = name
		}
		if flags.Changed("email") {
			request.Email, request.ReuseAddress = email, reuse
		}
		var after httpapi.MemberDetails
		raw, err := o.read(&after)(o.client.Patch(o.ctx, "/api/members/"+before.Id, request))
		if err != nil {
			return adviseReuse(err)
		}
		withdrawn := ""
		if before.Link != nil && after.Link == nil {
			withdrawn = "Their open link no longer works.\n"
		}
		return o.print(raw, "Name    %s\nE-mail  %s\n%s", fold.Printable(after.Name), fold.Printable(after.Email), withdrawn)
	})
}

func removeMemberCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "remove EMAIL", Short: "Remove a member for good, or delete an invitation.", Args: exactly(1),
		Long: `Deletes a member's account, password, second factor, passkeys, sessions and links. It cannot be undone. The audit log
keeps its entries, because it is a sealed record, and backups from before keep the member. The address is given to no other member, unless
--reuse-address says so. It says first what goes, and asks; without a terminal it wants --yes. To keep a member out for a time, use
"curfew member deactivate".`,
	}
	command.Flags().Bool("yes", false, "do not ask")
	return asOperator(env, command, func(o *operator, args []string) error {
		m, err := o.member(args[0])
		if err != nil {
			return err
		}
		email, invited, credentials := fold.Printable(m.Email), m.State == httpapi.MemberDetailsStateInvited, "password"
		if m.SecondFactor {
			credentials += ", second factor"
		}
		if m.Passkeys > 0 {
			credentials += ", " + count(m.Passkeys, "passkey")
		}
		if invited {
			err = o.confirm("This deletes the invitation of %s. The audit log keeps its entries.", email)
		} else {
			err = o.confirm("This ends %s of %s and deletes the account with its %s and links. It cannot be undone. "+
				"The audit log keeps its entries, and the address is given to no other member.",
				count(m.Sessions, "session"), email, credentials)
		}
		if err != nil {
			return err
		}
		var ended httpapi.SessionsEnded
		raw, err := o.read(&ended)(o.client.Delete(o.ctx, "/api/members/"+m.Id))
		switch {
		case err != nil:
			return err
		case invited:
			return o.print(raw, "The invitation of %s is deleted.\n", email)
		}
		return o.print(raw, "%s is removed; %s ended.\n", email, count(ended.SessionsEnded, "session"))
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
		raw, err := o.read(&m)(o.client.Patch(o.ctx, "/api/members/"+m.Id, httpapi.MemberRequest{Active: &active}))
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
		raw, err := o.read(&reset)(o.client.Post(o.ctx, "/api/members/"+m.Id+"/reset-password", nil))
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
		raw, err := o.read(&ended)(o.client.Delete(o.ctx, "/api/members/"+m.Id+"/second-factor"))
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
