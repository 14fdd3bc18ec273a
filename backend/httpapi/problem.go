package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/etag"
	"curfew/backend/live"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/token"
)

var errCrossOrigin = errors.New("a page of another origin made the request")

// problem is a problem document, and the seconds of its header Retry-After; 0 for none.
type problem struct {
	Problem
	retryAfter int
}

// retryAfter are the seconds after which to try again, by code.
var retryAfter = map[string]int{"busy": int(member.BusyFor / time.Second), "too_many_streams": 5, "storage_unavailable": 5}

// unavailable is implemented by the storage failures of package store.
type unavailable interface{ Unavailable() bool }

// sentinel is an error with one status, code and text.
type sentinel struct {
	err    error
	Status int
	Code   string
	Detail string
}

var sentinels = []sentinel{
	{session.ErrNoSession, http.StatusUnauthorized, "no_session", "You are not signed in. Sign in."},
	{token.ErrExpired, http.StatusUnauthorized, "token_expired", "The access token has expired. Refresh it and repeat the request."},
	{token.ErrInvalid, http.StatusUnauthorized, "token_invalid", "The access token is not one of ours. Sign in."},
	{session.ErrTokenNewer, http.StatusUnauthorized, "token_invalid", "The access token is not one of ours. Sign in."},
	{session.ErrRefreshTokenInvalid, http.StatusUnauthorized, "token_invalid", "The refresh token is not one of ours. Sign in."},
	{member.ErrBadCredentials, http.StatusUnauthorized, "bad_credentials", "The e-mail address or the password is wrong."},
	{session.ErrCredentialStale, http.StatusUnauthorized, "bad_credentials", "The e-mail address or the password is wrong."},
	{member.ErrSecondFactorRequired, http.StatusUnauthorized, "second_factor_required", "The password is right. Send it again with a \"code\" from the authenticator app, or a recovery code."},
	{member.ErrBadCode, http.StatusUnauthorized, "bad_code", "The code is wrong, or was used already. Wait for the next one, or use a recovery code."},
	{session.ErrReauthenticationRequired, http.StatusForbidden, "reauthentication_required", "This requires a fresh proof of identity. Confirm who you are and repeat the request."},
	{session.ErrRestricted, http.StatusForbidden, "session_restricted", "The organization requires a second factor. Set one up, or confirm yours."},
	{errWrongPassword, http.StatusForbidden, "bad_credentials", "The password is wrong."},
	{errWrongCode, http.StatusForbidden, "bad_code", "The code is wrong, or was used already. Wait for the next one, or use a recovery code."},
	{errCodeNeeded, http.StatusForbidden, "second_factor_required", "The password is right. Send it again with a \"code\" from the authenticator app, or a recovery code."},
	{session.ErrForbidden, http.StatusForbidden, "forbidden", "Your role does not allow this. Ask an owner or an admin."},
	{errCrossOrigin, http.StatusForbidden, "cross_origin", "The request came from a page of another origin. Use Curfew's own pages, or a program without cookies."},
	{member.ErrSetupToken, http.StatusForbidden, "setup_token_invalid", "The set-up token is not the one that the server printed. It is also in the file setup-token in the data folder."},
	{member.ErrForbidden, http.StatusForbidden, "forbidden", "Your role does not allow this: you cannot give a role above your own, or change a member who stands above you."},
	{member.ErrLastOwner, http.StatusConflict, "last_owner", "This is the last owner who can sign in. Make another member an owner first."},
	{session.ErrFactorRequired, http.StatusConflict, "second_factor_demanded", "The organization requires a second factor. Set up another one first."},
	{member.ErrNoSecondFactor, http.StatusConflict, "no_second_factor", "There is no second factor."},
	{member.ErrBadPasskey, http.StatusUnauthorized, "bad_passkey", "The passkey is not known here, or its answer proves nothing. Try again, or sign in by password."},
	{errWrongPasskey, http.StatusForbidden, "bad_passkey", "The passkey is not yours, or its answer proves nothing. Try again."},
	{member.ErrNoPasskey, http.StatusNotFound, "not_found", "There is no such passkey."},
	{member.ErrPasskeyKnown, http.StatusConflict, "passkey_known", "This passkey is registered already."},
	{member.ErrPasskeysUnavailable, http.StatusConflict, "passkeys_unavailable", "Passkeys are bound to a name, and this server is reached by a number. Its operator can set a public URL that has one."},
	{member.ErrTooManyPasskeys, http.StatusConflict, "too_many_passkeys", "You have as many passkeys as a member can have. Remove one first."},
	{member.ErrEnrolmentExpired, http.StatusGone, "enrolment_over", "This set-up has expired, or was not started here. Start again."},
	{member.ErrEmailTaken, http.StatusConflict, "email_taken", "Another member has this e-mail address."},
	{member.ErrAddressRetired, http.StatusConflict, "address_retired", "This e-mail address was another member's. Use another one, or have an owner confirm with \"reuseAddress\" that it goes to this person now."},
	{member.ErrOwnAccount, http.StatusConflict, "own_account", "You cannot remove your own account. Ask another owner or admin."},
	{member.ErrLinkInvalid, http.StatusGone, "link_invalid", "This link was withdrawn or replaced, or has expired. Ask for a new one."},
	{member.ErrLinkUsed, http.StatusGone, "link_used", "The password was set by this link already. Sign in with it. If that was not you, tell an admin at once."},
	{member.ErrNotFound, http.StatusNotFound, "not_found", "There is no such member."},
	{session.ErrNotFound, http.StatusNotFound, "not_found", "There is no such session, or it has ended."},
	{echo.ErrNotFound, http.StatusNotFound, "not_found", "There is nothing at this address."},
	{echo.ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method_not_allowed", "This address does not know that method. The Allow header lists those it knows."},
	{session.ErrClockNotAhead, http.StatusConflict, "clock_not_ahead", "Curfew's clock is not ahead of the machine's. There is nothing to accept."},
	{member.ErrAlreadySetUp, http.StatusConflict, "already_set_up", "The organization is set up already. Sign in."},
	{session.ErrKeyReused, http.StatusUnprocessableEntity, "key_reused", "This Idempotency-Key was used within a day for a revocation with another reason, and nothing was revoked now. Use a new key for a new revocation."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("The body is larger than %d kB.", longestBody>>10)},
	{errLogoTooLarge, http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("The file is larger than %d kB. Use a smaller PNG image.", longestLogoBody>>10)},
	{errLogoType, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send the logo as image/png."},
	{errNoLogo, http.StatusNotFound, "not_found", "The organization has no logo."},
	{errEncoded, http.StatusUnsupportedMediaType, "unsupported_media_type", "The body is compressed. Send it as it is, without Content-Encoding."},
	{errMediaType, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send the body as application/json."},
	{errEmptyBody, http.StatusBadRequest, "invalid_json", "The body is empty. Send a JSON object."},
	{errNotJSON, http.StatusBadRequest, "invalid_json", "The body is not valid JSON. Check it for a missing quote, comma or brace, and for names that come twice."},
	{errQuery, http.StatusBadRequest, "invalid_query", "The query string cannot be read. Escape its values, as in q=50%25 for 50%, and separate parameters by &."},
	{live.ErrTooMany, http.StatusTooManyRequests, "too_many_streams", fmt.Sprintf("Too many streams of events are open: a session may have %d, and a member %d. Close one, or share one among the tabs.", ListenersPerSession, ListenersPerMember)},
	{member.ErrBusy, http.StatusServiceUnavailable, "busy", "Too many people are signing in at this moment. Try again shortly."},
	{errBusy, http.StatusServiceUnavailable, "busy", "The server makes as many lists, previews and exports as it can at once. Try again shortly."},
	{etag.ErrMalformed, http.StatusBadRequest, "invalid_header", "If-Match or If-None-Match is not a list of entity tags. Send the ETag as it came, quotes included, or *."},
	{etag.ErrFailed, http.StatusPreconditionFailed, "precondition_failed", "The condition in If-Match or If-None-Match does not hold, so nothing was done. Send the ETag of what is in force as If-Match, as it came."},
}

// problemFor is the only place that maps an error to a status. An unknown error is 500, with a text
// that says nothing about it.
func problemFor(err error) problem {
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return newProblem(s.Status, s.Code, s.Detail)
		}
	}
	var (
		ended       *session.EndedError
		stale       *session.StaleVersionError
		invalid     *session.InvalidError
		input       *inputError
		password    *member.PasswordError
		throttled   *member.ThrottledError
		misdirected *misdirectedError
		unmatched   *unmatchedError
		count       *session.CountError
		file        *FileError
		unavailable unavailable
	)
	switch {
	case errors.As(err, &ended):
		return problemForEnd(ended.End)
	case errors.As(err, &unmatched):
		return withCurrent(problemFor(etag.ErrFailed), unmatched.Current)
	case errors.As(err, &stale):
		return withCurrent(newProblem(http.StatusPreconditionFailed, "stale_version", "It was saved since you read it. Nothing was changed; what is in force now is in \"current\"."), stale.Current)
	case errors.As(err, &invalid):
		fields := make([]FieldError, len(invalid.Fields))
		for i, f := range invalid.Fields {
			fields[i] = FieldError{Field: f.Field, Code: f.Code, Message: f.Message}
		}
		return problemForFields(fields)
	case errors.As(err, &password):
		return problemForFields([]FieldError{{Field: "password", Code: password.Code, Message: password.Message}})
	case errors.As(err, &input):
		return problemForFields(input.fields)
	case errors.As(err, &file):
		return problemForFields([]FieldError{{Field: "file", Code: file.Code, Message: file.Message}})
	case errors.As(err, &count):
		return newProblem(http.StatusConflict, "count_changed", fmt.Sprintf("%d sessions match now, but %d were confirmed. Nothing was revoked. Look at the list, then confirm the new number.", count.Matching, count.Confirmed))
	case errors.As(err, &misdirected):
		return newProblem(http.StatusMisdirectedRequest, "misdirected", "Curfew is not served under this host. Use "+misdirected.url+", or have the server's operator set that as the public URL.")
	case errors.As(err, &throttled):
		p := newProblem(http.StatusTooManyRequests, "too_many_attempts", "Too many attempts. Wait as long as Retry-After says, then try again.")
		p.retryAfter = max(1, int(math.Ceil(throttled.RetryAfter.Seconds())))
		return p
	case errors.As(err, &unavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "storage_unavailable", "The server cannot reach its storage. No sessions ended. Try again shortly.")
	}
	return newProblem(http.StatusInternalServerError, "internal", "Something went wrong on the server. Its log has the cause, under this request's id.")
}

func newProblem(status int, code, detail string) problem {
	return problem{Problem{
		Type: "/api/docs#" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail,
	}, retryAfter[code]}
}

// withCurrent adds the settings in force.
func withCurrent(p problem, org session.Organization) problem {
	current := wireSettings(org)
	p.Current = &current
	return p
}

func problemForFields(fields []FieldError) problem {
	code := "invalid_input"
	switch first := fields[0].Code; first {
	case "unknown_field", "unknown_parameter":
		if !slices.ContainsFunc(fields, func(f FieldError) bool { return f.Code != first }) {
			code = first
		}
	}
	where := fields[0].Field
	if where == "" {
		where = "The body"
	}
	p := newProblem(http.StatusUnprocessableEntity, code, where+": "+fields[0].Message)
	p.Errors = &fields
	return p
}

// problemForEnd says how a session ended, when and by which actor.
func problemForEnd(end session.End) problem {
	var code string
	switch end.Reason {
	case session.Expired:
		code = "session_expired"
	case session.MemberDeactivated:
		code = "member_deactivated"
	default:
		code = "session_revoked"
	}
	p := newProblem(http.StatusUnauthorized, code, endInWords(end)+" Sign in again.")
	p.Ended = &Ended{Reason: EndReason(end.Reason), At: end.At, By: optional(end.By), Note: optional(end.Note)}
	return p
}

func endInWords(end session.End) string {
	at, by := end.At.UTC().Format("at 15:04 UTC on 2 January 2006"), cmp.Or(end.By, "Someone")
	switch end.Reason {
	case session.SignedOut:
		return fmt.Sprintf("%s signed out %s.", by, at)
	case session.Expired:
		return fmt.Sprintf("This session's time ran out %s.", at)
	case session.RevokedAll:
		if end.Note != "" {
			return fmt.Sprintf("%s revoked all sessions %s: %q.", by, at, end.Note)
		}
		return fmt.Sprintf("%s revoked all sessions %s.", by, at)
	case session.TokenReuse:
		return fmt.Sprintf("A refresh token was used a second time %s, so it may have been copied. The session was ended.", at)
	case session.CredentialChanged:
		return fmt.Sprintf("The password or another way to sign in was changed %s, which ended this session.", at)
	case session.MemberDeactivated:
		return "This account is deactivated."
	default:
		return fmt.Sprintf("%s ended this session %s.", by, at)
	}
}

// answerError answers and logs the error of a handler.
func (a *API) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		a.Log.Error("request failed after its answer had begun", "error", err, "request", requestID(c))
		return
	}
	if errors.Is(err, echo.ErrMethodNotAllowed) && c.Path() == "/*" {
		err = echo.ErrNotFound // only the pages lack the method
		c.Response().Header().Del("Allow")
	}
	p := problemFor(err)
	level := slog.LevelDebug
	switch {
	case errors.Is(err, context.Canceled): // the client left
	case p.Code == "busy", p.Status == http.StatusForbidden, p.Status == http.StatusTooManyRequests:
		level = slog.LevelWarn
	case p.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	if ctx := c.Request().Context(); a.Log.Enabled(ctx, level) { // spares a flood the work otherwise
		a.Log.Log(ctx, level, "request refused", "status", p.Status, "code", p.Code, "error", err,
			"method", c.Request().Method, "path", c.Path(), "address", c.RealIP(), "request", requestID(c))
	}
	p.RequestId = requestID(c)
	h := c.Response().Header()
	h.Set("Content-Type", "application/problem+json")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(p.Code))
	}
	c.Response().WriteHeader(p.Status)
	_ = writeJSON(c.Response(), p.Problem) // an error means that the client left
}

// challenge returns the header that a 401 must have (RFC 9110, 11.6.1), in the form of RFC 6750.
func challenge(code string) string {
	switch code {
	case "no_session", "bad_credentials", "second_factor_required", "bad_code", "bad_passkey":
		return `Bearer realm="curfew"`
	}
	return fmt.Sprintf(`Bearer realm="curfew", error="invalid_token", error_description=%q`, code)
}

// seconds returns a duration in whole seconds, rounded down, so that a client is not promised more
// time than there is.
func seconds(d time.Duration) int64 { return int64(max(0, d) / time.Second) }
