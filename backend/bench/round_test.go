package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	require.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	require.InDelta(t, 2.5, median([]float64{4, 1, 3, 2}), 0)
	unsorted := []float64{5, 1, 3}
	require.Equal(t, spread{Median: 3, Low: 1, High: 5}, spreadOf(unsorted))
	require.Equal(t, []float64{5, 1, 3}, unsorted, "they stand in the order of the rounds")
}

// at is a measurement of so many answers a second.
func at(rate int) measurement { return measurement{Requests: 2 * rate, Microseconds: 2e6, Busy: 1} }

// A machine that is slow for a round is slow for both, which a ratio of two medians would not bear: it would be 90 to 100 here.
func TestRatiosAreOfOneRound(t *testing.T) {
	measured := rounds{
		{"ours": at(90), "bare": at(100)},
		{"ours": at(40), "bare": at(50)},
		{"ours": at(160), "bare": at(200)},
	}
	require.Equal(t, spread{Median: 0.8, Low: 0.8, High: 0.9}, spreadOf(measured.each(ratio(measurement.rate, "ours", "bare"))))
	require.Equal(t, []float64{90, 40, 160}, measured.each(of("ours", measurement.rate)))
}

func TestNoisyRounds(t *testing.T) {
	stolen := at(1000)
	stolen.Busy, stolen.Saturating = 0.89, true
	paced := stolen
	paced.Saturating = false
	measured := rounds{
		{"bare": at(1000), "ours": paced}, // it was not asked for more
		{"bare": at(1099), "ours": at(1)},
		{"bare": at(901)},
		{"bare": at(1101)},
		{"bare": at(899)},
		{"bare": at(1000), "ours": stolen},
		{"bare": at(1000)},
	}
	require.Equal(t, []int{4, 5, 6}, measured.noisy("bare"))
	require.Empty(t, measured[:1].noisy("bare"))
	require.NotNil(t, measured[:1].noisy("bare"), "it is written as a list")
}

// What is measured has to be what was meant.
func TestJudge(t *testing.T) {
	l := load{connections: 2, count: 10}
	require.NoError(t, l.judge(measurement{Requests: 1000}))
	require.Error(t, l.judge(measurement{Requests: 1000, Refused: 1}))
	require.Error(t, l.judge(measurement{Requests: 1000, Failed: 1}))
	l.fresh = true
	require.NoError(t, l.judge(measurement{Requests: 8}))
	require.Error(t, l.judge(measurement{Requests: 9}), "with those under way, one may have been sent twice")
}

func TestTargets(t *testing.T) {
	least, most := target{atLeast: 0.9}, target{atMost: 1.2}
	require.True(t, least.met(0.9))
	require.True(t, least.met(7))
	require.False(t, least.met(0.899))
	require.True(t, most.met(1.2))
	require.True(t, most.met(0))
	require.False(t, most.met(1.201))
}
