package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
	"curfew/backend/session/slab"
)

// crowd is a service with n live sessions in memory and no store, and their ids.
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

// TestALoadOmitsWhatEndedWithItsMember, which a session's row does not say.
func TestALoadOmitsWhatEndedWithItsMember(t *testing.T) {
	r := newRoster()
	for _, m := range people()[:2] {
		r.addMember(&m)
	}
	taken := 0
	take := func(of member.ID, generation uint64) {
		taken++
		r.load(int64(taken), &Session{ID: ID{15: byte(taken)}, MemberID: of, Generation: 1, MemberGeneration: generation, StartedAt: noon})
	}
	take(people()[0].ID, 1)
	take(people()[0].ID, 0) // before they were signed out
	take(people()[1].ID, 0)
	take(people()[1].ID, 1)
	take(people()[2].ID, 1) // who is not active
	require.EqualValues(t, 2, r.sessions.Load())
	for _, id := range []ID{{15: 1}, {15: 4}} {
		_, known := r.row(r.shard(id), id)
		require.True(t, known)
	}
}

// BenchmarkAdmit is the check alone, with touches drained each second. The target is 0.5 µs without
// an allocation.
func BenchmarkAdmit(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		s, ids := crowd(b, n)
		// The ids themselves are read in order, since a request brings its own.
		rand.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		flush := time.NewTicker(time.Second)
		go func() {
			for range flush.C {
				s.roster.Load().drainTouches()
			}
		}()
		b.Run(fmt.Sprintf("sessions=%d/alone", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Admit(b.Context(), ids[i%n], 0, Active); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("sessions=%d/at-once", n), func(b *testing.B) {
			b.ReportAllocs()
			var worker atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)) * n / 3; pb.Next(); i++ {
					if _, err := s.Admit(b.Context(), ids[i%n], 0, Active); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		flush.Stop()
	}
}

// TestWhatIsOverIsNotShown: an expired session keeps its row until its end is written.
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
	_, _, total, err := roster.query(t.Context(), Query{Limit: 2}, org, noon)
	require.NoError(t, err)
	require.Equal(t, 1, total)
	require.Equal(t, ids[:1], roster.idsOf(who.Member.ID, org, noon))
}

// TestOverdueFindsEveryExpiredSession, a few at a time, while those found before are dropped.
func TestOverdueFindsEveryExpiredSession(t *testing.T) {
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

// closings is a store with rows left to close. It can fail.
type closings struct {
	Store
	left, asked int
	fails       error
}

func (c *closings) CloseRevoked(_ context.Context, _ uint64, limit int) (int, error) {
	c.asked++
	if c.fails != nil {
		return 0, c.fails
	}
	closed := min(c.left, limit)
	c.left -= closed
	return closed, nil
}

func (c *closings) Purge(context.Context, time.Time, int) (int, error) { return 0, nil }

// TestASweepAsksTheStoreOnceAWalk through the roster, since a part of the walk takes less time than
// the store. It asks with each part while the store has more, and again after a failure.
func TestASweepAsksTheStoreOnceAWalk(t *testing.T) {
	s, _ := crowd(t, 20_000)
	has := &closings{}
	s.store = has
	sweeps := func() (all []bool) {
		for more := true; more; {
			var err error
			more, err = s.Sweep(t.Context())
			require.NoError(t, err)
			all = append(all, more)
		}
		return all
	}
	require.Equal(t, []bool{true, true, false}, sweeps())
	require.Equal(t, 1, has.asked)

	has.asked, has.left = 0, 1100
	require.Equal(t, []bool{true, true, false}, sweeps())
	require.Equal(t, 3, has.asked)
	require.Zero(t, has.left)
	has.asked, has.left = 0, 2100
	require.Len(t, sweeps(), 6, "the rest, and a second walk")
	require.Zero(t, has.left)

	has.left, has.fails = 1, errors.New("the disk is full")
	_, err := s.Sweep(t.Context())
	require.ErrorIs(t, err, has.fails)
	has.fails = nil
	_, err = s.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, has.left)
}

// TestShardsShareNoCacheLines, which two processors would otherwise wait for.
func TestShardsShareNoCacheLines(t *testing.T) {
	require.Zero(t, unsafe.Sizeof(shard{})%64)
	require.Zero(t, unsafe.Sizeof([slab.ChunkSize]row{})%8192, "chunks of rows would waste memory")
}

// TestTheCheckAllocatesNothing, since every request would pay for its collection.
func TestTheCheckAllocatesNothing(t *testing.T) {
	s, ids := crowd(t, 100)
	i := 0
	check := func() {
		i++
		if _, err := s.Admit(t.Context(), ids[i%len(ids)], 0, Active); err != nil {
			t.Fatal(err)
		}
	}
	for range ids {
		check() // the first touch since a flush queues the session
	}
	require.Zero(t, testing.AllocsPerRun(1000, check))
}

// TestASessionTakesLittleMemory holds the figure of decision 10. It takes the median of three
// measurements, because memory of earlier tests may be freed during one of them.
func TestASessionTakesLittleMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // a pool keeps what it holds through one collection
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const n = 100_000
	var measured []int64
	var reported int
	for range 3 {
		before := heap()
		s, ids := crowd(t, n)
		measured = append(measured, (heap()-before-n*16)/n)
		reported = s.Memory() / n
		runtime.KeepAlive(s)
		runtime.KeepAlive(ids)
	}
	t.Logf("%d bytes a session", measured)
	slices.Sort(measured)
	each := measured[1]
	require.Less(t, each, int64(200), "bytes for each session, with its part of its member")
	require.InEpsilon(t, reported, each, 0.15)
}

// TestChecksGoOnWhileSessionsComeAndGo is for the race detector: places are used again while other
// sessions are checked.
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
				who, err := s.Admit(t.Context(), id, 0, Active)
				if err != nil || who.Session.ID != id || who.Session.Client.UserAgent != agents[i%len(staying)%len(agents)] {
					t.Errorf("%s was taken for %s on %q: %v", id, who.Session.ID, who.Session.Client.UserAgent, err)
					return
				}
			}
		})
	}
	checks.Go(func() {
		for !done.Load() {
			for _, touch := range roster.drainTouches() {
				if touch.StartedAt.Before(noon) {
					t.Errorf("%s was touched at %s", touch.ID, touch.StartedAt)
				}
			}
			_, members := roster.count()
			_, _, _, _ = roster.query(t.Context(), Query{Text: "member", Limit: 10}, s.organization.Load(), noon)
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

// TestAMemberIsWholeWhileTheyChange: a check sees the old state or the new one, and after the
// change the new one. It is for the race detector, too.
//
// ASVS 15.4.1
func TestAMemberIsWholeWhileTheyChange(t *testing.T) {
	s, ids := crowd(t, 20)
	roster := s.roster.Load()
	m := member.Member{ID: member.ID{1}, Active: true, Generation: 1}
	var last atomic.Int64
	change := func(n int64) {
		m.Name, m.SecondFactor = fmt.Sprint("Member ", n), n%2 == 1
		m.Email = fmt.Sprint(n, "@", strings.Repeat("long.", int(n%5)), "example.org")
		roster.updateMember(m, false)
		last.Store(n)
	}
	change(0)
	var checks sync.WaitGroup
	for range 3 {
		checks.Go(func() {
			for i, at := 0, int64(0); at < 2000; i++ {
				at = last.Load()
				who, err := s.Admit(t.Context(), ids[i%len(ids)], 0, Active)
				if err != nil {
					t.Error(err)
					return
				}
				var is int64
				_, err = fmt.Sscanf(who.Member.Name, "Member %d", &is)
				if err != nil || is < at || who.Member.SecondFactor != (is%2 == 1) || !strings.HasPrefix(who.Member.Email, fmt.Sprint(is, "@")) || !strings.HasSuffix(who.Member.Email, "example.org") {
					t.Errorf("after change %d: %+v", at, who.Member)
					return
				}
			}
		})
	}
	for n := range int64(2000) {
		change(n + 1)
	}
	checks.Wait()
}

// TestTheSessionsOfAMember are found, the newest first, while others come and go.
func TestTheSessionsOfAMember(t *testing.T) {
	s, _ := crowd(t, 0)
	roster, random := s.roster.Load(), rand.New(rand.NewPCG(4, 2))
	want := map[member.ID][]ID{}
	members := func() int {
		return len(slices.DeleteFunc(slices.Collect(maps.Values(want)), func(ids []ID) bool { return len(ids) == 0 }))
	}
	for i := range 3000 {
		m := member.Member{ID: member.ID{byte(random.IntN(5))}, Active: true, Generation: 1}
		own := want[m.ID]
		switch {
		case random.IntN(500) == 0:
			roster.updateMember(m, true)
			want[m.ID] = nil
		case len(own) > 0 && random.IntN(20) < 9:
			gone := random.IntN(len(own))
			roster.drop(own[gone])
			want[m.ID] = slices.Delete(slices.Clone(own), gone, gone+1)
		default:
			id := ID{1}
			binary.BigEndian.PutUint32(id[12:], uint32(i))
			roster.add(Record{Member: m, Session: Session{ID: id, Generation: 1, MemberGeneration: 1, AuthenticatedAt: noon, StartedAt: noon}})
			want[m.ID] = append([]ID{id}, own...)
		}
		for id, ids := range want {
			require.True(t, slices.Equal(ids, roster.idsOf(id, s.organization.Load(), noon)))
			require.Equal(t, len(ids), len(roster.idsOf(id, s.organization.Load(), noon)))
		}
		sessions, of := roster.count()
		require.Equal(t, len(slices.Concat(slices.Collect(maps.Values(want))...)), sessions)
		require.Equal(t, members(), of)
	}
}
