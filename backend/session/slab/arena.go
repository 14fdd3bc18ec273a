package slab

import "strings"

// Arena keeps many short texts in few chunks of memory, since the garbage collector visits every
// object. A chunk is freed once none of its texts is in use.
type Arena struct{ chunk strings.Builder }

const arenaChunk = 64 << 10

// Keep returns a copy of the text in the arena.
func (a *Arena) Keep(text string) string {
	if a.chunk.Cap()-a.chunk.Len() < len(text) {
		a.chunk = strings.Builder{}
		a.chunk.Grow(max(arenaChunk, len(text)))
	}
	from := a.chunk.Len()
	a.chunk.WriteString(text)
	return a.chunk.String()[from:]
}
