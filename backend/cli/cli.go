// Package cli is the command line: serve, and the operator's commands. It prints for people or,
// with
// --json, for programs, and turns an error into one line and an exit code.
//
// The operator's commands are clients of the JSON API. They call the server that runs on the data
// folder or, if none does, the same handlers in this process.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
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

// The exit codes. The help and OPERATING.md list them.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitBroken   = 3
	exitNotFound = 4
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
	return &codedError{err, exitUsage}
}

func exitCode(err error) int {
	var (
		coded   *codedError
		refused *app.RefusedError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &refused) && refused.Problem.Code == "not_found":
		return exitNotFound
	default:
		return exitFailed
	}
}

// Run runs one command and returns the exit code of the process. An error is printed in one line.
func Run(env Environment) int {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	err := rootCommand(env).ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(env.Stderr, "curfew:", oneLine(err.Error()))
	}
	return exitCode(err)
}

func rootCommand(env Environment) *cobra.Command {
	const short = "Session control for an organization: see who is signed in, set how long sessions last, sign everyone out."
	root := &cobra.Command{Use: "curfew", Short: short, Long: short + "\n\n" + exitCodes, SilenceUsage: true, SilenceErrors: true, Args: usage(cobra.NoArgs)}
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
			if removed := config.Removed(unknown.GetSpecifiedName()); removed != nil {
				err = removed
			}
		}
		return misuse(err)
	})
	o := &operator{Environment: env}
	root.AddCommand(
		serveCommand(env), sessionCommand(o), policyCommand(o), signInCommand(o), memberCommand(o), organizationCommand(o),
		auditCommand(o), clockCommand(o), backupCommand(o), restoreCommand(env), configCommand(env), versionCommand(env),
	)
	return root
}

// help is the work of a command that only holds others. With it, cobra refuses an unknown command.
func help(command *cobra.Command, _ []string) error { return command.Help() }

// usage makes a refusal of arguments end with the exit code for wrong usage.
func usage(validate cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error { return misuse(validate(command, args)) }
}

// configured makes a command load its settings before it works. Its flags are the named settings,
// or all if none is named.
func configured(env Environment, command *cobra.Command, settings []string, work func(cfg config.Config, args []string) error) *cobra.Command {
	config.Flags(command.Flags(), settings...)
	command.RunE = func(command *cobra.Command, args []string) error {
		cfg, err := config.Load(command.Flags(), env.Environ)
		if err != nil {
			return err
		}
		return work(cfg, args)
	}
	return command
}

// oneLine joins the lines of a message.
func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }
