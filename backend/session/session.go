package session

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// ID names a session. It is a UUID of version 7 (RFC 9562), so ids sort by the time of the sign-in. It is a
// name and no secret: knowing it admits nobody.
type ID uuid.UUID

// NewID makes an id that was never given before. It fails only when the system has no randomness to give.
func NewID() (ID, error) {
	id, err := uuid.NewV7()
	return ID(id), err
}

// ParseID reads the canonical text of an id.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return ID{}, fmt.Errorf("parse session id: %w", ErrNotFound)
	}
	return ID(id), nil
}

// String is the canonical text: 36 characters, lower case.
func (id ID) String() string { return uuid.UUID(id).String() }

// Client is the browser, device or program that a session belongs to, as it described itself. Nothing is
// ever decided by it.
type Client struct {
	// Address is the zero Addr where there is no network between.
	Address   netip.Addr
	UserAgent string

	device *Device // where it is known already
}

// ParseAddress reads a network address. It gives the zero Addr for a text that is none, and leaves out the zone, which means something
// on one machine alone.
func ParseAddress(text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{} // a client without a network address
	}
	return address.Unmap().WithZone("")
}

// AddressText is the address as people read it, or empty where there is none.
func (c Client) AddressText() string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.String()
}

// Session is the facts of one sign-in of one member on one client. Whether it is alive is not among them:
// that is worked out by [Standing.Ended], from these and the policy in force.
type Session struct {
	ID       ID
	MemberID member.ID
	// Generation and MemberGeneration are the organization's and the member's, both as of the sign-in.
	Generation       uint64
	MemberGeneration uint64
	// AuthenticatedAt is the sign-in; it never moves.
	AuthenticatedAt time.Time
	// ProvedAt is the last proof of identity: the sign-in, or a later re-authentication.
	ProvedAt time.Time
	// StartedAt is where the session's length is counted from; it moves at every access while refresh is on.
	StartedAt  time.Time
	LastSeenAt time.Time
	// End is how the session was ended; its Reason is empty for a session that nobody has ended.
	End     End
	Client  Client
	Methods []string
}

// End is how, when and by whose hand a session ended.
type End struct {
	Reason EndReason
	At     time.Time
	// By is a name, or empty where nobody's hand was in it.
	By string
	// Note is the reason that was given with a revocation of everybody's sessions.
	Note string
}

// Principal is who makes a request: a session that was just admitted, and its member. Only [Service.Admit]
// makes one, so code that takes a Principal cannot be reached without the check; and [Service.Operator], for the operator's door.
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

// Restricted reports whether the session lacks the second factor that the organization requires; see
// [member.Authority.Restricted].
func (p Principal) Restricted() bool { return p.authority().Restricted() }

// authority is what the principal may do, as of the check.
func (p Principal) authority() member.Authority {
	if p.operator {
		return member.Operator
	}
	return member.Authority{
		Member: p.Member, Methods: p.Session.Methods, ProvedAt: p.Session.ProvedAt, RequireSecondFactor: p.Organization.RequireSecondFactor,
	}
}

// IsOperator tells that the principal is the operator.
func (p Principal) IsOperator() bool { return p.operator }

// Caller is the principal as the author of a change.
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
