package httpapi_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// The rules of package session, as a client meets them. Each boundary is tried one millisecond
// before and exactly on it. Access tokens live for five minutes and only whole seconds; what is at
// issue here is the session, so policies here are shorter than that or the client refreshes.

// policy is a session configuration without a maximum lifetime.
func policy(value int64, unit httpapi.Unit, refresh bool) httpapi.PolicyRequest {
	return httpapi.PolicyRequest{SessionLength: length(value, unit), RefreshAutomatically: &refresh}
}

func length(value int64, unit httpapi.Unit) *httpapi.LengthRequest {
	return &httpapi.LengthRequest{Value: &value, Unit: &unit}
}

func capped(p httpapi.PolicyRequest, maximum *httpapi.LengthRequest) httpapi.PolicyRequest {
	p.MaximumLifetime = maximum
	return p
}

func (c *client) savePolicy(p httpapi.PolicyRequest) (saved httpapi.SecuritySettings) {
	c.h.t.Helper()
	c.put("/api/settings/security", p).into(http.StatusOK, &saved)
	return saved
}

func (c *client) requireExpired(at time.Time) {
	c.h.t.Helper()
	p := c.renew().requireProblem(http.StatusUnauthorized, "session_expired")
	require.Equal(c.h.t, httpapi.EndReasonExpired, p.Ended.Reason)
	require.Equal(c.h.t, at, p.Ended.At)
}

// ASVS 7.3.1
func TestAnAccessOneMillisecondBeforeTheEndKeepsTheSessionAlive(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Owner).savePolicy(policy(1, "hours", true))
	p := h.program(member.Plain)
	for range 3 {
		h.clock.advance(time.Hour - time.Millisecond)
		p.renew().requireStatus(http.StatusOK)
	}
	started := h.clock.Now()
	require.Equal(t, started.Add(time.Hour), p.requireLive().ExpiresAt)
	h.clock.advance(time.Hour)
	p.requireExpired(started.Add(time.Hour))
	h.clock.advance(-time.Minute)
	p.requireExpired(started.Add(time.Hour)) // R3b: also when the clock goes back
	h.restart()
	p.requireExpired(started.Add(time.Hour))
}

// ASVS 7.4.1
func TestAnAccessTokenOutlivesNoSession(t *testing.T) {
	h := open(t, options{})
	owner := h.browser(member.Owner)
	p := h.program(member.Plain) // its token is good for five minutes
	owner.savePolicy(policy(1, "minutes", true))
	h.clock.advance(time.Minute - time.Millisecond)
	require.Equal(t, "1", p.get("/api/session", passive).Header.Get("Curfew-Session-Expires-In"), "rounded up: it is alive")
	h.clock.advance(time.Millisecond)
	gone := p.get("/api/session").requireProblem(http.StatusUnauthorized, "session_expired")
	require.Equal(t, h.clock.Now(), gone.Ended.At)
}

func TestAPassiveRequestIsCheckedAndKeepsNothingAlive(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Owner).savePolicy(policy(4, "minutes", true))
	p := h.program(member.Plain)
	signedIn := h.clock.Now()
	for range 3 {
		h.clock.advance(time.Minute)
		a := p.get("/api/session", passive).requireStatus(http.StatusOK)
		left := signedIn.Add(4 * time.Minute).Sub(h.clock.Now())
		require.Equal(t, strconv.Itoa(int(left.Seconds())), a.Header.Get("Curfew-Session-Expires-In"))
	}
	p.post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &p.refresh}, passive).requireStatus(http.StatusOK)
	require.Equal(t, signedIn, p.requireLive().Session.LastSeenAt)
	h.clock.advance(time.Minute)
	p.requireExpired(signedIn.Add(4 * time.Minute))
}

// TestAPassiveRequestSaysSoStrictly: what was meant as passive and is not understood must not keep
// the session alive, nor look as if it had not.
func TestAPassiveRequestSaysSoStrictly(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Plain)
	p.refresh = ""
	cookies := h.browser(member.Plain)
	signedIn := h.clock.Now()
	h.clock.advance(time.Minute)
	for _, value := range []string{"1", "yes", "", "on", "true, true", "true,", "truе", "t", "0"} {
		for _, a := range []*answer{
			p.get("/api/session", header("Curfew-Passive", value), malformed),
			p.get("/api/events", header("Curfew-Passive", value), malformed),
			p.get("/api/session", header("Curfew-Passive", value), header("Curfew-Passive", "true"), malformed),
			cookies.post("/api/sessions/refresh", nil, header("Curfew-Passive", value), malformed),
		} {
			a.requireFields("Curfew-Passive oneof")
		}
	}
	p.get("/api/session", passive, header("Curfew-Passive", "true"), malformed).requireFields("Curfew-Passive oneof")
	for _, value := range []string{"true", "TRUE", "True"} {
		p.get("/api/session", header("Curfew-Passive", value)).requireStatus(http.StatusOK)
		cookies.post("/api/sessions/refresh", nil, header("Curfew-Passive", value)).requireStatus(http.StatusOK)
	}
	require.Equal(t, signedIn, p.requireLive().Session.LastSeenAt)
	require.Equal(t, signedIn, cookies.requireLive().Session.LastSeenAt)
	for _, value := range []string{"false", "FALSE", "False"} {
		h.clock.advance(time.Minute)
		p.get("/api/session", header("Curfew-Passive", value)).requireStatus(http.StatusOK)
		require.Equal(t, h.clock.Now(), p.requireLive().Session.LastSeenAt)
	}
}

// ASVS 7.3.2
func TestWithRefreshOffNoAccessExtendsASession(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Owner).savePolicy(policy(1, "hours", false))
	p := h.program(member.Plain)
	end := h.clock.Now().Add(time.Hour)
	for h.clock.Now().Add(time.Minute).Before(end) {
		h.clock.advance(time.Minute)
		p.renew().requireStatus(http.StatusOK)
	}
	current := p.requireLive()
	require.Equal(t, end, current.ExpiresAt)
	require.Equal(t, h.clock.Now(), current.Session.LastSeenAt)
	h.clock.advance(time.Minute)
	p.requireExpired(end)
}

func TestAShorterPolicyEndsARunningSessionAtOnce(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Plain)
	h.clock.advance(2 * time.Hour)
	saved := h.browser(member.Owner).savePolicy(policy(1, "hours", true))
	h.clock.advance(time.Second)
	gone := p.renew().requireProblem(http.StatusUnauthorized, "session_expired")
	require.Equal(t, saved.UpdatedAt, gone.Ended.At, "it lived until then")
}

func TestALongerPolicyLengthensARunningSession(t *testing.T) {
	h := open(t, options{})
	owner := h.browser(member.Owner)
	owner.savePolicy(policy(1, "hours", false))
	p := h.program(member.Plain)
	h.clock.advance(time.Hour - time.Millisecond)
	h.browser(member.Owner).savePolicy(policy(3, "hours", false))
	h.clock.advance(2 * time.Hour)
	p.renew().requireStatus(http.StatusOK)
	h.clock.advance(time.Millisecond)
	p.renew().requireProblem(http.StatusUnauthorized, "session_expired")
}

// Rule R3b: no request came between its end and the loosening, so only the watermark knows.
func TestALongerPolicyRaisesNoDead(t *testing.T) {
	for name, short := range map[string]httpapi.PolicyRequest{
		"of the length":  policy(1, "hours", false),
		"of the maximum": capped(policy(1, "hours", true), length(1, "hours")),
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			h.browser(member.Owner).savePolicy(short)
			dead := h.program(member.Plain)
			h.clock.advance(time.Millisecond)
			living := h.program(member.Plain)
			h.clock.advance(time.Hour - time.Millisecond)
			h.browser(member.Owner).savePolicy(policy(14, "days", true))
			dead.renew().requireProblem(http.StatusUnauthorized, "session_expired")
			living.renew().requireStatus(http.StatusOK)
			h.restart()
			dead.renew().requireProblem(http.StatusUnauthorized, "session_expired")
			living.renew().requireStatus(http.StatusOK)
		})
	}
}

// ASVS 7.3.2
func TestTheMaximumLifetimeIsMovedByNoAccess(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Owner).savePolicy(capped(policy(30, "minutes", true), length(1, "hours")))
	p := h.program(member.Plain)
	end := h.clock.Now().Add(time.Hour)
	for range 3 {
		h.clock.advance(20*time.Minute - time.Millisecond)
		p.renew().requireStatus(http.StatusOK)
	}
	require.Equal(t, end, p.requireLive().ExpiresAt)
	h.clock.advance(3 * time.Millisecond)
	p.requireExpired(end)
}

// ASVS 7.5.3
func TestLooseningWantsAFreshProof(t *testing.T) {
	start := capped(policy(2, "days", false), length(3, "days"))
	for name, loose := range map[string]httpapi.PolicyRequest{
		"longer":           capped(policy(49, "hours", false), length(3, "days")),
		"refresh on":       capped(policy(2, "days", true), length(3, "days")),
		"a higher maximum": capped(policy(2, "days", false), length(4, "days")),
		"no maximum":       policy(2, "days", false),
		"mixed":            capped(policy(1, "hours", true), length(1, "days")),
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			owner := h.program(member.Owner)
			saved := owner.savePolicy(start)
			h.clock.advance(10 * time.Minute)
			owner.renew().requireStatus(http.StatusOK)
			twin := owner.clone()
			twin.h = h.copy()
			twin.savePolicy(loose) // exactly ten minutes are fresh enough

			h.clock.advance(time.Millisecond)
			before := h.everythingDecided()
			owner.put("/api/settings/security", loose).requireProblem(http.StatusForbidden, "reauthentication_required")
			require.Equal(t, before, h.everythingDecided())

			owner.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: "not the password of hers"}).
				requireProblem(http.StatusForbidden, "bad_credentials")
			owner.put("/api/settings/security", loose).requireProblem(http.StatusForbidden, "reauthentication_required")

			var proved httpapi.Session
			owner.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password}).into(http.StatusOK, &proved)
			require.Equal(t, h.clock.Now(), proved.ProvedAt)
			require.Equal(t, h.clock.Now().Add(-10*time.Minute-time.Millisecond), proved.AuthenticatedAt, "the sign-in never moves")
			require.Equal(t, saved.Version+1, owner.savePolicy(loose).Version)
		})
	}
}

func TestTighteningNeverAsks(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	h.clock.advance(24 * time.Hour)
	owner.renew().requireStatus(http.StatusOK)
	for _, tighter := range []httpapi.PolicyRequest{
		policy(14, "days", true), // the same
		policy(2, "weeks", true), // the same in other words
		policy(13, "days", true),
		policy(13, "days", false),
		capped(policy(12, "days", false), length(12, "days")),
		capped(policy(11, "days", false), length(11, "days")),
	} {
		owner.savePolicy(tighter)
	}
}

// TestARememberedTokenAdmitsNothing holds that what is remembered of a token is its signature and
// no more: however its session ends, the same token, which was good a moment ago and would be for
// minutes yet, is refused by the very next request.
//
// ASVS 7.2.1, 7.4.1, 15.4.2
func TestARememberedTokenAdmitsNothing(t *testing.T) {
	for reason, end := range map[httpapi.EndReason]func(h *deployment, p *client){
		httpapi.EndReasonSignedOut: func(_ *deployment, p *client) { p.delete("/api/session").requireStatus(http.StatusNoContent) },
		httpapi.EndReasonRevoked: func(h *deployment, p *client) {
			h.program(member.Owner).delete("/api/sessions/" + p.id()).requireStatus(http.StatusNoContent)
		},
		httpapi.EndReasonRevokedAll: func(h *deployment, _ *client) {
			h.program(member.Owner).post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonRevokedMember: func(h *deployment, p *client) {
			h.program(member.Owner).post("/api/members/"+p.requireLive().Member.Id+"/revoke-sessions", nil).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonMemberDeactivated: func(h *deployment, p *client) {
			h.program(member.Owner).do(http.MethodPatch, "/api/members/"+p.requireLive().Member.Id, map[string]any{"active": false}).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonCredentialChanged: func(h *deployment, _ *client) {
			h.program(member.Plain).put("/api/account/password", map[string]any{"currentPassword": password, "newPassword": password + " anew"}).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonTokenReuse: func(_ *deployment, p *client) {
			thief := p.clone()
			for range 2 {
				thief.renew().requireStatus(http.StatusOK)
			}
			p.clone().renew().requireProblem(http.StatusUnauthorized, "session_revoked")
		},
		httpapi.EndReasonExpired: func(h *deployment, _ *client) {
			h.browser(member.Owner).savePolicy(policy(1, "minutes", false))
			h.clock.advance(time.Minute)
		},
	} {
		t.Run(string(reason), func(t *testing.T) {
			h := open(t, options{})
			p := h.program(member.Plain)
			for range 3 {
				p.requireLive()
			}
			end(h, p)
			for range 2 {
				var refusal httpapi.Problem
				p.get("/api/session").into(http.StatusUnauthorized, &refusal)
				require.Equal(t, reason, refusal.Ended.Reason)
			}
		})
	}
}

// slowDisk is the real store, where touches take until they are let go.
type slowDisk struct {
	*store.DB
	entered, leave chan struct{}
}

func (s *slowDisk) Touch(ctx context.Context, touches []session.Touch, now time.Time, generation uint64) error {
	close(s.entered)
	<-s.leave
	return s.DB.Touch(ctx, touches, now, generation)
}

// TestNoRequestWaitsForTheFlush: while the touches of one second are being written, requests are
// checked and touch sessions again, the same one and another (rule R6).
func TestNoRequestWaitsForTheFlush(t *testing.T) {
	disk := &slowDisk{entered: make(chan struct{}), leave: make(chan struct{})}
	h := open(t, options{storage: func(db *store.DB) storage { disk.DB = db; return disk }})
	p, other := h.program(member.Plain), h.program(member.Plain)
	p.get("/api/session").requireStatus(http.StatusOK)
	flushed := make(chan error, 1)
	go func() { flushed <- h.sessions.Flush(context.WithoutCancel(t.Context())) }()
	<-disk.entered
	h.clock.advance(time.Minute)
	for _, c := range []*client{p, other} {
		var at httpapi.CurrentSession
		c.get("/api/session").into(http.StatusOK, &at)
		require.Equal(t, h.clock.Now(), at.Session.LastSeenAt)
	}
	close(disk.leave)
	require.NoError(t, <-flushed)
}
