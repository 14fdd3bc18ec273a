package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const aSession = `{"expiresAt":"2026-12-09T02:00:00Z","member":{"email":"a@example.org","id":"1","name":"A","role":"member"},` +
	`"organization":{"name":"O"},"policy":{"maximumLifetime":null,"refreshAutomatically":true,"sessionLength":{"unit":"days","value":14}},` +
	`"session":{"id":"2","memberId":"1","client":{"address":"192.0.2.1","browser":"","device":"unknown","os":"","userAgent":""},"methods":["password"]}}`

// A server that lets everybody in, or answers something else, is not measured.
func TestCheck(t *testing.T) {
	const good = "the-right-credential-for-this-server"
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		open    bool
		trouble string
	}{
		"a guarded one": {answer: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+good {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = w.Write([]byte(aSession))
		}},
		"an open one": {
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(aSession)) }, open: true,
		},
		"one that lets everybody in": {
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(aSession)) }, trouble: "it answers 200 to",
		},
		"one that lets in who brings anything": {answer: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = w.Write([]byte(aSession))
		}, trouble: "it answers 200 to a wrong credential"},
		"one that lets nobody in": {
			answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, trouble: "is answered 401",
		},
		"one that answers little": {
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, open: true, trouble: "something else",
		},
		"one that answers more": {
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"more":1,` + aSession[1:])) },
			open:   true, trouble: "something else",
		},
	} {
		t.Run(name, func(t *testing.T) {
			running := httptest.NewServer(c.answer)
			defer running.Close()
			s := &stage{}
			err := s.check(t.Context(), contender{
				server: &server{address: strings.TrimPrefix(running.URL, "http://")}, load: load{first: byBearer(good)}, open: c.open,
			})
			if c.trouble == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.trouble)
			}
		})
	}
}

// A revocation that does not hold ends the whole run.
func TestCheckRevocation(t *testing.T) {
	signedOut := false
	running := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"accessToken":"token-of-the-owner"}`))
		case r.Method == http.MethodDelete:
			signedOut = true
			w.WriteHeader(http.StatusNoContent)
		case signedOut:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer running.Close()
	require.NoError(t, checkRevocation(t.Context(), strings.TrimPrefix(running.URL, "http://")))

	forgetful := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			_, _ = w.Write([]byte(`{"accessToken":"token-of-the-owner"}`))
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer forgetful.Close()
	require.ErrorContains(t, checkRevocation(t.Context(), strings.TrimPrefix(forgetful.URL, "http://")), "GET is answered 200 and not 401")
}

func TestSpoilt(t *testing.T) {
	good := byCookie("aaaaaaaaaaaaaaaaaaaaaaAaaaaaaaaa")
	bad := spoilt(good)
	require.NotEqual(t, good.headers, bad.headers)
	require.Len(t, bad.headers[0][1], len(good.headers[0][1]))
	require.Equal(t, byCookie("aaaaaaaaaaaaaaaaaaaaaaAaaaaaaaaa"), good, "the good one stays")
}
