package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// TestRefusalsDoNotFillTheLog: the first few refusals of a kind get an audit entry each, and the
// others one entry together.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		wrong   func(on, mine *client, laptop *device) *answer
		entries int // of their own, at once
		counted string
	}{
		"passkeys": {
			func(on, _ *client, laptop *device) *answer { return wrongPasskey(laptop)(on) }, 10, "passkey",
		},
		"passkeys of nobody": {
			func(on, _ *client, _ *device) *answer {
				return on.post("/api/sessions/passkey", map[string]any{"ceremony": "x", "credential": map[string]any{}})
			}, 10, "passkey",
		},
		"passwords": {
			func(on, _ *client, _ *device) *answer { return on.post("/api/sessions", guess(email(member.Plain))) }, 10, "",
		},
		"passwords of nobody": {
			func(on, _ *client, _ *device) *answer { return on.post("/api/sessions", guess("nobody@example.org")) }, 10, "",
		},
		"codes": {
			func(on, _ *client, _ *device) *answer { return on.trySignIn(member.Plain, "000000") }, 10, "code",
		},
		"right passwords without a code": {
			func(on, _ *client, _ *device) *answer { return on.trySignIn(member.Plain, "") }, 3, "no_code",
		},
		"proofs by password": {
			func(_, mine *client, _ *device) *answer {
				return mine.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: "a guess that is wrong"})
			}, 10, "",
		},
		"proofs by passkey": {
			func(_, mine *client, _ *device) *answer {
				return mine.post("/api/session/reauthenticate/passkey", map[string]any{"ceremony": "x", "credential": map[string]any{}})
			}, 10, "passkey",
		},
		"proofs by code": {
			func(_, mine *client, _ *device) *answer {
				return mine.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password, Code: new("000000")})
			}, 10, "code",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			mine, admin := h.browser(member.Plain), h.program(member.Admin)
			laptop := mine.newDevice()
			if strings.Contains(name, "code") {
				mine.enrol()
			}
			on := h.at("2001:db8:0:1::7")
			on.agent = strings.Repeat("ä", 300)
			const tries = 60
			refused := 0
			for range tries { // with pauses, so that the throttle lets through what it can
				if c.wrong(on, mine, laptop).StatusCode != http.StatusTooManyRequests {
					refused++
				}
				h.clock.advance(14 * time.Second)
				mine.renew()
			}
			admin.renew()
			entries := func() int64 {
				return h.number("SELECT count(*) FROM audit_entries WHERE action LIKE '%refused'")
			}
			written := entries()
			require.LessOrEqual(t, written, int64(c.entries)+2, "one every ten minutes")
			require.GreaterOrEqual(t, written, int64(min(c.entries, refused)))
			require.EqualValues(t, refused, h.verifications(), "none is forgotten")
			require.LessOrEqual(t, h.number("SELECT ifnull(max(length(CAST(details ->> 'userAgent' AS BLOB))), 0) FROM audit_entries WHERE action LIKE '%refused'"), int64(128))

			require.NoError(t, h.members.WriteRefusals(t.Context()))
			require.Equal(t, written, entries(), "they are still counted")
			h.clock.advance(time.Hour)
			h.restart()
			require.NoError(t, h.members.WriteRefusals(t.Context()))
			require.NoError(t, h.members.WriteRefusals(t.Context()))
			require.Zero(t, h.number("SELECT count(*) FROM refusals"))
			if int64(refused) == written {
				require.Equal(t, written, entries())
				return
			}
			require.Equal(t, written+1, entries())
			admin.renew()
			var page httpapi.AuditPage
			admin.get("/api/audit?limit=5").into(http.StatusOK, &page)
			entry := page.Items[0]
			require.EqualValues(t, int64(refused)-written, entry.Details["count"])
			require.Equal(t, c.counted, orNothing(entry.Details["wrong"]))
			require.NotEmpty(t, entry.Details["since"])
			require.NotEmpty(t, entry.Details["until"])
			require.Equal(t, h.clock.Now(), entry.At.UTC())
			require.Empty(t, entry.Address)
			var chain httpapi.AuditChain
			admin.get("/api/audit/chain").into(http.StatusOK, &chain)
			require.True(t, chain.Intact)
			require.NotContains(t, string(mine.get("/api/account/notices").body), `"count"`, "it is no news that is not told already")
		})
	}
}

// TestACountOfAClockThatWasAheadIsWritten: at the time of writing, because the newest entry says
// where the clock starts after a restart.
func TestACountOfAClockThatWasAheadIsWritten(t *testing.T) {
	h := open(t, options{})
	ahead := h.clock.Now().Add(48 * time.Hour).UnixMilli()
	h.exec("INSERT INTO refusals (action, wrong, target, count, since, last) VALUES ('session.refused', '', '', 7, ?, ?)", ahead, ahead)
	require.NoError(t, h.members.WriteRefusals(t.Context()))
	require.Zero(t, h.number("SELECT count(*) FROM refusals"))
	require.Equal(t, h.clock.Now().UnixMilli(), h.number("SELECT at FROM audit_entries WHERE details ->> 'count' = 7"))
}

func orNothing(value any) string {
	text, _ := value.(string)
	return text
}
