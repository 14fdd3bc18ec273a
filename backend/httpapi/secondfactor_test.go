package httpapi_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// factor is a member's authenticator app and their recovery codes.
type factor struct {
	h      *deployment
	secret string
	codes  []string
}

// code is what the app shows at a time so far from now.
func (f *factor) code(from time.Duration) string {
	f.h.t.Helper()
	code, err := totp.GenerateCode(f.secret, f.h.wall().Add(from))
	require.NoError(f.h.t, err)
	return code
}

// enrol sets up a second factor.
func (c *client) enrol() *factor {
	c.h.t.Helper()
	var begun httpapi.Enrolment
	c.post("/api/account/second-factor/enrolment", nil).into(http.StatusOK, &begun)
	f := &factor{h: c.h, secret: begun.Secret}
	var made httpapi.SecondFactorSetUp
	c.put("/api/account/second-factor", map[string]any{"enrolment": begun.Enrolment, "code": f.code(0)}).into(http.StatusOK, &made)
	f.codes = made.RecoveryCodes
	return f
}

// trySignIn is an attempt with a right password, by an unknown browser.
func (h *deployment) trySignIn(role member.Role, code string) *answer {
	h.t.Helper()
	return h.stranger().trySignIn(role, code)
}

func (c *client) trySignIn(role member.Role, code string) *answer {
	c.h.t.Helper()
	return c.post("/api/sessions", map[string]any{"email": email(role), "password": password, "code": code})
}

// ASVS 6.3.3, 6.5.1, 6.5.3, 6.5.5, 6.5.8
func TestASecondFactor(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	var begun httpapi.Enrolment
	mine.post("/api/account/second-factor/enrolment", nil).into(http.StatusOK, &begun)
	app := &factor{h: h, secret: begun.Secret}
	uri, err := url.Parse(begun.Uri)
	require.NoError(t, err)
	require.Equal(t, organization, uri.Query().Get("issuer"))
	require.Equal(t, "/"+organization+":"+email(member.Plain), uri.Path)
	require.Equal(t, begun.Secret, uri.Query().Get("secret"))
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(begun.Secret)
	require.NoError(t, err)
	require.Len(t, seed, 20)

	set := func(enrolment, code string) *answer {
		return mine.put("/api/account/second-factor", map[string]any{"enrolment": enrolment, "code": code})
	}
	set(begun.Enrolment, "000000").requireFields("code wrong")
	set(begun.Enrolment, app.code(60*time.Second)).requireFields("code wrong")
	set(begun.Enrolment[:40], app.code(0)).requireProblem(http.StatusGone, "enrolment_over")
	h.browser(member.Admin).put("/api/account/second-factor", map[string]any{"enrolment": begun.Enrolment, "code": app.code(0)}).
		requireProblem(http.StatusGone, "enrolment_over")
	h.trySignIn(member.Plain, "").requireStatus(http.StatusCreated)

	var made httpapi.SecondFactorSetUp
	set(begun.Enrolment, app.code(0)).into(http.StatusOK, &made)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(made.RecoveryCodes))), 10)
	require.Equal(t, []string{"password", "totp"}, mine.requireLive().Session.Methods)

	// A right password is not enough, and begins nothing.
	sessions := h.number("SELECT count(*) FROM sessions")
	a := h.trySignIn(member.Plain, "")
	a.requireProblem(http.StatusUnauthorized, "second_factor_required")
	require.Empty(t, a.Cookies())
	require.Equal(t, sessions, h.number("SELECT count(*) FROM sessions"))

	h.trySignIn(member.Plain, app.code(0)).requireProblem(http.StatusUnauthorized, "bad_code") // it set the factor up
	h.trySignIn(member.Plain, app.code(-30*time.Second)).requireProblem(http.StatusUnauthorized, "bad_code")
	early := map[string]any{"email": email(member.Plain), "password": password, "code": app.code(60 * time.Second)}
	date := h.clock.Now().Add(60 * time.Second).UTC().Format(http.TimeFormat) // the client's clock is not to be trusted
	h.stranger().post("/api/sessions", early, header("Date", date)).requireProblem(http.StatusUnauthorized, "bad_code")
	h.clock.advance(30 * time.Second)
	spaced := app.code(0)[:3] + " " + app.code(0)[3:]
	given := h.trySignIn(member.Plain, spaced).signedIn(http.StatusCreated)
	require.Equal(t, []string{"password", "totp"}, given.Session.Methods)
	h.trySignIn(member.Plain, app.code(0)).requireProblem(http.StatusUnauthorized, "bad_code")

	h.clock.advance(90 * time.Second)
	h.trySignIn(member.Plain, app.code(-60*time.Second)).requireProblem(http.StatusUnauthorized, "bad_code") // never used, and too old
	late := app.code(-30 * time.Second)
	answers := inParallel(4, func(int) *answer {
		return h.stranger().send(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Plain), "password": password, "code": late})
	})
	require.Equal(t, 1, withStatus(answers, http.StatusCreated), "a code of the step before is good, and good once")
	require.Equal(t, 3, withStatus(answers, http.StatusUnauthorized))
	h.restart()
	h.trySignIn(member.Plain, late).requireProblem(http.StatusUnauthorized, "bad_code")
	h.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)

	set(begun.Enrolment, "").requireFields("code required")
	h.clock.advance(16 * time.Minute)
	mine.renew()
	set(begun.Enrolment, app.code(0)).requireProblem(http.StatusGone, "enrolment_over")
}

// A phone's clock may be half a minute before or behind the server's: one step either way is good,
// each once (RFC 6238, 6).
//
// ASVS 6.5.1
func TestACodeOfTheStepBeforeOrAfterIsGoodOnce(t *testing.T) {
	h := open(t, options{})
	app := h.program(member.Plain).enrol()
	h.clock.advance(10 * time.Minute)
	for _, from := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} {
		h.trySignIn(member.Plain, app.code(from)).requireStatus(http.StatusCreated)
		h.trySignIn(member.Plain, app.code(from)).requireProblem(http.StatusUnauthorized, "bad_code")
	}
	for _, from := range []time.Duration{-60 * time.Second, -30 * time.Second, 0, 60 * time.Second} {
		h.trySignIn(member.Plain, app.code(from)).requireProblem(http.StatusUnauthorized, "bad_code")
	}
	h.clock.advance(30 * time.Second)
	h.trySignIn(member.Plain, app.code(0)).requireProblem(http.StatusUnauthorized, "bad_code") // used a step early
	h.clock.advance(30 * time.Second)
	h.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
}

// The machine's clock was ahead, and was corrected: sessions live on by the later time (rule R7),
// and apps by the right one.
//
// ASVS 6.5.1
func TestCodesGoByTheMachinesClock(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Minute, 3 * 365 * 24 * time.Hour} {
		h := open(t, options{})
		h.clock.advance(ahead)
		mine := h.program(member.Owner)
		app := mine.enrol() // while it is ahead
		h.ahead = ahead
		attempts := inParallel(4, func(int) *answer {
			return h.stranger().send(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Owner), "password": password, "code": app.code(0)})
		})
		require.Equal(t, 1, withStatus(attempts, http.StatusCreated), "the step that was used when it was ahead locks nobody out, and each code is good once")
		h.restart()
		h.trySignIn(member.Owner, app.code(0)).requireProblem(http.StatusUnauthorized, "bad_code")
		h.trySignIn(member.Owner, app.code(ahead)).requireProblem(http.StatusUnauthorized, "bad_code")
		h.clock.advance(30 * time.Second)
		h.trySignIn(member.Owner, app.code(0)).requireStatus(http.StatusCreated)
		other := h.program(member.Admin)
		app = other.enrol() // since it was corrected
		h.clock.advance(30 * time.Second)
		h.trySignIn(member.Admin, app.code(0)).requireStatus(http.StatusCreated)
	}
}

// ASVS 6.5.1, 6.5.2, 6.5.4
func TestARecoveryCodeIsGoodOnce(t *testing.T) {
	h := open(t, options{})
	mine := h.program(member.Plain)
	app := mine.enrol()
	left := func() int64 {
		var now httpapi.SecondFactor
		mine.get("/api/account/second-factor").into(http.StatusOK, &now)
		require.True(t, now.Enrolled)
		return now.RecoveryCodes
	}
	require.EqualValues(t, 10, left())
	for _, code := range app.codes {
		require.Regexp(t, `^[A-Z2-7]{24}$`, strings.ToUpper(strings.ReplaceAll(code, "-", "")), "120 bits")
	}
	answers := inParallel(5, func(int) *answer {
		return h.stranger().send(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Plain), "password": password, "code": app.codes[0]})
	})
	require.Equal(t, 1, withStatus(answers, http.StatusCreated))
	require.EqualValues(t, 9, left())
	typed := " " + strings.ToUpper(strings.ReplaceAll(app.codes[1], "-", " "))
	given := h.trySignIn(member.Plain, typed).signedIn(http.StatusCreated)
	require.Equal(t, []string{"password", "recovery_code"}, given.Session.Methods)

	var made httpapi.RecoveryCodes
	mine.post("/api/account/second-factor/recovery-codes", nil).into(http.StatusOK, &made)
	require.EqualValues(t, 10, left())
	h.trySignIn(member.Plain, app.codes[2]).requireProblem(http.StatusUnauthorized, "bad_code")
	h.trySignIn(member.Plain, made.RecoveryCodes[9]).requireStatus(http.StatusCreated)
	require.EqualValues(t, 2+1, h.number("SELECT count(*) FROM audit_entries WHERE action = 'member.recovery_code_used'"))

	other := h.program(member.Admin)
	other.post("/api/account/second-factor/recovery-codes", nil).requireProblem(http.StatusConflict, "no_second_factor")
	other.delete("/api/account/second-factor").requireProblem(http.StatusConflict, "no_second_factor")
}

// Before the password is right, nothing tells that there is a second factor (ASVS 6.3.8).
//
// ASVS 6.3.8
func TestAWrongPasswordTellsNothingOfASecondFactor(t *testing.T) {
	h := open(t, options{})
	app := h.program(member.Plain).enrol()
	h.clock.advance(time.Minute)
	var seen []string
	for _, who := range []string{email(member.Plain), email(member.Admin), "nobody@example.org"} {
		for _, code := range []string{"", "000000", app.code(0), app.codes[0]} {
			a := h.stranger().post("/api/sessions", map[string]any{"email": who, "password": "not the password of theirs", "code": code})
			p := a.requireProblem(http.StatusUnauthorized, "bad_credentials")
			a.Header.Del("X-Request-Id")
			seen = append(seen, fmt.Sprint(a.Header)+strings.ReplaceAll(string(a.body), p.RequestId, "…"))
		}
	}
	require.Len(t, slices.Compact(seen), 1)
	h.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated) // none of it was used up
	h.trySignIn(member.Admin, "000000").requireStatus(http.StatusCreated)    // who has no second factor needs no code
}

// Guesses at a code are counted with those at passwords, and more slowly: knowing the password
// allows no more guesses (ASVS 6.3.1, 6.6.3).
//
// ASVS 2.4.1, 6.1.1, 6.3.1, 16.3.1
func TestGuessingCodesIsSlowed(t *testing.T) {
	h := open(t, options{})
	known := h.browser(member.Plain)
	app := known.enrol()
	guesser := h.stranger()
	guesser.peer = "198.51.100.7"
	guess := func() *answer { return guesser.trySignIn(member.Plain, "000000") }
	answers := inParallel(30, func(i int) *answer {
		return guesser.clone().send(http.MethodPost, "/api/sessions", map[string]any{"email": email(member.Plain), "password": password, "code": fmt.Sprintf("%06d", i)})
	})
	require.Equal(t, 10, withStatus(answers, http.StatusUnauthorized), "a burst is worth no more than one after the other")
	require.Equal(t, 20, withStatus(answers, http.StatusTooManyRequests))
	require.EqualValues(t, 10, h.number("SELECT count(*) FROM audit_entries WHERE action = 'session.refused' AND details ->> 'wrong' = 'code'"))

	// A right password without a code gives nothing back of it; nor does it cost anything.
	for range 20 {
		h.clock.advance(15 * time.Second)
		guesser.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	}
	guess().requireStatus(http.StatusTooManyRequests)
	guesser.peer = "203.0.113.9"
	guess().requireStatus(http.StatusTooManyRequests)
	h.clock.advance(6 * time.Minute)
	guess().requireProblem(http.StatusUnauthorized, "bad_code")
	guess().requireStatus(http.StatusTooManyRequests)

	// Nor does it forgive wrong passwords that went before.
	another := h.at("203.0.113.77")
	for range 12 {
		another.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	}
	wrong := map[string]any{"email": email(member.Plain), "password": "a guess that is wrong"}
	for range 9 {
		another.post("/api/sessions", wrong).requireProblem(http.StatusUnauthorized, "bad_credentials")
	}
	another.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	another.post("/api/sessions", wrong).requireProblem(http.StatusUnauthorized, "bad_credentials")
	another.post("/api/sessions", wrong).requireProblem(http.StatusTooManyRequests, "too_many_attempts")

	// The member, on a browser of theirs, is not held up by it.
	known.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
}

// What the database keeps of second factors opens nothing elsewhere (ASVS 6.5.2, 6.7.1), and tells
// nothing to who reads it.
//
// ASVS 6.5.2
func TestSecondFactorsAreSealedForTheirMember(t *testing.T) {
	h := open(t, options{})
	plain, admin := h.program(member.Plain).enrol(), h.program(member.Admin).enrol()
	h.clock.advance(time.Minute)

	secrets := append(slices.Clone(plain.codes), plain.secret)
	for _, code := range plain.codes {
		secrets = append(secrets, strings.ToUpper(strings.ReplaceAll(code, "-", "")))
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(plain.secret)
	require.NoError(t, err)
	secrets = append(secrets, string(seed))
	read := 0
	require.NoError(t, filepath.WalkDir(h.folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		read += len(content)
		for _, secret := range secrets {
			require.NotContains(t, string(content), secret, path)
		}
		return err
	}))
	require.Greater(t, read, 100_000)
	require.NotContains(t, h.log.String(), plain.secret)

	h.exec(`UPDATE members SET totp_seed = o.totp_seed FROM members o WHERE o.totp_seed IS NOT NULL AND members.totp_seed IS NOT NULL AND o.id <> members.id`)
	h.exec(`UPDATE recovery_codes SET member_id = (SELECT id FROM members m WHERE totp_seed IS NOT NULL AND m.id <> member_id)`)
	for _, attempt := range []struct {
		role member.Role
		code string
	}{
		{member.Plain, plain.code(0)}, {member.Plain, admin.code(0)}, {member.Plain, plain.codes[0]}, {member.Plain, admin.codes[0]},
		{member.Admin, plain.code(0)}, {member.Admin, admin.code(0)}, {member.Admin, plain.codes[0]}, {member.Admin, admin.codes[0]},
	} {
		h.trySignIn(attempt.role, attempt.code).requireProblem(http.StatusUnauthorized, "bad_code")
	}
}

// A change of a credential needs a fresh proof, with both factors (rule R10; ASVS 7.5.1).
//
// ASVS 6.5.6, 7.4.3, 7.5.1
func TestChangingASecondFactorWantsAFreshProof(t *testing.T) {
	h := open(t, options{})
	weak, mine := h.program(member.Plain), h.program(member.Plain)
	h.clock.advance(10*time.Minute + time.Millisecond)
	mine.renew()
	weak.renew()
	mine.post("/api/account/second-factor/enrolment", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	prove := func(c *client, code string) *answer {
		return c.post("/api/session/reauthenticate", map[string]any{"password": password, "code": code})
	}
	prove(mine, "").requireStatus(http.StatusOK)
	prove(weak, "").requireStatus(http.StatusOK)
	app := mine.enrol()

	// A session that was begun, and proved, before there was a second factor.
	weak.delete("/api/account/second-factor").requireProblem(http.StatusForbidden, "reauthentication_required")
	weak.post("/api/account/second-factor/enrolment", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	weak.post("/api/account/second-factor/recovery-codes", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	prove(weak, "").requireProblem(http.StatusForbidden, "second_factor_required")
	prove(weak, "000000").requireProblem(http.StatusForbidden, "bad_code")
	weak.requireLive()
	h.clock.advance(30 * time.Second)
	prove(weak, app.code(0)).requireStatus(http.StatusOK)
	require.Equal(t, []string{"password", "totp"}, weak.requireLive().Session.Methods)
	weak.put("/api/account/password", map[string]any{"currentPassword": password, "newPassword": newPassword}).
		requireProblem(http.StatusForbidden, "second_factor_required")

	h.clock.advance(11 * time.Minute)
	mine.renew()
	mine.delete("/api/account/second-factor").requireProblem(http.StatusForbidden, "reauthentication_required")
	mine.post("/api/account/second-factor/recovery-codes", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	prove(mine, app.codes[0]).requireStatus(http.StatusOK)
	mine.delete("/api/account/second-factor?endOtherSessions=maybe", malformed).requireFields("endOtherSessions oneof")
	var ended httpapi.SessionsEnded
	mine.delete("/api/account/second-factor?endOtherSessions=true").into(http.StatusOK, &ended)
	require.EqualValues(t, 1, ended.SessionsEnded)
	mine.requireLive()
	problem := weak.get("/api/session").requireProblem(http.StatusUnauthorized, "token_expired")
	require.NotEmpty(t, problem.Detail)
	gone := weak.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonCredentialChanged, gone.Ended.Reason)
	h.trySignIn(member.Plain, "").requireStatus(http.StatusCreated)
}

// A new password is one factor, also from an admin (ASVS 6.4.3); a lost second factor can be
// removed (6.4.4).
//
// ASVS 6.4.3, 6.4.4, 6.5.6
func TestAResetDoesNotBypassTheSecondFactor(t *testing.T) {
	h := open(t, options{})
	mine, admin, operator := h.program(member.Plain), h.program(member.Admin), h.operator()
	mine.enrol()
	id := mine.requireLive().Member.Id
	h.stranger().post("/api/invitations/accept", map[string]any{"token": admin.issueLink(id), "password": newPassword}).requireStatus(http.StatusOK)
	again := map[string]any{"email": email(member.Plain), "password": newPassword}
	h.stranger().post("/api/sessions", again).requireProblem(http.StatusUnauthorized, "second_factor_required")
	var reset httpapi.PasswordReset
	operator.post("/api/members/"+id+"/reset-password", nil).into(http.StatusOK, &reset)
	again["password"] = reset.Password
	h.stranger().post("/api/sessions", again).requireProblem(http.StatusUnauthorized, "second_factor_required")

	target := "/api/members/" + id + "/second-factor"
	h.program(member.Auditor).delete(target).requireProblem(http.StatusForbidden, "forbidden")
	admin.delete("/api/members/"+h.program(member.Owner).requireLive().Member.Id+"/second-factor").requireProblem(http.StatusForbidden, "forbidden")
	require.True(t, h.memberDetails(admin, id).SecondFactor)
	var ended httpapi.SessionsEnded
	admin.delete(target).into(http.StatusOK, &ended)
	require.False(t, h.memberDetails(admin, id).SecondFactor)
	back := h.stranger()
	back.keep(back.post("/api/sessions", map[string]any{"email": email(member.Plain), "password": reset.Password, "transport": "bearer"}).signedIn(http.StatusCreated))

	app := back.enrol()
	h.clock.advance(11 * time.Minute)
	admin.renew()
	admin.delete(target).requireProblem(http.StatusForbidden, "reauthentication_required")
	operator.delete(target).into(http.StatusOK, &ended)
	require.EqualValues(t, 1, ended.SessionsEnded)
	gone := back.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
	require.Equal(t, httpapi.EndReasonCredentialChanged, gone.Ended.Reason)
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Plain), "password": reset.Password, "code": app.codes[0]}).requireStatus(http.StatusCreated)
	require.EqualValues(t, 2, h.number("SELECT count(*) FROM audit_entries WHERE action = 'member.second_factor_removed'"))
	require.Zero(t, h.number("SELECT count(*) FROM recovery_codes"))
	operator.delete("/api/members/nobody/second-factor").requireProblem(http.StatusNotFound, "not_found")
}

// ASVS 6.3.3, 6.3.4, 7.5.3
func TestAnOrganizationThatDemandsASecondFactor(t *testing.T) {
	h := open(t, options{})
	owner, plain, strong := h.program(member.Owner), h.program(member.Plain), h.program(member.Auditor)
	app := strong.enrol()
	requireFactor := func(c *client, required bool) *answer {
		return c.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": required})
	}
	requireFactor(plain, true).requireProblem(http.StatusForbidden, "forbidden")
	requireFactor(strong, true).requireProblem(http.StatusForbidden, "forbidden")
	owner.put("/api/settings/sign-in", map[string]any{}, malformed).requireFields("requireSecondFactor required")
	var settings httpapi.SignInSettings
	strong.get("/api/settings/sign-in").into(http.StatusOK, &settings)
	require.Equal(t, httpapi.SignInSettings{Members: 4, WithoutSecondFactor: 3}, settings)
	requireFactor(owner, true).into(http.StatusOK, &settings)
	require.Equal(t, httpapi.SignInSettings{RequireSecondFactor: true, Members: 4, WithoutSecondFactor: 3, Yours: true}, settings)

	// It holds for running sessions, after a restart too, and for every call but those that lead
	// out of it.
	h.restart()
	before, refused := h.everythingDecided(), 0
	for _, route := range h.routes() {
		if slices.Contains(public, route) || slices.Contains(forRestricted, route) {
			continue
		}
		for _, who := range []*client{owner, plain} {
			a := who.call(route, passive)
			a.requireProblem(http.StatusForbidden, "session_restricted")
			refused++
		}
	}
	require.Greater(t, refused, 50)
	require.Equal(t, before, h.everythingDecided())
	strong.get("/api/members").requireStatus(http.StatusOK)
	require.False(t, strong.requireLive().Restricted)

	// No one is locked out: the last owner signs in by password, and sets a second factor up (rule
	// R9).
	fresh := h.program(member.Owner)
	require.True(t, fresh.requireLive().Restricted)
	fresh.renew().requireStatus(http.StatusOK)
	fresh.enrol()
	require.False(t, fresh.requireLive().Restricted)
	fresh.get("/api/members").requireStatus(http.StatusOK)

	// The session that was begun before that has proved nothing yet.
	owner.get("/api/members").requireProblem(http.StatusForbidden, "session_restricted")
	h.clock.advance(30 * time.Second)
	h.trySignIn(member.Auditor, app.code(0)).requireStatus(http.StatusCreated)

	// A required factor cannot be removed, and turning the requirement off takes a fresh proof.
	fresh.delete("/api/account/second-factor").requireProblem(http.StatusConflict, "second_factor_demanded")
	fresh.enrol()
	h.clock.advance(11 * time.Minute)
	fresh.renew()
	requireFactor(fresh, true).requireStatus(http.StatusOK)
	requireFactor(fresh, false).requireProblem(http.StatusForbidden, "reauthentication_required")
	plain.renew()
	plain.get("/api/account/activity").requireProblem(http.StatusForbidden, "session_restricted")
	var given httpapi.SignInSettings
	h.operator().put("/api/settings/sign-in", map[string]any{"requireSecondFactor": false}).into(http.StatusOK, &given)
	require.False(t, given.RequireSecondFactor || given.Yours)
	plain.get("/api/account/activity").requireStatus(http.StatusOK)
	require.EqualValues(t, 2, h.number("SELECT count(*) FROM audit_entries WHERE action = 'sign_in.second_factor_demanded'"))
}

// ASVS 6.3.7
func TestNoticesTellWhatChanged(t *testing.T) {
	h := open(t, options{})
	mine, admin := h.program(member.Plain), h.program(member.Admin)
	id := mine.requireLive().Member.Id
	notices := func() (lines []string, newest int64) {
		var page httpapi.AuditPage
		mine.get("/api/account/notices").into(http.StatusOK, &page)
		for _, entry := range page.Items {
			lines = append(lines, strings.TrimSpace(entry.Action+" by "+entry.Actor.Name+" "+entry.Address))
			newest = max(newest, entry.Sequence)
		}
		return lines, newest
	}
	lines, _ := notices()
	require.Empty(t, lines)
	mine.put("/api/account/password", map[string]any{"currentPassword": password, "newPassword": newPassword}).requireStatus(http.StatusOK)
	app := mine.enrol()
	h.stranger().post("/api/sessions", map[string]any{"email": email(member.Plain), "password": newPassword, "code": app.codes[3]}).requireStatus(http.StatusCreated)
	mine.post("/api/account/second-factor/recovery-codes", nil).requireStatus(http.StatusOK)
	lines, newest := notices()
	require.Equal(t, []string{
		"member.recovery_codes_made by The member 192.0.2.10", "member.recovery_code_used by The member 192.0.2.10",
		"member.second_factor_set by The member 192.0.2.10", "member.password_changed by The member 192.0.2.10",
	}, lines)

	dismiss := func(c *client, upTo int64) {
		c.post("/api/account/notices/dismiss", map[string]any{"upTo": upTo}).requireStatus(http.StatusNoContent)
	}
	dismiss(admin, newest) // their own, of which there are none
	dismiss(mine, newest-1)
	lines, _ = notices()
	require.Len(t, lines, 1)
	dismiss(mine, newest)
	dismiss(mine, 0)
	lines, _ = notices()
	require.Empty(t, lines, "what was put away does not come back")
	dismiss(mine, 1<<40) // no further than there are entries
	lines, _ = notices()
	require.Empty(t, lines)

	// By another member, and without their address.
	admin.delete("/api/members/" + id + "/second-factor").requireStatus(http.StatusOK)
	mine.keep(mine.post("/api/sessions", map[string]any{"email": email(member.Plain), "password": newPassword, "transport": "bearer"}).signedIn(http.StatusCreated))
	lines, _ = notices()
	require.Equal(t, []string{"member.second_factor_removed by The admin"}, lines)

	// The other ways in, and the operator's hand.
	laptop := mine.newDevice()
	mine.delete("/api/account/passkeys/" + laptop.name()).requireStatus(http.StatusOK)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": admin.issueLink(id), "password": password}).requireStatus(http.StatusOK)
	var reset httpapi.PasswordReset
	h.operator().post("/api/members/"+id+"/reset-password", nil).into(http.StatusOK, &reset)
	mine.keep(mine.post("/api/sessions", map[string]any{"email": email(member.Plain), "password": reset.Password, "transport": "bearer"}).signedIn(http.StatusCreated))
	lines, _ = notices()
	require.Equal(t, []string{
		"member.password_reset by the server's operator", "member.link_used by The member 192.0.2.10",
		"member.passkey_removed by The member 192.0.2.10", "member.passkey_added by The member 192.0.2.10",
		"member.second_factor_removed by The admin",
	}, lines)
	mine.post("/api/account/notices/dismiss", map[string]any{"upTo": -1}, malformed).requireFields("upTo min")
}

// A right password without the second factor is the first that a theft of the password shows of
// itself. The member is told; unless it was the member, who mistyped a code and then did not.
//
// ASVS 6.3.5, 16.3.1
func TestWhoeverHasThePasswordAndNoSecondFactorIsToldOf(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	app := mine.enrol()
	told := func() (lines []string) {
		mine.renew()
		var page httpapi.AuditPage
		mine.get("/api/account/notices").into(http.StatusOK, &page)
		for _, entry := range page.Items {
			if entry.Action != "member.second_factor_set" {
				lines = append(lines, fmt.Sprint(entry.Action, " ", entry.Details["wrong"], " ", entry.Address))
			}
		}
		return lines
	}
	refused := func(wrong string) int64 {
		return h.number("SELECT count(*) FROM audit_entries WHERE action = 'session.refused' AND details ->> 'wrong' = '" + wrong + "'")
	}
	halfway := func(c *client) {
		c.trySignIn(member.Plain, "").requireProblem(http.StatusUnauthorized, "second_factor_required")
	}

	// So begins each sign-in, at home.
	halfway(mine.clone())
	halfway(h.stranger())
	require.Zero(t, refused("no_code"))
	h.stranger().trySignIn(member.Plain, "000000").requireProblem(http.StatusUnauthorized, "bad_code")
	require.EqualValues(t, 1, refused("code"))
	require.Equal(t, []string{"session.refused code 192.0.2.10"}, told())
	h.clock.advance(10 * time.Minute)
	h.stranger().trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
	require.Empty(t, told(), "whoever it was had the right code, too")

	// In another place it may be a thief, who cannot fill the log with it.
	thief := h.at("198.51.100.7")
	for range 5 {
		halfway(thief)
	}
	halfway(h.at("198.51.100.8"))
	require.EqualValues(t, 3, refused("no_code"))
	h.clock.advance(10 * time.Minute)
	halfway(thief)
	require.EqualValues(t, 4, refused("no_code"))
	require.Len(t, told(), 3, "however many there are")
	thief.trySignIn(member.Plain, "000000").requireProblem(http.StatusUnauthorized, "bad_code")
	require.Equal(t, []string{"session.refused code 198.51.100.7", "session.refused no_code 198.51.100.7", "session.refused no_code 198.51.100.7"}, told())

	// A sign-in from elsewhere, or much later, was another person's.
	h.clock.advance(time.Minute)
	travelling := h.at("203.0.113.9")
	travelling.trySignIn(member.Plain, "000000").requireProblem(http.StatusUnauthorized, "bad_code")
	require.Equal(t, "session.refused code 203.0.113.9", told()[0])
	travelling.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
	require.Equal(t, "session.refused code 198.51.100.7", told()[0])
	h.clock.advance(10 * time.Minute)
	thief.trySignIn(member.Plain, app.code(0)).requireStatus(http.StatusCreated)
	require.Equal(t, "session.refused code 198.51.100.7", told()[0])

	// No one else is told. The notices are dismissed together, and what happened stays in the
	// activity.
	var page httpapi.AuditPage
	h.program(member.Admin).get("/api/account/notices").into(http.StatusOK, &page)
	require.Empty(t, page.Items)
	mine.get("/api/account/notices").into(http.StatusOK, &page)
	mine.post("/api/account/notices/dismiss", map[string]any{"upTo": page.Items[0].Sequence}).requireStatus(http.StatusNoContent)
	require.Empty(t, told())
	mine.get("/api/account/activity").into(http.StatusOK, &page)
	require.True(t, slices.ContainsFunc(page.Items, func(e httpapi.AuditEntry) bool { return e.Details["wrong"] == "no_code" }))

	// Where one is signed in, a wrong code is told of in the same way.
	mine.post("/api/session/reauthenticate", map[string]any{"password": password, "code": "000000"}).requireProblem(http.StatusForbidden, "bad_code")
	require.Equal(t, []string{"session.reauthentication_refused code 192.0.2.10"}, told())
	mine.post("/api/session/reauthenticate", map[string]any{"password": password, "code": app.codes[0]}).requireStatus(http.StatusOK)
	require.Equal(t, []string{"member.recovery_code_used <nil> 192.0.2.10"}, told())
}

// A common password is refused wherever one is chosen (ASVS 6.2.4, 6.2.11).
//
// ASVS 6.2.4, 6.2.11, 6.2.12
func TestEasyPasswordsAreRefused(t *testing.T) {
	h := open(t, options{})
	mine, admin := h.program(member.Plain), h.program(member.Admin)
	change := func(next string) *answer {
		return mine.put("/api/account/password", map[string]any{"currentPassword": password, "newPassword": next})
	}
	change("1234567890Qwerty").requireFields("newPassword common")
	change("Example & Söhne 2026!").requireFields("newPassword context")
	change("curfew-member-curfew-1").requireFields("newPassword context")
	link := admin.issueLink(mine.requireLive().Member.Id)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": link, "password": "passwordpassword"}).requireFields("password common")
	h.stranger().post("/api/invitations/accept", map[string]any{"token": link, "password": "member@example.org"}).requireFields("password context")

	empty := open(t, options{unclaimed: true})
	in := map[string]any{"setupToken": setupToken, "organization": "Acme Rockets", "name": "Ana", "email": "ana@rockets.example", "password": "acme rockets acme"}
	empty.stranger().post("/api/setup", in).requireFields("password context")
	in["password"] = "30secondstomars"
	empty.stranger().post("/api/setup", in).requireFields("password common")
	change(newPassword + " 日本語").requireStatus(http.StatusOK)
}
