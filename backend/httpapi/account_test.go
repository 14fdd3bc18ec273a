package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// ASVS 6.2.2, 6.2.3, 7.4.3, 7.5.1
func TestANewPassword(t *testing.T) {
	h := open(t, options{})
	mine, other := h.program(member.Plain), h.program(member.Plain)
	change := func(current, next string) *answer {
		return mine.put("/api/account/password", map[string]any{"currentPassword": current, "newPassword": next})
	}
	old := credentials(member.Plain, httpapi.TransportBearer).Password
	change("wrong", newPassword).requireProblem(http.StatusForbidden, "bad_credentials")
	change(old, "short").requireFields("newPassword min")
	other.requireLive()

	var ended httpapi.SessionsEnded
	change(old, newPassword).into(http.StatusOK, &ended)
	require.EqualValues(t, 1, ended.SessionsEnded)
	mine.requireLive()
	problem := other.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonCredentialChanged, problem.Ended.Reason)
	h.stranger().post("/api/sessions", credentials(member.Plain, httpapi.TransportBearer)).requireProblem(http.StatusUnauthorized, "bad_credentials")
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Plain), "password": newPassword}).requireStatus(http.StatusCreated)
}

// ASVS 6.3.5, 8.2.2
func TestMyActivityIsMine(t *testing.T) {
	h := open(t, options{})
	mine, theirs := h.program(member.Plain), h.program(member.Owner)
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Plain), "password": "wrong"}).requireStatus(http.StatusUnauthorized)
	var page httpapi.AuditPage
	mine.get("/api/account/activity").into(http.StatusOK, &page)
	var actions []string
	for _, entry := range page.Items {
		actions = append(actions, entry.Action)
	}
	require.Equal(t, []string{"session.refused", "session.started"}, actions)
	theirs.get("/api/account/activity").into(http.StatusOK, &page)
	require.Len(t, page.Items, 1)
}

// The use of the invitation made the account: it is no notice, and nothing before it concerns the
// member.
func TestANewcomerIsToldOfNothingBeforeTheirAccount(t *testing.T) {
	h := open(t, options{})
	revokeAll := func() {
		h.clock.advance(time.Minute)
		h.program(member.Owner).post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
		h.clock.advance(time.Minute)
	}
	revokeAll()
	var invitation httpapi.Invitation
	h.program(member.Owner).post("/api/members", map[string]any{"name": "Ben", "email": "ben@example.org", "role": "member"}).
		into(http.StatusCreated, &invitation)
	revokeAll()
	id := invitation.Member.Id
	accept := func(status int) *answer {
		link := h.program(member.Owner).issueLink(id)
		return h.stranger().post("/api/invitations/accept", map[string]any{"token": link, "password": newPassword, "transport": "bearer"}).requireStatus(status)
	}
	actions := func(c *client, path string) (found []string) {
		var page httpapi.AuditPage
		c.get(path).into(http.StatusOK, &page)
		for _, entry := range page.Items {
			found = append(found, entry.Action)
		}
		return found
	}

	ben := h.stranger()
	ben.keep(accept(http.StatusCreated).signedIn(http.StatusCreated)) // by a second link: the first was not used
	require.Empty(t, actions(ben, "/api/account/notices"))
	began := []string{"session.started", "member.link_used", "member.link_issued", "member.invited"}
	require.Equal(t, began, actions(ben, "/api/account/activity"))

	revokeAll()
	accept(http.StatusOK)
	ben = h.stranger()
	ben.keep(ben.post("/api/sessions", map[string]any{"email": "ben@example.org", "password": newPassword, "transport": "bearer"}).
		signedIn(http.StatusCreated))
	require.Equal(t, []string{"member.link_used"}, actions(ben, "/api/account/notices"), "a reset is news")
	require.Equal(t, append([]string{"session.started", "member.link_used", "member.link_issued", "sessions.revoked_all"}, began...),
		actions(ben, "/api/account/activity"))
}

func TestMyActivityTellsWhatOthersDidToMySessions(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	other, admin := h.program(member.Plain), h.program(member.Admin)
	admin.delete("/api/sessions/" + other.id()).requireStatus(http.StatusNoContent)
	h.clock.advance(time.Minute)
	admin.post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
	mine := h.program(member.Plain)

	var page httpapi.AuditPage
	mine.get("/api/account/activity").into(http.StatusOK, &page)
	var lines []string
	for _, entry := range page.Items {
		lines = append(lines, strings.TrimSpace(entry.Action+" by "+entry.Actor.Name+" "+entry.Address))
	}
	require.Equal(t, []string{
		"session.started by The member 192.0.2.10", "sessions.revoked_all by The admin", "session.ended by The admin",
		"session.started by The member 192.0.2.10", "session.started by The member 192.0.2.10",
	}, lines, "an admin's address is not the member's to know")

	// What an auditor finds about the member is who did what to them, from where, and not what
	// happened to everybody.
	auditor := h.program(member.Auditor)
	auditor.get("/api/audit?action=session.ended&member="+mine.requireLive().Member.Id).into(http.StatusOK, &page)
	require.Len(t, page.Items, 1)
	require.Equal(t, "192.0.2.10", page.Items[0].Address)
	auditor.get("/api/audit?action=sessions.revoked_all&member="+mine.requireLive().Member.Id).into(http.StatusOK, &page)
	require.Empty(t, page.Items)
	auditor.get("/api/audit?member=018f0000-0000-7000-8000-000000000000").into(http.StatusOK, &page)
	require.Empty(t, page.Items)
}

// ASVS 16.2.4
func TestTheAuditLogIsFilteredPagedAndExported(t *testing.T) {
	h := open(t, options{})
	auditor, plain := h.program(member.Auditor), h.program(member.Plain)
	h.clock.advance(time.Minute)
	later := h.clock.Now()
	owner := h.program(member.Owner)
	h.exec("UPDATE members SET name = '=HYPERLINK(\"http://evil\")' WHERE role = 'owner'")
	h.restart()
	owner.post("/api/sessions/revoke-others", nil).requireStatus(http.StatusOK)
	owner.delete("/api/session").requireStatus(http.StatusNoContent)

	list := func(query string) (entries []httpapi.AuditEntry) {
		for target := "/api/audit?limit=2" + query; target != ""; {
			var page httpapi.AuditPage
			auditor.get(target).into(http.StatusOK, &page)
			require.LessOrEqual(t, len(page.Items), 2)
			entries = append(entries, page.Items...)
			target = ""
			if page.NextCursor != nil {
				target = "/api/audit?limit=2" + query + "&cursor=" + *page.NextCursor
			}
		}
		return entries
	}
	require.Len(t, list(""), 4)
	require.Len(t, list("&action=session.started"), 3)
	require.Len(t, list("&member="+plain.requireLive().Member.Id), 1)
	require.Len(t, list("&since="+later.Format(time.RFC3339)), 2)
	require.Len(t, list("&until="+later.Format(time.RFC3339)), 2)
	require.Empty(t, list("&action=database.restored"))
	auditor.get("/api/audit?since=yesterday", malformed).requireFields("since datetime")
	auditor.get("/api/audit?format=xml", malformed).requireFields("format oneof")

	file := auditor.get("/api/audit?format=csv").requireStatus(http.StatusOK).body
	require.True(t, bytes.HasPrefix(file, []byte("\ufeffsequence,at,")), "with a byte order mark, so that spreadsheets take it for UTF-8")
	require.Equal(t, bytes.Count(file, []byte("\n")), bytes.Count(file, []byte("\r\n")), "as RFC 4180 has it")
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "userAgent", rows[0][7])
	require.Equal(t, "curfew-test", rows[4][7])
	require.Regexp(t, `^20..-..-..T..:..:..\....Z$`, rows[4][1])
	require.Len(t, rows, 1+4)
	require.Equal(t, "session.ended", rows[1][2])
	require.Equal(t, `'=HYPERLINK("http://evil")`, rows[1][4], "no formula for the program that opens it")
	lines := strings.Split(strings.TrimSpace(string(auditor.get("/api/audit?format=jsonl").requireStatus(http.StatusOK).body)), "\n")
	require.Len(t, lines, 1+4, "with the export before")
	for i, line := range lines {
		var entry httpapi.AuditEntry
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		require.EqualValues(t, 5-i, entry.Sequence)
	}
}

// ASVS 7.3.2
func TestThePreviewOfAPolicy(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.clock.advance(2 * time.Hour)
	auditor := h.program(member.Auditor)
	var preview httpapi.PolicyPreview
	auditor.post("/api/settings/security/preview", policy(1, "hours", true)).into(http.StatusOK, &preview)
	require.Equal(t, httpapi.SessionSummary{Sessions: 2, Members: 2}, preview.Live)
	require.Equal(t, httpapi.SessionSummary{Sessions: 1, Members: 1}, preview.AtOnce)
	require.False(t, preview.Yours)
	require.False(t, preview.Loosens)
	require.EqualValues(t, 2, preview.Remaining[0].Before)
	require.EqualValues(t, 1, preview.Remaining[0].After)
	met := map[string]bool{}
	for _, g := range preview.Guidelines {
		met[g.Key] = g.Met
	}
	require.True(t, met["asvs-7.3.1"])
	require.False(t, met["asvs-7.3.2"], "a session in use never ends by itself")
	auditor.post("/api/settings/security/preview", policy(0, "hours", true), malformed).requireFields("sessionLength.value min")
}
