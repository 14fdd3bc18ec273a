package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/bench/figure"
	"curfew/backend/bench/scale"
)

func TestReplaceBetween(t *testing.T) {
	const text = "# Title\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nrest\n"
	once, err := replaceBetween(text, "<!-- bench -->", "<!-- /bench -->", "\nnew\n\n")
	require.NoError(t, err)
	require.Equal(t, "# Title\n\n<!-- bench -->\nnew\n<!-- /bench -->\n\nrest\n", once)
	twice, err := replaceBetween(once, "<!-- bench -->", "<!-- /bench -->", "new")
	require.NoError(t, err)
	require.Equal(t, once, twice)

	for name, bad := range map[string]string{
		"no marker":       "text",
		"no end":          "<!-- bench -->",
		"two of them":     text + text,
		"the wrong order": "<!-- /bench --> <!-- bench -->",
	} {
		_, err := replaceBetween(bad, "<!-- bench -->", "<!-- /bench -->", "new")
		require.Error(t, err, name)
	}
}

// playing is a scene's play that has measured the rounds already.
func playing(measured rounds) func(context.Context, *stage) (rounds, error) {
	return func(context.Context, *stage) (rounds, error) { return measured, nil }
}

// made is a report with every scene in it, in which all contenders are equally fast.
func made(t *testing.T) report {
	t.Helper()
	r := report{
		At:      time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		Machine: machine{CPU: "A CPU", Cores: 2, OS: "debian", Go: "go1"},
	}
	beside, m := at(10), at(1000)
	m.Beside = &beside
	round := map[string]measurement{}
	for _, name := range []string{
		curfewItself, bareEcho, jwtHS256, scsSQLite, gormSQLite, curfewFlood, bareFlood, curfewCrowd,
	} {
		round[name] = m
	}
	for _, s := range scenes {
		s.play = playing(rounds{round, round, round})
		section, err := s.run(t.Context(), nil)
		require.NoError(t, err)
		r.Sections = append(r.Sections, section)
	}
	atMost := 250.0
	growth := figure.Section{Title: scale.Title, Noisy: []int{}}
	for _, name := range []string{scale.RevokeRatio, scale.Preview, scale.Start, scale.Memory} {
		growth.Figures = append(growth.Figures,
			figure.Figure{Name: name, Unit: " ms", Sessions: 1000, Spread: figure.Over([]float64{0.25})},
			figure.Figure{Name: name, Unit: " ms", Sessions: 1_000_000, Spread: figure.Over([]float64{300}), AtMost: &atMost})
	}
	r.Sections = append(r.Sections, growth)
	return r
}

func TestReportIsWritten(t *testing.T) {
	r := made(t)
	folder := t.TempDir()
	readme := filepath.Join(folder, "ROOT.md")
	for _, path := range []string{readme, filepath.Join(folder, "README.md")} {
		require.NoError(t, os.WriteFile(path, []byte("before <!-- bench --><!-- /bench --> behind"), 0o600))
	}
	require.NoError(t, r.writeResults(folder))
	require.NoError(t, r.writeReadme(readme))

	text, err := os.ReadFile(filepath.Join(folder, "results.json"))
	require.NoError(t, err)
	var again report
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, r, again)

	all, err := os.ReadFile(filepath.Join(folder, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(all), "On A CPU, 2 cores, debian, go1, 25 November 2026")
	require.Contains(t, string(all), "| rate, to bare Echo | 1 | 1–1 | at least 0.85 | met |")
	require.Contains(t, string(all), "| live sessions | 1,000 | 1,000,000 | target |  |")
	require.Contains(t, string(all), "| preview a policy | 0.25 ms | 300 ms | at most 250 ms at 1,000,000 | not met at 1,000,000 |")

	five, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Contains(t, string(five), "| measured on A CPU, 2 cores, 25 November 2026 | | target |")
	require.Contains(t, string(five), "32 connections, rate compared with bare Echo | 1 | at least 0.85 |")
	require.Contains(t, string(five), "| preview a policy with 1,000,000 sessions | 300 ms | at most 250 ms |")
	require.Equal(t, 7, strings.Count(string(five), "\n|"), "a head and five rows")

	chart, err := os.Open(filepath.Join(folder, "results.svg"))
	require.NoError(t, err)
	for decoder := xml.NewDecoder(chart); err == nil; {
		_, err = decoder.Token()
	}
	require.ErrorIs(t, err, io.EOF, "well-formed")
	require.NoError(t, chart.Close())
}

// TestPartStaysOutOfTheReadme: a run without all five rows leaves the project's README as it is.
func TestPartStaysOutOfTheReadme(t *testing.T) {
	r := made(t)
	r.Sections = r.Sections[:1]
	require.ErrorContains(t, r.writeReadme(filepath.Join(t.TempDir(), "README.md")), "not measured: revoke all")
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	r := made(t)
	r.Sections[0].Noisy = []int{2, 3}
	require.NoError(t, r.print(&out))
	for _, s := range scenes {
		require.Contains(t, out.String(), s.title)
	}
	require.Contains(t, out.String(), "(noisy: rounds [2 3] of 3)")
}

func TestNumbers(t *testing.T) {
	all, err := numbers("1000,10")
	require.NoError(t, err)
	require.Equal(t, []int{1000, 10}, all)
	none, err := numbers("")
	require.NoError(t, err)
	require.Empty(t, none)
	for _, bad := range []string{"a", "1,0", "-3"} {
		_, err := numbers(bad)
		require.Error(t, err, bad)
	}
}
