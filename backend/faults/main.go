// Command faults breaks the machine under Curfew, and judges whether Curfew kept its promises
// meanwhile: it runs the real program under load while it is killed, paused, starved of disk,
// descriptors and memory, locked out of its database and misled about the time. What every client
// saw is judged afterwards by package judge, which shares no code with the product.
//
// A judge who finds nothing has to show that they could: the same is done with programs that make a
// mistake on purpose, each of which has to be caught. Nothing but loopback is used, and nothing
// outside of one folder is written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// errBroken is given when a promise was broken, or when a mutant was not caught.
var errBroken = errors.New("a promise was broken, or a mistake went unnoticed")

func run(ctx context.Context) (err error) {
	var (
		curfew   = flag.String("curfew", "bin/faults/curfew", "the program, built with the tag failpoint")
		mutant   = flag.String("mutants", "bin/faults/curfew-mutants", "the program that makes mistakes when told to")
		folder   = flag.String("folder", "bin/faults", "folder on a disk, for data folders")
		results  = flag.String("results", "", "folder to write the results to, as JSON")
		add      = flag.Bool("add", false, "add to the results that are there already, as of a long campaign in slices")
		only     = flag.String("only", "", "play only scenes whose names match")
		which    = flag.String("mutant", "", "try only mutants whose names match")
		times    = flag.Float64("times", 1, "how many times as many faults as usual")
		within   = flag.Duration("within", 0, "begin nothing new after that time; 0 for no end")
		overlay  = flag.String("overlay", "", "write the sources of the mutants into this folder, for go build -overlay, and do nothing else")
		checkout = flag.String("checkout", ".", "where the product's sources are, for -overlay")
	)
	flag.Parse()
	if *overlay != "" {
		return writeOverlay(*checkout, *overlay)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	wantedMutants, err := regexp.Compile(*which)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(*folder, "run-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	begun := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1fs  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	s := &stage{curfew: *curfew, mutant: *mutant, folder: work, begun: begun, mutants: wantedMutants, say: say, report: newReport(say)}
	if *within > 0 {
		s.until = begun.Add(*within)
	}
	if s.deployment, err = build(ctx, *curfew, filepath.Join(work, "deployment")); err != nil {
		return err
	}
	for _, scene := range scenes {
		if !wanted.MatchString(scene.name) {
			continue
		}
		if s.late() {
			say("%s: not played, for want of time", scene.name)
			continue
		}
		say("%s", scene.name)
		if err := scene.play(s, ctx, max(1, int(float64(scene.times)**times))); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	s.report.Seconds = time.Since(begun).Round(time.Second).Seconds()
	s.report.finish()
	if *add {
		if err := s.report.addTo(*results); err != nil {
			return err
		}
	}
	s.report.print(os.Stdout)
	printInvariants(os.Stdout)
	if err := s.report.write(*results); err != nil {
		return err
	}
	if s.report.failed() {
		return errBroken
	}
	return nil
}

// scenes are everything that is done, each with how often in a usual run.
var scenes = []struct {
	name  string
	times int
	play  func(*stage, context.Context, int) error
}{
	{"kills", 90, (*stage).kills},
	{"pauses", 20, (*stage).pauses},
	{"full disk", 10, (*stage).fills},
	{"read-only file system", 3, (*stage).readOnly},
	{"locked database", 10, (*stage).locks},
	{"corrupt files", 20, (*stage).corrupt},
	{"clock", 1, (*stage).mislead},
	{"starved", 3, (*stage).starve},
	{"unknown commits", 10, (*stage).doubt},
	{"a thousand at once", 1, (*stage).besiege},
	{"sync before answer", 1, (*stage).trace},
	{savedFiles, 1, (*stage).save},
	{"mutants", 5, (*stage).mutate},
}
