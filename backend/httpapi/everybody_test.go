package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// ids are the sessions of all pages, in their order.
func (c *client) ids(target string) (found []string) {
	all, _ := c.pages(target)
	for _, s := range all {
		found = append(found, s.Id)
	}
	return found
}

func TestEverybodysSessionsAreListedInAnyOrderPageByPage(t *testing.T) {
	h := open(t, options{})
	var began []string
	for _, role := range []member.Role{member.Plain, member.Owner, member.Auditor, member.Plain} {
		h.clock.advance(time.Minute)
		began = append(began, h.program(role).id())
	}
	h.clock.advance(time.Minute)
	admin := h.browser(member.Admin)
	began = append(began, admin.id())
	newest := slices.Clone(began)
	slices.Reverse(newest)

	for query, want := range map[string][]string{
		"":                             newest,
		"&sort=lastSeen&order=asc":     began,
		"&sort=signedIn":               newest,
		"&sort=signedIn&order=asc":     began,
		"&sort=ends":                   newest,
		"&sort=member":                 {began[4], began[2], began[0], began[3], began[1]}, // Admin, Auditor, Member, Owner
		"&sort=member&order=desc":      {began[1], began[3], began[0], began[2], began[4]},
		"&q=" + string(member.Auditor): {began[2]},
		"&q=nobody":                    nil,
		"&device=bot":                  nil,
		"&member=" + admin.requireLive().Member.Id:                                                 {began[4]},
		"&signedInBefore=" + url.QueryEscape(h.clock.Now().Add(-time.Minute).Format(time.RFC3339)): {began[2], began[1], began[0]},
		"&signedInSince=" + url.QueryEscape(h.clock.Now().Add(-time.Minute).Format(time.RFC3339)):  {began[4], began[3]},
	} {
		for _, limit := range []string{"1", "2", "200"} {
			target := "/api/sessions?scope=all&limit=" + limit + query
			require.Equal(t, want, admin.ids(target), target)
			page := admin.list(target)
			require.EqualValues(t, len(want), page.Total)
			for _, s := range page.Items {
				require.Equal(t, s.MemberId, s.Member.Id, "each says whose it is")
				require.Equal(t, s.Id == admin.id(), s.Current)
			}
		}
	}
}

func TestTheListOfEverybodysIsForThoseWhoOversee(t *testing.T) {
	h := open(t, options{})
	plain := h.browser(member.Plain)
	plain.get("/api/sessions?scope=all").requireProblem(http.StatusForbidden, "forbidden")
	require.Len(t, plain.ids("/api/sessions?scope=own"), 1)
	h.browser(member.Auditor).get("/api/sessions?scope=all").requireStatus(http.StatusOK)
}

func TestWhatCannotBeMeantInAListIsSaid(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	h.program(member.Admin)
	cursor := *admin.list("/api/sessions?scope=all&limit=1").NextCursor
	for query, want := range map[string]string{
		"scope=mine":                              "scope oneof",
		"scope=all&sort=age":                      "sort oneof",
		"scope=all&order=down":                    "order oneof",
		"scope=all&device=fridge":                 "device oneof",
		"scope=all&member=me":                     "member invalid",
		"scope=all&signedInSince=yesterday":       "signedInSince datetime",
		"scope=all&signedInBefore=2026-11-23":     "signedInBefore datetime",
		"scope=all&endsBefore=tomorrow":           "endsBefore datetime",
		"scope=all&endsUnder=3d":                  "endsUnder invalid",
		"scope=all&endsUnder=3y,refresh":          "endsUnder invalid",
		"scope=all&endsUnder=-3d,refresh":         "endsUnder invalid",
		"scope=all&endsUnder=3d,refresh,":         "endsUnder invalid",
		"scope=all&endsUnder=0d,refresh":          "endsUnder min",
		"scope=all&endsUnder=366d,norefresh":      "endsUnder max",
		"scope=all&endsUnder=3d,refresh,2d":       "endsUnder max",
		"endsUnder=3d,refresh":                    "endsUnder invalid",
		"format=csv":                              "format invalid",
		"scope=all&format=xlsx":                   "format oneof",
		"scope=all&format=csv&sort=member":        "sort invalid",
		"scope=all&limit=0":                       "limit range",
		"scope=all&q=" + strings.Repeat("q", 201): "q max",
		"scope=all&sort=member&cursor=" + cursor:  "cursor invalid",
		"scope=all&order=asc&cursor=" + cursor:    "cursor invalid",
		"cursor=" + cursor:                        "cursor invalid",
	} {
		admin.get("/api/sessions?"+query, malformed).requireFields(want)
	}
	admin.get("/api/sessions?scope=all&cursor=" + cursor).requireStatus(http.StatusOK)
	admin.get("/api/sessions/summary?since=today", malformed).requireFields("since datetime")
}

func TestTheFiguresCountTheDayAndTheHour(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.clock.advance(14*24*time.Hour - 30*time.Minute)
	admin := h.browser(member.Admin)
	h.program(member.Plain)
	var figures httpapi.SessionFigures
	admin.get("/api/sessions/summary").into(http.StatusOK, &figures)
	require.Equal(t, httpapi.SessionFigures{Sessions: 3, Members: 2, NewToday: 2, EndingWithinHour: 1}, figures)
	later := url.QueryEscape(h.clock.Now().Add(time.Second).Format(time.RFC3339))
	admin.get("/api/sessions/summary?since="+later).into(http.StatusOK, &figures)
	require.Zero(t, figures.NewToday)
}

// TestFiguresGoByTheRule and not by the sweep, which writes ends down later: right after a policy
// was saved they say what the lists do.
func TestFiguresGoByTheRule(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.program(member.Auditor)
	mine := h.program(member.Plain)
	h.clock.advance(2 * time.Hour)
	mine.renew().requireStatus(http.StatusOK)
	admin := h.browser(member.Admin)
	admin.put("/api/settings/security", policy(1, "hours", true)).requireStatus(http.StatusOK)
	var page httpapi.SessionPage
	admin.get("/api/sessions?scope=all").into(http.StatusOK, &page)
	require.EqualValues(t, 2, page.Total)
	var figures httpapi.SessionFigures
	admin.get("/api/sessions/summary").into(http.StatusOK, &figures)
	require.Equal(t, httpapi.SessionFigures{Sessions: 2, Members: 2, NewToday: 2, EndingWithinHour: 2}, figures)
	mine.get("/api/sessions").into(http.StatusOK, &page)
	require.EqualValues(t, 1, page.Total)
	require.EqualValues(t, 1, h.memberDetails(admin, mine.requireLive().Member.Id).Sessions)
	text := string(h.stranger().get("/metrics", header("Authorization", "Bearer "+metricsToken)).body)
	require.Contains(t, text, "\ncurfew_sessions 2\n")
	require.Contains(t, text, "\ncurfew_members_signed_in 2\n")
}

func TestSeveralSessionsAreRevokedAtOnce(t *testing.T) {
	h := open(t, options{})
	admin, plain, phone, auditor := h.browser(member.Admin), h.browser(member.Plain), h.program(member.Plain), h.program(member.Auditor)
	gone := h.program(member.Plain)
	ended := gone.id()
	gone.delete("/api/session").requireStatus(http.StatusNoContent)
	revoke := func(by *client, ids ...string) *answer {
		return by.post("/api/sessions/revoke", map[string]any{"ids": ids})
	}
	revoke(auditor, plain.id()).requireProblem(http.StatusForbidden, "forbidden")
	revoke(plain, plain.id()).requireProblem(http.StatusForbidden, "forbidden")
	plain.requireLive()

	var out httpapi.SessionsEnded
	// One that has ended and one that never was are passed over, and naming one twice ends it once.
	revoke(admin, plain.id(), phone.id(), phone.id(), ended, "018f0000-0000-7000-8000-000000000000").into(http.StatusOK, &out)
	require.EqualValues(t, 2, out.SessionsEnded)
	for _, c := range []*client{plain, phone} {
		p := c.get("/api/session").requireProblem(http.StatusUnauthorized, "session_revoked")
		require.Equal(t, httpapi.EndReasonRevoked, p.Ended.Reason)
	}
	auditor.requireLive()

	a := revoke(admin, auditor.id(), admin.id())
	a.into(http.StatusOK, &out)
	require.EqualValues(t, 2, out.SessionsEnded)
	require.Equal(t, -1, a.Cookies()[0].MaxAge, "the cookies are cleared")
	admin.get("/api/session").requireStatus(http.StatusUnauthorized)
}

func TestWhichSessionsToRevokeIsHeldToItsBounds(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	for _, wrong := range []struct {
		ids  []string
		want string
	}{
		{nil, "ids required"}, {[]string{}, "ids min"}, {slices.Repeat([]string{admin.id()}, 201), "ids max"},
		{[]string{admin.id(), "'; DROP TABLE sessions"}, "ids.1 invalid"},
	} {
		admin.do(http.MethodPost, "/api/sessions/revoke", map[string]any{"ids": wrong.ids}, malformed).requireFields(wrong.want)
	}
	admin.requireLive()
}

// People search for a device by what they call it.
func TestDevicesAreFoundByTheirUsualNames(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin) // of a program
	agents := map[string]string{
		"iPhone":  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"iPad":    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Galaxy":  "Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Pixel":   "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
		"OpenBSD": "Mozilla/5.0 (X11; OpenBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mac":     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	}
	for name, agent := range agents {
		c := h.stranger()
		c.agent = agent
		c.signIn(member.Plain)
		agents[name] = c.id()
	}
	for query, want := range map[string][]string{
		"q=iphone": {"iPhone"}, "q=IPAD": {"iPad"}, "q=tablet": {"iPad", "Galaxy"}, "device=tablet": {"iPad", "Galaxy"}, "device=phone": {"iPhone", "Pixel"},
		"q=laptop": {"OpenBSD", "Mac"}, "q=computer+openbsd": {"OpenBSD"}, "q=macbook": {"Mac"}, "q=smartphone+android": {"Pixel"}, "device=desktop": {"OpenBSD", "Mac"},
	} {
		var ids []string
		for _, name := range want {
			ids = append(ids, agents[name])
		}
		require.ElementsMatch(t, ids, admin.ids("/api/sessions?scope=all&"+query), query)
	}
}
