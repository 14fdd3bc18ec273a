// Package refusal tells a refusal of the domain from a storage failure.
//
// A refusal is an error by which a rule says no: the transaction was rolled back and nothing
// changed. The error itself says so, by its type. Any other error of a write is a storage failure.
package refusal

import "errors"

// Refusal is an error by which the domain refuses a change.
type Refusal interface {
	error
	// Refusal marks the type. It does nothing.
	Refusal()
}

// New returns a refusal with a fixed text, for errors that callers compare with errors.Is.
func New(text string) error { return &sentinel{text} }

// Is reports whether err is a refusal, or wraps one.
func Is(err error) bool {
	var refused Refusal
	return errors.As(err, &refused)
}

type sentinel struct{ text string }

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Refusal()      {}
