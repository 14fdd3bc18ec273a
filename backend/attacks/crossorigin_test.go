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

// A browser that another site's page drives, with the cookies of somebody who is signed in (T351, T352): what it says of itself decides, for
// every method, and no kind of body gets by without it.
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
