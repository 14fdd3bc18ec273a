package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/store"
)

// audited reads the chain as it is stored, and works out every hash of it again.
func (h *deployment) audited() (entries []audit.Entry) {
	h.t.Helper()
	rows, err := h.sql.QueryContext(h.t.Context(), "SELECT sequence, at, action, actor_id, actor_name, target, address, details, hash FROM audit_entries ORDER BY sequence")
	require.NoError(h.t, err)
	defer func() { require.NoError(h.t, rows.Close()) }()
	var last audit.Entry
	for rows.Next() {
		var (
			stored   audit.Entry
			at       int64
			details  string
			hash     []byte
			sequence int64
		)
		require.NoError(h.t, rows.Scan(&sequence, &at, &stored.Action, &stored.Actor.ID, &stored.Actor.Name, &stored.Target, &stored.Address, &details, &hash))
		stored.At = time.UnixMilli(at)
		require.NoError(h.t, json.Unmarshal([]byte(details), &stored.Details))
		sealed, err := audit.Seal(last.Sequence, last.Hash, stored.Event)
		require.NoError(h.t, err)
		require.Equal(h.t, sequence, sealed.Sequence, "without gaps")
		require.True(h.t, bytes.Equal(hash, sealed.Hash[:]), "entry %d (%s) is not what was sealed", sequence, stored.Action)
		entries, last = append(entries, sealed), sealed
	}
	require.NoError(h.t, rows.Err())
	return entries
}

// ASVS 16.2.1, 16.2.2, 16.2.5, 16.3.1
func TestWhatHappensIsAudited(t *testing.T) {
	h := open(t, options{unclaimed: true, logLevel: slog.LevelDebug})
	var secrets []string
	secret := func(texts ...string) {
		for _, text := range texts {
			require.NotEmpty(t, text)
			secrets = append(secrets, text)
		}
	}
	secret(setupToken, password)
	var want []string
	happened := func(action audit.Action, actor, target string) {
		want = append(want, strings.Join([]string{string(action), actor, target}, " | "))
	}

	var made httpapi.SetupResult
	c := h.stranger()
	c.post("/api/setup", firstOwner()).into(http.StatusCreated, &made)
	c.post("/api/setup", firstOwner()).requireStatus(http.StatusConflict) // which changed nothing, and is not audited
	who, owner := "member:"+made.Member.Id, "Olga"
	happened(audit.OrganizationSetUp, owner, who)

	wrong := httpapi.SignInRequest{Email: "olga@example.org", Password: "wrong but still a secret"}
	c.post("/api/sessions", wrong).requireStatus(http.StatusUnauthorized)
	secret(wrong.Password)
	happened(audit.SessionRefused, "nobody", who)
	typo := httpapi.SignInRequest{Email: "a password typed into the wrong field", Password: "x"}
	c.post("/api/sessions", typo).requireStatus(http.StatusUnauthorized)
	secret(typo.Email)
	happened(audit.SessionRefused, "nobody", "")

	c.post("/api/sessions", httpapi.SignInRequest{Email: "olga@example.org", Password: password}).requireStatus(http.StatusCreated)
	secret(c.cookies[accessCookie], c.cookies[refreshCookie], c.cookies[deviceCookie])
	session := "session:" + c.id()
	happened(audit.SessionStarted, owner, session)
	c.renew().requireStatus(http.StatusOK) // no entry: it is not a change
	secret(c.cookies[accessCookie], c.cookies[refreshCookie])

	bearer := httpapi.TransportBearer
	p := h.stranger()
	p.keep(p.post("/api/sessions", httpapi.SignInRequest{Email: "olga@example.org", Password: password, Transport: &bearer}).signedIn(http.StatusCreated))
	secret(p.access, p.refresh)
	other := "session:" + p.id()
	happened(audit.SessionStarted, owner, other)

	c.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: wrong.Password}).requireStatus(http.StatusForbidden)
	happened(audit.ReauthenticationRefused, "nobody", who)
	c.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password}).requireStatus(http.StatusOK)
	happened(audit.Reauthenticated, owner, session)

	c.savePolicy(policy(7, "days", true))
	happened(audit.PolicySaved, owner, "organization")
	c.put("/api/settings/security", nil, raw(`{}`)).requireStatus(http.StatusUnprocessableEntity)
	c.put("/api/settings/security", policy(6, "days", true), header("If-Match", `"1"`)).requireStatus(http.StatusPreconditionFailed)

	c.delete("/api/sessions/" + strings.TrimPrefix(other, "session:")).requireStatus(http.StatusNoContent)
	happened(audit.SessionEnded, owner, other)
	p.get("/api/session").requireStatus(http.StatusUnauthorized)
	c.revokeAll("a drill")
	happened(audit.SessionsRevokedAll, owner, "organization")

	entries := h.audited()
	var found []string
	for _, e := range entries {
		found = append(found, strings.Join([]string{string(e.Action), e.Actor.Name, e.Target}, " | "))
		require.Equal(t, "192.0.2.10", e.Address)
		require.Equal(t, h.clock.Now(), e.At.UTC())
	}
	require.Equal(t, want, found)
	saved := entries[7].Details
	require.Equal(t, "14 days", saved["before"].(map[string]any)["sessionLength"])
	require.Equal(t, "7 days", saved["after"].(map[string]any)["sessionLength"])

	database := h.text("SELECT * FROM audit_entries") + h.text("SELECT * FROM sessions") + h.text("SELECT * FROM members") +
		h.text("SELECT * FROM organization") + h.text("SELECT * FROM revocations") + h.text("SELECT * FROM attempts")
	log := h.log.String()
	require.Contains(t, log, `"msg":"request"`, "the log is at debug level")
	require.Greater(t, len(secrets), 10)
	for _, secret := range secrets {
		require.NotContains(t, database, secret)
		require.NotContains(t, log, secret)
	}
}

// TestNamesBreakNoLine holds that what people enter stays one value of one line (ASVS 16.4.1).
//
// ASVS 16.4.1
func TestNamesBreakNoLogLine(t *testing.T) {
	h := open(t, options{logLevel: slog.LevelDebug})
	c := h.stranger()
	c.agent = "agent\x1b[31m\"}"
	c.post("/api/sessions", httpapi.SignInRequest{Email: "a\r\n{\"level\":\"ERROR\"}", Password: "x"}).requireStatus(http.StatusUnauthorized)
	c.get("/api/%0a%7b%22level%22:%22ERROR%22%7d").requireStatus(http.StatusNotFound)
	c.get("/api/\u2028?token=secret-in-a-query").requireStatus(http.StatusNotFound)
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	require.GreaterOrEqual(t, len(lines), 3)
	for _, line := range lines {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), "%s", line)
		require.NotEqual(t, "ERROR", entry["level"])
		require.NotEmpty(t, entry["msg"])
	}
	require.NotContains(t, h.log.String(), "secret-in-a-query")
	h.audited()
}

// Refused authorization, throttling and requests of other origins stand in the log of a server in
// production (ASVS 16.3).
//
// ASVS 16.3.2, 16.3.3
func TestRefusalsOfSecurityAreInTheLog(t *testing.T) {
	h := open(t, options{})
	plain := h.browser(member.Plain)
	plain.get("/api/settings/security").requireStatus(http.StatusForbidden)
	for range 11 {
		plain.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: "a guess that is wrong"})
	}
	for _, code := range []string{"forbidden", "bad_credentials", "too_many_attempts"} {
		require.Contains(t, h.log.String(), `"code":"`+code+`"`)
	}
	require.Contains(t, h.log.String(), `"address":"192.0.2.10"`)
}

// What only reads, and what is refused, leaves nothing behind; what ends by itself is audited too.
func TestAnEntryNamesTheClientInWords(t *testing.T) {
	h := open(t, options{})
	c := h.stranger()
	c.post("/api/sessions", credentials(member.Admin, "cookie")).requireStatus(http.StatusCreated)
	var page httpapi.AuditPage
	c.get("/api/account/activity").into(http.StatusOK, &page)
	started := page.Items[0]
	require.Equal(t, "curfew-test", started.Client.Browser)
	require.Equal(t, started.Address, started.Client.Address)
	c.put("/api/settings/security", policy(3, "days", true)).requireStatus(http.StatusOK)
	var later httpapi.AuditPage
	c.get("/api/account/activity").into(http.StatusOK, &later)
	require.Equal(t, string(audit.PolicySaved), later.Items[0].Action)
	require.Nil(t, later.Items[0].Client, "nothing is said of it there")
}

func TestAnExpiryIsAuditedOnce(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Plain)
	h.clock.advance(14 * 24 * time.Hour)
	for range 3 {
		p.renew().requireProblem(http.StatusUnauthorized, "session_expired")
	}
	_, err := h.sessions.Sweep(t.Context())
	require.NoError(t, err)
	entries := h.audited()
	require.Len(t, entries, 2)
	require.Equal(t, audit.SessionEnded, entries[1].Action)
	require.Equal(t, audit.System, entries[1].Actor)
	require.Equal(t, "expired", entries[1].Details["reason"])
}

// chain is what the server says of the chain of hashes.
func (c *client) chain() (state httpapi.AuditChain) {
	c.h.t.Helper()
	c.get("/api/audit/chain").into(http.StatusOK, &state)
	return state
}

func TestTheChainOfHashesIsChecked(t *testing.T) {
	h := open(t, options{})
	auditor := h.program(member.Auditor)
	for range 3 {
		h.program(member.Plain)
	}
	state := auditor.chain()
	require.True(t, state.Intact)
	require.Nil(t, state.Broken)
	require.EqualValues(t, 4, state.Entries)
	require.Equal(t, h.clock.Now(), state.CheckedAt)
	entries := h.audited()
	require.Equal(t, entries[3].Hash.String(), state.Head)

	h.exec("UPDATE audit_entries SET actor_name = 'Somebody else' WHERE sequence = 3")
	state = auditor.chain()
	require.False(t, state.Intact)
	require.EqualValues(t, 3, state.Broken.Sequence)
	require.Regexp(t, "^altered: ", state.Broken.Reason)
	require.EqualValues(t, 2, state.Entries)
	require.Contains(t, h.log.String(), "the audit log is not what it was")
}

// TestEveryActionFitsTheChain does everything that is recorded, and then reads the chain: what is
// read back from the store has to give the hash that was made of what was written.
func TestEveryActionFitsTheChain(t *testing.T) {
	h := open(t, options{unclaimed: true})
	require.NoError(t, h.recordEveryAction())
	var recorded []string
	for _, entry := range h.audited() {
		recorded = append(recorded, string(entry.Action))
	}
	slices.Sort(recorded)
	require.Equal(t, everyAction(t), slices.Compact(recorded))
	found, err := audit.Check(t.Context(), h.db)
	require.NoError(t, err)
	require.Nil(t, found.Broken)
	require.Greater(t, found.Entries, int64(15))
}

// everyAction reads the names from the source, so that a new one has to be thought about.
func everyAction(t *testing.T) (actions []string) {
	source, err := os.ReadFile("../audit/audit.go")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`Action = "([a-z_.]+)"`).FindAllStringSubmatch(string(source), -1) {
		actions = append(actions, found[1])
	}
	slices.Sort(actions)
	require.Greater(t, len(actions), 10)
	return actions
}

// recordEveryAction goes past the contract's judge, which has no part in this.
func (h *deployment) recordEveryAction() error {
	owner := h.stranger()
	owner.send(http.MethodPost, "/api/setup", map[string]any{
		"setupToken": setupToken, "organization": organization, "name": "Ana <&>\u2028", "email": email(member.Owner), "password": password,
	})
	as := func(address, password string) *client {
		c := h.stranger()
		a := c.send(http.MethodPost, "/api/sessions", map[string]any{"email": address, "password": password, "transport": "bearer"})
		if a.StatusCode == http.StatusCreated {
			c.keep(a.signedIn(http.StatusCreated))
		}
		return c
	}
	owner = as(email(member.Owner), password)
	as(email(member.Owner), "wrong")
	owner.send(http.MethodPost, "/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: "wrong"})
	owner.send(http.MethodPost, "/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password})
	owner.send(http.MethodPut, "/api/settings/security", policy(12, "hours", true))
	owner.send(http.MethodPut, "/api/account/password", httpapi.PasswordRequest{CurrentPassword: password, NewPassword: newPassword})

	var invitation httpapi.Invitation
	invited := owner.send(http.MethodPost, "/api/members", map[string]any{"name": "Ben", "email": "ben@example.org", "role": "member"})
	if err := json.Unmarshal(invited.body, &invitation); err != nil {
		return err
	}
	accept := func(link, password string) {
		h.stranger().send(http.MethodPost, "/api/invitations/accept", map[string]any{"token": secretOf(h.t, link), "password": password})
	}
	accept(invitation.Link, newPassword)
	ben := "/api/members/" + invitation.Member.Id
	as("ben@example.org", newPassword)
	as("ben@example.org", newPassword)
	owner.send(http.MethodPost, ben+"/revoke-sessions", nil)
	as("ben@example.org", newPassword)
	issued := owner.send(http.MethodPost, ben+"/link", nil)
	if err := json.Unmarshal(issued.body, &invitation); err != nil {
		return err
	}
	accept(invitation.Link, newPassword)
	app := owner.enrol()
	h.stranger().send(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Owner), "password": newPassword, "code": app.codes[0]})
	owner.send(http.MethodPost, "/api/account/second-factor/recovery-codes", nil)
	owner.send(http.MethodPut, "/api/settings/sign-in", map[string]any{"requireSecondFactor": true})
	owner.send(http.MethodPut, "/api/settings/sign-in", map[string]any{"requireSecondFactor": false})
	owner.send(http.MethodPut, "/api/settings/guidelines", map[string]any{"applies": []string{"nist-aal2"}})
	owner.send(http.MethodDelete, "/api/account/second-factor", nil)
	owner.send(http.MethodDelete, "/api/account/passkeys/"+owner.newDevice().name(), nil)
	owner.send(http.MethodPatch, ben, map[string]any{"active": false})
	owner.send(http.MethodDelete, ben, nil)
	owner.send(http.MethodPut, "/api/settings/general", map[string]any{"name": "Another name"})
	owner.send(http.MethodPut, "/api/settings/logo", drawn(3, 2))
	owner.send(http.MethodGet, "/api/sessions?scope=all&format=csv", nil)
	owner.send(http.MethodPost, "/api/sessions/revoke-matching", map[string]any{"confirmed": 5})
	owner = as(email(member.Owner), newPassword)
	owner.send(http.MethodPost, "/api/overview/dismiss", map[string]any{"kind": "backup"})
	owner.send(http.MethodPost, "/api/sessions/revoke-all", httpapi.RevokeAllRequest{})
	id, err := member.ParseID(as(email(member.Owner), newPassword).requireLive().Member.Id)
	if err != nil {
		return err
	}
	if _, _, err = h.members.Reset(h.t.Context(), id); err != nil {
		return err
	}
	h.operator().send(http.MethodGet, "/api/audit?format=jsonl", nil)
	h.operator().send(http.MethodGet, "/api/members?format=csv", nil)
	h.operator().send(http.MethodPost, "/api/backup", httpapi.BackupRequest{File: filepath.Join(h.t.TempDir(), "backup.db")})
	if err := h.db.Record(h.t.Context(), audit.Event{At: h.clock.Now(), Action: audit.ChainRepaired, Actor: audit.System, Target: "organization"}); err != nil {
		return err // a migration does
	}
	h.ahead = time.Hour
	h.operator().send(http.MethodPost, "/api/clock/accept", nil)
	_, err = h.db.InvalidateSessions(h.t.Context(), store.Marks{}, store.Contents{}, audit.Event{At: h.clock.Now(), Action: audit.Restored, Actor: audit.Operator, Target: "organization"})
	return err
}

// TestExportsAreStreamed reads a large log as slowly as the server bears, over a real connection
// whose own limits are much shorter, and looks at the server's memory all the while.
func TestExportsAreStreamed(t *testing.T) {
	const entries = 45_000
	h := open(t, options{})
	auditor := h.program(member.Auditor)
	h.fillLog(entries)
	server := h.overTCP(func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond })

	for _, format := range []string{"csv", "jsonl"} {
		lines := entries + 3 // with a sign-in, the export itself, as the others come after it in time, and a heading or the export before
		t.Run(format, func(t *testing.T) {
			begun, before := time.Now(), heap()
			answer := auditor.over(server, "/api/audit?format="+format)
			defer func() { require.NoError(t, answer.Body.Close()) }()
			require.Equal(t, http.StatusOK, answer.StatusCode)
			var (
				read, counted int
				most          uint64
				chunk         = make([]byte, 512<<10)
			)
			for {
				n, err := io.ReadFull(answer.Body, chunk)
				read, counted = read+n, counted+bytes.Count(chunk[:n], []byte("\n"))
				most = max(most, heap())
				time.Sleep(50 * time.Millisecond)
				if err != nil {
					require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n > 0, "%v", err)
					break
				}
			}
			require.Equal(t, lines, counted)
			require.Greater(t, time.Since(begun), 600*time.Millisecond, "it has to outlast the server's limits to show anything")
			require.Greater(t, read, 15<<20)
			require.Less(t, most, before+11<<20, "the export is held in memory")
		})
	}
}

// TestAnExportThatBreaksOffShows: neither an outage in the middle nor a client who stops reading
// leaves a file that looks whole.
func TestAnExportThatBreaksOffShows(t *testing.T) {
	disk := &tearing{}
	h := open(t, options{patience: 100 * time.Millisecond, storage: func(db *store.DB) storage { disk.DB = db; return disk }})
	auditor := h.program(member.Auditor)
	h.fillLog(30_000)
	server := h.overTCP(func(*http.Server) {})

	for _, format := range []string{"csv", "jsonl"} {
		disk.pages.Store(3)
		answer := auditor.over(server, "/api/audit?format="+format)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		part, err := io.ReadAll(answer.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotEmpty(t, part)
		require.NoError(t, answer.Body.Close())
		require.Contains(t, h.log.String(), "an export broke off")
	}

	disk.pages.Store(1000)
	answer := auditor.over(server, "/api/audit?format=jsonl")
	for left := int32(0); left != disk.pages.Load(); time.Sleep(500 * time.Millisecond) {
		left = disk.pages.Load()
	}
	require.Greater(t, disk.pages.Load(), int32(1000-60), "nobody reads, and it goes on")
	_, err := io.ReadAll(answer.Body)
	require.Error(t, err)
	require.NoError(t, answer.Body.Close())
}

// tearing is the real store, which gives so many pages of the log and then fails.
type tearing struct {
	*store.DB
	pages atomic.Int32
}

func (d *tearing) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	return unless(d.at(), func() ([]audit.Entry, error) { return d.DB.Entries(ctx, filter) })
}

func (d *tearing) at() error {
	if d.pages.Add(-1) < 0 {
		return diskError{}
	}
	return nil
}

// TestAnExportIsRecorded with what it picks, and has what there was before it.
func TestAnExportIsRecorded(t *testing.T) {
	h := open(t, options{})
	auditor := h.program(member.Auditor)
	last := func() audit.Entry {
		entries := h.audited()
		return entries[len(entries)-1]
	}
	auditor.get("/api/audit?action=session.started").requireStatus(http.StatusOK)
	auditor.do(http.MethodHead, "/api/audit?format=csv", nil).requireStatus(http.StatusOK)
	require.Equal(t, audit.SessionStarted, last().Action, "a page is no export, and neither is a HEAD")

	file := auditor.get("/api/audit?format=csv&since=2026-01-01T00:00:00Z").requireStatus(http.StatusOK)
	entry := last()
	require.Equal(t, audit.Exported, entry.Action)
	require.Equal(t, name(member.Auditor), entry.Actor.Name)
	require.Equal(t, "192.0.2.10", entry.Address)
	require.Equal(t, map[string]any{"format": "csv", "filters": map[string]any{"since": "2026-01-01T00:00:00Z"}}, entry.Details)
	require.NotContains(t, string(file.body), entry.Hash.String())

	h.operator().get("/api/audit?format=jsonl").requireStatus(http.StatusOK)
	require.Equal(t, audit.Operator, last().Actor)
	require.Equal(t, map[string]any{"format": "jsonl", "filters": map[string]any{}}, last().Details)
}

// TestAnExportEndsWithItsSession: at the next 500 entries, and in the middle of a chunk, so that
// the file does not look whole.
func TestAnExportEndsWithItsSession(t *testing.T) {
	for how, end := range map[string]func(h *deployment, auditor *client){
		"revoked":     func(h *deployment, auditor *client) { h.browser(member.Admin).revokeAll("") },
		"demoted":     func(h *deployment, auditor *client) { h.change(auditor, map[string]any{"role": "member"}) },
		"deactivated": func(h *deployment, auditor *client) { h.change(auditor, map[string]any{"active": false}) },
		"signed out":  func(h *deployment, auditor *client) { auditor.send(http.MethodDelete, "/api/session", nil) },
	} {
		for _, format := range []string{"csv", "jsonl"} {
			t.Run(how+", "+format, func(t *testing.T) {
				disk := &turning{}
				h := open(t, options{storage: func(db *store.DB) storage { disk.DB = db; return disk }})
				auditor := h.program(member.Auditor)
				auditor.requireLive()
				h.fillLog(3_000)
				disk.at(3, func() { end(h, auditor) })
				answer := auditor.over(h.overTCP(func(*http.Server) {}), "/api/audit?format="+format)
				require.Equal(t, http.StatusOK, answer.StatusCode)
				_, err := io.ReadAll(answer.Body)
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				require.NoError(t, answer.Body.Close())
				require.EqualValues(t, 3, disk.pages.Load(), "it went on")
				require.Contains(t, h.log.String(), `"level":"WARN","msg":"an export broke off"`)
			})
		}
	}
}

// change has the owner change the member who is signed in on the client.
func (h *deployment) change(c *client, wish map[string]any) {
	id := c.send(http.MethodGet, "/api/session", nil, passive)
	var current httpapi.CurrentSession
	require.NoError(h.t, json.Unmarshal(id.body, &current))
	owner := h.program(member.Owner)
	require.Equal(h.t, http.StatusOK, owner.send(http.MethodPatch, "/api/members/"+current.Member.Id, wish).StatusCode)
}

// turning is the real store, which does something once it has given so many pages of an export.
type turning struct {
	*store.DB
	pages, when atomic.Int32
	do          func()
}

func (d *turning) at(pages int32, do func()) {
	d.do = do
	d.when.Store(pages)
}

func (d *turning) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	entries, err := d.DB.Entries(ctx, filter)
	if filter.Limit == 501 && d.pages.Add(1) == d.when.Load() {
		d.do()
	}
	return entries, err
}

// TestALongCheckIsAnswered: also where it takes longer than the server gives an answer.
func TestALongCheckIsAnswered(t *testing.T) {
	h := open(t, options{storage: func(db *store.DB) storage { return &sluggish{db} }})
	auditor := h.program(member.Auditor)
	server := h.overTCP(func(s *http.Server) { s.WriteTimeout = 100 * time.Millisecond })
	answer := auditor.over(server, "/api/audit/chain")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.NoError(t, answer.Body.Close())
}

// sluggish is the real store, which takes its time to read the chain.
type sluggish struct{ *store.DB }

func (d *sluggish) LastReceipt(ctx context.Context) (int64, error) {
	time.Sleep(300 * time.Millisecond)
	return d.DB.LastReceipt(ctx)
}

func TestAnExportOfNothingHasItsHeader(t *testing.T) {
	h := open(t, options{})
	auditor := h.program(member.Auditor)
	csv := auditor.get("/api/audit?format=csv&action=database.restored").requireStatus(http.StatusOK)
	require.Equal(t, "\ufeffsequence,at,action,actorId,actorName,target,address,userAgent,details,hash\r\n", string(csv.body))
	require.Empty(t, auditor.get("/api/audit?format=jsonl&member=018f0000-0000-7000-8000-000000000000").requireStatus(http.StatusOK).body)
}

// fillLog adds entries that are long enough to count; their hashes are none.
func (h *deployment) fillLog(entries int) {
	h.t.Helper()
	h.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO audit_entries (sequence, at, action, actor_id, actor_name, target, address, details, hash)
		SELECT 1000 + i, ? + i, 'session.refused', '', 'nobody', '', '192.0.2.1', json_object('userAgent', hex(zeroblob(100))), zeroblob(32) FROM n`,
		entries, h.clock.Now().UnixMilli())
}

// overTCP serves the deployment at a real address.
func (h *deployment) overTCP(change func(*http.Server)) *httptest.Server {
	server := httptest.NewUnstartedServer(h.echo)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	// So the network buffers little that is unread; it would hold most of an export otherwise.
	server.Config.ConnContext = func(ctx context.Context, connection net.Conn) context.Context {
		require.NoError(h.t, connection.(*net.TCPConn).SetWriteBuffer(64<<10))
		return ctx
	}
	change(server.Config)
	server.Start()
	h.t.Cleanup(server.Close)
	return server
}

// over makes the call at a real address.
func (c *client) over(server *httptest.Server, target string) *http.Response {
	c.h.t.Helper()
	r, err := http.NewRequestWithContext(c.h.t.Context(), http.MethodGet, server.URL+target, nil)
	require.NoError(c.h.t, err)
	r.Header.Set("Authorization", "Bearer "+c.access)
	answer, err := server.Client().Do(r)
	require.NoError(c.h.t, err)
	return answer
}

// heap is how much a collection of garbage has just found in use, without what was allocated since.
func heap() uint64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
