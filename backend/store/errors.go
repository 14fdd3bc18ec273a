package store

import "curfew/backend/refusal"

// UnavailableError is a storage failure: it says nothing about what was asked for.
type UnavailableError struct{ cause error }

func (e *UnavailableError) Error() string { return "storage: " + e.cause.Error() }
func (e *UnavailableError) Unwrap() error { return e.cause }

// Unavailable marks the error for callers that must not know this package.
func (e *UnavailableError) Unavailable() bool { return true }

// unavailable marks every error but a refusal as a storage failure.
func unavailable(err error) error {
	if err == nil || refusal.Is(err) {
		return err
	}
	return &UnavailableError{err}
}
