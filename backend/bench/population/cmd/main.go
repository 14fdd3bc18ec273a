// Command cmd makes up an organization of any size in a new data folder that curfew can serve; see package population.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"curfew/backend/bench/population"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "population:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("name the new data folder, how many sessions, and of how many members: FOLDER SESSIONS MEMBERS")
	}
	sessions, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	members, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return population.Create(ctx, args[0], sessions, members)
}
