package scale

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Result is everything that was measured.
type Result struct {
	// FileSystem is the kind of file system that the databases were on, as "ext4".
	FileSystem string `json:"fileSystem"`
	// Sizes are the numbers of live sessions, in order.
	Sizes  []int `json:"sizes"`
	Rounds int   `json:"rounds"`
	// Noisy are the rounds, from 1, in which a bare commit took a good deal longer or shorter than in the others.
	Noisy []int `json:"noisy"`
	// BareCommit is what the smallest durable commit takes, in milliseconds.
	BareCommit Figure   `json:"bareCommit"`
	Costs      []Cost   `json:"costs"`
	Targets    []Target `json:"targets"`
}

// Cost is what one thing costs, by the number of sessions.
type Cost struct {
	Name string `json:"name"`
	// Unit is "ms", "MiB" or "B".
	Unit string `json:"unit"`
	At   []At   `json:"at"`
	// Growth is what it costs at the largest size, as a multiple of what it costs at the smallest.
	Growth Figure `json:"growth"`
}

// At is a cost at one size.
type At struct {
	Sessions int    `json:"sessions"`
	Cost     Figure `json:"cost"`
	// BareCommits is the cost as a multiple of a bare commit's, of those right before it where there were any; nil where it is not a time.
	BareCommits *Figure `json:"bareCommits,omitempty"`
}

// Figure is how something came out: the median of the medians of all rounds, and the lowest and the highest of these.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// P95 and Most are over all samples of all rounds; zero for a ratio.
	P95     float64 `json:"p95,omitempty"`
	Most    float64 `json:"most,omitempty"`
	Samples int     `json:"samples,omitempty"`
}

// Target is a bound that was promised.
type Target struct {
	Name     string  `json:"name"`
	Measured float64 `json:"measured"`
	AtMost   float64 `json:"atMost"`
	Unit     string  `json:"unit"`
	Met      bool    `json:"met"`
}

// measurements are the samples by what was measured and at which size, and by round.
type measurements map[subjectOf]map[int][]float64

type subjectOf struct {
	name string
	size int
}

func (m measurements) add(round int, name string, size int, value float64) {
	of := subjectOf{name, size}
	if m[of] == nil {
		m[of] = map[int][]float64{}
	}
	m[of][round] = append(m[of][round], value)
}

func (m measurements) addTime(round int, name string, size int, took time.Duration) {
	m.add(round, name, size, float64(took.Nanoseconds())/1e6)
}

// commitBefore names the bare commits right before each sample of something: a sync takes another time at another moment.
func commitBefore(name string) string { return bareCommit + " before: " + name }

// figure sums the samples up.
func (m measurements) figure(name string, size int) Figure {
	var medians, all []float64
	for _, samples := range m[subjectOf{name, size}] {
		medians, all = append(medians, median(samples)), append(all, samples...)
	}
	f := spread(medians)
	f.P95, f.Most, f.Samples = quantile(0.95, all), slices.Max(all), len(all)
	return f
}

// ratio compares two things within each round in which both were measured.
func (m measurements) ratio(over, under subjectOf) *Figure {
	var ratios []float64
	for round, samples := range m[over] {
		if others := m[under][round]; len(others) > 0 {
			ratios = append(ratios, median(samples)/median(others))
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	f := spread(ratios)
	return &f
}

func spread(values []float64) Figure {
	return Figure{Median: median(values), Low: slices.Min(values), High: slices.Max(values)}
}

func median(values []float64) float64 { return quantile(0.5, values) }

func quantile(p float64, values []float64) float64 {
	return stat.Quantile(p, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

// costs are what Cost tells of, in the order of a report.
var costs = []struct{ name, unit string }{
	{revokeAll, "ms"}, {revokeMember, "ms"}, {revokeOne, "ms"}, {savePolicy, "ms"}, {signIn, "ms"}, {preview, "ms"}, {firstPage, "ms"},
	{flush, "ms"}, {sweepRevoked, "ms"}, {sweepExpired, "ms"}, {programStart, "ms"}, {firstList, "ms"}, {load, "ms"},
	{backup, "ms"}, {slowRequest, "ms"}, {idleRequest, "ms"}, {slowCommit, "ms"}, {idleCommit, "ms"}, {logGrowth, "MiB"}, {restore, "ms"},
	{heapSize, "B"}, {fileSize, "B"},
}

func (m measurements) result(sizes []int, rounds int, fileSystem string) Result {
	commit := subjectOf{bareCommit, 0}
	r := Result{FileSystem: fileSystem, Sizes: sizes, Rounds: rounds, Noisy: m.noisy(), BareCommit: m.figure(bareCommit, 0)}
	smallest, largest := sizes[0], sizes[len(sizes)-1]
	for _, c := range costs {
		cost := Cost{Name: c.name, Unit: c.unit, Growth: *m.ratio(subjectOf{c.name, largest}, subjectOf{c.name, smallest})}
		for _, size := range sizes {
			at := At{Sessions: size, Cost: m.figure(c.name, size)}
			if c.unit == "ms" {
				at.BareCommits = cmp.Or(m.ratio(subjectOf{c.name, size}, subjectOf{commitBefore(c.name), size}), m.ratio(subjectOf{c.name, size}, commit))
			}
			cost.At = append(cost.At, at)
		}
		r.Costs = append(r.Costs, cost)
	}
	r.Targets = targets(r)
	return r
}

// noisy are the rounds whose bare commits took more than half as long again as those of the median round, or less than two thirds.
func (m measurements) noisy() []int {
	noisy := []int{}
	usual := m.figure(bareCommit, 0).Median
	for round, samples := range m[subjectOf{bareCommit, 0}] {
		if ratio := median(samples) / usual; ratio > 1.5 || ratio < 1/1.5 {
			noisy = append(noisy, round+1)
		}
	}
	slices.Sort(noisy)
	return noisy
}

// cost finds what something costs at a size; ok is false where that was not measured.
func (r Result) cost(name string, size int) (At, bool) {
	for _, c := range r.Costs {
		for _, at := range c.At {
			if c.Name == name && at.Sessions == size {
				return at, true
			}
		}
	}
	return At{}, false
}

// targets holds the result against what was promised. What a run did not measure is left out.
func targets(r Result) []Target {
	var held []Target
	hold := func(name string, measured, atMost float64, unit string) {
		held = append(held, Target{name, measured, atMost, unit, measured <= atMost})
	}
	for _, c := range r.Costs {
		if c.Name == revokeAll {
			hold(fmt.Sprintf("revoke all: %s sessions to %s", grouped(r.Sizes[len(r.Sizes)-1]), grouped(r.Sizes[0])), c.Growth.Median, 1.2, "×")
		}
	}
	for _, size := range r.Sizes {
		at, _ := r.cost(revokeAll, size)
		hold(fmt.Sprintf("revoke all, %s sessions, to a bare commit", grouped(size)), at.BareCommits.Median, 2, "×")
	}
	if at, measured := r.cost(preview, 100_000); measured {
		hold("preview, 100,000 sessions, 95th percentile", at.Cost.P95, 200, "ms")
	}
	if at, measured := r.cost(programStart, 1_000_000); measured {
		hold("start-up to first answer, 1,000,000 sessions", at.Cost.Median, 2000, "ms")
	}
	for _, size := range r.Sizes {
		if size < 100_000 {
			continue // so few that what there is once weighs more
		}
		at, _ := r.cost(heapSize, size)
		hold(fmt.Sprintf("memory per session, %s sessions", grouped(size)), at.Cost.Median, 200, "B")
	}
	for _, size := range r.Sizes {
		if size < 10_000 {
			continue
		}
		at, _ := r.cost(flush, size)
		hold(fmt.Sprintf("flush of 10,000 touches, %s sessions", grouped(size)), at.Cost.Median, 250, "ms")
	}
	return held
}

// WriteTable writes the result for people.
func (r Result) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")+"\t") }
	head := []string{"live sessions"}
	for _, size := range r.Sizes {
		head = append(head, grouped(size), "(spread)")
	}
	row(append(head, "growth", "(spread)", "to a bare commit")...)
	for _, c := range r.Costs {
		cells := []string{c.Name}
		for _, at := range c.At {
			cells = append(cells, short(at.Cost.Median)+" "+c.Unit, spreadOf(at.Cost))
		}
		cells = append(cells, short(c.Growth.Median)+"×", spreadOf(c.Growth))
		if last := c.At[len(c.At)-1]; last.BareCommits != nil {
			cells = append(cells, short(last.BareCommits.Median)+"×")
		} else {
			cells = append(cells, "")
		}
		row(cells...)
	}
	row(bareCommit, short(r.BareCommit.Median)+" ms", spreadOf(r.BareCommit))
	row()
	for _, t := range r.Targets {
		row(t.Name, short(t.Measured)+" "+t.Unit, "at most "+short(t.AtMost)+" "+t.Unit, t.verdict())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nMedians of %d rounds on %s, and the lowest and the highest of a round. Noisy rounds: %s.\n", r.Rounds, r.FileSystem, listed(r.Noisy))
	return err
}

// Markdown is the table of costs, and what was promised of them.
func (r Result) Markdown() string {
	var b strings.Builder
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	head := []string{"live sessions"}
	for _, size := range r.Sizes {
		head = append(head, grouped(size))
	}
	head = append(head, "growth", "to a bare commit")
	row(head...)
	row(slices.Repeat([]string{"---"}, len(head))...)
	for _, c := range r.Costs {
		cells := []string{c.Name}
		for _, at := range c.At {
			cells = append(cells, short(at.Cost.Median)+" "+c.Unit)
		}
		cells = append(cells, short(c.Growth.Median)+"×", "")
		if last := c.At[len(c.At)-1]; last.BareCommits != nil {
			cells[len(cells)-1] = short(last.BareCommits.Median) + "×"
		}
		row(cells...)
	}
	fmt.Fprintf(&b, "\nA bare durable commit took %s ms, on %s. Noisy rounds: %s.\n\n", short(r.BareCommit.Median), r.FileSystem, listed(r.Noisy))
	row("promised", "measured", "at most", "")
	row("---", "---", "---", "---")
	for _, t := range r.Targets {
		row(t.Name, short(t.Measured)+" "+t.Unit, short(t.AtMost)+" "+t.Unit, t.verdict())
	}
	return b.String()
}

func (t Target) verdict() string {
	if t.Met {
		return "met"
	}
	return "not met"
}

func spreadOf(f Figure) string {
	if f.Low == f.High {
		return ""
	}
	return "(" + short(f.Low) + "–" + short(f.High) + ")"
}

// short is a number in three digits.
func short(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

// grouped is a number as people write it.
func grouped(number int) string {
	text := fmt.Sprint(number)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func listed(rounds []int) string {
	if len(rounds) == 0 {
		return "none"
	}
	return strings.Trim(fmt.Sprint(rounds), "[]")
}
