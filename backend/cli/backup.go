package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"curfew/backend/app"
	"curfew/backend/config"
	"curfew/backend/fold"
	"curfew/backend/httpapi"
)

func backupCommand(o *operator) *cobra.Command {
	command := &cobra.Command{
		Use: "backup FILE", Short: "Write a copy of the database to one file, whether the server runs or not.", Args: usage(oneFile),
		Long: `Writes a copy of the whole database, as it is at one instant, to one file that only its owner can
read. It then reads the copy and checks it. A running server goes on meanwhile. The server writes the
file, so it needs the right to do so.

Keep the file as safe as the data folder. It holds the hashes of all passwords, who was signed in from
where, and the key that encrypts members' second factors. It does not hold the keys that sign tokens,
so nothing in it opens a session.

` + exitCodes,
	}
	o.addFlags(command.Flags())
	replace := command.Flags().Bool("force", false, "replace an existing file")
	return o.readOnly(command, func(args []string) error {
		file, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		var made httpapi.Backup
		if err := o.post("/api/backup", httpapi.BackupRequest{File: file, Replace: *replace}, &made); err != nil {
			return err
		}
		if info, err := os.Stat(file); err != nil || info.Size() != made.Bytes {
			return fmt.Errorf("the server wrote %s, but it is not there: the server sees other folders than you do; name a file in a folder that both see, as next to the data folder", file)
		}
		err = o.print("Backed up to %s: %s, %s alive, and %s of the audit log, up to %s. %s.\nHead: %s\n", file,
			count(made.Members, "member"), count(made.Sessions, "session"), count(made.Chain.Entries, "entry"), clock(made.To), formatSize(made.Bytes), made.Chain.Head)
		if err == nil && made.Chain.Broken != nil {
			err = &codedError{fmt.Errorf("the backup is made, but its audit chain is broken at entry %d: %s", made.Chain.Broken.Sequence, made.Chain.Broken.Reason), exitBroken}
		}
		return err
	})
}

// oneFile requires a path as the only argument.
func oneFile(command *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(command, args); err != nil {
		return err
	}
	return config.CheckPath("FILE", args[0])
}

func formatSize(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d kB", (bytes+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}

func restoreCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "restore FILE", Short: "Replace the database with a backup, and sign everyone out.", Args: usage(oneFile),
		Long: `Replaces the database of the data folder with a backup. No server may run on the folder. The whole
backup is checked before anything changes. If the machine stops half-way, the folder stays as it was,
or the restore finishes at the next start.

Everyone is signed out for good, one-time links are withdrawn, and new keys are made. So nothing that
was revoked after the backup works again. Members, roles, passwords and second factors are as they
were at the time of the backup. If you still have the audit log from after it, look at what changed.

` + exitCodes,
	}
	asJSON := command.Flags().Bool("json", false, "print the result as JSON")
	force := command.Flags().Bool("force", false, "replace an existing database, and accept a backup whose audit chain is broken")
	return configured(env, command, []string{"data", "log-level"}, func(cfg config.Config, args []string) error {
		restored, err := app.Restore(command.Context(), cfg, args[0], *force, slog.New(slog.DiscardHandler))
		var brokenChain *app.BrokenChainError
		if errors.As(err, &brokenChain) {
			return &codedError{fmt.Errorf("%w. Nothing was changed; to restore it anyway, add --force", err), exitBroken}
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(env.Stdout).Encode(restored)
		}
		_, err = fmt.Fprint(env.Stdout, formatRestored(restored))
		return err
	})
}

func formatRestored(restored app.Restored) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Restored %q as it was at %s: %s, and %s of the audit log.\n",
		fold.Printable(restored.Organization), clock(restored.To), count(restored.Members, "member"), count(restored.Entries-1, "entry"))
	fmt.Fprintf(&text, "Everyone has to sign in again: %s ended, %s withdrawn, new keys, and generation %d after %d.\n",
		count(restored.SessionsEnded, "session"), count(restored.LinksWithdrawn, "one-time link"), restored.Generation, restored.GenerationBefore)
	fmt.Fprintf(&text, "Audit entry %d, %s.\n", restored.Entries, restored.AuditHash)
	if restored.Unread != "" {
		fmt.Fprintf(&text, "The replaced database could not be read, so its generation numbers may be used again: %s.\n", strings.TrimSuffix(oneLine(restored.Unread), "."))
	}
	if restored.BrokenAt > 0 {
		fmt.Fprintf(&text, "The audit chain of the backup is broken at entry %d: %s.\n", restored.BrokenAt, restored.BrokenWhy)
	}
	text.WriteString("Members, roles, passwords and second factors are as they were then. Repeat what was changed since: deactivations, passwords, and recovery codes that were used.\n")
	return text.String()
}
