package session

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// forecastOf is the model of a preview: it asks the rule about each session at each instant.
func forecastOf(records []Record, before, after *Organization, now time.Time, own ID) (p Preview) {
	endedBy := func(org *Organization, at time.Time) (c Count) {
		members := map[member.ID]bool{}
		for _, r := range records {
			if standingOf(r, org).Ended(at) != "" {
				c.Sessions++
				members[r.Member.ID] = true
				p.Yours = p.Yours || at.Equal(now) && r.Session.ID == own
			}
		}
		c.Members = len(members)
		return c
	}
	p.AtOnce, p.WithinHour, p.WithinDay = endedBy(after, now), endedBy(after, now.Add(time.Hour)), endedBy(after, now.Add(24*time.Hour))
	members, last := map[member.ID]bool{}, now
	for _, r := range records {
		members[r.Member.ID] = true
		for _, org := range []*Organization{before, after} {
			end := now
			if st := standingOf(r, org); st.Ended(now) == "" {
				end = st.ExpiresAt()
			}
			if end.After(last) {
				last = end
			}
			if org == after && end.After(p.LastEndsAt) {
				p.LastEndsAt = end.Truncate(time.Millisecond)
			}
		}
		named := audit.Actor{ID: r.Member.ID.String(), Name: r.Member.Name}
		if standingOf(r, after).Ended(now) != "" && len(p.Named) < 3 && !slices.Contains(p.Named, named) {
			p.Named = append(p.Named, named)
		}
	}
	p.Live = Count{len(records), len(members)}
	for i := range remainingPoints {
		if len(records) > 0 {
			at := now.Add(last.Sub(now).Truncate(time.Millisecond) * time.Duration(i) / (remainingPoints - 1)).Truncate(time.Millisecond)
			p.Remaining = append(p.Remaining, Remaining{at, len(records) - endedBy(before, at).Sessions, len(records) - endedBy(after, at).Sessions})
		}
	}
	return p
}

// TestAPreviewIsTheRuleAskedOfEachSession, under policies drawn at random, and so is the list of
// the sessions that would end.
func TestAPreviewIsTheRuleAskedOfEachSession(t *testing.T) {
	spared, ended := 0, 0
	hours := rapid.Custom(func(t *rapid.T) Policy { // so that some end when an hour or a day is over
		return Policy{Length: Length{rapid.SampledFrom([]int64{1, 2, 24, 25, 26}).Draw(t, "hours"), Hours}}
	})
	policies := rapid.OneOf(hours, policies().Filter(func(p Policy) bool { return p.Validate() == nil }))
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.SampledFrom([]struct{ unit, longest time.Duration }{
			{time.Millisecond, 100 * time.Millisecond}, {time.Hour, 24 * time.Hour}, {time.Minute, 40 * 24 * time.Hour},
		}).Draw(t, "scale")
		back := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most/scale.unit)).Draw(t, name)) * scale.unit
		}
		org := Organization{Generation: 1, Policy: policies.Draw(t, "first")}
		org = org.Saved(policies.Draw(t, "old"), noon.Add(-back("saved", scale.longest)), org.SavedBy)
		next := policies.Draw(t, "next")
		s := &Service{now: func() time.Time { return noon }}
		s.organization.Store(&org)
		s.roster.Store(newRoster())
		var alive []Record
		for n := range rapid.IntRange(0, 30).Draw(t, "sessions") {
			at := noon.Add(-back("age", scale.longest))
			record := Record{Member: rapid.SampledFrom(people()).Draw(t, "member"), Session: Session{
				ID: ID{1, 15: byte(n)}, Generation: 1, MemberGeneration: 1, AuthenticatedAt: at, StartedAt: at.Add(back("moved", noon.Sub(at))),
			}}
			s.roster.Load().add(record)
			if standingOf(record, &org).Ended(noon) == "" {
				alive = append(alive, record)
			}
		}
		who := Principal{Session: Session{ID: ID{1, 15: byte(rapid.IntRange(0, 30).Draw(t, "own"))}}}
		got, err := s.Preview(t.Context(), who, next)
		require.NoError(t, err)
		after := org.Saved(next, noon, org.SavedBy)
		want := forecastOf(alive, &org, &after, noon, who.Session.ID)
		want.Loosens = next.Loosens(org.Policy)
		require.Equal(t, want, got)
		found, _, total, err := s.Find(t.Context(), Principal{Member: member.Member{Role: member.Auditor}}, Query{EndsUnder: next, Limit: 50})
		require.NoError(t, err)
		require.Equal(t, got.AtOnce.Sessions, total, "the list that the number leads to has as many")
		require.Len(t, found, total)
		ended += got.AtOnce.Sessions
		spared += got.Live.Sessions - got.AtOnce.Sessions
	})
	if !testing.Short() { // which draws a fifth as often, and so may miss one of these
		require.Positive(t, ended)
		require.Positive(t, spared)
	}
}
