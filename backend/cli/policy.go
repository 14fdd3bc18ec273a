package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

const settingsPath = "/api/settings/security"

func policyCommand(env Environment) *cobra.Command {
	return group("policy", "See and set how long sessions live.", showPolicyCommand(env), setPolicyCommand(env))
}

func showPolicyCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "show", Short: "Show the session configuration in force.", Args: exactly(0)}
	return asReader(env, command, func(o *operator, _ []string) error {
		settings, raw, err := o.settings()
		if err != nil {
			return err
		}
		return o.printSettings(raw, settings)
	})
}

func (o *operator) settings() (settings httpapi.SecuritySettings, raw []byte, err error) {
	raw, err = o.read(&settings)(o.client.Get(o.ctx, settingsPath, nil))
	return settings, raw, err
}

func (o *operator) printSettings(raw []byte, settings httpapi.SecuritySettings) error {
	refresh, maximum, by := "off", "none", ""
	if settings.RefreshAutomatically {
		refresh = "on"
	}
	if settings.MaximumLifetime != nil {
		maximum = lengthInWords(*settings.MaximumLifetime)
	}
	if settings.UpdatedBy != nil {
		by = fmt.Sprintf("Saved                  %s by %s\n", clock(settings.UpdatedAt), fold.Printable(settings.UpdatedBy.Name))
	}
	return o.print(raw, "Session length         %s\nRefresh automatically  %s\nMaximum lifetime       %s\nVersion                %d\n%s",
		lengthInWords(settings.SessionLength), refresh, maximum, settings.Version, by)
}

func setPolicyCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "set", Short: "Change the session configuration.", Args: exactly(0),
		Long: `Changes what its flags name and leaves the rest as it is. It governs every session, running ones included, from the next request on; so it
says first whom that signs out, and asks; without a terminal it wants --yes.`,
		Example: `  curfew policy set --length "14 days" --refresh=true --max "30 days"
  curfew policy set --max none --yes`,
	}
	flags := command.Flags()
	length := flags.String("length", "", `session length, as in "14 days"; minutes, hours, days or weeks`)
	refresh := flags.Bool("refresh", false, "whether every access starts the length anew")
	maximum := flags.String("max", "", `maximum lifetime from the sign-in on, as in "30 days", or none`)
	flags.Bool("yes", false, "do not ask")
	lengths := []cobra.Completion{"15minutes", "1hour", "12hours", "1day", "14days", "4weeks"}
	suggest(command, "length", lengths...)
	suggest(command, "max", append(lengths, "none")...)
	suggest(command, "refresh", "true", "false")
	command.PreRunE = func(*cobra.Command, []string) error {
		if !flags.Changed("length") && !flags.Changed("refresh") && !flags.Changed("max") {
			return misuse(errors.New("name what to change: --length, --refresh or --max"))
		}
		return nil
	}
	return asOperator(env, command, func(o *operator, _ []string) error {
		saved, _, err := o.settings()
		if err != nil {
			return err
		}
		next := httpapi.PolicyRequest{
			SessionLength: lengthToSend(&saved.SessionLength), RefreshAutomatically: &saved.RefreshAutomatically, MaximumLifetime: lengthToSend(saved.MaximumLifetime),
		}
		if flags.Changed("length") {
			if next.SessionLength, err = readLength("length", *length); err != nil {
				return err
			}
		}
		if flags.Changed("refresh") {
			next.RefreshAutomatically = refresh
		}
		if *maximum == "none" {
			next.MaximumLifetime = nil
		} else if flags.Changed("max") {
			if next.MaximumLifetime, err = readLength("max", *maximum); err != nil {
				return err
			}
		}
		return o.savePolicy(saved.Version, next)
	})
}

// savePolicy says what the policy would do, asks, and saves it, unless somebody else saved one meanwhile.
func (o *operator) savePolicy(version int64, next httpapi.PolicyRequest) error {
	var preview httpapi.PolicyPreview
	if _, err := o.read(&preview)(o.client.Post(o.ctx, settingsPath+"/preview", next)); err != nil {
		return err
	}
	err := o.confirm("This signs out %s of %s at once, %d within the hour and %d within the day, if nobody comes back meanwhile.",
		count(preview.AtOnce.Sessions, "session"), count(preview.AtOnce.Members, "member"), preview.WithinHour.Sessions, preview.WithinDay.Sessions)
	if err != nil {
		return err
	}
	var settings httpapi.SecuritySettings
	raw, err := o.read(&settings)(o.client.PutOver(o.ctx, settingsPath, version, next))
	if err != nil {
		return err
	}
	return o.printSettings(raw, settings)
}

// suggest is what the shell offers for a flag.
func suggest(command *cobra.Command, flag string, values ...cobra.Completion) {
	if err := command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // only for a flag that there is not
	}
}

func lengthInWords(l httpapi.Length) string {
	unit := string(l.Unit)
	return count(l.Value, unit[:len(unit)-1])
}

func lengthToSend(l *httpapi.Length) *httpapi.LengthRequest {
	if l == nil {
		return nil
	}
	return &httpapi.LengthRequest{Value: &l.Value, Unit: &l.Unit}
}

var lengthForm = regexp.MustCompile(`^([0-9]+) ?(minute|hour|day|week)s?$`)

// readLength reads "14 days". What is out of bounds is the server's to say.
func readLength(flag, text string) (*httpapi.LengthRequest, error) {
	parts := lengthForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, misuse(fmt.Errorf(`--%s: %q is no length, as in "14 days"; use minutes, hours, days or weeks`, flag, text))
	}
	value, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return nil, misuse(fmt.Errorf("--%s: %q is too long; 365 days is the longest", flag, text))
	}
	unit := httpapi.Unit(parts[2] + "s")
	return &httpapi.LengthRequest{Value: &value, Unit: &unit}, nil
}
