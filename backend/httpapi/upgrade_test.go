package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/session"
)

// schema1 is what the clients of a program of the first schema had when it was stopped; see
// backend/store/testdata/schema1.
type schema1 struct {
	Laptop, Phone                      struct{ Session, RefreshToken, SpentRefreshToken string }
	SignedOut, Revoked, RevokedWithAll string
	Answers                            struct {
		Settings httpapi.SecuritySettings `json:"GET /api/settings/security"`
		Sessions httpapi.SessionPage      `json:"GET /api/sessions"`
	}
}

// TestADatabaseOfTheFirstSchemaIsKept: who was signed in still is, who was signed out stays out,
// the policy governs as it did, and the log is the same, entry by entry.
func TestADatabaseOfTheFirstSchemaIsKept(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../store/testdata/schema1")))
	raw, err := os.ReadFile(filepath.Join(folder, "made.json"))
	require.NoError(t, err)
	var made schema1
	require.NoError(t, json.Unmarshal(raw, &made))
	require.NoError(t, os.Chmod(filepath.Join(folder, "keys.json"), 0o600))
	require.NoError(t, os.Rename(filepath.Join(folder, "keys.json"), filepath.Join(folder, "secrets.json")))
	h := open(t, options{folder: folder})
	h.clock.at.Store(time.Date(2026, time.November, 27, 9, 0, 0, 0, time.UTC).UnixMilli())

	operator := h.operator()
	var settings httpapi.SecuritySettings
	operator.get("/api/settings/security").into(http.StatusOK, &settings)
	require.Equal(t, made.Answers.Settings, settings)

	var alive httpapi.SessionPage
	operator.get("/api/sessions?scope=all").into(http.StatusOK, &alive)
	require.Len(t, alive.Items, 2)
	before := map[string]httpapi.Session{}
	for _, s := range made.Answers.Sessions.Items {
		before[s.Id] = s
	}
	for _, now := range alive.Items {
		then := before[now.Id]
		require.Equal(t, then.AuthenticatedAt, now.AuthenticatedAt)
		require.Equal(t, then.StartedAt, now.StartedAt)
		require.Equal(t, then.LastSeenAt, now.LastSeenAt)
		require.Equal(t, then.ExpiresAt, now.ExpiresAt)
		require.Equal(t, then.Client, now.Client)
		require.Equal(t, then.Methods, now.Methods)
	}

	found, err := audit.Check(t.Context(), h.db)
	require.NoError(t, err)
	require.Nil(t, found.Broken)
	require.EqualValues(t, 11, found.Entries)
	require.Equal(t, "1f10bf0cb4cc4a75252f33954ef24f59a284976", found.Head.String()[:39])

	// Their tokens are long over, and the refresh tokens are not.
	refresh := func(token string) *answer {
		return h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &token})
	}
	for _, client := range []struct{ Session, RefreshToken, SpentRefreshToken string }{made.Laptop, made.Phone} {
		c := h.stranger()
		c.keep(refresh(client.RefreshToken).signedIn(http.StatusOK))
		require.Equal(t, client.Session, c.requireLive().Session.Id)
		require.Equal(t, "ana@example.org", c.requireLive().Member.Email)
	}
	require.Equal(t, httpapi.EndReasonTokenReuse, refresh(made.Phone.SpentRefreshToken).requireProblem(http.StatusUnauthorized, "session_revoked").Ended.Reason)

	for id, reason := range map[string]session.EndReason{
		made.SignedOut: session.SignedOut, made.Revoked: session.Revoked, made.RevokedWithAll: session.RevokedAll,
	} {
		parsed, err := session.ParseID(id)
		require.NoError(t, err)
		_, err = h.sessions.Admit(t.Context(), parsed, 0, session.Passive)
		var ended *session.EndedError
		require.ErrorAs(t, err, &ended)
		require.Equal(t, reason, ended.End.Reason)
	}
	h.stranger().post("/api/sessions", map[string]any{"email": "ana@example.org", "password": "correct horse battery staple"}).requireStatus(http.StatusCreated)

	// The cap of 60 days still counts from the sign-in of then.
	h.clock.advance(59 * 24 * time.Hour)
	laptop, err := session.ParseID(made.Laptop.Session)
	require.NoError(t, err)
	_, err = h.sessions.Admit(t.Context(), laptop, 0, session.Passive)
	require.ErrorAs(t, err, new(*session.EndedError))
}
