package cli

import (
	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

const signInPath = "/api/settings/sign-in"

func signInCommand(o *operator) *cobra.Command {
	return o.group("sign-in", "See and set what the organization requires for signing in.",
		show(o, "Show whether a second factor is required, and how many members have none.", signInPath, o.printSignIn), setSignInCommand(o))
}

func (o *operator) printSignIn(settings httpapi.SignInSettings) error {
	required := "optional"
	if settings.RequireSecondFactor {
		required = "required of every member"
	}
	return o.print("Second factor    %s\nMembers          %d\nWithout one      %d\n", required, settings.Members, settings.WithoutSecondFactor)
}

func setSignInCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Require a second factor of every member, or stop requiring it.", Args: exactly(0),
		Long: `Requires a second factor of every member, or stops requiring it. The requirement also applies to
running sessions, from the next request on: a member without a second factor can only set one up. So
the command first shows how many members have none, and asks. Without a terminal, it requires --yes.

If nobody can satisfy the requirement, turn it off with --require-second-factor=false. If one member
has lost their second factor, use "curfew member remove-factor".`,
		Example: `  curfew sign-in set --require-second-factor=false`,
	}
	const flag = "require-second-factor"
	required := command.Flags().Bool(flag, false, "whether every member must have a second factor")
	o.addYes(command)
	suggest(command, flag, "true", "false")
	requireOneOf(command, flag)
	return o.readWrite(command, func([]string) error {
		var settings httpapi.SignInSettings
		if *required {
			if err := o.get(signInPath, &settings); err != nil {
				return err
			}
			err := o.confirm("%s of %d without a second factor can then only set one up.", count(settings.WithoutSecondFactor, "member"), settings.Members)
			if err != nil {
				return err
			}
		}
		request := httpapi.SignInSettingsRequest{RequireSecondFactor: required}
		if err := o.call("PUT", signInPath, request, &settings); err != nil {
			return err
		}
		return o.printSignIn(settings)
	})
}
