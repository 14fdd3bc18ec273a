package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSealCoversEveryField(t *testing.T) {
	event := Event{
		At: time.UnixMilli(1_000), Action: PolicySaved, Actor: Actor{ID: "m1", Name: "Ana"},
		Target: "organization", Address: "192.0.2.1", Details: map[string]any{"before": 1, "after": 2},
	}
	first, err := Seal(0, Hash{}, event)
	require.NoError(t, err)
	require.EqualValues(t, 1, first.Sequence)

	again, err := Seal(0, Hash{}, event)
	require.NoError(t, err)
	require.Equal(t, first.Hash, again.Hash, "the same entry has the same hash")

	altered := map[string]func(*Event){
		"at":      func(e *Event) { e.At = e.At.Add(time.Millisecond) },
		"action":  func(e *Event) { e.Action = SessionEnded },
		"actor":   func(e *Event) { e.Actor.ID = "m2" },
		"name":    func(e *Event) { e.Actor.Name = "Ben" },
		"target":  func(e *Event) { e.Target = "" },
		"address": func(e *Event) { e.Address = "192.0.2.2" },
		"details": func(e *Event) { e.Details = map[string]any{"before": 1, "after": 3} },
	}
	for field, alter := range altered {
		changed := event
		alter(&changed)
		sealed, err := Seal(0, Hash{}, changed)
		require.NoError(t, err)
		require.NotEqual(t, first.Hash, sealed.Hash, "a changed %s keeps the hash", field)
	}

	moved, err := Seal(1, Hash{}, event)
	require.NoError(t, err)
	require.NotEqual(t, first.Hash, moved.Hash, "a changed place keeps the hash")
	other, err := Seal(0, first.Hash, event)
	require.NoError(t, err)
	require.NotEqual(t, first.Hash, other.Hash, "a changed predecessor keeps the hash")
}
