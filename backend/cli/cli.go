// Package cli is the command line: serve and what an operator needs beside it. It reads the settings, prints for people, and turns
// an error into one line and an exit code.
package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Environment is what the program was started with.
type Environment struct {
	Args    []string
	Environ []string
	Stdout  io.Writer
	Stderr  io.Writer
	// Web is the built web app.
	Web fs.FS
}

// Run runs one command and returns the process's exit code: 0, or 1 after an error, which it prints in one line.
func Run(env Environment) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "curfew",
		Short:         "Session control for an organization: how long people stay signed in, who is, and out with everyone at one button.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          help,
	}
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.AddCommand(serveCommand(env), memberCommand(env), configCommand(env), versionCommand(env))
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(env.Stderr, "curfew:", oneLine(err))
		return 1
	}
	return 0
}

// help is what a command does that only holds others. Because it does something, a word that is none of them is refused.
func help(command *cobra.Command, _ []string) error { return command.Help() }
