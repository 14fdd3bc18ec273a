package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	segmentio "github.com/segmentio/encoding/json"

	"curfew/backend/member"
	"curfew/backend/session"
)

// BenchmarkSteps is what the parts of GET /api/session take that are this package's, for the table in decision 12. What verifies and what
// admits is measured in the packages token and session.
func BenchmarkSteps(b *testing.B) {
	at := time.Date(2026, time.March, 2, 9, 0, 0, 123e6, time.UTC)
	who := session.Principal{
		Session: session.Session{
			ID: session.ID{1}, MemberID: member.ID{1}, Generation: 1, MemberGeneration: 1,
			AuthenticatedAt: at, ProvedAt: at, StartedAt: at, LastSeenAt: at, Methods: []string{"password"},
			Client: session.Client{Address: session.ParseAddress("192.0.2.10")}, // without a user agent, which is read once for all sessions that have it
		},
		Member:       member.Member{ID: member.ID{1}, Name: "Ana", Email: "ana@example.org", Role: member.Owner},
		Organization: &session.Organization{Name: "Acme", Policy: session.Policy{Length: session.Length{Value: 14, Unit: session.Days}}},
		AdmittedAt:   at, ExpiresAt: at.Add(14 * 24 * time.Hour),
	}
	answer := currentSession(who)
	var text []byte
	request := httptest.NewRequest(http.MethodGet, "/api/session", nil)
	request.Header.Set("Cookie", accessCookie+"="+strings.Repeat("a", 420)+"; "+refreshCookie+"="+strings.Repeat("b", 80))

	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"request-id", func() error { _ = rand.Text(); return nil }},
		{"cookie", func() error { _, err := accessToken(request); return err }},
		{"answer", func() error { text = appendCurrentSession(text[:0], &who); return nil }},
		{"to-the-contract's-words", func() error { _ = currentSession(who); return nil }},
		{"json", func() error { return segmentio.NewEncoder(io.Discard).Encode(&answer) }},
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
