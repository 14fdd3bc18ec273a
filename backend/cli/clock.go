package cli

import (
	"time"

	"github.com/spf13/cobra"

	"curfew/backend/httpapi"
)

const clockPath = "/api/clock"

func clockCommand(o *operator) *cobra.Command {
	return o.group("clock", "See the clock that sessions use, and accept the machine's time.",
		show(o, "Show the clock that sessions use, and how far it is ahead of the machine's.", clockPath, o.printClock), acceptClockCommand(o))
}

func (o *operator) printClock(now httpapi.Clock) error {
	ahead := time.Duration(now.AheadSeconds * float64(time.Second)).Round(time.Second)
	return o.print("Curfew     %s\nMachine    %s\nAhead      %s\n", second(now.Curfew), second(now.Machine), ahead)
}

func acceptClockCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "accept", Short: "Accept the machine's time after its clock was ahead, and sign everyone out.", Args: usage(cobra.NoArgs),
		Long: `Sets Curfew's clock to the machine's time. Curfew's clock never goes back by itself, because that
would lengthen sessions. So it stays ahead once the machine's clock was ahead. Set the machine's
clock right first.

This signs everyone out for good and withdraws all one-time links. The command first shows what that
ends, and asks.`,
	}
	o.addYes(command)
	return o.readWrite(command, func([]string) error {
		var now httpapi.Clock
		if err := o.get(clockPath, &now); err != nil {
			return err
		}
		if now.AheadSeconds >= 1 {
			err := o.confirm("Curfew's clock says %s and the machine's %s. To accept the machine's time signs everyone out, %s of %s, and withdraws %s.",
				second(now.Curfew), second(now.Machine), count(now.Sessions, "session"), count(now.Members, "member"), count(now.Links, "one-time link"))
			if err != nil {
				return err
			}
		}
		var accepted httpapi.RevocationReceipt
		if err := o.post(clockPath+"/accept", nil, &accepted); err != nil {
			return err
		}
		return o.print("Accepted %s. Signed everyone out: %s of %s; %s withdrawn. Audit entry %d, %s.\n",
			second(accepted.RevokedAt), count(accepted.SessionsEnded, "session"), count(accepted.MembersSignedOut, "member"),
			count(accepted.LinksWithdrawn, "one-time link"), accepted.AuditSequence, accepted.AuditHash)
	})
}

// second formats a time to the second, in the local zone.
func second(t time.Time) string { return t.Local().Format(time.RFC3339) }
