package session

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLimits(t *testing.T) {
	hour, day := Length{1, Hours}, Length{1, Days}
	for _, c := range []struct {
		name          string
		policy        Policy
		idle, overall time.Duration
	}{
		{"refresh on: a session in use never ends by itself", Policy{Length: hour, RefreshAutomatically: true}, time.Hour, 0},
		{"refresh on, with a maximum", Policy{Length: hour, RefreshAutomatically: true, MaximumLifetime: day}, time.Hour, 24 * time.Hour},
		{"refresh off: the length is both", Policy{Length: hour}, time.Hour, time.Hour},
		{"refresh off, with a longer maximum", Policy{Length: hour, MaximumLifetime: day}, time.Hour, time.Hour},
		{"refresh off, with a shorter maximum", Policy{Length: day, MaximumLifetime: hour}, 24 * time.Hour, time.Hour},
	} {
		idle, overall := c.policy.Limits()
		require.Equal(t, []time.Duration{c.idle, c.overall}, []time.Duration{idle, overall}, c.name)
	}
}

// TestGuidelinesAtTheirBounds tries every guideline a minute before, at and a minute after each of
// its numbers.
//
// ASVS 7.1.1
func TestGuidelinesAtTheirBounds(t *testing.T) {
	tried := 0
	minutes := func(d time.Duration) Length { return Length{int64(d / time.Minute), Minutes} }
	for _, g := range Guidelines {
		long := 365 * day
		overall := g.Overall
		if overall == 0 {
			overall = long
		}
		idle := g.Idle
		if idle == 0 {
			idle = min(overall, long)
		}
		for _, step := range []time.Duration{-time.Minute, 0, time.Minute} {
			if g.Idle > 0 {
				tried++
				require.Equal(t, step <= 0, g.MetBy(Policy{Length: minutes(g.Idle + step), RefreshAutomatically: true, MaximumLifetime: minutes(overall)}), "%s, idle %s", g.Key, step)
			}
			if g.Overall > 0 {
				tried += 2
				require.Equal(t, step <= 0, g.MetBy(Policy{Length: minutes(idle), RefreshAutomatically: true, MaximumLifetime: minutes(g.Overall + step)}), "%s, overall %s", g.Key, step)
				require.Equal(t, step <= 0 && g.Idle == 0, g.MetBy(Policy{Length: minutes(g.Overall + step)}), "%s, refresh off, %s", g.Key, step)
			}
		}
		tried++
		require.Equal(t, !g.OverallExists, g.MetBy(Policy{Length: minutes(min(idle, time.Minute)), RefreshAutomatically: true}), "%s without a maximum", g.Key)
	}
	require.Greater(t, tried, 60)
}

func TestGuidelinesNameTheirSource(t *testing.T) {
	badges := map[string]bool{}
	for _, g := range Guidelines {
		source, err := url.Parse(g.Source)
		require.NoError(t, err, g.Key)
		require.Equal(t, "https", source.Scheme, g.Key)
		require.NotContains(t, g.Key, " ")
		require.NotEmpty(t, g.Family, g.Key)
		require.False(t, badges[g.Badge], g.Badge)
		badges[g.Badge] = true
	}
}

func TestMeetingAGuidelineMeetsItAndLengthensNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := policies().Filter(func(p Policy) bool { return p.Validate() == nil }).Draw(t, "policy")
		for _, g := range Guidelines {
			after := g.Meet(before)
			if !g.MetBy(after) {
				t.Fatalf("%s: %v is not met by %v", g.Key, g, after)
			}
			if after.Loosens(before) || after.Validate() != nil {
				t.Fatalf("%s: %v loosens %v", g.Key, after, before)
			}
			if g.MetBy(before) && after != before {
				t.Fatalf("%s: %v was fine", g.Key, before)
			}
		}
	})
}
