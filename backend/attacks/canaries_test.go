package attacks

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/mail/mailtest"
	"curfew/backend/token"
)

const canaries kind = "secrets that leave"

// secret is something that must be found nowhere but where it belongs.
type secret struct {
	name, value string
	// belongs are the places where it may be, as prefixes of their names.
	belongs []string
}

// canary is a password that nothing else could be, and that is spelled differently wherever
// something is escaped.
func canary(name string) string { return name + ` "` + rand.Text() + `" <ü&+%>` }

// needles are the forms in which a secret could stand somewhere.
func (s secret) needles() map[string][]byte {
	all := map[string][]byte{}
	add := func(form, text string) {
		if len(text) >= 8 { // less could stand anywhere
			all[form] = []byte(text)
		}
	}
	encoded, _ := json.Marshal(s.value)
	add("plain", s.value)
	add("as JSON", strings.Trim(string(encoded), `"`))
	add("quoted", strings.Trim(strconv.Quote(s.value), `"`))
	add("quoted in ASCII", strings.Trim(strconv.QuoteToASCII(s.value), `"`))
	add("as HTML", html.EscapeString(s.value))
	add("in a query", url.QueryEscape(s.value))
	add("in a path", url.PathEscape(s.value))
	for i, raw := range s.bytes() {
		add(fmt.Sprintf("bytes %d", i), string(raw))
		add(fmt.Sprintf("bytes %d in hexadecimal", i), hex.EncodeToString(raw))
		add(fmt.Sprintf("bytes %d in capital hexadecimal", i), strings.ToUpper(hex.EncodeToString(raw)))
		add(fmt.Sprintf("bytes %d as numbers", i), strings.Trim(fmt.Sprintf("%d", raw), "[]"))
		// What comes before it decides how it looks in base64; the letters at both ends hold bits
		// of its neighbours.
		for shift := range 3 {
			for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
				text := encoding.EncodeToString(append(make([]byte, shift), raw...))
				add(fmt.Sprintf("bytes %d in %s after %d", i, name, shift), text[(shift*8+5)/6:len(text)-1])
			}
		}
	}
	return all
}

// bytes are the secret's own and, where it is a text for bytes, those.
func (s secret) bytes() [][]byte {
	all := [][]byte{[]byte(s.value)}
	if raw, err := base64.RawURLEncoding.DecodeString(s.value); err == nil && len(raw) >= 16 {
		all = append(all, raw)
	}
	return all
}

// hit is a secret in a place.
type hit struct{ secret, form, place string }

// search looks for every form of every secret in every place.
func search(secrets []secret, places map[string][]byte) (hits []hit, searched int) {
	for _, place := range places {
		searched += len(place)
	}
	for _, s := range secrets {
		for form, needle := range s.needles() {
			for name, place := range places {
				if bytes.Contains(place, needle) {
					hits = append(hits, hit{s.name, form, name})
				}
			}
		}
	}
	return hits, searched
}

// program is curfew in a process of its own: the one that ATTACKS_BINARY names, or else this test
// binary in its place.
type program struct {
	t       *testing.T
	folder  string
	address string
	env     []string
	server  *exec.Cmd
	places  map[string][]byte // everything that it let out, by where
	h       *deployment       // for asking it
}

func (p *program) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(p.t, err)
	command := exec.CommandContext(p.t.Context(), cmp.Or(os.Getenv("ATTACKS_BINARY"), self), args...)
	command.Env = append(append(os.Environ(), asCurfew+"=1", "GOTRACEBACK=all", "CURFEW_DATA="+p.folder, "CURFEW_PUBLIC_URL="+publicURL), p.env...)
	return command
}

// run runs a command of the operator's and keeps what it prints.
func (p *program) run(args ...string) string {
	p.t.Helper()
	command := p.command(args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(p.t, command.Run(), stderr.String())
	name := "curfew " + strings.Join(args, " ")
	p.keep("stdout of "+name, stdout.Bytes())
	p.keep("stderr of "+name, stderr.Bytes())
	return stdout.String()
}

func (p *program) keep(place string, what []byte) {
	p.places[place] = append(append(p.places[place], what...), '\n')
}

// start serves until end, which keeps what the server wrote.
func (p *program) start() {
	p.t.Helper()
	p.server = p.command("serve", "--listen", p.address, "--log-level", "debug")
	p.server.Stdout, p.server.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	require.NoError(p.t, p.server.Start())
	for range 1000 {
		if conn, err := net.Dial("tcp", p.address); err == nil {
			require.NoError(p.t, conn.Close())
			p.h = &deployment{t: p.t, address: p.address}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.FailNow(p.t, "it never listened", p.server.Stderr)
}

func (p *program) end(signal syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.server.Process.Signal(signal))
	_ = p.server.Wait() // it is told to crash
	p.keep("stdout of curfew serve", p.server.Stdout.(*bytes.Buffer).Bytes())
	p.keep("stderr of curfew serve", p.server.Stderr.(*bytes.Buffer).Bytes())
	p.h = nil
}

// keepFiles keeps everything in the data folder, as it is at this moment.
func (p *program) keepFiles() {
	p.t.Helper()
	entries, err := os.ReadDir(p.folder)
	require.NoError(p.t, err)
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			content, err := os.ReadFile(filepath.Join(p.folder, entry.Name()))
			require.NoError(p.t, err)
			p.keep("file "+entry.Name(), content)
		}
	}
}

// ask makes a request and keeps its answer, to the last header.
func (p *program) ask(r request) reply {
	p.t.Helper()
	answer := p.h.ask(r)
	path, _, _ := strings.Cut(r.target, "?")
	var whole bytes.Buffer
	require.NoError(p.t, answer.header.Write(&whole))
	p.keep(fmt.Sprintf("headers of %s %s: %d", r.method, path, answer.status), whole.Bytes())
	p.keep(fmt.Sprintf("body of %s %s: %d", r.method, path, answer.status), []byte(answer.body))
	return answer
}

// into reads an answer that has to have that status.
func (p *program) into(status int, r request, model any) {
	p.t.Helper()
	answer := p.ask(r)
	require.Equal(p.t, status, answer.status, answer)
	require.NoError(p.t, json.Unmarshal([]byte(answer.body), model), answer)
}

// TestNoSecretLeaves is I19: a full run of the program with a canary for every kind of secret,
// wherever people and programs put them, rightly and by mistake, at the log level that says most,
// with two crashes; then everything that left the process is searched for all of them, in every
// form. There is nothing like a CSRF token: a canary for that comes with it.
//
// ASVS 16.2.5
func TestNoSecretLeaves(t *testing.T) {
	smtpPassword := "smtp-" + rand.Text()
	postbox := mailtest.Start(t, mailtest.Options{Password: smtpPassword})
	metricsToken := "metrics-" + rand.Text()
	metricsTokenFile := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(metricsTokenFile, []byte(metricsToken+"\n"), 0o600))
	p := &program{t: t, folder: filepath.Join(t.TempDir(), "data"), places: map[string][]byte{}, env: []string{
		fmt.Sprintf("CURFEW_SMTP_URL=smtp://curfew:%s@127.0.0.1:%d", smtpPassword, postbox.Port), "CURFEW_SMTP_FROM=curfew@example.org",
		"CURFEW_METRICS_TOKEN_FILE=" + metricsTokenFile,
	}}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = free.Addr().String()
	require.NoError(t, free.Close())
	p.start()

	secrets := []secret{{"password at the mail server", smtpPassword, nil}, {"token of the monitoring system", metricsToken, nil}}
	known := func(name, value string, belongs ...string) string {
		require.NotEmpty(t, value, name)
		secrets = append(secrets, secret{name, value, belongs})
		return value
	}
	ownerPassword, wrongPassword, asAddress := known("owner's password", canary("owner")), known("wrong password", canary("wrong")), known("password in the address field", canary("address"))
	memberPassword, changedPassword, resetPassword := known("member's password", canary("member")), known("changed password", canary("changed")), known("password by a reset link", canary("reset"))
	planted := secret{"planted name", canary("planted"), nil}

	// The first owner.
	raw, err := os.ReadFile(filepath.Join(p.folder, "setup-token"))
	require.NoError(t, err)
	setupToken := known("set-up token", strings.TrimSpace(string(raw)), "stdout of curfew serve")
	setUp := func(token string) request {
		return sending("POST", "/api/setup", map[string]string{"setupToken": token, "name": "Ana", "email": "ana@example.org", "password": ownerPassword, "organization": "Acme"})
	}
	p.ask(setUp(known("wrong set-up token", canary("wrong set-up"))))
	p.ask(setUp(setupToken[1:]))
	require.Equal(t, http.StatusCreated, p.ask(setUp(setupToken)).status)
	p.ask(setUp(setupToken))

	// Signing in, rightly and wrongly; refreshing; and what is given out for it.
	signIn := func(email, password, transport string) request {
		return sending("POST", "/api/sessions", map[string]string{"email": email, "password": password, "transport": transport})
	}
	const bearersGet = "body of POST /api/sessions"
	program := func(name, email, password string) (bearer string) {
		var given httpapi.SignedIn
		p.into(http.StatusCreated, signIn(email, password, "bearer"), &given)
		known(name+"'s access token", *given.AccessToken, bearersGet)
		refresh := known(name+"'s refresh token", *given.RefreshToken, bearersGet)
		p.into(http.StatusOK, sending("POST", "/api/sessions/refresh", map[string]string{"refreshToken": refresh}), &given)
		known(name+"'s next refresh token", *given.RefreshToken, bearersGet)
		return "Authorization: Bearer " + known(name+"'s next access token", *given.AccessToken, bearersGet)
	}
	for _, guess := range [][2]string{{"ana@example.org", wrongPassword}, {asAddress, wrongPassword}, {"nobody@example.org", ownerPassword}} {
		require.Equal(t, http.StatusUnauthorized, p.ask(signIn(guess[0], guess[1], "cookie")).status)
	}
	owner := program("owner", "ana@example.org", ownerPassword)
	browser := p.ask(signIn("ana@example.org", ownerPassword, "cookie"))
	var jar []string
	for _, cookie := range (&http.Response{Header: browser.header}).Cookies() {
		jar = append(jar, cookie.Name+"="+known("cookie "+cookie.Name, cookie.Value, "headers of POST /api/sessions"))
	}
	require.Len(t, jar, 3)
	cookies := "Cookie: " + strings.Join(jar, "; ")
	renewed := p.ask(request{method: "POST", target: "/api/sessions/refresh", headers: []string{cookies}})
	for _, cookie := range (&http.Response{Header: renewed.header}).Cookies() {
		known("renewed cookie "+cookie.Name, cookie.Value, "headers of POST /api/sessions/refresh")
	}

	// One-time links, shown and mailed.
	linkOf := func(name, place string, made httpapi.Invitation) string {
		at, err := url.Parse(made.Link)
		require.NoError(t, err)
		given, err := url.ParseQuery(at.Fragment)
		require.NoError(t, err)
		return known(name, given.Get("token"), place, "mail")
	}
	var invitation, reset httpapi.Invitation
	p.into(http.StatusCreated, sending("POST", "/api/members", map[string]any{"email": "ben@example.org", "name": planted.value, "role": "member", "mail": true}).with(owner), &invitation)
	link := linkOf("invitation", "body of POST /api/members", invitation)
	accept := func(link, password string) request {
		return sending("POST", "/api/invitations/accept", map[string]string{"token": link, "password": password})
	}
	p.ask(accept(link, "short"))
	p.ask(accept(link[1:], memberPassword))
	p.ask(sending("POST", "/api/invitations/look", map[string]string{"token": link}))
	require.Equal(t, http.StatusCreated, p.ask(accept(link, memberPassword)).status)
	p.ask(accept(link, memberPassword))
	member := program("member", "ben@example.org", memberPassword)
	p.into(http.StatusCreated, sending("POST", "/api/members/"+invitation.Member.Id+"/link", map[string]any{"mail": true}).with(owner), &reset)
	resetLink := linkOf("reset link", "body of POST /api/members/", reset)

	// Everything that can be got wrong, at every call, with secrets in every field.
	d, calls := contract(t)
	for _, c := range calls {
		path := strings.ReplaceAll(c.path, "{id}", "018f0000-0000-7000-8000-000000000000")
		if path == "/api/events" || path == "/api/sessions/revoke-all" || c.method+path == "DELETE/api/session" {
			continue // below
		}
		for _, who := range sample([]string{"X: y", member, owner, cookies}, 2) {
			queries := []url.Values{{"access_token": {link}, "q": {wrongPassword}, "token": {resetLink}}}
			for _, parameter := range c.parameters {
				if parameter.In == "query" { // which is not refused for its name
					queries = append(queries, url.Values{parameter.Name: {wrongPassword}})
				}
			}
			for _, query := range queries {
				p.ask(request{method: c.method, target: path + "?" + query.Encode(), headers: []string{who, "Referer: http://x/?password=" + url.QueryEscape(wrongPassword), "X-Password: " + wrongPassword, "Cookie: password=" + setupToken}})
			}
			if len(c.body.Properties) == 0 {
				continue
			}
			filled := d.example("", c.body).(map[string]any)
			for name := range filled {
				filled[name] = wrongPassword
			}
			for _, kept := range []string{"name", "helpContact"} { // and shown to others
				if filled[kept] != nil {
					filled[kept] = planted.value
				}
			}
			whole := sending(c.method, path, filled).with(who)
			p.ask(whole)
			for _, body := range []string{
				whole.body[:len(whole.body)-2], whole.body + whole.body, strings.ReplaceAll(whole.body, ":", ":["), "[" + whole.body + "]", "{" + whole.body[1:len(whole.body)-1] + "," + whole.body[1:], url.Values{"password": {wrongPassword}}.Encode(),
				`{"password":` + fmt.Sprintf("%q", resetPassword) + `,"x":1}`, `"` + setupToken + `"`, setupToken,
			} {
				p.ask(sending(c.method, path, body).with(who))
			}
			broken := whole
			broken.headers = []string{who, "Content-Type: application/x-www-form-urlencoded"}
			p.ask(broken)
		}
	}
	taken := p.ask(accept(resetLink, resetPassword))
	require.Equal(t, http.StatusOK, taken.status, taken)
	member = program("member again", "ben@example.org", resetPassword)
	p.ask(sending("PUT", "/api/account/password", map[string]string{"currentPassword": wrongPassword, "newPassword": changedPassword}).with(member))
	require.Equal(t, http.StatusOK, p.ask(sending("PUT", "/api/account/password", map[string]string{"currentPassword": resetPassword, "newPassword": changedPassword}).with(member)).status)

	// What is read and exported; and the operator's commands.
	for _, target := range []string{"/api/audit?format=csv", "/api/audit?format=jsonl", "/api/audit/chain", "/api/account/activity", "/api/sessions?scope=all", "/api/members", "/metrics", "/api/openapi.json"} {
		require.Equal(t, http.StatusOK, p.ask(request{method: "GET", target: target, headers: []string{owner}}).status, target)
	}
	operators := regexp.MustCompile(`: (\S+)\n`).FindStringSubmatch(p.run("member", "reset", "ben@example.org"))
	require.Len(t, operators, 2)
	known("password by the operator", operators[1], "stdout of curfew member reset")
	for _, args := range [][]string{{"audit", "export"}, {"audit", "export", "--format", "csv"}, {"session", "list", "--json"}, {"member", "list", "--json"}, {"policy", "show"}, {"config"}} {
		p.run(args...)
	}
	p.keepFiles()

	// Two crashes, while streams and half a request with a password in it are open; and a stop.
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTERM} {
		var stuck []*line
		for _, raw := range []string{
			request{method: "GET", target: "/api/events", headers: []string{cookies}}.String(),
			strings.Replace(signIn("ana@example.org", ownerPassword, "bearer").String(), "Content-Length: ", "Content-Length: 1", 1),
		} {
			l := p.h.dial()
			l.say(raw)
			stuck = append(stuck, l)
		}
		p.ask(request{method: "GET", target: "/api/session", headers: []string{owner}})
		p.ask(request{method: "GET", target: "/metrics?token=" + metricsToken})
		require.Equal(t, http.StatusOK, p.ask(request{method: "GET", target: "/metrics", headers: []string{"Authorization: Bearer " + metricsToken}}).status)
		if signal == syscall.SIGTERM {
			p.ask(sending("POST", "/api/sessions/revoke-all", map[string]string{"reason": "canaries"}).with(owner))
		}
		for _, l := range stuck {
			if signal == syscall.SIGTERM {
				l.close() // so that it does not wait for them
			}
		}
		p.end(signal)
		for _, l := range stuck {
			l.close()
		}
		p.keepFiles()
		if signal != syscall.SIGTERM {
			require.Contains(t, string(p.places["stderr of curfew serve"]), "goroutine ", "it has crashed")
			p.start()
		}
	}
	for _, message := range postbox.Taken() {
		p.keep("mail to "+message.To, []byte(message.Raw+message.Text))
	}

	// The deployment's own.
	keys, err := token.LoadSecrets(filepath.Join(p.folder, "keys.json"), time.Now())
	require.NoError(t, err)
	known("key of access tokens", string(keys.AccessTokens[0].Secret), "file keys.json")
	known("root secret", string(keys.Root), "file keys.json")
	for _, purpose := range []string{"refresh tokens", "known devices", "cursors"} {
		derived := keys.Derive(purpose)
		known("key of "+purpose, string(derived[:]))
	}

	hits, searched := search(secrets, p.places)
	forms := 0
	for _, s := range secrets {
		forms += len(s.needles())
		for _, place := range s.belongs { // which is also how it is known that the search would find it
			found := slices.ContainsFunc(hits, func(h hit) bool { return h.secret == s.name && strings.HasPrefix(h.place, place) })
			canaries.note(t, textf("%s, in %s, where it belongs", s.name, place), textf("found: %t", found), unless(found, "the search does not find it"))
		}
	}
	leaks := 0
	for _, h := range hits {
		owner := secrets[slices.IndexFunc(secrets, func(s secret) bool { return s.name == h.secret })]
		if !slices.ContainsFunc(owner.belongs, func(place string) bool { return strings.HasPrefix(h.place, place) }) {
			leaks++
			canaries.note(t, text(h.secret), textf("%s in %s", h.form, h.place), "it does not belong there")
		}
	}
	canaries.note(t, textf("%d secrets in %d forms", len(secrets), forms), textf("%d places, %d bytes searched, %d hits", len(p.places), searched, leaks), "")
	t.Logf("%d secrets in %d forms, %d places, %d bytes searched, %d hits", len(secrets), forms, len(p.places), searched, leaks)

	// One that was planted is found in all of these: a member's name, which is no secret, stands
	// there for one.
	hits, _ = search([]secret{planted}, p.places)
	for _, place := range []string{"file curfew.db", "body of GET /api/members", "body of GET /api/audit", "stdout of curfew member list", "mail"} {
		found := slices.ContainsFunc(hits, func(h hit) bool { return strings.HasPrefix(h.place, place) })
		canaries.note(t, textf("a canary that was planted, in %s", place), textf("found: %t", found), unless(found, "the search does not find it"))
	}
}

// The search finds a secret in each encoding and in each surrounding text.
func TestTheSearchFindsASecretInEveryForm(t *testing.T) {
	random := make([]byte, 32)
	rand.Read(random)
	for _, s := range []secret{
		{"a password", canary("some"), nil}, {"a key", string(random), nil}, {"a token", base64.RawURLEncoding.EncodeToString(random), nil},
	} {
		written := map[string]string{
			"plain": s.value, "JSON": func() string { raw, _ := json.Marshal(s.value); return string(raw) }(), "Go": fmt.Sprintf("%q", s.value), "ASCII": fmt.Sprintf("%+q", s.value), "query": url.Values{"a": {s.value}}.Encode(), "path": url.PathEscape(s.value), "HTML": html.EscapeString(s.value),
		}
		for i, raw := range s.bytes() {
			written[fmt.Sprint("hex ", i)], written[fmt.Sprint("HEX ", i)] = fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw)
			written[fmt.Sprint("numbers ", i)], written[fmt.Sprint("bytes ", i)] = fmt.Sprintf("%d", raw), string(raw)
			for before := range 3 {
				for after := range 3 {
					around := slices.Concat(random[:before], raw, random[:after])
					written[fmt.Sprint("base64 ", i, before, after)] = base64.StdEncoding.EncodeToString(around)
					written[fmt.Sprint("base64url ", i, before, after)] = base64.RawURLEncoding.EncodeToString(around)
				}
			}
		}
		for form, text := range written {
			hits, searched := search([]secret{s}, map[string][]byte{"a log": []byte("level=DEBUG error=" + text + " and more"), "another": []byte("nothing")})
			require.NotEmpty(t, hits, "%s as %s: %q", s.name, form, text)
			require.Equal(t, "a log", hits[0].place)
			require.Equal(t, len(text)+len("level=DEBUG error= and morenothing"), searched)
		}
		hits, _ := search([]secret{{s.name, canary("another"), nil}}, map[string][]byte{"a log": []byte(s.value)})
		require.Empty(t, hits)
	}
}
