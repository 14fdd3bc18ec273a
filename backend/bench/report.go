package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"

	"curfew/backend/bench/figure"
	"curfew/backend/bench/scale"
)

// report is what was measured in one run.
type report struct {
	Machine  machine          `json:"machine"`
	At       time.Time        `json:"at"`
	Seconds  float64          `json:"seconds"`
	Sections []figure.Section `json:"sections"`
}

// machine is what it was measured on.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
}

func thisMachine(ctx context.Context) machine {
	m := machine{CPU: "an unknown CPU", Cores: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version()}
	if found, err := cpu.InfoWithContext(ctx); err == nil && len(found) > 0 {
		m.CPU = found[0].ModelName
	}
	if found, err := host.InfoWithContext(ctx); err == nil {
		m.OS = fmt.Sprintf("%s %s, Linux %s", found.Platform, found.PlatformVersion, found.KernelVersion)
	}
	return m
}

func (r report) where() string {
	m := r.Machine
	return fmt.Sprintf("%s, %d cores, %s, %s, %s", m.CPU, m.Cores, m.OS, m.Go, r.At.Format("2 January 2006"))
}

// print writes the report for a terminal.
func (r report) print(w io.Writer) error {
	fmt.Fprintln(w, r.where())
	for _, s := range r.Sections {
		if err := s.Print(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\nMeasured in %.0f s.\n", r.Seconds)
	return err
}

// markdown is the report for the README of the benchmarks.
func (r report) markdown() string {
	text := []string{fmt.Sprintf("On %s, in %.0f s.\n", r.where(), r.Seconds)}
	for _, s := range r.Sections {
		text = append(text, s.Markdown())
	}
	return strings.Join(text, "\n")
}

// writeResults writes the report into a folder: for programs, as a chart, and into its README. It
// writes nothing where no folder is named.
func (r report) writeResults(folder string) error {
	if folder == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "results.json"), append(text, '\n')); err != nil {
		return err
	}
	if bars := r.bars(); len(bars) > 0 {
		var chart bytes.Buffer
		if err := drawChart(&chart, bars); err != nil {
			return fmt.Errorf("draw the chart: %w", err)
		}
		if err := write(filepath.Join(folder, "results.svg"), chart.Bytes()); err != nil {
			return err
		}
	}
	return replaceIn(filepath.Join(folder, "README.md"), r.markdown())
}

// writeReadme writes five rows into the project's README. It writes nothing where none is named.
func (r report) writeReadme(path string) error {
	if path == "" {
		return nil
	}
	text, err := r.summary()
	if err != nil {
		return err
	}
	return replaceIn(path, text)
}

// summary is the table of five rows for the project's README. It returns an error if one of them
// was not measured.
func (r report) summary() (string, error) {
	const million = 1_000_000
	hot, growth := r.section(scenes[0].title), r.section(scale.Title)
	rows := []struct {
		title string
		figure.Figure
	}{
		{"`GET /api/session`, 32 connections, rate compared with bare Echo", find(hot, rateToBare, 0)},
		{"revoke all of 1,000,000 sessions, compared with a bare commit", find(growth, scale.RevokeRatio, million)},
		{"preview a policy with 1,000,000 sessions", find(growth, scale.Preview, million)},
		{"start with 1,000,000 sessions, until the list is ready", find(growth, scale.Start, million)},
		{"memory for a session, with 1,000,000 sessions", find(growth, scale.Memory, million)},
	}
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "| measured on %s, %d cores, %s | | target |\n", m.CPU, m.Cores, r.At.Format("2 January 2006"))
	b.WriteString("| --- | --- | --- |\n")
	for _, row := range rows {
		if row.Name == "" {
			return "", fmt.Errorf("not measured: %s", row.title)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.title, row.Value(), row.Target())
	}
	return b.String(), nil
}

// section returns the section with a title; an empty one where it was not measured.
func (r report) section(title string) figure.Section {
	for _, s := range r.Sections {
		if s.Title == title {
			return s
		}
	}
	return figure.Section{}
}

// find returns a figure of a section; the zero figure where it was not measured.
func find(s figure.Section, name string, sessions int) figure.Figure {
	for _, f := range s.Figures {
		if f.Name == name && f.Sessions == sessions {
			return f
		}
	}
	return figure.Figure{}
}

// replaceIn puts text into a file, between its markers.
func replaceIn(path, text string) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := replaceBetween(string(before), "<!-- bench -->", "<!-- /bench -->", text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return write(path, []byte(after))
}

func write(path string, text []byte) error {
	return os.WriteFile(path, text, 0o644) //nolint:gosec // it is published
}

// replaceBetween puts text between two markers, which have to occur once each, and in order.
func replaceBetween(text, begin, end, inner string) (string, error) {
	for _, marker := range []string{begin, end} {
		if n := strings.Count(text, marker); n != 1 {
			return "", fmt.Errorf("%s occurs %d times and not once", marker, n)
		}
	}
	head, rest, _ := strings.Cut(text, begin)
	_, tail, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("%s comes after %s", begin, end)
	}
	return head + begin + "\n" + strings.TrimSpace(inner) + "\n" + end + tail, nil
}
