package main

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"curfew/backend/httpapi"
	"curfew/backend/token"
)

// opened are a reference's options and what it is to answer.
func opened(t *testing.T, kind string) (options, httpapi.CurrentSession) {
	t.Helper()
	folder := t.TempDir()
	body := httpapi.CurrentSession{ExpiresAt: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Member: httpapi.Member{Email: "ana@example.org"}}
	model, err := json.Marshal(map[string]any{"headers": [][2]string{{"Cache-Control", "no-store"}, {"X-Request-Id", "constant"}}, "body": body})
	require.NoError(t, err)
	o := options{
		kind: kind, answer: filepath.Join(folder, "answer"), lookup: "cookie:" + accessCookie, secrets: filepath.Join(folder, "keys.json"),
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

// changed is the text with another character in its middle, and in the middle of its last part.
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

// Every reference answers all of its own credentials with the model, and refuses whatever else there is: one that let everybody in would be quick.
func TestReferencesGuard(t *testing.T) {
	for _, kind := range []string{"hs256", "eddsa", "scs", "gorm"} {
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
				for _, bad := range append(changed(credential), "", "nonsense", foreign(t, kind), expired(t, o)) {
					w := ask(handler, bad)
					require.Equal(t, http.StatusUnauthorized, w.Code, bad)
					require.NotContains(t, w.Body.String(), "ana@example.org")
				}
			}
		})
	}
}

// issuedFor are credentials that the reference has to admit.
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

// foreign is a credential that is right in everything but who issued it.
func foreign(t *testing.T, kind string) string {
	t.Helper()
	claims := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	var text string
	var err error
	switch kind {
	case "eddsa":
		_, private, failed := ed25519.GenerateKey(nil)
		require.NoError(t, failed)
		text, err = jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(private)
	default:
		text, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("another key, of the right length"))
	}
	require.NoError(t, err)
	return text
}

// expired is a credential whose time has run out, where one can be made.
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

func TestBareLetsEverybodyIn(t *testing.T) {
	o, _ := opened(t, "bare")
	handler, err := newHandler(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(handler, "").Code)
}

// The hash that sign-ins are compared with has to be worked out each time.
func TestArgon2idComparesThePassword(t *testing.T) {
	o, _ := opened(t, "argon2id")
	_, err := newHandler(t.Context(), o)
	require.Error(t, err, "without a hash")
	o.hash, err = argon2id.CreateHash("right", &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	handler, err := newHandler(t.Context(), o)
	require.NoError(t, err)
	for password, want := range map[string]int{"right": http.StatusOK, "wrong": http.StatusUnauthorized} {
		r := httptest.NewRequest(http.MethodPost, "/api/sessions", strings.NewReader(`{"email":"a","password":"`+password+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(t, want, w.Code)
	}
}
