package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/audit"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const instantBefore = -time.Millisecond // the clock counts in milliseconds

// alive is the standing of a session that began at noon under a policy of one hour.
func alive() Standing {
	return Standing{
		MemberActive: true, Generation: 3, MemberGeneration: 2, MembersOwn: 2,
		AuthenticatedAt: noon, StartedAt: noon,
		Organization: &Organization{Generation: 3, Policy: Policy{Length: Length{1, Hours}}},
	}
}

// ASVS 7.3.1
func TestEnded(t *testing.T) {
	with := func(change func(*Standing)) Standing {
		st := alive()
		change(&st)
		return st
	}
	org := func(change func(*Organization)) Standing {
		return with(func(st *Standing) {
			changed := *st.Organization
			change(&changed)
			st.Organization = &changed
		})
	}
	capped := org(func(o *Organization) { o.Policy.MaximumLifetime = Length{2, Hours} })
	capped.StartedAt = noon.Add(90 * time.Minute) // moved by an access

	for _, c := range []struct {
		name     string
		standing Standing
		after    time.Duration
		want     EndReason
	}{
		{"at its start", alive(), 0, ""},
		{"the instant before its length is over", alive(), time.Hour + instantBefore, ""},
		{"when its length is over", alive(), time.Hour, Expired},
		{"long after", alive(), 1000 * time.Hour, Expired},

		{"an access moved its start", with(func(st *Standing) { st.StartedAt = noon.Add(time.Minute) }), time.Hour, ""},
		{"the moved length is over", with(func(st *Standing) { st.StartedAt = noon.Add(time.Minute) }), 61 * time.Minute, Expired},

		{"the instant before the maximum lifetime", capped, 2*time.Hour + instantBefore, ""},
		{"at the maximum lifetime", capped, 2 * time.Hour, Expired},

		{"a longer policy governs it at once", org(func(o *Organization) { o.Policy.Length = Length{2, Hours} }), time.Hour, ""},
		{"a shorter policy governs it at once", org(func(o *Organization) { o.Policy.Length = Length{1, Minutes} }), time.Minute, Expired},

		{"the instant before the watermark of starts", org(func(o *Organization) { o.StartedAfter = noon.Add(instantBefore) }), 0, ""},
		{"at the watermark of starts", org(func(o *Organization) { o.StartedAfter = noon }), 0, Expired},
		{"the instant before the watermark of sign-ins", org(func(o *Organization) { o.AuthenticatedAfter = noon.Add(instantBefore) }), 0, ""},
		{"at the watermark of sign-ins", org(func(o *Organization) { o.AuthenticatedAfter = noon }), 0, Expired},
		{"at the watermark, under a maximum lifetime", org(func(o *Organization) {
			o.AuthenticatedAfter, o.Policy.MaximumLifetime = noon, Length{2, Hours}
		}), 0, Expired},

		{"the organization's generation was raised", org(func(o *Organization) { o.Generation++ }), 0, RevokedAll},
		{"the organization's generation is behind", org(func(o *Organization) { o.Generation-- }), 0, RevokedAll},
		{"the member's generation was raised", with(func(st *Standing) { st.MembersOwn++ }), 0, RevokedMember},
		{"the member was deactivated", with(func(st *Standing) { st.MemberActive = false }), 0, MemberDeactivated},
		{"it was ended on record", with(func(st *Standing) { st.Recorded = SignedOut }), 0, SignedOut},
		{"what is on record goes before everything", with(func(st *Standing) { st.Recorded = TokenReuse; st.MemberActive = false }), 2 * time.Hour, TokenReuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.standing.Ended(noon.Add(c.after)))
		})
	}
}

// policies draws any policy within the bounds of the fields.
func policies() *rapid.Generator[Policy] {
	lengths := rapid.Custom(func(t *rapid.T) Length {
		unit := rapid.SampledFrom([]Unit{Minutes, Hours, Days, Weeks}).Draw(t, "unit")
		return Length{rapid.Int64Range(1, int64(LongestLength/unit.duration())).Draw(t, "value"), unit}
	})
	return rapid.Custom(func(t *rapid.T) Policy {
		p := Policy{Length: lengths.Draw(t, "length"), RefreshAutomatically: rapid.Bool().Draw(t, "refresh")}
		if rapid.Bool().Draw(t, "capped") {
			p.MaximumLifetime = lengths.Draw(t, "maximum")
		}
		return p
	})
}

// TestDeathIsFinal holds rule R3b: a session that has ended under one policy has ended under every
// later one.
func TestDeathIsFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		org := Organization{Generation: 3, Policy: policies().Draw(t, "first policy"), Version: 1}
		st := alive()
		st.AuthenticatedAt = noon
		st.StartedAt = noon.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start")))
		now, dead := st.StartedAt, false
		for range 6 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(t, "passing")))
			st.Organization = &org
			over := st.Ended(now) != ""
			if dead && !over {
				t.Fatalf("alive again at %s", now)
			}
			dead = dead || over
			org = org.Saved(policies().Draw(t, "policy"), now, org.SavedBy)
		}
	})
}

// TestSavingTightensOrLoosensAtOnce holds rule R3: a session that is alive at a save is judged by
// the new policy, whether shorter or longer.
func TestSavingTightensOrLoosensAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		org := Organization{Generation: 3, Policy: policies().Draw(t, "old"), Version: 1}
		st := alive()
		st.Organization = &org
		saved := noon.Add(time.Duration(rapid.Int64Range(0, int64(LongestLength)).Draw(t, "saved after")))
		wasAlive := st.Ended(saved) == ""
		next := org.Saved(policies().Draw(t, "new"), saved, org.SavedBy)
		st.Organization = &next
		if wasAlive {
			require.Equal(t, saved.Before(st.ExpiresAt()), st.Ended(saved) == "")
		}
	})
}

// TestASessionHasExpiredOnceItsEndHasCome holds the window to ExpiresAt, and to the watermarks.
func TestASessionHasExpiredOnceItsEndHasCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		org := Organization{Generation: 3, Policy: policies().Draw(t, "old"), Version: 1}
		org = org.Saved(policies().Draw(t, "new"), noon.Add(-time.Hour), org.SavedBy)
		st := alive()
		st.Organization = &org
		st.AuthenticatedAt = noon.Add(-time.Duration(rapid.Int64Range(0, int64(LongestLength)).Draw(t, "age")))
		st.StartedAt = st.AuthenticatedAt.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start")))
		end := st.ExpiresAt()
		require.Equal(t, Expired, st.Ended(end))
		if earlier := org.watermarks(); earlier.Holds(st.times()) {
			require.Empty(t, st.Ended(end.Add(instantBefore)))
		} else {
			require.Equal(t, Expired, st.Ended(org.SavedAt))
		}
	})
}

// TestAPolicyEndsNothingBeforeItIsSaved: what a shorter length ends, ends at the save.
func TestAPolicyEndsNothingBeforeItIsSaved(t *testing.T) {
	saved := noon.Add(10 * time.Hour)
	org := Organization{Generation: 1, Policy: Policy{Length: Length{1, Days}}, SavedAt: noon.Add(-time.Hour)}.
		Saved(Policy{Length: Length{1, Hours}}, saved, audit.System)
	expiredAt := func(started, now time.Time) time.Time {
		st := Standing{MemberActive: true, Generation: 1, AuthenticatedAt: started, StartedAt: started, Organization: &org}
		require.Equal(t, Expired, st.Ended(now))
		return st.ExpiredAt(now)
	}
	require.Equal(t, saved, expiredAt(noon, saved.Add(time.Minute)), "alive until the save")
	require.Equal(t, saved.Add(30*time.Minute), expiredAt(saved.Add(-30*time.Minute), saved.Add(2*time.Hour)), "alive after it")
	require.Equal(t, noon.Add(-14*time.Hour), expiredAt(noon.Add(-15*time.Hour), saved.Add(time.Minute)), "over before it")
	require.Equal(t, saved.Add(-time.Minute), expiredAt(noon, saved.Add(-time.Minute)), "never later than now")
}
