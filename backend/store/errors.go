package store

import (
	"errors"

	"curfew/backend/member"
	"curfew/backend/session"
)

// UnavailableError is trouble with storage: it says nothing about whatever was asked for.
type UnavailableError struct{ cause error }

func (e *UnavailableError) Error() string { return "storage: " + e.cause.Error() }
func (e *UnavailableError) Unwrap() error { return e.cause }

// Unavailable marks the error for those who must not know this package.
func (e *UnavailableError) Unavailable() bool { return true }

// unavailable marks every error that is not a word of the domain.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{
		session.ErrNotFound, session.ErrCallerEnded, session.ErrCredentialStale, member.ErrNotFound, member.ErrAlreadySetUp,
		member.ErrEmailTaken, member.ErrForbidden, member.ErrLastOwner, member.ErrLinkInvalid, member.ErrNoSecondFactor, member.ErrNoPasskey, member.ErrPasskeyKnown, session.ErrFactorDemanded,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	var stale *session.StaleVersionError
	if errors.As(err, &stale) {
		return err
	}
	return &UnavailableError{err}
}
