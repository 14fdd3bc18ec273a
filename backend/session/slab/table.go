package slab

import "sync/atomic"

// ChunkSize is the number of rows that a table allocates at a time. Large chunks are few, and each
// garbage collection ends with a pause that depends on how many objects there are.
const ChunkSize = 4096

// Table is an array of rows that never move: it grows by whole chunks, and a released place is used
// again. Rows may be read while the table grows. Calls of its methods other than At must not
// overlap.
type Table[T any] struct {
	chunks atomic.Pointer[[]*[ChunkSize]T]
	len    int32
	free   []int32
}

// At returns the row at a place that Take returned.
func (t *Table[T]) At(place int32) *T {
	return &(*t.chunks.Load())[uint32(place)/ChunkSize][uint32(place)%ChunkSize]
}

// Len returns how many places there are, released ones included.
func (t *Table[T]) Len() int32 { return t.len }

// Take returns the place of a row for a new use. The row may hold what was released there.
func (t *Table[T]) Take() int32 {
	if last := len(t.free) - 1; last >= 0 {
		place := t.free[last]
		t.free = t.free[:last]
		return place
	}
	var chunks []*[ChunkSize]T
	if known := t.chunks.Load(); known != nil {
		chunks = *known
	}
	if int(t.len) == len(chunks)*ChunkSize {
		chunks = append(chunks, new([ChunkSize]T)) // past the end of what readers have loaded
		t.chunks.Store(&chunks)
	}
	t.len++
	return t.len - 1
}

// Release leaves a place to the next Take.
func (t *Table[T]) Release(place int32) { t.free = append(t.free, place) }
