package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGarbageDoesNotGrowWithSessions: there is room for as much of it as is in use beside them.
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
