package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
