package httpapi_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
)

// settle gives the member n more sessions, a second apart, past the sign-in.
func (h *deployment) settle(role member.Role, n int) {
	h.t.Helper()
	m, hash, err := h.storage.MemberByEmail(h.t.Context(), email(role))
	require.NoError(h.t, err)
	for range n {
		h.clock.advance(time.Second)
		_, _, err := h.sessions.Start(h.t.Context(), member.Proof{Member: m, PasswordHash: hash, Methods: []string{"password"}}, session.Client{Address: session.ParseAddress("192.0.2.1")})
		require.NoError(h.t, err)
	}
}

// pages follows the cursors to the end.
func (c *client) pages(target string) (all []httpapi.Session, sizes []int) {
	c.h.t.Helper()
	for next := target; ; {
		page := c.list(next)
		all, sizes = append(all, page.Items...), append(sizes, len(page.Items))
		if page.NextCursor == nil {
			return all, sizes
		}
		next = target + "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
}

func TestPagesHoldEverySessionOnceNewestFirst(t *testing.T) {
	h := open(t, options{})
	h.browser(member.Admin)
	h.settle(member.Plain, 60)
	h.clock.advance(-30 * time.Second) // so that some have been seen at the same instant
	h.settle(member.Plain, 59)
	h.clock.advance(30 * time.Second)
	mine := h.program(member.Plain)

	for query, want := range map[string][]int{
		"": {50, 50, 20}, "limit=7": append(slices.Repeat([]int{7}, 17), 1), "limit=40": {40, 40, 40}, "limit=119": {119, 1},
		"limit=120": {120}, "limit=200": {120},
	} {
		all, sizes := mine.pages("/api/sessions?" + query)
		require.Equal(t, want, sizes, query)
		seen, current := map[string]bool{}, 0
		for i, s := range all {
			require.False(t, seen[s.Id], "%s is there twice", s.Id)
			seen[s.Id] = true
			if i > 0 {
				require.False(t, s.LastSeenAt.After(all[i-1].LastSeenAt), "newest first")
			}
			if s.Current {
				current++
			}
		}
		require.Len(t, seen, 120)
		require.Equal(t, 1, current)
	}
}

// ASVS 7.5.2, 8.2.2
func TestAListShowsOnlyLiveSessionsOfOnesOwn(t *testing.T) {
	h := open(t, options{})
	mine, other := h.browser(member.Plain), h.browser(member.Admin)
	lost := h.program(member.Plain)
	mine.delete("/api/sessions/" + lost.id()).requireStatus(http.StatusNoContent)
	h.clock.advance(13 * 24 * time.Hour)
	mine.renew().requireStatus(http.StatusOK)
	late := h.program(member.Plain)
	h.clock.advance(2 * 24 * time.Hour)
	late.renew().requireStatus(http.StatusOK)
	mine.renew().requireStatus(http.StatusOK)

	all, _ := mine.pages("/api/sessions?limit=200")
	require.Len(t, all, 2)
	ids := []string{all[0].Id, all[1].Id}
	require.ElementsMatch(t, []string{mine.id(), late.id()}, ids)
	other.renew().requireProblem(http.StatusUnauthorized, "session_expired")
}

func TestACursorComesBackAsItWasGiven(t *testing.T) {
	h := open(t, options{})
	h.settle(member.Plain, 3)
	mine := h.browser(member.Plain)
	cursor := *mine.list("/api/sessions?limit=2").NextCursor
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	require.NoError(t, err)
	tried := 0
	refuse := func(cursor string) {
		mine.get("/api/sessions?cursor="+url.QueryEscape(cursor), malformed).requireFields("cursor invalid")
		tried++
	}
	for i := range raw {
		changed := append([]byte{}, raw...)
		changed[i] ^= 1
		refuse(base64.RawURLEncoding.EncodeToString(changed))
	}
	for i := 1; i < len(cursor); i++ {
		refuse(cursor[:i])
	}
	for _, wrong := range []string{cursor + "A", cursor + "=", " " + cursor, cursor + "\n", cursor + cursor, "1", "'", "\x00"} {
		refuse(wrong)
	}
	require.Greater(t, tried, 130)
	require.Len(t, mine.list("/api/sessions?cursor="+cursor).Items, 2)
}

func TestTheBoundsOfAPage(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	for _, limit := range []string{"0", "-1", "201", "x", "1.5", "1e1", "0x10", "1_0", "99999999999999999999", "%2010", "١"} {
		mine.get("/api/sessions?limit="+limit, malformed).requireFields("limit range")
	}
	for _, limit := range []string{"1", "200"} {
		mine.get("/api/sessions?limit=" + limit).requireStatus(http.StatusOK)
	}
}

// A page is itself an access: it must not make the session at hand, the oldest of many, slip past
// the reader.
func TestTheSessionAtHandIsInTheListHoweverOldItIs(t *testing.T) {
	h := open(t, options{})
	mine := h.program(member.Plain)
	h.settle(member.Plain, 10)
	seen := map[string]bool{}
	for target := "/api/sessions?limit=4"; target != ""; {
		page := mine.list(target)
		for _, s := range page.Items {
			seen[s.Id] = true
		}
		require.NoError(t, h.sessions.Flush(t.Context())) // which runs every second
		target = ""
		if page.NextCursor != nil {
			target = "/api/sessions?limit=4&cursor=" + *page.NextCursor
		}
	}
	require.Len(t, seen, 11)
	require.True(t, seen[mine.id()])
}

// A list that is walked while its sessions are in use has each of them at least once: in every
// order in which an access moves them.
func TestAWalkHasEverySessionAtLeastOnce(t *testing.T) {
	h := open(t, options{})
	reader := h.program(member.Owner)
	clients := []*client{reader}
	for range 12 {
		h.clock.advance(time.Second)
		clients = append(clients, h.program(member.Owner), h.program(member.Plain))
	}
	ids := map[*client]string{}
	for _, c := range clients {
		ids[c] = c.id()
	}
	rapid.Check(t, func(r *rapid.T) {
		target := rapid.SampledFrom([]string{
			"/api/sessions?scope=own", "/api/sessions?scope=all", "/api/sessions?scope=all&order=asc", "/api/sessions?scope=all&sort=ends", "/api/sessions?scope=all&sort=ends&order=asc",
		}).Draw(r, "list") + "&limit=" + rapid.SampledFrom([]string{"1", "2", "5", "30"}).Draw(r, "limit")
		h.clock.advance(time.Duration(rapid.IntRange(0, 2000).Draw(r, "before")) * time.Millisecond)
		seen, pages := map[string]int{}, 0
		for next := target; next != ""; pages++ {
			page := reader.list(next)
			require.Less(r, pages, 200, "a walk ends")
			for _, s := range page.Items {
				seen[s.Id]++
			}
			next = ""
			if page.NextCursor != nil {
				next = target + "&cursor=" + *page.NextCursor
			}
			for range rapid.IntRange(0, 3).Draw(r, "accesses") {
				rapid.SampledFrom(clients).Draw(r, "who").renew().requireStatus(http.StatusOK)
				h.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 1, 50, 1000}).Draw(r, "later")) * time.Millisecond)
			}
			if strings.Contains(target, "ends") && rapid.IntRange(0, 9).Draw(r, "a save") == 0 {
				h.operator().put("/api/settings/security", policy(int64(rapid.IntRange(20, 300).Draw(r, "days")), "days", true)).requireStatus(http.StatusOK)
			}
		}
		for _, c := range clients {
			if own := strings.Contains(target, "own"); !own || c.requireLive().Member.Email == email(member.Owner) {
				require.Positive(r, seen[ids[c]], "it was seen meanwhile, and left out")
			}
		}
	})

	// Where only the reader is at work, each comes once.
	h.clock.advance(time.Minute)
	for _, target := range []string{"/api/sessions?scope=own&limit=3", "/api/sessions?scope=all&limit=3", "/api/sessions?scope=all&sort=ends&limit=1"} {
		seen := map[string]bool{}
		for next := target; next != ""; h.clock.advance(time.Second) {
			page := reader.list(next)
			for _, s := range page.Items {
				require.False(t, seen[s.Id], "%s is there twice", target)
				seen[s.Id] = true
			}
			next = ""
			if page.NextCursor != nil {
				next = target + "&cursor=" + *page.NextCursor
			}
		}
		require.True(t, len(seen) == 25 || len(seen) == 13)
	}
}
