package httpapi_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// How many attempts are let through is package member's to say; see throttle.go there. A verification leaves an audit entry.

func guess(who string) httpapi.SignInRequest {
	return httpapi.SignInRequest{Email: who, Password: "a guess that is wrong"}
}

// at is a client that connects from that address.
func (h *house) at(address string) *client {
	c := h.stranger()
	c.peer = address
	return c
}

func (h *house) verifications() int {
	h.t.Helper()
	return int(h.number("SELECT count(*) FROM audit_entries WHERE action IN ('session.refused', 'session.reauthentication_refused')"))
}

func TestElevenGuessesAtOnceGetTenVerifications(t *testing.T) {
	h := open(t, options{})
	known := h.at("192.0.2.1").signIn(member.Plain)
	require.Zero(t, h.verifications())

	answers := inParallel(11, func(int) *answer {
		return h.at("203.0.113.1").send(http.MethodPost, "/api/sessions", guess(email(member.Plain)))
	})
	require.Equal(t, 10, withStatus(answers, http.StatusUnauthorized))
	require.Equal(t, 1, withStatus(answers, http.StatusTooManyRequests))
	require.Equal(t, 10, h.verifications())

	// The right password does not help a stranger who has guessed that often. It does help the member: on a browser that is
	// known, from the very same address.
	refused := h.at("203.0.113.1").post("/api/sessions", credentials(member.Plain, "cookie"))
	refused.requireProblem(http.StatusTooManyRequests, "too_many_attempts")
	device := h.at("203.0.113.1")
	device.cookies[deviceCookie] = known.cookies[deviceCookie]
	device.signIn(member.Plain)
	known.requireLive()
}

func TestAfterRetryAfterTheRightPasswordIsLetIn(t *testing.T) {
	h := open(t, options{})
	for range 10 {
		h.at("203.0.113.1").post("/api/sessions", guess(email(member.Plain))).requireProblem(http.StatusUnauthorized, "bad_credentials")
	}
	a := h.at("203.0.113.1").post("/api/sessions", guess(email(member.Plain)))
	a.requireProblem(http.StatusTooManyRequests, "too_many_attempts")
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	require.NoError(t, err)
	h.restart() // empties no bucket
	h.clock.advance(time.Duration(wait)*time.Second - time.Millisecond)
	h.at("203.0.113.1").post("/api/sessions", credentials(member.Plain, "cookie")).requireStatus(http.StatusTooManyRequests)
	h.clock.advance(time.Millisecond)
	h.at("203.0.113.1").signIn(member.Plain)
	h.at("203.0.113.1").signIn(member.Plain) // which forgave what went before
}

// TestGuessersLockNobodyOut: whoever uses up an account's attempts from many addresses does not stop its owner where they are known.
//
// ASVS 6.1.1
func TestGuessersLockNobodyOut(t *testing.T) {
	h := open(t, options{})
	known := h.at("192.0.2.1").signIn(member.Plain)
	for i := range 30 {
		h.at(fmt.Sprintf("203.0.113.%d", i)).post("/api/sessions", guess(email(member.Plain))).requireProblem(http.StatusUnauthorized, "bad_credentials")
	}
	h.at("203.0.113.200").post("/api/sessions", guess(email(member.Plain))).requireProblem(http.StatusTooManyRequests, "too_many_attempts")
	h.at("203.0.113.201").post("/api/sessions", credentials(member.Plain, "cookie")).requireProblem(http.StatusTooManyRequests, "too_many_attempts")

	h.at("192.0.2.1").signIn(member.Plain) // a familiar address
	device := h.at("203.0.113.202")        // a known browser, somewhere else
	device.cookies[deviceCookie] = known.cookies[deviceCookie]
	device.signIn(member.Plain)
	h.at("203.0.113.203").signIn(member.Admin) // and nobody else is slowed
}

func TestADeviceIsKnownForItsMemberOnlyAndCannotBeForged(t *testing.T) {
	h := open(t, options{})
	known := h.at("192.0.2.1").signIn(member.Plain)
	for range 10 {
		h.at("203.0.113.1").post("/api/sessions", guess(email(member.Admin)))
		h.at("203.0.113.1").post("/api/sessions", guess(email(member.Plain)))
	}
	device := known.cookies[deviceCookie]
	last := "A"
	if device[len(device)-5] == 'A' {
		last = "B"
	}
	for name, c := range map[string]struct {
		role   member.Role
		cookie string
	}{
		"somebody else's":  {member.Admin, device},
		"a changed one":    {member.Plain, device[:len(device)-5] + last + device[len(device)-4:]},
		"a shortened one":  {member.Plain, device[:len(device)-1]},
		"an access token":  {member.Plain, known.cookies[accessCookie]},
		"a refresh token":  {member.Plain, known.cookies[refreshCookie]},
		"nothing in it":    {member.Plain, ""},
		"one that is text": {member.Plain, "known"},
	} {
		h.run(name, func(*testing.T) {
			c2 := h.at("203.0.113.1")
			c2.cookies[deviceCookie] = c.cookie
			c2.post("/api/sessions", credentials(c.role, "cookie")).requireProblem(http.StatusTooManyRequests, "too_many_attempts")
		})
	}
	alone := h.stranger()
	alone.cookies[deviceCookie] = device
	alone.get("/api/session").requireProblem(http.StatusUnauthorized, "no_session") // it admits nobody
}

// Wazuh (CVE-2026-93346) and Keycloak (CVE-2024-4629) counted after the check, so that a burst in parallel got through.
//
// ASVS 2.4.1, 6.1.1, 6.3.1
func TestABurstOfGuessesGetsExactlyTheCap(t *testing.T) {
	for name, c := range map[string]struct {
		address, email func(i int) string
		cap            int
	}{
		"one account from one address":    {func(int) string { return "203.0.113.1" }, func(int) string { return email(member.Plain) }, 10},
		"one account from many addresses": {func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, func(int) string { return email(member.Plain) }, 30},
		"many spellings of one account":   {func(int) string { return "203.0.113.1" }, spelling, 10},
		"many accounts from one address":  {func(int) string { return "203.0.113.1" }, anyone, 60},
		"many accounts from one network":  {func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, anyone, 60},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			h.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199)
				INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, deactivated_at, sort_name, search) SELECT printf('018f0000-0000-7000-8000-%012x', i), 'N', 'n', i || '@example.org', 'member', ?, 1, 1, NULL, 'n', 'n' FROM n`, passwordHash())
			answers := inParallel(200, func(i int) *answer {
				return h.at(c.address(i)).send(http.MethodPost, "/api/sessions", guess(c.email(i)))
			})
			require.Equal(t, c.cap, withStatus(answers, http.StatusUnauthorized))
			require.Equal(t, 200-c.cap, withStatus(answers, http.StatusTooManyRequests))
			require.Equal(t, c.cap, h.verifications())
		})
	}
}

func spelling(i int) string {
	return []string{"member@example.org", "MEMBER@example.org", " member@example.org", "Member@Example.Org\t"}[i%4]
}

func anyone(i int) string { return strconv.Itoa(i) + "@example.org" }

// ASVS 6.3.8
func TestAnUnknownAddressIsThrottledLikeAKnownOne(t *testing.T) {
	h := open(t, options{})
	var seen [2][]string
	for i, who := range []string{email(member.Plain), "nobody@example.org"} {
		for range 12 {
			a := h.at(fmt.Sprintf("203.0.113.%d", i)).post("/api/sessions", guess(who))
			seen[i] = append(seen[i], a.Status+a.Header.Get("Retry-After"))
		}
	}
	require.Equal(t, seen[0], seen[1])
	require.Contains(t, seen[0][11], "429")
}

func TestProvingAgainIsThrottledAndEndsNothing(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Plain)
	wrong := httpapi.ReauthenticateRequest{Password: "a guess that is wrong"}
	for range 10 {
		b.post("/api/session/reauthenticate", wrong).requireProblem(http.StatusForbidden, "bad_credentials")
	}
	b.post("/api/session/reauthenticate", wrong).requireProblem(http.StatusTooManyRequests, "too_many_attempts")
	b.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password}).requireStatus(http.StatusTooManyRequests)
	require.Equal(t, 10, h.verifications())
	b.requireLive()
	h.browser(member.Plain)
}

// ASVS 4.1.3
func TestAForgedAddressGetsNoBucketOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		proxies []string
		status  int
	}{
		"no proxy is trusted":       {nil, http.StatusTooManyRequests},
		"the peer is no such proxy": {[]string{"198.51.100.0/24"}, http.StatusTooManyRequests},
		"the peer is a trusted one": {[]string{"203.0.113.0/24"}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{trustedProxies: c.proxies})
			var last *answer
			for i := range 11 {
				last = h.at("203.0.113.1").post("/api/sessions", guess(email(member.Plain)), header("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)))
			}
			last.requireStatus(c.status)
		})
	}
}
