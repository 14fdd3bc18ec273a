package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

// TestMetrics: a monitoring system with the operator's token reads them, and so do those who
// oversee others. The token opens nothing else.
//
// ASVS 13.4.5, 16.2.5
func TestMetrics(t *testing.T) {
	h := open(t, options{})
	admin, plain := h.browser(member.Admin), h.program(member.Plain)
	h.program(member.Plain)
	plain.requireLive()
	plain.get("/api/sessions/nothing-of-the-kind").requireStatus(http.StatusNotFound)
	h.stranger().get("/api/a/path/by/mallory?and=more").requireStatus(http.StatusNotFound)
	h.stranger().do("MALLORY", "/api/session", nil)

	scraper := header("Authorization", "Bearer "+metricsToken)
	told := func() string {
		h.t.Helper()
		answer := h.stranger().get("/metrics", scraper).requireStatus(http.StatusOK)
		require.True(t, strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain; version=0.0.4"))
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		return string(answer.body)
	}
	has := func(text, format string, args ...any) {
		h.t.Helper()
		require.Regexp(t, "(?m)^"+regexp.QuoteMeta(fmt.Sprintf(format, args...))+"$", text)
	}
	text := told()
	has(text, "curfew_sessions 3")
	has(text, "curfew_members_signed_in 2")
	has(text, "curfew_generation 1")
	require.Regexp(t, `(?m)^curfew_build_info\{version="[^"]+",commit="[^"]+",date="[^"]+",goversion="go1\.[^"]+"\} 1$`, text)
	has(text, `curfew_request_duration_seconds_count{method="GET",route="/api/session",status="2xx"} 1`)
	has(text, `curfew_request_duration_seconds_count{method="POST",route="/api/sessions",status="2xx"} 3`)
	require.NotRegexp(t, "(?i)mallory|nothing-of-the-kind", text, "strangers choose no names")
	require.NotContains(t, text, "@example.org")

	admin.get("/metrics").requireStatus(http.StatusOK)
	admin.post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
	text = told()
	has(text, "curfew_sessions 0")
	has(text, "curfew_generation 2")
	has(text, `curfew_request_duration_seconds_count{method="GET",route="/metrics",status="2xx"} 2`)

	for _, other := range h.routes() {
		if other != "GET /metrics" && !strings.Contains(strings.Join(public, "\n"), other) {
			h.stranger().call(other, scraper).requireProblem(http.StatusUnauthorized, "token_invalid")
		}
	}
	h.stranger().get("/metrics", header("Authorization", "Bearer "+metricsToken[1:])).requireProblem(http.StatusUnauthorized, "token_invalid")
	h.stranger().get("/metrics", header("Cookie", accessCookie+"=")).requireProblem(http.StatusUnauthorized, "token_invalid")
	h.api.MetricsToken = ""
	h.stranger().get("/metrics", scraper).requireProblem(http.StatusUnauthorized, "token_invalid")
	h.stranger().get("/metrics", header("Authorization", "Bearer ")).requireProblem(http.StatusUnauthorized, "token_invalid")
}
