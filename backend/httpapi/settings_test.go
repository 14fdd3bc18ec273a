package httpapi_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

func TestSettingsComeWithTheirVersion(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	a := admin.get("/api/settings/security")
	var fresh httpapi.SecuritySettings
	a.into(http.StatusOK, &fresh)
	require.Equal(t, `"1"`, a.Header.Get("ETag"))
	require.Nil(t, fresh.UpdatedBy, "nobody has saved one")

	h.clock.advance(time.Second)
	a = admin.put("/api/settings/security", capped(policy(8, "hours", false), length(2, "weeks")), header("If-Match", `"1"`))
	var saved httpapi.SecuritySettings
	a.into(http.StatusOK, &saved)
	require.Equal(t, `"2"`, a.Header.Get("ETag"))
	require.Equal(t, httpapi.SecuritySettings{
		SessionLength: httpapi.Length{Value: 8, Unit: httpapi.UnitHours}, RefreshAutomatically: false,
		MaximumLifetime: &httpapi.Length{Value: 2, Unit: httpapi.UnitWeeks}, // as it was entered, and not 14 days
		Version:         2, UpdatedAt: h.clock.Now(), UpdatedBy: &httpapi.Actor{Id: admin.requireLive().Member.Id, Name: name(member.Admin)},
	}, saved)

	for range 2 {
		var read httpapi.SecuritySettings
		h.browser(member.Auditor).get("/api/settings/security").into(http.StatusOK, &read)
		require.Equal(t, saved, read)
		h.restart()
	}
}

func TestAMaximumLifetimeThatIsAbsentIsNone(t *testing.T) {
	for name, body := range map[string]string{
		"absent": `{"sessionLength":{"value":1,"unit":"days"},"refreshAutomatically":true}`,
		"null":   `{"sessionLength":{"value":1,"unit":"days"},"refreshAutomatically":true,"maximumLifetime":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			owner := h.browser(member.Owner)
			owner.savePolicy(capped(policy(1, "days", true), length(2, "days")))
			var saved httpapi.SecuritySettings
			owner.put("/api/settings/security", nil, raw(body)).into(http.StatusOK, &saved)
			require.Nil(t, saved.MaximumLifetime)
		})
	}
}

// A save that changes nothing is none: who saved last stays true, and a colleague's open form stays
// current.
func TestASaveOfWhatIsInForceChangesNothing(t *testing.T) {
	h := open(t, options{})
	admin, owner := h.program(member.Admin), h.program(member.Owner)
	same := capped(policy(9, "days", true), length(2, "weeks"))
	inForce := admin.savePolicy(same)
	stream, before := owner.listen(), h.everythingDecided()
	h.clock.advance(time.Minute)
	for _, tag := range []string{"", "*", `"2"`} {
		var changes []change
		if tag != "" {
			changes = append(changes, header("If-Match", tag))
		}
		a := owner.put("/api/settings/security", same, changes...)
		var saved httpapi.SecuritySettings
		a.into(http.StatusOK, &saved)
		require.Equal(t, inForce, saved)
		require.Equal(t, `"2"`, a.Header.Get("ETag"))
	}
	stale := owner.put("/api/settings/security", same, header("If-Match", `"1"`)).requireProblem(http.StatusPreconditionFailed, "stale_version")
	require.Equal(t, inForce, *stale.Current)
	var signIn httpapi.SignInSettings
	owner.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": false}).into(http.StatusOK, &signIn)
	require.False(t, signIn.RequireSecondFactor)
	require.Equal(t, before, h.everythingDecided())

	// Written in another unit, it is what people read on the page, and so a change.
	next := owner.savePolicy(capped(policy(9, "days", true), length(14, "days")))
	require.EqualValues(t, 3, next.Version)
	var heard httpapi.SecuritySettings
	stream.next("policy.changed", &heard)
	require.Equal(t, next, heard, "no event came before")
}

func TestAdminsChooseWhichGuidelinesApply(t *testing.T) {
	h := open(t, options{})
	admin, auditor := h.program(member.Admin), h.program(member.Auditor)
	inForce := admin.savePolicy(policy(9, "days", true))
	require.Nil(t, inForce.Applies)
	choose := func(keys ...string) *answer {
		return admin.put("/api/settings/guidelines", map[string]any{"applies": keys})
	}
	for _, want := range [][]string{{"nist-aal2", "asvs-7.3.2"}, {}} {
		stream := auditor.listen()
		h.clock.advance(time.Minute)
		var saved, heard, read httpapi.SecuritySettings
		choose(append(want, want...)...).into(http.StatusOK, &saved)
		inForce.Applies, inForce.Version = &want, inForce.Version+1
		require.Equal(t, inForce, saved)
		stream.next("policy.changed", &heard)
		require.Equal(t, inForce, heard)
		h.restart()
		auditor.get("/api/settings/security").into(http.StatusOK, &read)
		require.Equal(t, inForce, read)
		before := h.everythingDecided()
		choose(want...).requireStatus(http.StatusOK)
		require.Equal(t, before, h.everythingDecided())
	}
	choose("nist-aal2", "nist-aal9", "").requireFields("applies.1 unknown", "applies.2 unknown")
	admin.put("/api/settings/guidelines", map[string]any{}, malformed).requireFields("applies required")
	require.EqualValues(t, 2, h.number("SELECT count(*) FROM audit_entries WHERE action = 'guidelines.chosen'"))
}

// ASVS 15.4.2
func TestOfTwoSavesOfOneVersionOneIsMade(t *testing.T) {
	h := open(t, options{})
	admins := []*client{h.browser(member.Admin), h.browser(member.Owner)}
	for version := range 20 {
		tag := header("If-Match", strconv.Quote(strconv.Itoa(version+1)))
		answers := inParallel(2, func(i int) *answer {
			return admins[i].send(http.MethodPut, "/api/settings/security", policy(int64(300-10*version-i), "days", true), tag)
		})
		require.Equal(t, 1, withStatus(answers, http.StatusOK))
		require.Equal(t, 1, withStatus(answers, http.StatusPreconditionFailed))
	}
	require.EqualValues(t, 21, h.number("SELECT version FROM organization"))
	require.EqualValues(t, 20, h.number("SELECT count(*) FROM audit_entries WHERE action = 'policy.saved'"))
}
