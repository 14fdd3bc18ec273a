package cli

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

const securityPath = "/api/settings/security"

func policyCommand(o *operator) *cobra.Command {
	return o.group("policy", "See and set how long sessions last.",
		show(o, "Show the session configuration in force.", securityPath, o.printSettings), setPolicyCommand(o))
}

func (o *operator) printSettings(settings httpapi.SecuritySettings) error {
	refresh, maximum, by := "off", "none", ""
	if settings.RefreshAutomatically {
		refresh = "on"
	}
	if settings.MaximumLifetime != nil {
		maximum = formatLength(*settings.MaximumLifetime)
	}
	if settings.UpdatedBy != nil {
		by = fmt.Sprintf("Saved                  %s by %s\n", clock(settings.UpdatedAt), fold.Printable(settings.UpdatedBy.Name))
	}
	return o.print("Session length         %s\nRefresh automatically  %s\nMaximum lifetime       %s\nVersion                %d\n%s",
		formatLength(settings.SessionLength), refresh, maximum, settings.Version, by)
}

func setPolicyCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Change the session configuration.", Args: usage(cobra.NoArgs),
		Long: `Changes the values that you give as flags and keeps the others. The new configuration applies to all
sessions, including running ones, from the next request on. So the command first shows how many
sessions will end, and asks.`,
		Example: `  curfew policy set --length "14 days" --refresh=true --max "30 days"
  curfew policy set --max none --yes`,
	}
	flags := command.Flags()
	length := flags.String("length", "", `session length, as in "14 days"; minutes, hours, days or weeks`)
	refresh := flags.Bool("refresh", false, "whether every request starts the length again")
	maximum := flags.String("max", "", `maximum lifetime after the sign-in, as in "30 days", or none`)
	o.addYes(command)
	lengths := []cobra.Completion{"15minutes", "1hour", "12hours", "1day", "14days", "4weeks"}
	suggest(command, "length", lengths...)
	suggest(command, "max", append(lengths, "none")...)
	suggest(command, "refresh", "true", "false")
	requireOneOf(command, "length", "refresh", "max")
	return o.readWrite(command, func([]string) (err error) {
		var saved httpapi.SecuritySettings
		if err := o.get(securityPath, &saved); err != nil {
			return err
		}
		next := httpapi.PolicyRequest{
			SessionLength: lengthRequest(&saved.SessionLength), RefreshAutomatically: &saved.RefreshAutomatically, MaximumLifetime: lengthRequest(saved.MaximumLifetime),
		}
		if flags.Changed("length") {
			if next.SessionLength, err = parseLength("length", *length); err != nil {
				return err
			}
		}
		if flags.Changed("refresh") {
			next.RefreshAutomatically = refresh
		}
		if *maximum == "none" {
			next.MaximumLifetime = nil
		} else if flags.Changed("max") {
			if next.MaximumLifetime, err = parseLength("max", *maximum); err != nil {
				return err
			}
		}
		return o.savePolicy(saved.Version, next)
	})
}

// savePolicy shows what the policy will do, asks, and saves it unless another one was saved
// meanwhile.
func (o *operator) savePolicy(version int64, next httpapi.PolicyRequest) error {
	var preview httpapi.PolicyPreview
	if err := o.post(securityPath+"/preview", next, &preview); err != nil {
		return err
	}
	err := o.confirm("This signs out %s of %s at once, %d within the hour and %d within the day, if they stay inactive.",
		count(preview.AtOnce.Sessions, "session"), count(preview.AtOnce.Members, "member"), preview.WithinHour.Sessions, preview.WithinDay.Sessions)
	if err != nil {
		return err
	}
	var settings httpapi.SecuritySettings
	if err := o.call("PUT", securityPath, next, &settings, strconv.Quote(strconv.FormatInt(version, 10))); err != nil {
		return err
	}
	return o.printSettings(settings)
}

func formatLength(l httpapi.Length) string {
	unit := string(l.Unit)
	return count(l.Value, unit[:len(unit)-1])
}

func lengthRequest(l *httpapi.Length) *httpapi.LengthRequest {
	if l == nil {
		return nil
	}
	return &httpapi.LengthRequest{Value: &l.Value, Unit: &l.Unit}
}

var lengthForm = regexp.MustCompile(`^([0-9]+) ?(minute|hour|day|week)s?$`)

// parseLength parses a length, as in "14 days". The server checks its bounds.
func parseLength(flag, text string) (*httpapi.LengthRequest, error) {
	parts := lengthForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, misuse(fmt.Errorf(`--%s: %q is no length, as in "14 days"; use minutes, hours, days or weeks`, flag, text))
	}
	value, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return nil, misuse(fmt.Errorf("--%s: %q is too long; the longest is 365 days", flag, text))
	}
	unit := httpapi.Unit(parts[2] + "s")
	return &httpapi.LengthRequest{Value: &value, Unit: &unit}, nil
}

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
		Use: "set", Short: "Require a second factor of every member, or stop requiring it.", Args: usage(cobra.NoArgs),
		Long: `Requires a second factor of every member, or stops requiring it. The requirement also applies to
running sessions, from the next request on: a member without a second factor can only set one up. So
the command first shows how many members have none, and asks.

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

func organizationCommand(o *operator) *cobra.Command {
	return o.group("organization", "See and set the organization's name and help contact.",
		show(o, "Show the organization's name and help contact.", generalPath, o.printOrganization), setOrganizationCommand(o))
}

const generalPath = "/api/settings/general"

func (o *operator) printOrganization(organization httpapi.Organization) error {
	contact := "none"
	if organization.HelpContact != nil {
		contact = fold.Printable(*organization.HelpContact)
	}
	return o.print("Name            %s\nHelp contact    %s\n", fold.Printable(organization.Name), contact)
}

func setOrganizationCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Change the organization's name or help contact, which pages show before sign-in too.", Args: usage(cobra.NoArgs),
		Example: `  curfew organization set --name "Example & Daughters"
  curfew organization set --help-contact "Ana Lima, ana@example.org, room 12"`,
	}
	name := command.Flags().String("name", "", "the new name")
	contact := command.Flags().String("help-contact", "", "where members find help; empty for none")
	requireOneOf(command, "name", "help-contact")
	return o.readWrite(command, func([]string) error {
		var organization httpapi.Organization
		if err := o.get(generalPath, &organization); err != nil {
			return err
		}
		next := httpapi.GeneralSettingsRequest{Name: organization.Name, HelpContact: organization.HelpContact}
		if command.Flags().Changed("name") {
			next.Name = *name
		}
		if command.Flags().Changed("help-contact") {
			next.HelpContact = contact
		}
		organization = httpapi.Organization{}
		if err := o.call("PUT", generalPath, next, &organization); err != nil {
			return err
		}
		return o.printOrganization(organization)
	})
}
