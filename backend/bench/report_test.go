package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// made is a report with every scene in it, in which everybody is equally quick.
func made(t *testing.T) report {
	t.Helper()
	r := report{At: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Machine: machine{CPU: "A CPU", Cores: 2, OS: "debian", Go: "go1"}}
	beside := at(10)
	m := at(1000)
	m.P99, m.P50, m.Beside = 1, 1, &beside
	for _, s := range scenes {
		round := map[string]measurement{}
		for _, name := range []string{
			curfewItself, bareEcho, jwtHS256, jwtEdDSA, scsSQLite, gormSQLite, bareArgon2id, aThousand, aMillion, curfewFlood, bareFlood, curfewCrowd,
			curfewSweeps,
		} {
			round[name] = m
		}
		require.NoError(t, r.add(s, rounds{round, round, round}))
	}
	return r
}

func TestReportIsWritten(t *testing.T) {
	r := made(t)
	folder := t.TempDir()
	readme := filepath.Join(folder, "README.md")
	require.NoError(t, os.WriteFile(readme, []byte("before <!-- bench --><!-- /bench --> behind"), 0o600))
	require.NoError(t, r.writeResults(folder))
	require.NoError(t, r.writeReadme(readme))

	text, err := os.ReadFile(filepath.Join(folder, "results.json"))
	require.NoError(t, err)
	var again report
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, r, again)

	table, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Contains(t, string(table), "A CPU, 2 cores, debian, go1, 25 November 2026")
	require.Contains(t, string(table), "| rate, to bare Echo | 1.00 | 1.00–1.00 | at least 0.90, aim 0.95 | met |")
	require.Contains(t, string(table), "| rate, to echo-jwt HS256 | 1.00 | 1.00–1.00 | at least 2.00 | not met |")
	require.Contains(t, string(table), "| bare Echo | 1,000/s |")
	for line := range strings.Lines(r.markdown()) {
		if strings.HasPrefix(line, "|") {
			require.Equal(t, 6, strings.Count(line, "|"), line)
		}
	}

	chart, err := os.Open(filepath.Join(folder, "results.svg"))
	require.NoError(t, err)
	for decoder := xml.NewDecoder(chart); err == nil; {
		_, err = decoder.Token()
	}
	require.ErrorIs(t, err, io.EOF, "well-formed")
	require.NoError(t, chart.Close())
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	r := made(t)
	r.Scenes[0].Noisy = []int{2, 3}
	require.NoError(t, r.print(&out))
	for _, s := range scenes {
		require.Contains(t, out.String(), s.title)
	}
	require.Contains(t, out.String(), "(noisy: 2 of 3 rounds, 2, 3)")
}

// A figure of what no round has measured is no figure.
func TestNothingMeasured(t *testing.T) {
	var r report
	err := r.add(scenes[0], rounds{{bareEcho: at(1)}})
	require.Error(t, err)
	require.False(t, errors.Is(err, io.EOF))
}

func TestShort(t *testing.T) {
	for want, value := range map[string]float64{
		"0.00": 0, "0.95": 0.954, "1.20": 1.2, "12.3": 12.34, "123": 123.4, "1,234": 1234, "1,234,567": 1234567, "-0.50": -0.5,
	} {
		require.Equal(t, want, short(value))
	}
}
