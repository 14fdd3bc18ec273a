package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/metrics"
	"curfew/backend/session"
	"curfew/backend/store"
)

// BenchmarkSteps is what the parts of GET /api/session take that are this package's, for the table
// in decision 12. What verifies and what admits is measured in the packages token and session.
func BenchmarkSteps(b *testing.B) {
	who := admitted(b)
	answer := currentSession(who)
	request := httptest.NewRequest(http.MethodGet, "/api/session", nil)
	request.Header.Set("Cookie", accessCookie+"="+strings.Repeat("a", 420)+"; "+refreshCookie+"="+strings.Repeat("b", 80))

	api := &API{Deps: Deps{Metrics: metrics.New()}}
	api.registerMetrics()
	api.countRequests(call{http.MethodGet, "/api/session"})

	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"request-id", func() error { _ = rand.Text(); return nil }},
		{"cookie", func() error { _, err := accessToken(request); return err }},
		{"observe", func() error {
			begun := time.Now()
			api.requestsOf(http.MethodGet, "/api/session").Took(http.StatusOK, time.Since(begun))
			return nil
		}},
		{"answer", func() error { answer := currentSession(who); return writeJSON(io.Discard, &answer) }},
		{"json-by-the-standard-library", func() error { return json.NewEncoder(io.Discard).Encode(&answer) }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := step.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// admitted is a session that was just admitted.
func admitted(b *testing.B) session.Principal {
	at := time.Date(2026, time.March, 2, 9, 0, 0, 123e6, time.UTC)
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "curfew.db"), slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	ana := member.Member{ID: member.ID{1}, Name: "Ana", Email: "ana@example.org", Role: member.Owner, Active: true, Generation: 1}
	require.NoError(b, db.SetUp(b.Context(), "Acme", ana, "hash", audit.Event{At: at, Action: audit.OrganizationSetUp}))
	sessions, err := session.New(b.Context(), db, func() time.Time { return at }, [32]byte{})
	require.NoError(b, err)
	who, _, err := sessions.Start(b.Context(), member.Proof{Member: ana, PasswordHash: "hash", Methods: []string{"password"}}, session.Client{
		Address: session.ParseAddress("192.0.2.10"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	})
	require.NoError(b, err)
	who, err = sessions.Admit(b.Context(), who.Session.ID, 0, session.Active)
	require.NoError(b, err)
	return who
}
