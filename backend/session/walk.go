package session

import (
	"context"

	"curfew/backend/member"
)

// slice is how many rows a walk visits before it lets sessions come and go: some tenths of a
// millisecond of work.
const slice = 4096

// walk calls f with every row, from the newest place or the oldest. It returns the context's error
// if the caller leaves.
//
// The roster changes between two slices, but its rows stay where they are. So f sees each session
// that is there throughout exactly once, and one that comes or goes meanwhile at most once. Only a
// session that goes and comes back, as [Service.Admit] reloads it after a failed write, may be seen
// twice. f also sees rows without a session, which no [Window] holds.
func (r *roster) walk(ctx context.Context, newestFirst bool, f func(e *row)) error {
	r.mu.RLock()
	rows := r.rows.Len()
	r.mu.RUnlock()
	for begin := int32(0); begin < rows; begin += slice {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.mu.RLock()
		for n := begin; n < min(begin+slice, rows); n++ {
			place := n
			if newestFirst {
				place = rows - 1 - n
			}
			f(r.rows.At(place))
		}
		r.mu.RUnlock()
	}
	return nil
}

// eachOf calls f with the rows of a member, the newest first.
func (r *roster) eachOf(m member.ID, f func(e *row)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	place, known := r.memberAt[m]
	if !known {
		return
	}
	for at := r.members.At(place).newest; at != 0; {
		e := r.rows.At(at - 1)
		f(e)
		at = e.older
	}
}

// Count is a number of sessions and of the members they belong to.
type Count struct{ Sessions, Members int }

// tally is a Count in the making. The zero tally is empty.
type tally struct {
	Count
	counted []bool // by the places of members
}

// add counts a session, and reports whether it is the first of its member.
func (t *tally) add(e *row) bool {
	t.Sessions++
	t.counted = reach(t.counted, e.member)
	if t.counted[e.member] {
		return false
	}
	t.counted[e.member] = true
	t.Members++
	return true
}

// reach returns the list, long enough for the place.
func reach[T any](list []T, place int32) []T {
	if missing := int(place) + 1 - len(list); missing > 0 {
		return append(list, make([]T, missing)...)
	}
	return list
}
