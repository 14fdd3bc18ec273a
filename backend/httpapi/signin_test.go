package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4
func TestABrowserIsSignedInByCookiesThatNoScriptCanRead(t *testing.T) {
	h := open(t, options{})
	b := h.stranger()
	a := b.post("/api/sessions", httpapi.SignInRequest{Email: email(member.Admin), Password: password})
	given := a.signedIn(http.StatusCreated)
	require.Nil(t, given.AccessToken)
	require.Nil(t, given.RefreshToken)
	require.Len(t, b.cookies, 3)
	for _, name := range []string{accessCookie, refreshCookie, deviceCookie} {
		require.NotEmpty(t, b.cookies[name])
		require.NotContains(t, string(a.body), b.cookies[name], "%s is in the body", name)
	}
	for _, cookie := range a.Cookies() { // the rest of their attributes is held for every answer, in requireHeaders
		require.Equal(t, 400*24*60*60, cookie.MaxAge, "the policy ends a session, and no cookie does")
	}
	require.EqualValues(t, 300, given.ExpiresIn)
	require.True(t, given.Session.Current)
	require.Equal(t, []string{"password"}, given.Session.Methods)
	require.Equal(t, given.Session.Id, b.id())
}

func TestAProgramGetsBothTokensInTheBodyAndNoCookie(t *testing.T) {
	h := open(t, options{})
	p := h.stranger()
	a := p.post("/api/sessions", credentials(member.Admin, httpapi.TransportBearer))
	require.Empty(t, a.Header.Values("Set-Cookie"))
	p.keep(a.signedIn(http.StatusCreated)).requireLive()

	renewed := p.renew()
	require.Empty(t, renewed.Header.Values("Set-Cookie"))
	p.requireLive()
}

// What an unknown address and a wrong password get must not differ in anything (ASVS 6.3.8).
//
// ASVS 6.3.8
func TestAWrongPasswordAndAnUnknownAddressLookTheSame(t *testing.T) {
	h := open(t, options{})
	h.exec("UPDATE members SET deactivated_at = 1 WHERE role = 'auditor'")
	var seen []string
	for _, in := range []httpapi.SignInRequest{
		{Email: email(member.Plain), Password: "not the password of hers"},
		{Email: "nobody@example.org", Password: password},
		{Email: email(member.Auditor), Password: password}, // deactivated
	} {
		a := h.stranger().post("/api/sessions", in)
		p := a.requireProblem(http.StatusUnauthorized, "bad_credentials")
		a.Header.Del("X-Request-Id")
		headers, err := json.Marshal(a.Header)
		require.NoError(t, err)
		seen = append(seen, string(headers)+strings.ReplaceAll(string(a.body), p.RequestId, "…"))
	}
	require.Equal(t, seen[0], seen[1])
	require.Equal(t, seen[0], seen[2])
}

// TestSigningInOverASession holds that a browser has one session at a time, and that an attacker
// cannot plant theirs (ASVS 7.2.4).
//
// ASVS 7.2.4
func TestSigningInOverASessionEndsIt(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Plain)
	before, first := b.clone(), b.id()
	b.signIn(member.Admin)
	require.NotEqual(t, first, b.id())
	require.NotEqual(t, before.cookies[accessCookie], b.cookies[accessCookie])
	require.NotEqual(t, before.cookies[refreshCookie], b.cookies[refreshCookie])
	p := before.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonSignedOut, p.Ended.Reason)
	before.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
}

func TestAFailedSignInLeavesTheSessionThatIsThere(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Plain)
	b.post("/api/sessions", httpapi.SignInRequest{Email: email(member.Admin), Password: "not the password of theirs"}).
		requireProblem(http.StatusUnauthorized, "bad_credentials")
	b.requireLive()
	b.renew().requireStatus(http.StatusOK)
}

// ASVS 6.2.10
func TestAPasswordNeverRunsOut(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.clock.advance(50 * 365 * 24 * time.Hour)
	h.program(member.Plain).requireLive()
}

func TestAProgramThatSignsInLeavesTheBrowsersSession(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Plain)
	b.post("/api/sessions", credentials(member.Plain, httpapi.TransportBearer)).signedIn(http.StatusCreated)
	b.requireLive()
}

// ASVS 7.4.1, 14.3.1
func TestSigningOutEndsTheSessionForEveryToken(t *testing.T) {
	h := open(t, options{})
	b, p := h.browser(member.Plain), h.program(member.Plain)
	for _, c := range []*client{b, p} {
		before := c.clone()
		a := c.delete("/api/session").requireStatus(http.StatusNoContent)
		require.Equal(t, `"cache", "storage"`, a.Header.Get("Clear-Site-Data"))
		require.NotContains(t, c.cookies, accessCookie)
		require.NotContains(t, c.cookies, refreshCookie)
		gone := before.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
		require.Equal(t, httpapi.EndReasonSignedOut, gone.Ended.Reason)
		require.Equal(t, name(member.Plain), *gone.Ended.By)
		before.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
		before.delete("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
	}
	require.Contains(t, b.cookies, deviceCookie, "the browser stays a known one")
}

func TestAnExpiredAccessTokenIsRefreshedAndTheCallRepeated(t *testing.T) {
	h := open(t, options{})
	for _, signIn := range []func(member.Role) *client{h.browser, h.program} {
		c := signIn(member.Admin)
		h.clock.advance(5*time.Minute - time.Second)
		c.get("/api/sessions").requireStatus(http.StatusOK)
		h.clock.advance(time.Second)
		c.get("/api/sessions").requireProblem(http.StatusUnauthorized, "token_expired")
		c.renew().requireStatus(http.StatusOK) // with the expired access token sent along, which is ignored
		c.get("/api/sessions").requireStatus(http.StatusOK)
	}
}

func TestATokenNeverOutlivesItsSession(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Owner).savePolicy(policy(2, "minutes", false))
	c := h.stranger()
	given := c.post("/api/sessions", credentials(member.Plain, "cookie")).signedIn(http.StatusCreated)
	require.EqualValues(t, 120, given.ExpiresIn)
	h.clock.advance(2 * time.Minute)
	c.get("/api/session").requireStatus(http.StatusUnauthorized)
	c.renew().requireProblem(http.StatusUnauthorized, "session_expired")
}

// ASVS 9.2.2
func TestTheTwoTransportsOfARefreshDoNotMix(t *testing.T) {
	h := open(t, options{})
	b, p := h.browser(member.Admin), h.program(member.Admin)

	h.run("a browser's token in a body is answered in the body", func(t *testing.T) {
		token := b.cookies[refreshCookie]
		a := h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &token})
		require.NotNil(t, a.signedIn(http.StatusOK).AccessToken)
		require.Empty(t, a.Header.Values("Set-Cookie"))
	})
	h.run("a program's token in the cookie is answered in cookies", func(t *testing.T) {
		c := h.stranger()
		c.cookies[refreshCookie] = p.refresh
		require.Nil(t, c.post("/api/sessions/refresh", nil).signedIn(http.StatusOK).AccessToken)
		require.NotEmpty(t, c.cookies[accessCookie])
	})
	h.run("an empty object means the cookie", func(*testing.T) {
		b.clone().post("/api/sessions/refresh", httpapi.RefreshRequest{}).requireStatus(http.StatusOK)
	})
	h.run("a body goes before a cookie", func(*testing.T) {
		none := ""
		b.clone().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &none}).requireProblem(http.StatusUnauthorized, "token_invalid")
	})
	h.run("an access token is no refresh token", func(*testing.T) {
		h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &p.access}).requireProblem(http.StatusUnauthorized, "token_invalid")
	})
	h.run("a refresh token is no access token", func(*testing.T) {
		thief := h.stranger()
		thief.access = p.refresh
		thief.get("/api/session").requireProblem(http.StatusUnauthorized, "token_invalid")
	})
	h.run("nothing at all", func(*testing.T) {
		h.stranger().post("/api/sessions/refresh", nil).requireProblem(http.StatusUnauthorized, "no_session")
	})
	h.run("two cookies", func(*testing.T) {
		b.post("/api/sessions/refresh", nil, header("Cookie", refreshCookie+"="+b.cookies[refreshCookie])).
			requireProblem(http.StatusUnauthorized, "token_invalid")
	})
	b.requireLive()
	p.requireLive()
}

// ASVS 7.2.1
func TestATokenWithABitChangedOpensNothing(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	tried := 0
	for i := range p.access {
		changed := p.clone()
		changed.access = p.access[:i] + string(p.access[i]^1) + p.access[i+1:]
		if strings.ContainsRune("\x7f ", rune(changed.access[i])) {
			continue
		}
		changed.get("/api/session").requireProblem(http.StatusUnauthorized, "token_invalid")
		tried++
	}
	require.Greater(t, tried, 300)
	p.requireLive()
}

// Zitadel took truncated tokens (CVE-2026-27840). A token that is not one of ours also ends no
// session.
func TestARefreshTokenIsTakenWholeOrNotAtAll(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	whole := p.refresh
	wrong := []string{whole + "A", whole + "=", whole + "\n", whole + whole, "A" + whole, " " + whole}
	for i := range whole {
		wrong = append(wrong, whole[:i], whole[:i]+string(whole[i]^1)+whole[i+1:])
	}
	require.Greater(t, len(wrong), 200)
	before := h.everythingDecided()
	for _, token := range wrong {
		h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &token}).requireProblem(http.StatusUnauthorized, "token_invalid")
	}
	require.Equal(t, before, h.everythingDecided())
	p.requireLive()
	p.renew().requireStatus(http.StatusOK)
}

func TestARaceOfTabsGetsOneSuccessor(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	answers := inParallel(100, func(int) *answer {
		return p.send(http.MethodPost, "/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &p.refresh})
	})
	successors := map[string]bool{}
	for _, a := range answers {
		given := a.signedIn(http.StatusOK)
		successors[*given.RefreshToken] = true
		p.clone().keep(given).requireLive()
	}
	require.Len(t, successors, 1)
	require.False(t, successors[p.refresh])
	p.renew().requireStatus(http.StatusOK) // and once more: an answer may have been lost
	p.renew().requireStatus(http.StatusOK)
	p.requireLive()
}

func TestUsingATokenAfterItsSuccessorEndsTheSession(t *testing.T) {
	h := open(t, options{})
	thief := h.program(member.Admin)
	p := thief.clone()
	p.renew().requireStatus(http.StatusOK)
	once := p.clone()
	p.renew().requireStatus(http.StatusOK)

	stolen := thief.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonTokenReuse, stolen.Ended.Reason)
	for _, c := range []*client{p, once, thief} {
		gone := c.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
		require.Equal(t, httpapi.EndReasonTokenReuse, gone.Ended.Reason)
		c.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
	}
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM audit_entries WHERE action = 'session.ended' AND details LIKE '%token_reuse%'"))
}

// Keycloak compared rotations by the second in which they happened, so that an old token of the
// same second was good again (#50999).
func TestAThousandRotationsInOneInstantLeaveNoOldTokenGood(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	const rotations = 1_000
	chain := make([]string, 0, rotations)
	for range rotations {
		chain = append(chain, p.refresh)
		p.renew().requireStatus(http.StatusOK)
	}
	for _, i := range []int{0, 1, 2, 499, rotations - 3, rotations - 2} {
		twin := h.copy() // the first replay ends the session, so that each needs one of its own
		gone := twin.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &chain[i]}).
			requireProblem(http.StatusUnauthorized, "session_revoked")
		require.Equal(t, httpapi.EndReasonTokenReuse, gone.Ended.Reason)
	}
	a := h.stranger().post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &chain[rotations-1]})
	require.Equal(t, p.refresh, *a.signedIn(http.StatusOK).RefreshToken, "the last one whose successor was never presented")
	p.requireLive()
}

// A restored backup must not make every new token look like a theft of itself, nor admit it.
func TestATokenThatIsNewerThanTheDatabaseEndsNothing(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	backup := h.copy()
	p.renew().requireStatus(http.StatusOK)
	p.renew().requireStatus(http.StatusOK)
	restored := p.clone()
	restored.h = backup
	restored.renew().requireProblem(http.StatusUnauthorized, "token_invalid")
	restored.requireLive()
}

// Revocations that the backup does not know of must not be undone by it (I13).
func TestATokenOfALaterGenerationIsRefused(t *testing.T) {
	h := open(t, options{})
	backup := h.copy()
	h.browser(member.Owner).post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
	later := h.program(member.Admin)
	later.requireLive()
	later.h = backup
	later.get("/api/session").requireProblem(http.StatusUnauthorized, "token_invalid")
	require.Contains(t, backup.log.String(), "newer than the database")
}
