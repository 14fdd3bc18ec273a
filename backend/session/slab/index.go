package slab

import (
	"math"
	"math/bits"
)

// Index finds the places of rows by their keys, each of which it holds once. It stores a place and
// half of a hash in eight bytes, and compares whole keys in the rows, which the caller reads next:
// a map would store every key a second time. It does not defend against keys that are chosen to
// collide.
type Index[K any] struct {
	// Keys must be set before the first use.
	Keys *Keys[K]
	// slots hold the upper half of a hash and, below, the place plus one; 0 is a free slot. Their
	// number is a power of two, and at most three of four are used. A key is in the first free slot
	// at or after its home.
	slots []uint64
	shift int // from a hash to its home
	used  int
}

// Keys is how an index hashes a key, and finds whether the row at a place has it. The upper half of
// the hash must be well spread.
type Keys[K any] struct {
	Hash func(key K) uint64
	Has  func(place int32, key K) bool
}

func placeIn(slot uint64) int32 { return int32(uint32(slot)) - 1 }

func (x *Index[K]) home(hash uint64) int { return int(hash >> x.shift) }

func (x *Index[K]) next(slot int) int { return (slot + 1) & (len(x.slots) - 1) }

// slot returns the slot that holds the key, or the free one in which the search ends.
func (x *Index[K]) slot(key K) int {
	hash := x.Keys.Hash(key)
	at := x.home(hash)
	for ; x.slots[at] != 0; at = x.next(at) {
		if (x.slots[at]^hash)>>32 == 0 && x.Keys.Has(placeIn(x.slots[at]), key) {
			break
		}
	}
	return at
}

// Find returns the place of the key's row, and reports whether there is one.
func (x *Index[K]) Find(key K) (place int32, found bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	place = placeIn(x.slots[x.slot(key)])
	return place, place >= 0
}

// Add adds a key that the index does not hold.
func (x *Index[K]) Add(key K, place int32) {
	if 4*(x.used+1) > 3*len(x.slots) {
		x.grow()
	}
	x.put(x.Keys.Hash(key)&^math.MaxUint32 | uint64(uint32(place+1)))
	x.used++
}

func (x *Index[K]) put(slot uint64) {
	at := x.home(slot)
	for x.slots[at] != 0 {
		at = x.next(at)
	}
	x.slots[at] = slot
}

func (x *Index[K]) grow() {
	old := x.slots
	x.slots = make([]uint64, max(8, 2*len(old)))
	clear(x.slots) // write first: the system maps fresh memory twice if it is read first
	x.shift = 64 - bits.TrailingZeros(uint(len(x.slots)))
	for _, slot := range old {
		if slot != 0 {
			x.put(slot)
		}
	}
}

// Remove removes a key that the index holds, while its row still has it. A later slot moves into
// the gap if a search for it would end there.
func (x *Index[K]) Remove(key K) {
	last := len(x.slots) - 1
	gap := x.slot(key)
	for at := x.next(gap); x.slots[at] != 0; at = x.next(at) {
		if home := x.home(x.slots[at]); (at-home)&last >= (at-gap)&last {
			x.slots[gap] = x.slots[at]
			gap = at
		}
	}
	x.slots[gap] = 0
	x.used--
}
