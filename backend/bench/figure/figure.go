// Package figure holds what a run measured, and the targets that it is judged by.
package figure

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Section holds figures that were measured together.
type Section struct {
	Title string `json:"title"`
	// Rounds is how often they were measured. Noisy lists the rounds, from 1, in which the machine
	// was busy with something else.
	Rounds  int      `json:"rounds"`
	Noisy   []int    `json:"noisyRounds"`
	Figures []Figure `json:"figures"`
}

// Figure is one measured value.
type Figure struct {
	Name string `json:"name"`
	// Sessions is the number of live sessions that it was measured with; 0 if the title says it.
	Sessions int `json:"sessions,omitempty"`
	// Unit is empty for a ratio and a count.
	Unit string `json:"unit,omitempty"`
	Spread
	// AtLeast and AtMost are the targets; nil for none.
	AtLeast *float64 `json:"atLeast,omitempty"`
	AtMost  *float64 `json:"atMost,omitempty"`
}

// Spread is a value over all rounds.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Over returns the spread of the values of all rounds.
func Over(values []float64) Spread {
	return Spread{Median: Median(values), Low: slices.Min(values), High: slices.Max(values)}
}

// Median returns the middle of the values.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Valid reports whether the figure was measured at all.
func (f Figure) Valid() bool { return !math.IsNaN(f.Low+f.High) && !math.IsInf(f.Low+f.High, 0) }

// Judged reports whether the figure has a target.
func (f Figure) Judged() bool { return f.AtLeast != nil || f.AtMost != nil }

// Met reports whether the figure is within its targets.
func (f Figure) Met() bool {
	return (f.AtLeast == nil || f.Median >= *f.AtLeast) && (f.AtMost == nil || f.Median <= *f.AtMost)
}

// Value returns the median with its unit.
func (f Figure) Value() string { return Short(f.Median) + f.Unit }

// Target returns the target in words.
func (f Figure) Target() string {
	switch {
	case f.AtLeast != nil:
		return "at least " + Short(*f.AtLeast) + f.Unit
	case f.AtMost != nil:
		return "at most " + Short(*f.AtMost) + f.Unit
	}
	return ""
}

// Verdict says whether the target is met, and nothing where there is none.
func (f Figure) Verdict() string {
	switch {
	case !f.Judged():
		return ""
	case f.Met():
		return "met"
	}
	return "not met"
}

var english = message.NewPrinter(language.English)

// Short formats a number with the digits that mean something.
func Short(value float64) string {
	digits := 2
	switch {
	case value >= 100 || value == math.Trunc(value):
		digits = 0
	case value >= 10:
		digits = 1
	}
	return english.Sprintf("%.*f", digits, value)
}

// Grouped formats a count.
func Grouped(number int) string { return english.Sprintf("%d", number) }

// Heading is the section's title, with its noisy rounds.
func (s Section) Heading() string {
	if len(s.Noisy) == 0 {
		return s.Title
	}
	return fmt.Sprintf("%s (noisy: rounds %v of %d)", s.Title, s.Noisy, s.Rounds)
}
