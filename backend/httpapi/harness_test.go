package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/live"
	"curfew/backend/mail"
	"curfew/backend/member"
	"curfew/backend/metrics"
	"curfew/backend/session"
	"curfew/backend/spa"
	"curfew/backend/store"
	"curfew/backend/store/storetest"
	"curfew/backend/token"
)

// The deployment under test is the real one, put together as package app does it: the real router,
// the real services and a real SQLite file. Only the time is ours.

const (
	setupToken   = "the-set-up-token-of-the-tests"
	metricsToken = "the-token-of-a-monitoring-system"
	password     = "correct horse battery staple"
	organization = "Example & Söhne"

	accessCookie  = "__Host-curfew_access"
	refreshCookie = "__Host-curfew_refresh"
	deviceCookie  = "__Host-curfew_device"
)

var publicURL = &url.URL{Scheme: "https", Host: "curfew.example.org"}

// roles are those of the members that a deployment has from the start, one of each; see email and
// name.
var roles = []member.Role{member.Owner, member.Admin, member.Auditor, member.Plain}

func email(role member.Role) string { return string(role) + "@example.org" }
func name(role member.Role) string  { return "The " + string(role) }

// passwordHash is cheap to verify: what a real one costs is package member's to say, and would be
// most of these tests' time.
var passwordHash = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		panic(err)
	}
	return hash
})

// clock is the time, which only the test moves.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Milliseconds()) }

// storage is what the deployment asks of its store, so that a test can break it.
type storage interface {
	session.Store
	member.Store
	audit.Store
	Ready(ctx context.Context) error
}

// deployment is one installation of the product, under test.
type deployment struct {
	t       testing.TB
	options options
	folder  string
	clock   *clock
	ahead   time.Duration // how far the clock is ahead of the machine's
	steady  *session.Clock
	// writableBy is who else can write the data folder.
	writableBy string
	now        func() time.Time // by which the services judge: the clock, or steady
	log        *logBuffer
	db         *store.DB
	storage    storage
	sql        *sql.DB
	secrets    token.Secrets
	sessions   *session.Service
	members    *member.Service
	live       *live.Hub
	api        *httpapi.API
	echo       *echo.Echo
	held       chan time.Duration // how long refusals were held back, if the deployment has it
}

type options struct {
	// unclaimed deployments have no members: they wait for their set-up.
	unclaimed      bool
	trustedProxies []string
	logLevel       slog.Level
	// folder is the data folder of another deployment, whose copy this one lives on; empty for a
	// new one.
	folder string
	// patience is how long a stream waits for a listener who does not read; 0 for long.
	patience time.Duration
	// mail sends links; nil for a deployment that cannot.
	mail *mail.Sender
	// storage breaks the store.
	storage func(*store.DB) storage
}

// streams are looked after very often, because the time that they wait by is not the test's.
func (o options) streams() httpapi.StreamTimes {
	return httpapi.StreamTimes{Heartbeat: 5 * time.Millisecond, Patience: cmp.Or(o.patience, time.Minute), Pace: time.Millisecond}
}

// open builds a deployment, with the fresh organization's policy of 14 days, refreshed
// automatically.
func open(t testing.TB, o options) *deployment {
	t.Helper()
	h := &deployment{t: t, options: o, folder: o.folder, clock: &clock{}, log: &logBuffer{}}
	h.clock.at.Store(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
	if h.folder == "" {
		h.folder = t.TempDir()
		storetest.Create(t, filepath.Join(h.folder, "curfew.db"))
	}
	h.now = h.clock.Now
	h.steady = session.NewClock(h.wall, func() time.Duration { return time.Duration(h.clock.at.Load()) * time.Millisecond }, time.Time{})
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: o.logLevel}))
	path := filepath.Join(h.folder, "curfew.db")
	var err error
	h.db, err = store.Open(t.Context(), path, log)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.db.Close() }) // a test may have closed it: to break it
	h.storage = h.db
	if o.storage != nil {
		h.storage = o.storage(h.db)
	}
	h.sql, err = sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000&_foreign_keys=on")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.sql.Close()) })
	h.secrets, err = token.LoadSecrets(filepath.Join(h.folder, "secrets.json"), h.clock.Now())
	require.NoError(t, err)
	if !o.unclaimed && o.folder == "" {
		h.moveIn()
	}
	h.start(log)
	return h
}

// wall is the machine's clock.
func (h *deployment) wall() time.Time { return h.clock.Now().Add(-h.ahead) }

// moveIn names the organization and gives it one member of each role.
func (h *deployment) moveIn() {
	h.exec("UPDATE organization SET name = ?", organization)
	for _, role := range roles {
		id := member.NewID()
		h.exec(`INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, sort_name, search)
			VALUES (?, ?, ?, ?, ?, ?, 1, ?, lower(?2), lower(?2))`,
			id.String(), name(role), email(role), email(role), string(role), passwordHash(), h.clock.Now().UnixMilli())
	}
}

// start puts the services and the router on the store. What an earlier start held in memory is
// gone.
func (h *deployment) start(log *slog.Logger) {
	h.t.Helper()
	var derived [4][32]byte
	for i, purpose := range []string{"refresh tokens", "known devices", "cursors", "second factors"} {
		derived[i] = h.secrets.Derive(purpose)
	}
	var err error
	h.sessions, err = session.New(h.t.Context(), h.storage, h.now, derived[0])
	require.NoError(h.t, err)
	h.members, err = member.New(h.storage, h.sessions, member.Options{Now: h.now, Wall: h.wall, SetupToken: setupToken, Key: derived[3], PublicURL: publicURL})
	require.NoError(h.t, err)
	tokens, err := token.NewKeys(h.secrets.Access(5*time.Minute), h.now)
	require.NoError(h.t, err)
	pages, err := spa.New(fstest.MapFS{
		"200.html":   {Data: []byte("<!doctype html><title>Curfew</title>")},
		"pages.json": {Data: []byte(`["", "account", "settings/security", "sign-in"]`)},
	})
	require.NoError(h.t, err)

	h.live = live.NewHub(httpapi.ListenersPerSession, httpapi.ListenersPerMember)
	deps := httpapi.Deps{
		Sessions:         h.sessions,
		Members:          h.members,
		Tokens:           tokens,
		Audit:            h.storage,
		Live:             h.live,
		Mail:             h.options.mail,
		DeviceKey:        derived[1],
		CursorKey:        derived[2],
		Ready:            h.storage.Ready,
		SetUp:            h.sessions.Reload,
		Backup:           h.backup,
		ClockAhead:       h.steady.Ahead,
		AcceptTime:       func(ctx context.Context) (session.Receipt, error) { return h.sessions.AcceptTime(ctx, h.steady) },
		FolderWritableBy: func() string { return h.writableBy },
		PublicURL:        publicURL,
		Now:              h.now,
		Sleep:            h.sleep,
		Stream:           h.options.streams(),
		Log:              log,
		Metrics:          metrics.New(),
		MetricsToken:     metricsToken,
	}
	for _, network := range h.options.trustedProxies {
		_, parsed, err := net.ParseCIDR(network)
		require.NoError(h.t, err)
		deps.TrustedProxies = append(deps.TrustedProxies, parsed)
	}
	h.api = httpapi.New(deps)
	h.echo = echo.New()
	h.echo.Logger.SetOutput(io.Discard)
	h.api.Mount(h.echo)
	h.echo.GET("/*", pages.Serve)
	h.echo.HEAD("/*", pages.Serve)
}

// sleep lets no time pass.
func (h *deployment) sleep(_ context.Context, d time.Duration) {
	if h.held != nil {
		h.held <- d
	}
}

func (h *deployment) backup(ctx context.Context, file string, replace bool, event audit.Event) (httpapi.Backup, audit.Finding, error) {
	found, err := h.db.Backup(ctx, file, replace, h.secrets.Kept, event)
	return httpapi.Backup{File: file, Bytes: found.Bytes}, found.Chain, err
}

// restart is a new process on the same disk.
func (h *deployment) restart() {
	h.t.Helper()
	h.start(slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: h.options.logLevel})))
}

// copy is another deployment on a copy of this one's data folder, at the same instant.
func (h *deployment) copy() *deployment {
	h.t.Helper()
	folder := h.t.TempDir()
	h.exec("VACUUM INTO ?", filepath.Join(folder, "curfew.db"))
	secrets, err := os.ReadFile(filepath.Join(h.folder, "secrets.json"))
	require.NoError(h.t, err)
	require.NoError(h.t, os.WriteFile(filepath.Join(folder, "secrets.json"), secrets, 0o600))
	twin := open(h.t, options{folder: folder})
	twin.clock.at.Store(h.clock.at.Load())
	return twin
}

// run is a named part of a test, on the same deployment.
func (h *deployment) run(name string, part func(t *testing.T)) {
	h.t.Helper()
	whole := h.t
	defer func() { h.t = whole }()
	whole.(*testing.T).Run(name, func(t *testing.T) {
		h.t = t
		part(t)
	})
}

func (h *deployment) exec(statement string, args ...any) {
	h.t.Helper()
	_, err := h.sql.ExecContext(h.t.Context(), statement, args...)
	require.NoError(h.t, err)
}

// number is the one number that a query gives.
func (h *deployment) number(query string, args ...any) (n int64) {
	h.t.Helper()
	require.NoError(h.t, h.sql.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}

// text is everything that a query gives, for comparing it with another time.
func (h *deployment) text(query string, args ...any) string {
	h.t.Helper()
	rows, err := h.sql.QueryContext(h.t.Context(), query, args...)
	require.NoError(h.t, err)
	defer func() { require.NoError(h.t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(h.t, err)
	var all strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(h.t, rows.Scan(values...))
		for i, value := range values {
			_, err := fmt.Fprintf(&all, "%s=%v ", columns[i], *value.(*any))
			require.NoError(h.t, err)
		}
		all.WriteString("\n")
	}
	require.NoError(h.t, rows.Err())
	return all.String()
}

// everythingDecided is all that the database holds, but for the pace of attempts and the times that
// accesses move.
func (h *deployment) everythingDecided() string {
	h.t.Helper()
	return h.text("SELECT name, help_contact, logo, generation, length_value, length_unit, refresh_automatically, maximum_value, version, saved_at FROM organization") +
		h.text("SELECT hex(image) FROM logo") +
		h.text("SELECT * FROM members ORDER BY id") +
		h.text("SELECT id, generation, ended_at, end_reason, refresh_counter, proved_at FROM sessions ORDER BY id") +
		h.text("SELECT member_id, kind, created_at FROM member_links ORDER BY member_id") +
		h.text("SELECT generation FROM revocations ORDER BY generation") +
		h.text("SELECT sequence, action FROM audit_entries ORDER BY sequence")
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

// client is one browser or one program. Its cookies are kept by hand: the real ones are for HTTPS
// only.
type client struct {
	h       *deployment
	peer    string // the address that it connects from
	agent   string
	cookies map[string]string
	access  string // a program's tokens
	refresh string
}

// stranger is a client that is not signed in.
func (h *deployment) stranger() *client {
	return &client{h: h, peer: "192.0.2.10", agent: "curfew-test", cookies: map[string]string{}}
}

// browser is a client on which the member of that role has signed in.
func (h *deployment) browser(role member.Role) *client {
	h.t.Helper()
	return h.stranger().signIn(role)
}

// program is a client with bearer tokens of the member of that role.
func (h *deployment) program(role member.Role) *client {
	h.t.Helper()
	c := h.stranger()
	c.keep(c.post("/api/sessions", credentials(role, "bearer")).signedIn(http.StatusCreated))
	return c
}

func credentials(role member.Role, transport httpapi.Transport) httpapi.SignInRequest {
	return httpapi.SignInRequest{Email: email(role), Password: password, Transport: &transport}
}

func (c *client) signIn(role member.Role) *client {
	c.h.t.Helper()
	c.post("/api/sessions", credentials(role, "cookie")).signedIn(http.StatusCreated)
	return c
}

// keep takes the tokens that a program was given.
func (c *client) keep(given httpapi.SignedIn) *client {
	c.h.t.Helper()
	require.NotNil(c.h.t, given.AccessToken)
	require.NotNil(c.h.t, given.RefreshToken)
	c.access, c.refresh = *given.AccessToken, *given.RefreshToken
	return c
}

// clone is the same client once more, as with two tabs, or a thief.
func (c *client) clone() *client {
	twin := *c
	twin.cookies = map[string]string{}
	for name, value := range c.cookies {
		twin.cookies[name] = value
	}
	return &twin
}

// renew refreshes the client's tokens.
func (c *client) renew() *answer {
	c.h.t.Helper()
	if c.refresh == "" {
		return c.post("/api/sessions/refresh", nil)
	}
	a := c.post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &c.refresh})
	if a.StatusCode == http.StatusOK {
		c.keep(a.signedIn(http.StatusOK))
	}
	return a
}

// requireLive holds that the client's session is alive, without touching it.
func (c *client) requireLive() httpapi.CurrentSession {
	c.h.t.Helper()
	var current httpapi.CurrentSession
	c.get("/api/session", passive).into(http.StatusOK, &current)
	return current
}

func (c *client) id() string {
	c.h.t.Helper()
	return c.requireLive().Session.Id
}

// change alters a request before it is sent.
type change func(*request)

type request struct {
	method, target string
	header         http.Header
	body           []byte
	// host is what Host says; empty for the public URL's.
	host string
	// ctx is done when the client leaves; nil for one that stays.
	ctx context.Context
	// meanwhile runs when the server begins to read the body, which is after the guard has let the
	// request in.
	meanwhile func()
	// malformed tells that the request breaks the contract, and means to.
	malformed bool
}

func header(name, value string) change {
	return func(r *request) { r.header.Add(name, value) }
}

// malformed is a request that breaks the contract on purpose; its answer may not.
func malformed(r *request) { r.malformed = true }

// raw is a body as it stands, however wrong.
func raw(body string) change {
	return func(r *request) {
		r.body, r.malformed = []byte(body), true
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", "application/json")
		}
	}
}

// picture is a body that is sent as image/png.
type picture []byte

func passive(r *request) { r.header.Set("Curfew-Passive", "true") }

func (c *client) get(target string, changes ...change) *answer {
	c.h.t.Helper()
	return c.do(http.MethodGet, target, nil, changes...)
}

func (c *client) post(target string, body any, changes ...change) *answer {
	c.h.t.Helper()
	return c.do(http.MethodPost, target, body, changes...)
}

func (c *client) put(target string, body any, changes ...change) *answer {
	c.h.t.Helper()
	return c.do(http.MethodPut, target, body, changes...)
}

func (c *client) delete(target string, changes ...change) *answer {
	c.h.t.Helper()
	return c.do(http.MethodDelete, target, nil, changes...)
}

// do sends a request, holds the answer against the contract and keeps its cookies.
func (c *client) do(method, target string, body any, changes ...change) *answer {
	c.h.t.Helper()
	a := c.send(method, target, body, changes...)
	a.requireContract()
	for _, cookie := range a.Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie.Value
		}
	}
	return a
}

// send only sends, so that it can be called from many goroutines at once.
func (c *client) send(method, target string, body any, changes ...change) *answer {
	r := &request{method: method, target: target, header: http.Header{"User-Agent": {c.agent}}}
	switch body := body.(type) {
	case nil:
	case picture:
		r.body = body
		r.header.Set("Content-Type", "image/png")
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		r.body = encoded
		r.header.Set("Content-Type", "application/json")
	}
	for name, value := range c.cookies {
		r.header.Add("Cookie", name+"="+value)
	}
	if c.access != "" {
		r.header.Set("Authorization", "Bearer "+c.access)
	}
	for _, change := range changes {
		change(r)
	}
	sent := httptest.NewRequest(r.method, r.target, &heldBack{bytes.NewReader(r.body), r.meanwhile})
	sent.ContentLength = int64(len(r.body))
	sent.Header, sent.RemoteAddr, sent.Host = r.header, net.JoinHostPort(c.peer, "40000"), cmp.Or(r.host, publicURL.Host)
	if r.ctx != nil {
		sent = sent.WithContext(r.ctx)
	}
	recorder := httptest.NewRecorder()
	c.h.echo.ServeHTTP(recorder, sent)
	return &answer{h: c.h, Response: recorder.Result(), request: r, body: recorder.Body.Bytes()}
}

// heldBack is a body that a client holds back until something has happened.
type heldBack struct {
	*bytes.Reader
	meanwhile func()
}

func (b *heldBack) Read(p []byte) (int, error) {
	if b.meanwhile != nil {
		meanwhile := b.meanwhile
		b.meanwhile = nil
		meanwhile()
	}
	return b.Reader.Read(p)
}

// inParallel makes n requests at once, and then holds each answer against the contract.
func inParallel(n int, send func(i int) *answer) []*answer { return inParallelBy(n, n, send) }

// inParallelBy is inParallel with so many requests at once: one more than the queue of hashes takes
// would be refused as busy.
func inParallelBy(atOnce, n int, send func(i int) *answer) []*answer {
	answers := make([]*answer, n)
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i := range n {
		all.Go(func() error { answers[i] = send(i); return nil })
	}
	_ = all.Wait() // none fails
	for _, a := range answers {
		a.requireContract()
	}
	return answers
}

// withStatus counts the answers of that status.
func withStatus(answers []*answer, status int) (n int) {
	for _, a := range answers {
		if a.StatusCode == status {
			n++
		}
	}
	return n
}

type answer struct {
	*http.Response
	h       *deployment
	request *request
	body    []byte
}

func (a *answer) String() string {
	return fmt.Sprintf("%s %s: %d %s", a.request.method, a.request.target, a.StatusCode, a.body)
}

// into reads the body of an answer that has to have that status.
func (a *answer) into(status int, model any) {
	a.h.t.Helper()
	require.Equal(a.h.t, status, a.StatusCode, "%s", a)
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.DisallowUnknownFields()
	require.NoError(a.h.t, decoder.Decode(model), "%s", a)
}

func (a *answer) signedIn(status int) (given httpapi.SignedIn) {
	a.h.t.Helper()
	a.into(status, &given)
	return given
}

func (a *answer) requireStatus(status int) *answer {
	a.h.t.Helper()
	require.Equal(a.h.t, status, a.StatusCode, "%s", a)
	return a
}

func (a *answer) requireProblem(status int, code string) (p httpapi.Problem) {
	a.h.t.Helper()
	a.into(status, &p)
	require.Equal(a.h.t, code, p.Code, "%s", a)
	return p
}

// requireFields holds that the input was refused at exactly these fields, each written as "field
// code".
func (a *answer) requireFields(fields ...string) {
	a.h.t.Helper()
	var p httpapi.Problem
	a.into(http.StatusUnprocessableEntity, &p)
	require.NotNil(a.h.t, p.Errors, "%s", a)
	var found []string
	for _, field := range *p.Errors {
		found = append(found, field.Field+" "+field.Code)
		require.NotEmpty(a.h.t, field.Message)
	}
	require.Equal(a.h.t, fields, found, "%s", a)
}

// requireContract holds the answer against what every answer has in common and, where the contract
// knows the call, against that.
func (a *answer) requireContract() {
	a.h.t.Helper()
	a.requireHeaders()
	if a.StatusCode >= http.StatusBadRequest {
		a.requireProblemDocument()
	}
	a.requireDocument()
}

// requireHeaders holds what every answer of the API has in common (ASVS 3.2.1, 3.3, 3.4, 3.5.8).
func (a *answer) requireHeaders() {
	t := a.h.t
	t.Helper()
	for name, value := range map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Strict-Transport-Security":    "max-age=31536000",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cache-Control":                "no-store",
	} {
		if logo := strings.HasPrefix(a.request.target, "/api/logo") && a.StatusCode < http.StatusBadRequest; logo && name == "Cache-Control" {
			continue // public, and the one answer that may be kept: its own test holds how
		}
		require.Equal(t, []string{value}, a.Header.Values(name), "%s of %s", name, a)
	}
	require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'", "%s", a)
	require.Contains(t, a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "%s", a)
	require.Len(t, a.Header.Values("X-Request-Id"), 1, "%s", a)
	for name := range a.Header {
		require.False(t, strings.HasPrefix(name, "Access-Control-"), "no other origin may read an answer: %s of %s", name, a)
	}
	for _, cookie := range a.Cookies() {
		require.NotEqual(t, http.MethodGet, a.request.method, "a GET signs nobody in or out: %s", a)
		require.True(t, strings.HasPrefix(cookie.Name, "__Host-"), "%s", cookie)
		require.True(t, cookie.HttpOnly && cookie.Secure && cookie.SameSite == http.SameSiteLaxMode && cookie.Path == "/" && cookie.Domain == "", "%s", cookie.Raw)
		require.LessOrEqual(t, len(cookie.Name)+len(cookie.Value), 4096, "browsers drop longer cookies")
	}
	if a.StatusCode == http.StatusUnauthorized {
		require.Contains(t, a.Header.Get("WWW-Authenticate"), `Bearer realm="curfew"`, "%s", a)
	}
	if a.StatusCode == http.StatusServiceUnavailable || a.StatusCode == http.StatusTooManyRequests {
		require.Regexp(t, `^[1-9][0-9]*$`, a.Header.Get("Retry-After"), "%s", a)
		require.Empty(t, a.Header.Values("Set-Cookie"), "an outage takes nobody's cookies: %s", a)
		require.Empty(t, a.Header.Get("Clear-Site-Data"), "an outage signs nobody out: %s", a)
	}
}

func (a *answer) requireProblemDocument() {
	t := a.h.t
	t.Helper()
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), "%s", a)
	if a.request.method == http.MethodHead {
		return
	}
	var p httpapi.Problem
	a.into(a.StatusCode, &p)
	require.Equal(t, a.StatusCode, p.Status)
	require.Equal(t, a.Header.Get("X-Request-Id"), p.RequestId)
	require.Equal(t, "/api/docs#"+p.Code, p.Type)
	require.Equal(t, http.StatusText(a.StatusCode), p.Title)
	require.NotEmpty(t, p.Detail)
}

// routes are the calls that are mounted, in the contract's spelling, as in "DELETE
// /api/sessions/{id}". HEAD is part of GET.
func (h *deployment) routes() []string {
	var found []string
	for _, route := range h.echo.Routes() {
		pages := route.Path == "/*" // which are no part of the API
		if !pages && route.Method != http.MethodHead {
			found = append(found, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	slices.Sort(found)
	return found
}

var parameter = regexp.MustCompile(`:(\w+)`)
