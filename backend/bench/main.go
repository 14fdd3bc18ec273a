// Command bench measures what Curfew promises, on the machine that it runs on: what a checked
// request costs next to one that is not checked, and how costs grow with the number of sessions. It
// prints tables, and writes them as JSON, as a chart and into two READMEs.
//
// The servers are real programs on one CPU, and the load generator (wrk) has the other. They take
// turns in rounds, and every figure compares two of the same round. Only loopback is used.
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

// options are the flags.
type options struct {
	curfew, reference, folder, results, readme, only, sizes string
}

func parse() (o options) {
	flag.StringVar(&o.curfew, "curfew", "bin/curfew", "the program to measure")
	flag.StringVar(&o.reference, "reference", "bin/bench/reference", "the program of the references")
	flag.StringVar(&o.folder, "folder", "bin/bench", "folder on a disk, for the data of the run")
	flag.StringVar(&o.results, "results", "", "folder to write results.json, results.svg and README.md into")
	flag.StringVar(&o.readme, "readme", "", "file to write the five rows into, between its markers")
	flag.StringVar(&o.only, "only", "", `run only the scenes whose names match; "none" for no scene`)
	flag.StringVar(&o.sizes, "sizes", "1000,100000,1000000", "numbers of live sessions; empty for none")
	flag.Parse()
	return o
}

func run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	o := parse()
	wanted, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	progress := func(what string) { fmt.Fprintln(stderr, time.Now().Format(time.TimeOnly), what) }
	growth := scale.Options{Rounds: growthRounds, Curfew: o.curfew, Folder: o.folder, Progress: progress}
	if growth.Sizes, err = numbers(o.sizes); err != nil {
		return err
	}
	s, err := newStage(o.curfew, o.reference, o.folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.strike()) }()

	r := report{Machine: thisMachine(ctx), At: time.Now().UTC()}
	err = measure(ctx, s, wanted, growth, &r)
	r.Seconds = time.Since(r.At).Seconds()
	if err := errors.Join(err, r.print(stdout)); err != nil {
		return err // what was measured until then is printed, and written nowhere
	}
	return errors.Join(r.writeResults(o.results), r.writeReadme(o.readme))
}

// measure runs the scenes that are wanted, and then the growth with the number of sessions.
func measure(ctx context.Context, s *stage, wanted *regexp.Regexp, growth scale.Options, r *report) error {
	for _, scene := range scenes {
		if !wanted.MatchString(scene.name) {
			continue
		}
		growth.Progress(scene.title)
		section, err := scene.run(ctx, s)
		if err := errors.Join(err, s.clear()); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
		r.Sections = append(r.Sections, section)
	}
	if len(growth.Sizes) == 0 {
		return nil
	}
	growth.Progress(fmt.Sprintf("growth up to %d sessions: at most %s, and %d GB of disk",
		growth.Sizes[len(growth.Sizes)-1], growth.Time(), growth.Disk()>>30))
	section, err := scale.Run(ctx, growth)
	r.Sections = append(r.Sections, section)
	if err != nil {
		return fmt.Errorf("growth: %w", err)
	}
	return nil
}

// numbers reads a list of numbers, separated by commas.
func numbers(list string) (all []int, err error) {
	for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return nil, fmt.Errorf("sizes: %q is no number of sessions", text)
		}
		all = append(all, number)
	}
	return all, nil
}
