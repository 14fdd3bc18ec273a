package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
)

const newPassword = "a password of my own"

// invite invites as the owner and returns the secret of the link.
func (h *deployment) invite(by *client, address string, role httpapi.Role) (httpapi.Invitation, string) {
	h.t.Helper()
	var invitation httpapi.Invitation
	by.post("/api/members", map[string]any{"name": "Ben", "email": address, "role": role}).into(http.StatusCreated, &invitation)
	before, secret, found := strings.Cut(invitation.Link, "#token=")
	require.True(h.t, found)
	require.Equal(h.t, "https://curfew.example.org/accept-invitation", before, "from the settings, whatever the request's Host says")
	return invitation, secret
}

func (h *deployment) memberDetails(by *client, id string) (found httpapi.MemberDetails) {
	h.t.Helper()
	by.get("/api/members/"+id).into(http.StatusOK, &found)
	return found
}

// ASVS 14.2.1
func TestFromTheInvitationToTheFirstSignIn(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	invitation, secret := h.invite(owner, "ben@example.org", httpapi.RoleMember)
	require.Equal(t, httpapi.MemberDetailsStateInvited, invitation.Member.State)
	require.Equal(t, h.clock.Now().Add(7*24*time.Hour), invitation.ExpiresAt)
	owner.post("/api/members", map[string]any{"email": "BEN@example.org", "role": "member"}).requireProblem(http.StatusConflict, "email_taken")

	accept := func(secret string) *answer {
		return h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "name": "Benedict", "password": newPassword})
	}
	accept(secret[1:]).requireProblem(http.StatusGone, "link_invalid")
	h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "password": "short"}).requireFields("password min")
	accepted := accept(secret).signedIn(http.StatusCreated).Member
	require.Equal(t, "Benedict", accepted.Name)
	accept(secret).requireProblem(http.StatusGone, "link_used")

	h.stranger().post("/api/sessions", map[string]any{"email": "ben@example.org", "password": newPassword}).requireStatus(http.StatusCreated)
	details := h.memberDetails(owner, accepted.Id)
	require.Equal(t, httpapi.MemberDetailsStateActive, details.State)
	require.EqualValues(t, 2, details.Sessions)
	require.Nil(t, details.Link)
}

// ASVS 7.4.2, 8.2.3, 15.3.3
func TestAMemberIsChangedWhileSignedIn(t *testing.T) {
	h := open(t, options{})
	owner, plain := h.program(member.Owner), h.program(member.Plain)
	at := "/api/members/" + plain.requireLive().Member.Id
	patch := func(by *client, body map[string]any, changes ...change) *answer {
		return by.do(http.MethodPatch, at, body, changes...)
	}

	var changed httpapi.MemberDetails
	patch(owner, map[string]any{"role": "admin", "name": "Paula"}).into(http.StatusOK, &changed)
	require.Equal(t, httpapi.RoleAdmin, changed.Role)
	require.Equal(t, "Paula", plain.requireLive().Member.Name)
	plain.get("/api/settings/security").requireStatus(http.StatusOK)

	patch(plain, map[string]any{"role": "owner"}).requireProblem(http.StatusForbidden, "forbidden")
	patch(owner, map[string]any{"role": "emperor"}, malformed).requireProblem(http.StatusUnprocessableEntity, "invalid_input")
	patch(owner, map[string]any{"generation": 7}, malformed).requireProblem(http.StatusUnprocessableEntity, "unknown_field")

	patch(owner, map[string]any{"active": false}).into(http.StatusOK, &changed)
	require.Equal(t, httpapi.MemberDetailsStateDeactivated, changed.State)
	require.Zero(t, changed.Sessions)
	plain.get("/api/session").requireProblem(http.StatusUnauthorized, "member_deactivated")

	own := "/api/members/" + owner.requireLive().Member.Id
	owner.do(http.MethodPatch, own, map[string]any{"active": false}).requireProblem(http.StatusConflict, "last_owner")
	owner.requireLive()
}

// ASVS 7.4.5
func TestAMembersSessionsAreRevoked(t *testing.T) {
	h := open(t, options{})
	admin, plain := h.program(member.Admin), h.program(member.Plain)
	id := plain.requireLive().Member.Id
	var ended httpapi.SessionsEnded
	admin.post("/api/members/"+id+"/revoke-sessions", nil).into(http.StatusOK, &ended)
	require.EqualValues(t, 1, ended.SessionsEnded)
	problem := plain.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonRevokedMember, problem.Ended.Reason)
	require.Equal(t, name(member.Admin), *problem.Ended.By)
	admin.post("/api/members/00000000-0000-7000-8000-000000000000/revoke-sessions", nil).requireProblem(http.StatusNotFound, "not_found")
	admin.post("/api/members/nobody/link", nil).requireProblem(http.StatusNotFound, "not_found")
}

// ASVS 6.4.6
func TestAResetByALink(t *testing.T) {
	h := open(t, options{})
	admin, plain := h.program(member.Admin), h.program(member.Plain)
	id := plain.requireLive().Member.Id
	var issued httpapi.Invitation
	admin.post("/api/members/"+id+"/link", nil).into(http.StatusCreated, &issued)
	require.Equal(t, httpapi.WaitingLinkKindReset, issued.Member.Link.Kind)
	secret := secretOf(t, issued.Link)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "password": newPassword}).requireStatus(http.StatusOK)
	plain.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	owner := h.program(member.Owner).requireLive().Member.Id
	admin.post("/api/members/"+owner+"/link", nil).requireProblem(http.StatusForbidden, "forbidden")
}

func TestMembersArePaged(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	var names []string
	for target := "/api/members?limit=1"; target != ""; {
		var page httpapi.MemberPage
		owner.get(target).into(http.StatusOK, &page)
		for _, m := range page.Items {
			names = append(names, m.Name)
		}
		target = ""
		if page.NextCursor != nil {
			target = "/api/members?limit=1&cursor=" + *page.NextCursor
		}
	}
	require.Equal(t, []string{"The admin", "The auditor", "The member", "The owner"}, names)
	var found httpapi.MemberPage
	owner.get("/api/members?q=AUDIT").into(http.StatusOK, &found)
	require.Len(t, found.Items, 1)
	owner.get("/api/members?cursor=AAAA").requireFields("cursor invalid")
}

// TestMembersAreFiltered by what the page shows, with counts of what the other choices would find.
func TestMembersAreFiltered(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	h.program(member.Plain).enrol()
	auditor := h.program(member.Auditor)
	auditor.enrol()
	auditor.newDevice()
	h.invite(owner, "ben@example.org", httpapi.RoleMember)
	list := func(query string) (names []string, counts httpapi.MemberCounts) {
		var page httpapi.MemberPage
		owner.get("/api/members?"+query).into(http.StatusOK, &page)
		for _, m := range page.Items {
			names = append(names, m.Name)
		}
		require.EqualValues(t, len(names), page.Total)
		return names, page.Counts
	}

	names, counts := list("secondFactor=none")
	require.Equal(t, []string{"Ben", "The admin", "The owner"}, names)
	require.Equal(t, httpapi.MemberCounts{
		Role:         map[string]int64{"owner": 1, "admin": 1, "member": 1},
		State:        map[string]int64{"active": 2, "invited": 1},
		SecondFactor: map[string]int64{"none": 3, "app": 2, "passkey": 1},
	}, counts)
	names, counts = list("secondFactor=app&state=active&q=the")
	require.Equal(t, []string{"The auditor", "The member"}, names)
	require.Equal(t, map[string]int64{"none": 2, "app": 2, "passkey": 1}, counts.SecondFactor)
	require.Equal(t, map[string]int64{"active": 2}, counts.State)
	names, _ = list("secondFactor=passkey")
	require.Equal(t, []string{"The auditor"}, names)
	names, counts = list("secondFactor=none&role=auditor")
	require.Empty(t, names)
	require.Equal(t, map[string]int64{"app": 1, "passkey": 1}, counts.SecondFactor)
	owner.get("/api/members?secondFactor=sms", malformed).requireFields("secondFactor oneof")
}

// TestWhenAMemberWasLastSeen is known while they are signed in, after they left, and after everyone
// was signed out.
func TestWhenAMemberWasLastSeen(t *testing.T) {
	h := open(t, options{})
	owner, plain := h.program(member.Owner), h.program(member.Plain)
	id := plain.requireLive().Member.Id
	require.Nil(t, h.memberDetails(owner, h.memberIDs(owner)[email(member.Auditor)]).LastSeenAt, "they have never signed in")

	seen := h.clock.Now()
	h.clock.advance(time.Minute)
	plain.requireLive()
	require.Equal(t, seen, *h.memberDetails(owner, id).LastSeenAt, "that was no access")
	plain.get("/api/sessions").requireStatus(http.StatusOK)
	seen = h.clock.Now()
	require.Equal(t, seen, *h.memberDetails(owner, id).LastSeenAt)

	require.NoError(t, h.sessions.Flush(t.Context()))
	h.clock.advance(time.Minute)
	owner.post("/api/members/"+id+"/revoke-sessions", nil).requireStatus(http.StatusOK)
	details := h.memberDetails(owner, id)
	require.Zero(t, details.Sessions)
	require.Equal(t, seen, *details.LastSeenAt)
	owner.revokeAll("")
	require.Equal(t, seen, *h.memberDetails(h.program(member.Owner), id).LastSeenAt)
}

func TestWhoInvitedAMemberAndWhenTheyJoined(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	invitation, _ := h.invite(admin, "ben@example.org", httpapi.RoleMember)
	require.Nil(t, invitation.Member.InvitedBy)
	details := h.memberDetails(owner, invitation.Member.Id)
	require.Equal(t, name(member.Admin), details.InvitedBy.Name)
	require.Nil(t, details.JoinedAt)

	// Another link of another person's does not change who invited them.
	h.clock.advance(time.Minute)
	var again httpapi.Invitation
	owner.post("/api/members/"+details.Id+"/link", nil).into(http.StatusCreated, &again)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": secretOf(t, again.Link), "password": newPassword}).requireStatus(http.StatusCreated)
	joined := h.clock.Now()
	h.clock.advance(time.Minute)
	var reset httpapi.Invitation
	owner.post("/api/members/"+details.Id+"/link", nil).into(http.StatusCreated, &reset)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": secretOf(t, reset.Link), "password": newPassword + "!"}).requireStatus(http.StatusOK)
	details = h.memberDetails(owner, details.Id)
	require.Equal(t, name(member.Admin), details.InvitedBy.Name)
	require.Equal(t, joined, *details.JoinedAt)

	first := h.memberDetails(owner, owner.requireLive().Member.Id)
	require.Nil(t, first.InvitedBy)
	require.Equal(t, first.CreatedAt, *first.JoinedAt)
}

// TestMembersAreExported as the list has them, with its filters, and on the record.
func TestMembersAreExported(t *testing.T) {
	h := open(t, options{})
	owner, auditor := h.program(member.Owner), h.program(member.Auditor)
	auditor.enrol()
	var invitation httpapi.Invitation
	owner.post("/api/members", map[string]any{"name": `=HYPERLINK("x"),عمر`, "email": "-1@example.org", "role": "member"}).into(http.StatusCreated, &invitation)
	// more than one part of a file
	h.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
		INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, sort_name, search)
		SELECT printf('018f0000-0000-7000-8000-%012d', i), 'N', i || '@example.net', i || '@example.net', 'member', 'x', 1, 0, 'n', i || '@example.net' FROM n`)

	rows := func(query string) [][]string {
		file := auditor.get("/api/members?format=csv" + query).requireStatus(http.StatusOK)
		require.Equal(t, "text/csv; charset=utf-8", file.Header.Get("Content-Type"))
		require.Equal(t, `attachment; filename="members.csv"`, file.Header.Get("Content-Disposition"))
		found, err := csv.NewReader(bytes.NewReader(file.body)).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{"\ufeffid", "name", "email", "role", "state", "secondFactor", "passkeys", "sessions", "lastSeenAt", "createdAt"}, found[0])
		return found[1:]
	}
	require.Len(t, rows(""), 5+1200)
	now := h.clock.Now().Format("2006-01-02T15:04:05.000Z")
	require.Equal(t, [][]string{{invitation.Member.Id, `'=HYPERLINK("x"),عمر`, "'-1@example.org", "member", "invited", "false", "0", "0", "", now}}, rows("&state=invited"))
	require.Equal(t, []string{"auditor", "active", "true", "0", "1", now}, rows("&secondFactor=app")[0][3:9])
	require.Empty(t, rows("&q=no-such-member"))

	entry := h.audited()[len(h.audited())-1]
	require.Equal(t, audit.MembersExported, entry.Action)
	require.Equal(t, name(member.Auditor), entry.Actor.Name)
	require.Equal(t, map[string]any{"format": "csv", "filters": map[string]any{"q": "no-such-member"}}, entry.Details)

	auditor.get("/api/members?format=csv&limit=10").requireFields("limit invalid")
	auditor.get("/api/members?format=jsonl", malformed).requireFields("format oneof")
	h.program(member.Plain).get("/api/members?format=csv").requireProblem(http.StatusForbidden, "forbidden")
}
