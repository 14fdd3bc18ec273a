package member_test

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
	"curfew/backend/store/storetest"
)

const (
	setupToken = "set-up token"
	password   = "correct horse battery staple"
)

// deployment is members and their sessions on a real database, at a time that the test moves.
type deployment struct {
	t        *testing.T
	now      time.Time
	members  *member.Service
	sessions *session.Service
	owner    session.Principal
}

func newDeployment(t *testing.T) *deployment {
	h := &deployment{t: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	path := filepath.Join(t.TempDir(), "curfew.db")
	storetest.Create(t, path)
	db, err := store.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	h.must(err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	h.sessions, err = session.New(t.Context(), db, clock, [32]byte{1})
	h.must(err)
	h.members, err = member.New(db, h.sessions, member.Options{Now: clock, Wall: clock, SetupToken: setupToken, Key: [32]byte{1}, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}})
	h.must(err)
	_, err = h.members.SetUp(t.Context(), member.Setup{
		Token: setupToken, Organization: "Acme", Name: "Ana", Email: "ana@example.org", Password: password,
	}, member.Origin{})
	h.must(err)
	h.owner = h.signIn("ana@example.org")
	return h
}

func (h *deployment) must(err error) {
	h.t.Helper()
	require.NoError(h.t, err)
}

func (h *deployment) signIn(email string) session.Principal {
	h.t.Helper()
	proof, err := h.members.Authenticate(h.t.Context(), email, password, "", member.Origin{Address: "192.0.2.1"})
	h.must(err)
	who, _, err := h.sessions.Start(h.t.Context(), proof, session.Client{Address: session.ParseAddress("192.0.2.1")})
	h.must(err)
	return who
}

// join invites a member, who accepts and signs in once.
func (h *deployment) join(name string, role member.Role) session.Principal {
	h.t.Helper()
	email := strings.ToLower(name) + "@example.org"
	_, secret, err := h.members.Invite(h.t.Context(), h.owner.Caller(), member.Invitee{Name: name, Email: email, Role: role})
	h.must(err)
	_, err = h.members.Accept(h.t.Context(), secret, "", password, member.Origin{})
	h.must(err)
	return h.signIn(email)
}

func (h *deployment) admit(who session.Principal) (session.Principal, error) {
	return h.sessions.Admit(h.t.Context(), who.Session.ID, 0, session.Passive)
}

// count returns the number of live sessions of the member.
func (h *deployment) count(id member.ID) int {
	activity, err := h.sessions.ActivityOf(h.t.Context(), id)
	h.must(err)
	return activity[id].Sessions
}

func (h *deployment) requireEnded(who session.Principal, want session.EndReason) {
	h.t.Helper()
	_, err := h.admit(who)
	var ended *session.EndedError
	require.ErrorAs(h.t, err, &ended)
	require.Equal(h.t, want, ended.End.Reason)
}

func (h *deployment) change(by session.Principal, of session.Principal, update member.Update) error {
	return h.members.Change(h.t.Context(), by.Caller(), of.Member.ID, update)
}

func ptr[T any](value T) *T { return &value }

// ASVS 2.3.4, 6.4.1
func TestAnInvitationIsGoodOnce(t *testing.T) {
	h := newDeployment(t)
	invited, secret, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Email: "Ben@Example.org", Role: member.Plain})
	h.must(err)
	require.Equal(t, member.Invited, invited.State)
	_, err = h.members.Authenticate(t.Context(), "ben@example.org", "", "", member.Origin{})
	require.ErrorIs(t, err, member.ErrBadCredentials, "who is only invited has no password, not an empty one")

	_, err = h.members.Accept(t.Context(), secret, "Ben", "too short", member.Origin{})
	var weak *member.PasswordError
	require.ErrorAs(t, err, &weak, "and the link stays good")
	_, err = h.members.Accept(t.Context(), secret+"x", "Ben", password, member.Origin{})
	require.ErrorIs(t, err, member.ErrLinkInvalid)

	var wait sync.WaitGroup
	results := make(chan error, 8)
	for range cap(results) {
		wait.Go(func() {
			_, err := h.members.Accept(t.Context(), secret, "Ben", password, member.Origin{})
			results <- err
		})
	}
	wait.Wait()
	accepted := 0
	for range cap(results) {
		err := <-results
		if err == nil {
			accepted++
			continue
		}
		require.True(t, errors.Is(err, member.ErrLinkUsed), "%v", err)
	}
	require.Equal(t, 1, accepted)
	who := h.signIn("ben@example.org")
	require.Equal(t, "Ben", who.Member.Name)
	require.Equal(t, member.Plain, who.Member.Role)
}

// ASVS 6.4.1
func TestALinkRunsOutAndIsReplaced(t *testing.T) {
	h := newDeployment(t)
	ben, first, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Name: "Ben", Email: "ben@example.org", Role: member.Plain})
	h.must(err)
	_, second, err := h.members.IssueLink(t.Context(), h.owner.Caller(), ben.ID)
	h.must(err)
	_, err = h.members.Accept(t.Context(), first, "", password, member.Origin{})
	require.ErrorIs(t, err, member.ErrLinkInvalid, "a new link takes the place of the old one")

	h.now = h.now.Add(7 * 24 * time.Hour)
	_, err = h.members.Accept(t.Context(), second, "", password, member.Origin{})
	require.ErrorIs(t, err, member.ErrLinkInvalid, "its time is over")
	h.now = h.now.Add(-time.Millisecond)
	_, err = h.members.Accept(t.Context(), second, "", password, member.Origin{})
	h.must(err)
}

func TestAnAddressIsAMembersAlone(t *testing.T) {
	h := newDeployment(t)
	_, _, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Email: " ANA@example.org", Role: member.Plain})
	require.ErrorIs(t, err, member.ErrEmailTaken)
}

// ASVS 7.4.3
func TestAResetEndsTheSessionsWhenItIsUsedAndNotBefore(t *testing.T) {
	h := newDeployment(t)
	ben := h.join("Ben", member.Plain)
	issued, secret, err := h.members.IssueLink(t.Context(), h.owner.Caller(), ben.Member.ID)
	h.must(err)
	require.Equal(t, member.Reset, issued.Link.Kind)
	_, err = h.admit(ben)
	h.must(err)
	_, err = h.members.Accept(t.Context(), secret, "", "another long password", member.Origin{})
	h.must(err)
	h.requireEnded(ben, session.CredentialChanged)
	_, err = h.members.Authenticate(t.Context(), "ben@example.org", password, "", member.Origin{})
	require.ErrorIs(t, err, member.ErrBadCredentials)
}

// ASVS 7.4.2
func TestDeactivatingEndsTheSessionsForGood(t *testing.T) {
	h := newDeployment(t)
	ben := h.join("Ben", member.Plain)
	require.Equal(t, 1, h.count(ben.Member.ID))
	h.must(h.change(h.owner, ben, member.Update{Active: ptr(false)}))
	h.requireEnded(ben, session.MemberDeactivated)
	require.Zero(t, h.count(ben.Member.ID))
	_, err := h.members.Authenticate(t.Context(), "ben@example.org", password, "", member.Origin{})
	require.ErrorIs(t, err, member.ErrBadCredentials)

	h.must(h.change(h.owner, ben, member.Update{Active: ptr(true)}))
	h.requireEnded(ben, session.MemberDeactivated)
	_, err = h.admit(h.signIn("ben@example.org"))
	h.must(err)
}

// ASVS 8.3.2
func TestARoleChangesRunningSessionsAtOnce(t *testing.T) {
	h := newDeployment(t)
	ben := h.join("Ben", member.Plain)
	h.must(h.change(h.owner, ben, member.Update{Role: ptr(member.Admin), Name: ptr("Benedict")}))
	now, err := h.admit(ben)
	h.must(err)
	require.Equal(t, member.Admin, now.Member.Role)
	require.Equal(t, "Benedict", now.Member.Name)
}

func TestRevokingAMembersSessions(t *testing.T) {
	h := newDeployment(t)
	ben := h.join("Ben", member.Plain)
	second := h.signIn("ben@example.org")
	n, err := h.members.RevokeSessions(t.Context(), h.owner.Caller(), ben.Member.ID)
	h.must(err)
	require.Equal(t, 2, n)
	h.requireEnded(ben, session.RevokedMember)
	h.requireEnded(second, session.RevokedMember)
	_, err = h.admit(h.owner)
	h.must(err)
	figures, err := h.sessions.Figures(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, session.Count{Sessions: 1, Members: 1}, figures.Live)
}

// TestNobodyIsRaisedAboveTheirOwnRole checks each role against each role.
//
// ASVS 8.2.3
func TestNobodyIsRaisedAboveTheirOwnRole(t *testing.T) {
	h := newDeployment(t)
	people := map[member.Role]session.Principal{
		member.Owner: h.join("Olga", member.Owner), member.Admin: h.join("Adam", member.Admin),
		member.Auditor: h.join("Uma", member.Auditor), member.Plain: h.join("Paul", member.Plain),
	}
	rank := map[member.Role]int{member.Owner: 3, member.Admin: 2, member.Auditor: 1, member.Plain: 0}
	tried := 0
	for by, actor := range people {
		for of := range people {
			for to := range people {
				email := string(by) + string(of) + string(to) + "@example.org"
				target, _, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Email: email, Role: of})
				h.must(err)
				err = h.members.Change(t.Context(), actor.Caller(), target.ID, member.Update{Role: ptr(to)})
				allowed := rank[by] >= 2 && rank[of] <= rank[by] && rank[to] <= rank[by]
				require.Equal(t, allowed, err == nil, "%s makes %s of %s: %v", by, to, of, err)
				if !allowed {
					require.True(t, errors.Is(err, member.ErrForbidden) || rank[by] < 2 && errors.Is(err, member.ErrRoleNeeded), "%v", err)
				}
				tried++
			}
		}
		err := h.change(actor, actor, member.Update{Role: ptr(member.Owner)})
		require.Equal(t, by == member.Owner, err == nil, "%s raises themselves", by)
	}
	require.Equal(t, 64, tried)
}

func TestTheLastOwnerStays(t *testing.T) {
	h := newDeployment(t)
	require.ErrorIs(t, h.change(h.owner, h.owner, member.Update{Role: ptr(member.Admin)}), member.ErrLastOwner)
	require.ErrorIs(t, h.change(h.owner, h.owner, member.Update{Active: ptr(false)}), member.ErrLastOwner)

	// An owner who was only invited, or is deactivated, could not sign in.
	_, _, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Name: "Olga", Email: "olga@example.org", Role: member.Owner})
	h.must(err)
	require.ErrorIs(t, h.change(h.owner, h.owner, member.Update{Role: ptr(member.Admin)}), member.ErrLastOwner)

	// Two owners demote each other at once: one of them stays an owner.
	second := h.join("Oscar", member.Owner)
	var wait sync.WaitGroup
	for _, pair := range [][2]session.Principal{{h.owner, second}, {second, h.owner}} {
		wait.Go(func() {
			if err := h.change(pair[0], pair[1], member.Update{Role: ptr(member.Plain)}); err != nil && !errors.Is(err, member.ErrRoleNeeded) && !errors.Is(err, member.ErrLastOwner) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	owners := 0
	for _, who := range []session.Principal{h.owner, second} {
		now, err := h.admit(who)
		h.must(err)
		if now.Member.Role == member.Owner {
			owners++
		}
	}
	require.Equal(t, 1, owners)
}

func TestALateChangeOfAMemberMisses(t *testing.T) {
	h := newDeployment(t)
	ben := h.join("Ben", member.Plain)
	late := h.signIn("ana@example.org")
	h.must(h.sessions.SignOut(t.Context(), late))
	var ended *session.EndedError
	require.ErrorAs(t, h.change(late, ben, member.Update{Active: ptr(false)}), &ended)
	_, _, err := h.members.Invite(t.Context(), late.Caller(), member.Invitee{Email: "eve@example.org", Role: member.Owner})
	require.ErrorAs(t, err, &ended)
	_, _, err = h.members.IssueLink(t.Context(), late.Caller(), ben.Member.ID)
	require.ErrorAs(t, err, &ended)
	_, err = h.members.RevokeSessions(t.Context(), late.Caller(), ben.Member.ID)
	require.ErrorAs(t, err, &ended)
	_, err = h.admit(ben)
	h.must(err)
}

func TestTheListIsOrderedAndSearchedPageByPage(t *testing.T) {
	h := newDeployment(t)
	invited := func(name, email string, role member.Role) {
		_, _, err := h.members.Invite(t.Context(), h.owner.Caller(), member.Invitee{Name: name, Email: email, Role: role})
		h.must(err)
		h.now = h.now.Add(time.Second)
	}
	h.join("ben", member.Plain)
	invited("Élodie", "zoe@example.org", member.Auditor)
	invited("", "Cy@example.org", member.Plain)
	invited("Zed", "yan@example.org", member.Admin)
	away := h.join("elodie", member.Plain).Member.ID
	inactive := false
	h.must(h.members.Change(t.Context(), h.owner.Caller(), away, member.Update{Active: &inactive}))

	for _, c := range []struct {
		query member.Query
		want  []string
	}{
		{member.Query{Order: member.ByName}, []string{"Ana", "ben", "", "Élodie", "elodie", "Zed"}},
		{member.Query{Order: member.ByName, Descending: true}, []string{"Zed", "elodie", "Élodie", "", "ben", "Ana"}},
		{member.Query{Order: member.ByEmail}, []string{"Ana", "ben", "", "elodie", "Zed", "Élodie"}},
		{member.Query{Order: member.ByCreation}, []string{"Ana", "ben", "Élodie", "", "Zed", "elodie"}},
		{member.Query{Order: member.ByCreation, Descending: true}, []string{"elodie", "Zed", "", "Élodie", "ben", "Ana"}},
		{member.Query{Text: "ÉLO"}, []string{"Élodie", "elodie"}},
		{member.Query{Text: " zoe\u00a0 ELO "}, []string{"Élodie"}},
		{member.Query{Text: "cy@EXAMPLE"}, []string{""}},
		{member.Query{Role: member.Plain}, []string{"ben", "", "elodie"}},
		{member.Query{State: member.Invited}, []string{"", "Élodie", "Zed"}},
		{member.Query{State: member.Invited, Role: member.Admin, Text: "z"}, []string{"Zed"}},
		{member.Query{State: member.Deactivated}, []string{"elodie"}},
		{member.Query{State: member.Active}, []string{"Ana", "ben"}},
		{member.Query{Text: "%"}, nil},
		{member.Query{Text: "_"}, nil},
		{member.Query{Text: "' OR 1=1 --"}, nil},
	} {
		c.query.Order = cmp.Or(c.query.Order, member.ByName)
		for c.query.Limit = 1; c.query.Limit <= 7; c.query.Limit++ {
			var got []string
			for c.query.After = nil; ; {
				page, counts, err := h.members.List(t.Context(), c.query)
				h.must(err)
				require.Equal(t, len(c.want), counts.Total)
				for _, m := range page {
					got = append(got, m.Name)
				}
				if len(page) < c.query.Limit {
					break
				}
				c.query.After = &page[len(page)-1]
			}
			require.Equal(t, c.want, got, "%+v", c.query)
		}
	}
}
