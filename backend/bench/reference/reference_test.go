package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"curfew/backend/httpapi"
	"curfew/backend/token"
)

// opened returns a reference's options, and its answer.
func opened(t *testing.T, kind string) (options, httpapi.CurrentSession) {
	t.Helper()
	folder := t.TempDir()
	body := httpapi.CurrentSession{
		ExpiresAt: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Member: httpapi.Member{Email: "ana@example.org"},
	}
	headers := [][2]string{{"Cache-Control", "no-store"}, {"X-Request-Id", "constant"}}
	model, err := json.Marshal(map[string]any{"headers": headers, "body": body})
	require.NoError(t, err)
	o := options{
		kind: kind, answer: filepath.Join(folder, "answer"), secrets: filepath.Join(folder, "keys.json"),
		database: filepath.Join(folder, "db"), sessions: 3, issued: filepath.Join(folder, "issued"),
	}
	require.NoError(t, os.WriteFile(o.answer, model, 0o600))
	return o, body
}

func ask(handler http.Handler, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/api/session", nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: accessCookie, Value: cookie})
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// changed returns the text with another character in its middle and near its end, cut, and longer.
func changed(text string) []string {
	swap := func(at int) string {
		other := "A"
		if text[at] == 'A' {
			other = "B"
		}
		return text[:at] + other + text[at+1:]
	}
	return []string{swap(len(text) / 2), swap(len(text) - 10), text[:len(text)-5], text + "A"}
}

// TestReferencesGuard: every reference answers its own credentials with the model, and refuses all
// others. One that admitted them all would be fast.
func TestReferencesGuard(t *testing.T) {
	for _, kind := range []string{"hs256", "scs", "gorm"} {
		t.Run(kind, func(t *testing.T) {
			o, body := opened(t, kind)
			handler, err := newHandler(t.Context(), o)
			require.NoError(t, err)
			good := issuedFor(t, o)
			for _, credential := range good {
				w := ask(handler, credential)
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				var got httpapi.CurrentSession
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
				require.Equal(t, body, got)
				require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				require.Equal(t, "constant", w.Header().Get("X-Request-Id"))
				require.Contains(t, w.Header().Get("Content-Type"), "application/json")
				for _, bad := range append(changed(credential), "", "nonsense", foreign(t), expired(t, o)) {
					w := ask(handler, bad)
					require.Equal(t, http.StatusUnauthorized, w.Code, bad)
					require.NotContains(t, w.Body.String(), "ana@example.org")
				}
			}
		})
	}
}

// issuedFor returns credentials that the reference has to admit.
func issuedFor(t *testing.T, o options) []string {
	t.Helper()
	if o.kind != "hs256" {
		text, err := os.ReadFile(o.issued)
		require.NoError(t, err)
		issued := strings.Fields(string(text))
		require.Len(t, issued, o.sessions)
		return issued
	}
	secrets, err := token.LoadSecrets(o.secrets, time.Now())
	require.NoError(t, err)
	keys, err := token.NewKeys(secrets.Access(token.LongestLifetime), time.Now)
	require.NoError(t, err)
	text, _, err := keys.Issue(uuid.New(), uuid.New(), 1, time.Now().Add(time.Hour))
	require.NoError(t, err)
	return []string{text}
}

// foreign is a credential that is right in everything but its issuer.
func foreign(t *testing.T) string {
	t.Helper()
	claims := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("another key, of the right length"))
	require.NoError(t, err)
	return text
}

// expired is a credential that has expired, where one can be made.
func expired(t *testing.T, o options) string {
	t.Helper()
	switch o.kind {
	case "hs256":
		secrets, err := token.LoadSecrets(o.secrets, time.Now())
		require.NoError(t, err)
		keys, err := token.NewKeys(secrets.Access(time.Minute), func() time.Time { return time.Now().Add(-time.Hour) })
		require.NoError(t, err)
		text, _, err := keys.Issue(uuid.New(), uuid.New(), 1, time.Now())
		require.NoError(t, err)
		return text
	case "gorm":
		db, err := gorm.Open(sqlite.Open(location(o.database)), &gorm.Config{})
		require.NoError(t, err)
		row := sessionRow{ID: uuid.NewString(), ExpiresAt: time.Now().Add(-time.Second).UnixMilli()}
		require.NoError(t, db.Create(&row).Error)
		pool, err := db.DB()
		require.NoError(t, err)
		require.NoError(t, pool.Close())
		return row.ID
	}
	return "none"
}

func TestBareAdmitsEveryRequest(t *testing.T) {
	o, _ := opened(t, "bare")
	handler, err := newHandler(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(handler, "").Code)
}
