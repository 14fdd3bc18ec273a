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

func (c *client) tryInvite(address string, more map[string]any) *answer {
	c.h.t.Helper()
	request := map[string]any{"email": address, "role": "member"}
	for field, value := range more {
		request[field] = value
	}
	return c.post("/api/members", request)
}

// TestARemovedMemberIsGone with all that is theirs, in memory and on disk; the audit log keeps its
// entries.
func TestARemovedMemberIsGone(t *testing.T) {
	h := open(t, options{})
	owner, gone := h.program(member.Owner), h.program(member.Admin)
	plain := h.program(member.Plain)
	app, laptop := plain.enrol(), plain.newDevice()
	id, session, gonesID := plain.requireLive().Member.Id, plain.id(), gone.requireLive().Member.Id
	owner.issueLink(id)
	gone.savePolicy(policy(10, "days", true))
	gone.revokeAll("before they left", header("Idempotency-Key", "key"))
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	h.stranger().signInBy(laptop).requireStatus(http.StatusCreated)

	var ended httpapi.SessionsEnded
	admin.delete("/api/members/"+id).into(http.StatusOK, &ended)
	require.EqualValues(t, 1, ended.SessionsEnded)
	owner.delete("/api/members/" + gonesID).requireStatus(http.StatusOK)
	for _, check := range []func(){func() {}, h.restart} {
		check()
		h.stranger().trySignIn(member.Plain, app.code(0)).requireProblem(http.StatusUnauthorized, "bad_credentials")
		h.stranger().signInBy(laptop).requireProblem(http.StatusUnauthorized, "bad_passkey")
		for _, removed := range []string{id, gonesID} {
			for route := range calls {
				method, path, _ := strings.Cut(route, " ")
				if !strings.HasPrefix(path, "/api/members/{id}") {
					continue
				}
				body := map[string]any{}
				if method == http.MethodPatch {
					body["name"] = "Lazarus"
				}
				owner.do(method, strings.ReplaceAll(path, "{id}", removed), body).requireProblem(http.StatusNotFound, "not_found")
			}
			owner.get("/api/members/"+removed).requireProblem(http.StatusNotFound, "not_found")
			require.Empty(t, owner.list("/api/sessions?scope=all&member="+removed).Items)
			for _, target := range []string{
				"/api/members?limit=200", "/api/sessions?scope=all&limit=200", "/api/settings/security", "/api/settings/sign-in",
				"/api/session", "/api/account/notices",
			} {
				a := owner.get(target).requireStatus(http.StatusOK)
				require.NotContains(t, string(a.body), removed, target)
				require.NotContains(t, string(a.body), email(member.Plain), target)
			}
		}
		owner.delete("/api/sessions/"+session).requireProblem(http.StatusNotFound, "not_found")
	}
	for _, table := range []string{"sessions", "passkeys", "recovery_codes", "member_links"} {
		require.Zero(t, h.number("SELECT count(*) FROM "+table+" WHERE member_id = ?", id), table)
	}
	require.Positive(t, h.number("SELECT count(*) FROM audit_entries WHERE concerns = ? AND action = 'member.removed'", id))
	require.Contains(t, string(owner.get("/api/audit?member="+id).requireStatus(http.StatusOK).body), email(member.Plain))
	var chain httpapi.AuditChain
	owner.get("/api/audit/chain").into(http.StatusOK, &chain)
	require.True(t, chain.Intact)
}

func TestWhoMayRemoveWhom(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	ownerID, adminID := owner.requireLive().Member.Id, admin.requireLive().Member.Id
	admin.delete("/api/members/"+ownerID).requireProblem(http.StatusForbidden, "forbidden")
	admin.delete("/api/members/"+adminID).requireProblem(http.StatusConflict, "own_account")
	owner.delete("/api/members/"+ownerID).requireProblem(http.StatusConflict, "own_account")
	h.clock.advance(11 * time.Minute)
	owner.renew()
	owner.delete("/api/members/"+adminID).requireProblem(http.StatusForbidden, "reauthentication_required")
	h.operator().delete("/api/members/"+ownerID).requireProblem(http.StatusConflict, "last_owner")
	h.operator().delete("/api/members/" + adminID).requireStatus(http.StatusOK)
}

// TestAMistypedInvitationIsDeleted without a proof, and its address can be invited again.
func TestAMistypedInvitationIsDeleted(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	invited, secret := h.invite(admin, "bne@example.org", httpapi.RoleMember)
	h.clock.advance(11 * time.Minute)
	admin.renew()
	admin.delete("/api/members/" + invited.Member.Id).requireStatus(http.StatusOK)
	h.useLink(secret, newPassword).requireProblem(http.StatusGone, "link_invalid")
	h.program(member.Admin).tryInvite("bne@example.org", nil).requireStatus(http.StatusCreated)
}

// TestAMistypedInvitationIsCorrected, and the mistyped address can still be invited.
func TestAMistypedInvitationIsCorrected(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	invited, secret := h.invite(admin, "bne@example.org", httpapi.RoleMember)
	admin.patch(invited.Member.Id, map[string]any{"email": "ben@example.org"}).requireStatus(http.StatusOK)
	h.useLink(secret, newPassword).requireProblem(http.StatusGone, "link_invalid")
	admin.tryInvite("bne@example.org", nil).requireStatus(http.StatusCreated)
}

// TestAnAddressIsGivenToNoOtherMember unless an owner says so, which is recorded.
func TestAnAddressIsGivenToNoOtherMember(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	plainID, auditorID := h.program(member.Plain).requireLive().Member.Id, h.program(member.Auditor).requireLive().Member.Id
	old := email(member.Plain)
	admin.patch(plainID, map[string]any{"email": "mia@example.org"}).requireStatus(http.StatusOK)
	admin.tryInvite(strings.ToUpper(old), nil).requireProblem(http.StatusConflict, "address_retired")
	admin.patch(auditorID, map[string]any{"email": old}).requireProblem(http.StatusConflict, "address_retired")
	admin.tryInvite(old, map[string]any{"reuseAddress": true}).requireProblem(http.StatusForbidden, "forbidden")
	admin.patch(auditorID, map[string]any{"email": old, "reuseAddress": true}).requireProblem(http.StatusForbidden, "forbidden")
	admin.patch(plainID, map[string]any{"email": old}).requireStatus(http.StatusOK)
	admin.patch(plainID, map[string]any{"email": "mia@example.org"}).requireStatus(http.StatusOK)

	owner.delete("/api/members/" + plainID).requireStatus(http.StatusOK)
	for _, address := range []string{old, "mia@example.org"} {
		owner.tryInvite(address, nil).requireProblem(http.StatusConflict, "address_retired")
	}
	require.NotContains(t, h.text("SELECT hex(hash), member_id FROM retired_addresses"), plainID)
	owner.tryInvite("mia@example.org", map[string]any{"reuseAddress": true}).requireStatus(http.StatusCreated)
	require.EqualValues(t, 1, h.number(`SELECT count(*) FROM audit_entries WHERE action = 'member.invited' AND details ->> '$.reuseAddress'`))
	owner.patch(auditorID, map[string]any{"email": old, "reuseAddress": true}).requireStatus(http.StatusOK)
}

// TestAnotherAddressLeavesSessionsAndWithdrawsLinks, asks for a proof, and is no other member's.
func TestAnotherAddressLeavesSessionsAndWithdrawsLinks(t *testing.T) {
	h := open(t, options{})
	admin, plain := h.program(member.Admin), h.program(member.Plain)
	id := plain.requireLive().Member.Id
	kept := admin.issueLink(id)
	p := admin.patch(id, map[string]any{"email": email(member.Owner)}).requireProblem(http.StatusConflict, "email_taken")
	require.NotContains(t, p.Detail, name(member.Owner), "whose it is stays untold")
	admin.patch(id, map[string]any{"email": "not an address"}).requireFields("email email")
	admin.patch(id, map[string]any{"email": ""}).requireFields("email min")
	admin.patch(id, map[string]any{"reuseAddress": true}).requireFields("email required")

	both := inParallel(2, func(i int) *answer {
		other := []string{id, h.memberIDs(admin)[email(member.Auditor)]}[i]
		return admin.clone().send(http.MethodPatch, "/api/members/"+other, map[string]any{"email": "mia@straße.example"})
	})
	require.Equal(t, 1, withStatus(both, http.StatusOK), "two renames at once: one of them has it")
	require.Equal(t, 1, withStatus(both, http.StatusConflict))
	admin.patch(id, map[string]any{"email": "ben@straße.example"}).requireStatus(http.StatusOK)

	require.Equal(t, "ben@straße.example", plain.requireLive().Member.Email)
	h.useLink(kept, newPassword).requireProblem(http.StatusGone, "link_invalid")
	signIn := map[string]any{"email": "Ben@xn--strae-oqa.example", "password": password}
	h.stranger().post("/api/sessions", signIn).requireStatus(http.StatusCreated)
	h.stranger().trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "bad_credentials")
	h.clock.advance(11 * time.Minute)
	admin.renew()
	admin.patch(id, map[string]any{"email": "cy@example.org"}).requireProblem(http.StatusForbidden, "reauthentication_required")
}

func (h *deployment) memberIDs(by *client) map[string]string {
	h.t.Helper()
	var page httpapi.MemberPage
	by.get("/api/members").into(http.StatusOK, &page)
	ids := map[string]string{}
	for _, m := range page.Items {
		ids[m.Email] = m.Id
	}
	return ids
}

// TestNamesCanBeChanged: one's own, and the organization's.
func TestNamesCanBeChanged(t *testing.T) {
	h := open(t, options{})
	owner, plain := h.program(member.Owner), h.program(member.Plain)
	rename := func(name string) *answer {
		return plain.do(http.MethodPatch, "/api/account", map[string]any{"name": name})
	}
	rename("\u200b ").requireFields("name required")
	rename("Mia\nThe boss").requireFields("name characters")
	rename(strings.Repeat("m", 10_000)).requireFields("name max")
	entries := h.number("SELECT count(*) FROM audit_entries")
	rename(name(member.Plain)).requireStatus(http.StatusOK)
	require.Equal(t, entries, h.number("SELECT count(*) FROM audit_entries"), "a change that is none is not recorded")
	rename(" Mia ").requireStatus(http.StatusOK)
	require.Equal(t, "Mia", plain.requireLive().Member.Name)

	plain.put("/api/settings/general", map[string]any{"name": "Mine"}).requireProblem(http.StatusForbidden, "forbidden")
	owner.put("/api/settings/general", map[string]any{"name": ""}).requireFields("name required")
	owner.put("/api/settings/general", map[string]any{"name": "Example & Töchter"}).requireStatus(http.StatusOK)
	owner.put("/api/settings/general", map[string]any{"name": "Example & Töchter"}).requireStatus(http.StatusOK)
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM audit_entries WHERE action = 'organization.renamed'"))
	for _, check := range []func(){func() {}, h.restart} {
		check()
		require.Equal(t, "Example & Töchter", plain.requireLive().Organization.Name)
	}
}
