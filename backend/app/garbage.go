package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor counts as memory in use, so that garbage is not collected before there is as much of it. A deployment of some thousand sessions lives
// in 5 MB, and under load would collect eighty times a second otherwise, which took a tenth of its time. Nothing ever touches these bytes, so
// they take no memory; see decision 12.
const heapFloor = 32 << 20

// leastPercent is for deployments of more than a million sessions: there garbage may be a tenth of what is in use, instead of heapFloor.
const leastPercent = 10

// paceCollector keeps it at heapFloor, however many sessions there are, when it is called again and again. By itself the collector waits until there
// is as much garbage as memory in use, because its work grows with that. Here it has nothing to look for in nearly all of that, which is sessions
// and remembered tokens; what would grow is the memory of the process, and the sweep after a collection, during which requests wait.
func paceCollector(context.Context) error {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // as the last collection found it, heapFloor included
	metrics.Read(inUse)
	debug.SetGCPercent(max(leastPercent, 100*heapFloor/max(heapFloor, int(inUse[0].Value.Uint64()))))
	return nil
}
