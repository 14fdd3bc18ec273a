package httpapi_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

// Who may make each call. A call that is missing here is a fault, so that a new one has to be
// thought about.
var (
	public = []string{
		"GET /healthz", "GET /readyz", "GET /api/openapi.json", "GET /api/docs",
		"GET /api/setup", "GET /api/logo", "POST /api/setup", "POST /api/sessions", "POST /api/sessions/refresh",
		"POST /api/sessions/passkey", "POST /api/passkeys/challenge",
		"POST /api/invitations/look", "POST /api/invitations/accept",
	}
	// What a session can do that has not proved the second factor which the organization requires.
	forRestricted = []string{
		"GET /api/session", "DELETE /api/session", "POST /api/session/reauthenticate", "GET /api/events",
		"POST /api/session/reauthenticate/passkey",
		"GET /api/account/second-factor", "PUT /api/account/second-factor", "POST /api/account/second-factor/enrolment",
		"POST /api/account/passkeys", "POST /api/account/passkey-challenge",
	}
	forMembers = slices.Concat(forRestricted, []string{
		"GET /api/sessions", "DELETE /api/sessions/{id}", "POST /api/sessions/revoke-others",
		"PATCH /api/account", "PUT /api/account/password", "GET /api/account/activity", "GET /api/account/notices", "POST /api/account/notices/dismiss",
		"GET /api/account/passkeys", "DELETE /api/account/passkeys/{id}",
		"DELETE /api/account/second-factor", "POST /api/account/second-factor/recovery-codes",
	})
	forOverseers = []string{
		"GET /api/sessions/counts",
		"GET /api/overview",
		"GET /api/sessions/summary", "GET /api/settings/security", "POST /api/settings/security/preview", "GET /api/settings/sign-in", "GET /api/settings/general",
		"GET /api/members", "GET /api/members/{id}", "GET /api/audit", "GET /api/audit/chain",
		"GET /metrics",
	}
	forAdmins = []string{
		"POST /api/sessions/revoke-matching",
		"POST /api/overview/dismiss",
		"PUT /api/settings/security", "PUT /api/settings/sign-in", "PUT /api/settings/guidelines", "PUT /api/settings/general", "PUT /api/settings/logo", "DELETE /api/settings/logo", "POST /api/sessions/revoke", "POST /api/sessions/revoke-all",
		"POST /api/members", "PATCH /api/members/{id}", "POST /api/members/{id}/revoke-sessions", "POST /api/members/{id}/link",
		"DELETE /api/members/{id}", "DELETE /api/members/{id}/second-factor",
	}
)

// call makes the call with as little as it takes to get past the guard.
func (c *client) call(route string, changes ...change) *answer {
	c.h.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	if path == "/api/events" { // it would go on for as long as somebody listens
		ctx, leave := context.WithCancel(c.h.t.Context())
		leave()
		changes = append(changes, func(r *request) { r.ctx = ctx })
	}
	return c.do(method, strings.ReplaceAll(path, "{id}", "018f0000-0000-7000-8000-000000000000"), nil, append(changes, malformed)...)
}

// ASVS 6.1.3, 6.3.4, 6.3.6, 8.2.1, 13.4.5
func TestEveryRouteSaysWhoMayCallIt(t *testing.T) {
	listed := slices.Concat(public, forMembers, forOverseers, forAdmins)
	slices.Sort(listed)
	require.Equal(t, listed, open(t, options{}).routes())
}

// TestWhatAnswersGETAnswersHEAD: monitoring systems ask with HEAD whether the server is well, and a
// HEAD that no call takes would be answered as that of a page is. That the body stays away shows
// over a real connection only, in the attacks.
func TestWhatAnswersGETAnswersHEAD(t *testing.T) {
	h := open(t, options{})
	asked := 0
	for _, route := range h.routes() {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet || path == "/api/events" {
			continue
		}
		for _, c := range []*client{h.stranger(), h.browser(member.Plain), h.program(member.Owner)} {
			whole, head := c.call(route), c.call("HEAD "+path)
			require.Equal(t, whole.StatusCode, head.StatusCode, "%s", route)
			require.Equal(t, whole.Header.Get("Content-Type"), head.Header.Get("Content-Type"), "%s", route)
			asked++
		}
	}
	require.Greater(t, asked, 50)
}

// ASVS 7.2.1, 8.2.1
func TestWithoutCredentialsOnlyWhatIsPublicAnswers(t *testing.T) {
	h := open(t, options{})
	before, guarded := h.everythingDecided(), 0
	for _, route := range h.routes() {
		if slices.Contains(public, route) {
			continue
		}
		a := h.stranger().call(route)
		a.requireProblem(http.StatusUnauthorized, "no_session")
		require.Equal(t, `Bearer realm="curfew"`, a.Header.Get("WWW-Authenticate"))
		require.Empty(t, a.Header.Get("Curfew-Session-Expires-In"))
		guarded++
	}
	require.GreaterOrEqual(t, guarded, 10)
	require.Equal(t, len(h.routes()), guarded+len(public))
	require.Equal(t, before, h.everythingDecided())
}

// ASVS 8.2.1
func TestTheRoleDecides(t *testing.T) {
	for _, c := range []struct {
		role      member.Role
		forbidden []string
		allowed   []string
	}{
		{member.Plain, slices.Concat(forOverseers, forAdmins), forMembers},
		{member.Auditor, forAdmins, slices.Concat(forMembers, forOverseers)},
		{member.Admin, nil, slices.Concat(forMembers, forOverseers, forAdmins)},
		{member.Owner, nil, slices.Concat(forMembers, forOverseers, forAdmins)},
	} {
		t.Run(string(c.role), func(t *testing.T) {
			h := open(t, options{})
			who := h.browser(c.role)
			before := h.everythingDecided()
			for _, route := range c.forbidden {
				who.call(route, passive).requireProblem(http.StatusForbidden, "forbidden")
			}
			require.Equal(t, before, h.everythingDecided(), "what is forbidden changes nothing")
			for _, route := range c.allowed {
				a := h.browser(c.role).call(route)
				require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.StatusCode, "%s", a)
			}
		})
	}
}

// A link or an image on any page makes a browser send a GET, with its cookies (ASVS 3.5.3).
//
// ASVS 3.5.3, 7.6.2
func TestReadingChangesNothing(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	admin.put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
	before, read := h.everythingDecided(), 0
	for _, route := range h.routes() {
		if strings.HasPrefix(route, "GET ") {
			want := http.StatusOK
			if strings.Contains(route, "{id}") {
				want = http.StatusNotFound // there is none of that id
			}
			admin.call(route).requireStatus(want)
			read++
		}
	}
	require.GreaterOrEqual(t, read, 8)
	require.Equal(t, before, h.everythingDecided())
}

func TestAHeaderGoesBeforeACookie(t *testing.T) {
	h := open(t, options{})
	browser, program := h.browser(member.Admin), h.program(member.Plain)
	both := browser.clone()
	both.access = program.access
	require.Equal(t, email(member.Plain), both.requireLive().Member.Email)

	for name, value := range map[string]string{
		"nothing in it":   "Bearer ",
		"two spaces":      "Bearer  " + program.access,
		"two tokens":      "Bearer " + program.access + ", Bearer " + program.access,
		"a tab":           "Bearer\t" + program.access,
		"only the scheme": "Bearer",
		"somebody else's": "Bearer " + strings.Repeat("x", 40),
	} {
		h.run(name, func(*testing.T) {
			browser.get("/api/session", header("Authorization", value)).requireProblem(http.StatusUnauthorized, "token_invalid")
		})
	}
	browser.get("/api/session", header("Authorization", "Bearer "+program.access), header("Authorization", "Bearer "+program.access)).
		requireProblem(http.StatusUnauthorized, "token_invalid")
	program.clone().get("/api/session", func(r *request) { r.header.Set("Authorization", "bearer "+program.access) }).requireStatus(http.StatusOK)
}

// TestACredentialForSomebodyElseHidesNoCookie: a proxy with an authentication of its own leaves the
// header behind for us to see.
func TestACredentialForSomebodyElseHidesNoCookie(t *testing.T) {
	h := open(t, options{})
	for name, values := range map[string][]string{
		"Basic":      {"Basic YW5hOnNlY3JldA=="},
		"lower case": {"basic YW5hOnNlY3JldA=="},
		"Digest":     {`Digest username="ana", realm="proxy", nonce="x", response="y"`},
		"Negotiate":  {"Negotiate YIIB"},
		"two":        {"Basic YW5hOnNlY3JldA==", "Negotiate YIIB"},
		"no scheme":  {"c2VjcmV0"},
		"nothing":    {""},
	} {
		h.run(name, func(t *testing.T) {
			left := func(r *request) {
				for _, value := range values {
					r.header.Add("Authorization", value)
				}
			}
			c := h.stranger()
			for range 3 { // each sign-in of the browser is in the place of the one before
				c.post("/api/sessions", credentials(member.Plain, "cookie"), left).signedIn(http.StatusCreated)
				require.EqualValues(t, 1, c.list("/api/sessions", left).Total)
			}
			c.post("/api/sessions/refresh", nil, left).requireStatus(http.StatusOK)
			c.delete("/api/session", left).requireStatus(http.StatusNoContent)
			c.get("/api/session", left).requireProblem(http.StatusUnauthorized, "no_session")

			p := h.program(member.Plain)
			p.get("/api/session", left).requireStatus(http.StatusOK)
			p.delete("/api/session", left).requireStatus(http.StatusNoContent)
		})
	}
}

// The role in a token, the copy in memory or what a client says must not keep a deactivated member
// in (ASVS 7.4.2).
//
// ASVS 7.4.2
func TestADeactivatedMemberIsOutAndStaysOut(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Plain)
	h.exec("UPDATE members SET deactivated_at = ? WHERE role = 'member'", h.clock.Now().UnixMilli())
	h.restart()
	p.get("/api/session").requireProblem(http.StatusUnauthorized, "member_deactivated")
	p.renew().requireProblem(http.StatusUnauthorized, "member_deactivated")
	h.stranger().post("/api/sessions", credentials(member.Plain, "cookie")).requireProblem(http.StatusUnauthorized, "bad_credentials")
}
