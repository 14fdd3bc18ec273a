package attacks

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const logFloods kind = "floods of the log"

// TestAFloodOfRefusedRequestsWritesLittle checks that a request repeated thousands of times leaves
// some lines in the server's log and, in the end, the number of the others. The deployment logs at
// debug, so an operator sees the lines at info and above.
func TestAFloodOfRefusedRequestsWritesLittle(t *testing.T) {
	var h *deployment
	t.Cleanup(func() { // after the deployment's own, which stops it
		answer := textf("%d lines", len(h.lines("lines were left out of the log")))
		logFloods.note(t, text("the stop"), answer, unless(answer != "0 lines", "it is not told how many lines were left out"))
	})
	h = open(t, options{})
	plain := h.signIn(email(member.Plain))
	many, all := some(5_000, 500), 0
	for name, r := range map[string]request{
		"a POST that another page makes": {method: http.MethodPost, target: "/api/sessions/revoke-all", headers: []string{"Sec-Fetch-Site: cross-site", plain.cookie()}},
		"a call that is forbidden":       {target: "/api/members", headers: []string{plain.bearer(), "Curfew-Passive: true"}},
		"a wrong set-up token":           sending(http.MethodPost, "/api/setup", map[string]string{"setupToken": "x", "organization": "x", "name": "x", "email": "x@example.org", "password": password}),
		"guesses that come too fast":     guess(email(member.Plain)),
		"another host":                   {target: "/", headers: []string{"Host: evil.example"}},
		"a body that is none":            sending(http.MethodPost, "/api/sessions", "{"),
		"nothing that is there":          {target: "/api/nothing"},
		"a method that there is not":     {method: "FOO", target: "/api/session"},
	} {
		before := len(h.lines(""))
		n := many
		if name == "guesses that come too fast" {
			n = some(2_000, 200)
		}
		var last reply
		for range n {
			last = h.ask(r)
		}
		require.GreaterOrEqual(t, last.status, 400, name)
		written := len(h.lines("")) - before
		all += written
		logFloods.note(t, textf("%d times: %s", n, name), textf("%d lines; %s", written, last), unless(written <= 100, "it writes too much"))
	}
	for range some(2_000, 200) { // what breaks off, and what is no HTTP
		for _, raw := range []string{"\x16\x03\x01", "GET / HTTP/9.9\r\n\r\n", "GET /api/docs HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"} {
			l := h.dial()
			l.say(raw)
			l.close()
		}
	}
	written := len(h.lines(""))
	logFloods.note(t, text("all of them together"), textf("%d lines", written), first(
		unless(written <= 100, "it writes too much"), unless(written >= 5, "it is silent of it"),
	))
	require.Positive(t, all)
	h.requireLive(plain)
}

// lines are those of the server's log, at info and above, that have the text.
func (h *deployment) lines(of string) (found []string) {
	for line := range strings.Lines(h.log.String()) {
		if !strings.Contains(line, "level=DEBUG") && strings.Contains(line, of) {
			found = append(found, line)
		}
	}
	return found
}
