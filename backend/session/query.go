package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"curfew/backend/fold"
	"curfew/backend/member"
)

// count is how many sessions there are, and of how many members.
func (r *roster) count() (sessions, members int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return int(r.rows.len), r.occupied
}

// countOf is how many sessions a member has.
func (r *roster) countOf(id member.ID, org *Organization, now time.Time) (n int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	alive := org.Window(now)
	for e := range r.rowsOf(id) {
		if alive.Holds(e.times()) {
			n++
		}
	}
	return n
}

// idsOf are those of a member's sessions that have time left.
func (r *roster) idsOf(m member.ID, org *Organization, now time.Time) (ids []ID) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	alive := org.Window(now)
	for e := range r.rowsOf(m) {
		if alive.Holds(e.times()) {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// betweenLooks is how many rows a walk passes before it looks again whether its caller still waits: some tenths of a millisecond.
const betweenLooks = 4096

// abandoned reports at some of a walk's rows whether its caller has left.
func abandoned(ctx context.Context, row int) bool {
	return row%betweenLooks == 0 && ctx.Err() != nil
}

// each calls f with the standing of every session by the organization, or returns the context's error.
func (r *roster) each(ctx context.Context, org *Organization, f func(id ID, m member.ID, standing Standing)) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	row := 0
	for e := range r.rows.all() {
		if row++; abandoned(ctx, row) {
			return ctx.Err()
		}
		own := r.memberOf(e)
		f(e.id, own.id, e.standing(e.startedAt.Load(), own, org))
	}
	return nil
}

// overdue finds up to so many sessions whose time has run out in one part of the walk over all of them, which begins at the place, and tells
// where the next part begins, or 0 at the end. Whatever moves to a place that was passed is found by the next walk. A part takes up to a
// millisecond: a whole walk over a million sessions would keep a processor, and what is in its caches, from all requests.
func (r *roster) overdue(org *Organization, now time.Time, from int32, limit int) (ids []ID, next int32) {
	const part = 2 * chunkSize
	alive := org.Window(now)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for end := min(from+part, r.rows.len); from < end; from++ {
		e := r.rows.at(from)
		if e.startedAt.Load() == over || alive.Holds(e.times()) {
			continue
		}
		if len(ids) == limit {
			break
		}
		ids = append(ids, e.id)
	}
	if from < r.rows.len {
		return ids, from
	}
	return ids, 0
}

// Figures are the numbers of the live sessions.
type Figures struct {
	Live Count
	// New is how many of the sessions began since the day did.
	New int
	// EndingWithinHour is how many end within the hour, if nobody comes back meanwhile.
	EndingWithinHour int
}

func (r *roster) figures(org *Organization, now, day time.Time) Figures {
	r.mu.RLock()
	defer r.mu.RUnlock()
	began := day.UnixMilli()
	// What will have expired in an hour is found as what has expired now is.
	alive, hence := org.Window(now), org.Window(now.Add(time.Hour))
	var f Figures
	counted := make([]bool, r.members.len)
	for e := range r.rows.all() {
		if !alive.Holds(e.times()) {
			continue
		}
		f.Live.Sessions++
		if !counted[e.member] {
			counted[e.member] = true
			f.Live.Members++
		}
		if e.authenticatedAt >= began {
			f.New++
		}
		if !hence.Holds(e.times()) {
			f.EndingWithinHour++
		}
	}
	return f
}

func (e *row) times() Times { return Times{e.startedAt.Load(), e.authenticatedAt} }

// Order is what a list of sessions is ordered by. Equals are ordered by their ids.
type Order string

// The orders that there are.
const (
	ByLastSeen Order = "lastSeen"
	BySignedIn Order = "signedIn"
	ByEnd      Order = "ends"
	ByMember   Order = "member"
	ByDevice   Order = "device"
	ByAddress  Order = "address"
)

// Valid tells whether there is such an order.
func (o Order) Valid() bool {
	switch o {
	case ByLastSeen, BySignedIn, ByEnd, ByMember, ByDevice, ByAddress:
		return true
	}
	return false
}

// Descends tells whether the largest comes first unless the query is reversed: of times people expect the newest, and of words those
// with A.
func (o Order) Descends() bool { return o != ByMember && o != ByDevice && o != ByAddress }

// Query picks live sessions of everybody's. The zero Query picks all of them, the newest access first.
type Query struct {
	// Member is the one whose sessions to pick; zero for everybody.
	Member member.ID
	// Text is words that are all found in the member's name or e-mail address, the device or the network address. A word may also be a
	// network, as in 192.0.2.0/24.
	Text   string
	Device DeviceKind
	// SignedInSince and SignedInBefore bound the sign-in; zero for no bound.
	SignedInSince, SignedInBefore time.Time

	Order Order
	// Reversed turns the order round.
	Reversed bool
	// After is the last session of the page before; nil for the first page.
	After *Mark
	Limit int

	// but is a session to leave out.
	but ID
}

// descending tells whether the largest comes first.
func (q Query) descending() bool { return q.Order.Descends() != q.Reversed }

// Mark is a place in an ordered list: what is ordered by, and the id that settles ties.
type Mark struct {
	// Key is a time in its second half, or an address over both; Text is words.
	Key  [2]uint64
	Text string
	ID   ID
	// Late is set for a session that was seen since the walk began: see [Walk].
	Late bool
	// Walk is nil in an order in which no session moves.
	Walk *Walk
}

// Walk is one reader's way through the pages of a list in which an access moves a session. Sessions that were
// seen since it began come at its end, ordered by their ids, so that each comes at least once.
type Walk struct {
	// Begun is in milliseconds since 1970.
	Begun int64
	// Given are the sessions of the first page that were seen at that instant. They do not come again.
	Given []ID
}

// beginning is how long before its first page a walk begins: a request reads the time before it notes it.
const beginning = 100 * time.Millisecond

// moves reports whether an access moves a session in the order.
func (o Order) moves() bool { return o == ByLastSeen || o == ByEnd }

// late reports whether the session's place may have changed since the walk began.
func (w *Walk) late(e *row, by Order, org *Organization) bool {
	return w != nil && (e.lastSeenAt.Load() >= w.Begun || by == ByEnd && org.SavedAt.UnixMilli() >= w.Begun)
}

// follow compares two places in a list of that direction, which is 1 or -1.
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
	// Nearly always the first that there is settles it.
	if m.Key != other.Key {
		return slices.Compare(m.Key[:], other.Key[:])
	}
	if m.Text != other.Text {
		return strings.Compare(m.Text, other.Text)
	}
	return bytes.Compare(m.ID[:], other.ID[:])
}

// query gives a page of what the query picks, as marks in its order, tells if there is more, and how many it picks in all. Or it returns the
// context's error.
func (r *roster) query(ctx context.Context, q Query, org *Organization, now time.Time) (page []Mark, more bool, total int, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	picks, direction := r.filter(q, org, now), 1
	if q.descending() {
		direction = -1
	}
	var walk *Walk
	if q.After != nil {
		walk = q.After.Walk
	}
	best := make([]Mark, 0, q.Limit+2)
	row := 0
	for e := range r.rowsFor(q) {
		if row++; abandoned(ctx, row) {
			return nil, false, 0, ctx.Err()
		}
		if !picks(e) {
			continue
		}
		total++
		mark := r.mark(e, q.Order, org)
		mark.Late = walk.late(e, q.Order, org)
		if q.After != nil && mark.follow(q.After, direction) <= 0 || mark.Late && slices.Contains(walk.Given, e.id) {
			continue
		}
		if len(best) > q.Limit && mark.follow(&best[q.Limit], direction) >= 0 {
			continue
		}
		place, _ := slices.BinarySearchFunc(best, mark, func(a, b Mark) int { return a.follow(&b, direction) })
		best = slices.Insert(best, place, mark)
		best = best[:min(len(best), q.Limit+1)]
	}
	if more = len(best) > q.Limit; more {
		best = best[:q.Limit]
	}
	return best, more, total, nil
}

// rowsFor are the rows that the query may pick, beginning with those that are likely to come first in the list, so that few of the others
// displace them: newer sessions stand further behind.
func (r *roster) rowsFor(q Query) iter.Seq[*row] {
	if q.Member == (member.ID{}) {
		if q.descending() {
			return r.rows.backward()
		}
		return r.rows.all()
	}
	return r.rowsOf(q.Member)
}

func (r *roster) rowsOf(m member.ID) iter.Seq[*row] {
	return func(yield func(*row) bool) {
		place, known := r.memberAt[m]
		if !known {
			return
		}
		for at := r.members.at(place).newest; at != 0; {
			own := r.rows.at(at - 1)
			if !yield(own) {
				return
			}
			at = own.older
		}
	}
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

// filter gives the function that tells whether the query picks a row. What it asks of members and of devices is worked out once for each.
func (r *roster) filter(q Query, org *Organization, now time.Time) func(*row) bool {
	var (
		alive         = org.Window(now)
		since, before = int64(0), int64(math.MaxInt64)
		text          = r.pattern(q.Text)
	)
	if !q.SignedInSince.IsZero() {
		since = q.SignedInSince.UnixMilli()
	}
	if !q.SignedInBefore.IsZero() {
		before = q.SignedInBefore.UnixMilli()
	}
	return func(e *row) bool {
		return alive.Holds(e.times()) && e.authenticatedAt >= since && e.authenticatedAt < before && e.id != q.but &&
			(q.Device == "" || r.agentOf(e).device.Kind == q.Device) && text.matches(e)
	}
}

// pattern is the words that a search looks for, and where each was found: a bit for each word.
type pattern struct {
	all       uint64
	members   []uint64
	agents    []uint64
	addresses []func(netip.Addr) bool // nil for a word that is no part of an address
}

// pattern looks for the words of a search among the members and the devices. Of more than 64, which nobody types, it takes the first.
func (r *roster) pattern(text string) *pattern {
	parts := fold.Words(text)
	if len(parts) == 0 {
		return nil
	}
	parts = parts[:min(len(parts), 64)]
	p := &pattern{members: make([]uint64, r.members.len), agents: make([]uint64, r.agents.len)}
	for n, part := range parts {
		bit := uint64(1) << n
		p.all |= bit
		for i := range p.members {
			if strings.Contains(r.textOf(int32(i), searchTextField), part) {
				p.members[i] |= bit
			}
		}
		for i := range p.agents {
			if strings.Contains((*r.agents.at(int32(i))).words, part) {
				p.agents[i] |= bit
			}
		}
		p.addresses = append(p.addresses, addressPattern(part))
	}
	return p
}

func (p *pattern) matches(e *row) bool {
	if p == nil {
		return true
	}
	found := p.members[e.member] | p.agents[e.agent]
	for n, matches := range p.addresses {
		if bit := uint64(1) << n; found&bit == 0 && matches != nil && matches(netip.AddrFrom16(e.address).Unmap()) {
			found |= bit
		}
	}
	return found == p.all
}

// addressPattern is how a word is held against network addresses: as a network, an address, or a part of one.
func addressPattern(word string) func(netip.Addr) bool {
	if network, err := netip.ParsePrefix(word); err == nil {
		return network.Masked().Contains
	}
	if address, err := netip.ParseAddr(word); err == nil {
		return func(other netip.Addr) bool { return other == address.Unmap() }
	}
	if !strings.ContainsAny(word, ".:") || strings.Trim(word, "0123456789abcdef.:") != "" {
		return nil
	}
	part, text := []byte(word), make([]byte, 0, 64)
	return func(other netip.Addr) bool {
		text = other.AppendTo(text[:0])
		return bytes.Contains(text, part)
	}
}
