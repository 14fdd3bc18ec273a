package session

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/audit"
)

func TestUnitsAreExact(t *testing.T) {
	for _, c := range []struct {
		length Length
		want   time.Duration
		words  string
	}{
		{Length{1, Minutes}, time.Minute, "1 minute"},
		{Length{90, Minutes}, 90 * time.Minute, "90 minutes"},
		{Length{12, Hours}, 12 * time.Hour, "12 hours"},
		{Length{14, Days}, 14 * 24 * time.Hour, "14 days"},
		{Length{1, Weeks}, 7 * 24 * time.Hour, "1 week"},
		{Length{365, Days}, LongestLength, "365 days"},
	} {
		require.Equal(t, c.want, c.length.Duration())
		require.Equal(t, c.words, c.length.String())
	}
}

func TestLengthBounds(t *testing.T) {
	for _, c := range []struct {
		length Length
		code   string // of the one error; empty when the length is fine
	}{
		{Length{1, Minutes}, ""}, {Length{0, Minutes}, "min"}, {Length{-1, Minutes}, "min"},
		{Length{525_600, Minutes}, ""}, {Length{525_601, Minutes}, "max"},
		{Length{8_760, Hours}, ""}, {Length{8_761, Hours}, "max"},
		{Length{365, Days}, ""}, {Length{366, Days}, "max"},
		{Length{52, Weeks}, ""}, {Length{53, Weeks}, "max"},
		{Length{math.MaxInt64, Weeks}, "max"}, {Length{math.MinInt64, Weeks}, "min"}, {Length{1e18, Minutes}, "max"},
		{Length{1, "years"}, "oneof"}, {Length{1, ""}, "oneof"},
	} {
		for field, policy := range map[string]Policy{
			"sessionLength":   {Length: c.length},
			"maximumLifetime": {Length: Length{1, Minutes}, MaximumLifetime: c.length},
		} {
			err := policy.Validate()
			if c.code == "" {
				require.NoError(t, err, "%s %v", field, c.length)
				continue
			}
			var invalid *InvalidError
			require.True(t, errors.As(err, &invalid), "%s %v", field, c.length)
			require.Len(t, invalid.Fields, 1)
			require.Equal(t, c.code, invalid.Fields[0].Code)
			require.Contains(t, invalid.Fields[0].Field, field+".")
		}
	}
}

// TestNoNumberOverflows: a length is refused or exact, for every number and unit.
//
// ASVS 2.2.3
func TestNoNumberOverflows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := Length{rapid.Int64().Draw(t, "value"), rapid.SampledFrom([]Unit{Minutes, Hours, Days, Weeks}).Draw(t, "unit")}
		if (Policy{Length: length}).Validate() != nil {
			return
		}
		if d := length.Duration(); d < time.Minute || d > LongestLength || d/length.Unit.duration() != time.Duration(length.Value) {
			t.Fatalf("%v is accepted as %s", length, d)
		}
	})
}

func TestLoosens(t *testing.T) {
	hour, day := Length{1, Hours}, Length{1, Days}
	for _, c := range []struct {
		name          string
		before, after Policy
		want          bool
	}{
		{"the same", Policy{Length: hour}, Policy{Length: hour}, false},
		{"the same in another unit", Policy{Length: Length{60, Minutes}}, Policy{Length: hour}, false},
		{"shorter", Policy{Length: day}, Policy{Length: hour}, false},
		{"longer", Policy{Length: hour}, Policy{Length: day}, true},
		{"refresh off", Policy{Length: hour, RefreshAutomatically: true}, Policy{Length: hour}, false},
		{"refresh on", Policy{Length: hour}, Policy{Length: hour, RefreshAutomatically: true}, true},
		{"a maximum where there was none", Policy{Length: hour}, Policy{Length: hour, MaximumLifetime: day}, false},
		{"no maximum where there was one", Policy{Length: hour, MaximumLifetime: day}, Policy{Length: hour}, true},
		{"a lower maximum", Policy{Length: hour, MaximumLifetime: day}, Policy{Length: hour, MaximumLifetime: hour}, false},
		{"a higher maximum", Policy{Length: hour, MaximumLifetime: hour}, Policy{Length: hour, MaximumLifetime: day}, true},
		{"shorter, but refresh on", Policy{Length: day}, Policy{Length: hour, RefreshAutomatically: true}, true},
	} {
		require.Equal(t, c.want, c.after.Loosens(c.before), c.name)
	}
}

func TestSavingRaisesTheWatermarksAndNeverLowersThem(t *testing.T) {
	ana := audit.Actor{ID: "m1", Name: "Ana"}
	org := Organization{Policy: Policy{Length: Length{14, Days}}, Version: 1}

	org = org.Saved(Policy{Length: Length{1, Hours}, MaximumLifetime: Length{8, Hours}}, noon, ana)
	require.Equal(t, noon.Add(-14*24*time.Hour), org.StartedAfter)
	require.True(t, org.AuthenticatedAfter.IsZero(), "there was no maximum until now")
	require.EqualValues(t, 2, org.Version)
	require.Equal(t, noon, org.SavedAt)
	require.Equal(t, ana, org.SavedBy)

	org = org.Saved(Policy{Length: Length{30, Days}}, noon.Add(time.Minute), ana)
	require.Equal(t, noon.Add(time.Minute-time.Hour), org.StartedAfter)
	require.Equal(t, noon.Add(time.Minute-8*time.Hour), org.AuthenticatedAfter)

	before := org
	org = org.Saved(Policy{Length: Length{1, Minutes}}, noon.Add(2*time.Minute), ana)
	require.Equal(t, before.StartedAfter, org.StartedAfter, "thirty days before now is behind what is known already")
	require.Equal(t, before.AuthenticatedAfter, org.AuthenticatedAfter)
}
