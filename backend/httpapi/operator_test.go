package httpapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
)

// operator is a client at the operator's door of the deployment.
func (h *deployment) operator() *client {
	door := *h
	door.echo = echo.New()
	h.api.MountOperator(door.echo)
	return (&door).stranger()
}

// TestNobodyFromTheNetworkIsTheOperator calls every route of the operator's socket over TCP, with
// all that a request can carry.
func TestNobodyFromTheNetworkIsTheOperator(t *testing.T) {
	h := open(t, options{})
	door := h.operator()
	before, called := h.everythingDecided(), 0
	for _, route := range door.h.routes() {
		for _, pretend := range []change{
			func(*request) {},
			header("Host", "curfew"),
			header("X-Forwarded-For", ""),
			header("Authorization", "Bearer "+audit.Operator.Name),
			header("Cookie", accessCookie+"="),
			func(r *request) { r.target = "http://curfew" + r.target },
		} {
			a := h.stranger().call(route, pretend)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed}, a.StatusCode, "%s", a)
			called++
		}
	}
	require.Greater(t, called, 80)
	require.Equal(t, before, h.everythingDecided())
}

// TestEachDoorHasItsOwnCalls: a call that names one door is not there at the other, not even for an
// owner.
func TestEachDoorHasItsOwnCalls(t *testing.T) {
	h := open(t, options{})
	owner, operator := h.browser(member.Owner), h.operator()
	network, socket := h.routes(), operator.h.routes()
	before, onlyNetwork, onlySocket := h.everythingDecided(), 0, 0
	for _, call := range socket {
		if !slices.Contains(network, call) {
			owner.call(call, malformed).requireProblem(http.StatusNotFound, "not_found")
			onlySocket++
		}
	}
	for _, call := range network {
		if !slices.Contains(socket, call) {
			a := operator.call(call, malformed)
			if a.StatusCode != http.StatusMethodNotAllowed { // of a path that has another method
				a.requireProblem(http.StatusNotFound, "not_found")
			}
			onlyNetwork++
		}
	}
	require.Equal(t, 4, onlySocket)
	require.Equal(t, len(network)+onlySocket-len(socket), onlyNetwork)
	require.Greater(t, onlyNetwork, 30)
	require.Equal(t, before, h.everythingDecided())
}

// TestTheOperatorsCallsAreTheContracts: but for those that are theirs alone.
func TestTheOperatorsCallsAreTheContracts(t *testing.T) {
	h := open(t, options{})
	mine, shared := h.operator().h.routes(), 0
	theirs := []string{"POST /api/members/{id}/reset-password", "POST /api/backup", "GET /api/clock", "POST /api/clock/accept"}
	for _, route := range mine {
		if !slices.Contains(theirs, route) {
			require.Contains(t, h.routes(), route)
			shared++
		}
	}
	require.Equal(t, len(mine)-len(theirs), shared)
	for _, own := range forMembers {
		if !slices.Contains([]string{"GET /api/sessions", "DELETE /api/sessions/{id}"}, own) {
			require.NotContains(t, mine, own, "the operator has no session and no account")
		}
	}
}

func TestTheOperatorMayDoWhatAnOwnerMay(t *testing.T) {
	h := open(t, options{})
	operator, plain, other := h.operator(), h.program(member.Plain), h.program(member.Plain)
	h.clock.advance(2 * time.Minute)

	// Loosening asks for no proof (rule R10), and what is recorded is the operator's doing, from
	// nowhere.
	var settings httpapi.SecuritySettings
	operator.put("/api/settings/security", policy(20, "days", true)).into(http.StatusOK, &settings)
	require.Equal(t, &httpapi.Actor{Name: audit.Operator.Name}, settings.UpdatedBy)
	var preview httpapi.PolicyPreview
	operator.post("/api/settings/security/preview", policy(1, "minutes", true)).into(http.StatusOK, &preview)
	require.EqualValues(t, 2, preview.AtOnce.Sessions)
	require.False(t, preview.Yours)

	var page httpapi.SessionPage
	operator.get("/api/sessions?scope=all").into(http.StatusOK, &page)
	require.EqualValues(t, 2, page.Total)
	operator.delete("/api/sessions/" + other.id()).requireStatus(http.StatusNoContent)
	problem := other.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, audit.Operator.Name, *problem.Ended.By)

	owner := h.program(member.Owner)
	own := "/api/members/" + owner.requireLive().Member.Id
	operator.do(http.MethodPatch, own, map[string]any{"active": false}).requireProblem(http.StatusConflict, "last_owner")
	operator.do(http.MethodPatch, "/api/members/"+plain.requireLive().Member.Id, map[string]any{"role": "owner"}).requireStatus(http.StatusOK)
	operator.do(http.MethodPatch, own, map[string]any{"active": false}).requireStatus(http.StatusOK)
	owner.get("/api/session").requireProblem(http.StatusUnauthorized, "member_deactivated")

	var receipt httpapi.RevocationReceipt
	operator.post("/api/sessions/revoke-all", nil).into(http.StatusOK, &receipt)
	require.False(t, receipt.Yours, "the operator has no session")
	require.EqualValues(t, 1, receipt.SessionsEnded)
	plain.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	for _, entry := range h.audited() {
		if entry.Actor == audit.Operator {
			require.Empty(t, entry.Address)
		}
	}
	require.True(t, operator.chain().Intact)
}

// TestAResetIsFollowedAtOnce: the session in memory is over, without a restart, and the way in is
// the new password.
func TestAResetIsFollowedAtOnce(t *testing.T) {
	h := open(t, options{})
	operator, owner := h.operator(), h.program(member.Owner)
	id := owner.requireLive().Member.Id
	secret := operator.issueLink(id)

	var reset httpapi.PasswordReset
	operator.post("/api/members/"+id+"/reset-password", nil).into(http.StatusOK, &reset)
	require.Equal(t, id, reset.Member.Id)
	problem := owner.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonCredentialChanged, problem.Ended.Reason)
	h.stranger().post("/api/sessions", credentials(member.Owner, "cookie")).requireProblem(http.StatusUnauthorized, "bad_credentials")
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Owner), "password": reset.Password}).requireStatus(http.StatusCreated)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "password": newPassword}).requireProblem(http.StatusGone, "link_invalid")
	require.EqualValues(t, 1, h.memberDetails(operator, id).Sessions)
	operator.post("/api/members/018f0000-0000-7000-8000-000000000000/reset-password", nil).requireProblem(http.StatusNotFound, "not_found")
	operator.post("/api/members/nobody/reset-password", nil).requireProblem(http.StatusNotFound, "not_found")
}

func TestABackupIsMadeWhereTheServerCanBeSureOfIt(t *testing.T) {
	h := open(t, options{})
	operator, file := h.operator(), filepath.Join(t.TempDir(), "backup.db")
	operator.post("/api/backup", httpapi.BackupRequest{File: "backup.db"}).requireFields("file startswith")
	operator.post("/api/backup", map[string]any{}).requireFields("file required")
	var made httpapi.Backup
	operator.post("/api/backup", httpapi.BackupRequest{File: file}).into(http.StatusOK, &made)
	require.True(t, made.Chain.Intact)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, made.Bytes, info.Size())
}

// TestTheMachinesTimeIsAccepted after its clock was a year ahead: the sessions' clock stays there,
// until the operator signs everybody out.
func TestTheMachinesTimeIsAccepted(t *testing.T) {
	h := open(t, options{})
	h.now = h.steady.Now
	h.restart()
	const year = 365 * 24 * time.Hour
	operator := h.operator()
	operator.post("/api/clock/accept", nil).requireProblem(http.StatusConflict, "clock_not_ahead")
	h.clock.advance(year)
	owner, plain := h.program(member.Owner), h.program(member.Plain)
	app := owner.enrol()
	owner.put("/api/settings/security", policy(1, "days", true)).requireStatus(http.StatusOK) // its watermarks lie there, too
	link := owner.issueLink(h.program(member.Auditor).requireLive().Member.Id)
	for range 20 {
		h.stranger().post("/api/sessions", guess(email(member.Plain)))
	}
	require.NoError(t, h.sessions.Flush(t.Context()))
	h.stranger().get("/readyz").requireStatus(http.StatusOK)

	h.ahead = year
	plain.requireLive()
	var now httpapi.Clock
	operator.get("/api/clock").into(http.StatusOK, &now)
	require.Equal(t, year.Seconds(), now.AheadSeconds)
	require.Equal(t, h.wall(), now.Machine)
	require.EqualValues(t, []int64{3, 3, 1}, []int64{now.Sessions, now.Members, now.Links})
	require.Contains(t, string(h.stranger().get("/metrics", header("Authorization", "Bearer "+metricsToken)).body), "\ncurfew_clock_ahead_seconds 31536000\n")
	h.trySignIn(member.Plain, "").requireProblem(http.StatusTooManyRequests, "too_many_attempts")

	var accepted httpapi.RevocationReceipt
	operator.post("/api/clock/accept", nil).into(http.StatusOK, &accepted)
	require.EqualValues(t, []int64{3, 3, 1}, []int64{accepted.SessionsEnded, accepted.MembersSignedOut, accepted.LinksWithdrawn})
	require.Equal(t, h.wall(), accepted.RevokedAt)
	operator.post("/api/clock/accept", nil).requireProblem(http.StatusConflict, "clock_not_ahead")

	plain.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	for range 2 { // and again after a restart, from the newest time on record
		for _, c := range []*client{owner, plain} {
			require.Equal(t, httpapi.EndReasonRevokedAll, c.renew().requireProblem(http.StatusUnauthorized, "session_revoked").Ended.Reason)
		}
		h.stranger().post("/api/invitations/accept", map[string]any{"token": link, "password": newPassword}).requireProblem(http.StatusGone, "link_invalid")
		h.trySignIn(member.Owner, app.code(0)).requireStatus(http.StatusCreated)
		mine := h.program(member.Plain)
		require.Equal(t, h.wall(), mine.requireLive().Session.StartedAt)
		h.clock.advance(23 * time.Hour)
		mine.renew().requireStatus(http.StatusOK)
		h.clock.advance(24 * time.Hour)
		mine.renew().requireProblem(http.StatusUnauthorized, "session_expired") // no longer than the policy says

		require.NoError(t, h.sessions.Flush(t.Context()))
		newest, err := h.db.NewestTime(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, h.wall(), newest, time.Second)
		h.steady = session.NewClock(h.wall, func() time.Duration { return time.Duration(h.clock.at.Load()) * time.Millisecond }, newest)
		h.now = h.steady.Now
		h.restart()
	}
	var entries httpapi.AuditPage
	h.program(member.Auditor).get("/api/audit?action=clock.accepted").into(http.StatusOK, &entries)
	require.Len(t, entries.Items, 1)
	require.Equal(t, audit.Operator.Name, entries.Items[0].Actor.Name)
	require.True(t, operator.chain().Intact)
}

// TestAMemberOfTheOperatorsNameIsNotTheOperator: if the name alone made the operator, a member
// could take it.
func TestAMemberOfTheOperatorsNameIsNotTheOperator(t *testing.T) {
	h := open(t, options{})
	h.exec("UPDATE members SET name = ? WHERE role = 'admin'", audit.Operator.Name)
	h.restart()
	admin := h.program(member.Admin)
	h.clock.advance(11 * time.Minute)
	admin.renew().requireStatus(http.StatusOK)
	admin.put("/api/settings/security", policy(20, "days", true)).requireProblem(http.StatusForbidden, "reauthentication_required")
	require.False(t, audit.Caller{Actor: audit.Actor{ID: "x", Name: audit.Operator.Name}}.IsOperator())
}
