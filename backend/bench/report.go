package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"curfew/backend/bench/scale"
)

// report is what was measured in one run.
type report struct {
	Machine machine   `json:"machine"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
	Scenes  []outcome `json:"scenes"`
	// Growth is how costs grow with the number of live sessions; nil where that was not measured.
	Growth *scale.Result `json:"growth,omitempty"`
}

// outcome is what came out of a scene.
type outcome struct {
	Title   string   `json:"title"`
	Figures []result `json:"figures"`
	// Noisy are the rounds, from 1, in which the reference was off its usual rate.
	Noisy  []int  `json:"noisyRounds"`
	Rounds rounds `json:"rounds"`
}

// result is a figure as it was measured.
type result struct {
	Title string `json:"title"`
	// Bar is its name in the chart, and Ours tells that it is Curfew's; empty for what is not drawn.
	Bar  string `json:"bar,omitempty"`
	Ours bool   `json:"ours,omitempty"`
	spread
	Unit    string   `json:"unit,omitempty"`
	AtLeast *float64 `json:"atLeast,omitempty"`
	AtMost  *float64 `json:"atMost,omitempty"`
	Aim     *float64 `json:"aim,omitempty"`
	Met     *bool    `json:"met,omitempty"`
}

func (r *report) add(s scene, measured rounds) error {
	o := outcome{Title: s.title, Rounds: measured, Noisy: measured.noisy(s.reference)}
	for _, f := range s.figures {
		came, err := f.result(measured)
		if err != nil {
			return err
		}
		o.Figures = append(o.Figures, came)
	}
	r.Scenes = append(r.Scenes, o)
	return nil
}

func (f figure) result(measured rounds) (result, error) {
	r := result{Title: f.title, Bar: f.bar, Ours: f.target != target{}, spread: spreadOf(measured.each(f.value)), Unit: f.unit}
	if math.IsNaN(r.Low+r.High) || math.IsInf(r.Low+r.High, 0) {
		return result{}, fmt.Errorf("%s: not measured", f.title)
	}
	if f.target == (target{}) {
		return r, nil
	}
	met := f.target.met(r.Median)
	r.Met = &met
	if f.target.atLeast != 0 {
		r.AtLeast = &f.target.atLeast
	}
	if f.target.atMost != 0 {
		r.AtMost = &f.target.atMost
	}
	if f.target.aim != 0 {
		r.Aim = &f.target.aim
	}
	return r, nil
}

// machine is where it was measured.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
}

func thisMachine(ctx context.Context) machine {
	m := machine{CPU: "an unknown processor", Cores: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version()}
	if found, err := cpu.InfoWithContext(ctx); err == nil && len(found) > 0 {
		m.CPU = found[0].ModelName
	}
	if found, err := host.InfoWithContext(ctx); err == nil {
		m.OS = fmt.Sprintf("%s %s, Linux %s", found.Platform, found.PlatformVersion, found.KernelVersion)
	}
	return m
}

// print writes the report for a terminal.
func (r report) print(w io.Writer) error {
	fmt.Fprintln(w, r.where())
	for _, o := range r.Scenes {
		fmt.Fprintf(w, "\n%s%s\n", o.Title, o.noise())
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, f := range o.Figures {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", f.Title, f.measured(), f.reach(), f.target(), f.verdict())
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if r.Growth != nil {
		fmt.Fprintln(w, "\nHow costs grow with the number of live sessions")
		if err := r.Growth.WriteTable(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\nMeasured in %.0f s.\n", r.Seconds)
	return err
}

func (r report) where() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go, r.At.Format("2 January 2006"))
}

func (o outcome) noise() string {
	if len(o.Noisy) == 0 {
		return ""
	}
	names := make([]string, len(o.Noisy))
	for i, round := range o.Noisy {
		names[i] = strconv.Itoa(round)
	}
	return fmt.Sprintf(" (noisy: %d of %d rounds, %s)", len(o.Noisy), len(o.Rounds), strings.Join(names, ", "))
}

func (r result) measured() string { return short(r.Median) + r.Unit }

func (r result) reach() string { return short(r.Low) + "–" + short(r.High) }

func (r result) target() string {
	switch {
	case r.Aim != nil:
		return "at least " + short(*r.AtLeast) + ", aim " + short(*r.Aim)
	case r.AtLeast != nil:
		return "at least " + short(*r.AtLeast)
	case r.AtMost != nil:
		return "at most " + short(*r.AtMost)
	}
	return ""
}

func (r result) verdict() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return "met"
	}
	return "not met"
}

// english groups thousands.
var english = message.NewPrinter(language.English)

// short is a number with the digits that mean something.
func short(value float64) string {
	digits := 2
	switch {
	case value >= 100:
		digits = 0
	case value >= 10:
		digits = 1
	}
	return english.Sprintf("%.*f", digits, value)
}

// writeResults keeps the report in a folder, for programs and as a chart; nowhere where none is named.
func (r report) writeResults(folder string) error {
	if folder == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	charts := map[string]func(io.Writer) error{}
	if len(r.bars()) > 0 {
		charts["results.svg"] = r.draw
	}
	if r.Growth != nil {
		charts["growth.svg"] = r.Growth.WriteChart
	}
	for name, draw := range charts {
		var chart bytes.Buffer
		if err := draw(&chart); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), chart.Bytes(), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "results.json"), append(text, '\n'), 0o644) //nolint:gosec // as above
}

// writeReadme puts the table into a file, between its markers; nowhere where none is named.
func (r report) writeReadme(path string) error {
	if path == "" {
		return nil
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := replaceBetween(string(before), "<!-- bench -->", "<!-- /bench -->", r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(after), 0o644) //nolint:gosec // for everybody to read
}

// markdown is the table for the README.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s. Medians of rounds, with the lowest and the highest.\n\n", r.where())
	b.WriteString("| | measured | spread | target | |\n| --- | --- | --- | --- | --- |\n")
	for _, o := range r.Scenes {
		fmt.Fprintf(&b, "| **%s**%s | | | | |\n", o.Title, o.noise())
		for _, f := range o.Figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.Title, f.measured(), f.reach(), f.target(), f.verdict())
		}
	}
	if r.Growth != nil {
		b.WriteString("\n" + r.Growth.Markdown())
	}
	return b.String()
}

// replaceBetween puts the inner text between two markers, which have to stand in the text once each, and in order.
func replaceBetween(text, begin, end, inner string) (string, error) {
	for _, marker := range []string{begin, end} {
		if n := strings.Count(text, marker); n != 1 {
			return "", fmt.Errorf("%s stands there %d times and not once", marker, n)
		}
	}
	head, rest, _ := strings.Cut(text, begin)
	_, tail, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("%s stands behind %s", begin, end)
	}
	return head + begin + "\n" + strings.TrimSpace(inner) + "\n" + end + tail, nil
}
