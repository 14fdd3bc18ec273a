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

// paceCollector lets garbage come to as much as is in use without sessions and remembered tokens, when it is called again and again.
func (a *App) paceCollector(context.Context) error {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // as the last collection found it, heapFloor included
	metrics.Read(inUse)
	debug.SetGCPercent(collectorPercent(int(inUse[0].Value.Uint64()), a.sessions.Memory()+a.tokens.Memory()))
	return nil
}

// collectorPercent is what GOGC has to be where so many of the bytes in use have no pointers. By itself the collector waits until there is as much
// garbage as memory in use, because its work grows with that. In those bytes it has nothing to look for; what would grow with them is the memory of
// the process, and the sweep after a collection, during which requests wait. A start may have grown since inUse was found.
func collectorPercent(inUse, withoutPointers int) int {
	const least = 10
	return max(least, 100*(inUse-withoutPointers)/max(1, inUse))
}
