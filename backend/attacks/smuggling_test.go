package attacks

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const smuggling kind = "request smuggling"

// refusal is an answer that ends the connection.
const refusal = "refused"

// message is what is sent, and the answers that RFC 9112 leaves to it.
type message struct{ sent, want string }

// messages are all that two readers may read apart, each with another request hidden where only one
// of them finds it. They carry the access token.
func messages(hidden, access string) map[string]message {
	post := func(headers, body string) string {
		return "POST /api/sessions/refresh HTTP/1.1\r\nHost: curfew.example.org\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
	}
	get := func(headers, body string) string {
		return "GET /healthz HTTP/1.1\r\nHost: curfew.example.org\r\n" + headers + "\r\n" + body
	}
	length := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }
	const chunked = "Transfer-Encoding: chunked\r\n"
	empty := "0\r\n\r\n"
	chunk := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }

	return map[string]message{
		// What is fine, so that the rest is not refused for another reason. A refresh without a
		// token is 401.
		"a body of a length":        {post(length("{}"), "{}"+hidden), "401 404"},
		"a body in chunks":          {post(chunked, chunk("{}")), "401"},
		"two in a row":              {get("", hidden), "200 404"},
		"a body of chunks, trailed": {post(chunked, "2\r\n{}\r\n0\r\nX: y\r\n\r\n"), "401"},

		// Both lengths: the chunks count, and nothing after them does.
		"CL.TE, hidden behind the chunks": {post(length(empty+hidden)+chunked, empty+hidden), "401"},
		"TE.CL, hidden behind the chunks": {post(chunked+length(empty+hidden), empty+hidden), "401"},
		"CL of 0 and TE":                  {post("Content-Length: 0\r\n"+chunked, chunk(hidden)), "400"},
		"CL too short and TE":             {post("Content-Length: 4\r\n"+chunked, chunk("{}")+hidden), "401"},
		"TE and a wrong CL":               {post(chunked+"Content-Length: x\r\n", empty+hidden), refusal},

		// Which transfer codings there are.
		"TE xchunked":                {post("Transfer-Encoding: xchunked\r\n"+length(hidden), hidden), refusal},
		"TE identity":                {post("Transfer-Encoding: identity\r\n"+length(hidden), hidden), refusal},
		"TE gzip, chunked":           {post("Transfer-Encoding: gzip, chunked\r\n", empty+hidden), refusal},
		"TE chunked, identity":       {post("Transfer-Encoding: chunked, identity\r\n", empty+hidden), refusal},
		"TE chunked, chunked":        {post("Transfer-Encoding: chunked, chunked\r\n", empty+hidden), refusal},
		"TE twice":                   {post(chunked+chunked, empty+hidden), refusal},
		"TE twice, one unknown":      {post(chunked+"Transfer-Encoding: x\r\n"+length(empty+hidden), empty+hidden), refusal},
		"TE with a quote":            {post("Transfer-Encoding: \"chunked\"\r\n", empty+hidden), refusal},
		"TE with a vertical tab":     {post("Transfer-Encoding: \x0bchunked\r\n"+length(hidden), empty+hidden), refusal},
		"TE with a NUL":              {post("Transfer-Encoding: chunked\x00\r\n"+length(hidden), empty+hidden), refusal},
		"TE with a parameter":        {post("Transfer-Encoding: chunked;q=1\r\n", empty+hidden), refusal},
		"TE empty":                   {post("Transfer-Encoding:\r\n"+length(hidden), hidden), refusal},
		"TE with a space before":     {post("Transfer-Encoding : chunked\r\n"+length(hidden), empty+hidden), refusal},
		"TE behind a bare CR":        {post("X: y\rTransfer-Encoding: chunked\r\n"+length(empty+hidden), empty+hidden), refusal},
		"TE with an underscore":      {post("Transfer_Encoding: chunked\r\n"+length("{}"), "{}"), "401"},
		"TE in capitals":             {post("TRANSFER-ENCODING: CHUNKED\r\n", chunk("{}")), "401"},
		"TE folded":                  {post("Transfer-Encoding:\r\n chunked\r\n", chunk("{}")), "401"},
		"TE in a version before it":  {strings.Replace(post("Connection: keep-alive\r\n"+chunked+"Content-Length: 2\r\n", "{}"+hidden), "HTTP/1.1", "HTTP/1.0", 1), "401"},
		"TE alone in HTTP/1.0":       {strings.Replace(post("Connection: keep-alive\r\n"+chunked, hidden), "HTTP/1.1", "HTTP/1.0", 1), "401"},
		"TE of a GET":                {get(chunked, empty+hidden), "200"},
		"TE of a GET, chunks inside": {get(chunked, chunk(hidden)), "200"},

		// How long is a length.
		"CL twice, another":     {post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"+hidden), refusal},
		"CL twice, the same":    {post(length("{}")+length("{}"), "{}"+hidden), "401 404"},
		"CL twice in a list":    {post("Content-Length: 2, 2\r\n", "{}"+hidden), refusal},
		"CL with a sign":        {post("Content-Length: +2\r\n", "{}"+hidden), refusal},
		"CL negative":           {post("Content-Length: -2\r\n", "{}"+hidden), refusal},
		"CL in hexadecimal":     {post("Content-Length: 0x2\r\n", "{}"+hidden), refusal},
		"CL with a point":       {post("Content-Length: 2.0\r\n", "{}"+hidden), refusal},
		"CL of two words":       {post("Content-Length: 2 2\r\n", "{}"+hidden), refusal},
		"CL empty":              {post("Content-Length:\r\n", "{}"+hidden), refusal},
		"CL beyond 64 bits":     {post("Content-Length: 18446744073709551618\r\n", "{}"+hidden), refusal},
		"CL with an underscore": {post("Content-Length: 2_0\r\n", "{}"+hidden), refusal},
		"CL with a letter":      {post("Content-Length: 2a\r\n", "{}"+hidden), refusal},
		"CL with a space":       {post("Content-Length : 2\r\n", "{}"+hidden), refusal},
		"CL in other digits":    {post("Content-Length: \u0662\r\n", "{}"+hidden), refusal},
		"CL of a GET":           {get(length(hidden), hidden), "200"},
		"no CL, and a body":     {post("", hidden), "401 404"},

		// How a chunk is written.
		"a chunk's size with a sign":         {post(chunked, "+2\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk's size in 0x":               {post(chunked, "0x2\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk's size that is negative":    {post(chunked, "-2\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk's size beyond 64 bits":      {post(chunked, "10000000000000002\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk's size that is none":        {post(chunked, "\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk's size ended by LF":         {post(chunked, "2\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a chunk ended by LF":                {post(chunked, "2\r\n{}\n0\r\n\r\n"+hidden), "400"},
		"a chunk without its end":            {post(chunked, "2\r\n{}0\r\n\r\n"+hidden), "400"},
		"a chunk longer than its size":       {post(chunked, "2\r\n{}{}\r\n0\r\n\r\n"+hidden), "400"},
		"an extension with LF":               {post(chunked, "2;x\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"an extension with a request in it":  {post(chunked, "2;"+strings.ReplaceAll(hidden, "\r\n", "\n")+"\r\n{}\r\n0\r\n\r\n"), "400"},
		"an extension with a bare CR":        {post(chunked, "2;x\ry\r\n{}\r\n0\r\n\r\n"+hidden), "400"},
		"a last chunk ended by LF":           {post(chunked, "2\r\n{}\r\n0\n\n"+hidden), "400"},
		"a trailer that sets a length":       {post(chunked, "2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"), "401"},
		"a trailer that authorizes":          {strings.Replace(post(chunked, "2\r\n{}\r\n0\r\nAuthorization: Bearer "+access+"\r\n\r\n"), "/sessions/refresh", "/session/reauthenticate", 1), "401"},
		"a request line ended by LF, folded": {"GET /healthz HTTP/1.1\n Host: x\nHost: curfew.example.org\n\n", refusal},

		// Which version, which protocol.
		"HTTP/2 without TLS":  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "421"},
		"h2c":                 {get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", ""), "200"},
		"WebSocket":           {get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", hidden), "200 404"},
		"HTTP/3.0":            {strings.Replace(get("", ""), "HTTP/1.1", "HTTP/3.0", 1), refusal},
		"HTTP/1.2":            {strings.Replace(get("", hidden), "HTTP/1.1", "HTTP/1.2", 1), "200 404"},
		"HTTP/0.9":            {"GET /healthz\r\n\r\n", refusal},
		"http/1.1":            {strings.Replace(get("", ""), "HTTP/1.1", "http/1.1", 1), refusal},
		"no version":          {"GET /healthz \r\nHost: x\r\n\r\n", refusal},
		"two spaces":          {"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", refusal},
		"a method in lower":   {"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
		"a method with a tab": {"GET\t/healthz HTTP/1.1\r\nHost: x\r\n\r\n", refusal},
		"CONNECT":             {"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "404"},
		"no host":             {"GET /healthz HTTP/1.1\r\n\r\n", refusal},
		"TLS to a plain port": {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", refusal},
		"another language":    {"EHLO curfew\r\nQUIT\r\n\r\n", refusal},
	}
}

// Where one message ends and the next begins has one reading (T421). Each row is sent over a
// connection of its own. The answer is a refusal that ends the connection, or answers by the one
// reading that RFC 9112 leaves; where a message has both kinds of length, or a kind that its
// version does not know, the connection has to end with it (6.1).
//
// ASVS 4.2.1
func TestAMessageHasOneEnd(t *testing.T) {
	h := open(t, options{})
	who := h.signIn(email(member.Admin))
	const hidden = "GET /hidden HTTP/1.1\r\nHost: curfew.example.org\r\n\r\n"
	for name, row := range messages(hidden, who.access) {
		l := h.dial()
		l.say(row.sent)
		l.finish()
		var answers exchange
		for {
			answer := l.hear("")
			if answer.status == 0 {
				break
			}
			answers = append(answers, answer)
		}
		l.close()
		var statuses []string
		for _, a := range answers {
			statuses = append(statuses, fmt.Sprint(a.status))
		}
		got := strings.Join(statuses, " ")
		complaint := unless(got == row.want, "want %s", row.want)
		if row.want == refusal {
			complaint = unless(len(answers) == 1 && answers[0].closes && (answers[0].status == 400 || answers[0].status == 501 || answers[0].status == 505), "want 400, 501 or 505 and the end of the connection")
		}
		smuggling.note(t, textf("%s: %s", name, row.sent), answers, complaint)
	}
	h.requireLive(who)
}

// Each kind of answer is as long as it says (RFC 9112, 6.3): on one connection each is followed by
// the next one, and the last by nothing.
//
// ASVS 4.2.2
func TestAnAnswerEndsWhereItSays(t *testing.T) {
	h := open(t, options{})
	who := h.browser(email(member.Plain))
	l := h.dial()
	defer l.close()
	for _, row := range []struct {
		request
		want int
	}{
		{request{target: "/healthz"}, 200},
		{request{method: "HEAD", target: "/healthz"}, 200},
		{request{target: "/"}, 200},
		{request{method: "HEAD", target: "/"}, 200},
		{request{target: "/", headers: []string{"Accept-Encoding: gzip"}}, 200},
		{request{target: "/", headers: []string{"Accept-Encoding: br"}}, 200},
		{request{target: "/api/docs"}, 200},
		{request{target: "/api/openapi.json"}, 200},
		{request{target: "/nothing.js"}, 404},
		{request{target: "/api/session"}, 401},
		{request{method: "HEAD", target: "/api/nothing"}, 404},
		{request{method: "HEAD", target: "/api/session"}, 401},
		{request{method: "HEAD", target: "/api/openapi.json"}, 200},
		{request{method: "PATCH", target: "/api/session"}, 405},
		{sending("POST", "/api/sessions", "{"), 400},
		{request{target: "/api/sessions", headers: []string{who.cookie()}}, 200},
		{request{method: "HEAD", target: "/api/sessions", headers: []string{who.cookie()}}, 200},
		{request{method: "DELETE", target: "/api/session", headers: []string{who.cookie()}}, 204},
	} {
		l.say(row.String())
		answer := l.hear(row.method)
		smuggling.note(t, text("an answer to "+row.String()), answer, unless(answer.status == row.want && !answer.closes, "want %d", row.want))
	}
	l.finish()
	rest, err := io.ReadAll(l.from)
	require.NoError(t, err)
	require.Empty(t, rest)
}
