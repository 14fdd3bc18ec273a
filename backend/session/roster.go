package session

import (
	"encoding/binary"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/member"
	"curfew/backend/session/slab"
)

// roster holds every live session in memory. The check judges by it without I/O. Lists, figures and
// previews walk it, so any filter in any order is one scan of an array, with an exact total.
//
// The store is the truth. One process writes the database, and every change that could end a
// session passes through [Service], which changes the store first and the roster before it answers.
type roster struct {
	// shards find a session by its id. The check takes the lock of one shard.
	shards [64]shard

	// mu guards which rows there are: it is held while sessions come and go, and for each slice of
	// a walk. It may be taken under the lock of a change. The check never takes it.
	mu sync.RWMutex
	// rows have no pointers, so the garbage collector does not scan a million of them. They stay
	// where they are: a session that ends leaves its place to a later one.
	rows slab.Table[row]
	// sessions and occupied count the sessions, and the members who have one. They are read without
	// a lock, so that *Revoke all* waits for none.
	sessions, occupied atomic.Int64

	members  slab.Table[memberRow]
	memberAt map[member.ID]int32
	// memberText holds the text of each member at the same place, under the locks of memberFlags.
	// It is apart because it has a pointer.
	memberText slab.Table[string]
	arena      slab.Arena

	agents  slab.Table[*agent]
	agentAt map[agentKey]int32
}

type shard struct {
	// mu guards the places, and the rows that they lead to. It may be taken under the roster's.
	mu     sync.RWMutex
	places slab.Index[ID]

	// touchedMu guards the queue of touches. It may be taken under mu.
	touchedMu sync.Mutex
	touched   []ID

	_ [24]byte // fills two cache lines, which no other shard then shares
}

// row is one live session. Times are in milliseconds since 1970. A row is read and touched under
// its shard's read lock, or under mu.
type row struct {
	id               ID
	number           int64    // the store's
	address          [16]byte // zero if unknown
	generation       uint64
	memberGeneration uint64
	authenticatedAt  int64

	// startedAt is over once the session has expired, and in a row without a session. One
	// compare-and-swap on it judges and touches, so a touch cannot follow an end.
	startedAt  atomic.Int64
	lastSeenAt atomic.Int64
	provedAt   atomic.Int64

	member int32
	agent  int32
	// newer and older link the sessions of a member, under mu: the place plus one, or 0 for none.
	newer, older int32
	// pending reports that the times are newer than the store's. The session is then queued in its
	// shard.
	pending atomic.Bool
}

// over is before every time.
const over = math.MinInt64

// bytesPerSession is a row and its share of an index.
const bytesPerSession = 128

func newRoster() *roster {
	r := &roster{memberAt: map[member.ID]int32{}, agentAt: map[agentKey]int32{}}
	keys := &slab.Keys[ID]{Hash: hash, Has: func(place int32, id ID) bool { return r.rows.At(place).id == id }}
	for i := range r.shards {
		r.shards[i].places.Keys = keys
	}
	return r
}

// hash spreads ids, which are random apart from the time in them (Fibonacci hashing).
func hash(id ID) uint64 {
	const golden = 0x9e3779b97f4a7c15
	return (binary.LittleEndian.Uint64(id[:8])*golden ^ binary.LittleEndian.Uint64(id[8:])) * golden
}

// shard returns the shard of an id by its last byte, which is random.
func (r *roster) shard(id ID) *shard { return &r.shards[id[15]%64] }

func (r *roster) memberOf(e *row) *memberRow { return r.members.At(e.member) }
func (r *roster) agentOf(e *row) *agent      { return *r.agents.At(e.agent) }

// row finds a session in the shard. The caller holds the shard's lock, or mu for writing.
func (r *roster) row(s *shard, id ID) (*row, bool) {
	place, known := s.places.Find(id)
	if !known {
		return nil, false
	}
	return r.rows.At(place), true
}

// admit judges the session by rule R1. If it is alive and the request is an access, admit touches
// it by rule R2. It reports false for an unknown session, which the store may know.
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

// expire marks the session as over if it has expired at now, and returns when that was. No check
// admits it again, even if the clock or the policy changes. If an access came first, alive is true.
// If neither is, the session was over before, or is unknown.
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
			return standing.ExpiredAt(now), true, false
		}
	}
}

// standing is the session's, with the given start.
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

func (e *row) times() Times { return Times{e.startedAt.Load(), e.authenticatedAt} }

// principal is the session with the given start, since the row may be marked as over meanwhile.
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
		Member: r.member(e.member), Organization: org, ExpiresAt: e.standing(started, own, org).ExpiresAt(),
	}
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

// find returns the principal of a session, and reports whether it is known and not over.
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

// prove records a proof of identity, and the methods that the session is proved by since.
func (r *roster) prove(id ID, at time.Time, methods []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shard(id)
	e, known := r.row(s, id)
	if !known {
		return
	}
	advance(&e.provedAt, at.UnixMilli())
	before := e.agent
	shared := r.agentOf(e)
	place := r.placeOfAgent(&Session{
		Client: Client{UserAgent: shared.key.userAgent, device: &shared.device}, Methods: methods,
	})
	s.mu.Lock()
	e.agent = place
	s.mu.Unlock()
	r.leaveAgent(before)
}

// add adds a session that is alive in the store, unless it is known.
func (r *roster) add(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.row(r.shard(record.Session.ID), record.Session.ID); !known {
		r.put(record.Number, &record.Session, r.placeOfMember(&record.Member))
	}
}

// load adds a session whose row has no end, unless it ended with its member.
func (r *roster) load(number int64, session *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, active := r.memberAt[session.MemberID]
	if active && r.members.At(place).generation == session.MemberGeneration {
		r.put(number, session, place)
	}
}

// put adds a session of the member at the place owner.
func (r *roster) put(number int64, session *Session, owner int32) {
	place := r.rows.Take()
	e := r.rows.At(place)
	e.id, e.number, e.address = session.ID, number, addressBytes(session.Client.Address)
	e.generation, e.memberGeneration = session.Generation, session.MemberGeneration
	e.authenticatedAt = session.AuthenticatedAt.UnixMilli()
	e.startedAt.Store(session.StartedAt.UnixMilli())
	e.lastSeenAt.Store(session.LastSeenAt.UnixMilli())
	e.provedAt.Store(session.ProvedAt.UnixMilli())
	e.pending.Store(false)
	e.member, e.agent = owner, r.placeOfAgent(session)
	r.link(e, place)

	s := r.shard(e.id)
	s.mu.Lock()
	s.places.Add(e.id, place)
	s.mu.Unlock()
}

// drop removes sessions that have ended, or may have.
func (r *roster) drop(ids ...ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.dropOne(id)
	}
}

func (r *roster) dropOne(id ID) {
	s := r.shard(id)
	place, known := s.places.Find(id)
	if !known {
		return
	}
	s.mu.Lock() // once it is released, no check has the row
	s.places.Remove(id)
	s.mu.Unlock()
	e := r.rows.At(place)
	e.startedAt.Store(over)
	r.unlink(e)
	r.leaveAgent(e.agent)
	r.rows.Release(place)
}

// link makes the row the newest of its member's.
func (r *roster) link(e *row, place int32) {
	own := r.memberOf(e)
	e.newer, e.older, own.newest = 0, own.newest, place+1
	if e.older != 0 {
		r.rows.At(e.older - 1).newer = place + 1
	}
	r.sessions.Add(1)
	if own.sessions++; own.sessions == 1 {
		r.occupied.Add(1)
	}
}

// unlink takes the row out of its member's sessions.
func (r *roster) unlink(e *row) {
	own := r.memberOf(e)
	if e.newer == 0 {
		own.newest = e.older
	} else {
		r.rows.At(e.newer - 1).older = e.older
	}
	if e.older != 0 {
		r.rows.At(e.older - 1).newer = e.newer
	}
	r.sessions.Add(-1)
	if own.sessions--; own.sessions == 0 {
		r.occupied.Add(-1)
	}
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
