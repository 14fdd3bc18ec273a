package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/session"
)

// TestThePreviewIsWhatSavingDoes holds a preview to the save that follows it: at once, an hour
// later and a day later, for policies and sessions drawn at random.
func TestThePreviewIsWhatSavingDoes(t *testing.T) {
	units := []session.Unit{session.Minutes, session.Hours, session.Days}
	draw := func(r *rapid.T, name string) session.Policy {
		p := session.Policy{
			Length:               session.Length{Value: rapid.Int64Range(1, 50).Draw(r, name), Unit: rapid.SampledFrom(units).Draw(r, name+" unit")},
			RefreshAutomatically: rapid.Bool().Draw(r, name+" refresh"),
		}
		if rapid.Bool().Draw(r, name+" capped") {
			p.MaximumLifetime = session.Length{Value: rapid.Int64Range(1, 50).Draw(r, name+" maximum"), Unit: session.Hours}
			if p.Validate() != nil { // longer than its maximum
				p.Length = p.MaximumLifetime
			}
		}
		return p
	}
	moments := []struct {
		after time.Duration
		count func(session.Preview) session.Count
	}{
		{0, func(p session.Preview) session.Count { return p.AtOnce }},
		{time.Hour, func(p session.Preview) session.Count { return p.WithinHour }},
		{24 * time.Hour, func(p session.Preview) session.Count { return p.WithinDay }},
	}
	endedSome := 0
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse(t)
		first, _ := h.signIn()
		_, err := h.SavePolicy(t.Context(), first, draw(r, "old"), nil)
		require.NoError(r, err)
		var ids []session.ID
		for range rapid.IntRange(1, 12).Draw(r, "sessions") {
			who, _ := h.signIn()
			ids = append(ids, who.Session.ID)
			h.pass(time.Duration(rapid.Int64Range(0, 600).Draw(r, "minutes")) * time.Minute)
			if rapid.Bool().Draw(r, "access") {
				_, err := h.Admit(t.Context(), ids[len(ids)/2], 0, session.Active) // in memory only
				require.True(r, err == nil || errors.As(err, new(*session.EndedError)))
			}
		}
		caller, _ := h.signIn()
		ids = append(ids, caller.Session.ID)
		if _, err := h.Admit(t.Context(), first.Session.ID, 0, session.Passive); err == nil {
			ids = append(ids, first.Session.ID)
		}
		alive := func() (n int) {
			for _, id := range ids {
				if _, err := h.Admit(t.Context(), id, 0, session.Passive); err == nil {
					n++
				}
			}
			return n
		}
		next := draw(r, "new")
		before := alive()
		preview, err := h.Preview(t.Context(), caller, next)
		require.NoError(r, err)
		require.Equal(r, before, preview.Live.Sessions)
		require.Equal(r, before, preview.Remaining[0].Before)
		require.Equal(r, before-preview.AtOnce.Sessions, preview.Remaining[0].After)
		require.Len(r, preview.Named, min(3, preview.AtOnce.Members))
		require.Zero(r, preview.Remaining[len(preview.Remaining)-1].Before)
		require.Zero(r, preview.Remaining[len(preview.Remaining)-1].After)

		_, err = h.SavePolicy(t.Context(), caller, next, nil)
		require.NoError(r, err)
		saved := h.time()
		for _, m := range moments {
			h.setClock(saved.Add(m.after))
			require.Equal(r, before-m.count(preview).Sessions, alive(), "after %s", m.after)
		}
		_, err = h.Admit(t.Context(), caller.Session.ID, 0, session.Passive)
		if preview.Yours {
			require.Error(r, err)
		}
		if last := preview.LastEndsAt; last.After(h.time()) {
			h.setClock(last.Add(-time.Millisecond))
			require.Positive(r, alive())
			h.setClock(last)
		}
		require.Zero(r, alive())
		if preview.AtOnce.Sessions > 0 {
			endedSome++
		}
	})
	require.Positive(t, endedSome, "no policy that was drawn ended anything at once")
}

func TestAPreviewChangesNothing(t *testing.T) {
	h := newHouse(t)
	who, _ := h.signIn()
	before := *h.Organization()
	preview, err := h.Preview(t.Context(), who, session.Policy{Length: session.Length{Value: 1, Unit: session.Minutes}})
	h.must(err)
	require.Equal(t, session.Count{Sessions: 1, Members: 1}, preview.Live)
	require.Equal(t, session.Count{}, preview.AtOnce)
	require.Equal(t, session.Count{Sessions: 1, Members: 1}, preview.WithinHour)
	require.False(t, preview.Yours)
	require.Equal(t, before, *h.Organization())
	h.pass(10 * time.Minute)
	preview, err = h.Preview(t.Context(), who, session.Policy{Length: session.Length{Value: 10, Unit: session.Minutes}})
	h.must(err)
	require.Equal(t, session.Count{Sessions: 1, Members: 1}, preview.AtOnce)
	require.True(t, preview.Yours)
	_, err = h.Preview(t.Context(), who, session.Policy{})
	var invalid *session.InvalidError
	require.ErrorAs(t, err, &invalid)
}
