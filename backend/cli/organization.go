package cli

import (
	"github.com/spf13/cobra"

	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

func organizationCommand(o *operator) *cobra.Command {
	return o.group("organization", "Rename the organization.", setOrganizationCommand(o))
}

func setOrganizationCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Change the organization's name, which every page and mail shows.", Args: exactly(0),
		Example: `  curfew organization set --name "Example & Daughters"`,
	}
	name := command.Flags().String("name", "", "the new name")
	requireOneOf(command, "name")
	return o.readWrite(command, func([]string) error {
		var organization httpapi.Organization
		if err := o.call("PUT", "/api/settings/organization", httpapi.OrganizationRequest{Name: *name}, &organization); err != nil {
			return err
		}
		return o.print("Name    %s\n", fold.Printable(organization.Name))
	})
}
