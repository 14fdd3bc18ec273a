package session

import (
	"errors"
	"fmt"

	"curfew/backend/member"
	"curfew/backend/refusal"
)

// Errors that callers tell apart. Each is a [refusal.Refusal]. Any other error of this package is a
// storage failure, and no verdict on a session.
var (
	// ErrNotFound is returned for a session that does not exist, or that the caller may not see.
	ErrNotFound = refusal.New("no such session")
	// ErrNoSession is returned if a token names a session that has no row.
	ErrNoSession = refusal.New("the token names no session")
	// ErrTokenNewer is returned for a token of a generation that the database does not know yet: a
	// backup was restored, and what it knows of revocations is not to be trusted (I13).
	ErrTokenNewer = refusal.New("the token is newer than the database")
	// ErrRefreshTokenInvalid is returned for a refresh token that Curfew did not issue.
	ErrRefreshTokenInvalid = refusal.New("refresh token invalid")
	// ErrCredentialStale is returned if the credential that was proved was changed meanwhile.
	ErrCredentialStale = refusal.New("credential changed during the sign-in")
	// ErrReauthenticationRequired is returned if rule R10 asks for a fresh proof of identity.
	ErrReauthenticationRequired = member.ErrProofNeeded
	// ErrRestricted is returned if the organization requires a second factor that the session has
	// not proved.
	ErrRestricted = member.ErrRestricted
	// ErrFactorRequired is returned for a change that would leave a member without the second
	// factor that the organization requires.
	ErrFactorRequired = refusal.New("the organization requires a second factor")
	// ErrForbidden is returned if the caller's role does not allow the change.
	ErrForbidden = member.ErrRoleNeeded
	// ErrKeyReused is returned if the idempotency key of a revocation named another one within
	// [KeyLifetime].
	ErrKeyReused = refusal.New("the idempotency key names another request")
	// ErrCallerEnded is returned by the store if the caller's session has ended by the time of the
	// change.
	ErrCallerEnded = member.ErrCallerEnded
)

// ErrOutcomeUnknown is returned by the store if a COMMIT failed, so that the change may have
// reached the disk. After no other failure can memory and disk differ.
var ErrOutcomeUnknown = errors.New("the outcome of the commit is unknown")

// EndedError is the verdict on a session that has ended.
type EndedError struct{ End End }

func (e *EndedError) Error() string { return "session ended: " + string(e.End.Reason) }

// Refusal implements [refusal.Refusal].
func (e *EndedError) Refusal() {}

// StaleVersionError is returned if the policy in force is not the one that the caller means to
// replace.
type StaleVersionError struct {
	// Current is what is in force now.
	Current Organization
}

func (e *StaleVersionError) Error() string {
	return fmt.Sprintf("the policy in force has version %d, which is not to be replaced", e.Current.Version)
}

// Refusal implements [refusal.Refusal].
func (e *StaleVersionError) Refusal() {}

// FieldError describes what is wrong with one field and what to do about it.
type FieldError struct {
	// Field is its path on the wire, as "sessionLength.value".
	Field string
	// Code is stable, for programs.
	Code string
	// Message is for people.
	Message string
}

// InvalidError lists the fields of an input that are out of bounds.
type InvalidError struct{ Fields []FieldError }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid input: %s: %s", e.Fields[0].Field, e.Fields[0].Message)
}

// Refusal implements [refusal.Refusal].
func (e *InvalidError) Refusal() {}

// CountError is returned if far more sessions match a revocation than its caller confirmed.
type CountError struct{ Matching, Confirmed int }

func (e *CountError) Error() string {
	return fmt.Sprintf("%d sessions match and %d were confirmed", e.Matching, e.Confirmed)
}

// Refusal implements [refusal.Refusal].
func (e *CountError) Refusal() {}

// during returns an error with what was being done, or nil for none.
func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
