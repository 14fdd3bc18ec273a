package figure

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOver(t *testing.T) {
	unsorted := []float64{5, 1, 3}
	require.Equal(t, Spread{Median: 3, Low: 1, High: 5}, Over(unsorted))
	require.Equal(t, []float64{5, 1, 3}, unsorted, "they stay in the order of the rounds")
	require.InDelta(t, 2.5, Median([]float64{4, 1, 3, 2}), 0)
}

func TestShort(t *testing.T) {
	for want, value := range map[string]float64{
		"0": 0, "0.95": 0.954, "1.20": 1.2, "3": 3, "12.3": 12.34, "123": 123.4, "1,234,567": 1234567, "-0.50": -0.5,
	} {
		require.Equal(t, want, Short(value))
	}
}

// of is a figure with a median.
func of(median float64) Figure { return Figure{Name: "it", Spread: Spread{Median: median}} }

func TestVerdict(t *testing.T) {
	least, most := 0.9, 1.2
	require.Empty(t, of(7).Verdict())
	for median, want := range map[float64][2]string{
		0.899: {"not met", "met"}, 0.9: {"met", "met"}, 1.2: {"met", "met"}, 1.201: {"met", "not met"},
	} {
		f := of(median)
		f.AtLeast = &least
		require.Equal(t, want[0], f.Verdict())
		f.AtLeast, f.AtMost = nil, &most
		require.Equal(t, want[1], f.Verdict())
	}
}

// TestMatrix: a figure without a value at one size leaves its cell empty.
func TestMatrix(t *testing.T) {
	low, high := 1.0, 2.0
	at := func(name string, sessions int, median float64, atMost *float64) Figure {
		return Figure{Name: name, Sessions: sessions, Unit: " ms", Spread: Spread{Median: median}, AtMost: atMost}
	}
	s := Section{Title: "All", Figures: []Figure{
		at("same", 10, 1, &low), at("same", 1000, 3, &low), at("single", 1000, 2, &high), at("none", 10, 4, nil),
	}}
	require.Equal(t, `**All**

| live sessions | 10 | 1,000 | target |  |
| --- | --- | --- | --- | --- |
| same | 1 ms | 3 ms | at most 1 ms | not met at 1,000 |
| single |  | 2 ms | at most 2 ms | met |
| none | 4 ms |  |  |  |
`, s.Markdown())
}
