// Command bench measures what Curfew promises, on the machine that it runs on: what a checked request costs beside one that nobody checks,
// and beside what others do. It prints a table, and writes it as JSON, as a chart, and into the README.
//
// Every figure compares two servers in the same round, so that it holds on a slow machine as on a quick one, and in a noisy hour as in a quiet
// one. The servers are real programs on one processor, and the load generator (wrk) has the other. Nothing but loopback is used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"curfew/backend/bench/scale"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	var (
		curfew    = flag.String("curfew", "bin/curfew", "the program to measure")
		reference = flag.String("reference", "bin/bench/reference", "the program of the references")
		folder    = flag.String("folder", "bin/bench", "folder on a disk, for what is made on the way")
		results   = flag.String("results", "", "folder to write the results to, as JSON and as a chart")
		readme    = flag.String("readme", "", "file to write the table into, between its markers")
		only      = flag.String("only", "", "measure only scenes whose names match; \"none\" for none of them")
		sizes     = flag.String("sizes", "1000,100000,1000000", "numbers of live sessions by which costs are drawn; empty for none")
	)
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	s, err := newStage(*curfew, *reference, *folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.strike()) }()

	r := report{Machine: thisMachine(ctx), At: time.Now().UTC()}
	err = measure(ctx, s, wanted, *sizes, &r, stderr)
	r.Seconds = time.Since(r.At).Seconds()
	if err := errors.Join(err, r.print(stdout)); err != nil {
		return err // what was measured until then is printed, but kept nowhere
	}
	return errors.Join(r.writeResults(*results), r.writeReadme(*readme))
}

// measure plays the scenes that are wanted, and then lets numbers of sessions grow.
func measure(ctx context.Context, s *stage, wanted *regexp.Regexp, sizes string, r *report, stderr io.Writer) (err error) {
	for _, scene := range scenes {
		if !wanted.MatchString(scene.name) {
			continue
		}
		fmt.Fprintln(stderr, time.Now().Format(time.TimeOnly), scene.title)
		measured, err := scene.play(ctx, s)
		if err := errors.Join(err, s.clear()); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
		if err := r.add(scene, measured); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	r.Growth, err = grow(ctx, sizes, s.curfew, s.folder, stderr)
	return err
}

// grow measures how costs grow with the number of live sessions; nil where no numbers are named.
func grow(ctx context.Context, sizes, curfew, folder string, stderr io.Writer) (*scale.Result, error) {
	if sizes == "" {
		return nil, nil //nolint:nilnil // nothing was asked for
	}
	options := scale.Options{Rounds: fewerRounds, Program: curfew, Folder: folder, Progress: func(what string) {
		fmt.Fprintln(stderr, time.Now().Format(time.TimeOnly), what)
	}}
	for text := range strings.SplitSeq(sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("sizes: %w", err)
		}
		options.Sizes = append(options.Sizes, size)
	}
	result, err := scale.Run(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("grow: %w", err)
	}
	return &result, nil
}
