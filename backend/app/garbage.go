package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor counts as memory in use, so that the collector waits for as much garbage. A small
// deployment lives in 5 MB and would collect eighty times a second under load. These bytes are
// never touched, so they take no memory; see decision 12.
const heapFloor = 32 << 20

// paceCollector lets garbage grow to the size of the memory in use, without sessions and remembered
// tokens. It is to be called again and again.
func (a *App) paceCollector(context.Context) error {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // as the last collection found it, heapFloor included
	metrics.Read(inUse)
	debug.SetGCPercent(collectorPercent(int(inUse[0].Value.Uint64()), a.sessions.Memory()+a.tokens.Memory()))
	return nil
}

// collectorPercent returns GOGC if so many of the bytes in use have no pointers. The collector
// waits for as much garbage as there is memory in use, because its work grows with that. It has no
// work in those bytes; they would only make the process, and the sweep after a collection, larger.
func collectorPercent(inUse, withoutPointers int) int {
	const least = 10
	return max(least, 100*(inUse-withoutPointers)/max(1, inUse))
}
