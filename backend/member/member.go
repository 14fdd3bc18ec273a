// Package member holds who may sign in: members, their roles, their credentials, and the throttle
// that slows guessers without locking members out.
//
// It knows neither HTTP nor SQL. It uses storage through [Store].
package member

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"curfew/backend/fold"
)

// ID identifies a member. It is a UUID of version 7 (RFC 9562), so ids sort by creation.
type ID uuid.UUID

// NewID returns a new id.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) } // crypto/rand never fails

// ParseID parses the canonical text of an id.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return ID{}, fmt.Errorf("parse member id: %w", err)
	}
	return ID(id), nil
}

// String returns the canonical text: 36 characters, lower case.
func (id ID) String() string { return uuid.UUID(id).String() }

// Role is what a member may do.
type Role string

// The roles, the highest first.
const (
	Owner Role = "owner"
	Admin Role = "admin"
	// Auditor sees what an admin sees and changes nothing.
	Auditor Role = "auditor"
	Plain   Role = "member"
)

// Administers reports whether the role may change other members and the settings.
func (r Role) Administers() bool { return r == Owner || r == Admin }

// Oversees reports whether the role may see other members and the settings.
func (r Role) Oversees() bool { return r.Administers() || r == Auditor }

// Member is a person with an account.
type Member struct {
	ID    ID
	Name  string
	Email string
	Role  Role
	// Active is false for a deactivated member, who can neither sign in nor use a session.
	Active bool
	// Generation only grows. A session of another generation of its member has ended.
	Generation uint64
	// SecondFactor is true if a sign-in with the password also takes a code.
	SecondFactor bool
	// HasPasskey is true if a passkey signs them in, too.
	HasPasskey bool
}

// Proof is a fresh proof of identity, with the credential that it used. A session starts on a
// proof, and only while the member still has that credential.
type Proof struct {
	Member Member
	// PasswordHash is the hash that the password matched; empty if a passkey was used.
	PasswordHash string
	// Passkey is the id of the passkey that was used, if any.
	Passkey []byte
	// Methods lists the methods that were used.
	Methods []string
}

// The methods of a proof.
const (
	ByPassword     = "password"
	ByTOTP         = "totp"
	ByRecoveryCode = "recovery_code"
	ByPasskey      = "passkey"
)

// TwoFactors reports whether the methods are two factors. A passkey is two, because the device
// verifies its user.
func TwoFactors(methods []string) bool {
	return slices.ContainsFunc(methods, func(method string) bool {
		return method == ByTOTP || method == ByRecoveryCode || method == ByPasskey
	})
}

// SortName returns the sort key of a member: the name or, without one, the address.
func (m Member) SortName() string {
	if m.Name == "" {
		return fold.Key(fold.ShowAddress(m.Email))
	}
	return fold.Key(m.Name)
}

// SearchText returns the text in which a member is searched: the name, and the address as it is
// shown and as it is stored.
func (m Member) SearchText() string {
	spellings := []string{m.Email, fold.AddressKey(m.Email), fold.ShowAddress(m.Email)}
	slices.Sort(spellings)
	return fold.Key(m.Name + " " + strings.Join(slices.Compact(spellings), " "))
}
