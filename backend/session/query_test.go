package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/fold"
	"curfew/backend/member"
)

var (
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"curl/8.14.1", "",
	}
	addresses = []string{"192.0.2.7", "192.0.2.77", "2001:db8::7", "none"}
	orders    = []Order{ByLastSeen, BySignedIn, ByEnd, ByMember, ByDevice, ByAddress}
)

// people are members whose names sort differently as bytes.
func people() []member.Member {
	var all []member.Member
	for i, name := range []string{"ana", "Ben", "Émile", "emil", "李雷"} {
		all = append(all, member.Member{ID: member.ID{byte(i + 1)}, Name: name, Email: fmt.Sprintf("%d@example.org", i), Active: true, Generation: 1})
	}
	return all
}

// plain is the model of a roster: a map, which is filtered and sorted for each query.
type plain map[ID]Record

func (p plain) find(q Query, org *Organization, now time.Time) (found []ID) {
	var picked []Record
	for _, f := range p {
		text := fold.Key(f.Member.Name + " " + f.Member.Email + " " + f.Session.Client.Device().words() + " " + f.Session.Client.AddressText())
		matches := true
		for _, word := range fold.Words(q.Text) {
			matches = matches && strings.Contains(text, word)
		}
		if matches && p.standing(f, org).Ended(now) == "" && (q.Member == member.ID{} || q.Member == f.Member.ID) &&
			(q.Device == "" || q.Device == f.Session.Client.Device().Kind) &&
			(q.SignedInSince.IsZero() || !f.Session.AuthenticatedAt.Before(q.SignedInSince)) &&
			(q.SignedInBefore.IsZero() || f.Session.AuthenticatedAt.Before(q.SignedInBefore)) &&
			(q.EndsBefore.IsZero() || p.standing(f, org).Ended(q.EndsBefore) != "") &&
			(q.EndsUnder == Policy{} || p.standing(f, new(org.Saved(q.EndsUnder, now, org.SavedBy))).Ended(now) != "") {
			picked = append(picked, f)
		}
	}
	slices.SortFunc(picked, func(a, b Record) int {
		first := 0
		switch q.Order {
		case ByLastSeen:
			first = a.Session.LastSeenAt.Compare(b.Session.LastSeenAt)
		case BySignedIn:
			first = a.Session.AuthenticatedAt.Compare(b.Session.AuthenticatedAt)
		case ByEnd:
			first = p.standing(a, org).ExpiresAt().Compare(p.standing(b, org).ExpiresAt())
		case ByMember:
			first = strings.Compare(fold.Key(a.Member.Name), fold.Key(b.Member.Name))
		case ByDevice:
			first = strings.Compare(a.Session.Client.Device().words(), b.Session.Client.Device().words())
		case ByAddress:
			x, y := addressBytes(a.Session.Client.Address), addressBytes(b.Session.Client.Address)
			first = slices.Compare(x[:], y[:])
		}
		if first == 0 {
			first = slices.Compare(a.Session.ID[:], b.Session.ID[:])
		}
		if q.descending() {
			return -first
		}
		return first
	})
	for _, f := range picked {
		found = append(found, f.Session.ID)
	}
	return found
}

func (plain) standing(f Record, org *Organization) Standing { return standingOf(f, org) }

// TestTheRosterFindsWhatAPlainListDoes holds every order, filter and count to the model, which asks
// the rule about each session. Before, sessions come, move and go in any order.
func TestTheRosterFindsWhatAPlainListDoes(t *testing.T) {
	pages, expired := 0, 0
	check := func(r *rapid.T) {
		d, p, members := newRoster(), plain{}, people()
		minutes := func(name string, most int64) time.Duration {
			return time.Duration(rapid.Int64Range(0, most).Draw(r, name)) * time.Minute
		}
		pick := func() (ID, Record, bool) {
			ids := slices.SortedFunc(maps.Keys(p), func(a, b ID) int { return slices.Compare(a[:], b[:]) })
			if len(ids) == 0 {
				return ID{}, Record{}, false
			}
			id := rapid.SampledFrom(ids).Draw(r, "session")
			return id, p[id], true
		}
		for n := range rapid.IntRange(0, 40).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"begin", "begin", "begin", "touch", "end", "follow"}).Draw(r, "step") {
			case "begin":
				at := noon.Add(minutes("sign-in", 100))
				f := Record{
					int64(1000 + n),
					Session{
						ID: ID{1, 15: byte(n)}, Generation: 1, MemberGeneration: 1, AuthenticatedAt: at, ProvedAt: at, StartedAt: at, LastSeenAt: at,
						Client: Client{
							Address:   ParseAddress(rapid.SampledFrom(addresses).Draw(r, "address")),
							UserAgent: rapid.SampledFrom(agents).Draw(r, "agent"),
						},
						Methods: rapid.SampledFrom([][]string{{"password"}, {"password", "otp"}}).Draw(r, "methods"),
					},
					rapid.SampledFrom(members).Draw(r, "member"),
				}
				f.Session.MemberID = f.Member.ID
				p[f.Session.ID] = f
				d.add(f)
				d.add(f)
			case "touch":
				if id, f, any := pick(); any {
					at := f.Session.LastSeenAt.Add(minutes("later", 50))
					f.Session.StartedAt, f.Session.LastSeenAt = at, at
					p[id] = f
					d.requeueTouches([]Touch{{id, f.Number, at, at}, {id, f.Number, noon, noon}})
					require.Contains(r, d.drainTouches(), Touch{id, f.Number, at, at})
				}
			case "end":
				if id, _, any := pick(); any {
					delete(p, id)
					d.drop(id, id)
				}
			case "follow":
				m := rapid.SampledFrom(members).Draw(r, "changed member")
				ends := rapid.Bool().Draw(r, "ends")
				if ends {
					maps.DeleteFunc(p, func(_ ID, f Record) bool { return f.Member.ID == m.ID })
				}
				d.updateMember(m, ends)
			}
		}
		org := &Organization{Generation: 1, Policy: policies().Draw(r, "policy")}
		org.Policy.Length = Length{rapid.Int64Range(1, 200).Draw(r, "length"), Minutes}
		now := noon.Add(minutes("now", 250))

		people := map[member.ID]int{}
		for _, f := range p {
			people[f.Member.ID]++
		}
		sessions, occupied := d.count()
		require.Equal(r, []int{len(p), len(people)}, []int{sessions, occupied})
		left := map[member.ID]int{}
		for _, f := range p {
			if p.standing(f, org).Ended(now) == "" {
				left[f.Member.ID]++
			}
		}
		for _, m := range members {
			require.Len(r, d.idsOf(m.ID, org, now), left[m.ID])
		}
		figures, err := d.figures(t.Context(), org, now, now)
		require.NoError(r, err)
		require.Equal(r, len(left), figures.Live.Members)
		seen := map[ID]bool{}
		err = d.walk(t.Context(), rapid.Bool().Draw(r, "newest first"), func(e *row) {
			if e.startedAt.Load() == over {
				return
			}
			require.False(r, seen[e.id])
			seen[e.id] = true
			own := d.memberOf(e)
			require.Equal(r, p[e.id].Member.ID, own.id)
			reason := e.standing(e.startedAt.Load(), own, org).Ended(now)
			require.Equal(r, p.standing(p[e.id], org).Ended(now), reason)
			require.Equal(r, reason == "", org.Window(now).Holds(e.times()))
			if reason != "" {
				expired++
			}
		})
		require.NoError(r, err)
		require.Len(r, seen, len(p))

		q := Query{
			Order: rapid.SampledFrom(orders).Draw(r, "order"), Reversed: rapid.Bool().Draw(r, "reversed"), Limit: rapid.IntRange(1, 7).Draw(r, "limit"),
			Text: rapid.SampledFrom([]string{"", "", "a", "EMIL", "firefox windows", "192.0.2.", "4@ 2.", "phone", "zebra"}).Draw(r, "text"),
		}
		if rapid.Bool().Draw(r, "of one") {
			q.Member = rapid.SampledFrom(members).Draw(r, "of").ID
		}
		if rapid.Bool().Draw(r, "on one kind") {
			q.Device = rapid.SampledFrom([]DeviceKind{Desktop, Phone, Program, Bot}).Draw(r, "kind")
		}
		if rapid.Bool().Draw(r, "recent") {
			q.SignedInSince = noon.Add(minutes("since", 100))
		}
		if rapid.Bool().Draw(r, "old") {
			q.SignedInBefore = noon.Add(minutes("before", 100))
		}
		if rapid.Bool().Draw(r, "ending") {
			q.EndsBefore = now.Add(minutes("ends", 150))
		}
		if rapid.Bool().Draw(r, "under another policy") {
			q.EndsUnder = Policy{Length: Length{rapid.Int64Range(1, 200).Draw(r, "proposed"), Minutes}}
		}
		requireFacets(t, d, q, org, now)
		requireExport(t, d, q, org, now)
		want := p.find(q, org, now)
		var got []ID
		for {
			page, more, total, err := d.query(t.Context(), q, org, now)
			require.NoError(t, err)
			require.Equal(r, len(want), total)
			for _, mark := range page {
				got = append(got, mark.ID)
			}
			if !more {
				break
			}
			require.Len(r, page, q.Limit)
			q.After = &page[len(page)-1]
			pages++
		}
		require.Equal(r, want, got)
		for id, f := range p {
			found, known := d.find(id, org)
			require.True(r, known)
			require.Equal(r, f.Member, found.Member)
			require.Equal(r, f.Session.Client.Device(), found.Session.Client.Device())
			found.Session.Client.device = nil
			require.Equal(r, f.Session, found.Session)
		}
	}
	for rounds := 0; rounds < 10 && (pages == 0 || expired == 0); rounds++ { // one is nearly always enough
		rapid.Check(t, check)
	}
	require.Positive(t, pages, "nothing ever took two pages")
	require.Positive(t, expired, "nothing ever expired")
}

func TestASearchFindsAddressesAndNetworks(t *testing.T) {
	r := newRoster()
	for i, address := range []string{"192.0.2.7", "192.0.2.77", "198.51.100.7", "2001:db8::7", "2001:db8:1::7"} {
		r.add(Record{Member: people()[0], Session: Session{
			ID: ID{1, 15: byte(i)}, AuthenticatedAt: noon, StartedAt: noon, LastSeenAt: noon, Client: Client{Address: ParseAddress(address)},
		}})
	}
	org := &Organization{Generation: 1, Policy: Policy{Length: Length{1, Hours}}}
	for text, want := range map[string]int{
		"192.0.2.7": 1, "192.0.2.": 2, "192.0.2.0/24": 2, "192.0.2.7/24": 2, "0.0.0.0/0": 3, "2001:db8::/32": 2, "2001:db8::/48": 1,
		"2001:DB8::7": 1, ":db8:": 2, "ana 192.0.2.7": 1, "ben 192.0.2.7": 0, "192": 0, "ada.": 0,
	} {
		_, _, total, err := r.query(t.Context(), Query{Text: text, Limit: 1}, org, noon)
		require.NoError(t, err)
		require.Equal(t, want, total, text)
	}
}

func TestASearchOfManyWordsIsBorne(t *testing.T) {
	r := newRoster()
	r.add(Record{Member: people()[0], Session: Session{ID: ID{1}, AuthenticatedAt: noon, StartedAt: noon, LastSeenAt: noon}})
	org := &Organization{Generation: 1, Policy: Policy{Length: Length{1, Hours}}}
	_, _, total, err := r.query(t.Context(), Query{Text: strings.Repeat("a ", 100), Limit: 1}, org, noon)
	require.NoError(t, err)
	require.Equal(t, 1, total)
}

// TestAWalkEndsWithItsCaller, at the end of a slice.
func TestAWalkEndsWithItsCaller(t *testing.T) {
	s, ids := crowd(t, 3*slice)
	roster, org := s.roster.Load(), s.organization.Load()
	ctx, leave := context.WithCancel(t.Context())
	seen := 0
	err := roster.walk(ctx, false, func(*row) {
		if seen++; seen == 10 {
			leave()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, slice, seen)
	_, _, _, err = roster.query(ctx, Query{Limit: 10}, org, noon)
	require.ErrorIs(t, err, context.Canceled)

	owner, known := roster.find(ids[0], org)
	require.True(t, known)
	owner.Member.Role = member.Owner
	_, _, _, err = s.Find(ctx, owner, Query{Limit: 10})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Preview(ctx, owner, Policy{Length: Length{1, Hours}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestFiguresCountWhatBeganAndWhatEndsSoon(t *testing.T) {
	r := newRoster()
	for i, began := range []time.Duration{-3 * time.Hour, -2 * time.Hour, -time.Hour - time.Millisecond, -time.Hour, -time.Hour + time.Millisecond, -time.Minute, 0} {
		at := noon.Add(began)
		r.add(Record{Member: people()[i%2], Session: Session{ID: ID{1, 15: byte(i)}, AuthenticatedAt: at, StartedAt: at, LastSeenAt: at}})
	}
	org := &Organization{Generation: 1, Policy: Policy{Length: Length{2, Hours}}}
	figures, err := r.figures(t.Context(), org, noon, noon.Add(-time.Hour))
	require.NoError(t, err)
	// Two have ended and wait for the sweep. Of the others, two have an hour or less.
	require.Equal(t, Figures{Live: Count{5, 2}, New: 4, EndingWithinHour: 2, Active: 2}, figures)
}

// requireFacets holds each count to a query with that value of the filter.
func requireFacets(t *testing.T, d *roster, q Query, org *Organization, now time.Time) {
	t.Helper()
	today := now.Add(-50 * time.Minute)
	got, err := d.facets(t.Context(), q, org, now, today)
	require.NoError(t, err)
	q.Limit = 1
	with := func(change func(*Query)) int64 {
		changed := q
		change(&changed)
		_, _, total, err := d.query(t.Context(), changed, org, now)
		require.NoError(t, err)
		return int64(total)
	}
	for _, kind := range []DeviceKind{Desktop, Phone, Tablet, Program, Bot} {
		require.Equal(t, with(func(q *Query) { q.Device = kind }), got.Devices[kind])
	}
	since := func(at time.Time) func(*Query) {
		return func(q *Query) { q.SignedInSince, q.SignedInBefore = at, time.Time{} }
	}
	before := func(at time.Time) func(*Query) {
		return func(q *Query) { q.SignedInSince, q.SignedInBefore = time.Time{}, at }
	}
	require.Equal(t, with(since(now.Add(-time.Hour))), got.SignedIn.Hour)
	require.Equal(t, with(since(today)), got.SignedIn.Today)
	require.Equal(t, with(since(now.Add(-day))), got.SignedIn.Day)
	require.Equal(t, with(before(now.Add(-7*day))), got.SignedIn.OverWeek)
	require.Equal(t, with(before(now.Add(-30*day))), got.SignedIn.OverMonth)
	require.Equal(t, with(func(q *Query) { q.EndsBefore = now.Add(time.Hour) }), got.Ends.Hour)
	require.Equal(t, with(func(q *Query) { q.EndsBefore = now.Add(day) }), got.Ends.Day)
	require.Equal(t, with(func(q *Query) { q.EndsBefore = now.Add(7 * day) }), got.Ends.Week)
}

// requireExport holds the parts of an export to the query's total.
func requireExport(t *testing.T, d *roster, q Query, org *Organization, now time.Time) {
	t.Helper()
	found, next := d.part(0, d.filter(q, org, now), org)
	require.Zero(t, next)
	_, _, total, err := d.query(t.Context(), q, org, now)
	require.NoError(t, err)
	require.Len(t, found, total)
}
