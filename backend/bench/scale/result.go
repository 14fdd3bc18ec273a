package scale

import (
	"slices"
	"time"

	"curfew/backend/bench/figure"
)

// Title is the title of the section.
const Title = "Costs by the number of live sessions"

// What is measured. The project's README shows those that other packages can name.
const (
	bareCommit = "bare durable commit"

	Check            = "check, a thousand sessions in turns"
	checkAllocations = "the same, allocations"
	checkAll         = "check, all sessions in turns"
	RevokeAll        = "revoke all"
	RevokeRatio      = "the same, to a bare commit"
	RevokeGrowth     = "the same, to the smallest size"
	revokeOne        = "revoke one session"
	signIn           = "sign in, without the password hash"
	savePolicy       = "save a policy"
	firstPage        = "list, first page"
	Preview          = "preview a policy"
	signInDuring     = "sign in during a preview, 95th percentile"
	Start            = "start until the list is ready"
	flush            = "flush of 10,000 touches"
	Memory           = "memory per session"
)

// row is a row of the table, and its targets by the number of sessions; 0 stands for every number.
type row struct {
	name, unit string
	atMost     map[int]float64
}

var rows = []row{
	{Check, " ns", map[int]float64{1000: 500, 100_000: 500, 1_000_000: 500}},
	{checkAllocations, "", map[int]float64{0: 0}},
	{checkAll, " ns", nil},
	{RevokeAll, " ms", nil},
	{RevokeRatio, "×", map[int]float64{0: 3}},
	{RevokeGrowth, "×", map[int]float64{0: 1.2}},
	{revokeOne, " ms", nil},
	{signIn, " ms", nil},
	{savePolicy, " ms", nil},
	{bareCommit, " ms", nil},
	{firstPage, " ms", nil},
	{Preview, " ms", map[int]float64{1_000_000: 250, 10_000_000: 3000}},
	{signInDuring, " ms", map[int]float64{1_000_000: 5}},
	{Start, " ms", map[int]float64{100_000: 600, 1_000_000: 5000}},
	{flush, " ms", map[int]float64{1_000_000: 250}},
	{Memory, " B", map[int]float64{1_000_000: 220}},
}

// measurements hold the samples by what was measured, at which size, and in which round.
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

// commitBefore names the bare commits right before the samples of an operation: a sync takes
// another time at another moment.
func commitBefore(name string) string { return bareCommit + " before: " + name }

// medians returns the median of each round.
func (m measurements) medians(name string, size int) (medians []float64) {
	for _, samples := range m[subjectOf{name, size}] {
		medians = append(medians, figure.Median(samples))
	}
	return medians
}

// ratios compares two things within each round.
func (m measurements) ratios(over, under subjectOf) (ratios []float64) {
	for round, samples := range m[over] {
		if others := m[under][round]; len(others) > 0 {
			ratios = append(ratios, figure.Median(samples)/figure.Median(others))
		}
	}
	return ratios
}

// values returns the values of a row at one size, one for each round.
func (m measurements) values(name string, size, smallest int) []float64 {
	revoked := subjectOf{RevokeAll, size}
	switch name {
	case RevokeRatio:
		return m.ratios(revoked, subjectOf{commitBefore(RevokeAll), size})
	case RevokeGrowth:
		if size == smallest {
			return nil
		}
		return m.ratios(revoked, subjectOf{RevokeAll, smallest})
	}
	return m.medians(name, size)
}

// section returns everything that was measured, held against the targets.
func (m measurements) section(sizes []int, rounds int) figure.Section {
	s := figure.Section{Title: Title, Rounds: rounds, Noisy: m.noisy(sizes[0])}
	for _, row := range rows {
		for _, size := range sizes {
			values := m.values(row.name, size, sizes[0])
			if len(values) == 0 {
				continue
			}
			f := figure.Figure{Name: row.name, Sessions: size, Unit: row.unit, Spread: figure.Over(values)}
			f.AtMost = row.target(size)
			s.Figures = append(s.Figures, f)
		}
	}
	return s
}

func (r row) target(size int) *float64 {
	for _, key := range []int{size, 0} {
		if atMost, ok := r.atMost[key]; ok {
			return &atMost
		}
	}
	return nil
}

// noisy lists the rounds whose bare commits took over half as long again as those of the median
// round, or less than two thirds.
func (m measurements) noisy(size int) []int {
	noisy := []int{}
	commits := m.medians(bareCommit, size)
	for round, samples := range m[subjectOf{bareCommit, size}] {
		if ratio := figure.Median(samples) / figure.Median(commits); ratio > 1.5 || ratio < 1/1.5 {
			noisy = append(noisy, round+1)
		}
	}
	slices.Sort(noisy)
	return noisy
}
