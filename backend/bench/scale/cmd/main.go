// Command cmd measures how what Curfew does grows with the number of live sessions, and prints it; see package scale.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"curfew/backend/bench/scale"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	var (
		sizes   = flag.String("sizes", "1000,100000,1000000", "numbers of live sessions")
		rounds  = flag.Int("rounds", 5, "how often to measure everything")
		program = flag.String("program", "../../bin/curfew", "the program to start")
		folder  = flag.String("folder", ".", "folder on a disk, for databases of all sizes")
		asJSON  = flag.String("json", "", "file to write the result to as JSON")
		asSVG   = flag.String("svg", "", "file to write the result to as a chart")
	)
	flag.Parse()
	options := scale.Options{
		Rounds: *rounds, Program: *program, Folder: *folder, Progress: func(what string) { fmt.Fprintln(os.Stderr, what) },
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		options.Sizes = append(options.Sizes, size)
	}
	result, err := scale.Run(ctx, options)
	if err != nil {
		return err
	}
	for path, write := range map[string]func(io.Writer) error{*asJSON: result.WriteJSON, *asSVG: result.WriteChart} {
		if path == "" {
			continue
		}
		if err := toFile(path, write); err != nil {
			return err
		}
	}
	return result.WriteTable(os.Stdout)
}

func toFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
