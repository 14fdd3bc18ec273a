package session

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

// crowd is a service on n live sessions, and their ids. It has no store: nothing that stays in memory needs one.
func crowd(tb testing.TB, n int) (*Service, []ID) {
	var at atomic.Int64
	at.Store(noon.UnixMilli())
	s := &Service{now: func() time.Time { return time.UnixMilli(at.Add(1) / 4) }} // a clock that moves
	at.Store(4 * noon.UnixMilli())
	s.organization.Store(&Organization{Generation: 1, Policy: Policy{Length: Length{Value: 14, Unit: Days}, RefreshAutomatically: true}})
	s.roster.Store(newRoster())
	ids := make([]ID, n)
	members := make([]member.Member, 1+n/20)
	for i := range members {
		members[i] = member.Member{ID: member.ID{1, 15: byte(i)}, Name: fmt.Sprint("Member ", i), Email: fmt.Sprintf("%d@example.org", i), Active: true, Generation: 1}
		binary.BigEndian.PutUint32(members[i].ID[4:], uint32(i))
	}
	for i := range ids {
		ids[i] = ID{1, 15: byte(i)}
		binary.BigEndian.PutUint32(ids[i][4:], uint32(i))
		s.roster.Load().add(Record{Number: int64(i), Member: members[i/20], Session: Session{
			ID: ids[i], Generation: 1, MemberGeneration: 1, AuthenticatedAt: noon, ProvedAt: noon, StartedAt: noon, LastSeenAt: noon,
			Client: Client{Address: ParseAddress("192.0.2.1"), UserAgent: agents[i%len(agents)]}, Methods: []string{"password"},
		}})
	}
	return s, ids
}

// TestAStartTakesNobodyWhoseSessionEndedWithThem: a session may have ended with its member, of whom its row tells nothing.
func TestAStartTakesNobodyWhoseSessionEndedWithThem(t *testing.T) {
	r, active := newRoster(), map[member.ID]*member.Member{}
	for _, m := range people()[:2] {
		active[m.ID] = &m
	}
	taken := 0
	take := func(of member.ID, generation uint64) {
		taken++
		r.take(int64(taken), &Session{ID: ID{15: byte(taken)}, MemberID: of, Generation: 1, MemberGeneration: generation, StartedAt: noon}, active)
	}
	take(people()[0].ID, 1)
	take(people()[0].ID, 0) // before they were signed out
	take(people()[1].ID, 0)
	take(people()[1].ID, 1)
	take(people()[2].ID, 1) // who is not active
	require.EqualValues(t, 2, r.rows.len)
	for _, id := range []ID{{15: 1}, {15: 4}} {
		_, known := r.row(r.shard(id), id)
		require.True(t, known)
	}
}

// BenchmarkAdmit is the check itself, after HTTP, with every touch written down as it is in the product. The aim is a microsecond and no
// allocation, whatever the number of sessions and whether others check at the same time.
func BenchmarkAdmit(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		s, ids := crowd(b, n)
		// In any order; but one id after the other, because a request brings its own, and need not wait for it.
		rand.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		flush := time.NewTicker(time.Second)
		go func() {
			for range flush.C {
				s.roster.Load().touched()
			}
		}()
		b.Run(fmt.Sprintf("sessions=%d/alone", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Admit(b.Context(), ids[i%n], Active); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("sessions=%d/at-once", n), func(b *testing.B) {
			b.ReportAllocs()
			var worker atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)) * n / 3; pb.Next(); i++ {
					if _, err := s.Admit(b.Context(), ids[i%n], Active); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		flush.Stop()
	}
}

// TestWhatIsOverIsNotShown: between the end of a session's time and the write of that, its row stays, and has no start any more.
func TestWhatIsOverIsNotShown(t *testing.T) {
	s, ids := crowd(t, 2)
	roster, org := s.roster.Load(), s.organization.Load()
	at := noon.Add(time.Hour)
	who, reason, known := roster.admit(ids[0], at, org, Active)
	require.True(t, known)
	require.Empty(t, reason)
	require.Equal(t, []time.Time{at, at.Add(14 * 24 * time.Hour), at}, []time.Time{who.Session.StartedAt, who.ExpiresAt, who.AdmittedAt})

	end := noon.Add(14 * 24 * time.Hour)
	_, marked, _ := roster.expire(ids[1], end, org)
	require.True(t, marked)
	_, reason, _ = roster.admit(ids[1], noon, org, Passive)
	require.Equal(t, Expired, reason, "though the clock went back")
	_, known = roster.find(ids[1], org)
	require.False(t, known)
	_, _, total := roster.look(Query{Limit: 2}, org, noon)
	require.Equal(t, 1, total)
	require.Equal(t, ids[:1], roster.idsOf(who.Member.ID, org, noon))
}

// TestEverybodyWhoseTimeRanOutIsFound, a few at a time, while those found before make room for others.
func TestEverybodyWhoseTimeRanOutIsFound(t *testing.T) {
	s, ids := crowd(t, 40_000)
	roster, org := s.roster.Load(), s.organization.Load()
	end := noon.Add(14 * 24 * time.Hour)
	gone := map[ID]bool{}
	for i, id := range ids {
		if i%10 < 3 || i > 38_000 { // and many in a row
			gone[id] = true
			continue
		}
		_, _, known := roster.admit(id, noon.Add(time.Minute), org, Active)
		require.True(t, known)
	}
	parts := 0
	for next, more := int32(0), true; more; more = next != 0 {
		var none []ID
		none, next = roster.overdue(org, end.Add(-time.Millisecond), next, 500)
		require.Empty(t, none)
		parts++
	}
	require.Equal(t, 5, parts)

	_, marked, _ := roster.expire(ids[0], end, org) // whose end is being written
	require.True(t, marked)
	delete(gone, ids[0])
	walks := 0
	for found := []ID{{}}; len(found) > 0; walks++ {
		found = nil
		for next, more := int32(0), true; more; more = next != 0 {
			var some []ID
			some, next = roster.overdue(org, end, next, 500)
			require.LessOrEqual(t, len(some), 500)
			for _, id := range some {
				require.True(t, gone[id])
				delete(gone, id)
			}
			found = append(found, some...)
			roster.drop(some...)
		}
	}
	require.Empty(t, gone)
	require.Less(t, walks, 10)
}

// TestShardsShareNoCacheLines: two processors that check two sessions would wait for each other.
func TestShardsShareNoCacheLines(t *testing.T) {
	require.Zero(t, unsafe.Sizeof(shard{})%64)
	require.Zero(t, unsafe.Sizeof([chunkSize]row{})%8192, "chunks of rows would waste memory")
}

// TestTheCheckAllocatesNothing: what the garbage collector has to clear away would be paid for by every request.
func TestTheCheckAllocatesNothing(t *testing.T) {
	s, ids := crowd(t, 100)
	i := 0
	check := func() {
		i++
		if _, err := s.Admit(t.Context(), ids[i%len(ids)], Active); err != nil {
			t.Fatal(err)
		}
	}
	for range ids {
		check() // the first touch since a flush queues the session
	}
	require.Zero(t, testing.AllocsPerRun(1000, check))
}

// TestASessionTakesLittleMemory holds what is written in decision 10.
func TestASessionTakesLittleMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const n = 100_000
	before := heap()
	s, ids := crowd(t, n)
	each := (heap() - before - n*16) / n
	t.Logf("%d bytes a session", each)
	require.Less(t, each, int64(200), "bytes for each session, with its part of its member")
	runtime.KeepAlive(s)
	runtime.KeepAlive(ids)
}

// TestChecksGoOnWhileSessionsComeAndGo is for the race detector: rows move to close gaps, and whoever is being checked meanwhile is
// found as who they are.
//
// ASVS 15.4.1
func TestChecksGoOnWhileSessionsComeAndGo(t *testing.T) {
	s, ids := crowd(t, 2000)
	roster := s.roster.Load()
	staying, going := ids[:1000], ids[1000:]
	var checks, changes sync.WaitGroup
	var done atomic.Bool
	for worker := range 3 {
		checks.Go(func() {
			for i := worker; !done.Load(); i++ {
				id := staying[i%len(staying)]
				who, err := s.Admit(t.Context(), id, Active)
				if err != nil || who.Session.ID != id || who.Session.Client.UserAgent != agents[i%len(staying)%len(agents)] {
					t.Errorf("%s was taken for %s on %q: %v", id, who.Session.ID, who.Session.Client.UserAgent, err)
					return
				}
			}
		})
	}
	checks.Go(func() {
		for !done.Load() {
			for _, touch := range roster.touched() {
				if touch.StartedAt.Before(noon) {
					t.Errorf("%s was touched at %s", touch.ID, touch.StartedAt)
				}
			}
			_, members := roster.count()
			roster.look(Query{Text: "member", Limit: 10}, s.organization.Load(), noon)
			if members < len(staying)/20 {
				t.Errorf("only %d members are left", members)
			}
		}
	})
	changes.Go(func() {
		for range 2 {
			for i, id := range going {
				roster.drop(id)
				roster.drop(going[(i+7)%len(going)])
			}
			for i, id := range going {
				m := member.Member{ID: member.ID{2, byte(i)}, Name: "Member", Active: true, Generation: 1}
				roster.add(Record{Member: m, Session: Session{
					ID: id, Generation: 1, MemberGeneration: 1, AuthenticatedAt: noon, ProvedAt: noon, StartedAt: noon, LastSeenAt: noon,
					Client: Client{UserAgent: fmt.Sprint("agent ", i)},
				}})
			}
		}
	})
	changes.Wait()
	done.Store(true)
	checks.Wait()
	sessions, _ := roster.count()
	require.Equal(t, len(ids), sessions)
	roster.drop(going...)
	require.EqualValues(t, 1+len(agents)-1, len(roster.agentAt), "what no session says of itself any more is forgotten")
}

// TestMemoryOfSessions is what their rows and the index take, on the whole.
func TestMemoryOfSessions(t *testing.T) {
	s, ids := crowd(t, 100_000)
	r := s.roster.Load()
	taken := len(ids) * int(unsafe.Sizeof(row{}))
	for i := range r.shards {
		taken += 8 * len(r.shards[i].places.slots)
	}
	require.InEpsilon(t, taken, s.Memory(), 0.1)
}
