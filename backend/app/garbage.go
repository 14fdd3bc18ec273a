package app

import (
	"context"
	"runtime/debug"
)

// heapFloor counts as memory in use, so that garbage is not collected before there is as much of it. A deployment of some thousand sessions lives
// in 5 MB, and under load would collect eighty times a second otherwise, which took a tenth of its time. Nothing ever touches these bytes, so
// they take no memory; see decision 12.
const heapFloor = 32 << 20

// paceCollector lets garbage come to heapFloor before it is collected, however many sessions there are, when it is called again and again.
func (a *App) paceCollector(context.Context) error {
	debug.SetGCPercent(collectorPercent(a.sessions.Memory() + a.tokens.Memory()))
	return nil
}

// collectorPercent is what GOGC has to be where so many bytes in use have no pointers. By itself the collector waits until there is as much garbage as
// memory in use, because its work grows with that. In those bytes it has nothing to look for; what would grow with them is the memory of the
// process, and the sweep after a collection, during which requests wait. From a million sessions on, garbage may be a tenth of them.
func collectorPercent(withoutPointers int) int {
	return max(10, 100*heapFloor/(heapFloor+withoutPointers))
}
