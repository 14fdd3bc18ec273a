package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/bench/program"
)

const aSession = `{"expiresAt":"2026-12-09T02:00:00Z","organization":{"name":"O"},` +
	`"member":{"email":"a@example.org","id":"1","name":"A","role":"member"},` +
	`"policy":{"maximumLifetime":null,"refreshAutomatically":true,"sessionLength":{"unit":"days","value":14}},` +
	`"session":{"id":"2","memberId":"1","methods":["password"],` +
	`"client":{"address":"192.0.2.1","browser":"","device":"unknown","os":"","userAgent":""}}}`

// answers is a handler that answers every request with the body.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// guarded is a handler that answers with a session if the credential is admitted.
func guarded(admits func(credential string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !admits(r.Header.Get("Authorization")) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte(aSession))
	}
}

// TestCheck: a server that admits too much, or answers something else, is not measured.
func TestCheck(t *testing.T) {
	const good = "the-right-credential-for-this-server"
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		open    bool
		trouble string
	}{
		"guarded":       {handler: guarded(func(credential string) bool { return credential == "Bearer "+good })},
		"open":          {handler: answers(http.StatusOK, aSession), open: true},
		"admits all":    {handler: answers(http.StatusOK, aSession), trouble: "answered 200 and not 401"},
		"admits any":    {handler: guarded(func(given string) bool { return given != "" }), trouble: "answered 200 and not 401"},
		"admits none":   {handler: answers(http.StatusUnauthorized, ""), trouble: "answered 401 and not 200"},
		"answers less":  {handler: answers(http.StatusOK, "{}"), open: true, trouble: "no session"},
		"answers more":  {handler: answers(http.StatusOK, `{"more":1,`+aSession[1:]), open: true, trouble: "no session"},
		"answers prose": {handler: answers(http.StatusOK, "yes"), open: true, trouble: "no session"},
	} {
		t.Run(name, func(t *testing.T) {
			running := httptest.NewServer(c.handler)
			defer running.Close()
			err := check(t.Context(), contender{
				server: &program.Program{Address: strings.TrimPrefix(running.URL, "http://")},
				load:   load{first: program.Bearer(http.MethodGet, sessionPath, good)}, open: c.open,
			})
			if c.trouble == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.trouble)
			}
		})
	}
}

// TestCheckRevocation: a revocation that does not hold ends the whole run.
func TestCheckRevocation(t *testing.T) {
	for _, holds := range []bool{true, false} {
		signedOut := false
		running := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				answers(http.StatusCreated, `{"accessToken":"token-of-the-owner"}`)(w, r)
			case r.Method == http.MethodDelete:
				signedOut = true
				w.WriteHeader(http.StatusNoContent)
			case signedOut && holds:
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		defer running.Close()
		err := checkRevocation(t.Context(), strings.TrimPrefix(running.URL, "http://"))
		if holds {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "GET /api/session: answered 200 and not 401")
		}
	}
}

func TestSpoilt(t *testing.T) {
	good := byCookie("aaaaaaaaaaaaaaaaaaaaaaAaaaaaaaaa")
	bad := spoilt(good)
	require.NotEqual(t, good.Headers, bad.Headers)
	require.Len(t, bad.Headers[0][1], len(good.Headers[0][1]))
	require.Equal(t, byCookie("aaaaaaaaaaaaaaaaaaaaaaAaaaaaaaaa"), good, "the good one stays")
}
