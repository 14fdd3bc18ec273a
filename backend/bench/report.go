package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
)

// report is what was measured in one run.
type report struct {
	Machine machine   `json:"machine"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
	Scenes  []outcome `json:"scenes"`
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
	spread
	Unit    string   `json:"unit,omitempty"`
	AtLeast *float64 `json:"atLeast,omitempty"`
	AtMost  *float64 `json:"atMost,omitempty"`
	Met     *bool    `json:"met,omitempty"`
}

func (r *report) add(s scene, measured rounds) {
	o := outcome{Title: s.title, Rounds: measured, Noisy: noisy(values(measured[s.reference], measurement.rate))}
	for _, f := range s.figures {
		o.Figures = append(o.Figures, f.of1(measured))
	}
	r.Scenes = append(r.Scenes, o)
}

func (f figure) of1(measured rounds) result {
	taken := values(measured[f.of], f.value)
	if f.over != "" {
		taken = ratios(taken, values(measured[f.over], f.value))
	}
	out := result{Title: f.title, spread: spreadOf(taken), Unit: f.unit}
	if f.target.exists() {
		met := f.target.met(out.Median)
		out.Met = &met
	}
	if f.target.atLeast != 0 {
		out.AtLeast = &f.target.atLeast
	}
	if f.target.atMost != 0 {
		out.AtMost = &f.target.atMost
	}
	return out
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
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", f.Title, f.measured(), f.range_(), f.target(), f.verdict())
		}
		if err := table.Flush(); err != nil {
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
	return fmt.Sprintf(" (noisy: %d of the rounds, %s)", len(o.Noisy), strings.Trim(fmt.Sprint(o.Noisy), "[]"))
}

func (r result) measured() string { return short(r.Median) + r.Unit }

func (r result) range_() string { return short(r.Low) + "–" + short(r.High) }

func (r result) target() string {
	switch {
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

// short is a number with the digits that mean something.
func short(value float64) string {
	switch {
	case value >= 1000:
		text := fmt.Sprintf("%.0f", value)
		return text[:len(text)-3] + "," + text[len(text)-3:]
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

// write keeps the results: as JSON and as a chart in the folder, and as a table in the README.
func (r report) write(folder, readme string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var chart bytes.Buffer
	if err := r.draw(&chart); err != nil {
		return err
	}
	before, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	after, err := replaceBetween(string(before), "<!-- bench -->", "<!-- /bench -->", r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "results.json"), append(text, '\n'), 0o644), //nolint:gosec // for everybody to read
		os.WriteFile(filepath.Join(folder, "results.svg"), chart.Bytes(), 0o644),       //nolint:gosec // as above
		os.WriteFile(readme, []byte(after), 0o644),                                     //nolint:gosec // as above
	)
}

// markdown is the table for the README.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s. Medians of rounds, with the lowest and the highest.\n\n", r.where())
	b.WriteString("| | measured | spread | target | |\n| --- | --- | --- | --- | --- |\n")
	for _, o := range r.Scenes {
		fmt.Fprintf(&b, "| **%s**%s | | | | |\n", o.Title, o.noise())
		for _, f := range o.Figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.Title, f.measured(), f.range_(), f.target(), f.verdict())
		}
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
