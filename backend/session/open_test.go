package session_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// crowd asks for something from many sides at once.
type crowd struct{ sync.WaitGroup }

// begin returns once all of them are about to ask.
func (c *crowd) begin(n int, ask func(i int)) {
	var about sync.WaitGroup
	about.Add(n)
	for i := range n {
		c.Go(func() {
			about.Done()
			ask(i)
		})
	}
	about.Wait()
}

// TestAStartServesWhileItReads lets everything happen between the moment in which all rows were read and that in which the first of them is
// taken into memory: whoever comes is judged, what ends stays ended, and who asks for all sessions gets no answer before there is one.
func TestAStartServesWhileItReads(t *testing.T) {
	h := newHouse(t)
	var who []session.Principal
	for range 8 {
		one, _ := h.signIn()
		who = append(who, one)
	}
	h.pass(3 * time.Hour)
	for range 8 {
		one, _ := h.signIn()
		who = append(who, one)
	}
	expired, spent, admin, busy, leaver, revoked := who[0], who[1], who[8], who[9], who[10], who[11]

	slow := &faulty{}
	h.begin(slow)
	early, _ := h.signIn() // whose row is read as well
	var begun session.Principal
	var asking crowd
	var counted, figures, found, previewed, own [20]int
	slow.meanwhile = func() {
		asking.begin(len(counted), func(i int) {
			counted[i], _ = h.Count()
			figures[i] = h.Figures(noon).Live.Sessions
			_, _, found[i], _ = h.Find(t.Context(), admin, session.Query{Limit: 5})
			preview, err := h.Preview(t.Context(), admin, session.Policy{Length: session.Length{Value: 1, Unit: session.Days}})
			previewed[i] = preview.Live.Sessions
			own[i] = h.CountOf(h.ana.Member.ID)
			h.must(err)
		})
		h.save(admin, session.Length{Value: 2, Unit: session.Hours}, true)
		h.requireEnded(expired.Session.ID, session.Expired)
		h.pass(time.Minute)
		admitted, err := h.Admit(t.Context(), busy.Session.ID, session.Active)
		h.must(err)
		require.Equal(t, h.time(), admitted.Session.LastSeenAt)
		h.must(h.Flush(t.Context()))
		h.must(h.SignOut(t.Context(), leaver))
		h.must(h.Revoke(t.Context(), admin, revoked.Session.ID))
		begun, _ = h.signIn()
	}
	h.must(h.ReadLive(t.Context()))
	asking.Wait()
	for i := range counted {
		require.Equal(t, []int{8, 8}, []int{found[i], previewed[i]}, "of 17 eight were over, one was signed out and one revoked; one began")
		require.Equal(t, []int{15, 8, 8}, []int{counted[i], figures[i], own[i]}, "those who have ended and did not ask are in memory until the sweep")
	}
	h.requireEnded(expired.Session.ID, session.Expired)
	h.requireEnded(leaver.Session.ID, session.SignedOut)
	h.requireEnded(revoked.Session.ID, session.Revoked)
	h.requireAlive(early.Session.ID)
	h.requireAlive(begun.Session.ID)
	require.Equal(t, noon.Add(3*time.Hour+time.Minute), h.requireAlive(busy.Session.ID).Session.LastSeenAt, "and not as it was read")
	h.save(admin, session.Length{Value: 3, Unit: session.Days}, true)
	h.requireEnded(spent.Session.ID, session.Expired)
	h.requireAsOnDisk()
}

// requireAsOnDisk holds what memory has against what a server has that starts now.
func (h *house) requireAsOnDisk() {
	h.t.Helper()
	all := func() (ids []session.ID) {
		for _, p := range h.everybody() {
			ids = append(ids, p.Session.ID)
		}
		return ids
	}
	h.must(h.Flush(h.t.Context()))
	_, err := h.Sweep(h.t.Context())
	h.must(err)
	here := all()
	h.crash()
	require.Equal(h.t, all(), here)
}

func (h *house) everybody() []session.Principal {
	found, _, _, err := h.Find(h.t.Context(), session.Principal{Member: member.Member{Role: member.Owner}}, session.Query{Order: session.BySignedIn, Limit: 10_000})
	h.must(err)
	return found
}

func TestARevocationOfEverybodyCountsThoseWhoAreStillBeingRead(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.signIn()
	for range 20 {
		h.signIn()
	}
	slow := &faulty{}
	h.begin(slow)
	var receipt session.Receipt
	var revoking sync.WaitGroup
	slow.meanwhile = func() {
		revoking.Go(func() {
			var err error
			receipt, err = h.RevokeAll(t.Context(), h.requireAlive(admin.Session.ID), "", "")
			h.must(err)
		})
		for range 5 { // the others go on meanwhile
			h.signIn()
		}
	}
	h.must(h.ReadLive(t.Context()))
	revoking.Wait()
	require.Equal(t, []int{26, 1}, []int{receipt.SessionsEnded, receipt.MembersSignedOut})
	h.requireEnded(admin.Session.ID, session.RevokedAll)
	sessions, _ := h.Count()
	require.Zero(t, sessions)
}

// TestWhoseMemberIsSignedOutDuringTheStartStaysSo: no row of a session tells of it.
func TestWhoseMemberIsSignedOutDuringTheStartStaysSo(t *testing.T) {
	h := newHouse(t)
	who, _ := h.signIn()
	h.signIn()
	slow := &faulty{}
	h.begin(slow)
	slow.meanwhile = func() {
		h.must(h.FollowMember(t.Context(), func() (member.Member, int, error) {
			return h.db.ResetPassword(t.Context(), h.ana.Member.ID, "another hash", audit.Event{At: h.time(), Actor: audit.Operator})
		}))
	}
	h.must(h.ReadLive(t.Context()))
	sessions, _ := h.Count()
	require.Zero(t, sessions)
	h.requireEnded(who.Session.ID, session.CredentialChanged)
}

// TestAFailureDuringTheStartIsReadAnew: what came of it is on the disk alone, and what was read before it counts no more.
func TestAFailureDuringTheStartIsReadAnew(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.signIn()
	lost, _ := h.signIn()
	h.signIn()
	slow := &faulty{}
	h.begin(slow)
	var asking crowd
	var counted [20]int
	slow.meanwhile = func() {
		slow.meanwhile = nil // it is read twice
		asking.begin(len(counted), func(i int) { counted[i], _ = h.Count() })
		slow.end = func(ending session.Ending) ([]session.Ended, error) {
			slow.end = nil
			_, _, err := slow.DB.End(t.Context(), ending)
			return nil, errors.Join(session.ErrOutcomeUnknown, errDisk, err)
		}
		require.ErrorIs(t, h.Revoke(t.Context(), admin, lost.Session.ID), errDisk)
		sessions, _ := h.Count() // from what was read anew, without waiting for the start
		require.Equal(t, 2, sessions)
		h.signIn()
	}
	h.must(h.ReadLive(t.Context()))
	asking.Wait()
	for _, sessions := range counted {
		require.Contains(t, []int{2, 3}, sessions) // 2 only for who came after the failure, and before the sign-in
	}
	require.Contains(t, counted, 3)
	h.requireEnded(lost.Session.ID, session.Revoked)
	h.requireAsOnDisk()
}

func TestAStartThatCannotReadSaysSo(t *testing.T) {
	h := newHouse(t)
	h.begin(&faulty{live: func() error { return errDisk }})
	require.ErrorIs(t, h.ReadLive(t.Context()), errDisk)
}

// TestChangesBesideTheStart ends, begins and touches sessions while others are read, in whatever order it comes to.
func TestChangesBesideTheStart(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.signIn()
	var ids []session.ID
	for range 600 { // more than are handed over at once
		one, _ := h.signIn()
		ids = append(ids, one.Session.ID)
	}
	for range 3 {
		h.begin(nil)
		h.pass(time.Minute)
		var beside sync.WaitGroup
		var touches atomic.Int64
		for part := range slices.Chunk(ids, len(ids)/2) {
			beside.Go(func() {
				for i, id := range part[:len(part)/3] {
					switch {
					case i%3 == 0:
						h.must(h.Revoke(t.Context(), admin, id))
					case i%100 == 1:
						h.signIn()
					default:
						who, err := h.Admit(t.Context(), id, session.Active)
						h.must(err)
						require.Equal(t, h.time(), who.Session.LastSeenAt)
						touches.Add(1)
					}
				}
			})
		}
		h.must(h.ReadLive(t.Context()))
		beside.Wait()
		touched := int64(0)
		for _, p := range h.everybody() {
			if p.Session.LastSeenAt.Equal(h.time()) && p.Session.AuthenticatedAt.Before(h.time()) {
				touched++
			}
		}
		require.Equal(t, touches.Load(), touched)
		h.requireAsOnDisk()
		ids = nil
		for _, p := range h.everybody() {
			if p.Session.ID != admin.Session.ID {
				ids = append(ids, p.Session.ID)
			}
		}
	}
}
