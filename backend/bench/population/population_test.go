package population

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"curfew/backend/session"
	"curfew/backend/store"
)

// Every session of the population is one that the product admits, of the member that MemberOf names.
func TestCreate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	const size, members = 1000, 70
	require.NoError(t, Create(t.Context(), folder, size, members))

	db, err := store.Open(t.Context(), Database(folder), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	sessions, err := session.New(t.Context(), db, time.Now, [32]byte{})
	require.NoError(t, err)
	require.Equal(t, session.Count{Sessions: size, Members: members}, sessions.Figures(time.Now()).Live)

	hourAgo, agents := time.Now().Add(-time.Hour-time.Minute), map[string]bool{}
	for number := 1; number <= size; number++ {
		id := session.ID(SessionID(number))
		who, err := sessions.Admit(t.Context(), id, session.Passive)
		require.NoError(t, err)
		require.Equal(t, MemberID(MemberOf(number, members)), uuid.UUID(who.Member.ID))
		require.Equal(t, who.Member.Name, "Member "+who.Member.SortName()[len("member "):])
		require.True(t, who.Session.AuthenticatedAt.After(hourAgo))
		require.False(t, who.Session.StartedAt.Before(who.Session.AuthenticatedAt))
		require.False(t, who.Session.StartedAt.After(time.Now()))
		agents[who.Session.Client.UserAgent] = true
	}
	require.Greater(t, len(agents), 24)
}
