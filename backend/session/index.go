package session

import (
	"encoding/binary"
	"math/bits"
)

// index finds the places of sessions by their ids. It keeps the places alone, at most three for every four slots, and compares ids in the
// rows, which whoever asks wants to read next: a map with the ids in it would take 25 bytes more for each session, and one more wait for
// memory. Nobody chooses an id, so nobody can choose two that meet.
type index struct {
	// slots are places plus one; 0 is none. Their number is a power of two.
	slots []int32
	shift int // what is left of 64 bits beside those that number the slots
	used  int
}

// home is the slot that an id is looked for in first; where that is taken, the next one that is free. Ids are random but for the time in
// them; multiplying spreads also those that are not, and leaves the best of it in the highest bits (Fibonacci hashing).
func (x *index) home(id ID) int {
	const golden = 0x9e3779b97f4a7c15
	hash := (binary.LittleEndian.Uint64(id[:8])*golden ^ binary.LittleEndian.Uint64(id[8:])) * golden
	return int(hash >> x.shift)
}

// slot is where the id's place stands, or the free slot where it would.
func (x *index) slot(id ID, rows *table[row]) int {
	at := x.home(id)
	for x.slots[at] != 0 && rows.at(x.slots[at]-1).id != id {
		at = (at + 1) & (len(x.slots) - 1)
	}
	return at
}

func (x *index) find(id ID, rows *table[row]) (place int32, known bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	place = x.slots[x.slot(id, rows)] - 1
	return place, place >= 0
}

// add adds an id that is not known, and whose row is there.
func (x *index) add(id ID, place int32, rows *table[row]) {
	if 4*(x.used+1) > 3*len(x.slots) {
		x.grow(rows)
	}
	x.slots[x.slot(id, rows)] = place + 1
	x.used++
}

func (x *index) grow(rows *table[row]) {
	known := x.slots
	x.slots = make([]int32, max(8, 2*len(known)))
	x.shift = 64 - bits.TrailingZeros(uint(len(x.slots)))
	for _, place := range known {
		if place != 0 {
			x.slots[x.slot(rows.at(place-1).id, rows)] = place
		}
	}
}

// move notes a known id's new place. Its row is still where it was.
func (x *index) move(id ID, place int32, rows *table[row]) { x.slots[x.slot(id, rows)] = place + 1 }

// remove forgets a known id. What would be looked for past the gap moves into it.
func (x *index) remove(id ID, rows *table[row]) {
	last := len(x.slots) - 1
	gap := x.slot(id, rows)
	for at := (gap + 1) & last; x.slots[at] != 0; at = (at + 1) & last {
		home := x.home(rows.at(x.slots[at] - 1).id)
		if (at-home)&last >= (at-gap)&last {
			x.slots[gap] = x.slots[at]
			gap = at
		}
	}
	x.slots[gap] = 0
	x.used--
}
