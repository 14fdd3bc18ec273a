package session

import (
	"iter"
	"sync/atomic"
)

// table is an array whose elements stay where they are while it grows, so that they can be read meanwhile.
type table[T any] struct {
	chunks atomic.Pointer[[]*[chunkSize]T]
	len    int32
}

// chunkSize makes a chunk of rows fill whole pages of Go's memory. There are few of them, since after each garbage collection requests wait until
// the runtime has gone through all there are.
const chunkSize = 4096

// at is the element at the place, which was given out by grow.
func (t *table[T]) at(place int32) *T {
	return &(*t.chunks.Load())[place/chunkSize][place%chunkSize]
}

// grow makes room for one more and gives its place. Calls must not overlap.
func (t *table[T]) grow() int32 {
	var chunks []*[chunkSize]T
	if known := t.chunks.Load(); known != nil {
		chunks = *known
	}
	if int(t.len) == len(chunks)*chunkSize {
		chunks = append(chunks, new([chunkSize]T)) // behind what others read
		t.chunks.Store(&chunks)
	}
	t.len++
	return t.len - 1
}

// all is every element in turn.
func (t *table[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for place := range t.len {
			if !yield(t.at(place)) {
				return
			}
		}
	}
}

// backward is every element in turn, from the last one to the first.
func (t *table[T]) backward() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for place := t.len - 1; place >= 0; place-- {
			if !yield(t.at(place)) {
				return
			}
		}
	}
}
