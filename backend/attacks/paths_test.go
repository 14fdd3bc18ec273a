package attacks

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const (
	confusedPaths kind = "confused paths"
	redirects     kind = "redirects by the server"
)

// disguises are ways to spell a path that some part of some server has taken for the path itself
// (E1).
var disguises = map[string]func(path string) string{
	"a slash behind":          func(p string) string { return p + "/" },
	"two slashes in front":    func(p string) string { return "/" + p },
	"slashes doubled":         func(p string) string { return strings.ReplaceAll(p, "/", "//") },
	"a dot":                   func(p string) string { return strings.Replace(p, "/api/", "/api/./", 1) },
	"a way around":            func(p string) string { return "/settings/.." + p },
	"a way around an asset":   func(p string) string { return "/_app/immutable/.." + "/.." + p },
	"a way around, encoded":   func(p string) string { return "/settings/%2e%2e" + p },
	"a way around in slashes": func(p string) string { return "/settings%2f..%2f" + p[1:] },
	"backslashes":             func(p string) string { return strings.ReplaceAll(p, "/", `\`) },
	"one backslash":           func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", `\`) },
	"encoded slashes":         func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%2f") },
	"encoded slashes, upper":  func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%2F") },
	"encoded backslashes":     func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%5c") },
	"encoded twice":           func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%252f") },
	"a letter encoded":        func(p string) string { return "/%61" + p[2:] },
	"a letter encoded twice":  func(p string) string { return "/%2561" + p[2:] },
	"the last one encoded":    func(p string) string { return p[:len(p)-1] + fmt.Sprintf("%%%x", p[len(p)-1]) },
	"capitals":                strings.ToUpper,
	"one capital":             func(p string) string { return "/Api" + p[4:] },
	"a parameter":             func(p string) string { return p + ";x=y" },
	"a parameter inside":      func(p string) string { return "/api;x" + p[4:] },
	"a suffix":                func(p string) string { return p + ".css" },
	"a file below":            func(p string) string { return p + "/x.css" },
	"an encoded suffix":       func(p string) string { return p + "%2ejs" },
	"NUL":                     func(p string) string { return p + "%00" },
	"NUL and a suffix":        func(p string) string { return p + "%00.svg" },
	"a newline":               func(p string) string { return p + "%0a" },
	"a space":                 func(p string) string { return p + "%20" },
	"a tab in front":          func(p string) string { return "/%09" + p },
	"a fragment":              func(p string) string { return p + "%23" },
	"a question mark":         func(p string) string { return p + "%3f" },
	"a dot behind":            func(p string) string { return p + "." },
	"overlong UTF-8":          func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%c0%af") },
	"a full-width letter":     func(p string) string { return "/%ef%bd%81" + p[2:] },
	"a soft hyphen":           func(p string) string { return p + "%c2%ad" },
}

// guarded are the calls that read, and what they need.
var guarded = []string{
	"/api/session", "/api/sessions", "/api/sessions/summary", "/api/members", "/api/members/018f0000-0000-7000-8000-000000000000", "/api/audit", "/api/audit/chain", "/api/settings/security", "/api/account/activity", "/api/events",
}

// However a path is spelled, what is behind the guard is not served without it: the answer is the
// guard's, that there is no such thing, or for what can be a page, the page that everybody gets.
//
// ASVS 8.2.1
func TestADisguisedPathGetsAroundNoGuard(t *testing.T) {
	h := open(t, options{})
	plain, admin := h.signIn(email(member.Plain)), h.signIn(email(member.Admin))
	var names []string
	for name := range disguises {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, target := range guarded {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
				disguised := disguises[name](target)
				answer := h.ask(request{method: method, target: disguised})
				confusedPaths.note(t, textf("%s: %s %s", name, method, disguised), answer, harmless(method, disguised, answer))
				if len(target) < len("/api/sessions/s") { // what a plain member may read
					continue
				}
				answer = h.ask(request{method: method, target: disguised, headers: []string{plain.bearer(), "Curfew-Passive: true"}})
				confusedPaths.note(t, textf("%s, of a member: %s %s", name, method, disguised), answer, harmless(method, disguised, answer))
			}
		}
	}
	for _, target := range []string{
		"/../data/keys.json", "/..%2fkeys.json", "/%2e%2e/keys.json", "/..%5ckeys.json", "/_app/../../keys.json", "/_app/immutable/..%2f..%2fkeys.json", "/keys.json", "/curfew.db", "/setup-token", "/200.html", "/200.html.br",
		"/.git/config", "/.env", "/.gitkeep", "/_app", "/_app/", "/_app/immutable/", "/favicon.svg/", "/favicon.svg%00", "/favicon.svg/x", "/etc/passwd", "/file:///etc/passwd", "/C:/windows/win.ini", `/..\..\keys.json`, "/debug/pprof/", "/debug/vars", "/metrics.json",
		"/api", "/api/", "/api/.", "/api/..", "/api//", "/api/nothing", "/api/docs/", "/api/docs/../members", "/api/openapi.json/../members", "/healthz/", "/healthz/../api/members", "/readyz%2f..%2fapi%2fmembers",
	} {
		for name, header := range map[string]string{"a stranger": "X: y", "an admin": admin.bearer()} {
			answer := h.ask(request{target: target, headers: []string{header}})
			confusedPaths.note(t, textf("%s: %s", name, target), answer, harmless(http.MethodGet, target, answer))
		}
	}
	for _, target := range []string{"*", "", "api/session", "http://", "http://evil.example", "//", "?", "#", "https://127.0.0.1:1/api/session", "127.0.0.1:443", "/api/session HTTP/1.1\r\nX: y\r\n\r\nGET /api/members"} {
		l := h.dial()
		l.say(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: curfew.example.org\r\nConnection: close\r\n\r\n", target))
		answer := l.hear(http.MethodGet)
		l.close()
		confusedPaths.note(t, textf("the target %q", target), answer, first(unless(answer.status < 500 && answer.status/100 != 3, "want no failure and no redirect"), unless(answer.status != 200 || answer.body == shell, "it is served")))
	}
	h.requireLive(plain)
}

// harmless complains of an answer that serves something other than the public page or asset of
// exactly that name.
func harmless(method, target string, answer reply) string {
	switch answer.status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return unmoved(answer)
	case http.StatusOK:
		return first(
			unless(isPage(target), "only what can be a page is one"),
			unless(answer.body == shell || method == http.MethodHead && answer.body == "", "it serves something"),
		)
	}
	return "want 200, 400, 401, 403, 404 or 405"
}

// isPage reports whether the target, decoded once, is one of the pages that the deployment was
// built with.
func isPage(target string) bool {
	target, _, _ = strings.Cut(target, "?")
	name, err := url.PathUnescape(target)
	return err == nil && slices.Contains([]string{"/", "/account", "/settings/security", "/sign-in"}, "/"+strings.Trim(name, "/")) && !strings.HasPrefix(name, "//")
}

// shapes of addresses that lead off-site where a server or a page takes them for a path (R1): what
// comes first, how the host is written, and what comes last.
func shapes() (all []string) {
	starts := []string{
		"//", "///", "////", `/\`, `\/`, `\\`, `/\/`, "/%09/", "/%2f", "/%5c", "%2f%2f", "/%2f/", "/.//", "/./%2f", "/..//", "/.%2f/", "/%0a/", "/%0d/", "/;//", "/x//../../", "https://", "http://", "HTTPS://", "https:/", "https:", "hTTp:\\\\", "//x@", "//x:y@",
		"javascript://", "data:text/html,", "ftp://", "%00//", "/%00/", " //", "%20//", "%E3%80%82//", "/%ef%bc%8f", "//curfew.example.org@", "//curfew.example.org%40", "//curfew.example.org.", `//curfew.example.org\@`, "//curfew.example.org%23@",
	}
	hosts := []string{"evil.example", "evil%E3%80%82example", "[::1]", "2130706433", "0x7f.1", "evil.example:443", "EVIL.example."}
	ends := []string{"", "/", "/%2e%2e", "?x", "#y"}
	for _, start := range starts {
		for _, host := range hosts {
			for _, end := range ends {
				all = append(all, start+host+end)
			}
		}
	}
	return all
}

// asked are parameters by which other servers let themselves be led. Ours has none, and the page
// one of its own, which Vitest tests.
var asked = []string{"next", "return_to", "returnTo", "redirect", "redirect_uri", "redirectUrl", "rd", "url", "continue", "goto", "target", "dest", "callback", "service", "RelayState", "from", "back", "u", "r", "post_logout_redirect_uri"}

// The server never redirects: not for a path, not for a parameter, not after signing in or out.
//
// ASVS 3.7.2
func TestTheServerNeverRedirects(t *testing.T) {
	h := open(t, options{})
	who := h.signIn(email(member.Plain))
	all := shapes()
	require.Greater(t, len(all), 500)
	for i, shape := range sample(all, 11) {
		if target := "/" + strings.TrimPrefix(shape, "/"); !strings.ContainsAny(shape, " #") {
			answer := h.ask(request{target: target})
			redirects.note(t, text("the path "+target), answer, first(harmless(http.MethodGet, target, answer), unmoved(answer)))
		}
		parameter := asked[i%len(asked)]
		for _, target := range []string{"/sign-in?", "/?", "/api/setup?", "/api/session?", "/api/docs?", "/settings/security?"} {
			target += parameter + "=" + strings.NewReplacer(" ", "%20", "#", "%23", "&", "%26").Replace(shape)
			answer := h.ask(request{target: target, headers: []string{who.cookie(), "Curfew-Passive: true", "Referer: https://evil.example/", "Accept: text/html", "Sec-Fetch-Mode: navigate"}})
			complaint := unless(answer.status == 200, "want 200")
			if path, query, _ := strings.Cut(target, "?"); strings.HasPrefix(path, "/api/") {
				complaint = answer.is(http.StatusUnprocessableEntity, "unknown_parameter")
				if _, err := url.ParseQuery(query); err != nil {
					complaint = answer.is(http.StatusBadRequest, "invalid_query")
				}
			}
			redirects.note(t, text("the target "+target), answer, first(complaint, unmoved(answer)))
		}
	}
	for i := 0; i < len(all); i += some(29, 290) {
		shape := all[i]
		parameter := asked[i%len(asked)] + "=" + strings.NewReplacer(" ", "%20", "#", "%23", "&", "%26").Replace(shape)
		out := h.signIn(email(member.Plain))
		for _, r := range []request{
			sending(http.MethodPost, "/api/sessions?"+parameter, map[string]string{"email": email(member.Plain), "password": password}),
			{method: http.MethodPost, target: "/api/sessions/refresh?" + parameter, headers: []string{"Cookie: " + refreshCookie + "=" + out.refresh}},
			{method: http.MethodDelete, target: "/api/session?" + parameter, headers: []string{out.bearer()}},
			{method: http.MethodGet, target: "/api/session?" + parameter, headers: []string{out.bearer()}},
		} {
			answer := h.ask(r)
			redirects.note(t, textf("%s %s", r.method, r.target), answer, first(unless(answer.status > 0 && answer.status < 500, "want an answer"), unmoved(answer)))
		}
	}
}
