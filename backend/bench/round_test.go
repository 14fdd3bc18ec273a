package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/bench/figure"
)

// at is a measurement of so many answers a second.
func at(rate int) measurement { return measurement{Requests: 2 * rate, Microseconds: 2e6, P99: 1} }

// TestRatiosAreOfOneRound: a machine that is slow for a round is slow for both. A ratio of two
// medians would be 90 to 100 here.
func TestRatiosAreOfOneRound(t *testing.T) {
	measured := rounds{
		{"ours": at(90), "bare": at(100)},
		{"ours": at(40), "bare": at(50)},
		{"ours": at(160), "bare": at(200)},
	}
	ratios := measured.each(ratio(measurement.rate, "ours", "bare"))
	require.Equal(t, figure.Spread{Median: 0.8, Low: 0.8, High: 0.9}, figure.Over(ratios))
	require.Equal(t, []float64{90, 40, 160}, measured.each(of(measurement.rate, "ours")))
}

func TestNoisyRounds(t *testing.T) {
	measured := rounds{
		{"bare": at(1000), "ours": at(3)},
		{"bare": at(1099), "ours": at(1)},
		{"bare": at(901)},
		{"bare": at(1101)},
		{"bare": at(899)},
	}
	require.Equal(t, []int{4, 5}, measured.noisy("bare"))
	require.Empty(t, measured[:1].noisy("bare"))
	require.NotNil(t, measured[:1].noisy("bare"), "it is written as a list")
}

// TestNothingMeasured: a figure of a contender that did not run is an error.
func TestNothingMeasured(t *testing.T) {
	s := scenes[0]
	s.play = playing(rounds{{bareEcho: at(1)}})
	_, err := s.run(t.Context(), nil)
	require.ErrorContains(t, err, "not measured")
}
