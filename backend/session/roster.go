package session

import (
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/member"
)

// roster is every live session, in memory. The check judges by it and does no I/O; lists, figures and previews look at it, so any
// filter in any order is one walk over an array, and so is an exact total.
//
// The store is the truth. Exactly one process writes the database, and every change that could end a session passes through
// [Service], which holds changes while it changes the store first and the roster before it answers.
type roster struct {
	// shards find a session by its id. The check takes the lock of one of them, which nobody holds for long.
	shards [64]shard

	// mu is held while sessions come and go, and by whoever looks at many of them. The check never takes it.
	mu sync.RWMutex
	// rows are without pointers, so that a million of them cost the garbage collector nothing.
	rows table[row]

	members  table[memberRow]
	memberAt map[member.ID]int32
	// memberText is all that is said of each resident in words, by the same places: one text for each, locked as memberFlags are. They stand apart from what
	// has no pointers, because the garbage collector follows each pointer each time.
	memberText table[string]
	arena      arena
	// occupied is how many members have a session.
	occupied int

	agents      table[*agent]
	agentAt     map[agentKey]int32
	freedAgents []int32
}

type shard struct {
	mu     sync.RWMutex
	places index

	touchedMu sync.Mutex
	touched   []ID

	_ [32]byte // fills two lines of a processor's cache, so that a lock is not moved about for the sake of the next one
}

// row is one live session. Its times are milliseconds since the epoch. It is read and touched under its shard's lock for reading, and
// moved under that lock for writing. Its place among others is the roster's, and read and written under mu.
type row struct {
	id               ID
	number           int64    // the store's for it
	address          [16]byte // the zero address where there is none
	generation       uint64
	memberGeneration uint64
	authenticatedAt  int64

	// startedAt is over once the session's time has run out. Judging and touching are one compare-and-swap on this word, so a
	// touch can never slip in behind an end.
	startedAt  atomic.Int64
	lastSeenAt atomic.Int64
	provedAt   atomic.Int64

	member int32
	agent  int32
	// newer and older are the places, plus one, of the sessions of the same member that came right after and right before it; 0 is none.
	newer, older int32
	// pending tells that the times are newer than the store's, and that the session waits in its shard's touched list.
	pending atomic.Bool
}

const over = math.MinInt64

// bytesPerSession is a row and its share of an index.
const bytesPerSession = 128

func newRoster() *roster {
	return &roster{memberAt: map[member.ID]int32{}, agentAt: map[agentKey]int32{}}
}

// shard spreads by the last byte, which is random; the first ones of a UUIDv7 are the time.
func (r *roster) shard(id ID) *shard { return &r.shards[id[15]%64] }

func (r *roster) memberOf(e *row) *memberRow { return r.members.at(e.member) }
func (r *roster) agentOf(e *row) *agent      { return *r.agents.at(e.agent) }

// row finds a session in the shard, whose lock the caller holds.
func (r *roster) row(s *shard, id ID) (*row, bool) {
	place, known := s.places.find(id, &r.rows)
	if !known {
		return nil, false
	}
	return r.rows.at(place), true
}

// admit judges the session by rule R1 and, where it is admitted and the request is an access, touches it by rule R2. A session that
// is not known may have ended, or never have been; the store knows.
func (r *roster) admit(id ID, now time.Time, org *Organization, kind Access) (p Principal, reason EndReason, known bool) {
	s := r.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, known := r.row(s, id)
	if !known {
		return Principal{}, "", false
	}
	own, at := r.memberOf(e), now.UnixMilli()
	for {
		started := e.startedAt.Load()
		if started == over {
			return Principal{}, Expired, true
		}
		if reason := e.standing(started, own, org).Ended(now); reason != "" {
			return Principal{}, reason, true
		}
		moves := kind == Active && org.Policy.RefreshAutomatically && started < at
		if moves && !e.startedAt.CompareAndSwap(started, at) {
			continue
		}
		if moves {
			started = at
		}
		if kind == Active {
			advance(&e.lastSeenAt, at)
			s.queue(e)
		}
		p = r.principal(e, started, org)
		p.AdmittedAt = now
		return p, "", true
	}
}

// expire marks the session as over if its time has run out at now, and tells when that was. From then on nothing admits it,
// whatever the clock or the policy do next. It marks nothing where an access came first, and the session is alive; nor where it is
// over already, or not known.
func (r *roster) expire(id ID, now time.Time, org *Organization) (at time.Time, marked, alive bool) {
	s := r.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, known := r.row(s, id)
	if !known {
		return time.Time{}, false, false
	}
	own := r.memberOf(e)
	for {
		started := e.startedAt.Load()
		if started == over {
			return time.Time{}, false, false
		}
		standing := e.standing(started, own, org)
		if standing.Ended(now) != Expired {
			return time.Time{}, false, true
		}
		if e.startedAt.CompareAndSwap(started, over) {
			return standing.ExpiredAt(now).UTC(), true, false
		}
	}
}

// standing is the session's, as if it had started at the given time.
func (e *row) standing(started int64, own *memberRow, org *Organization) Standing {
	return Standing{
		MemberActive:     own.active,
		Generation:       e.generation,
		MemberGeneration: e.memberGeneration,
		MembersOwn:       own.generation,
		AuthenticatedAt:  time.UnixMilli(e.authenticatedAt),
		StartedAt:        time.UnixMilli(started),
		Organization:     org,
	}
}

// principal is the session as it stands, which started at the given time: the row may say meanwhile that it is over.
func (r *roster) principal(e *row, started int64, org *Organization) Principal {
	own, shared := r.memberOf(e), r.agentOf(e)
	return Principal{
		Session: Session{
			ID: e.id, MemberID: own.id, Generation: e.generation, MemberGeneration: e.memberGeneration,
			AuthenticatedAt: instant(e.authenticatedAt), ProvedAt: instant(e.provedAt.Load()),
			StartedAt: instant(started), LastSeenAt: instant(e.lastSeenAt.Load()),
			Client:  Client{Address: addressFrom(e.address), UserAgent: shared.key.userAgent, device: &shared.device},
			Methods: shared.methods,
		},
		Member: r.member(e.member), Organization: org, ExpiresAt: e.standing(started, own, org).ExpiresAt().UTC(),
	}
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

// find is the principal of a session that is known and not over.
func (r *roster) find(id ID, org *Organization) (p Principal, known bool) {
	s := r.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, known := r.row(s, id)
	if !known {
		return Principal{}, false
	}
	started := e.startedAt.Load()
	if started == over {
		return Principal{}, false
	}
	return r.principal(e, started, org), true
}

// add adds a session that is alive in the store, unless it is known.
func (r *roster) add(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.knows(record.Session.ID) {
		return
	}
	r.put(record.Number, &record.Session, r.placeOfMember(&record.Member))
}

// addMember adds a member who is active in the store.
func (r *roster) addMember(m *member.Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placeOfMember(m)
}

// load adds a session whose row had not ended when it was read, unless it ended with its member, or since; or is known by now, as it is now.
func (r *roster) load(number int64, session *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, active := r.memberAt[session.MemberID]
	if !active || r.members.at(place).generation != session.MemberGeneration {
		return
	}
	r.put(number, session, place)
}

// knows is for those who hold mu: nobody else writes what is asked.
func (r *roster) knows(id ID) bool {
	_, known := r.shard(id).places.find(id, &r.rows)
	return known
}

// put adds a session of the member at that place.
func (r *roster) put(number int64, session *Session, owner int32) {
	id := session.ID
	place := r.rows.grow()
	e := r.rows.at(place)
	e.id, e.number, e.address = id, number, addressBytes(session.Client.Address)
	e.generation, e.memberGeneration = session.Generation, session.MemberGeneration
	e.authenticatedAt = session.AuthenticatedAt.UnixMilli()
	e.startedAt.Store(session.StartedAt.UnixMilli())
	e.lastSeenAt.Store(session.LastSeenAt.UnixMilli())
	e.provedAt.Store(session.ProvedAt.UnixMilli())
	e.pending.Store(false)
	e.member, e.agent = owner, r.placeOfAgent(session)

	own := r.memberOf(e)
	if own.sessions++; own.sessions == 1 {
		r.occupied++
	}
	e.newer, e.older, own.newest = 0, own.newest, place+1
	if e.older != 0 {
		r.rows.at(e.older - 1).newer = place + 1
	}

	s := r.shard(id)
	s.mu.Lock()
	s.places.add(id, place)
	s.mu.Unlock()
}

// drop forgets sessions that have ended, or may have.
func (r *roster) drop(ids ...ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.dropOne(id)
	}
}

// dropOne closes the gap with the last row.
func (r *roster) dropOne(id ID) {
	s := r.shard(id)
	place, known := s.places.find(id, &r.rows)
	if !known {
		return
	}
	// Who finds it no more cannot touch what is put in its place.
	s.mu.Lock()
	s.places.remove(id, &r.rows)
	s.mu.Unlock()
	gone := r.rows.at(place)
	r.unlink(gone)

	last := r.rows.len - 1
	if place != last {
		moved := r.rows.at(last)
		s := r.shard(moved.id)
		s.mu.Lock()
		s.places.move(moved.id, place, &r.rows)
		moved.moveTo(gone)
		s.mu.Unlock()
		r.link(gone, place+1, place+1)
	}
	r.rows.len--
}

// unlink takes the row from its member and its agent.
func (r *roster) unlink(gone *row) {
	r.link(gone, gone.older, gone.newer)
	own := r.memberOf(gone)
	if own.sessions--; own.sessions == 0 {
		r.occupied--
	}
	r.leaveAgent(gone.agent)
}

// link tells the row's neighbours among its member's sessions whom they have next to them now in its stead: the newer one an older one, and the
// other way round.
func (r *roster) link(e *row, older, newer int32) {
	if e.newer == 0 {
		r.memberOf(e).newest = older
	} else {
		r.rows.at(e.newer - 1).older = older
	}
	if e.older != 0 {
		r.rows.at(e.older - 1).newer = newer
	}
}

func (e *row) moveTo(to *row) {
	to.id, to.number, to.address = e.id, e.number, e.address
	to.generation, to.memberGeneration, to.authenticatedAt = e.generation, e.memberGeneration, e.authenticatedAt
	to.member, to.agent, to.newer, to.older = e.member, e.agent, e.newer, e.older
	to.startedAt.Store(e.startedAt.Load())
	to.lastSeenAt.Store(e.lastSeenAt.Load())
	to.provedAt.Store(e.provedAt.Load())
	to.pending.Store(e.pending.Load())
}

func addressBytes(address netip.Addr) [16]byte {
	if !address.IsValid() {
		return [16]byte{}
	}
	return address.As16()
}

func addressFrom(bytes [16]byte) netip.Addr {
	if bytes == [16]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom16(bytes).Unmap()
}
