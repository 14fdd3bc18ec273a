package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
)

func (c *client) list(target string, changes ...change) (page httpapi.SessionPage) {
	c.h.t.Helper()
	c.get(target, changes...).into(http.StatusOK, &page)
	return page
}

func (c *client) requireRevoked(reason httpapi.EndReason, by member.Role) httpapi.Ended {
	c.h.t.Helper()
	var last httpapi.Ended
	for _, a := range []*answer{c.get("/api/session"), c.renew()} {
		p := a.requireProblem(http.StatusUnauthorized, "session_revoked")
		require.Equal(c.h.t, reason, p.Ended.Reason)
		require.Equal(c.h.t, name(by), *p.Ended.By)
		require.Contains(c.h.t, p.Detail, name(by))
		last = *p.Ended
	}
	return last
}

// ASVS 7.5.2
func TestRevokingOneOfMineLeavesTheOthers(t *testing.T) {
	h := open(t, options{})
	mine, lost := h.browser(member.Plain), h.program(member.Plain)
	a := mine.delete("/api/sessions/" + lost.id()).requireStatus(http.StatusNoContent)
	require.Empty(t, a.Header.Values("Set-Cookie"))
	require.Empty(t, a.Header.Get("Clear-Site-Data"))
	lost.requireRevoked(httpapi.EndReasonRevoked, member.Plain)
	mine.requireLive()
	require.Len(t, mine.list("/api/sessions").Items, 1)
}

func TestRevokingTheSessionAtHandSignsOut(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	a := mine.delete("/api/sessions/" + mine.id()).requireStatus(http.StatusNoContent)
	require.NotEmpty(t, a.Header.Get("Clear-Site-Data"))
	require.NotContains(t, mine.cookies, accessCookie)
	mine.get("/api/session").requireProblem(http.StatusUnauthorized, "no_session")
}

// ASVS 7.5.2, 8.2.2
func TestSomebodyElsesSessionIsForAdminsToRevoke(t *testing.T) {
	for role, allowed := range map[member.Role]bool{member.Owner: true, member.Admin: true, member.Auditor: false} {
		t.Run(string(role), func(t *testing.T) {
			h := open(t, options{})
			theirs, who := h.program(member.Plain), h.browser(role)
			a := who.delete("/api/sessions/" + theirs.id())
			if !allowed {
				// 404 and not 403: others must not learn that the session exists.
				a.requireProblem(http.StatusNotFound, "not_found")
				theirs.requireLive()
				return
			}
			a.requireStatus(http.StatusNoContent)
			theirs.requireRevoked(httpapi.EndReasonRevoked, role)
			who.requireLive()
		})
	}
	h := open(t, options{})
	boss := h.program(member.Owner)
	h.browser(member.Plain).delete("/api/sessions/"+boss.id()).requireProblem(http.StatusNotFound, "not_found")
	boss.requireLive()
}

func TestThereIsNothingToRevokeUnderAnyOtherID(t *testing.T) {
	h := open(t, options{})
	admin, ended := h.browser(member.Admin), h.program(member.Plain)
	id := ended.id()
	ended.delete("/api/session").requireStatus(http.StatusNoContent)
	before := h.everythingDecided()
	for name, id := range map[string]string{
		"one that has ended":   id,
		"one that never was":   "018f0000-0000-7000-8000-000000000000",
		"another spelling":     strings.ToUpper(admin.id()),
		"a URN":                "urn:uuid:" + admin.id(),
		"no id":                "everything",
		"a path":               "..%2f..%2fsession",
		"an encoded character": "%00",
		"SQL":                  "'%20OR%201=1--",
	} {
		h.run(name, func(*testing.T) {
			admin.delete("/api/sessions/"+id).requireProblem(http.StatusNotFound, "not_found")
		})
	}
	require.Equal(t, before, h.everythingDecided())
}

func TestRevokingTheOthersLeavesTheSessionAtHand(t *testing.T) {
	h := open(t, options{})
	mine, theirs := h.browser(member.Plain), h.browser(member.Admin)
	others := []*client{h.browser(member.Plain), h.program(member.Plain), h.program(member.Plain)}
	for _, want := range []int64{3, 0} {
		var ended httpapi.SessionsEnded
		mine.post("/api/sessions/revoke-others", nil).into(http.StatusOK, &ended)
		require.Equal(t, want, ended.SessionsEnded)
	}
	for _, c := range others {
		c.requireRevoked(httpapi.EndReasonRevoked, member.Plain)
	}
	mine.requireLive()
	theirs.requireLive()
}

func (c *client) revokeAll(reason string, changes ...change) (receipt httpapi.RevocationReceipt) {
	c.h.t.Helper()
	c.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &reason}, changes...).into(http.StatusOK, &receipt)
	return receipt
}

// ASVS 7.4.5
func TestRevokingAllEndsEverySession(t *testing.T) {
	h := open(t, options{})
	var all []*client
	for _, role := range roles {
		all = append(all, h.browser(role), h.program(role))
	}
	admin := h.browser(member.Admin)
	all = append(all, admin.clone())
	summary := httpapi.SessionFigures{}
	admin.get("/api/sessions/summary").into(http.StatusOK, &summary)
	require.Equal(t, httpapi.SessionFigures{Sessions: 9, Members: 4, NewToday: 9}, summary)

	reason := "A laptop was stolen; \"quotes\" and <b>ümläuts</b> too."
	before := h.number("SELECT generation FROM organization")
	id := admin.requireLive().Member.Id
	a := admin.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &reason})
	var receipt httpapi.RevocationReceipt
	a.into(http.StatusOK, &receipt)
	require.Equal(t, `"cache", "storage"`, a.Header.Get("Clear-Site-Data"))
	require.NotContains(t, admin.cookies, accessCookie)
	require.NotContains(t, admin.cookies, refreshCookie)
	require.Equal(t, httpapi.RevocationReceipt{
		Generation: before + 1, RevokedAt: h.clock.Now(), By: httpapi.Actor{Id: id, Name: name(member.Admin)}, Reason: reason,
		SessionsEnded: 9, MembersSignedOut: 4, Yours: true,
		AuditSequence: h.number("SELECT max(sequence) FROM audit_entries"),
		AuditHash:     strings.ToLower(h.hex("SELECT hash FROM audit_entries ORDER BY sequence DESC LIMIT 1")),
	}, receipt)

	h.clock.advance(time.Minute)
	check := func() {
		for _, c := range all {
			ended := c.requireRevoked(httpapi.EndReasonRevokedAll, member.Admin)
			require.Equal(t, receipt.RevokedAt, ended.At)
			require.Equal(t, reason, *ended.Note)
		}
	}
	check()
	_, err := h.sessions.Sweep(t.Context()) // the rows are closed behind the answer
	require.NoError(t, err)
	check()
	h.restart()
	check()

	back := h.browser(member.Admin)
	require.Len(t, back.list("/api/sessions").Items, 1)
	require.Equal(t, before+1, back.requireLive().Session.Generation)
}

// hex is the one value that a query gives, in hexadecimal.
func (h *deployment) hex(query string) (value string) {
	h.t.Helper()
	require.NoError(h.t, h.sql.QueryRowContext(h.t.Context(), "SELECT hex(("+query+"))").Scan(&value))
	return value
}

func TestARevocationNeedsNoReason(t *testing.T) {
	for name, changes := range map[string][]change{
		"no body":         nil,
		"an empty object": {raw("{}")},
		"null":            {raw(`{"reason":null}`)},
		"an empty reason": {raw(`{"reason":""}`)},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			lost := h.program(member.Plain)
			h.browser(member.Admin).post("/api/sessions/revoke-all", nil, changes...).requireStatus(http.StatusOK)
			require.Nil(t, lost.requireRevoked(httpapi.EndReasonRevokedAll, member.Admin).Note)
		})
	}
}

func TestARefusedRevocationRevokesNothing(t *testing.T) {
	h := open(t, options{})
	admin, other := h.browser(member.Admin), h.program(member.Plain)
	before := h.everythingDecided()
	post := func(changes ...change) *answer { return admin.post("/api/sessions/revoke-all", nil, changes...) }

	long := strings.Repeat("ü", 501)
	admin.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &long}).requireFields("reason max")
	post(malformed, header("Idempotency-Key", strings.Repeat("k", 129))).requireFields("Idempotency-Key max")
	post(raw(`{"reason":5}`)).requireFields("reason type")
	post(raw(`{"everybody":true}`)).requireProblem(http.StatusUnprocessableEntity, "unknown_field")
	post(raw(`{"reason":"a"`)).requireProblem(http.StatusBadRequest, "invalid_json")
	post(raw(`reason=a`), func(r *request) { r.header.Set("Content-Type", "application/x-www-form-urlencoded") }).
		requireProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	other.post("/api/sessions/revoke-all", nil).requireProblem(http.StatusForbidden, "forbidden")

	require.Equal(t, before, h.everythingDecided())
	other.requireLive()
	longest := strings.Repeat("ü", 500)
	admin.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &longest}).requireStatus(http.StatusOK)
}

func TestARepeatedRevocationRevokesNothingMore(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	key := header("Idempotency-Key", "stolen-laptop")
	first := h.browser(member.Admin).revokeAll("a laptop was stolen", key)

	h.clock.advance(time.Minute)
	again, bystander := h.browser(member.Admin), h.program(member.Plain)
	before := h.everythingDecided()
	stolen := "a laptop was stolen"
	a := again.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &stolen}, key)
	var second httpapi.RevocationReceipt
	a.into(http.StatusOK, &second)
	require.Empty(t, a.Header.Values("Set-Cookie"))
	require.Empty(t, a.Header.Get("Clear-Site-Data"))
	require.False(t, second.Yours)
	second.Yours = true
	require.Equal(t, first, second)
	require.Equal(t, before, h.everythingDecided())
	again.requireLive()
	bystander.requireLive()

	// The key is its caller's own, and another one names another revocation.
	require.True(t, h.browser(member.Owner).revokeAll("", key).Yours)
	require.True(t, h.browser(member.Admin).revokeAll("", header("Idempotency-Key", "another laptop")).Yours)
}

// A key names one request for a day. A nightly job with the same key revokes every night.
func TestAKeyNamesOneRevocationForADay(t *testing.T) {
	h := open(t, options{})
	key, nightly := header("Idempotency-Key", "nightly"), "every night"
	first := h.browser(member.Admin).revokeAll(nightly, key)
	h.clock.advance(24*time.Hour - time.Millisecond)
	admin := h.browser(member.Admin)
	before := h.everythingDecided()
	other := "another reason"
	for _, body := range []any{httpapi.RevokeAllRequest{Reason: &other}, httpapi.RevokeAllRequest{}, nil} {
		admin.post("/api/sessions/revoke-all", body, key).requireProblem(http.StatusUnprocessableEntity, "key_reused")
	}
	var receipt httpapi.RevocationReceipt
	admin.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &nightly}, key).into(http.StatusOK, &receipt)
	require.Equal(t, first.AuditSequence, receipt.AuditSequence)
	for _, wrong := range []string{"", " ", "käse", "\x7f"} {
		admin.post("/api/sessions/revoke-all", nil, malformed, header("Idempotency-Key", wrong)).requireFields("Idempotency-Key invalid")
	}
	admin.post("/api/sessions/revoke-all", nil, malformed, header("Idempotency-Key", "a"), header("Idempotency-Key", "b")).requireFields("Idempotency-Key invalid")
	require.Equal(t, before, h.everythingDecided())

	h.restart()
	h.clock.advance(time.Millisecond)
	second := admin.revokeAll(other, key)
	require.Equal(t, first.Generation+1, second.Generation, "after a day the key is free again")
	admin = h.browser(member.Admin)
	admin.post("/api/sessions/revoke-all", httpapi.RevokeAllRequest{Reason: &nightly}, key).requireProblem(http.StatusUnprocessableEntity, "key_reused")
	admin.requireLive()
	found, err := audit.Check(t.Context(), h.db)
	require.NoError(t, err)
	require.Nil(t, found.Broken)
}

func TestOneRevocationFromManySessionsAtOnceCountsOnce(t *testing.T) {
	h := open(t, options{})
	var admins []*client
	for range 20 {
		admins = append(admins, h.program(member.Admin))
	}
	before := h.number("SELECT generation FROM organization")
	answers := inParallel(len(admins), func(i int) *answer {
		return admins[i].send(http.MethodPost, "/api/sessions/revoke-all", nil, header("Idempotency-Key", "one"))
	})
	require.Equal(t, before+1, h.number("SELECT generation FROM organization"))
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM revocations"))
	require.Equal(t, 1, withStatus(answers, http.StatusOK), "it ended the sessions of all the others")
	require.Equal(t, 19, withStatus(answers, http.StatusUnauthorized))
}

// TestWhatAnEndedSessionAsksForDoesNotHappen holds that a request that was let in just before a
// revocation changes nothing after it.
func TestRevocationsAndSavesAtOnceNeverCross(t *testing.T) {
	h := open(t, options{})
	var admins []*client
	for range 20 {
		admins = append(admins, h.program(member.Admin))
	}
	answers := inParallel(len(admins), func(i int) *answer {
		if i%2 == 0 {
			return admins[i].send(http.MethodPut, "/api/settings/security", policy(int64(100+i), "days", true))
		}
		return admins[i].send(http.MethodPost, "/api/sessions/revoke-all", nil)
	})
	require.Equal(t, 20, withStatus(answers, http.StatusOK)+withStatus(answers, http.StatusUnauthorized))
	revoked := h.number("SELECT sequence FROM audit_entries WHERE action = 'sessions.revoked_all'")
	require.Zero(t, h.number("SELECT count(*) FROM audit_entries WHERE action = 'policy.saved' AND sequence > ?", revoked))
	for _, a := range answers {
		if a.StatusCode == http.StatusUnauthorized {
			a.requireProblem(http.StatusUnauthorized, "session_revoked")
		}
	}
}
