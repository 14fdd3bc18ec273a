package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"curfew/backend/app"
	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

const membersPath = "/api/members"

func memberCommand(o *operator) *cobra.Command {
	return o.group("member", "See the members, invite them, and help one who cannot sign in.",
		addMemberCommand(o), listMembersCommand(o), setMemberCommand(o), activateCommand(o, false), activateCommand(o, true),
		removeMemberCommand(o), resetCommand(o), removeFactorCommand(o))
}

func addMemberCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "add EMAIL", Short: "Invite a member, and print their one-time link.", Args: usage(cobra.ExactArgs(1)),
		Long: "Invites a member and prints a link, with which they set a password within a week. The link is printed only once.",
	}
	name := command.Flags().String("name", "", "their name, which they can change when they accept")
	role := command.Flags().String("role", "member", "owner, admin, auditor or member")
	reuse := addReuse(command)
	suggest(command, "role", "owner", "admin", "auditor", "member")
	return o.readWrite(command, func(args []string) error {
		request := httpapi.InviteRequest{Email: args[0], Role: httpapi.Role(*role), ReuseAddress: reuse}
		if *name != "" {
			request.Name = name
		}
		var invited httpapi.Invitation
		if err := o.post(membersPath, request, &invited); err != nil {
			return adviseReuse(err)
		}
		return o.print("Invited %s as %s. Send them this link, which works until %s:\n%s\n",
			fold.Printable(invited.Member.Email), invited.Member.Role, clock(invited.ExpiresAt), invited.Link)
	})
}

func listMembersCommand(o *operator) *cobra.Command {
	command := &cobra.Command{Use: "list", Short: "List the members by name.", Args: usage(cobra.NoArgs)}
	command.Flags().String("q", "", "only members with these words in the name or the e-mail address")
	return o.readOnly(command, func([]string) error {
		query := url.Values{}
		addQuery(query, command.Flags(), "q")
		return printList(o, list{path: membersPath, query: query}, "NAME\tE-MAIL\tROLE\tSTATE\tSESSIONS\tID", func(m httpapi.MemberDetails) []string {
			return []string{m.Name, m.Email, string(m.Role), string(m.State), strconv.FormatInt(m.Sessions, 10), m.Id}
		})
	})
}

// addReuse adds the flag that allows the address of a former member.
func addReuse(command *cobra.Command) *bool {
	return command.Flags().Bool("reuse-address", false, "allow an address that was another member's")
}

// adviseReuse adds the flag --reuse-address to a refusal that it would lift.
func adviseReuse(err error) error {
	var refused *app.RefusedError
	if errors.As(err, &refused) && refused.Problem.Code == "address_retired" {
		refused.Problem.Detail = "This e-mail address was another member's. Use another one, or give it to this member anyway with --reuse-address."
	}
	return err
}

// onMember makes a command about the member whose e-mail address is its argument.
func (o *operator) onMember(command *cobra.Command, work func(m httpapi.MemberDetails) error) *cobra.Command {
	command.Args = usage(cobra.ExactArgs(1))
	return o.readWrite(command, func(args []string) error {
		m, err := o.member(args[0])
		if err != nil {
			return err
		}
		return work(m)
	})
}

func setMemberCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "set EMAIL", Short: "Change a member's name or e-mail address.",
		Long: `Changes the values that you give as flags and keeps the others. With a new address, their sessions go
on, they sign in with the new address, and an open one-time link no longer works.`,
		Example: `  curfew member set ben@example.org --name "Ben Okafor" --email ben.okafor@example.org`,
	}
	flags := command.Flags()
	name := flags.String("name", "", "their new name")
	email := flags.String("email", "", "their new e-mail address")
	reuse := addReuse(command)
	requireOneOf(command, "name", "email")
	return o.onMember(command, func(before httpapi.MemberDetails) error {
		var request httpapi.MemberRequest
		if flags.Changed("name") {
			request.Name = name
		}
		if flags.Changed("email") {
			request.Email, request.ReuseAddress = email, reuse
		} else if *reuse {
			return misuse(errors.New("--reuse-address needs --email"))
		}
		var after httpapi.MemberDetails
		if err := o.call("PATCH", membersPath+"/"+before.Id, request, &after); err != nil {
			return adviseReuse(err)
		}
		withdrawn := ""
		if before.Link != nil && after.Link == nil {
			withdrawn = "Their open link no longer works.\n"
		}
		return o.print("Name    %s\nE-mail  %s\n%s", fold.Printable(after.Name), fold.Printable(after.Email), withdrawn)
	})
}

func removeMemberCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "remove EMAIL", Short: "Remove a member for good, or delete an invitation.",
		Long: `Deletes a member's account, password, second factor, passkeys, sessions and links. It cannot be
undone. The audit log keeps its entries, and older backups keep the member. Another member can have
the address only with --reuse-address. The command first shows what it deletes, and asks.

To keep a member out for a time, use "curfew member deactivate".`,
	}
	o.addYes(command)
	return o.onMember(command, func(m httpapi.MemberDetails) error {
		email, invited, credentials := fold.Printable(m.Email), m.State == httpapi.MemberDetailsStateInvited, "password"
		if m.SecondFactor {
			credentials += ", second factor"
		}
		if m.Passkeys > 0 {
			credentials += ", " + count(m.Passkeys, "passkey")
		}
		warning := fmt.Sprintf("This ends %s of %s and deletes the account with its %s and links. It cannot be undone. "+
			"The audit log keeps its entries, and the address is given to no other member.", count(m.Sessions, "session"), email, credentials)
		if invited {
			warning = fmt.Sprintf("This deletes the invitation of %s. The audit log keeps its entries.", email)
		}
		if err := o.confirm("%s", warning); err != nil {
			return err
		}
		var ended httpapi.SessionsEnded
		if err := o.call("DELETE", membersPath+"/"+m.Id, nil, &ended); err != nil {
			return err
		}
		if invited {
			return o.print("The invitation of %s is deleted.\n", email)
		}
		return o.print("%s is removed; %s ended.\n", email, count(ended.SessionsEnded, "session"))
	})
}

// activateCommand deactivates a member, or reactivates them.
func activateCommand(o *operator, active bool) *cobra.Command {
	command := &cobra.Command{Use: "deactivate EMAIL", Short: "Keep a member out, and end their sessions."}
	result := "%s is deactivated, and their sessions were ended.\n"
	if active {
		command = &cobra.Command{Use: "reactivate EMAIL", Short: "Let a deactivated member sign in again."}
		result = "%s is active again.\n"
	}
	return o.onMember(command, func(m httpapi.MemberDetails) error {
		if err := o.call("PATCH", membersPath+"/"+m.Id, httpapi.MemberRequest{Active: &active}, &m); err != nil {
			return err
		}
		return o.print(result, fold.Printable(m.Email))
	})
}

func resetCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "reset EMAIL", Short: "Give a member a new password, reactivate them, and end their sessions.",
		Long: `Gives a member a new random password, reactivates them and ends their sessions. Use it for an owner
who has lost their password. The new password is printed only once.`,
	}
	return o.onMember(command, func(m httpapi.MemberDetails) error {
		var reset httpapi.PasswordReset
		if err := o.post(membersPath+"/"+m.Id+"/reset-password", nil, &reset); err != nil {
			return err
		}
		return o.print("New password for %s: %s\nTheir sessions were ended.\n", fold.Printable(reset.Member.Email), reset.Password)
	})
}

func removeFactorCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "remove-factor EMAIL", Short: "Remove a member's second factor and passkeys, and end their sessions.",
		Long: `Removes the second factor of a member who has lost it, with its recovery codes and all passkeys, and
ends their sessions. They can then sign in with their password alone. First make sure that it is the
member who asks.`,
	}
	return o.onMember(command, func(m httpapi.MemberDetails) error {
		var ended httpapi.SessionsEnded
		if err := o.call("DELETE", membersPath+"/"+m.Id+"/second-factor", nil, &ended); err != nil {
			return err
		}
		return o.print("%s no longer has a second factor; %s ended.\n", fold.Printable(m.Email), count(ended.SessionsEnded, "session"))
	})
}

// addMember adds the member of the flag --member to a query, if it was given.
func (o *operator) addMember(query url.Values, flags *pflag.FlagSet) error {
	flag := flags.Lookup("member")
	if !flag.Changed {
		return nil
	}
	m, err := o.member(flag.Value.String())
	query.Set("member", m.Id)
	return err
}

// member finds the member with that e-mail address.
func (o *operator) member(address string) (httpapi.MemberDetails, error) {
	if strings.TrimSpace(address) == "" {
		return httpapi.MemberDetails{}, &codedError{errors.New("the e-mail address is empty"), exitNotFound}
	}
	const longestSearch = 200
	search := []rune(fold.AddressKey(address))
	query := url.Values{"q": {string(search[:min(len(search), longestSearch)])}}
	for page, err := range o.pages(list{path: membersPath, query: query}) {
		if err != nil {
			return httpapi.MemberDetails{}, err
		}
		for _, raw := range page.Items {
			var found httpapi.MemberDetails
			if err := decode(raw, &found); err != nil {
				return httpapi.MemberDetails{}, err
			}
			// Several members may share an address in an old spelling; only that spelling names
			// one.
			key := fold.AddressKey
			if found.AddressIssue != nil {
				key = fold.OldAddress
			}
			if key(found.Email) == key(address) {
				return found, nil
			}
		}
	}
	return httpapi.MemberDetails{}, &codedError{fmt.Errorf("no member has the e-mail address %q", address), exitNotFound}
}
