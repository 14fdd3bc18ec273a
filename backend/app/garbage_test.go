package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGarbageDoesNotGrowWithSessions, but with the rest of the memory in use.
func TestGarbageDoesNotGrowWithSessions(t *testing.T) {
	const others = heapFloor + 5<<20
	require.Equal(t, 100, collectorPercent(others, 0))
	for _, sessions := range []int{1 << 20, 100 << 20, 250 << 20} {
		inUse := others + sessions
		require.InEpsilon(t, others, collectorPercent(inUse, sessions)*inUse/100, 0.1)
	}
	require.Equal(t, 10, collectorPercent(0, 0), "nothing was collected yet")
	require.Equal(t, 10, collectorPercent(100, 200), "sessions came since then")
}
