package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

func (h *deployment) useLink(secret, password string) *answer {
	h.t.Helper()
	return h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "password": password})
}

func (c *client) patch(id string, wish map[string]any) *answer {
	c.h.t.Helper()
	return c.do(http.MethodPatch, "/api/members/"+id, wish)
}

// TestALinkIsWorthWhatItsIssuerAndMemberAreNow keeps a link over everything that withdraws it. Each
// case begins with a reset link for the plain member that the admin issued and kept.
//
// ASVS 6.4.1, 8.3.2
func TestALinkIsWorthWhatItsIssuerAndMemberAreNow(t *testing.T) {
	type scene struct {
		h            *deployment
		owner, admin *client
		plain        *client
		adminID, id  string
	}
	for name, meanwhile := range map[string]func(s scene){
		"the member was raised to owner": func(s scene) {
			s.owner.patch(s.id, map[string]any{"role": "owner"}).requireStatus(http.StatusOK)
		},
		"the member was raised within what the issuer manages": func(s scene) {
			s.owner.patch(s.id, map[string]any{"role": "auditor"}).requireStatus(http.StatusOK)
		},
		"the issuer was deactivated": func(s scene) {
			s.owner.patch(s.adminID, map[string]any{"active": false}).requireStatus(http.StatusOK)
		},
		"the issuer was demoted": func(s scene) {
			s.owner.patch(s.adminID, map[string]any{"role": "auditor"}).requireStatus(http.StatusOK)
		},
		"the issuer was signed out everywhere": func(s scene) {
			s.owner.post("/api/members/"+s.adminID+"/revoke-sessions", nil).requireStatus(http.StatusOK)
		},
		"the member changed the password": func(s scene) {
			s.plain.put("/api/account/password", map[string]any{"currentPassword": password, "newPassword": newPassword}).requireStatus(http.StatusOK)
		},
		"the member was deactivated": func(s scene) {
			s.owner.patch(s.id, map[string]any{"active": false}).requireStatus(http.StatusOK)
		},
		"the member was deactivated and reactivated": func(s scene) {
			s.owner.patch(s.id, map[string]any{"active": false}).requireStatus(http.StatusOK)
			s.owner.patch(s.id, map[string]any{"active": true}).requireStatus(http.StatusOK)
		},
		"the member was signed out everywhere": func(s scene) {
			s.owner.post("/api/members/"+s.id+"/revoke-sessions", nil).requireStatus(http.StatusOK)
		},
		"all were signed out": func(s scene) { s.owner.revokeAll("") },
		"the operator reset the password": func(s scene) {
			id, err := member.ParseID(s.id)
			require.NoError(s.h.t, err)
			_, _, err = s.h.members.Reset(s.h.t.Context(), id)
			require.NoError(s.h.t, err)
		},
		"another link was issued": func(s scene) { s.owner.issueLink(s.id) },
		"its day is over":         func(s scene) { s.h.clock.advance(24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			s := scene{h: h, owner: h.program(member.Owner), admin: h.program(member.Admin), plain: h.program(member.Plain)}
			s.adminID, s.id = s.admin.requireLive().Member.Id, s.plain.requireLive().Member.Id
			kept := s.admin.issueLink(s.id)
			meanwhile(s)
			before := h.text("SELECT password_hash, name FROM members ORDER BY id")
			h.useLink(kept, "a password of the issuer").requireProblem(http.StatusGone, "link_invalid")
			require.Equal(t, before, h.text("SELECT password_hash, name FROM members ORDER BY id"))
		})
	}
	t.Run("nothing happened", func(t *testing.T) {
		h := open(t, options{})
		id := h.program(member.Plain).requireLive().Member.Id
		h.useLink(h.program(member.Admin).issueLink(id), newPassword).requireStatus(http.StatusOK)
	})
}

// TestAnInvitationToARoleIsNoWayToAHigherOne: the invited member was raised before they accepted.
func TestAnInvitationToARoleIsNoWayToAHigherOne(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	invited, kept := h.invite(admin, "ben@example.org", httpapi.RoleMember)
	owner.patch(invited.Member.Id, map[string]any{"role": "owner"}).requireStatus(http.StatusOK)
	h.useLink(kept, newPassword).requireProblem(http.StatusGone, "link_invalid")
	require.Nil(t, h.memberDetails(owner, invited.Member.Id).Link, "a link that was withdrawn does not wait")
	h.useLink(owner.issueLink(invited.Member.Id), newPassword).requireStatus(http.StatusCreated)
}

// TestALinkIsIssuedForWhatTheMemberIsInThatTransaction: an owner raises the member while an admin's
// request waits.
func TestALinkIsIssuedForWhatTheMemberIsInThatTransaction(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	id := h.program(member.Plain).requireLive().Member.Id
	admin.post("/api/members/"+id+"/link", map[string]any{}, func(r *request) {
		r.meanwhile = func() { owner.patch(id, map[string]any{"role": "owner"}).requireStatus(http.StatusOK) }
	}).requireProblem(http.StatusForbidden, "forbidden")
	require.Nil(t, h.memberDetails(owner, id).Link)
}

// TestRevokingAllSaysHowManyLinksItWithdraws: the dialog by the figures, and the receipt.
func TestRevokingAllSaysHowManyLinksItWithdraws(t *testing.T) {
	h := open(t, options{})
	owner, admin := h.program(member.Owner), h.program(member.Admin)
	h.invite(owner, "ben@example.org", httpapi.RoleMember)
	h.invite(admin, "cy@example.org", httpapi.RoleMember)
	spent, secret := h.invite(admin, "dee@example.org", httpapi.RoleMember)
	h.useLink(secret, newPassword).requireStatus(http.StatusCreated)
	require.Nil(t, h.memberDetails(owner, spent.Member.Id).Link)
	admin.issueLink(h.program(member.Plain).requireLive().Member.Id)
	owner.patch(admin.requireLive().Member.Id, map[string]any{"role": "member"}).requireStatus(http.StatusOK)

	var figures httpapi.SessionFigures
	owner.get("/api/sessions/summary").into(http.StatusOK, &figures)
	require.EqualValues(t, 1, figures.OpenLinks, "the admin's are withdrawn already, and a used one does not wait")
	require.EqualValues(t, 1, owner.revokeAll("").LinksWithdrawn)
	h.program(member.Owner).get("/api/sessions/summary").into(http.StatusOK, &figures)
	require.Zero(t, figures.OpenLinks)
}

// TestALostAnswerIsToldThatThePasswordWasSet: the link is used once, and says so to its holder
// alone.
func TestALostAnswerIsToldThatThePasswordWasSet(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	id := h.program(member.Plain).requireLive().Member.Id
	secret := admin.issueLink(id)
	h.useLink(secret, newPassword).requireStatus(http.StatusOK)
	h.useLink(secret, "another long password").requireProblem(http.StatusGone, "link_used")
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Plain), "password": newPassword}).requireStatus(http.StatusCreated)
	admin.issueLink(id)
	h.useLink(secret, newPassword).requireProblem(http.StatusGone, "link_invalid")
}

// TestAResetChangesThePasswordOnly, and an invitation that sets another name says so in the audit
// log.
func TestAResetChangesThePasswordOnly(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	id := h.program(member.Plain).requireLive().Member.Id
	secret := admin.issueLink(id)
	accept := func(secret, name string) *answer {
		return h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "name": name, "password": newPassword})
	}
	accept(secret, "The boss").requireFields("name not_needed")
	h.useLink(secret, newPassword).requireStatus(http.StatusOK)
	require.Equal(t, name(member.Plain), h.memberDetails(admin, id).Name)

	_, invitation := h.invite(admin, "ben@example.org", httpapi.RoleMember)
	accept(invitation, "Benedict").requireStatus(http.StatusCreated)
	require.EqualValues(t, 1, h.number(`SELECT count(*) FROM audit_entries WHERE action = 'member.link_used'
		AND details ->> '$.before.name' = 'Ben' AND details ->> '$.after.name' = 'Benedict'`))
}

// TestALinkThatWasUsedRaisesTheMembersGeneration, so that nothing of before survives, not even what
// is not written yet.
func TestALinkThatWasUsedRaisesTheMembersGeneration(t *testing.T) {
	h := open(t, options{})
	id := h.program(member.Plain).requireLive().Member.Id
	secret := h.program(member.Admin).issueLink(id)
	before := h.number("SELECT generation FROM members WHERE id = ?", id)
	h.useLink(secret, newPassword).requireStatus(http.StatusOK)
	require.Equal(t, before+1, h.number("SELECT generation FROM members WHERE id = ?", id))
}

// TestAdminsEndNoSessionOfAMemberAboveThem by whichever call.
//
// ASVS 8.2.2
func TestAdminsEndNoSessionOfAMemberAboveThem(t *testing.T) {
	h := open(t, options{})
	boss, admin, plain := h.program(member.Owner), h.program(member.Admin), h.program(member.Plain)
	bossID := boss.requireLive().Member.Id
	admin.delete("/api/sessions/"+boss.id()).requireProblem(http.StatusForbidden, "forbidden")
	admin.post("/api/members/"+bossID+"/revoke-sessions", nil).requireProblem(http.StatusForbidden, "forbidden")
	var ended httpapi.SessionsEnded
	admin.post("/api/sessions/revoke", map[string]any{"ids": []string{boss.id(), plain.id(), admin.clone().id()}}).into(http.StatusOK, &ended)
	require.EqualValues(t, 2, ended.SessionsEnded)
	require.EqualValues(t, 1, *ended.SessionsSkipped)
	boss.requireLive()
	plain.requireRevoked(httpapi.EndReasonRevoked, member.Admin)
	admin.requireRevoked(httpapi.EndReasonRevoked, member.Admin)

	boss.post("/api/sessions/revoke", map[string]any{"ids": []string{h.program(member.Admin).id(), h.program(member.Owner).id()}}).into(http.StatusOK, &ended)
	require.EqualValues(t, 2, ended.SessionsEnded)
	require.Zero(t, *ended.SessionsSkipped)
}

// TestASessionBeginsOnNoMemberWhoWasDeactivatedMeanwhile: the password was right when it was
// compared.
func TestASessionBeginsOnNoMemberWhoWasDeactivatedMeanwhile(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	proof, err := h.members.Authenticate(t.Context(), email(member.Plain), password, "", member.Origin{Address: "192.0.2.10"})
	require.NoError(t, err)
	owner.patch(proof.Member.ID.String(), map[string]any{"active": false}).requireStatus(http.StatusOK)
	_, _, err = h.sessions.Start(t.Context(), proof, session.Client{})
	require.ErrorIs(t, err, session.ErrCredentialStale)
	require.Zero(t, h.number("SELECT count(*) FROM sessions WHERE member_id = ?", proof.Member.ID.String()))
}

// TestARevocationByNameEndsNoSessionThatEndedWithAll: its row is still open, and keeps the reason
// by which it ended.
func TestARevocationByNameEndsNoSessionThatEndedWithAll(t *testing.T) {
	h := open(t, options{})
	plain := h.program(member.Plain)
	id := plain.id()
	h.program(member.Owner).revokeAll("stolen")
	require.Zero(t, h.number("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"), "the sweep has not been there")
	var ended httpapi.SessionsEnded
	h.program(member.Owner).post("/api/sessions/revoke", map[string]any{"ids": []string{id}}).into(http.StatusOK, &ended)
	require.Zero(t, ended.SessionsEnded)
	require.Zero(t, *ended.SessionsSkipped)
	plain.requireRevoked(httpapi.EndReasonRevokedAll, member.Owner)
}

// TestAPasswordChangeProvesAFactorThatWasSetUpMeanwhile: the password was compared before, and the
// change comes after.
//
// ASVS 6.3.4
func TestAPasswordChangeProvesAFactorThatWasSetUpMeanwhile(t *testing.T) {
	h := open(t, options{})
	mine := h.program(member.Plain)
	who, err := h.sessions.Admit(t.Context(), mustSession(t, mine.id()), 0, session.Active)
	require.NoError(t, err)
	proof, err := h.members.Reauthenticate(t.Context(), who.Member, password, "", member.Origin{})
	require.NoError(t, err)
	h.program(member.Plain).enrol()
	_, err = h.sessions.ChangeCredential(t.Context(), who, member.PasswordChange{Proof: proof, Hash: "the thief's"}, true)
	require.ErrorIs(t, err, member.ErrSecondFactorRequired)
	mine.requireLive()
}

func mustSession(t *testing.T, text string) session.ID {
	t.Helper()
	id, err := session.ParseID(text)
	require.NoError(t, err)
	return id
}

// counting is the real store, which counts how often memory is filled from it.
type counting struct {
	storage
	read int
}

func (c *counting) Organization(ctx context.Context) (session.Organization, error) {
	c.read++
	return c.storage.Organization(ctx)
}

func (c *counting) EachLive(ctx context.Context, generation uint64, f func(int64, *session.Session)) error {
	c.read++
	return c.storage.EachLive(ctx, generation, f)
}

// TestARefusedChangeCostsTheOthersNothing: memory is not read again for a refusal, whichever it is,
// and no touch is lost.
//
// ASVS 2.4.1
func TestARefusedChangeCostsTheOthersNothing(t *testing.T) {
	var disk *counting
	h := open(t, options{storage: func(db *store.DB) storage { disk = &counting{storage: db}; return disk }})
	owner, admin, plain := h.program(member.Owner), h.program(member.Admin), h.program(member.Plain)
	ownerID, plainID := owner.requireLive().Member.Id, plain.requireLive().Member.Id
	h.clock.advance(11 * time.Minute) // no proof is fresh
	plain.renew()
	owner.renew()
	admin.renew()
	disk.read = 0
	for _, a := range []*answer{
		owner.patch(plainID, map[string]any{"role": "owner"}),
		owner.patch(ownerID, map[string]any{"role": "admin"}),
		owner.patch("018f0000-0000-7000-8000-000000000000", map[string]any{"role": "admin"}),
		admin.patch(ownerID, map[string]any{"name": "Eve"}),
		admin.post("/api/members/"+ownerID+"/revoke-sessions", nil),
		owner.post("/api/members/"+plainID+"/link", nil),
		owner.delete("/api/members/" + plainID + "/second-factor"),
		owner.post("/api/members", map[string]any{"email": "new@example.org", "role": "member"}),
		owner.put("/api/settings/security", policy(20, "days", true)),
		owner.delete("/api/account/second-factor"),
		h.useLink("no such link", newPassword),
	} {
		require.GreaterOrEqual(t, a.StatusCode, http.StatusBadRequest, "%s", a)
		require.Less(t, a.StatusCode, http.StatusInternalServerError, "%s", a)
	}
	require.Zero(t, disk.read)
	require.NoError(t, h.sessions.Flush(t.Context()))
	h.restart()
	require.Equal(t, h.clock.Now(), plain.requireLive().Session.LastSeenAt, "the touch was written")
}
