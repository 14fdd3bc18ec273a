package session

import (
	"fmt"
	"time"
)

// Unit is the unit of a length. A day is 24 hours and a week is seven days, with or without
// daylight saving time.
type Unit string

// The units of a length.
const (
	Minutes Unit = "minutes"
	Hours   Unit = "hours"
	Days    Unit = "days"
	Weeks   Unit = "weeks"
)

func (u Unit) duration() time.Duration {
	switch u {
	case Minutes:
		return time.Minute
	case Hours:
		return time.Hour
	case Days:
		return 24 * time.Hour
	case Weeks:
		return 7 * 24 * time.Hour
	}
	return 0
}

// LongestLength is the most that a session's length or a maximum lifetime may be. The shortest is
// one minute.
const LongestLength = 365 * 24 * time.Hour

// Length is a number and a unit, as they were entered: 14 days do not become 2 weeks. The zero
// Length means none.
type Length struct {
	Value int64
	Unit  Unit
}

// IsZero reports whether there is no length.
func (l Length) IsZero() bool { return l == Length{} }

// Duration is the exact length. It does not overflow for a length that Validate accepts.
func (l Length) Duration() time.Duration { return time.Duration(l.Value) * l.Unit.duration() }

func (l Length) millis() int64 { return l.Duration().Milliseconds() }

// String returns the length in words, as in "14 days" or "1 hour".
func (l Length) String() string {
	unit := string(l.Unit)
	if l.Value == 1 {
		unit = unit[:len(unit)-1]
	}
	return fmt.Sprintf("%d %s", l.Value, unit)
}

// validate names the field in its errors, as "sessionLength".
func (l Length) validate(field string) []FieldError {
	unit := l.Unit.duration()
	if unit == 0 {
		return []FieldError{{field + ".unit", "oneof", "Choose minutes, hours, days or weeks."}}
	}
	// Compared by division, which no number overflows.
	most := int64(LongestLength / unit)
	switch {
	case l.Value < 1:
		return []FieldError{{field + ".value", "min", fmt.Sprintf("Enter a whole number from 1 to %d.", most)}}
	case l.Value > most:
		return []FieldError{{field + ".value", "max", fmt.Sprintf("Enter at most %d %s; 365 days is the longest.", most, l.Unit)}}
	}
	return nil
}

// Policy is the session configuration of the organization, which admins set.
type Policy struct {
	// Length is how long a session lives from its start.
	Length Length
	// RefreshAutomatically makes every access set the session's start to now. The length is then an
	// idle timeout.
	RefreshAutomatically bool
	// MaximumLifetime is an optional limit from the sign-in, which no access moves.
	MaximumLifetime Length
}

// Validate returns an [*InvalidError] that names every field that is out of bounds. A policy whose
// length exceeds its maximum may still be in force, since early versions accepted it.
func (p Policy) Validate() error {
	errs := p.Length.validate("sessionLength")
	if !p.MaximumLifetime.IsZero() {
		errs = append(errs, p.MaximumLifetime.validate("maximumLifetime")...)
	}
	if len(errs) == 0 && !p.MaximumLifetime.IsZero() && p.Length.Duration() > p.MaximumLifetime.Duration() {
		errs = []FieldError{{"sessionLength", "max", fmt.Sprintf("Enter at most %s, the maximum lifetime, or raise that.", p.MaximumLifetime)}}
	}
	if len(errs) > 0 {
		return &InvalidError{Fields: errs}
	}
	return nil
}

// Loosens reports whether p lets some session live longer than before does. Any admin may tighten a
// policy. Loosening requires a fresh proof of identity (rule R10).
func (p Policy) Loosens(before Policy) bool {
	if p.Length.Duration() > before.Length.Duration() || p.RefreshAutomatically && !before.RefreshAutomatically {
		return true
	}
	if before.MaximumLifetime.IsZero() {
		return false
	}
	return p.MaximumLifetime.IsZero() || p.MaximumLifetime.Duration() > before.MaximumLifetime.Duration()
}

// end is when a session of these times expires, in milliseconds since 1970: the first instant at
// which the policy's window does not hold it.
func (p Policy) end(t Times) int64 {
	at := t.StartedAt + p.Length.millis()
	if !p.MaximumLifetime.IsZero() {
		at = min(at, t.AuthenticatedAt+p.MaximumLifetime.millis())
	}
	return at
}

// describe returns the policy as audit entries record it.
func (p Policy) describe() map[string]any {
	described := map[string]any{
		"sessionLength":        p.Length.String(),
		"refreshAutomatically": p.RefreshAutomatically,
		"maximumLifetime":      nil,
	}
	if !p.MaximumLifetime.IsZero() {
		described["maximumLifetime"] = p.MaximumLifetime.String()
	}
	return described
}
