package session

import (
	"errors"
	"fmt"

	"curfew/backend/member"
)

// Errors that callers tell apart. Any other error of this package is trouble with storage: it says nothing
// about a session, and must not be taken for a verdict.
var (
	// ErrNotFound is given for a session that does not exist, or that the caller may not know of.
	ErrNotFound = errors.New("no such session")
	// ErrNoSession is given where a token names a session that has no row.
	ErrNoSession = errors.New("the token names no session")
	// ErrRefreshTokenInvalid is given for a refresh token that Curfew did not issue.
	ErrRefreshTokenInvalid = errors.New("refresh token invalid")
	// ErrCredentialStale is given where the credential that was just proved was changed meanwhile.
	ErrCredentialStale = errors.New("credential changed during the sign-in")
	// ErrReauthenticationRequired is given where rule R10 asks for a fresh proof of identity.
	ErrReauthenticationRequired = errors.New("re-authentication required")
	// ErrRestricted is given where the organization demands a second factor that the session has not proved.
	ErrRestricted = errors.New("the session has not proved two factors")
	// ErrFactorDemanded is given for a change that would leave a member without the second factor that the organization demands.
	ErrFactorDemanded = errors.New("the organization demands a second factor")
	// ErrForbidden is given where the caller's role does not allow the change.
	ErrForbidden = errors.New("forbidden")
	// ErrCallerEnded is given by the store where the caller's session is over by the time of the change.
	ErrCallerEnded = member.ErrCallerEnded
)

// EndedError is the verdict on a session that is over.
type EndedError struct{ End End }

func (e *EndedError) Error() string { return "session ended: " + string(e.End.Reason) }

// StaleVersionError is given where somebody else saved the policy since the caller read it.
type StaleVersionError struct {
	// Current is what is in force now.
	Current Organization
}

func (e *StaleVersionError) Error() string {
	return fmt.Sprintf("the policy was saved meanwhile; its version is %d", e.Current.Version)
}

// FieldError says what is wrong with one field and what to do about it.
type FieldError struct {
	// Field is its path on the wire, as "sessionLength.value".
	Field string
	// Code is stable, for programs.
	Code string
	// Message is for people.
	Message string
}

// InvalidError says which fields of an input are out of bounds.
type InvalidError struct{ Fields []FieldError }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid input: %s: %s", e.Fields[0].Field, e.Fields[0].Message)
}
