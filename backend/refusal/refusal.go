// Package refusal distinguishes a refusal of the domain from a storage failure.
//
// A refusal is an error with which a rule refuses a change: the transaction was rolled back and
// nothing changed. The error's type says so. Any other error of a write is a storage failure.
package refusal

import "errors"

// Refusal is an error with which the domain refuses a change.
type Refusal interface {
	error
	// Refusal marks the type. It does nothing.
	Refusal()
}

// New returns a refusal with a fixed text, to be compared with [errors.Is].
func New(text string) error { return &sentinel{text} }

// Is reports whether err is a refusal, or wraps one.
func Is(err error) bool {
	var refused Refusal
	return errors.As(err, &refused)
}

type sentinel struct{ text string }

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Refusal()      {}
