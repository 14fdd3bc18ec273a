package session

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// index finds the places of sessions by their ids. It keeps the places and half of each id's hash, at most three for every four slots, and
// compares whole ids in the rows, which whoever asks wants to read next: a map with the ids in it would take some 20 bytes more for each
// session, and one more wait for memory. Nobody chooses an id, so nobody can choose two that meet.
type index struct {
	// slots are the upper half of an id's hash, and its place plus one below; 0 is none. Their number is a power of two.
	slots []uint64
	shift int // what is left of 64 bits beside those that number the slots
	used  int
}

func slotOf(id ID, place int32) uint64 { return hash(id)&^math.MaxUint32 | uint64(uint32(place+1)) }

func placeOf(slot uint64) int32 { return int32(uint32(slot)) - 1 }

// hash spreads ids, which are random but for the time in them, and also those of tests, which are not. Its upper half is the better one
// (Fibonacci hashing).
func hash(id ID) uint64 {
	const golden = 0x9e3779b97f4a7c15
	return (binary.LittleEndian.Uint64(id[:8])*golden ^ binary.LittleEndian.Uint64(id[8:])) * golden
}

// home is the slot that a hash is looked for in first; where that is taken, the next one that is free. The upper half settles it.
func (x *index) home(hash uint64) int { return int(hash >> x.shift) }

// slot is where the id's place stands, or the free slot where it would.
func (x *index) slot(id ID, rows *table[row]) int {
	sought := hash(id)
	at := x.home(sought)
	for ; x.slots[at] != 0; at = (at + 1) & (len(x.slots) - 1) {
		if (x.slots[at]^sought)>>32 == 0 && rows.at(placeOf(x.slots[at])).id == id {
			break
		}
	}
	return at
}

func (x *index) find(id ID, rows *table[row]) (place int32, known bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	place = placeOf(x.slots[x.slot(id, rows)])
	return place, place >= 0
}

// add adds an id that is not known.
func (x *index) add(id ID, place int32) {
	if 4*(x.used+1) > 3*len(x.slots) {
		x.grow()
	}
	x.put(slotOf(id, place))
	x.used++
}

func (x *index) put(slot uint64) {
	at := x.home(slot)
	for x.slots[at] != 0 {
		at = (at + 1) & (len(x.slots) - 1)
	}
	x.slots[at] = slot
}

func (x *index) grow() {
	known := x.slots
	x.slots = make([]uint64, max(8, 2*len(known)))
	clear(x.slots) // at once: the system maps fresh memory twice if it is read before it is written
	x.shift = 64 - bits.TrailingZeros(uint(len(x.slots)))
	for _, slot := range known {
		if slot != 0 {
			x.put(slot)
		}
	}
}

// move notes a known id's new place. Its row is still where it was.
func (x *index) move(id ID, place int32, rows *table[row]) {
	x.slots[x.slot(id, rows)] = slotOf(id, place)
}

// remove forgets a known id. What would be looked for past the gap moves into it.
func (x *index) remove(id ID, rows *table[row]) {
	last := len(x.slots) - 1
	gap := x.slot(id, rows)
	for at := (gap + 1) & last; x.slots[at] != 0; at = (at + 1) & last {
		if home := x.home(x.slots[at]); (at-home)&last >= (at-gap)&last {
			x.slots[gap] = x.slots[at]
			gap = at
		}
	}
	x.slots[gap] = 0
	x.used--
}
