package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
)

// routes are the calls that are mounted, in the contract's spelling, as in "DELETE /api/sessions/{id}".
func (h *house) routes() []string {
	var found []string
	for _, route := range h.echo.Routes() {
		if route.Path != "/*" { // the pages, which are no part of the API
			found = append(found, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	slices.Sort(found)
	return found
}

var parameter = regexp.MustCompile(`:(\w+)`)

func TestEveryRouteIsInTheContractAndTheOtherWayRound(t *testing.T) {
	known, err := contract()
	require.NoError(t, err)
	var documented []string
	for path, methods := range known.calls {
		for _, method := range methods {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(documented)
	require.Greater(t, len(documented), 15)
	require.Equal(t, documented, open(t, options{}).routes())
}

func TestOtherMethodsAreRefusedWithTheOnesThatThereAre(t *testing.T) {
	known, err := contract()
	require.NoError(t, err)
	c, refused := open(t, options{}).stranger(), 0
	for path, methods := range known.calls {
		target := strings.ReplaceAll(path, "{id}", "018f0000-0000-7000-8000-000000000000")
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "FOO"} {
			if slices.Contains(methods, method) || method == http.MethodOptions {
				continue // Echo answers OPTIONS by itself, with the Allow header and no more
			}
			if method == http.MethodDelete && strings.HasPrefix(path, "/api/sessions/") {
				continue // "summary" and its like are what a session's id could be
			}
			a := c.do(method, target, nil)
			if method == http.MethodGet {
				a.requireProblem(http.StatusNotFound, "not_found") // the pages take every GET that is left, and have none here
				continue
			}
			a.requireProblem(http.StatusMethodNotAllowed, "method_not_allowed")
			allowed := strings.Split(a.Header.Get("Allow"), ", ")
			for _, method := range methods {
				require.Contains(t, allowed, method, "%s", a)
			}
			refused++
		}
	}
	require.Greater(t, refused, 80)
}

func TestTheDocumentIsServedAsOpenAPI31(t *testing.T) {
	a := open(t, options{}).stranger().get("/api/openapi.json").requireStatus(http.StatusOK)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	document, err := libopenapi.NewDocument(a.body)
	require.NoError(t, err)
	require.Equal(t, "3.1.0", document.GetVersion())
	model, err := document.BuildV3Model()
	require.NoError(t, err)
	known, err := contract()
	require.NoError(t, err)
	require.Equal(t, len(known.calls), model.Model.Paths.PathItems.Len())
	names := map[string]bool{}
	for _, item := range model.Model.Paths.PathItems.FromOldest() {
		for _, call := range item.GetOperations().FromOldest() {
			require.False(t, names[call.OperationId], "two calls are named %s", call.OperationId)
			names[call.OperationId] = true
			require.NotEmpty(t, call.Summary, call.OperationId)
		}
	}
}

// page is the documentation for people.
func (h *house) page() string {
	a := h.stranger().get("/api/docs").requireStatus(http.StatusOK)
	require.Equal(h.t, "text/html; charset=UTF-8", a.Header.Get("Content-Type"))
	return string(a.body)
}

func TestTheDocsPageRunsNothingAndLoadsNothing(t *testing.T) {
	h := open(t, options{})
	html := h.page()
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(html)
	require.Len(t, style, 2)
	sum := sha256.Sum256([]byte(style[1]))
	policy := h.stranger().get("/api/docs").Header.Get("Content-Security-Policy")
	require.Equal(t, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'", policy, "the page's one style is allowed by its hash")
	require.NotContains(t, html, "<script")
	require.NotContains(t, html, "style=")
	require.NotContains(t, html, "http://")
	require.NotContains(t, html, "https://")
}

func TestTheDocsPageHasEveryCallAndEveryCodeOnce(t *testing.T) {
	h := open(t, options{})
	html := h.page()
	ids := regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1)
	seen := map[string]bool{}
	for _, id := range ids {
		require.False(t, seen[id[1]], "%s is there twice", id[1])
		seen[id[1]] = true
	}
	links := regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(html, -1)
	require.Greater(t, len(links), 20)
	for _, link := range links {
		target, err := url.PathUnescape(link[1]) // as browsers do to find it
		require.NoError(t, err)
		require.True(t, seen[target], "%s is linked and not there", target)
	}
	// Every code that a client can meet has a row, which a problem's "type" points to.
	for _, code := range []string{
		"no_session", "token_expired", "token_invalid", "bad_credentials", "session_expired", "session_revoked", "member_deactivated",
		"reauthentication_required", "forbidden", "cross_origin", "setup_token_invalid", "not_found", "method_not_allowed", "already_set_up",
		"last_owner", "email_taken", "link_invalid", "stale_version", "body_too_large", "unsupported_media_type", "invalid_json", "invalid_input", "unknown_field",
		"too_many_attempts", "busy", "storage_unavailable", "internal",
	} {
		require.True(t, seen[code], "%s is not documented", code)
	}
}

func TestMachinesAreToldThatItIsAliveAndReady(t *testing.T) {
	c := open(t, options{}).stranger()
	for _, path := range []string{"/healthz", "/readyz"} {
		var health httpapi.Health
		c.get(path).into(http.StatusOK, &health)
		require.Equal(t, httpapi.HealthStatusOk, health.Status)
	}
}
