// Package member is who may sign in: members, their roles, their credentials, and the throttle that keeps
// guessers out without locking anybody out.
//
// It knows neither HTTP nor SQL. What it asks of storage is [Store].
package member

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"curfew/backend/fold"
)

// ID names a member. It is a UUID of version 7 (RFC 9562), so ids sort by the time they were made.
type ID uuid.UUID

// NewID makes an id that was never given before. It fails only when the system has no randomness to give.
func NewID() (ID, error) {
	id, err := uuid.NewV7()
	return ID(id), err
}

// ParseID reads the canonical text of an id.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return ID{}, fmt.Errorf("parse member id: %w", err)
	}
	return ID(id), nil
}

// String is the canonical text: 36 characters, lower case.
func (id ID) String() string { return uuid.UUID(id).String() }

// Role is what a member may do.
type Role string

// The roles, from the one that may do most.
const (
	Owner Role = "owner"
	Admin Role = "admin"
	// Auditor sees what an admin sees and changes nothing.
	Auditor Role = "auditor"
	Plain   Role = "member"
)

// Administers tells whether the role may change what concerns others.
func (r Role) Administers() bool { return r == Owner || r == Admin }

// Oversees tells whether the role may see what concerns others.
func (r Role) Oversees() bool { return r.Administers() || r == Auditor }

// Member is a person with an account.
type Member struct {
	ID    ID
	Name  string
	Email string
	Role  Role
	// Active is false for a deactivated member, who can neither sign in nor use a session.
	Active bool
	// Generation only grows. A session that began under another generation of its member is over.
	Generation uint64
	// SecondFactor tells that their password alone signs them in no more.
	SecondFactor bool
	// HasPasskey tells that a passkey of theirs signs them in, too.
	HasPasskey bool
}

// Proof is that somebody has just proved to be a member, and by which credential. A session is begun on a proof and
// only while the credential is still the member's.
type Proof struct {
	Member Member
	// PasswordHash is the hash that the password was verified against; empty where it was proved by a passkey.
	PasswordHash string
	// Passkey is the id of the passkey that proved it, if any.
	Passkey []byte
	// Methods are how it was proved.
	Methods []string
}

// How somebody proved to be a member.
const (
	ByPassword     = "password"
	ByTOTP         = "totp"
	ByRecoveryCode = "recovery_code"
	ByPasskey      = "passkey"
)

// TwoFactors tells whether the methods are two factors together: a passkey is both, because the device has asked who holds it.
func TwoFactors(methods []string) bool {
	return slices.ContainsFunc(methods, func(method string) bool {
		return method == ByTOTP || method == ByRecoveryCode || method == ByPasskey
	})
}

// SortName returns the key that a member is sorted by: the name or, for members without one, the
// address.
func (m Member) SortName() string {
	if m.Name == "" {
		return fold.Key(fold.ShowAddress(m.Email))
	}
	return fold.Key(m.Name)
}

// SearchText returns the key that a member is searched in: the name, and the address in every
// spelling that is shown or stored.
func (m Member) SearchText() string {
	spellings := []string{m.Email, fold.AddressKey(m.Email), fold.ShowAddress(m.Email)}
	slices.Sort(spellings)
	return fold.Key(m.Name + " " + strings.Join(slices.Compact(spellings), " "))
}
