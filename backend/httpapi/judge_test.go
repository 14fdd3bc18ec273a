package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// change of a caller between the guard and the change that they asked for.
type turn struct {
	name string
	// told makes it through the API, and stored in the database alone, where the transaction of the
	// change finds it.
	told   func(s *parked)
	stored string
}

var turns = []turn{
	{
		"demoted",
		func(s *parked) {
			s.owner.do(http.MethodPatch, "/api/members/"+s.actorID, map[string]any{"role": "member"}).requireStatus(http.StatusOK)
		},
		"UPDATE members SET role = 'member' WHERE id = ?",
	},
	{
		"deactivated",
		func(s *parked) {
			s.owner.do(http.MethodPatch, "/api/members/"+s.actorID, map[string]any{"active": false}).requireStatus(http.StatusOK)
		},
		"UPDATE members SET deactivated_at = 1, generation = generation + 1 WHERE id = ?",
	},
	{
		"second factor set up",
		func(s *parked) { s.elsewhere.enrol() },
		"UPDATE members SET totp_seed = x'00', totp_step = 0, totp_since = 0 WHERE id = ?",
	},
	{
		"second factor required",
		func(s *parked) {
			s.owner.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": true}).requireStatus(http.StatusOK)
		},
		"UPDATE organization SET require_second_factor = 1 WHERE ?1 <> ''",
	},
	{
		"signed out",
		func(s *parked) { s.actor.clone().delete("/api/session").requireStatus(http.StatusNoContent) },
		"UPDATE sessions SET ended_at = 1, end_reason = 'signed_out', ended_by = '' WHERE member_id = ?",
	},
}

// parked is a request of an admin that was let in, and waits.
type parked struct {
	h *deployment
	// owner is someone else, elsewhere is another session of the actor's, and plain another member.
	owner, actor, elsewhere *client
	actorID, plain          string
}

// calls are how each changing route is called so that it succeeds.
var calls = map[string]func(s *parked) (target string, body any){
	"POST /api/session/reauthenticate": func(*parked) (string, any) {
		return "/api/session/reauthenticate", map[string]any{"password": password}
	},
	"POST /api/session/reauthenticate/passkey": func(s *parked) (string, any) {
		laptop := s.elsewhere.newDevice()
		begun := s.actor.ask("/api/passkeys/challenge")
		return "/api/session/reauthenticate/passkey", map[string]any{"ceremony": begun.ceremony, "credential": laptop.get(begun.challenge)}
	},
	"PUT /api/account/second-factor": func(s *parked) (string, any) {
		var begun httpapi.Enrolment
		s.actor.post("/api/account/second-factor/enrolment", nil).into(http.StatusOK, &begun)
		app := &factor{h: s.h, secret: begun.Secret}
		return "/api/account/second-factor", map[string]any{"enrolment": begun.Enrolment, "code": app.code(0)}
	},
	"POST /api/account/passkeys": func(s *parked) (string, any) {
		_, request := s.actor.passkeyRequest(func(*device) {})
		return "/api/account/passkeys", request
	},
	"DELETE /api/sessions/{id}":        func(s *parked) (string, any) { return "/api/sessions/" + s.elsewhere.id(), nil },
	"POST /api/sessions/revoke-others": func(*parked) (string, any) { return "/api/sessions/revoke-others", nil },
	"PUT /api/account/password": func(*parked) (string, any) {
		return "/api/account/password", map[string]any{"currentPassword": password, "newPassword": newPassword}
	},
	"DELETE /api/account/second-factor": func(s *parked) (string, any) {
		s.actor.enrol()
		return "/api/account/second-factor", nil
	},
	"POST /api/account/second-factor/recovery-codes": func(s *parked) (string, any) {
		s.actor.enrol()
		return "/api/account/second-factor/recovery-codes", nil
	},
	"DELETE /api/account/passkeys/{id}": func(s *parked) (string, any) {
		return "/api/account/passkeys/" + s.actor.newDevice().name(), nil
	},
	"POST /api/account/notices/dismiss": func(*parked) (string, any) { return "/api/account/notices/dismiss", map[string]any{"upTo": 1} },

	"PATCH /api/account": func(*parked) (string, any) { return "/api/account", map[string]any{"name": "Another name"} },

	"PUT /api/settings/general": func(*parked) (string, any) {
		return "/api/settings/general", map[string]any{"name": "Another name"}
	},
	"PUT /api/settings/logo": func(*parked) (string, any) { return "/api/settings/logo", drawn(3, 2) },
	"DELETE /api/settings/logo": func(s *parked) (string, any) {
		s.owner.put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
		return "/api/settings/logo", nil
	},
	"POST /api/overview/dismiss": func(*parked) (string, any) { return "/api/overview/dismiss", map[string]any{"kind": "backup"} },
	"DELETE /api/members/{id}":   func(s *parked) (string, any) { return "/api/members/" + s.plain, nil },
	"PUT /api/settings/security": func(*parked) (string, any) { return "/api/settings/security", policy(15, "days", true) },
	"PUT /api/settings/sign-in": func(*parked) (string, any) {
		return "/api/settings/sign-in", map[string]any{"requireSecondFactor": true}
	},
	"PUT /api/settings/guidelines": func(*parked) (string, any) {
		return "/api/settings/guidelines", map[string]any{"applies": []string{"nist-aal2"}}
	},
	"POST /api/sessions/revoke": func(s *parked) (string, any) {
		return "/api/sessions/revoke", map[string]any{"ids": []string{s.elsewhere.id()}}
	},
	"POST /api/sessions/revoke-matching": func(*parked) (string, any) {
		return "/api/sessions/revoke-matching", map[string]any{"confirmed": 100}
	},
	"POST /api/sessions/revoke-all": func(*parked) (string, any) { return "/api/sessions/revoke-all", map[string]any{"reason": "parked"} },
	"POST /api/members": func(*parked) (string, any) {
		return "/api/members", map[string]any{"email": "mallory@example.org", "role": "admin"}
	},
	"PATCH /api/members/{id}":                func(s *parked) (string, any) { return "/api/members/" + s.plain, map[string]any{"role": "auditor"} },
	"POST /api/members/{id}/revoke-sessions": func(s *parked) (string, any) { return "/api/members/" + s.plain + "/revoke-sessions", nil },
	"POST /api/members/{id}/link":            func(s *parked) (string, any) { return "/api/members/" + s.plain + "/link", map[string]any{} },
	"DELETE /api/members/{id}/second-factor": func(s *parked) (string, any) { return "/api/members/" + s.plain + "/second-factor", nil },
}

// unjudged are the routes with a session that change nothing of what a caller could be forbidden:
// they read, or end the session at hand.
var unjudged = []string{
	"DELETE /api/session", "POST /api/account/second-factor/enrolment", "POST /api/account/passkey-challenge",
	"POST /api/settings/security/preview",
}

// wantFresh are the routes that ask for a fresh proof, which lacks a second factor that was set up
// in the meantime.
var wantFresh = []string{
	"PUT /api/account/second-factor", "POST /api/account/passkeys", "DELETE /api/account/passkeys/{id}", "PUT /api/settings/security",
	"POST /api/members", "PATCH /api/members/{id}", "DELETE /api/members/{id}", "POST /api/members/{id}/link", "DELETE /api/members/{id}/second-factor",
}

// twoFactors are the routes whose callers have proved two factors in these scenes.
var twoFactors = []string{
	"DELETE /api/account/second-factor", "POST /api/account/second-factor/recovery-codes", "DELETE /api/account/passkeys/{id}",
}

// verdict is what a parked request is answered after a turn: a status and a code, or 0 if it
// succeeds. Memory knows of a turn that was told to the server.
func verdict(route, turn string, told bool) (int, string) {
	if told && turn == "second factor required" && route == "PUT /api/settings/sign-in" {
		return 0, "" // it asks for what is so by then
	}
	switch turn {
	case "signed out":
		return http.StatusUnauthorized, "session_revoked"
	case "deactivated":
		return http.StatusUnauthorized, "member_deactivated"
	case "demoted":
		if slices.Contains(forAdmins, route) {
			return http.StatusForbidden, "forbidden"
		}
	case "second factor set up":
		switch {
		case route == "PUT /api/account/password", route == "POST /api/session/reauthenticate":
			return http.StatusForbidden, "second_factor_required"
		case slices.Contains(twoFactors, route):
			return 0, ""
		case slices.Contains(wantFresh, route):
			return http.StatusForbidden, "reauthentication_required"
		}
	case "second factor required":
		if route == "DELETE /api/account/second-factor" || route == "DELETE /api/account/passkeys/{id}" {
			return http.StatusConflict, "second_factor_demanded"
		}
		if !slices.Contains(forRestricted, route) && !slices.Contains(twoFactors, route) {
			return http.StatusForbidden, "session_restricted"
		}
	}
	return 0, ""
}

// TestEveryChangeJudgesItsCallerWhenItIsMade walks all changing routes, with a request that was let
// in and waits while its caller is demoted, deactivated, signed out, or lacks a second factor from
// then on. It waits in its body, and right before its transaction.
//
// ASVS 8.3.2, 15.4.2
func TestEveryChangeJudgesItsCallerWhenItIsMade(t *testing.T) {
	h := open(t, options{})
	for _, route := range h.routes() {
		method, _, _ := strings.Cut(route, " ")
		behindGuard := slices.Contains(forMembers, route) || slices.Contains(forAdmins, route) || slices.Contains(forOverseers, route)
		if method == http.MethodGet || !behindGuard || slices.Contains(unjudged, route) {
			continue
		}
		require.Contains(t, calls, route, "a changing route without a scene")
		t.Run(route, func(t *testing.T) {
			target, body := newParked(t).prepare(route)
			for _, turn := range turns {
				t.Run(turn.name+" before the transaction", func(t *testing.T) {
					status, code := verdict(route, turn.name, false)
					s := newParked(t)
					target, body = s.prepare(route)
					s.h.storage.(*failing).meanwhile = func() { s.h.exec(turn.stored, s.actorID) }
					s.finish(method, target, body, status, code)
				})
				if body == nil {
					continue
				}
				t.Run(turn.name+" before the body", func(t *testing.T) {
					status, code := verdict(route, turn.name, true)
					s := newParked(t)
					target, body = s.prepare(route)
					s.finish(method, target, body, status, code, func(r *request) { r.meanwhile = func() { turn.told(s) } })
				})
			}
			t.Run("nothing happens", func(t *testing.T) {
				s := newParked(t)
				target, body := s.prepare(route)
				s.finish(method, target, body, 0, "")
			})
		})
	}
}

func newParked(t *testing.T) *parked {
	h := open(t, options{storage: breakable})
	s := &parked{h: h, owner: h.program(member.Owner), actor: h.program(member.Admin), elsewhere: h.program(member.Admin)}
	s.actorID = s.actor.requireLive().Member.Id
	s.plain = h.program(member.Plain).requireLive().Member.Id
	return s
}

func (s *parked) prepare(route string) (target string, body any) { return calls[route](s) }

// finish makes the call, and holds that a refused one has decided nothing.
func (s *parked) finish(method, target string, body any, status int, code string, changes ...change) {
	t := s.h.t
	t.Helper()
	var before string
	if meanwhile := s.h.storage.(*failing).meanwhile; meanwhile != nil {
		s.h.storage.(*failing).meanwhile = func() { meanwhile(); before = s.decided() }
	}
	changes = append(changes, func(r *request) {
		if meanwhile := r.meanwhile; meanwhile != nil {
			r.meanwhile = func() { meanwhile(); before = s.decided() }
		}
	})
	a := s.actor.do(method, target, body, changes...)
	if status == 0 {
		require.Less(t, a.StatusCode, http.StatusBadRequest, "%s", a)
		return
	}
	a.requireProblem(status, code)
	require.NotEmpty(t, before, "nothing happened meanwhile")
	require.Equal(t, before, s.decided(), "a refused change changes nothing")
}

// decided is everything that the deployment decided, but for what the audit log says of refusals.
func (s *parked) decided() string {
	lines := strings.SplitAfter(s.h.everythingDecided(), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "refused") }), "")
}
