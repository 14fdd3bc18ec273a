package httpapi_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// onLaptop signs in with a browser's user agent, which no other client of the tests has.
func (h *deployment) onLaptop(role member.Role) *client {
	c := h.stranger()
	c.agent = "Mozilla/5.0 (X11; OpenBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0"
	return c.signIn(role)
}

// TestThePreviewLeadsToTheSessionsThatWouldEnd, by the policy in the address.
func TestThePreviewLeadsToTheSessionsThatWouldEnd(t *testing.T) {
	h := open(t, options{})
	old := []string{h.program(member.Plain).id(), h.program(member.Owner).id()}
	h.clock.advance(3 * 24 * time.Hour)
	admin := h.browser(member.Admin)
	for policy, want := range map[string][]string{
		"3d,refresh": old, "72h,norefresh": old, "4320m,refresh,30d": old, "4d,refresh,3d": nil, "1w,refresh,1w": nil, "14d,refresh": nil,
	} {
		target := "/api/sessions?scope=all&endsUnder=" + policy
		if policy == "4d,refresh,3d" {
			admin.get(target, malformed).requireFields("endsUnder max")
			continue
		}
		require.ElementsMatch(t, want, admin.ids(target), policy)
		require.EqualValues(t, len(want), admin.list(target+"&limit=1").Total, policy)
	}
	require.Empty(t, admin.ids("/api/sessions?scope=all&endsUnder=3d,refresh&device=desktop"), "it joins the other filters")
	require.Len(t, h.operator().list("/api/sessions?endsUnder=3d,refresh").Items, 2)
}

func TestTheValuesOfFiltersAreCounted(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.clock.advance(14*24*time.Hour - 30*time.Minute)
	admin := h.onLaptop(member.Admin)
	h.program(member.Plain)
	count := func(query string) (counts httpapi.SessionCounts) {
		admin.get("/api/sessions/counts"+query).into(http.StatusOK, &counts)
		return counts
	}
	require.Equal(t, httpapi.SessionCounts{
		Devices:  map[string]int64{"desktop": 1, "program": 2},
		SignedIn: httpapi.SignInCounts{Hour: 2, Today: 2, Day: 2, OverWeek: 1},
		Ends:     httpapi.EndCounts{Hour: 1, Day: 1, Week: 1},
	}, count(""))
	hence := url.QueryEscape(h.clock.Now().Add(time.Hour).Format(time.RFC3339))
	require.Equal(t, httpapi.SessionCounts{
		Devices:  map[string]int64{"program": 1},
		SignedIn: httpapi.SignInCounts{OverWeek: 1},
		Ends:     httpapi.EndCounts{Hour: 1, Day: 1, Week: 1},
	}, count("?device=program&endsBefore="+hence), "a kind of filter does not narrow its own counts")
	require.Zero(t, count("?since="+hence).SignedIn.Today)
}

// ASVS 1.2.10
func TestSessionsAreExported(t *testing.T) {
	h := open(t, options{})
	auditor, plain := h.onLaptop(member.Auditor), h.onLaptop(member.Plain)
	h.change(plain, map[string]any{"name": "=1+2"})
	auditor.do(http.MethodHead, "/api/sessions?scope=all&format=csv", nil).requireStatus(http.StatusOK)
	last := func() audit.Entry {
		entries := h.audited()
		return entries[len(entries)-1]
	}
	require.NotEqual(t, audit.SessionsExported, last().Action)
	file := auditor.get("/api/sessions?scope=all&format=csv&device=desktop").requireStatus(http.StatusOK)
	require.Equal(t, "text/csv; charset=utf-8", file.Header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="sessions.csv"`, file.Header.Get("Content-Disposition"))
	require.Equal(t, audit.SessionsExported, last().Action)
	require.Equal(t, map[string]any{"format": "csv", "filters": map[string]any{"device": "desktop"}}, last().Details)

	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(file.body), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"id", "memberId", "memberName", "memberEmail"}, rows[0][:4])
	var ids []string
	for _, row := range rows[1:] {
		ids = append(ids, row[0])
		require.Len(t, row, len(rows[0]))
		if row[0] == plain.id() {
			require.Equal(t, "'=1+2", row[2], "no formula")
		}
	}
	require.ElementsMatch(t, []string{auditor.id(), plain.id()}, ids)

	plain.get("/api/sessions?scope=all&format=csv").requireProblem(http.StatusForbidden, "forbidden")
}

// TestAllThatMatchAreRevoked with one entry, and not if far more match than were confirmed.
func TestAllThatMatchAreRevoked(t *testing.T) {
	h := open(t, options{})
	boss, admin, auditor := h.program(member.Owner), h.browser(member.Admin), h.onLaptop(member.Auditor)
	var plain []*client
	for range 8 {
		plain = append(plain, h.onLaptop(member.Plain))
	}
	revoke := func(by *client, query string, confirmed int) *answer {
		return by.post("/api/sessions/revoke-matching"+query, map[string]any{"confirmed": confirmed})
	}
	revoke(auditor, "?device=desktop", 10).requireProblem(http.StatusForbidden, "forbidden")
	before := len(h.audited())
	p := revoke(admin, "?device=desktop", 3).requireProblem(http.StatusConflict, "count_changed")
	require.Contains(t, p.Detail, "9 sessions match now, but 3 were confirmed. Nothing was revoked.")
	require.Len(t, h.audited(), before)
	plain[0].requireLive()

	var out httpapi.SessionsEnded
	revoke(admin, "?device=desktop&q=member", 3).into(http.StatusOK, &out)
	require.EqualValues(t, 8, out.SessionsEnded, "some more may have begun meanwhile")
	for _, c := range plain {
		c.requireRevoked(httpapi.EndReasonRevoked, member.Admin)
	}
	entries := h.audited()
	require.Len(t, entries, before+1)
	require.Equal(t, audit.SessionsRevoked, entries[before].Action)
	require.Equal(t, "organization", entries[before].Target)
	require.Equal(t, name(member.Admin), entries[before].Actor.Name)
	require.EqualValues(t, map[string]any{
		"filters": map[string]any{"device": "desktop", "q": "member"}, "sessionsEnded": float64(8), "membersSignedOut": float64(1),
	}, entries[before].Details)
	auditor.requireLive()

	revoke(admin, "?q=nothing+matches", 1).into(http.StatusOK, &out)
	require.Zero(t, out.SessionsEnded)
	a := revoke(admin, "", 3)
	a.into(http.StatusOK, &out)
	require.EqualValues(t, 2, out.SessionsEnded)
	require.EqualValues(t, 1, *out.SessionsSkipped, "of the owner above them")
	require.Equal(t, -1, a.Cookies()[0].MaxAge, "the cookies are cleared")
	boss.requireLive()
	admin.get("/api/session").requireStatus(http.StatusUnauthorized)
}

func TestWhatToRevokeIsHeldToItsBounds(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	for target, wrong := range map[string]struct {
		body any
		want string
	}{
		"":                    {map[string]any{}, "confirmed required"},
		"?q=x":                {map[string]any{"confirmed": 0}, "confirmed min"},
		"?scope=all":          {map[string]any{"confirmed": 1}, "scope unknown_parameter"},
		"?endsUnder=tomorrow": {map[string]any{"confirmed": 1}, "endsUnder invalid"},
	} {
		admin.do(http.MethodPost, "/api/sessions/revoke-matching"+target, wrong.body, malformed).requireFields(wrong.want)
	}
	admin.requireLive()
}
