// Command cmd makes an organization of any size in a new data folder; see package population.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"

	"curfew/backend/bench/population"
)

func main() {
	curfew := flag.String("curfew", "bin/curfew", "the program that serves the folder")
	flag.Parse()
	if err := run(context.Background(), *curfew, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "population:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, curfew string, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: curfew-population [--curfew PATH] FOLDER SESSIONS MEMBERS")
	}
	sessions, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	members, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return population.Create(ctx, curfew, args[0], sessions, members)
}
