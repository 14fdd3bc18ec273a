package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

const signInPath = "/api/settings/sign-in"

func signInCommand(env Environment) *cobra.Command {
	return group("sign-in", "See and set what the organization demands of a sign-in.", showSignInCommand(env), setSignInCommand(env))
}

func showSignInCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "show", Short: "Show whether a second factor is demanded, and how many members have none.", Args: exactly(0)}
	return asReader(env, command, func(o *operator, _ []string) error {
		settings, raw, err := o.signIn()
		if err != nil {
			return err
		}
		return o.printSignIn(raw, settings)
	})
}

func (o *operator) signIn() (settings httpapi.SignInSettings, raw []byte, err error) {
	raw, err = o.read(&settings)(o.client.Get(o.ctx, signInPath, nil))
	return settings, raw, err
}

func (o *operator) printSignIn(raw []byte, settings httpapi.SignInSettings) error {
	demanded := "up to each member"
	if settings.RequireSecondFactor {
		demanded = "demanded of every member"
	}
	return o.print(raw, "Second factor    %s\nMembers          %d\nWho have none    %d\n", demanded, settings.Members, settings.WithoutSecondFactor)
}

func setSignInCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Demand a second factor of every member, or no more.", Args: exactly(0),
		Long: `Demands a second factor of every member, or no more. It holds for running sessions too, from the next request on: whoever has none can do
nothing but set one up. So it says first how many have none, and asks; without a terminal it wants --yes. It is the way out where nobody can
fulfil what was demanded. One member who has lost theirs is helped by "curfew member remove-factor".`,
		Example: `  curfew sign-in set --require-second-factor=false`,
	}
	const flag = "require-second-factor"
	required := command.Flags().Bool(flag, false, "whether every member has to have one")
	command.Flags().Bool("yes", false, "do not ask")
	suggest(command, flag, "true", "false")
	command.PreRunE = func(*cobra.Command, []string) error {
		if !command.Flags().Changed(flag) {
			return misuse(errors.New("name what to change: --" + flag))
		}
		return nil
	}
	return asOperator(env, command, func(o *operator, _ []string) error {
		if *required {
			settings, _, err := o.signIn()
			if err != nil {
				return err
			}
			err = o.confirm("%s without a second factor, of %d, can do nothing but set one up then.", count(settings.WithoutSecondFactor, "member"), settings.Members)
			if err != nil {
				return err
			}
		}
		var settings httpapi.SignInSettings
		raw, err := o.read(&settings)(o.client.Put(o.ctx, signInPath, httpapi.SignInSettingsRequest{RequireSecondFactor: required}))
		if err != nil {
			return err
		}
		return o.printSignIn(raw, settings)
	})
}
