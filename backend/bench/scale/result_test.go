package scale

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSection: ratios are of one round, and targets are those of the size.
func TestSection(t *testing.T) {
	m := measurements{}
	for round := range 3 {
		for _, size := range []int{1000, 1_000_000} {
			slow := time.Duration(1 << round) // the machine gets slower
			m.addTime(round, bareCommit, size, slow*time.Millisecond)
			m.addTime(round, commitBefore(RevokeAll), size, slow*time.Millisecond)
			m.addTime(round, RevokeAll, size, slow*time.Duration(2+size/1_000_000)*time.Millisecond)
			m.addTime(round, Preview, size, time.Second)
		}
	}
	s := m.section([]int{1000, 1_000_000}, 3)
	require.Equal(t, []int{1, 3}, s.Noisy)
	found := map[string]float64{}
	for _, f := range s.Figures {
		if f.Sessions == 1_000_000 {
			found[f.Name] = f.Median
		}
		require.Equal(t, f.Name == Preview && f.Sessions == 1_000_000 || f.Name == RevokeGrowth, !f.Met(), f.Name)
	}
	require.Equal(t, map[string]float64{RevokeAll: 6, RevokeRatio: 3, RevokeGrowth: 1.5, bareCommit: 2, Preview: 1000}, found)
}

// TestPart: a run that was cut short has the figures of what it measured.
func TestPart(t *testing.T) {
	m := measurements{}
	require.Empty(t, m.section([]int{10, 100}, 3).Figures)
	m.addTime(0, RevokeAll, 10, time.Second)
	require.Len(t, m.section([]int{10, 100}, 3).Figures, 1)
}

// TestBounds: a run up to 10,000,000 sessions has its time and disk said in advance.
func TestBounds(t *testing.T) {
	short := Options{Sizes: []int{1000, 100_000, 1_000_000}}
	long := Options{Sizes: []int{1000, 1_000_000, 10_000_000}}
	require.Less(t, short.Time(), 8*time.Minute)
	require.Less(t, long.Time(), 31*time.Minute)
	require.EqualValues(t, 10, long.Disk()>>30)
	err := roomFor(t.Context(), Options{Folder: t.TempDir(), Sizes: []int{1 << 50}})
	require.Error(t, err)
}
