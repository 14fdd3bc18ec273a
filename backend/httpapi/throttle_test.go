package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/store"
)

// How many attempts are let through is package member's to say; see throttle.go there. A
// verification leaves an audit entry, or is counted.

func guess(who string) httpapi.SignInRequest {
	return httpapi.SignInRequest{Email: who, Password: "a guess that is wrong"}
}

// at is a client that connects from that address.
func (h *deployment) at(address string) *client {
	c := h.stranger()
	c.peer = address
	return c
}

func (h *deployment) verifications() int {
	h.t.Helper()
	return int(h.number("SELECT count(*) + (SELECT ifnull(sum(count), 0) FROM refusals) FROM audit_entries WHERE action IN ('session.refused', 'session.reauthentication_refused')"))
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

	// The right password does not help a stranger who has guessed that often. It does help the
	// member: on a browser that is known, from the very same address.
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

// TestGuessersLockNobodyOut: a client that uses up an account's attempts from many addresses does
// not stop its owner where they are known.
//
// ASVS 6.1.1
func TestGuessersLockNobodyOut(t *testing.T) {
	h := open(t, options{})
	known := h.at("192.0.2.1").signIn(member.Plain)
	for i := range 300 {
		h.at(fmt.Sprintf("203.0.%d.%d", i/100, i%100)).post("/api/sessions", guess(email(member.Plain))).requireProblem(http.StatusUnauthorized, "bad_credentials")
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

// Wazuh (CVE-2026-93346) and Keycloak (CVE-2024-4629) counted after the check, so that a burst in
// parallel got through.
//
// ASVS 2.4.1, 6.1.1, 6.3.1
func TestABurstOfGuessesGetsExactlyTheCap(t *testing.T) {
	for name, c := range map[string]struct {
		address, email func(i int) string
		cap            int
	}{
		"one account from one address":     {func(int) string { return "203.0.113.1" }, func(int) string { return email(member.Plain) }, 10},
		"one account from many addresses":  {func(i int) string { return fmt.Sprintf("203.0.%d.1", i) }, func(int) string { return email(member.Plain) }, 300},
		"many spellings of one account":    {func(int) string { return "203.0.113.1" }, spelling, 10},
		"many accounts from one address":   {func(int) string { return "203.0.113.1" }, anyone, 60},
		"many accounts from one IPv6 /64":  {func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, anyone, 60},
		"many accounts from one IPv6 /56":  {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%256) }, anyone, 120},
		"many accounts from one IPv6 /48":  {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%256*256+i/256) }, anyone, 240},
		"one account from one IPv6 /48":    {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%256*256+i/256) }, func(int) string { return email(member.Plain) }, 30},
		"an IPv4 address, written as IPv6": {func(i int) string { return []string{"203.0.113.1", "::ffff:203.0.113.1"}[i%2] }, anyone, 60},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			h.populate(400, passwordHash())
			answers := inParallelBy(16, 400, func(i int) *answer {
				return h.at(c.address(i)).send(http.MethodPost, "/api/sessions", guess(c.email(i)))
			})
			require.Equal(t, c.cap, withStatus(answers, http.StatusUnauthorized))
			require.Equal(t, 400-c.cap, withStatus(answers, http.StatusTooManyRequests))
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

// TestStrangersThatRetryKeepNoOwnerOut: strangers guess at an account without a rest. Its owner
// gets in from an address of which nothing is known, at the first try and after having mistyped the
// password.
func TestStrangersThatRetryKeepNoOwnerOut(t *testing.T) {
	for name, c := range map[string]struct {
		strangers, rounds int
		pause             time.Duration
		address           func(stranger, round int) string
	}{
		"five addresses, for an hour":                     {5, 360, 10 * time.Second, func(i, _ int) string { return fmt.Sprintf("203.0.113.%d", i) }},
		"five organizations of many IPv6 networks":        {5, 360, 10 * time.Second, func(i, n int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i, n) }},
		"256 IPv6 networks of a home, for two hours":      {256, 8, 15 * time.Minute, func(i, _ int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }},
		"256 IPv6 networks of organizations, within 10 s": {256, 10, time.Second, func(i, _ int) string { return fmt.Sprintf("2001:db8:%x::1", i) }},
		"a thousand addresses, one guess an hour":         {1000, 2, time.Hour, func(i, _ int) string { return fmt.Sprintf("203.0.%d.%d", i/200, i%200) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			for round := range c.rounds {
				for stranger := range c.strangers {
					h.at(c.address(stranger, round)).send(http.MethodPost, "/api/sessions", guess(email(member.Owner)))
				}
				h.clock.advance(c.pause)
				if round%(c.rounds/2) != 0 {
					continue
				}
				h.at(fmt.Sprintf("198.51.100.%d", round%250)).signIn(member.Owner)
				if c.strangers == 5 {
					mistyping := h.at(fmt.Sprintf("198.18.%d.1", round%250))
					for range 2 {
						mistyping.post("/api/sessions", guess(email(member.Owner))).requireProblem(http.StatusUnauthorized, "bad_credentials")
					}
					mistyping.signIn(member.Owner)
				}
			}
		})
	}
}

// TestAnUnknownAccountUnderAttackLooksLikeAKnownOne: the share of an account's bucket that is kept
// for new networks tells nothing either.
//
// ASVS 6.3.8
func TestAnUnknownAccountUnderAttackLooksLikeAKnownOne(t *testing.T) {
	h := open(t, options{})
	var seen [2][]string
	for i, who := range []string{email(member.Plain), "nobody@example.org"} {
		for round := range 40 {
			for stranger := range 5 {
				h.at(fmt.Sprintf("203.0.%d.%d", 113+i, stranger)).post("/api/sessions", guess(who))
			}
			a := h.at(fmt.Sprintf("198.51.%d.%d", 100+i, round/8)).post("/api/sessions", guess(who))
			seen[i] = append(seen[i], a.Status+a.Header.Get("Retry-After"))
		}
	}
	require.Equal(t, seen[0], seen[1])
	require.Contains(t, strings.Join(seen[0], " "), "429")
}

// TestAFamiliarAddressIsPacedToo: all of an office come from one address, and so does an attacker
// there.
func TestAFamiliarAddressIsPacedToo(t *testing.T) {
	h := open(t, options{})
	h.populate(300, passwordHash())
	office := "192.0.2.77"
	known := h.at(office).signIn(member.Plain)
	h.exec(`
		INSERT INTO sessions (id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at, ended_at, end_reason,
			refresh_counter, refresh_hash, refresh_next_hash, address, user_agent, methods)
		SELECT '9' || id, id, 1, 1, ?1, ?1, ?1, ?1, ?1, 'signed_out', 0, zeroblob(32), zeroblob(32), ?2, 'test', 'password' FROM members WHERE email = 'n'`,
		h.clock.Now().UnixMilli(), office)
	answers := inParallelBy(16, 600, func(i int) *answer {
		return h.at(office).send(http.MethodPost, "/api/sessions", guess(anyone(i%300)))
	})
	require.Equal(t, 120, withStatus(answers, http.StatusUnauthorized))
	require.Equal(t, 480, withStatus(answers, http.StatusTooManyRequests))
	known.signIn(member.Plain) // a known device is not held up
	h.at("198.51.100.1").signIn(member.Plain)
	h.clock.advance(time.Second)
	h.at(office).post("/api/sessions", guess(anyone(7))).requireStatus(http.StatusUnauthorized)
	h.at(office).post("/api/sessions", guess(anyone(8))).requireStatus(http.StatusTooManyRequests)
}

// populate adds members 0@example.org and so on, with that password hash.
func (h *deployment) populate(n int, hash string) {
	h.t.Helper()
	h.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)
		INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, deactivated_at, sort_name, search) SELECT printf('018f0000-0000-7000-8000-%012x', i), 'N', 'n', i || '@example.org', 'member', ?1, 1, 1, NULL, 'n', 'n' FROM n`, hash, n)
}

// leaving is a store under which the client leaves as soon as its attempt was counted, while it
// would wait for its hash.
type leaving struct {
	*store.DB
	leave func()
}

func (l *leaving) TakeAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) ([]member.Bucket, time.Duration, error) {
	defer l.leave()
	return l.DB.TakeAttempt(ctx, sets, now)
}

// TestHangingUpIsNotFree: an attempt of a client that left before its hash began is given back to a
// known device, within bounds, and to no stranger.
func TestHangingUpIsNotFree(t *testing.T) {
	for name, c := range map[string]struct {
		hangUps  int
		stranger bool
		status   int
	}{
		"a stranger":                     {10, true, http.StatusTooManyRequests},
		"a known device":                 {10, false, http.StatusCreated},
		"a known device, without a rest": {20, false, http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			l := &leaving{leave: func() {}}
			h := open(t, options{storage: func(db *store.DB) storage { l.DB = db; return l }})
			client := h.at("192.0.2.1").signIn(member.Plain)
			if c.stranger {
				client = h.at("203.0.113.1")
			}
			for range c.hangUps {
				ctx, leave := context.WithCancel(t.Context())
				l.leave = leave
				client.send(http.MethodPost, "/api/sessions", credentials(member.Plain, "cookie"), func(r *request) { r.ctx = ctx })
			}
			l.leave = func() {}
			client.post("/api/sessions", credentials(member.Plain, "cookie")).requireStatus(c.status)
		})
	}
}

// TestSuccessesArePaced: each sign-in leaves a session and an audit entry, and each proof leaves an
// entry.
func TestSuccessesArePaced(t *testing.T) {
	for name, succeed := range map[string]func(mine *client, laptop *device, i int) *answer{
		"by password": func(mine *client, _ *device, i int) *answer {
			return mine.h.at(fmt.Sprintf("198.51.100.%d", i)).post("/api/sessions", credentials(member.Plain, "bearer"))
		},
		"by passkey": func(mine *client, laptop *device, _ int) *answer { return mine.h.stranger().signInBy(laptop) },
		"on one device": func(mine *client, _ *device, _ int) *answer {
			return mine.post("/api/sessions", credentials(member.Plain, "cookie"))
		},
		"a proof by password": func(mine *client, _ *device, _ int) *answer { return mine.post("/api/session/reauthenticate", proof) },
		"a proof by passkey":  func(mine *client, laptop *device, _ int) *answer { return mine.proveBy(laptop) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			mine := h.browser(member.Plain)
			laptop := mine.newDevice()
			h.clock.advance(30 * time.Second) // in which that sign-in is forgotten
			for i := range 100 {
				require.Less(t, succeed(mine, laptop, i).StatusCode, 300)
			}
			a := succeed(mine, laptop, 101)
			a.requireProblem(http.StatusTooManyRequests, "too_many_attempts")
			require.Equal(t, "30", a.Header.Get("Retry-After"))
			h.browser(member.Admin) // others are not held up
			h.clock.advance(30 * time.Second)
			require.Less(t, succeed(mine, laptop, 102).StatusCode, 300)
			succeed(mine, laptop, 103).requireStatus(http.StatusTooManyRequests)
		})
	}
}

func (c *client) proveBy(d *device) *answer {
	c.h.t.Helper()
	begun := c.ask("/api/passkeys/challenge")
	return c.answerBy("/api/session/reauthenticate/passkey", begun, d.get(begun.challenge))
}

// TestHalfASignInIsPaced: a right password without a code gives its attempt back, and costs a hash
// all the same.
func TestHalfASignInIsPaced(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	app := mine.enrol()
	thief := h.at("198.51.100.7")
	for range 100 {
		thief.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	}
	thief.trySignIn(member.Plain, "").requireProblem(http.StatusTooManyRequests, "too_many_attempts")
	h.clock.advance(30 * time.Second)
	thief.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	for _, on := range []*client{mine, h.at("203.0.113.9")} { // the member is not held up
		on.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	}
	h.at("203.0.113.9").trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
}
