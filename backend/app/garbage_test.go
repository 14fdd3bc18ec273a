package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGarbageDoesNotGrowWithSessions: with what is in use beside it, heapFloor and less than a megabyte here, there is room for heapFloor of it.
func TestGarbageDoesNotGrowWithSessions(t *testing.T) {
	require.Equal(t, 100, collectorPercent(0))
	for _, sessions := range []int{1 << 20, 100 << 20, 250 << 20} {
		garbage := collectorPercent(sessions) * (heapFloor + sessions) / 100
		require.InDelta(t, heapFloor, garbage, heapFloor/10)
	}
	require.Equal(t, 10, collectorPercent(2<<30), "or nothing but collecting would be done")
}
