package app

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGarbageDoesNotGrowWithWhatIsInUse: between two collections there is room for as much of it as heapFloor, whether that is all there is,
// or six times as much is in use.
func TestGarbageDoesNotGrowWithWhatIsInUse(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	percent := func(more int) int {
		floor, sessions := make([]byte, heapFloor), make([]byte, more)
		runtime.GC()
		require.NoError(t, paceCollector(t.Context()))
		runtime.KeepAlive(floor)
		runtime.KeepAlive(sessions)
		return debug.SetGCPercent(100)
	}
	require.InDelta(t, 100, percent(0), 25, "the tests' own memory, too")
	require.InDelta(t, 16, percent(5*heapFloor), 2)
	require.Equal(t, leastPercent, percent(20*heapFloor))
}
