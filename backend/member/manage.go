package member

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"curfew/backend/audit"
	"curfew/backend/fold"
)

// Errors of managing members that callers tell apart.
var (
	// ErrForbidden is given where the caller's role does not allow the change.
	ErrForbidden = errors.New("the role does not allow it")
	// ErrProofNeeded is given for a change that lets somebody do more, by one who has not proved lately who they are.
	ErrProofNeeded = errors.New("a fresh proof is needed")
	// ErrLastOwner is given for a change that would leave the organization without an owner who can sign in.
	ErrLastOwner = errors.New("the last owner")
	// ErrEmailTaken is given for an address that another member has.
	ErrEmailTaken = errors.New("e-mail address taken")
	// ErrLinkInvalid is given for a one-time link that was used, replaced or altered, or whose time is over.
	ErrLinkInvalid = errors.New("link invalid")
	// ErrNameNeeded is given where an invitation that named nobody is accepted without a name.
	ErrNameNeeded = errors.New("a name is needed")
	// ErrCallerEnded is given where the caller's session is over by the time of the change.
	ErrCallerEnded = errors.New("the caller's session has ended")
)

// LinkKind is what a one-time link is for.
type LinkKind string

// The kinds of links, each with the time that it is good for.
const (
	Invitation LinkKind = "invitation" // a week
	Reset      LinkKind = "reset"      // a day
)

func (k LinkKind) lifetime() time.Duration {
	if k == Invitation {
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// Link is the one-time link by which a member sets a password. The store keeps only its hash.
type Link struct {
	Kind      LinkKind
	Hash      [sha256.Size]byte
	CreatedAt time.Time
	ExpiresAt time.Time
}

// newLink makes a link and its secret, which is 256 random bits.
func newLink(kind LinkKind, now time.Time) (Link, string) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails: it ends the program first
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return Link{Kind: kind, Hash: sha256.Sum256([]byte(secret)), CreatedAt: now, ExpiresAt: now.Add(kind.lifetime())}, secret
}

// State is where a member stands.
type State string

// The states. An invited member has no password yet.
const (
	Invited     State = "invited"
	Active      State = "active"
	Deactivated State = "deactivated"
)

// Details are a member as those see them who manage members.
type Details struct {
	Member
	State     State
	CreatedAt time.Time
	// AddressIssue is empty for a member whose address is in its canonical form.
	AddressIssue AddressIssue
	// Passkeys is how many they have.
	Passkeys int
	// Link is the one-time link that waits to be used, if any.
	Link *Link
}

// AddressIssue is why a member's address is still in an old spelling.
type AddressIssue string

// The issues: several members come to share the address, or it is none.
const (
	AddressShared  AddressIssue = "shared"
	AddressInvalid AddressIssue = "invalid"
)

// Valid tells whether there is such a state.
func (s State) Valid() bool { return s == Invited || s == Active || s == Deactivated }

// Order is what a list of members is ordered by. Equals are ordered by their ids.
type Order string

// The orders that there are.
const (
	ByName     Order = "name"
	ByEmail    Order = "email"
	ByCreation Order = "createdAt"
)

// Valid tells whether there is such an order.
func (o Order) Valid() bool { return o == ByName || o == ByEmail || o == ByCreation }

// Query picks members of the list.
type Query struct {
	// Text is looked for in names and addresses; empty for all.
	Text string
	// Role and State pick those who have them; empty for all.
	Role  Role
	State State

	Order      Order
	Descending bool
	// After is the last member of the page before, by the facts of its order and its id; nil for the first page.
	After *Details
	Limit int
}

// Change is what becomes of a member.
type Change struct {
	Next Member
	// EndsSessions tells that the member's sessions end with it.
	EndsSessions bool
	// RemovesFactors tells that whatever they prove themselves by, beside the password, goes.
	RemovesFactors bool
	Event          audit.Event
}

// Decide works out a change from facts that were read in the change's own transaction: who asks for it, the member, and how many other
// owners can sign in.
type Decide func(by, current Member, otherOwners int) (Change, error)

// Follower is who holds members in memory. A change of a member runs inside of FollowMember, so that memory shows it before anybody
// is answered. The change tells how many sessions ended with it.
type Follower interface {
	FollowMember(ctx context.Context, change func() (m Member, ended int, err error)) error
}

// rank orders the roles by what they may do.
func (r Role) rank() int {
	switch r {
	case Owner:
		return 3
	case Admin:
		return 2
	case Auditor:
		return 1
	default:
		return 0
	}
}

// Valid tells whether there is such a role.
func (r Role) Valid() bool { return r == Plain || r.rank() > 0 }

// mayManage holds that nobody raises anybody, themselves included, above their own role, and nobody touches who stands above them.
func mayManage(by, current, next Member) bool {
	return by.Role.Administers() && current.Role.rank() <= by.Role.rank() && next.Role.rank() <= by.Role.rank()
}

// List is a page of the members, and how many the query picks in all.
func (s *Service) List(ctx context.Context, query Query) (found []Details, total int, err error) {
	if found, total, err = s.store.Members(ctx, query); err != nil {
		return nil, 0, fmt.Errorf("list members: %w", err)
	}
	return found, total, nil
}

// Find gives one member, or ErrNotFound.
func (s *Service) Find(ctx context.Context, id ID) (Details, error) {
	found, err := s.store.Member(ctx, id)
	if err != nil {
		return Details{}, fmt.Errorf("find member: %w", err)
	}
	return found, nil
}

// Invite makes a member who has no password yet, and the secret of the link by which they set one. It returns ErrEmailTaken or
// ErrForbidden.
func (s *Service) Invite(ctx context.Context, by Member, caller audit.Caller, name, email string, role Role) (Details, string, error) {
	id, err := NewID()
	if err != nil {
		return Details{}, "", fmt.Errorf("make member id: %w", err)
	}
	m := Member{ID: id, Name: name, Email: fold.AddressKey(email), Role: role, Active: true, Generation: 1}
	if !mayManage(by, m, m) {
		return Details{}, "", ErrForbidden
	}
	now := s.now()
	link, secret := newLink(Invitation, now)
	err = s.store.Invite(context.WithoutCancel(ctx), m, link, caller, audit.Event{
		At: now, Action: audit.MemberInvited, Actor: caller.Actor, Target: "member:" + id.String(), Address: caller.Address,
		Details: map[string]any{"name": name, "email": fold.ShowAddress(email), "role": role},
	})
	if err != nil {
		return Details{}, "", fmt.Errorf("invite: %w", err)
	}
	return Details{Member: m, State: Invited, CreatedAt: now, Link: &link}, secret, nil
}

// Wish is what to change of a member; nil fields stay.
type Wish struct {
	Name   *string
	Role   *Role
	Active *bool
	// Proved tells that whoever wishes it has proved lately who they are, without which nobody is raised or let in again (rule R10).
	Proved bool
}

// Change changes a member at once, for running sessions too. Deactivating ends the member's sessions, for good. It returns
// ErrNotFound, ErrForbidden, ErrProofNeeded or ErrLastOwner.
func (s *Service) Change(ctx context.Context, caller audit.Caller, id ID, wish Wish) error {
	now := s.now()
	return s.change(ctx, caller, id, func(by, current Member, otherOwners int) (Change, error) {
		next := current
		if wish.Name != nil {
			next.Name = *wish.Name
		}
		if wish.Role != nil {
			next.Role = *wish.Role
		}
		if wish.Active != nil {
			next.Active = *wish.Active
		}
		if !mayManage(by, current, next) {
			return Change{}, ErrForbidden
		}
		if !wish.Proved && (next.Role.rank() > current.Role.rank() || next.Active && !current.Active) {
			return Change{}, ErrProofNeeded
		}
		wasOwner, isOwner := current.Role == Owner && current.Active, next.Role == Owner && next.Active
		if wasOwner && !isOwner && otherOwners == 0 {
			return Change{}, ErrLastOwner
		}
		ends := current.Active && !next.Active
		if ends {
			next.Generation++ // so that no session comes back when the member does
		}
		return Change{Next: next, EndsSessions: ends, Event: audit.Event{
			At: now, Action: audit.MemberChanged, Actor: caller.Actor, Target: "member:" + id.String(), Address: caller.Address,
			Details: map[string]any{"before": describe(current), "after": describe(next)},
		}}, nil
	})
}

// RevokeSessions ends all sessions of a member, and counts them. Anybody may end their own this way.
func (s *Service) RevokeSessions(ctx context.Context, caller audit.Caller, id ID) (ended int, err error) {
	now := s.now()
	err = s.follow(ctx, &ended, func() (Member, int, error) {
		return s.store.ChangeMember(context.WithoutCancel(ctx), id, caller, func(by, current Member, _ int) (Change, error) {
			if !mayManage(by, current, current) {
				return Change{}, ErrForbidden
			}
			next := current
			next.Generation++
			return Change{Next: next, EndsSessions: true, Event: audit.Event{
				At: now, Action: audit.MemberRevoked, Actor: caller.Actor, Target: "member:" + id.String(), Address: caller.Address,
			}}, nil
		})
	})
	return ended, err
}

func (s *Service) change(ctx context.Context, caller audit.Caller, id ID, decide Decide) error {
	var ended int
	return s.follow(ctx, &ended, func() (Member, int, error) {
		return s.store.ChangeMember(context.WithoutCancel(ctx), id, caller, decide)
	})
}

func (s *Service) follow(ctx context.Context, ended *int, change func() (Member, int, error)) error {
	err := s.follower.FollowMember(context.WithoutCancel(ctx), func() (m Member, n int, err error) {
		m, n, err = change()
		*ended = n
		return m, n, err
	})
	if err != nil {
		return fmt.Errorf("change member: %w", err)
	}
	return nil
}

// IssueLink makes a new one-time link for a member, in the place of any that waits: an invitation for one who has no password yet, and
// otherwise a reset. Whoever issues it learns the link, and never a password. It returns ErrNotFound or ErrForbidden.
func (s *Service) IssueLink(ctx context.Context, by Member, caller audit.Caller, id ID) (Link, string, error) {
	found, err := s.Find(ctx, id)
	if err != nil {
		return Link{}, "", err
	}
	if !mayManage(by, found.Member, found.Member) {
		return Link{}, "", ErrForbidden
	}
	kind := Reset
	if found.State == Invited {
		kind = Invitation
	}
	link, secret := newLink(kind, s.now())
	err = s.store.IssueLink(context.WithoutCancel(ctx), id, link, caller, audit.Event{
		At: link.CreatedAt, Action: audit.LinkIssued, Actor: caller.Actor, Target: "member:" + id.String(), Address: caller.Address,
		Details: map[string]any{"kind": kind},
	})
	if err != nil {
		return Link{}, "", fmt.Errorf("issue link: %w", err)
	}
	return link, secret, nil
}

// Accept uses up a one-time link: it sets the member's password and, where one is given, the name, and ends the sessions that there
// were; the second factor stays as it is. It signs nobody in. It returns ErrLinkInvalid, ErrNameNeeded or a [*PasswordError]; a link that was refused for the sake of the
// name or the password stays good.
func (s *Service) Accept(ctx context.Context, secret, name, password string, origin Origin) (m Member, err error) {
	hash := sha256.Sum256([]byte(secret))
	invited, organization, err := s.store.CheckLink(ctx, hash, s.now())
	if err != nil {
		return Member{}, fmt.Errorf("check link: %w", err) // before any hashing: a stranger has no link
	}
	if invited.Name == "" && name == "" {
		return Member{}, ErrNameNeeded
	}
	passwordHash, err := s.HashNewPassword(ctx, password, organization, invited.Name, name, fold.ShowAddress(invited.Email))
	if err != nil {
		return Member{}, err
	}
	now := s.now()
	err = s.follower.FollowMember(context.WithoutCancel(ctx), func() (_ Member, ended int, err error) {
		m, ended, err = s.store.UseLink(context.WithoutCancel(ctx), hash, now, name, passwordHash, func(m Member, kind LinkKind) audit.Event {
			return audit.Event{
				At: now, Action: audit.LinkUsed, Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}, Target: "member:" + m.ID.String(),
				Address: origin.Address, Details: map[string]any{"kind": kind},
			}
		})
		return m, ended, err
	})
	if err != nil {
		return Member{}, fmt.Errorf("use link: %w", err)
	}
	return m, nil
}

// describe is a member as the audit log keeps them.
func describe(m Member) map[string]any {
	return map[string]any{"name": m.Name, "email": fold.ShowAddress(m.Email), "role": m.Role, "active": m.Active}
}
