package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// ask is a call with what it carries. MEMBER stands for the id of a member, AWAY for that of a
// deactivated one, and SESSION for that of a session.
type ask struct {
	route string
	body  any
}

// What admins do is of two kinds. What lets a member in, lets them do more or stay longer is very
// sensitive.
var (
	gives = []ask{
		{"PUT /api/settings/security", policy(20, "days", true)},
		{"PUT /api/settings/sign-in", map[string]any{"requireSecondFactor": false}},
		{"POST /api/members", map[string]any{"email": "new@example.org", "role": "member"}},
		{"PATCH /api/members/MEMBER", map[string]any{"role": "auditor"}},
		{"PATCH /api/members/MEMBER", map[string]any{"role": "admin", "name": "Renamed"}},
		{"PATCH /api/members/AWAY", map[string]any{"active": true}},
		{"POST /api/members/MEMBER/link", nil},
		{"DELETE /api/members/MEMBER/second-factor", nil},
		{"DELETE /api/members/MEMBER", nil},
		{"PATCH /api/members/MEMBER", map[string]any{"email": "another@example.org"}},
	}
	takes = []ask{
		{"PUT /api/settings/security", policy(13, "days", true)},
		{"PUT /api/settings/sign-in", map[string]any{"requireSecondFactor": true}},
		{"PUT /api/settings/guidelines", map[string]any{"applies": []string{"nist-aal2"}}},
		{"PUT /api/settings/general", map[string]any{"name": "Renamed"}},
		{"PUT /api/settings/logo", drawn(3, 2)},
		{"DELETE /api/settings/logo", nil},
		{"PATCH /api/members/MEMBER", map[string]any{"name": "Renamed"}},
		{"PATCH /api/members/MEMBER", map[string]any{"role": "member", "active": false}},
		{"PATCH /api/members/AWAY", map[string]any{"role": "member", "active": false}},
		{"POST /api/members/MEMBER/revoke-sessions", nil},
		{"POST /api/sessions/revoke", map[string]any{"ids": []string{"SESSION"}}},
		{"POST /api/sessions/revoke-matching", map[string]any{"confirmed": 1}},
		{"POST /api/overview/dismiss", map[string]any{"kind": "backup"}},
		{"POST /api/sessions/revoke-all", nil},
	}
)

// pattern is the route that the call is to.
func (a ask) pattern() string {
	return strings.NewReplacer("MEMBER", "{id}", "AWAY", "{id}").Replace(a.route)
}

// TestWhatGivesAsksForAFreshProofAndWhatTakesNever also fails when an admin's call is in neither
// list, so that a new one has to be thought about.
//
// ASVS 7.5.3
func TestWhatGivesAsksForAFreshProofAndWhatTakesNever(t *testing.T) {
	h := open(t, options{})
	admin, target := h.program(member.Owner), h.program(member.Plain).requireLive()
	away := h.program(member.Auditor).requireLive().Member.Id
	admin.do(http.MethodPatch, "/api/members/"+away, map[string]any{"active": false}).requireStatus(http.StatusOK)
	var listed []string
	for _, call := range slices.Concat(gives, takes) {
		listed = append(listed, call.pattern())
	}
	slices.Sort(listed)
	all := slices.Clone(forAdmins)
	slices.Sort(all)
	require.Equal(t, all, slices.Compact(listed))

	send := func(c *client, call ask) *answer {
		method, path, _ := strings.Cut(call.route, " ")
		if named, ok := call.body.(map[string]any); ok && named["ids"] != nil {
			call.body = map[string]any{"ids": []string{target.Session.Id}}
		}
		return c.do(method, strings.NewReplacer("MEMBER", target.Member.Id, "AWAY", away).Replace(path), call.body)
	}
	h.exec("UPDATE organization SET require_second_factor = 1")
	h.restart()
	h.exec("UPDATE sessions SET methods = 'password totp'")
	h.restart()
	h.clock.advance(10*time.Minute + time.Millisecond)
	admin.renew().requireStatus(http.StatusOK)

	before := h.everythingDecided()
	for _, call := range gives {
		send(admin, call).requireProblem(http.StatusForbidden, "reauthentication_required")
	}
	require.Equal(t, before, h.everythingDecided(), "what was refused has changed nothing")

	for name, c := range map[string]struct {
		calls []ask
		proof bool
	}{"after a proof": {gives, true}, "without one": {takes, false}} {
		for _, call := range c.calls {
			h.run(name+", "+call.route, func(t *testing.T) {
				twin := admin.clone()
				twin.h = h.copy()
				if c.proof {
					twin.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password}).requireStatus(http.StatusOK)
				}
				a := send(twin, call)
				require.Equal(t, 2, a.StatusCode/100, "%s", a)
			})
		}
	}
}
