package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"curfew/backend/member"
)

// count is how many sessions there are, and of how many members. It takes no lock.
func (r *roster) count() (sessions, members int) {
	return int(r.sessions.Load()), int(r.occupied.Load())
}

// idsOf returns those of a member's sessions that have not expired.
func (r *roster) idsOf(m member.ID, org *Organization, now time.Time) (ids []ID) {
	alive := org.Window(now)
	r.eachOf(m, func(e *row) {
		if alive.Holds(e.times()) {
			ids = append(ids, e.id)
		}
	})
	return ids
}

// activityOf returns the activity of a member by their live sessions.
func (r *roster) activityOf(m member.ID, org *Organization, now time.Time) (a Activity) {
	alive, seen := org.Window(now), int64(0)
	r.eachOf(m, func(e *row) {
		if alive.Holds(e.times()) {
			a.Sessions++
			seen = max(seen, e.lastSeenAt.Load())
		}
	})
	if a.Sessions > 0 {
		a.LastSeenAt = time.UnixMilli(seen).UTC()
	}
	return a
}

// overdue scans a part of the rows, from the place given. It returns at most limit expired sessions
// and the place to resume at, or 0 once the scan is complete.
func (r *roster) overdue(org *Organization, now time.Time, from int32, limit int) (ids []ID, next int32) {
	const part = 2 * slice
	alive := org.Window(now)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for end := min(from+part, r.rows.Len()); from < end; from++ {
		e := r.rows.At(from)
		if e.startedAt.Load() == over || alive.Holds(e.times()) {
			continue
		}
		if len(ids) == limit {
			break
		}
		ids = append(ids, e.id)
	}
	if from < r.rows.Len() {
		return ids, from
	}
	return ids, 0
}

// Figures are the numbers of the live sessions.
type Figures struct {
	Live Count
	// New counts the sessions that began since the day did.
	New int
	// EndingWithinHour counts those that end within the hour, unless there is an access.
	EndingWithinHour int
	// Active counts the members who made a request within [ActiveWithin].
	Active int
}

// ActiveWithin is how long after a request a member counts as active.
const ActiveWithin = 5 * time.Minute

func (r *roster) figures(ctx context.Context, org *Organization, now, day time.Time) (f Figures, err error) {
	began, alive, hence := day.UnixMilli(), org.Window(now), org.Window(now.Add(time.Hour))
	var live, active tally
	since := now.Add(-ActiveWithin).UnixMilli()
	err = r.walk(ctx, false, func(e *row) {
		times := e.times()
		if !alive.Holds(times) {
			return
		}
		live.add(e)
		if e.lastSeenAt.Load() >= since {
			active.add(e)
		}
		if times.AuthenticatedAt >= began {
			f.New++
		}
		if !hence.Holds(times) {
			f.EndingWithinHour++
		}
	})
	f.Live, f.Active = live.Count, active.Members
	return f, err
}

// Order is what a list of sessions is ordered by. Ids settle ties.
type Order string

// The orders of a list.
const (
	ByLastSeen Order = "lastSeen"
	BySignedIn Order = "signedIn"
	ByEnd      Order = "ends"
	ByMember   Order = "member"
	ByDevice   Order = "device"
	ByAddress  Order = "address"
)

// Descends reports whether the largest comes first unless the query is reversed, as people expect
// of times.
func (o Order) Descends() bool { return o != ByMember && o != ByDevice && o != ByAddress }

// Query selects live sessions. The zero Query selects all of them, the newest access first.
type Query struct {
	// Member limits the query to the sessions of a member, unless it is zero.
	Member member.ID
	// Text is words that must all be found in the member's name or e-mail address, the device or
	// the network address. A word may also be a network, as in 192.0.2.0/24.
	Text   string
	Device DeviceKind
	// SignedInSince and SignedInBefore are bounds of the sign-in, unless they are zero.
	SignedInSince, SignedInBefore time.Time
	// EndsBefore limits the query to sessions that end before then, unless there is an access. It
	// is no limit if it is zero.
	EndsBefore time.Time
	// EndsUnder limits the query to sessions that would end at once if this policy were saved now.
	// It is no limit if it is zero.
	EndsUnder Policy

	Order Order
	// Reversed reverses the order.
	Reversed bool
	// After is the last session of the page before, or nil for the first page.
	After *Mark
	Limit int

	// but is a session to omit.
	but ID
}

// descending reports whether the largest comes first.
func (q Query) descending() bool { return q.Order.Descends() != q.Reversed }

// Mark is a position in an ordered list.
type Mark struct {
	// Key is a time in its second half, or an address in both. Text is used by orders of text.
	Key  [2]uint64
	Text string
	ID   ID
	// Late reports whether the session was seen since the walk began: see [Walk].
	Late bool
	// Walk is nil in an order in which no session moves.
	Walk *Walk
}

// Walk is one reader's way through the pages of a list in which an access moves a session. Sessions
// that were seen since it began come at the end, ordered by id, so each comes at least once.
type Walk struct {
	// Begun is in milliseconds since 1970.
	Begun int64
	// Given are the sessions of the first page that were seen since then. They do not come again.
	Given []ID
}

// beginning is how long before its first page a walk begins, since a check reads the time some time
// before it writes it.
const beginning = 100 * time.Millisecond

// moves reports whether an access moves a session in the order.
func (o Order) moves() bool { return o == ByLastSeen || o == ByEnd }

// late reports whether the session's place may have changed since the walk began.
func (w *Walk) late(e *row, by Order, org *Organization) bool {
	return w != nil && (e.lastSeenAt.Load() >= w.Begun || by == ByEnd && org.SavedAt.UnixMilli() >= w.Begun)
}

// follow compares two marks in a list. The direction is 1 or -1.
func (m *Mark) follow(other *Mark, direction int) int {
	switch {
	case m.Late && other.Late:
		return bytes.Compare(m.ID[:], other.ID[:])
	case m.Late:
		return 1
	case other.Late:
		return -1
	}
	return direction * m.compare(other)
}

func (m *Mark) compare(other *Mark) int {
	if m.Key != other.Key {
		return slices.Compare(m.Key[:], other.Key[:])
	}
	if m.Text != other.Text {
		return strings.Compare(m.Text, other.Text)
	}
	return bytes.Compare(m.ID[:], other.ID[:])
}

// query returns a page of the sessions that the query selects, as marks in its order, whether there
// are more, and how many it selects in all. Or it returns the context's error.
func (r *roster) query(ctx context.Context, q Query, org *Organization, now time.Time) (page []Mark, more bool, total int, err error) {
	var (
		filter = r.filter(q, org, now)
		best   = newBest(q)
	)
	err = r.candidates(ctx, q, func(e *row) {
		if filter.selects(e) {
			total++
			best.add(r.mark(e, q.Order, org), e, org)
		}
	})
	if err != nil {
		return nil, false, 0, err
	}
	page = best.marks[:min(len(best.marks), q.Limit)]
	return page, len(best.marks) > q.Limit, total, nil
}

// best holds the first marks of a page, and one more if there is one.
type best struct {
	query     Query
	walk      *Walk
	direction int
	marks     []Mark
}

func newBest(q Query) *best {
	b := &best{query: q, direction: 1, marks: make([]Mark, 0, q.Limit+2)}
	if q.descending() {
		b.direction = -1
	}
	if q.After != nil {
		b.walk = q.After.Walk
	}
	return b
}

func (b *best) add(mark Mark, e *row, org *Organization) {
	mark.Late = b.walk.late(e, b.query.Order, org)
	limit := b.query.Limit
	switch after := b.query.After; {
	case after != nil && mark.follow(after, b.direction) <= 0,
		mark.Late && slices.Contains(b.walk.Given, e.id),
		len(b.marks) > limit && mark.follow(&b.marks[limit], b.direction) >= 0:
		return
	}
	place, _ := slices.BinarySearchFunc(b.marks, mark, func(x, y Mark) int { return x.follow(&y, b.direction) })
	b.marks = slices.Insert(b.marks, place, mark)
	b.marks = b.marks[:min(len(b.marks), limit+1)]
}

func (r *roster) mark(e *row, by Order, org *Organization) Mark {
	mark := Mark{ID: e.id}
	switch by {
	case BySignedIn:
		mark.Key[1] = uint64(e.authenticatedAt)
	case ByEnd:
		mark.Key[1] = uint64(org.Policy.end(e.times()))
	case ByMember:
		mark.Text = r.textOf(e.member, sortNameField)
	case ByDevice:
		mark.Text = r.agentOf(e).words
	case ByAddress:
		mark.Key = [2]uint64{binary.BigEndian.Uint64(e.address[:8]), binary.BigEndian.Uint64(e.address[8:])}
	default:
		mark.Key[1] = uint64(e.lastSeenAt.Load())
	}
	return mark
}
