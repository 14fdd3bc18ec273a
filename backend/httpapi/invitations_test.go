package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (h *deployment) lookAt(secret string) *answer {
	h.t.Helper()
	return h.stranger().post("/api/invitations/look", map[string]any{"token": secret})
}

// TestALinkSaysWhoItIsFor to its holder, as long as it works, and uses nothing up.
//
// ASVS 8.2.3
func TestALinkSaysWhoItIsFor(t *testing.T) {
	h := open(t, options{})
	admin, id := h.program(member.Admin), h.program(member.Plain).requireLive().Member.Id
	invited, secret := h.invite(admin, "ben@example.org", httpapi.RoleMember)
	before := h.everythingDecided()
	look := func(secret string) (found httpapi.LinkDetails) {
		h.lookAt(secret).into(http.StatusOK, &found)
		return found
	}
	for range 2 {
		require.Equal(t, httpapi.LinkDetails{
			Organization: organization, By: new(name(member.Admin)), Email: "ben@example.org", Name: new("Ben"),
			Kind: httpapi.LinkDetailsKindInvitation, ExpiresAt: invited.ExpiresAt,
		}, look(secret))
	}
	require.Equal(t, before, h.everythingDecided())

	reset := look(admin.issueLink(id))
	require.Equal(t, httpapi.LinkDetailsKindReset, reset.Kind)
	require.Equal(t, email(member.Plain), reset.Email)

	var byOperator httpapi.Invitation
	h.operator().post("/api/members", map[string]any{"email": "cy@example.org", "role": "owner"}).into(http.StatusCreated, &byOperator)
	found := look(secretOf(t, byOperator.Link))
	require.Nil(t, found.By)
	require.Nil(t, found.Name)

	h.lookAt(secret[1:]).requireProblem(http.StatusGone, "link_invalid")
	h.lookAt("").requireFields("token required")
	h.stranger().post("/api/invitations/look", map[string]any{"token": secret, "name": "x"}, malformed).
		requireProblem(http.StatusUnprocessableEntity, "unknown_field")
	h.useLink(secret, newPassword).requireStatus(http.StatusCreated)
	h.lookAt(secret).requireProblem(http.StatusGone, "link_used")
	_, other := h.invite(admin, "dee@example.org", httpapi.RoleMember)
	h.program(member.Owner).revokeAll("")
	h.lookAt(other).requireProblem(http.StatusGone, "link_invalid")
}

// TestAnAcceptedInvitationBeginsASession, under the controls of a sign-in: it is recorded with its
// one method, restricted where two are required, and takes the place of the browser's session.
//
// ASVS 6.1.3, 6.3.4, 7.2.4
func TestAnAcceptedInvitationBeginsASession(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	_, secret := h.invite(owner, "ben@example.org", httpapi.RoleMember)
	wanted := map[string]any{"token": secret, "password": newPassword}
	shared := h.browser(member.Plain)
	left, old := shared.id(), maps.Clone(shared.cookies)
	for _, site := range []string{"cross-site", "same-site"} { // the sign-in of a victim as the attacker
		shared.post("/api/invitations/accept", wanted, header("Sec-Fetch-Site", site)).requireStatus(http.StatusForbidden)
	}
	shared.post("/api/invitations/accept", wanted, host("evil.example")).requireStatus(http.StatusMisdirectedRequest)
	require.Equal(t, left, shared.id(), "a refusal leaves the session that was there")
	shared.post("/api/invitations/accept", wanted).signedIn(http.StatusCreated)

	current := shared.requireLive()
	require.Equal(t, "ben@example.org", current.Member.Email)
	require.Equal(t, []string{"password"}, current.Session.Methods)
	require.False(t, current.Restricted)
	for cookie, value := range old {
		require.NotEqual(t, value, shared.cookies[cookie], cookie)
	}
	require.Equal(t, int64(1), h.number("SELECT count(*) FROM sessions WHERE id = ? AND ended_at IS NOT NULL", left))
	require.Equal(t, "action=member.link_used \naction=session.started \naction=session.ended \n",
		h.text("SELECT action FROM (SELECT * FROM audit_entries ORDER BY sequence DESC LIMIT 3) ORDER BY sequence"))
	var notices httpapi.AuditPage
	shared.get("/api/account/notices").into(http.StatusOK, &notices)
	require.Empty(t, notices.Items, "one's own acceptance is no news")

	h.operator().put("/api/settings/sign-in", map[string]any{"requireSecondFactor": true}).requireStatus(http.StatusOK)
	require.True(t, shared.requireLive().Restricted)
	var invited httpapi.Invitation
	h.operator().post("/api/members", map[string]any{"email": "cy@example.org", "name": "Cy", "role": "owner"}).into(http.StatusCreated, &invited)
	cy := h.stranger()
	cy.keep(cy.post("/api/invitations/accept", map[string]any{"token": secretOf(t, invited.Link), "password": newPassword, "transport": "bearer"}).
		signedIn(http.StatusCreated))
	require.True(t, cy.requireLive().Restricted)
	cy.get("/api/members").requireProblem(http.StatusForbidden, "session_restricted")
}

// TestAResetNeverSignsIn, whichever transport it asks for: a second factor may be due.
//
// ASVS 6.3.4, 6.4.3
func TestAResetNeverSignsIn(t *testing.T) {
	for _, transport := range []string{"cookie", "bearer"} {
		h := open(t, options{})
		secret := h.program(member.Admin).issueLink(h.program(member.Plain).requireLive().Member.Id)
		started := h.number("SELECT count(*) FROM sessions")
		browser := h.stranger()
		var of httpapi.Member
		browser.post("/api/invitations/accept", map[string]any{"token": secret, "password": newPassword, "transport": transport}).into(http.StatusOK, &of)
		require.Equal(t, email(member.Plain), of.Email)
		require.Empty(t, browser.cookies)
		require.Equal(t, started, h.number("SELECT count(*) FROM sessions"))
	}
}

// TestAnInvitationBeginsOneSession, however many use it at once.
//
// ASVS 2.3.4, 15.4.2
func TestAnInvitationBeginsOneSession(t *testing.T) {
	h := open(t, options{})
	invited, secret := h.invite(h.program(member.Admin), "ben@example.org", httpapi.RoleMember)
	var all sync.WaitGroup
	answers := make([]int, 4)
	for i := range answers {
		all.Go(func() {
			answers[i] = h.stranger().send(http.MethodPost, "/api/invitations/accept",
				map[string]any{"token": secret, "password": newPassword}).StatusCode
		})
	}
	all.Wait()
	slices.Sort(answers)
	require.Equal(t, []int{http.StatusCreated, http.StatusGone, http.StatusGone, http.StatusGone}, answers)
	require.Equal(t, int64(1), h.number("SELECT count(*) FROM sessions WHERE member_id = ?", invited.Member.Id))
}

// TestWhatComesBetweenAnAcceptanceAndItsSession: it begins on the credential that was set, or not
// at all, and after a revocation under the new generation (R8).
func TestWhatComesBetweenAnAcceptanceAndItsSession(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	for address, c := range map[string]struct {
		meanwhile func(id string)
		refused   bool
	}{
		"a@example.org": {func(id string) { owner.patch(id, map[string]any{"active": false}).requireStatus(http.StatusOK) }, true},
		"b@example.org": {func(id string) {
			h.useLink(owner.issueLink(id), "another long password").requireStatus(http.StatusOK)
		}, true},
		"c@example.org": {func(string) {
			h.clock.advance(time.Minute)
			owner.revokeAll("")
			owner = h.program(member.Owner)
		}, false},
	} {
		invited, secret := h.invite(owner, address, httpapi.RoleMember)
		accepted, err := h.members.Accept(t.Context(), secret, "", newPassword, member.Origin{})
		require.NoError(t, err)
		c.meanwhile(invited.Member.Id)
		who, _, err := h.sessions.Start(t.Context(), *accepted.Proof, session.Client{})
		if c.refused {
			require.ErrorIs(t, err, session.ErrCredentialStale)
			require.Zero(t, h.number("SELECT count(*) FROM sessions WHERE member_id = ?", invited.Member.Id))
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, h.number("SELECT generation FROM organization"), who.Session.Generation)
	}
}
