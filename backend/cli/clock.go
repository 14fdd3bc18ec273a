package cli

import (
	"time"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

func clockCommand(env Environment) *cobra.Command {
	return group("clock", "See the time that sessions live by, and accept the machine's.", showClockCommand(env), acceptClockCommand(env))
}

func showClockCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "show", Short: "Show the time that sessions live by, and how far it is ahead of the machine's.", Args: exactly(0)}
	return asReader(env, command, func(o *operator, _ []string) error {
		now, raw, err := o.clock()
		if err != nil {
			return err
		}
		return o.print(raw, "Curfew     %s\nMachine    %s\nAhead      %s\n", now.Curfew.Local().Format(time.RFC3339), now.Machine.Local().Format(time.RFC3339), ahead(now))
	})
}

func (o *operator) clock() (now httpapi.Clock, raw []byte, err error) {
	raw, err = o.read(&now)(o.client.Get(o.ctx, "/api/clock", nil))
	return now, raw, err
}

func ahead(now httpapi.Clock) time.Duration {
	return time.Duration(now.AheadSeconds * float64(time.Second)).Round(time.Second)
}

func acceptClockCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "accept", Short: "Accept the machine's time after its clock was ahead, and sign everybody out.", Args: exactly(0),
		Long: `Accepts the machine's time again. Curfew's clock never goes back by itself, because that would lengthen sessions: once the machine's was ahead,
Curfew's stays ahead. Set the machine's clock right first. This signs everybody out for good and withdraws all one-time links, so nothing of
before lives longer than it should. It says first how much that is, and asks; without a terminal it wants --yes.`,
	}
	command.Flags().Bool("yes", false, "do not ask")
	return asOperator(env, command, func(o *operator, _ []string) error {
		now, _, err := o.clock()
		if err != nil {
			return err
		}
		if now.AheadSeconds >= 1 {
			err = o.confirm("Curfew's clock says %s and the machine's %s. To accept the machine's signs everybody out, %s of %s, and withdraws %s.",
				now.Curfew.Local().Format(time.RFC3339), now.Machine.Local().Format(time.RFC3339),
				count(now.Sessions, "session"), count(now.Members, "member"), count(now.Links, "one-time link"))
			if err != nil {
				return err
			}
		}
		var accepted httpapi.TimeAccepted
		raw, err := o.read(&accepted)(o.client.Post(o.ctx, "/api/clock/accept", nil))
		if err != nil {
			return err
		}
		return o.print(raw, "Accepted %s. Signed everybody out: %s of %s; %s withdrawn. It is entry %d of the audit log, %s.\n",
			accepted.At.Local().Format(time.RFC3339), count(accepted.SessionsEnded, "session"), count(accepted.MembersSignedOut, "member"),
			count(accepted.LinksWithdrawn, "one-time link"), accepted.AuditSequence, accepted.AuditHash)
	})
}
