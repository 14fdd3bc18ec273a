package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

func organizationCommand(env Environment) *cobra.Command {
	return group("organization", "Rename the organization.", setOrganizationCommand(env))
}

func setOrganizationCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Change the organization's name, which every page and mail shows.", Args: exactly(0),
		Example: `  curfew organization set --name "Example & Daughters"`,
	}
	name := command.Flags().String("name", "", "its name")
	command.PreRunE = func(*cobra.Command, []string) error {
		if !command.Flags().Changed("name") {
			return misuse(errors.New("name what to change: --name"))
		}
		return nil
	}
	return asOperator(env, command, func(o *operator, _ []string) error {
		var organization httpapi.Organization
		raw, err := o.read(&organization)(o.client.Put(o.ctx, "/api/settings/organization", httpapi.OrganizationRequest{Name: *name}))
		if err != nil {
			return err
		}
		return o.print(raw, "Name    %s\n", fold.Printable(organization.Name))
	})
}
