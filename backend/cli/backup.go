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

func backupCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "backup FILE", Short: "Write everything that is kept to one file, while the server runs or not.", Args: exactly(1),
		Long: `Writes a copy of the whole database, as it is at one instant, to one file that only its owner can read, and reads the copy through before
it says so. The server goes on meanwhile; it is the server that writes the file, so it must be able to.

Keep the file as safe as the data folder: it holds the hashes of all passwords, who was signed in from where, and the secret that members'
second factors are encrypted under. What signs tokens is not in it: nothing in it opens a session.

` + exitCodes,
	}
	operatorFlags(command.Flags())
	replace := command.Flags().Bool("force", false, "replace a file that is there")
	command.PreRunE = fileIsMeant
	return asReader(env, command, func(o *operator, args []string) error {
		file, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		var made httpapi.Backup
		raw, err := o.read(&made)(o.client.Post(o.ctx, "/api/backup", httpapi.BackupRequest{File: file, Replace: *replace}))
		if err != nil {
			return err
		}
		if info, err := os.Stat(file); err != nil || info.Size() != made.Bytes {
			return fmt.Errorf("the server says that it wrote %s, but it is not there: the server sees other folders than you do; name one that both see, as beside the data folder", file)
		}
		err = o.print(raw, "Backed up to %s: %s, %s alive, and %s of the audit log, up to %s. %s.\nHead: %s\n", file,
			count(made.Members, "member"), count(made.Sessions, "session"), entries(made.Chain.Entries), clock(made.To), size(made.Bytes), made.Chain.Head)
		if err == nil && made.Chain.Broken != nil {
			err = &codedError{fmt.Errorf("the backup is made, but the audit chain in it is broken at entry %d: %s", made.Chain.Broken.Sequence, made.Chain.Broken.Reason), broken}
		}
		return err
	})
}

// fileIsMeant refuses a FILE that a shell was meant to complete and did not.
func fileIsMeant(_ *cobra.Command, args []string) error {
	return misuse(config.CheckPath("FILE", args[0]))
}

func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d kB", (bytes+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}

func restoreCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use: "restore FILE", Short: "Make a backup the database, and sign everybody out.", Args: exactly(1),
		Long: `Makes a backup the database of the data folder, on which no server may run. The backup is checked wholly before anything is touched; if
the machine stops half-way, it is all as before, or done at the next start.

Everybody is signed out for good, one-time links are withdrawn, and new keys are made: nothing that was revoked after the backup lives again.
But members, roles, passwords and second factors are as they were then. Look through what the audit log had after it, where you still have it.

` + exitCodes,
	}
	flags := command.Flags()
	config.Flags(flags, "data", "log-level")
	asJSON := flags.Bool("json", false, "print what was done as JSON")
	force := flags.Bool("force", false, "replace a database that is there, and take a backup whose audit chain is broken")
	command.PreRunE = fileIsMeant
	command.RunE = func(command *cobra.Command, args []string) error {
		cfg, err := config.Load(flags, env.Environ)
		if err != nil {
			return err
		}
		done, err := app.Restore(command.Context(), cfg, args[0], *force, slog.New(slog.DiscardHandler))
		var brokenChain *app.BrokenChainError
		if errors.As(err, &brokenChain) {
			return &codedError{fmt.Errorf("%w. Nothing was changed; if you mean it, say --force", err), broken}
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(env.Stdout).Encode(done)
		}
		_, err = fmt.Fprint(env.Stdout, restoredInWords(done))
		return err
	}
	return command
}

func restoredInWords(done app.Restored) string {
	var words strings.Builder
	fmt.Fprintf(&words, "Restored %q as it was at %s: %s, and %s of the audit log.\n",
		fold.Printable(done.Organization), clock(done.To), count(done.Members, "member"), entries(done.Entries-1))
	fmt.Fprintf(&words, "Everybody has to sign in again: %s ended, %s withdrawn, new keys, and generation %d after %d.\n",
		count(done.SessionsEnded, "session"), count(done.LinksWithdrawn, "one-time link"), done.Generation, done.GenerationBefore)
	fmt.Fprintf(&words, "It is entry %d of the audit log, %s.\n", done.Entries, done.AuditHash)
	if done.Unread != "" {
		fmt.Fprintf(&words, "The database that was replaced could not be read, so generations may come again that it had: %s.\n", strings.TrimSuffix(oneLine(errors.New(done.Unread)), "."))
	}
	if done.BrokenAt > 0 {
		fmt.Fprintf(&words, "The audit chain is broken at entry %d, as it was in the backup: %s.\n", done.BrokenAt, done.BrokenWhy)
	}
	words.WriteString("Members, roles, passwords and second factors are as they were then: who was deactivated, or changed a password, since has to be again; a recovery code used since is good again.\n")
	return words.String()
}
