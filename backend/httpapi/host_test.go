package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

func host(name string) change { return func(r *request) { r.host = name } }

// TestOnlyOurOwnHostsAreServed calls every route, and pages, under hosts that are ours and hosts
// that are not: by cookie, by bearer token and without either. The exemptions stand here once more,
// as readers of the contract expect them.
func TestOnlyOurOwnHostsAreServed(t *testing.T) {
	h := open(t, options{})
	foreign := []string{
		"evil.example", "curfew.example.org.evil.example", "xcurfew.example.org", "www.curfew.example.org", "example.org", "192.0.2.1", "192.0.2.1:8080",
		"[2001:db8::1]:8080", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0:8080", "curfew:8080", "0x7f.1",
	}
	exempt := map[string]bool{
		"GET /healthz": true, "GET /readyz": true, "GET /metrics": true,
		"POST /api/sessions": true, // by what its body asks for, as does refresh; see below
	}
	browser, program := h.browser(member.Owner), h.program(member.Owner)
	before, refused := h.everythingDecided(), 0
	for _, other := range foreign {
		for _, route := range h.routes() {
			for _, c := range []*client{browser.clone(), h.stranger()} {
				a := c.call(route, host(other), malformed)
				if exempt[route] {
					require.NotEqual(t, http.StatusMisdirectedRequest, a.StatusCode, "%s", a)
					continue
				}
				p := a.requireProblem(http.StatusMisdirectedRequest, "misdirected")
				require.Contains(t, p.Detail, publicURL.String())
				refused++
			}
		}
		for _, page := range []string{"/", "/sign-in", "/nothing", "/_app/x.js", "/.well-known/change-password", "/api/docs", "/api/nothing"} {
			for _, c := range []*client{browser, h.stranger()} {
				require.Equal(t, http.StatusMisdirectedRequest, c.send(http.MethodGet, page, nil, host(other)).StatusCode, page)
			}
			require.Equal(t, http.StatusMisdirectedRequest, h.stranger().send(http.MethodGet, "/sign-in", nil, host(other), header("Authorization", "Bearer x")).StatusCode)
		}
		browser.get("/api/session", host(other), header("Authorization", "Basic YTpi")).requireProblem(http.StatusMisdirectedRequest, "misdirected")
		browser.get("/api/session", host(other), header("X-Forwarded-Host", publicURL.Host)).requireProblem(http.StatusMisdirectedRequest, "misdirected")

		// Cookies are neither given nor taken there; a program has all it needs.
		h.stranger().post("/api/sessions", credentials(member.Owner, "cookie"), host(other)).requireProblem(http.StatusMisdirectedRequest, "misdirected")
		browser.post("/api/sessions/refresh", nil, host(other)).requireProblem(http.StatusMisdirectedRequest, "misdirected")
		require.Equal(t, before, h.everythingDecided())
		program.get("/api/session", host(other)).requireStatus(http.StatusOK)
		p := h.stranger()
		p.keep(p.post("/api/sessions", credentials(member.Owner, "bearer"), host(other)).signedIn(http.StatusCreated))
		p.post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &p.refresh}, host(other)).requireStatus(http.StatusOK)
		p.delete("/api/session", host(other)).requireStatus(http.StatusNoContent)
		before = h.everythingDecided()
	}
	require.Greater(t, refused, 500)

	for _, own := range []string{
		"curfew.example.org", "curfew.example.org:443", "curfew.example.org:8443", "CURFEW.Example.ORG", "curfew.example.org.", "curfew.example.org.:443",
		"localhost", "localhost:8080", "LOCALHOST:1", "localhost.", "curfew.localhost:8080", "127.0.0.1", "127.0.0.1:8080", "127.1.2.3:9", "[::1]", "[::1]:8080",
		"[0:0:0:0:0:0:0:1]:8080", "[::ffff:127.0.0.1]:8080",
	} {
		browser.get("/api/session", host(own)).requireStatus(http.StatusOK)
		h.stranger().get("/api/session", host(own)).requireProblem(http.StatusUnauthorized, "no_session")
		require.Equal(t, http.StatusOK, browser.send(http.MethodGet, "/sign-in", nil, host(own)).StatusCode, own)
	}
}

// TestARequestWithoutAHostIsNotOurs: HTTP/1.0 knows none.
func TestARequestWithoutAHostIsNotOurs(t *testing.T) {
	h := open(t, options{})
	for target, status := range map[string]int{"/": http.StatusMisdirectedRequest, "/api/session": http.StatusMisdirectedRequest, "/healthz": http.StatusOK, "/readyz": http.StatusOK} {
		r, recorder := httptest.NewRequest(http.MethodGet, target, nil), httptest.NewRecorder()
		r.Host = ""
		h.echo.ServeHTTP(recorder, r)
		require.Equal(t, status, recorder.Code, "%s: %s", target, strings.TrimSpace(recorder.Body.String()))
	}
}
