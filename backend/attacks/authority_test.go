package attacks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

const (
	keptLinks      kind = "kept one-time links"
	parkedRequests kind = "parked requests"
)

// as makes a call of a member's.
func (h *deployment) as(who tokens, method, target string, body any) reply {
	h.t.Helper()
	if body == nil {
		return h.ask(request{method: method, target: target, headers: []string{who.bearer()}})
	}
	return h.ask(sending(method, target, body).with(who.bearer()))
}

// must makes a call that has to succeed.
func (h *deployment) must(who tokens, method, target string, body any) reply {
	h.t.Helper()
	a := h.as(who, method, target, body)
	require.Less(h.t, a.status, http.StatusBadRequest, a)
	return a
}

// linkFor has a member issue a link, and returns its secret.
func (h *deployment) linkFor(by tokens, member string) string {
	h.t.Helper()
	var issued httpapi.Invitation
	require.NoError(h.t, json.Unmarshal([]byte(h.must(by, http.MethodPost, "/api/members/"+member+"/link", nil).body), &issued))
	link, err := url.Parse(issued.Link)
	require.NoError(h.t, err)
	fragment, err := url.ParseQuery(link.Fragment)
	require.NoError(h.t, err)
	return fragment.Get("token")
}

// A link is issued and kept, and used after its issuer or its member has become another, in every
// pair of roles (A1): it is worth what both are when it is used.
//
// ASVS 6.4.1, 8.3.2
func TestAKeptLinkIsWorthNoMoreThanItsIssuerIs(t *testing.T) {
	roles := []member.Role{member.Owner, member.Admin, member.Auditor, member.Plain}
	rank := map[member.Role]int{member.Owner: 3, member.Admin: 2, member.Auditor: 1, member.Plain: 0}
	h := open(t, options{accounts: 48})
	owner := h.signIn(email(member.Owner))
	next := 0
	join := func(role member.Role) tokens {
		who := h.signIn(account(next))
		next++
		if role != member.Plain {
			h.must(owner, http.MethodPatch, "/api/members/"+who.member, map[string]any{"role": role})
		}
		return who
	}
	use := func(secret string) reply {
		return h.ask(sending(http.MethodPost, "/api/invitations/accept", map[string]any{"token": secret, "password": "a password of the issuer's"}))
	}
	issuers := []member.Role{member.Owner, member.Admin}
	for _, issuerIs := range issuers {
		for _, later := range roles {
			// The member rises or stays.
			issuer, of := join(issuerIs), join(member.Plain)
			secret := h.linkFor(issuer, of.member)
			if later != member.Plain {
				h.must(owner, http.MethodPatch, "/api/members/"+of.member, map[string]any{"role": later})
			}
			answer, wants := use(secret), ""
			if later == member.Plain {
				wants = unless(answer.status == http.StatusOK, "nothing happened: want 200")
			} else {
				wants = answer.is(http.StatusGone, "link_invalid")
			}
			keptLinks.note(t, textf("issued by an %s for a member, who is raised to %s", issuerIs, later), answer, wants)

			// The issuer falls or stays.
			issuer, of = join(issuerIs), join(member.Plain)
			secret = h.linkFor(issuer, of.member)
			if later != issuerIs {
				h.must(owner, http.MethodPatch, "/api/members/"+issuer.member, map[string]any{"role": later})
			}
			answer = use(secret)
			if rank[later] >= rank[member.Admin] {
				wants = unless(answer.status == http.StatusOK, "the issuer may manage the member: want 200")
			} else {
				wants = answer.is(http.StatusGone, "link_invalid")
			}
			keptLinks.note(t, textf("issued by an %s, who is %s by the time of its use", issuerIs, later), answer, wants)
		}
	}
	for what, meanwhile := range map[string]func(issuer, of tokens){
		"its issuer was deactivated": func(issuer, _ tokens) {
			h.must(owner, http.MethodPatch, "/api/members/"+issuer.member, map[string]any{"active": false})
		},
		"its issuer was signed out": func(issuer, _ tokens) {
			h.must(owner, http.MethodPost, "/api/members/"+issuer.member+"/revoke-sessions", nil)
		},
		"its issuer was removed": func(issuer, _ tokens) { h.must(owner, http.MethodDelete, "/api/members/"+issuer.member, nil) },
		"its member was deactivated": func(_, of tokens) {
			h.must(owner, http.MethodPatch, "/api/members/"+of.member, map[string]any{"active": false})
		},
		"its member was signed out": func(_, of tokens) { h.must(owner, http.MethodPost, "/api/members/"+of.member+"/revoke-sessions", nil) },
		"its member was removed":    func(_, of tokens) { h.must(owner, http.MethodDelete, "/api/members/"+of.member, nil) },
		"its member has a new address": func(_, of tokens) {
			h.must(owner, http.MethodPatch, "/api/members/"+of.member, map[string]any{"email": of.member + "@example.org"})
		},
		"everybody was signed out": func(_, _ tokens) {
			h.must(owner, http.MethodPost, "/api/sessions/revoke-all", nil)
			owner = h.signIn(email(member.Owner))
		},
	} {
		issuer, of := join(member.Admin), join(member.Plain)
		secret := h.linkFor(issuer, of.member)
		meanwhile(issuer, of)
		answer := use(secret)
		keptLinks.note(t, text(what), answer, answer.is(http.StatusGone, "link_invalid"))
	}
}

// A request is let in, and its body is held back while its caller is demoted, deactivated, signed
// out or lacks a second factor from then on (A3). The server asks for the body once the guard has
// let the request in, which Expect shows.
//
// ASVS 8.3.2, 15.4.2
func TestAParkedRequestTakesNoEffectAfterItsCallerFell(t *testing.T) {
	calls := []struct {
		method, target string
		body           any
	}{
		{http.MethodPost, "/api/members", map[string]any{"email": "mallory@example.org", "role": "admin"}},
		{http.MethodPatch, "/api/members/PLAIN", map[string]any{"role": "admin"}},
		{http.MethodDelete, "/api/members/PLAIN/second-factor", nil},
		{http.MethodPost, "/api/members/PLAIN/link", map[string]any{}},
		{http.MethodPut, "/api/settings/security", map[string]any{"sessionLength": map[string]any{"value": 3, "unit": "weeks"}, "refreshAutomatically": true}},
		{http.MethodPut, "/api/settings/general", map[string]any{"name": "Mallory's"}},
		{http.MethodPost, "/api/sessions/revoke", map[string]any{"ids": []string{"PLAINS"}}},
		{http.MethodPost, "/api/sessions/revoke-matching", map[string]any{"confirmed": 100}},
		{http.MethodPost, "/api/sessions/revoke-all", map[string]any{"reason": "parked"}},
	}
	type turn struct {
		name   string
		make   func(h *deployment, owner, actor tokens)
		status int
		code   string
	}
	turns := []turn{
		{"demoted", func(h *deployment, owner, actor tokens) {
			h.must(owner, http.MethodPatch, "/api/members/"+actor.member, map[string]any{"role": "member"})
		}, http.StatusForbidden, "forbidden"},
		{"deactivated", func(h *deployment, owner, actor tokens) {
			h.must(owner, http.MethodPatch, "/api/members/"+actor.member, map[string]any{"active": false})
		}, http.StatusUnauthorized, "member_deactivated"},
		{"removed", func(h *deployment, owner, actor tokens) {
			h.must(owner, http.MethodDelete, "/api/members/"+actor.member, nil)
		}, http.StatusUnauthorized, "no_session"},
		{"signed out", func(h *deployment, owner, actor tokens) {
			h.must(owner, http.MethodPost, "/api/members/"+actor.member+"/revoke-sessions", nil)
		}, http.StatusUnauthorized, "session_revoked"},
		{"without the second factor that is required", func(h *deployment, owner, _ tokens) {
			h.must(owner, http.MethodPut, "/api/settings/sign-in", map[string]any{"requireSecondFactor": true})
		}, http.StatusForbidden, "session_restricted"},
	}
	for _, turn := range turns {
		for _, call := range calls {
			if call.body == nil {
				continue // nothing of it can be held back
			}
			h := open(t, options{})
			owner, actor, plain := h.signIn(email(member.Owner)), h.signIn(email(member.Admin)), h.signIn(email(member.Plain))
			encoded, err := json.Marshal(call.body)
			require.NoError(t, err)
			body := strings.ReplaceAll(string(encoded), "PLAINS", plain.session)
			target := strings.ReplaceAll(call.target, "PLAIN", plain.member)
			parked := h.dial()
			parked.say(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: curfew.example.org\r\n%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
				call.method, target, actor.bearer(), len(body)))
			require.Equal(t, http.StatusContinue, parked.hear(call.method).status, "it was let in")
			turn.make(h, owner, actor)
			before := h.decided()
			parked.say(body)
			answer := parked.hear(call.method)
			parked.close()
			complaint := first(answer.is(turn.status, turn.code), unless(fmt.Sprint(before) == fmt.Sprint(h.decided()), "it changed something"))
			parkedRequests.note(t, textf("%s %s, whose caller is %s before its body", call.method, target, turn.name), answer, complaint)
		}
	}
}
