package httpapi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// audited reads the chain as it is stored, and works out every hash of it again.
func (h *house) audited() (entries []audit.Entry) {
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
	c.renew().requireStatus(http.StatusOK) // no entry: it changes nothing that anybody would ask about
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

// Refused authorization, throttling and requests of other origins stand in the log of a server in production (ASVS 16.3).
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
