package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"curfew/backend/app"
	"curfew/backend/config"
)

func memberCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "member", Short: "Help a member who cannot sign in.", Args: cobra.NoArgs, RunE: help}
	command.AddCommand(resetCommand(env))
	return command
}

func resetCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "reset EMAIL",
		Short: "Give a member a new password, reactivate them, and end their sessions. Stop the server first.",
		Long: `Gives a member a new random password, reactivates them and ends their sessions. It is the way back in for an
owner who has lost their password: whoever can write the data folder can do it. It prints the new password once.
It needs the data folder for itself, so stop the server first.`,
		Args: cobra.ExactArgs(1),
	}
	config.Flags(command.Flags())
	command.RunE = func(command *cobra.Command, args []string) (err error) {
		cfg, err := config.Load(command.Flags(), env.Environ)
		if err != nil {
			return err
		}
		folder, err := app.OpenDataFolder(cfg.Data)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, folder.Close()) }()
		m, password, err := folder.ResetMember(command.Context(), args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stdout, "New password for %s: %s\nTheir sessions were ended.\n", m.Email, password)
		return nil
	}
	return command
}
