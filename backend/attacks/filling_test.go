package attacks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const filling kind = "filling the log"

// refused is how many sign-ins were refused, with an audit entry of their own or counted.
func (h *deployment) refused() int {
	return h.number("SELECT count(*) + (SELECT ifnull(sum(count), 0) FROM refusals WHERE action = 'session.refused') FROM audit_entries WHERE action = 'session.refused'")
}

// Refusals are recorded, and strangers cause as many as they like, with as long a user agent as
// they like: of thousands, from all the networks of one home, the log gets the first few.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		request func(i int) request
		most    int
	}{
		"passkeys": {func(int) request {
			return sending(http.MethodPost, "/api/sessions/passkey", map[string]any{"ceremony": "x", "credential": map[string]any{}})
		}, 12},
		"passwords of one account":   {func(int) request { return guess(account(0)) }, 12},
		"passwords of nobody":        {func(i int) request { return guess(fmt.Sprintf("nobody%d@example.org", i)) }, 12},
		"passwords of many accounts": {func(i int) request { return guess(account(i % 1000)) }, 210},
		"right passwords, no code": {func(int) request {
			return sending(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Admin), "password": password})
		}, 5},
		"wrong codes": {func(int) request {
			return sending(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Admin), "password": password, "code": "000000"})
		}, 12},
	} {
		n := some(5000, 300)
		if strings.Contains(name, "nobody") {
			n = some(500, 100) // each of them costs a hash
		}
		h := open(t, options{accounts: 1000, proxies: []string{"127.0.0.1/32"}})
		h.exec("UPDATE members SET totp_seed = x'00' WHERE email = ?", email(member.Admin))
		agent := "User-Agent: " + strings.Repeat("a", 8000)
		answers := h.inParallel(n, 64, func(i int) request {
			return c.request(i).with(fmt.Sprintf("X-Forwarded-For: 2001:db8:0:%x::%x", i%256, i+1), agent)
		})
		for i, a := range answers {
			filling.note(t, textf("%s: refusal %d", name, i), a, unless(a.status == http.StatusUnauthorized || a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable, "want 401, 429 or 503"))
		}
		entries, bytes := h.number("SELECT count(*) FROM audit_entries"), h.number("SELECT ifnull(sum(length(details)), 0) FROM audit_entries")
		refused := withStatus(answers, http.StatusUnauthorized)
		filling.note(t, textf("%s: %d at once", name, n), textf("%d refused, %d entries of %d bytes, %d recorded or counted", refused, entries, bytes, h.refused()), first(
			unless(entries <= c.most, "at most %d entries", c.most), unless(bytes <= 200*entries, "at most 200 bytes each"), unless(h.refused() == refused, "each is recorded or counted"),
		))
		require.Positive(t, entries)
	}
}
