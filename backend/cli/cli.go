// Package cli is the command line: serve and what an operator needs beside it. It reads the settings, prints for people or, with --json, for
// programs, and turns an error into one line and an exit code.
//
// The operator's commands are thin clients of the JSON API: through the server that runs on the data folder, or without one.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"curfew/backend/app"
	"curfew/backend/config"
)

// Environment is what the program was started with.
type Environment struct {
	Args    []string
	Environ []string
	Stdin   *os.File
	Stdout  io.Writer
	Stderr  io.Writer
	// Web is the built web app.
	Web fs.FS
}

// What the process ends with. The help and OPERATING.md list them.
const (
	done     = 0
	failed   = 1
	misused  = 2
	broken   = 3
	notFound = 4
)

const exitCodes = `Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 the audit chain is broken; 4 no such member or session.`

// codedError is an error with an exit code of its own.
type codedError struct {
	error
	code int
}

func (e *codedError) Unwrap() error { return e.error }

func misuse(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{err, misused}
}

func exitCode(err error) int {
	var (
		coded   *codedError
		refused *app.RefusedError
	)
	switch {
	case err == nil:
		return done
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &refused) && refused.Problem.Code == "not_found":
		return notFound
	default:
		return failed
	}
}

// Run runs one command and returns the process's exit code. An error is printed in one line.
func Run(env Environment) int {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	root := &cobra.Command{
		Use:           "curfew",
		Short:         "Session control for an organization: how long people stay signed in, who is, and out with everyone at one button.",
		Long:          "Session control for an organization: how long people stay signed in, who is, and out with everyone at one button.\n\n" + exitCodes,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          exactly(0),
	}
	version := root.Flags().Bool("version", false, "show what this program was built from")
	root.RunE = func(command *cobra.Command, args []string) error {
		if *version {
			return versionCommand(env).RunE(command, args)
		}
		return help(command, args)
	}
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			if gone := config.Gone(unknown.GetSpecifiedName()); gone != nil {
				err = gone
			}
		}
		return misuse(err)
	})
	root.AddCommand(
		serveCommand(env), sessionCommand(env), policyCommand(env), signInCommand(env), memberCommand(env), organizationCommand(env),
		auditCommand(env), clockCommand(env), backupCommand(env), restoreCommand(env), configCommand(env), versionCommand(env),
	)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(env.Stderr, "curfew:", oneLine(err))
	}
	return exitCode(err)
}

// help is what a command does that only holds others. Because it does something, a word that is none of them is refused.
func help(command *cobra.Command, _ []string) error { return command.Help() }

// exactly wants that many words after the command, and atLeast that many or more.
func exactly(n int) cobra.PositionalArgs {
	validate := cobra.ExactArgs(n)
	if n == 0 {
		validate = cobra.NoArgs
	}
	return func(command *cobra.Command, args []string) error { return misuse(validate(command, args)) }
}

func atLeast(n int) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error { return misuse(cobra.MinimumNArgs(n)(command, args)) }
}
