package attacks

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"curfew/backend/app"
	"curfew/backend/cli"
	"curfew/backend/config"
	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/store/storetest"
	"curfew/backend/token"
)

const (
	password     = "correct horse battery staple"
	organization = "Example & Söhne"
	publicURL    = "https://curfew.example.org"

	accessCookie  = "__Host-curfew_access"
	refreshCookie = "__Host-curfew_refresh"
	deviceCookie  = "__Host-curfew_device"
)

// asCurfew in the environment makes this test binary be curfew, for the tests that need a process
// of their own.
const asCurfew = "ATTACKS_AS_CURFEW"

func TestMain(m *testing.M) {
	if os.Getenv(asCurfew) != "" {
		os.Exit(cli.Run(cli.Environment{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Web: pages}))
	}
	closeRows, err := openRows()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := closeRows(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shell is what every page is.
const shell = "<!doctype html><title>Curfew</title>"

var pages = fstest.MapFS{"200.html": {Data: []byte(shell)}, "pages.json": {Data: []byte(`["", "account", "settings/security", "sign-in"]`)}, "favicon.svg": {Data: []byte("<svg/>")}, "_app/immutable/a.js": {Data: []byte("1")}}

// cheapHash takes little to verify. Where the cost of a password is what matters, a member has a
// real one.
var cheapHash = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		panic(err)
	}
	return hash
})

// deployment is the real app on a free port of 127.0.0.1, with a data folder of its own. It has one
// member of each role, and some more to guess at.
type deployment struct {
	t       *testing.T
	address string
	folder  string
	db      *sql.DB
	secrets token.Secrets
	log     *logBuffer
	line    *line // the one that ask goes by
	// reach connects to the deployment, where that goes through something else.
	reach func() (net.Conn, error)
}

type options struct {
	// proxies are trusted to say who a client is.
	proxies []string
	// accounts is how many members there are beside the four: 0@example.org and so on.
	accounts int
	// hash is those accounts' password, hashed; a cheap one where it is empty.
	hash string
}

// open serves a deployment until the test ends.
func open(t *testing.T, o options) *deployment {
	t.Helper()
	h := &deployment{t: t, folder: t.TempDir(), log: &logBuffer{}}
	path := filepath.Join(h.folder, "curfew.db")
	storetest.Create(t, path)
	var err error
	h.db, err = sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000&_foreign_keys=on")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.db.Close()) })
	h.moveIn(o)

	cfg := config.Config{Data: h.folder, Listen: "127.0.0.1:0", AccessTokenLifetime: 5 * time.Minute, LogLevel: slog.LevelDebug}
	cfg.PublicURL, err = url.Parse(publicURL)
	require.NoError(t, err)
	for _, proxy := range o.proxies {
		_, network, err := net.ParseCIDR(proxy)
		require.NoError(t, err)
		cfg.TrustedProxies = append(cfg.TrustedProxies, network)
	}
	curfew, err := app.New(t.Context(), cfg, pages, slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	listener, err := curfew.Listen(t.Context())
	require.NoError(t, err)
	h.address = listener.Addr().String()
	h.secrets, err = token.LoadSecrets(filepath.Join(h.folder, "keys.json"), time.Now())
	require.NoError(t, err)

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- curfew.Serve(ctx, listener) }()
	t.Cleanup(func() {
		h.hangUp()
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, curfew.Close())
	})
	return h
}

func email(role member.Role) string { return string(role) + "@example.org" }

func (h *deployment) moveIn(o options) {
	h.exec("UPDATE organization SET name = ?", organization)
	people := []struct{ email, role, hash string }{}
	for _, role := range []member.Role{member.Owner, member.Admin, member.Auditor, member.Plain} {
		people = append(people, struct{ email, role, hash string }{email(role), string(role), cheapHash()})
	}
	hash := o.hash
	if hash == "" {
		hash = cheapHash()
	}
	for i := range o.accounts {
		people = append(people, struct{ email, role, hash string }{account(i), string(member.Plain), hash})
	}
	for _, p := range people {
		id := member.NewID()
		h.exec(`
			INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, sort_name, search)
			VALUES (?1, ?2, ?3, ?3, ?4, ?5, 1, ?6, lower(?2), lower(?2) || char(10) || ?3)`,
			id.String(), "The "+p.email, p.email, p.role, p.hash, time.Now().UnixMilli())
	}
}

func account(i int) string { return fmt.Sprintf("%d@example.org", i) }

func (h *deployment) exec(statement string, args ...any) {
	h.t.Helper()
	_, err := h.db.ExecContext(h.t.Context(), statement, args...)
	require.NoError(h.t, err)
}

// texts is the one column that a query gives.
func (h *deployment) texts(query string, args ...any) (found []string) {
	h.t.Helper()
	rows, err := h.db.QueryContext(h.t.Context(), query, args...)
	require.NoError(h.t, err)
	defer func() { require.NoError(h.t, rows.Close()) }()
	for rows.Next() {
		var text string
		require.NoError(h.t, rows.Scan(&text))
		found = append(found, text)
	}
	require.NoError(h.t, rows.Err())
	return found
}

func (h *deployment) number(query string, args ...any) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}

// decided returns all that people decided, for comparing it with another time. It leaves out the
// times that accesses move and the pace of attempts.
func (h *deployment) decided() []string {
	h.t.Helper()
	var all []string
	for _, query := range []string{
		"SELECT name || '|' || generation || '|' || length_value || length_unit || refresh_automatically || '|' || version FROM organization",
		"SELECT id || name || email || role || password_hash || generation || ifnull(deactivated_at, '') FROM members ORDER BY id",
		"SELECT id || generation || ifnull(ended_at, '') || ifnull(end_reason, '') || refresh_counter || proved_at FROM sessions ORDER BY id",
		"SELECT member_id || kind || hex(token_hash) FROM member_links ORDER BY member_id",
		"SELECT generation || '' FROM revocations ORDER BY generation",
		"SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name",
	} {
		all = append(all, h.texts(query)...)
	}
	return all
}

// logBuffer keeps what the deployment logs.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// request is a request as it is written. Nothing in it is made right: its headers are lines, in
// their order and spelling.
type request struct {
	method, target string
	headers        []string
	body           string
}

func (r request) String() string {
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, r.target)
	hosted := false
	for _, header := range r.headers {
		b.WriteString(header + "\r\n")
		hosted = hosted || strings.HasPrefix(header, "Host:")
	}
	if !hosted {
		b.WriteString("Host: curfew.example.org\r\n")
	}
	if r.body != "" || method != http.MethodGet && method != http.MethodHead {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	return b.String() + "\r\n" + r.body
}

// with is the request with more headers.
func (r request) with(headers ...string) request {
	r.headers = append(append([]string{}, r.headers...), headers...)
	return r
}

// sending is a request that carries JSON.
func sending(method, target string, body any) request {
	raw, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		raw = string(encoded)
	}
	return request{method: method, target: target, headers: []string{"Content-Type: application/json"}, body: raw}
}

// reply is an answer; its status is 0 where the server hung up without one.
type reply struct {
	status int
	header http.Header
	body   string
	closes bool
}

func (r reply) String() string {
	if r.status == 0 {
		return "hung up"
	}
	return fmt.Sprintf("%d %s", r.status, strings.TrimSpace(r.body))
}

// code is that of a problem.
func (r reply) code() string {
	var p httpapi.Problem
	_ = json.Unmarshal([]byte(r.body), &p) // what is no problem has no code
	return p.Code
}

// is complains unless the answer is the problem with that status and code.
func (r reply) is(status int, code string) string {
	return first(
		unless(r.status == status && r.code() == code, "want %d %s", status, code),
		unless(r.header.Get("Content-Type") == "application/problem+json", "it is no problem document"),
	)
}

// line is a connection to the server.
type line struct {
	conn net.Conn
	from *bufio.Reader
}

func (h *deployment) dial() *line {
	h.t.Helper()
	reach := h.reach
	if reach == nil {
		reach = func() (net.Conn, error) { return net.Dial("tcp", h.address) }
	}
	conn, err := reach()
	require.NoError(h.t, err)
	require.NoError(h.t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return &line{conn, bufio.NewReader(conn)}
}

func (l *line) close() { _ = l.conn.Close() }

// say writes bytes as they are. The server may have hung up already, which shows when it is
// listened to.
func (l *line) say(raw string) { _, _ = io.WriteString(l.conn, raw) }

// finish says that no more will be said, so that the server answers what it has and hangs up.
func (l *line) finish() { _ = l.conn.(interface{ CloseWrite() error }).CloseWrite() }

// hear reads one answer to a request of that method.
func (l *line) hear(method string) reply {
	response, err := http.ReadResponse(l.from, &http.Request{Method: method})
	if err != nil {
		return reply{closes: true}
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{closes: true}
	}
	return reply{response.StatusCode, response.Header, string(body), response.Close}
}

// ask sends one request and hears its answer, on a connection that is kept for as long as the
// server keeps it.
func (h *deployment) ask(r request) reply {
	h.t.Helper()
	if h.line == nil {
		h.line = h.dial()
	}
	h.line.say(r.String())
	answer := h.line.hear(r.method)
	if answer.closes {
		h.hangUp()
	}
	return answer
}

func (h *deployment) hangUp() {
	if h.line != nil {
		h.line.close()
		h.line = nil
	}
}

// tokens are what a client is given at a sign-in.
type tokens struct {
	access, refresh, device string
	session, member         string
}

// bearer is the header that admits a program.
func (t tokens) bearer() string { return "Authorization: Bearer " + t.access }

// cookie is the header that admits a browser.
func (t tokens) cookie() string { return "Cookie: " + accessCookie + "=" + t.access }

// signIn signs a member in, as a program.
func (h *deployment) signIn(email string, headers ...string) tokens {
	h.t.Helper()
	a := h.ask(sending(http.MethodPost, "/api/sessions", map[string]string{"email": email, "password": password, "transport": "bearer"}).with(headers...))
	require.Equal(h.t, http.StatusCreated, a.status, a)
	var in httpapi.SignedIn
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &in))
	return tokens{access: *in.AccessToken, refresh: *in.RefreshToken, session: in.Session.Id, member: in.Member.Id}
}

// rest gives members their successes back, as time does, which are paced too.
func (h *deployment) rest() { h.exec("DELETE FROM attempts WHERE bucket LIKE 'member % success %'") }

// browser signs a member in by cookies.
func (h *deployment) browser(email string) tokens {
	h.t.Helper()
	a := h.ask(sending(http.MethodPost, "/api/sessions", map[string]string{"email": email, "password": password}))
	require.Equal(h.t, http.StatusCreated, a.status, a)
	var in httpapi.SignedIn
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &in))
	given := tokens{session: in.Session.Id, member: in.Member.Id}
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		switch cookie.Name {
		case accessCookie:
			given.access = cookie.Value
		case refreshCookie:
			given.refresh = cookie.Value
		case deviceCookie:
			given.device = cookie.Value
		}
	}
	require.NotEmpty(h.t, given.device)
	return given
}

// requireLive checks that an honest member is still signed in: an attack that is refused must end
// no other session.
func (h *deployment) requireLive(t tokens) {
	h.t.Helper()
	a := h.ask(request{target: "/api/session", headers: []string{t.bearer(), "Curfew-Passive: true"}})
	require.Equal(h.t, http.StatusOK, a.status, a)
}
