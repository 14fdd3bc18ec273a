package httpapi_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

// requireHeaders holds the headers of every answer of every test; this makes sure that there are
// answers of every kind among them.
//
// ASVS 3.2.1, 3.3.5, 3.4.1, 3.4.4, 3.4.5, 3.4.6, 3.5.8, 4.1.1, 14.3.2
func TestEveryKindOfAnswerHasTheSameHeaders(t *testing.T) {
	h := open(t, options{})
	h.echo.GET("/api/panic", func(echo.Context) error { panic("SELECT secret FROM /var/lib/curfew") })
	admin := h.browser(member.Admin)
	for _, c := range []struct {
		answer *answer
		status int
	}{
		{admin.get("/api/session"), 200},
		{h.stranger().post("/api/sessions", credentials(member.Plain, "cookie")), 201},
		{h.browser(member.Plain).delete("/api/session"), 204},
		{admin.put("/api/settings/security", nil, raw("{")), 400},
		{h.stranger().get("/api/session"), 401},
		{h.browser(member.Plain).get("/api/settings/security"), 403},
		{admin.post("/api/session/reauthenticate", nil, malformed, header("Sec-Fetch-Site", "cross-site")), 403},
		{admin.get("/api/nothing/here"), 404},
		{admin.do(http.MethodPatch, "/api/session", nil), 405},
		{admin.post("/api/setup", firstOwner()), 409},
		{admin.put("/api/settings/security", policy(1, "days", true), header("If-Match", `"9"`)), 412},
		{admin.put("/api/settings/security", nil, raw(strings.Repeat(" ", 65<<10))), 413},
		{admin.put("/api/settings/security", nil, malformed), 415},
		{admin.get("/api/sessions?limit=0", malformed), 422},
		{admin.get("/api/panic"), 500},
		{admin.do(http.MethodHead, "/api/nothing", nil), 404},
	} {
		c.answer.requireStatus(c.status)
	}
}

// ASVS 3.4.1, 3.4.4, 3.4.5, 3.4.8, 3.5.8, 13.4.6
func TestPagesAreSentWithTheSameHeaders(t *testing.T) {
	c, seen := open(t, options{}).stranger(), 0
	for target, status := range map[string]int{"/": 200, "/sign-in": 200, "/settings/security": 200, "/nothing.js": 404, "/../x": 404, "/api/docs": 200, "/healthz": 200} {
		a := c.send(http.MethodGet, target, nil)
		require.Equal(t, status, a.StatusCode, target)
		for name, value := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Strict-Transport-Security":    "max-age=31536000",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Server":                       "",
			"X-Powered-By":                 "",
		} {
			require.Equal(t, value, strings.Join(a.Header.Values(name), ", "), "%s of %s", name, target)
			seen++
		}
	}
	require.Equal(t, 49, seen)
}

// TestAnAnswerIsNeverAScript: a page of another site can name any function; it gets JSON that
// browsers do not sniff.
//
// ASVS 3.5.6
func TestAnAnswerIsNeverAScript(t *testing.T) {
	admin := open(t, options{}).browser(member.Admin)
	for _, query := range []string{"callback=f", "jsonp=f", "cb=alert(1)//", "callback=f&format=jsonp"} {
		a := admin.get("/api/session?"+query, malformed).requireStatus(http.StatusUnprocessableEntity)
		require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
		require.True(t, strings.HasPrefix(string(a.body), `{"`), "%s", a)
	}
}

func TestARequestsIDIsOursAndNeverTheClients(t *testing.T) {
	c := open(t, options{}).stranger()
	seen := map[string]bool{}
	for range 3 {
		p := c.get("/api/session", header("X-Request-Id", "chosen-by-mallory")).requireProblem(http.StatusUnauthorized, "no_session")
		require.Regexp(t, `^[A-Z2-7]{26}$`, p.RequestId)
		seen[p.RequestId] = true
	}
	require.Len(t, seen, 3)
}

func TestAnAnswerTellsHowLongTheSessionStillLives(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	whole := strconv.Itoa(14 * 24 * 60 * 60)
	for _, a := range []*answer{
		admin.get("/api/session"),
		admin.get("/api/sessions?limit=x", malformed),
		admin.delete("/api/sessions/nothing"),
		h.browser(member.Plain).get("/api/settings/security"),
	} {
		require.Equal(t, whole, a.Header.Get("Curfew-Session-Expires-In"), "%s", a)
	}
	require.Empty(t, h.stranger().get("/api/setup").Header.Get("Curfew-Session-Expires-In"))

	h.clock.advance(time.Second + time.Millisecond)
	left := admin.get("/api/session", passive).Header.Get("Curfew-Session-Expires-In")
	require.Equal(t, strconv.Itoa(14*24*60*60-1), left, "rounded up, so that 0 means over")
}

// TestCrossOriginRequests holds what browsers' headers let through, as a table in testdata that is
// read like code. Programs, which send none of them, pass; requests that name another origin do
// not, nor those of a sibling host.
//
// ASVS 3.4.2, 3.5.1, 16.3.3
func TestCrossOriginRequests(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	before := h.everythingDecided()
	var table strings.Builder
	refused := 0
	for _, site := range []string{"", "same-origin", "none", "same-site", "cross-site", "nonsense"} {
		for _, origin := range []string{"", "http://curfew.example.org", "https://curfew.example.org", "https://curfew.example.org:8443", "https://evil.test", "https://curfew.example.org.evil.test", "null"} {
			changes := []change{malformed}
			if site != "" {
				changes = append(changes, header("Sec-Fetch-Site", site))
			}
			if origin != "" {
				changes = append(changes, header("Origin", origin))
			}
			row := []string{fmt.Sprintf("%-12s %-30s", cmp.Or(site, "-"), cmp.Or(origin, "-"))}
			for _, call := range []string{
				"GET /api/session", "POST /api/sessions/revoke-others", "PUT /api/settings/security", "DELETE /api/sessions/none",
			} {
				method, target, _ := strings.Cut(call, " ")
				a := admin.do(method, target, nil, changes...)
				verdict := "passes"
				if a.StatusCode == http.StatusForbidden {
					a.requireProblem(http.StatusForbidden, "cross_origin")
					verdict = "refused"
					refused++
				}
				row = append(row, fmt.Sprintf("%s %-7s", method, verdict))
			}
			table.WriteString(strings.TrimSpace(strings.Join(row, "  ")) + "\n")
		}
	}
	require.Greater(t, refused, 50)
	requireGolden(t, "testdata/cross-origin.txt", table.String())
	require.Equal(t, before, h.everythingDecided())
	require.Equal(t, refused, strings.Count(h.log.String(), `"code":"cross_origin"`), "each is in the log (ASVS 16.3.3)")
}

// requireGolden holds the text against a file. With UPDATE_GOLDEN=1 the file is rewritten, and its
// diff is reviewed like code.
func requireGolden(t *testing.T, path, text string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// A sign-in that another site's page makes would put its visitor into a stranger's account.
//
// ASVS 3.5.1, 7.6.2
func TestSigningInFromAnotherOriginIsRefused(t *testing.T) {
	h := open(t, options{})
	for _, site := range []string{"cross-site", "same-site"} {
		a := h.stranger().post("/api/sessions", credentials(member.Plain, "cookie"), header("Sec-Fetch-Site", site))
		a.requireProblem(http.StatusForbidden, "cross_origin")
	}
	require.Zero(t, h.number("SELECT count(*) FROM sessions"))
}

// A proxy that goes by the other length takes what is hidden here for the body of the first
// request, and its answer for another client's.
//
// ASVS 4.2.1
func TestAMessageWithTwoLengthsIsTheLastOfItsConnection(t *testing.T) {
	server := httptest.NewServer(open(t, options{}).echo)
	defer server.Close()
	const hidden = "GET /readyz HTTP/1.1\r\nHost: example.com\r\n\r\n"
	for name, c := range map[string]struct {
		message string
		answers int
	}{
		"a length":                        {fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: example.com\r\nContent-Length: %d\r\n\r\n", len(hidden)) + hidden + hidden, 2},
		"chunks":                          {"GET /healthz HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 1},
		"a length and chunks":             {"GET /healthz HTTP/1.1\r\nHost: example.com\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 1},
		"chunks in a version without any": {"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, 1},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = io.WriteString(conn, c.message)
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			all, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Equal(t, c.answers, strings.Count(string(all), "HTTP/1."), "%s", all)
		})
	}
}

// ASVS 16.3.4, 16.5.1, 16.5.4
func TestAPanicIsA500AndTheProcessLives(t *testing.T) {
	for name, panics := range map[string]any{
		"a text":   "SELECT password FROM members /var/lib/curfew",
		"an error": errors.New("SELECT password FROM members /var/lib/curfew"),
		"a number": 1,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			h.echo.POST("/api/panic", func(echo.Context) error { panic(panics) })
			admin := h.browser(member.Admin)
			a := admin.post("/api/panic", nil)
			p := a.requireProblem(http.StatusInternalServerError, "internal")
			for _, secret := range []string{"SELECT", "/var/lib", "goroutine", ".go:"} {
				require.NotContains(t, string(a.body), secret)
			}
			require.Empty(t, a.Header.Values("Set-Cookie"))
			require.Contains(t, h.log.String(), "goroutine", "the stack is in the log")
			require.Contains(t, h.log.String(), p.RequestId, "under the request's id")
			admin.requireLive()
		})
	}
}
