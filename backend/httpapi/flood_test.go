package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// TestAFloodWaitsForItsRefusals: a thousand tokens of other signers are refused at once, then 250 a
// second, each within a second. No other request is delayed.
func TestAFloodWaitsForItsRefusals(t *testing.T) {
	h := open(t, options{})
	h.held = make(chan time.Duration, 1000)
	held := func() (d time.Duration) {
		select {
		case d = <-h.held:
		default:
		}
		return d
	}
	honest, revoked := h.program(member.Plain), h.program(member.Admin)
	revoked.delete("/api/session").requireStatus(http.StatusNoContent)
	unknown, _, err := h.api.Tokens.Issue(uuid.New(), uuid.New(), 1, h.clock.Now().Add(time.Hour))
	require.NoError(t, err)
	bearer := func(token string) change { return header("Authorization", "Bearer "+token) }
	forged := unknown[:len(unknown)-8] + "AAAAAAAA"
	twice := func(cookie string) string { return cookie + "=one; " + cookie + "=another" }
	flood := []func() *answer{
		func() *answer { return h.stranger().get("/api/session", bearer(forged)) },
		func() *answer { return h.stranger().get("/api/session", bearer(unknown)) },
		func() *answer { return h.stranger().get("/api/events", bearer("nonsense")) },
		func() *answer { return h.stranger().get("/api/session", header("Authorization", "Bearer")) },
		func() *answer {
			return h.stranger().get("/api/session", header("Cookie", twice("__Host-curfew_access")))
		},
		func() *answer {
			return h.stranger().post("/api/sessions/refresh", nil, header("Cookie", twice("__Host-curfew_refresh")))
		},
		func() *answer {
			text := strings.Repeat("A", 43)
			return h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &text})
		},
	}
	for i := range 1000 {
		flood[i%len(flood)]().requireStatus(http.StatusUnauthorized)
		require.Zero(t, held(), "%d", i)
	}
	for i := range 1000 {
		flood[i%len(flood)]().requireStatus(http.StatusUnauthorized)
		require.InDelta(t, min(4*time.Millisecond*time.Duration(i+1), time.Second), held(), 1e6, "%d", i)
	}

	h.clock.advance(time.Millisecond)
	honest.requireLive()
	h.stranger().get("/api/session").requireProblem(http.StatusUnauthorized, "no_session")
	revoked.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	h.clock.advance(600 * time.Millisecond) // the flood goes on
	for i := range 150 {
		flood[0]()
		require.InDelta(t, 403*time.Millisecond+4*time.Millisecond*time.Duration(i), held(), 5e6, "%d", i)
	}
	h.clock.advance(6 * time.Minute)
	for range 1000 {
		flood[0]()
		require.Zero(t, held())
	}
	flood[0]()
	require.NotZero(t, held())
	honest.get("/api/session").requireProblem(http.StatusUnauthorized, "token_expired")
	honest.renew()
	honest.requireLive()
	require.Zero(t, held())
}

// TestWhoLeavesIsHeldNoLonger: a connection that was closed keeps nothing busy.
func TestWhoLeavesIsHeldNoLonger(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	httpapi.Sleep(ctx, time.Hour)
	httpapi.Sleep(t.Context(), time.Nanosecond)
}
