package attacks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

const forgedProxies kind = "forged proxy headers"

// believed are headers that proxies speak by, with what a stranger would like to have believed
// (T413, B1).
var believed = map[string][]string{
	"X-Forwarded-For":          {"203.0.113.7", "127.0.0.1", "a", "203.0.113.7, 198.51.100.1", "[2001:db8::7]:80", "unknown", ""},
	"X-Forwarded-Proto":        {"https", "http", "ftp", "https, http"},
	"X-Forwarded-Protocol":     {"http"},
	"X-Forwarded-Ssl":          {"off", "on"},
	"X-Url-Scheme":             {"http"},
	"X-Forwarded-Scheme":       {"http"},
	"Front-End-Https":          {"off"},
	"X-Forwarded-Host":         {"evil.example", "curfew.example.org, evil.example"},
	"X-Forwarded-Server":       {"evil.example"},
	"X-Forwarded-Port":         {"1", "443, 1"},
	"X-Forwarded-Prefix":       {"/evil", "//evil.example", "https://evil.example"},
	"X-Forwarded-Path":         {"/healthz"},
	"X-Forwarded-Uri":          {"/healthz", "/%", "//evil.example/"},
	"X-Forwarded-Method":       {"GET", "OPTIONS"},
	"X-Forwarded-User":         {"owner@example.org"},
	"X-Forwarded-Email":        {"owner@example.org"},
	"X-Forwarded-Groups":       {"owner"},
	"X-Forwarded-Access-Token": {"owner"},
	"X-Real-Ip":                {"203.0.113.7", "127.0.0.1"},
	"X-Client-Ip":              {"203.0.113.7"},
	"X-Cluster-Client-Ip":      {"203.0.113.7"},
	"X-Original-Forwarded-For": {"203.0.113.7"},
	"True-Client-Ip":           {"203.0.113.7"},
	"Cf-Connecting-Ip":         {"203.0.113.7"},
	"Fastly-Client-Ip":         {"203.0.113.7"},
	"X-Appengine-User-Ip":      {"203.0.113.7"},
	"Forwarded":                {"for=203.0.113.7;proto=http;host=evil.example", "for=\"[2001:db8::7]\"", "by=_x"},
	"Via":                      {"1.1 evil.example"},
	"X-Original-Url":           {"/healthz", "/api/docs"},
	"X-Rewrite-Url":            {"/healthz"},
	"X-Original-Uri":           {"/healthz"},
	"X-Original-Method":        {"GET"},
	"X-Original-Host":          {"evil.example"},
	"X-Host":                   {"evil.example"},
	"X-Http-Method":            {"GET"},
	"X-Http-Method-Override":   {"GET", "DELETE"},
	"X-Method-Override":        {"GET"},
	"Remote-User":              {"owner@example.org", "owner"},
	"Remote-Groups":            {"owner,admin"},
	"Remote-Email":             {"owner@example.org"},
	"Remote-Name":              {"The owner"},
	"X-Remote-User":            {"owner@example.org"},
	"X-Auth-Request-User":      {"owner@example.org"},
	"X-Auth-Request-Email":     {"owner@example.org"},
	"X-Webauth-User":           {"owner@example.org"},
	"X-Ssl-Client-Verify":      {"SUCCESS"},
	"X-Ssl-Client-Cert":        {"CN=owner"},
	"X-Request-Id":             {"chosen-by-mallory"},
	"Curfew-Member":            {"owner@example.org"},
	"Curfew-Operator":          {"true"},
}

// lies are all of these, in each of the spellings by which one got past a proxy that strips them.
func lies() (all [][]string) {
	var names []string
	for name := range believed {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range believed[name] {
			line := func(name string) string { return name + ": " + value }
			all = append(all,
				[]string{line(name)},
				[]string{line(strings.ToLower(name))},
				[]string{line(strings.ToUpper(name))},
				[]string{line(strings.ReplaceAll(name, "-", "_"))},
				[]string{line(name), line(name)},
				[]string{line(strings.ToLower(name)), line(name), line(strings.ReplaceAll(name, "-", "_"))},
				[]string{line(name), "Connection: " + name},
				[]string{line(name), "Connection: close, " + strings.ToLower(name) + ", Cookie, Authorization"},
			)
		}
	}
	return all
}

// No header makes a stranger a member, or another request of the one that was sent.
//
// ASVS 4.1.3
func TestForgedProxyHeadersAdmitNobodyAndLeadNowhere(t *testing.T) {
	h := open(t, options{})
	plain := h.signIn(email(member.Plain))
	before := h.decided()
	for _, lie := range sample(lies(), 5) {
		anonymous := h.ask(request{target: "/api/members", headers: lie})
		forgedProxies.note(t, text(strings.Join(lie, "; ")), anonymous, first(
			anonymous.is(http.StatusUnauthorized, "no_session"), unmoved(anonymous), unless(anonymous.header.Get("X-Request-Id") != "chosen-by-mallory", "the id is the client's"),
		))
		member := h.ask(request{target: "/api/members", headers: append(slices.Clone(lie), plain.bearer())})
		forgedProxies.note(t, text("a member with "+strings.Join(lie, "; ")), member, first(member.is(http.StatusForbidden, "forbidden"), unmoved(member)))
		post := h.ask(request{method: http.MethodPost, target: "/api/sessions/revoke-all", headers: append(slices.Clone(lie), plain.bearer())})
		forgedProxies.note(t, text("a member revokes with "+strings.Join(lie, "; ")), post, first(post.is(http.StatusForbidden, "forbidden"), unmoved(post)))
	}
	require.Equal(t, before, h.decided())
	h.requireLive(plain)
}

// unmoved complains of an answer that leads elsewhere, or repeats what a stranger said of the host.
func unmoved(r reply) string {
	return first(
		unless(r.status/100 != 3, "it redirects"),
		unless(r.header.Get("Location") == "" && r.header.Get("Refresh") == "", "it leads somewhere: %v", r.header),
		unless(!strings.Contains(r.body, "evil.example") && !strings.Contains(fmt.Sprint(r.header), "evil.example"), "it repeats a forged host"),
	)
}

// A stranger's word on the address is neither kept, nor logged, nor does it open another bucket of
// attempts: of one address's guesses, as many are looked at as if they had said nothing.
//
// ASVS 4.1.3
func TestForgedProxyHeadersChangeNoAddress(t *testing.T) {
	lies := sample(lies(), 7)
	h := open(t, options{accounts: len(lies)})
	h.signIn(email(member.Owner)) // who is known at this address from now on, and has attempts of their own
	verified, begun := 0, time.Now()
	for i, lie := range lies {
		answer := h.ask(sending(http.MethodPost, "/api/sessions", map[string]string{"email": account(i), "password": "a guess that is wrong"}).with(lie...))
		if answer.status == http.StatusUnauthorized {
			verified++
		}
		forgedProxies.note(t, text("a guess with "+strings.Join(lie, "; ")), answer, first(
			unless(answer.status == http.StatusUnauthorized || answer.status == http.StatusTooManyRequests, "want 401 or 429"), unmoved(answer),
		))
	}
	// An address has 60 attempts at once, and one more every two seconds.
	most := 60 + int(time.Since(begun)/(2*time.Second))
	buckets := h.texts("SELECT bucket FROM attempts WHERE bucket LIKE 'address %'")
	forgedProxies.note(t, textf("%d guesses in all", len(lies)), textf("%d verified; buckets %q", verified, buckets), first(
		unless(verified >= 60 && verified <= most, "60 attempts are an address's"), unless(slices.Equal(buckets, []string{"address 127.0.0.1"}), "there is a bucket for a forged address"),
	))
	for _, lie := range lies {
		if strings.Contains(strings.Join(lie, ""), "Connection: close") {
			continue // which is said often enough above
		}
		h.rest()
		who := h.signIn(email(member.Owner), lie...)
		answer := h.ask(request{target: "/api/session", headers: append(slices.Clone(lie), who.bearer())})
		var current httpapi.CurrentSession
		require.NoError(t, json.Unmarshal([]byte(answer.body), &current), answer)
		forgedProxies.note(t, text("a sign-in with "+strings.Join(lie, "; ")), text(current.Session.Client.Address), first(
			unless(current.Session.Client.Address == "127.0.0.1", "the address is forged"), unless(current.Member.Email == email(member.Owner), "it is another member's"),
		))
	}
	kept := h.texts("SELECT DISTINCT address FROM audit_entries UNION SELECT DISTINCT address FROM sessions")
	forgedProxies.note(t, text("all of that"), textf("addresses kept: %q", kept), unless(slices.Equal(kept, []string{"127.0.0.1"}), "a forged one is kept"))
	logged := h.log.String()
	forgedProxies.note(t, text("all of that"), textf("%d bytes logged", len(logged)), first(
		unless(strings.Contains(logged, "address=127.0.0.1"), "no address is logged"), unless(strings.Count(logged, "address=") == strings.Count(logged, "address=127.0.0.1"), "a forged one is logged"),
	))
}

// Links that are mailed or shown come from the configuration alone (Zitadel CVE-2025-64101).
//
// ASVS 4.1.3
func TestAForgedHostGetsIntoNoLink(t *testing.T) {
	h := open(t, options{})
	admin := h.signIn(email(member.Admin))
	for i, headers := range [][]string{
		{"Host: evil.example"}, {"Host: evil.example:443"}, {"Host: curfew.example.org.evil.example"}, {"X-Forwarded-Host: evil.example"}, {"Forwarded: host=evil.example"}, {"X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example"},
		{"Referer: https://evil.example/"}, {"X-Forwarded-Prefix: //evil.example"}, {"X-Original-Host: evil.example"},
	} {
		for _, target := range []string{"/api/members", "http://evil.example/api/members"} {
			answer := h.ask(sending(http.MethodPost, target, map[string]any{"email": fmt.Sprintf("n%d%d@example.org", i, len(target)), "role": "member"}).with(append(headers, admin.bearer())...))
			var made httpapi.Invitation
			require.NoError(t, json.Unmarshal([]byte(answer.body), &made))
			forgedProxies.note(t, textf("an invitation at %s with %q", target, headers), answer, first(
				unless(answer.status == http.StatusCreated, "want 201"), unless(strings.HasPrefix(made.Link, publicURL+"/accept-invitation#token="), "the link is %s", made.Link), unmoved(answer),
			))
		}
	}
}
