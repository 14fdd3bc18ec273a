package spa

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

const (
	bootstrap = "\n\t__sveltekit = { base: '' };\n"
	shell     = `<!doctype html><script src="/theme.js"></script><div id="app"></div><script type="module">` + bootstrap + `</script>`
	script    = "export const answer = 42;"
)

// built is a web app as the build leaves it: some files in three forms, some only plain.
func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":                        {},
		"200.html":                        {Data: []byte(shell)},
		"pages.json":                      {Data: []byte(`["","account","settings","settings/security","setup","sign-in"]`)},
		"200.html.br":                     {Data: []byte("the shell in brotli")},
		"200.html.gz":                     {Data: []byte("the shell in gzip")},
		"_app/immutable/start.a1b2.js":    {Data: []byte(script)},
		"_app/immutable/start.a1b2.js.br": {Data: []byte("the script in brotli")},
		"_app/immutable/start.a1b2.js.gz": {Data: gzipped(script)},
		"_app/version.json":               {Data: []byte(`{"version":"1"}`)},
		"favicon.svg":                     {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"favicon.svg.gz":                  {Data: []byte("the icon in gzip")},
		"font.curfew":                     {Data: []byte("no type is known for this")},
	}
}

const asset = "/_app/immutable/start.a1b2.js"

func gzipped(text string) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write([]byte(text)) // into memory, which does not fail
	_ = w.Close()
	return buffer.Bytes()
}

// site serves a build the way that package app does.
func site(t *testing.T, build fstest.MapFS) http.Handler {
	t.Helper()
	app, err := New(build)
	require.NoError(t, err)
	e := echo.New()
	e.GET("/*", app.Serve)
	e.HEAD("/*", app.Serve)
	return e
}

func request(pages http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	answer := httptest.NewRecorder()
	pages.ServeHTTP(answer, r)
	return answer
}

func get(pages http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	return request(pages, http.MethodGet, target, headers...)
}

// ASVS 3.5.7
func TestEveryPageIsTheShell(t *testing.T) {
	pages := site(t, built())
	for _, page := range []string{"/", "/sign-in", "/settings/security", "/settings/", "/setup?token=x", "/sign-in/"} {
		t.Run(page, func(t *testing.T) {
			answer := get(pages, page)
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, shell, answer.Body.String())
			require.Equal(t, "text/html; charset=utf-8", answer.Header().Get("Content-Type"))
			require.Equal(t, "no-cache", answer.Header().Get("Cache-Control"), "the next build's shell names other scripts")
		})
	}
}

// TestAPageThatThereIsNotIsTheShellWith404: people see the app's own page, and a health check with
// a wrong address fails.
func TestAPageThatThereIsNotIsTheShellWith404(t *testing.T) {
	pages := site(t, built())
	for _, target := range []string{
		"/livez", "/wp-login", "/nothing", "/Sign-In", "/ACCOUNT", "/settings/nothing", "/sign-in/x", "/account/change-password", "/health", "/readyz0",
		"/sessions/0198f2a0-0000-7000-8000-000000000001",
	} {
		t.Run(target, func(t *testing.T) {
			answer := get(pages, target, "Accept-Encoding: br")
			require.Equal(t, http.StatusNotFound, answer.Code)
			require.Equal(t, "the shell in brotli", answer.Body.String())
			require.Equal(t, "text/html; charset=utf-8", answer.Header().Get("Content-Type"))
			require.Equal(t, "no-cache", answer.Header().Get("Cache-Control"))
			require.NotEmpty(t, answer.Header().Get("Content-Security-Policy"))

			tag := get(pages, "/", "Accept-Encoding: br").Header().Get("ETag")
			require.Equal(t, http.StatusNotFound, get(pages, target, "Accept-Encoding: br", "If-None-Match: "+tag).Code, "not 304")
			head := request(pages, http.MethodHead, target)
			require.Equal(t, http.StatusNotFound, head.Code)
			require.Empty(t, head.Body.Bytes())
		})
	}
}

func TestPasswordManagersAreSentToTheAccount(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		answer := request(site(t, built()), method, "/.well-known/change-password")
		require.Equal(t, http.StatusSeeOther, answer.Code)
		require.Equal(t, "/account", answer.Header().Get("Location"))
	}
}

func TestABuildWithoutItsListOfPagesIsRefused(t *testing.T) {
	old, broken := built(), built()
	delete(old, "pages.json")
	broken["pages.json"].Data = []byte("{")
	for _, build := range []fstest.MapFS{old, broken} {
		_, err := New(build)
		require.ErrorContains(t, err, "pages.json")
	}
	_, err := New(fstest.MapFS{"200.html": {}}) // as make dev has it, whose pages come from Vite
	require.NoError(t, err)
}

// The policy allows the inline script, by its hash, and otherwise only this origin.
//
// ASVS 3.4.3, 3.4.6
func TestPolicyAllowsTheInlineScriptAlone(t *testing.T) {
	sum := sha256.Sum256([]byte(bootstrap))
	policy := map[string]string{}
	for _, directive := range strings.Split(get(site(t, built()), "/").Header().Get("Content-Security-Policy"), "; ") {
		name, sources, _ := strings.Cut(directive, " ")
		require.NotContains(t, policy, name, "a browser heeds only the first of two")
		policy[name] = sources
	}
	require.Equal(t, "'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", policy["script-src"])
	for _, name := range []string{"default-src", "base-uri", "object-src", "frame-ancestors"} {
		require.Equal(t, "'none'", policy[name], name)
	}
	for name, sources := range policy {
		for _, loose := range []string{"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} {
			require.NotContains(t, strings.Fields(sources), loose, name)
		}
	}
}

// ASVS 4.1.1
func TestAssets(t *testing.T) {
	pages := site(t, built())
	for _, tt := range []struct{ path, contentType, cacheControl string }{
		{asset, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/_app/version.json", "application/json", "no-cache"},
		{"/favicon.svg", "image/svg+xml", "no-cache"},
		{"/font.curfew", "application/octet-stream", "no-cache"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			answer := get(pages, tt.path)
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, string(built()[tt.path[1:]].Data), answer.Body.String())
			require.Equal(t, tt.contentType, answer.Header().Get("Content-Type"))
			require.Equal(t, tt.cacheControl, answer.Header().Get("Cache-Control"))
			require.NotEmpty(t, answer.Header().Get("Content-Security-Policy"), "an SVG is a document when it is opened on its own")
		})
	}
}

// The coding is negotiated by RFC 9110, 12.5.3. Of two that are allowed, the smaller one is sent.
func TestFormIsTheOneAskedFor(t *testing.T) {
	pages := site(t, built())
	for _, tt := range []struct {
		accept string
		want   string
	}{
		{"br", "br"},
		{"gzip, deflate, br, zstd", "br"},
		{"gzip, deflate", "gzip"},
		{"GZIP", "gzip"},
		{"br;q=0, gzip", "gzip"},
		{"br;q=0.000, gzip", "gzip"},
		{"br ; Q=0.0 , gzip ; q=0.5", "gzip"},
		{"br;\tq=0,\tgzip", "gzip"},
		{"br;q=0.001", "br"},
		{"br;q=1.000", "br"},
		{"*", "br"},
		{"br;q=0, *", "gzip"},
		{"*;q=0.5, br;q=0", "gzip"},
		{"*;q=0, gzip", "gzip"},
		{"*;q=0", ""},
		{"br;q=0, gzip;q=0", ""},
		{"identity", ""},
		{"identity, *;q=0", ""},
		{"deflate, zstd", ""},
		{"brotli, gzipped", ""},
		{"br;q=loud, gzip;q=", ""}, // a weight that is none is no welcome
		{",,", ""},
		{"", ""},
	} {
		t.Run(tt.accept, func(t *testing.T) {
			answer := get(pages, asset, "Accept-Encoding: "+tt.accept)
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, tt.want, answer.Header().Get("Content-Encoding"))
			require.Equal(t, "text/javascript; charset=utf-8", answer.Header().Get("Content-Type"), "the type is that of the plain file")
			body := map[string]string{"br": "the script in brotli", "gzip": string(gzipped(script)), "": script}[tt.want]
			require.Equal(t, body, answer.Body.String())
		})
	}
	require.Equal(t, "gzip", get(pages, asset, "Accept-Encoding: deflate", "Accept-Encoding: gzip").Header().Get("Content-Encoding"),
		"a header in two lines is one list")
	require.Empty(t, get(pages, "/_app/version.json", "Accept-Encoding: br, gzip").Header().Get("Content-Encoding"), "the build made no other form")
	require.Equal(t, "gzip", get(pages, "/favicon.svg", "Accept-Encoding: br, gzip").Header().Get("Content-Encoding"), "the build made only this one")
}

// A cache must not serve one coding to a client that asked for another.
func TestEachFormHasItsOwnTag(t *testing.T) {
	pages := site(t, built())
	tags := map[string]bool{}
	for _, coding := range []string{"identity", "gzip", "br"} {
		accept := "Accept-Encoding: " + coding
		full := get(pages, asset, accept)
		tag := full.Header().Get("ETag")
		require.Regexp(t, `^"[0-9a-z-]+"$`, tag)
		require.NotContains(t, tags, tag)
		tags[tag] = true
		require.Equal(t, "Accept-Encoding", full.Header().Get("Vary"))

		for _, match := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			answer := get(pages, asset, accept, "If-None-Match: "+match)
			require.Equal(t, http.StatusNotModified, answer.Code, match)
			require.Empty(t, answer.Body.String())
			for _, name := range []string{"ETag", "Vary", "Cache-Control", "Content-Security-Policy"} {
				require.Equal(t, full.Header().Get(name), answer.Header().Get(name), "%s, as RFC 9110, 15.4.5 asks", name)
			}
		}
		for _, match := range []string{`"other"`, `"` + strings.Trim(tag, `"`) + `-zst"`} {
			require.Equal(t, http.StatusOK, get(pages, asset, accept, "If-None-Match: "+match).Code, match)
		}
	}
	require.Len(t, tags, 3)
	for tag := range tags {
		if answer := get(pages, asset, "Accept-Encoding: br", "If-None-Match: "+tag); answer.Code == http.StatusNotModified {
			require.Equal(t, answer.Header().Get("ETag"), tag, "another form's tag is no match")
		}
	}

	rebuilt := built()
	rebuilt[asset[1:]].Data = []byte("export const answer = 43;")
	updated := site(t, rebuilt)
	for _, coding := range []string{"identity", "gzip", "br"} {
		require.NotContains(t, tags, get(updated, asset, "Accept-Encoding: "+coding).Header().Get("ETag"), coding)
	}
}

// A browser that asks for a script of an older build, or for an unknown address of the API, must
// not get a page. No spelling of an address leads out of the build or to the shell.
//
// ASVS 13.4.3, 14.2.5
func TestWhatIsMissingIsNotFound(t *testing.T) {
	pages := site(t, built())
	for _, target := range []string{
		"/_app/immutable/x.js", "/_app/immutable/start.a1b2", "/_app", "/_app/", "/_app/immutable",
		"/x.css", "/settings/x.map", "/200.html", "/200.html.br", asset + ".gz", "/.gitkeep", "/.env", "/.",
		"/api", "/api/", "/api/unknown", "/api%2funknown", "//api/unknown", "/./api/unknown", "/x/../api/unknown",
		"/..", "/../", "/..%2f", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/settings/..", "/settings/../",
		"//evil", "//evil.example/", "/%2fevil", "///", "/settings//security", "/settings//", "/.//evil",
		`/\evil`, "/%5cevil", "/%5c..%5c..%5cetc", "/settings%5csecurity", "/%255cevil", "/%252e%252e%252f",
		"/sign-in%ff", "/_app%2fimmutable%2fx.js", "/pages.json",
		"/healthz/", "/Healthz", "/HEALTHZ", "/readyz/", "/Readyz", "/readyz/live", "/metrics/", "/Metrics", "/API/session", "/Api/sessions/", "/_APP/x",
		"/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200", "/.well-known/passkey-endpoints",
		"/.well-known/change-password/", "/.well-known", "/.Well-Known/change-password",
	} {
		t.Run(target, func(t *testing.T) {
			answer := get(pages, target)
			require.Equal(t, http.StatusNotFound, answer.Code)
			require.Contains(t, answer.Header().Get("Content-Type"), "json")
			require.NotContains(t, answer.Body.String(), "<")
			require.NotContains(t, answer.Header().Get("Cache-Control"), "immutable", "a chunk that is missing now may be there after an update")
		})
	}
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	pages := site(t, built())
	for _, target := range []string{"/", "/sign-in", asset, "/favicon.svg"} {
		for _, coding := range []string{"identity", "gzip", "br"} {
			accept := "Accept-Encoding: " + coding
			whole, head := get(pages, target, accept), request(pages, http.MethodHead, target, accept)
			require.Equal(t, http.StatusOK, head.Code)
			require.Empty(t, head.Body.Bytes())
			require.Equal(t, whole.Header(), head.Header())
			require.EqualValues(t, len(whole.Body.Bytes()), whole.Result().ContentLength)
		}
	}
}

// ASVS 4.1.4
func TestOtherMethodsAreRefused(t *testing.T) {
	pages := site(t, built())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		answer := request(pages, method, "/sign-in")
		require.Equal(t, http.StatusMethodNotAllowed, answer.Code, method)
		require.NotContains(t, answer.Body.String(), "<", method)
	}
}

// A checkout without a built front end holds only the file that keeps the folder.
func TestWithoutABuildPagesSayHowToGetOne(t *testing.T) {
	for name, build := range map[string]fstest.MapFS{"empty": {}, "kept by git": {".gitkeep": {}}} {
		t.Run(name, func(t *testing.T) {
			pages := site(t, build)
			answer := get(pages, "/sign-in")
			require.Equal(t, http.StatusServiceUnavailable, answer.Code)
			require.Equal(t, "The web app is not built into this binary. Build it with: make build\n", answer.Body.String())
			require.Equal(t, http.StatusNotFound, get(pages, "/x.css").Code)
			require.Equal(t, http.StatusNotFound, get(pages, "/api/unknown").Code)
		})
	}
}
