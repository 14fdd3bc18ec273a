package session

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"curfew/backend/member"
)

// directory is the live sessions as lists, figures and previews look at them: of every one the few facts that they pick, order and
// count by. It is whole, where the roster is a bounded copy, so any filter in any order is one walk over an array in memory, and so is
// an exact total; a database would need an index for each.
//
// Service keeps it in step with the store while it holds changes. Accesses reach it late, and before every look.
type directory struct {
	mu sync.RWMutex
	// rows are without pointers, so that a million of them cost the garbage collector nothing.
	rows []row
	at   map[ID]int32

	residents  []resident
	residentAt map[member.ID]int32
	// occupied is how many residents have a session.
	occupied int

	devices  []device
	deviceAt map[Device]int32
}

// row is one live session. Its times are milliseconds since the epoch.
type row struct {
	id            ID
	authenticated int64
	started       int64
	seen          int64
	address       [16]byte // the zero address where there is none
	resident      int32
	device        int32
	nth           int32 // its place among its resident's
}

// resident is a member beside the places of their sessions.
type resident struct {
	member   member.Member
	sortName string
	search   string
	rows     []int32
}

type device struct {
	Device
	text string
}

func newDirectory() *directory {
	d := &directory{}
	d.reset()
	return d
}

func (d *directory) reset() {
	d.rows, d.at = nil, map[ID]int32{}
	d.residents, d.residentAt, d.occupied = nil, map[member.ID]int32{}, 0
	d.devices, d.deviceAt = nil, map[Device]int32{}
}

// clear forgets every session, as after a revocation of all of them. What it takes does not depend on how many there were.
func (d *directory) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reset()
}

// replace takes the place of everything with what fill adds.
func (d *directory) replace(fill func(add func(Facts)) error) error {
	fresh := newDirectory()
	// Very many sessions have few different user agents.
	agents := map[string]int32{}
	err := fill(func(facts Facts) {
		known, ok := agents[facts.Client.UserAgent]
		if !ok {
			known = fresh.device(facts.Client)
			agents[facts.Client.UserAgent] = known
		}
		fresh.insert(facts, known)
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rows, d.at, d.residents, d.residentAt, d.occupied = fresh.rows, fresh.at, fresh.residents, fresh.residentAt, fresh.occupied
	d.devices, d.deviceAt = fresh.devices, fresh.deviceAt
	return nil
}

func (d *directory) add(record Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := record.Session
	d.insert(Facts{ID: s.ID, Member: record.Member, AuthenticatedAt: s.AuthenticatedAt, StartedAt: s.StartedAt, LastSeenAt: s.LastSeenAt, Client: s.Client},
		d.device(s.Client))
}

func (d *directory) insert(facts Facts, device int32) {
	who := d.resident(facts.Member)
	place := int32(len(d.rows))
	d.rows = append(d.rows, row{
		id: facts.ID, authenticated: facts.AuthenticatedAt.UnixMilli(), started: facts.StartedAt.UnixMilli(), seen: facts.LastSeenAt.UnixMilli(),
		address: addressOf(facts.Client), resident: who, device: device, nth: int32(len(d.residents[who].rows)),
	})
	d.at[facts.ID] = place
	if len(d.residents[who].rows) == 0 {
		d.occupied++
	}
	d.residents[who].rows = append(d.residents[who].rows, place)
}

func addressOf(client Client) [16]byte {
	address, err := netip.ParseAddr(client.Address)
	if err != nil {
		return [16]byte{} // a client without a network address
	}
	return address.As16()
}

func (d *directory) resident(m member.Member) int32 {
	place, known := d.residentAt[m.ID]
	if !known {
		place = int32(len(d.residents))
		d.residents = append(d.residents, resident{})
		d.residentAt[m.ID] = place
		d.residents[place].be(m)
	}
	return place
}

func (r *resident) be(m member.Member) {
	r.member, r.sortName, r.search = m, m.SortName(), m.SearchText()
}

func (d *directory) device(client Client) int32 {
	known := client.Device()
	place, ok := d.deviceAt[known]
	if !ok {
		place = int32(len(d.devices))
		d.devices = append(d.devices, device{known, known.words()})
		d.deviceAt[known] = place
	}
	return place
}

// remove forgets sessions that have ended.
func (d *directory) remove(ended []Ended) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range ended {
		d.drop(e.ID)
	}
}

// drop closes the gap with the last row, of the directory and of the resident.
func (d *directory) drop(id ID) {
	place, known := d.at[id]
	if !known {
		return
	}
	delete(d.at, id)
	gone := d.rows[place]
	own := &d.residents[gone.resident].rows
	lastOwn := (*own)[len(*own)-1]
	(*own)[gone.nth] = lastOwn
	d.rows[lastOwn].nth = gone.nth
	*own = (*own)[:len(*own)-1]
	if len(*own) == 0 {
		d.occupied--
	}

	last := int32(len(d.rows) - 1)
	if place != last {
		moved := d.rows[last]
		d.rows[place] = moved
		d.at[moved.id] = place
		d.residents[moved.resident].rows[moved.nth] = place
	}
	d.rows = d.rows[:last]
}

// follow makes what has become of a member known. Where their sessions ended with it, all of them did.
func (d *directory) follow(m member.Member, ended bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	place, known := d.residentAt[m.ID]
	if !known {
		return
	}
	if ended {
		for rows := d.residents[place].rows; len(rows) > 0; rows = d.residents[place].rows {
			d.drop(d.rows[rows[len(rows)-1]].id)
		}
	}
	d.residents[place].be(m)
}

// touch moves times forward, never back.
func (d *directory) touch(touches []Touch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, touch := range touches {
		if place, known := d.at[touch.ID]; known {
			r := &d.rows[place]
			r.started, r.seen = max(r.started, touch.StartedAt.UnixMilli()), max(r.seen, touch.LastSeenAt.UnixMilli())
		}
	}
}

// count is how many sessions there are, and of how many members.
func (d *directory) count() (sessions, members int) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.rows), d.occupied
}

// countOf is how many sessions a member has.
func (d *directory) countOf(id member.ID) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if place, known := d.residentAt[id]; known {
		return len(d.residents[place].rows)
	}
	return 0
}

// each calls f with the standing of every session by the organization.
func (d *directory) each(org *Organization, f func(id ID, m member.ID, standing Standing)) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.rows {
		r := &d.rows[i]
		m := &d.residents[r.resident].member
		// A session of another generation, its member's or the organization's, has left the directory.
		f(r.id, m.ID, Standing{
			MemberActive: m.Active, Generation: org.Generation, MemberGeneration: m.Generation, MembersOwn: m.Generation,
			AuthenticatedAt: time.UnixMilli(r.authenticated), StartedAt: time.UnixMilli(r.started), Organization: org,
		})
	}
}

// Figures are the numbers of the live sessions.
type Figures struct {
	Live Count
	// New is how many of the sessions began since the day did.
	New int
	// EndingWithinHour is how many end within the hour, if nobody comes back meanwhile.
	EndingWithinHour int
}

func (d *directory) figures(org *Organization, now, day time.Time) Figures {
	d.mu.RLock()
	defer d.mu.RUnlock()
	began := day.UnixMilli()
	// What will have expired in an hour is found as what has expired now is.
	window, hence := org.living(now), org.living(now.Add(time.Hour))
	var f Figures
	f.Live.Sessions, f.Live.Members = len(d.rows), d.occupied
	for i := range d.rows {
		r := &d.rows[i]
		if r.authenticated >= began {
			f.New++
		}
		if window.holds(r) && !hence.holds(r) {
			f.EndingWithinHour++
		}
	}
	return f
}

// window is what the times of a session have to be after, for it to have time left at an instant.
type window struct{ started, authenticated int64 }

func (o *Organization) living(at time.Time) window {
	started, authenticated := o.overdue(at)
	return window{started.UnixMilli(), authenticated.UnixMilli()}
}

func (w window) holds(r *row) bool { return r.started > w.started && r.authenticated > w.authenticated }

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
}

// descending tells whether the largest comes first.
func (q Query) descending() bool { return q.Order.Descends() != q.Reversed }

// Mark is a place in an ordered list: what is ordered by, and the id that settles ties.
type Mark struct {
	// Key is a time in its second half, or an address over both; Text is words.
	Key  [2]uint64
	Text string
	ID   ID
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

// find gives a page of what the query picks, as marks in its order, the mark to go on from, if there is more, and how many it picks in all.
func (d *directory) find(q Query, org *Organization, now time.Time) (page []Mark, more bool, total int) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	picks, direction := d.filter(q, org, now), 1
	if q.descending() {
		direction = -1
	}
	best := make([]Mark, 0, q.Limit+2)
	look := func(r *row) {
		if !picks(r) {
			return
		}
		total++
		mark := d.mark(r, q.Order, org)
		if q.After != nil && direction*mark.compare(q.After) <= 0 {
			return
		}
		if len(best) > q.Limit && direction*mark.compare(&best[q.Limit]) >= 0 {
			return
		}
		place, _ := slices.BinarySearchFunc(best, mark, func(a, b Mark) int { return direction * a.compare(&b) })
		best = slices.Insert(best, place, mark)
		best = best[:min(len(best), q.Limit+1)]
	}
	if q.Member == (member.ID{}) {
		d.walk(direction, look)
	} else if place, known := d.residentAt[q.Member]; known {
		for _, own := range d.residents[place].rows {
			look(&d.rows[own])
		}
	}
	if more = len(best) > q.Limit; more {
		best = best[:q.Limit]
	}
	return best, more, total
}

// walk goes through the rows from the end that is likely to come first in the list, so that few of the others displace it: newer
// sessions stand further behind.
func (d *directory) walk(direction int, look func(*row)) {
	for i := range d.rows {
		if direction < 0 {
			i = len(d.rows) - 1 - i
		}
		look(&d.rows[i])
	}
}

func (d *directory) mark(r *row, by Order, org *Organization) Mark {
	mark := Mark{ID: r.id}
	switch by {
	case BySignedIn:
		mark.Key[1] = uint64(r.authenticated)
	case ByEnd:
		mark.Key[1] = uint64(org.endOf(r))
	case ByMember:
		mark.Text = d.residents[r.resident].sortName
	case ByDevice:
		mark.Text = d.devices[r.device].text
	case ByAddress:
		mark.Key = [2]uint64{binary.BigEndian.Uint64(r.address[:8]), binary.BigEndian.Uint64(r.address[8:])}
	default:
		mark.Key[1] = uint64(r.seen)
	}
	return mark
}

// endOf is [Standing.ExpiresAt] of a row; a test holds one against the other.
func (o *Organization) endOf(r *row) int64 {
	at := r.started + o.Policy.Length.Duration().Milliseconds()
	if maximum := o.Policy.MaximumLifetime; !maximum.IsZero() {
		at = min(at, r.authenticated+maximum.Duration().Milliseconds())
	}
	return at
}

// filter gives the function that tells whether the query picks a row. What it asks of members and of devices is worked out once for each.
func (d *directory) filter(q Query, org *Organization, now time.Time) func(*row) bool {
	var (
		alive         = org.living(now)
		since, before = int64(0), int64(0)
		text          = d.pattern(q.Text)
	)
	if !q.SignedInSince.IsZero() {
		since = q.SignedInSince.UnixMilli()
	}
	if !q.SignedInBefore.IsZero() {
		before = q.SignedInBefore.UnixMilli()
	}
	return func(r *row) bool {
		return alive.holds(r) && r.authenticated >= since && (before == 0 || r.authenticated < before) &&
			(q.Device == "" || d.devices[r.device].Kind == q.Device) && text.matches(r)
	}
}

// pattern is the words that a search looks for, and where each was found: a bit for each word.
type pattern struct {
	all       uint64
	residents []uint64
	devices   []uint64
	addresses []func(netip.Addr) bool // nil for a word that is no part of an address
}

// pattern looks for the words of a search among the members and the devices. Of more than 64, which nobody types, it takes the first.
func (d *directory) pattern(text string) *pattern {
	parts := strings.Fields(member.Fold(text))
	if len(parts) == 0 {
		return nil
	}
	parts = parts[:min(len(parts), 64)]
	p := &pattern{residents: make([]uint64, len(d.residents)), devices: make([]uint64, len(d.devices))}
	for n, part := range parts {
		bit := uint64(1) << n
		p.all |= bit
		for i := range d.residents {
			if strings.Contains(d.residents[i].search, part) {
				p.residents[i] |= bit
			}
		}
		for i := range d.devices {
			if strings.Contains(d.devices[i].text, part) {
				p.devices[i] |= bit
			}
		}
		p.addresses = append(p.addresses, addressPattern(part))
	}
	return p
}

func (p *pattern) matches(r *row) bool {
	if p == nil {
		return true
	}
	found := p.residents[r.resident] | p.devices[r.device]
	for n, matches := range p.addresses {
		if bit := uint64(1) << n; found&bit == 0 && matches != nil && matches(netip.AddrFrom16(r.address).Unmap()) {
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
