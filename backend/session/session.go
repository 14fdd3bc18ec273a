package session

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// ID names a session. It is a UUID of version 7 (RFC 9562), so ids sort by the time of the sign-in.
// It is no secret: a request is not admitted for knowing it.
type ID uuid.UUID

// NewID returns a new id.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) } // crypto/rand never fails

// ParseID reads the canonical text of an id.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return ID{}, fmt.Errorf("parse session id: %w", ErrNotFound)
	}
	return ID(id), nil
}

// String returns the canonical text: 36 characters, lower case.
func (id ID) String() string { return uuid.UUID(id).String() }

// Client is the browser, device or program of a session, as it described itself. No decision
// depends on it.
type Client struct {
	// Address is the zero Addr if there is no network in between.
	Address   netip.Addr
	UserAgent string

	device *Device // if it is known already
}

// ParseAddress reads a network address. It returns the zero Addr for another text, and omits the
// zone, which has a meaning on one machine only.
func ParseAddress(text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{} // a client without a network address
	}
	return address.Unmap().WithZone("")
}

// AddressText returns the address as people read it, empty if there is none.
func (c Client) AddressText() string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.String()
}

// Session holds the facts of one sign-in of one member on one client. [Standing.Ended] decides from
// them and the policy in force whether it is alive.
type Session struct {
	ID       ID
	MemberID member.ID
	// Generation and MemberGeneration are the organization's and the member's, both as of the
	// sign-in.
	Generation       uint64
	MemberGeneration uint64
	// AuthenticatedAt is the sign-in; it never moves.
	AuthenticatedAt time.Time
	// ProvedAt is the last proof of identity: the sign-in, or a later re-authentication.
	ProvedAt time.Time
	// StartedAt is where the session's length counts from. Every access moves it while refresh is
	// on.
	StartedAt  time.Time
	LastSeenAt time.Time
	// End is how the session was ended. Its Reason is empty if it was not.
	End     End
	Client  Client
	Methods []string
}

// End is how and when a session was ended, and by which person.
type End struct {
	Reason EndReason
	At     time.Time
	// By is a name, empty if no person ended it.
	By string
	// Note is the reason that was given with a revocation of all sessions.
	Note string
}

// Principal is the author of a request: a session that was just admitted, and its member. Only
// [Service.Admit] makes one, and [Service.Start] and [Service.Operator]. So code that takes a
// Principal cannot be reached without the check.
type Principal struct {
	Session Session
	Member  member.Member
	// AdmittedAt is the instant of the check.
	AdmittedAt time.Time
	ExpiresAt  time.Time
	// Organization is the snapshot that the session was judged by.
	Organization *Organization

	operator bool
}

// Restricted reports whether the session lacks the second factor that the organization requires;
// see [member.Authority.Restricted].
func (p Principal) Restricted() bool { return p.authority().Restricted() }

// authority returns what the principal may do, as of the check.
func (p Principal) authority() member.Authority {
	if p.operator {
		return member.Operator
	}
	return member.Authority{
		Member: p.Member, Methods: p.Session.Methods, ProvedAt: p.Session.ProvedAt, RequireSecondFactor: p.Organization.RequireSecondFactor,
	}
}

// IsOperator reports whether the principal is the operator.
func (p Principal) IsOperator() bool { return p.operator }

// Caller returns the principal as the author of a change.
func (p Principal) Caller() audit.Caller {
	if p.operator {
		return audit.Caller{Actor: audit.Operator}
	}
	return audit.Caller{
		Actor:   audit.Actor{ID: p.Member.ID.String(), Name: p.Member.Name},
		Session: p.Session.ID.String(),
		Address: p.Session.Client.AddressText(),
	}
}
