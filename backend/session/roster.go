package session

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/member"
)

// roster holds the live sessions that the process has seen, so that the check does no I/O. It is a bounded copy: the store
// is the truth, and a session that is missing here is loaded from there.
//
// Exactly one process writes the database, and every change of a row that could end a session passes through [Service],
// which changes the store first and the roster before it answers. A fill that was read before such a change is dropped
// (see put), so nothing that was ended is ever put back.
type roster struct {
	shards [64]shard
	// room is how many sessions one shard holds at most.
	room int

	// fills guards epoch and members, and is held while entries come and go. Hits do not take it.
	fills   sync.Mutex
	epoch   uint64
	members map[member.ID]*atomic.Pointer[member.Member]
}

type shard struct {
	mu      sync.RWMutex
	entries map[ID]*entry

	touchedMu sync.Mutex
	touched   []*entry
}

// entry is one live session. Its times are milliseconds since the epoch.
type entry struct {
	session Session // as it was stored; the times that move are below
	member  *atomic.Pointer[member.Member]

	// startedAt is over once the session has ended. Judging and touching are one compare-and-swap on this word, so a
	// touch can never slip in behind an end.
	startedAt  atomic.Int64
	lastSeenAt atomic.Int64
	provedAt   atomic.Int64
	// pending tells that the times are newer than the store's, and that the entry waits in its shard's touched list.
	pending atomic.Bool
}

const over = math.MinInt64

func newRoster(room int) *roster {
	r := &roster{room: max(1, room/64), members: map[member.ID]*atomic.Pointer[member.Member]{}}
	for i := range r.shards {
		r.shards[i].entries = map[ID]*entry{}
	}
	return r
}

// shard spreads by the last byte, which is random; the first ones of a UUIDv7 are the time.
func (r *roster) shard(id ID) *shard { return &r.shards[id[15]%64] }

func (r *roster) get(id ID) *entry {
	s := r.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries[id]
}

// since gives the epoch to hand to put, and is read before the row is.
func (r *roster) since() uint64 {
	r.fills.Lock()
	defer r.fills.Unlock()
	return r.epoch
}

// put adds a session that was read from the store since the given epoch. It returns nil when sessions were ended
// meanwhile: the row may be from before that, and has to be read again.
func (r *roster) put(record Record, since uint64) *entry {
	r.fills.Lock()
	defer r.fills.Unlock()
	if r.epoch != since {
		return nil
	}
	s := r.shard(record.Session.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.entries[record.Session.ID]; known != nil {
		return known
	}
	if len(s.entries) >= r.room {
		s.evict()
	}
	e := &entry{session: record.Session, member: r.member(record.Member)}
	e.startedAt.Store(record.Session.StartedAt.UnixMilli())
	e.lastSeenAt.Store(record.Session.LastSeenAt.UnixMilli())
	e.provedAt.Store(record.Session.ProvedAt.UnixMilli())
	s.entries[record.Session.ID] = e
	return e
}

// member gives the one record of a member that all of its sessions share.
func (r *roster) member(m member.Member) *atomic.Pointer[member.Member] {
	shared := r.members[m.ID]
	if shared == nil {
		shared = &atomic.Pointer[member.Member]{}
		shared.Store(&m)
		r.members[m.ID] = shared
	}
	return shared
}

// follow makes what has become of a member known to all of the member's sessions. Fills that were read before are dropped.
func (r *roster) follow(m member.Member) {
	r.fills.Lock()
	defer r.fills.Unlock()
	r.epoch++
	if shared := r.members[m.ID]; shared != nil {
		shared.Store(&m)
	}
}

// evict makes room by removing the least recently seen of a few entries. One whose touch still has to be written stays: the
// store does not know its times yet.
func (s *shard) evict() {
	const sample = 8
	var oldest *entry
	seen := 0
	for _, e := range s.entries {
		if e.pending.Load() {
			continue
		}
		if oldest == nil || e.lastSeenAt.Load() < oldest.lastSeenAt.Load() {
			oldest = e
		}
		if seen++; seen == sample {
			break
		}
	}
	if oldest != nil {
		delete(s.entries, oldest.session.ID)
	}
}

// drop removes a session that has ended, or may have. Requests that still hold its entry find it over.
func (r *roster) drop(id ID) {
	r.fills.Lock()
	defer r.fills.Unlock()
	r.epoch++
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		e.startedAt.Store(over)
		delete(s.entries, id)
	}
}

// clear removes every session, as after a revocation of all of them.
func (r *roster) clear() {
	r.fills.Lock()
	defer r.fills.Unlock()
	r.epoch++
	// New maps, because emptying the old ones would take longer the more sessions there are.
	r.members = map[member.ID]*atomic.Pointer[member.Member]{}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.entries = map[ID]*entry{}
		s.mu.Unlock()
	}
}

// touched takes the times that the store does not know yet.
func (r *roster) touched() []Touch {
	var touches []Touch
	for i := range r.shards {
		s := &r.shards[i]
		s.touchedMu.Lock()
		taken := s.touched
		s.touched = nil
		s.touchedMu.Unlock()
		for _, e := range taken {
			// Cleared before the times are read: a touch that comes later queues the entry again.
			e.pending.Store(false)
			touches = e.appendTouch(touches)
		}
	}
	return touches
}

// waiting looks at the times that the store does not know yet, and leaves them to be taken.
func (r *roster) waiting() []Touch {
	var touches []Touch
	for i := range r.shards {
		s := &r.shards[i]
		s.touchedMu.Lock()
		for _, e := range s.touched {
			touches = e.appendTouch(touches)
		}
		s.touchedMu.Unlock()
	}
	return touches
}

func (e *entry) appendTouch(touches []Touch) []Touch {
	if started := e.startedAt.Load(); started != over {
		touches = append(touches, Touch{e.session.ID, time.UnixMilli(started).UTC(), time.UnixMilli(e.lastSeenAt.Load()).UTC()})
	}
	return touches
}

// retouch queues touches again that could not be written.
func (r *roster) retouch(touches []Touch) {
	for _, touch := range touches {
		if e := r.get(touch.ID); e != nil {
			r.queue(e)
		}
	}
}

func (r *roster) queue(e *entry) {
	if e.pending.Load() || !e.pending.CompareAndSwap(false, true) {
		return
	}
	s := r.shard(e.session.ID)
	s.touchedMu.Lock()
	s.touched = append(s.touched, e)
	s.touchedMu.Unlock()
}

// admit judges the session by rule R1 and, where it is admitted and the request is an access, touches it by rule R2.
func (r *roster) admit(e *entry, now time.Time, org *Organization, kind Access) EndReason {
	at := now.UnixMilli()
	for {
		started := e.startedAt.Load()
		if started == over {
			return Expired // or ended otherwise; the store knows
		}
		if reason := e.standing(started, org).Ended(now); reason != "" {
			return reason
		}
		if kind == Passive {
			return ""
		}
		if !org.Policy.RefreshAutomatically || started >= at || e.startedAt.CompareAndSwap(started, at) {
			break
		}
	}
	for seen := e.lastSeenAt.Load(); seen < at; seen = e.lastSeenAt.Load() {
		if e.lastSeenAt.CompareAndSwap(seen, at) {
			break
		}
	}
	r.queue(e)
	return ""
}

// expire marks the session as over if its time has run out at now, and tells when that was. From then on nothing admits it,
// whatever the clock or the policy do next. It does nothing, and says so, when an access came first or the session is over already.
func (e *entry) expire(now time.Time, org *Organization) (at time.Time, marked bool) {
	for {
		started := e.startedAt.Load()
		if started == over {
			return time.Time{}, false
		}
		standing := e.standing(started, org)
		if standing.Ended(now) != Expired {
			return time.Time{}, false
		}
		if e.startedAt.CompareAndSwap(started, over) {
			return standing.ExpiredAt(now).UTC(), true
		}
	}
}

func (e *entry) over() bool { return e.startedAt.Load() == over }

func (e *entry) standing(started int64, org *Organization) Standing {
	m := e.member.Load()
	return Standing{
		Recorded:         e.session.End.Reason,
		MemberActive:     m.Active,
		Generation:       e.session.Generation,
		MemberGeneration: e.session.MemberGeneration,
		MembersOwn:       m.Generation,
		AuthenticatedAt:  e.session.AuthenticatedAt,
		StartedAt:        time.UnixMilli(started),
		Organization:     org,
	}
}

// principal is the session as it stands. An entry that ended this very moment shows its last known start.
func (e *entry) principal(org *Organization) Principal {
	p := Principal{Session: e.session, Member: *e.member.Load(), Organization: org}
	if started := e.startedAt.Load(); started != over {
		p.Session.StartedAt = time.UnixMilli(started).UTC()
	}
	p.Session.LastSeenAt = time.UnixMilli(e.lastSeenAt.Load()).UTC()
	p.Session.ProvedAt = time.UnixMilli(e.provedAt.Load()).UTC()
	p.ExpiresAt = standingOf(Record{p.Session, p.Member}, org).ExpiresAt()
	return p
}

// standingOf is the standing of a session as the store has it.
func standingOf(record Record, org *Organization) Standing {
	return Standing{
		Recorded:         record.Session.End.Reason,
		MemberActive:     record.Member.Active,
		Generation:       record.Session.Generation,
		MemberGeneration: record.Session.MemberGeneration,
		MembersOwn:       record.Member.Generation,
		AuthenticatedAt:  record.Session.AuthenticatedAt,
		StartedAt:        record.Session.StartedAt,
		Organization:     org,
	}
}
