//go:build !race

package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"curfew/backend/httpapi"
)

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

// ASVS 4.1.4, 13.4.4
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
func (h *deployment) page() string {
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
	codes := codesInSource(t)
	require.Greater(t, len(codes), 40)
	for _, code := range codes {
		require.True(t, seen[code], "%s is not documented", code)
	}
	// Every call is there by its method.
	known, err := contract()
	require.NoError(t, err)
	for path, methods := range known.calls {
		for _, method := range methods {
			require.Contains(t, html, `<span class="method">`+method+`</span> <code>`+path+`</code>`)
		}
	}
}

// TestTheDocsPageIsForPeople checks that nothing of the contract's own notation is left in it.
func TestTheDocsPageIsForPeople(t *testing.T) {
	h := open(t, options{})
	h.exec("UPDATE organization SET name = '<b>Ours</b> & yours'")
	h.restart()
	html := h.page()
	require.Contains(t, html, "<span>&lt;b&gt;Ours&lt;/b&gt; &amp; yours</span>")
	for _, notation := range []string{"`", "#/components", "map[", "%organization%", "<no value>"} {
		require.NotContains(t, html, notation)
	}
	require.Contains(t, html, `<a href="#reauthentication_required"><code>reauthentication_required</code></a>`)
	require.Contains(t, html, `<a href="#SignedIn"><code>SignedIn</code></a>`)
	require.Contains(t, html, "<li><code>session.ended</code>: the current session has ended")
	require.Contains(t, html, `-d &#39;{&#34;email&#34;:&#34;&lt;email&gt;&#34;,&#34;password&#34;:&#34;&lt;password&gt;&#34;,&#34;transport&#34;:&#34;bearer&#34;}&#39;</code>`)
	require.Equal(t, strings.Count(html, `<span class="method">`), strings.Count(html, "<pre><code>curl "), "one command for each call")
}

// codesInSource are all codes of problems, read from the source that makes problems.
func codesInSource(t *testing.T) (codes []string) {
	source, err := os.ReadFile("problem.go")
	require.NoError(t, err)
	for _, form := range []string{`http\.Status\w+, "([a-z_]+)"`, `code :?= "([a-z_]+)"`, `case "(unknown_\w+)", "(unknown_\w+)"`} {
		found := regexp.MustCompile(form).FindAllStringSubmatch(string(source), -1)
		require.NotEmpty(t, found, form)
		for _, match := range found {
			codes = append(codes, match[1:]...)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func TestMachinesAreToldThatItIsAliveAndReady(t *testing.T) {
	c := open(t, options{}).stranger()
	for _, path := range []string{"/healthz", "/readyz"} {
		var health httpapi.Health
		c.get(path).into(http.StatusOK, &health)
		require.Equal(t, httpapi.HealthStatusOk, health.Status)
	}
}

// requireDocument holds the request and the answer against openapi.yaml, where that knows the call.
func (a *answer) requireDocument() {
	a.h.t.Helper()
	known, err := contract()
	require.NoError(a.h.t, err)
	if !known.has(a.request.method, a.request.target) {
		return
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if !a.request.malformed {
		_, faults := known.validator.ValidateHttpRequestSync(a.requestAgain())
		require.Empty(a.h.t, faults, "the request breaks the contract: %s\n%s", a, a.request.body)
	}
	response := *a.Response
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	_, faults := known.validator.ValidateHttpResponse(a.requestAgain(), &response)
	require.Empty(a.h.t, faults, "the answer breaks the contract: %s", a)
}

func (a *answer) requestAgain() *http.Request {
	again := httptest.NewRequest(a.request.method, a.request.target, bytes.NewReader(a.request.body))
	again.Header = a.request.header
	return again
}

// document is openapi.yaml, by which requests and answers are judged.
type document struct {
	mu        sync.Mutex
	validator validator.Validator
	// calls are the methods of each path, as in "/api/sessions/{id}": {"delete"}.
	calls map[string][]string
}

var contract = sync.OnceValues(func() (*document, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	parsed, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	// Whether a call needs credentials is for guard_test.go to say; here, calls without any are as
	// good as others.
	judge, errs := validator.NewValidator(parsed, config.WithoutSecurityValidation(), config.WithFormatAssertions())
	if len(errs) > 0 {
		return nil, errs[0]
	}
	var paths struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(text, &paths); err != nil {
		return nil, err
	}
	d := &document{validator: judge, calls: map[string][]string{}}
	for path, item := range paths.Paths {
		for method := range item {
			if method != "parameters" {
				d.calls[path] = append(d.calls[path], strings.ToUpper(method))
			}
		}
	}
	return d, nil
})

// has reports whether the call is in the contract. A path as it stands goes before one with an
// {id}.
func (d *document) has(method, target string) bool {
	path, _, _ := strings.Cut(target, "?")
	if methods, exact := d.calls[path]; exact {
		return slices.Contains(methods, method)
	}
	for template, methods := range d.calls {
		before, after, templated := strings.Cut(template, "{id}")
		if !templated || !strings.HasPrefix(path, before) || !strings.HasSuffix(path, after) {
			continue
		}
		if id := strings.TrimSuffix(strings.TrimPrefix(path, before), after); id != "" && !strings.Contains(id, "/") {
			return slices.Contains(methods, method)
		}
	}
	return false
}
