package attacks

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const crossOrigin kind = "cross-site requests"

// A browser that another site's page drives, with the cookies of a member who is signed in (T351,
// T352): what it says of itself decides, for every method, and no kind of body gets by without it.
//
// ASVS 3.4.2, 3.5.1, 3.5.2
func TestAnotherSitesPageCanDoNothing(t *testing.T) {
	h := open(t, options{})
	who := h.browser(email(member.Owner))
	before := h.decided()
	origins := []struct {
		name    string
		headers []string
		pass    bool
	}{
		{"no browser", nil, true},
		{"our page", []string{"Sec-Fetch-Site: same-origin", "Origin: https://curfew.example.org"}, true},
		{"the address bar", []string{"Sec-Fetch-Site: none"}, true},
		{"a sibling host", []string{"Sec-Fetch-Site: same-site", "Origin: https://app.example.org"}, false},
		{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false},
		{"another site that claims our origin", []string{"Sec-Fetch-Site: cross-site", "Origin: https://curfew.example.org"}, false},
		{"an old browser on our page", []string{"Origin: https://curfew.example.org"}, true},
		{"an old browser on another site", []string{"Origin: https://evil.example"}, false},
		{"an old browser, without an origin", []string{"Origin: null"}, false},
		{"a browser of the future", []string{"Sec-Fetch-Site: same-galaxy"}, false},
		{"an old browser on a host like ours", []string{"Origin: https://curfew.example.org.evil.example"}, false},
		{"an old browser on another port", []string{"Origin: https://curfew.example.org:8443"}, false},
		{"an old browser on our host in capitals", []string{"Origin: https://CURFEW.example.org"}, false},
		{"an origin that is none", []string{"Origin: https://"}, false},
		{"an origin with a path", []string{"Origin: https://evil.example/https://curfew.example.org"}, false},
	}
	bodies := []string{"", "Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x", "Content-Type: application/json", "Content-Type: text/plain; application/json", "Content-Type: application/json\r\nContent-Type: text/plain"}
	overrides := []string{"", "X-HTTP-Method-Override: GET", "X-HTTP-Method: DELETE", "X-Method-Override: GET"}
	calls := []struct{ method, target string }{
		{"POST", "/api/sessions/revoke"}, {"POST", "/api/session/reauthenticate"}, {"PUT", "/api/settings/security"}, {"PATCH", "/api/members/" + who.member}, {"DELETE", "/api/sessions/none"},
		{"POST", "/api/sessions/revoke?_method=GET"}, {"POST", "/api/members"}, {"QUERY", "/api/sessions"}, {"GET", "/api/session"}, {"HEAD", "/api/nothing"}, {"OPTIONS", "/api/session"},
	}
	for _, origin := range origins {
		for _, body := range sample(bodies, 2) {
			for _, override := range overrides {
				for _, call := range calls {
					r := request{method: call.method, target: call.target, headers: append(slices.Clone(origin.headers), who.cookie(), "Curfew-Passive: true")}
					if body != "" {
						r.headers, r.body = append(r.headers, body), `{"mallory":true}`
					}
					if override != "" {
						r.headers = append(r.headers, override)
					}
					answer := h.ask(r)
					safe := slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, call.method)
					complaint := first(
						unless((answer.code() != "cross_origin") == (origin.pass || safe), "whether it is refused for its origin"),
						unless(answer.status > 0 && answer.status < 500, "want no failure"),
						unless(len(answer.header.Values("Access-Control-Allow-Origin")) == 0, "another origin may read it"),
					)
					// What a form can send gets by no check of the body either.
					if complaint == "" && origin.pass && body != "" && body != "Content-Type: application/json" && (call.method == "POST" || call.method == "PUT") && override == "" {
						complaint = unless(strings.Contains(call.target, "?") && answer.is(http.StatusUnprocessableEntity, "unknown_parameter") == "" || answer.status == http.StatusUnsupportedMediaType || body[len(body)-len("text/plain"):] == "text/plain" && answer.status == http.StatusUnprocessableEntity, "want 415, or 422 for a parameter")
					}
					crossOrigin.note(t, textf("%s: %s %s, %s, %s", origin.name, call.method, call.target, body, override), answer, complaint)
				}
			}
		}
	}
	require.Equal(t, before, h.decided(), "none of it changed anything")
	h.requireLive(who)
}

// A page whose name was made to lead here (DNS rebinding) is of another origin for its browser
// alone. The host that it names gives it away, however it is spelled and wherever it stands, and
// what it is refused with leads nowhere.
//
// ASVS 4.1.3
func TestAPageThatWasLedHereUnderAnotherNameGetsNothing(t *testing.T) {
	h := open(t, options{})
	who := h.browser(email(member.Owner))
	before := h.decided()
	for _, host := range []string{
		"evil.example", "evil.example:443", "EVIL.example.", "curfew.example.org.evil.example", "evil.example.org", "example.org", "curfew.example.orgevil.example", "curfew.example.org..", ".curfew.example.org",
		"evil.example,curfew.example.org", "evil.example;curfew.example.org", "curfew.example.org@evil.example", "curfew.example.org:443@evil.example", "curfew.example.org:443:evil.example", "curfew.example.org%2eevil.example", "%63urfew.example.org",
		"curfew\uff0eexample\uff0eorg", "curfew.example.org\u200b", "curfew_example.org", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0.0.0.0", "[::]", "[::ffff:10.0.0.1]", "169.254.169.254", "",
	} {
		for _, lie := range []string{"X: y", "X-Forwarded-Host: curfew.example.org", "X-Host: curfew.example.org", "Forwarded: host=curfew.example.org", "Origin: https://curfew.example.org", "Sec-Fetch-Site: same-origin", "Authorization: Basic eDp5"} {
			for _, r := range []request{
				{target: "/"}, {target: "/api/session"}, {target: "/api/members"}, {method: http.MethodPost, target: "/api/sessions/revoke-all"}, {method: http.MethodPost, target: "/api/sessions/refresh"}, {target: "/nothing"},
			} {
				answer := h.ask(r.with("Host: "+host, who.cookie()+"; "+refreshCookie+"="+who.refresh, lie))
				crossOrigin.note(t, textf("%s %s on the host %q with %s", r.method, r.target, host, lie), answer, first(
					unless(answer.is(http.StatusMisdirectedRequest, "misdirected") == "" || answer.is(http.StatusForbidden, "cross_origin") == "" || answer.status == http.StatusBadRequest, "want 421, 403 or 400"), unmoved(answer),
					unless(len(answer.header.Values("Set-Cookie")) == 0, "it sets a cookie"),
				))
			}
		}
		if host != "" { // a target that has a host goes before the header (RFC 9112, 3.2.2)
			answer := h.ask(request{target: "http://" + host + "/api/session", headers: []string{who.cookie()}})
			crossOrigin.note(t, textf("the target http://%s/api/session", host), answer, unless(answer.status == http.StatusMisdirectedRequest || answer.status == http.StatusBadRequest, "want 421, or 400"))
		}
	}
	require.Equal(t, before, h.decided(), "none of it changed anything")
	h.requireLive(who)
}
