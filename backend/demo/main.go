// Command demo generates an organization with 200 members, 1,200 live sessions and a month of
// history, in a new data folder that curfew can serve. All of it is written by the product's own
// services and store, at the time of the story, so the pages show nothing that could not happen.
//
// The story is the same each time, except for ids, secrets and its end, which is now.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"curfew/backend/config"
)

// The owner's credentials. They are no secret: the folder is for a local demonstration.
const (
	ownerEmail   = "ana@example.org"
	demoPassword = "correct horse battery staple"
)

const usage = `Generates a demo organization: 200 members, 1,200 live sessions and a month of history.

Usage:
  curfew-demo FOLDER

FOLDER is a new data folder. Serve it with: curfew serve --data FOLDER
`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "curfew-demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := pflag.NewFlagSet("curfew-demo", pflag.ContinueOnError)
	flags.Usage = func() {}
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return fmt.Errorf("%w\n\n%s", err, usage)
	case flags.NArg() != 1:
		return fmt.Errorf("name the new data folder to fill\n\n%s", usage)
	}
	began := time.Now()
	made, err := fill(ctx, flags.Arg(0), began)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n  %s: %d members, %d live sessions and a month of history, generated in %s\n",
		organizationName, made.members, made.sessions, time.Since(began).Round(100*time.Millisecond))
	fmt.Fprintf(stdout, "  Sign in as      %s\n  with            %s\n", ownerEmail, demoPassword)
	fmt.Fprintln(stdout, "  Only for a demonstration: every member has this well-known password. Store nothing here, and let no one else reach it.")
	return nil
}

// fill generates the organization in a new data folder. Its month ends at the given time.
func fill(ctx context.Context, folder string, now time.Time) (made figures, err error) {
	if err := config.CheckPath("FOLDER", folder); err != nil {
		return figures{}, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return figures{}, fmt.Errorf("make the data folder: %w", err)
	}
	kept, err := os.ReadDir(folder)
	if err != nil {
		return figures{}, fmt.Errorf("read the data folder: %w", err)
	}
	if len(kept) > 0 {
		return figures{}, fmt.Errorf("%s is not empty; name a new folder", folder)
	}
	deployment, err := open(ctx, filepath.Join(folder, "curfew.db"))
	if err != nil {
		return figures{}, err
	}
	defer func() { err = errors.Join(err, deployment.close()) }()
	cast, err := readCast()
	if err != nil {
		return figures{}, err
	}
	return plan(deployment, cast, now).run(ctx)
}
