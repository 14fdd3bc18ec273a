package member

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/refusal"
)

// Errors of managing members that callers tell apart.
var (
	// ErrLastOwner is returned for a change that would leave the organization without an owner who
	// can sign in.
	ErrLastOwner = refusal.New("the last owner")
	// ErrEmailTaken is returned for an address that another member has.
	ErrEmailTaken = refusal.New("e-mail address taken")
	// ErrAddressRetired is returned for an address that was another member's once.
	ErrAddressRetired = refusal.New("e-mail address retired")
	// ErrOwnAccount is returned to a member who is about to remove themselves.
	ErrOwnAccount = refusal.New("one's own account")
	// ErrLinkInvalid is returned for a one-time link that was withdrawn, replaced or altered, or
	// has expired.
	ErrLinkInvalid = refusal.New("link invalid")
	// ErrLinkUsed is returned for a link by which the password was set already.
	ErrLinkUsed = refusal.New("link used")
	// ErrNameNotNeeded is returned if a name comes with a reset, which changes the password only.
	ErrNameNotNeeded = refusal.New("a reset changes the password only")
	// ErrNameNeeded is returned if an invitation without a name is accepted without one.
	ErrNameNeeded = refusal.New("a name is needed")
)

// State is where a member stands.
type State string

// The states. An invited member has no password yet.
const (
	Invited     State = "invited"
	Active      State = "active"
	Deactivated State = "deactivated"
)

// Details describe a member to those who manage members.
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
	// JoinedAt and InvitedBy are known of a member who is found by id. JoinedAt is zero before they
	// have joined, and InvitedBy is zero for the first owner.
	JoinedAt  time.Time
	InvitedBy audit.Actor
}

// AddressIssue is why a member's address is still in an old spelling.
type AddressIssue string

// The issues: several members come to share the address, or it is none.
const (
	AddressShared  AddressIssue = "shared"
	AddressInvalid AddressIssue = "invalid"
)

// Change is what a change makes of a member. Without an event nothing changes.
type Change struct {
	Next Member
	// EndsSessions reports whether the member's sessions end with it.
	EndsSessions bool
	// RemovesFactors reports whether the second factor and the passkeys are removed.
	RemovesFactors bool
	// WithdrawsLink reports whether a waiting one-time link is withdrawn.
	WithdrawsLink bool
	// Address is required if the address changes.
	Address AddressChange
	Event   audit.Event
}

// InvitedMember is a new member with the link that lets them in.
type InvitedMember struct {
	Member  Member
	Address AddressChange
	Link    Link
}

// AddressChange keeps the address of one member from another. It holds fingerprints of the address
// that is given and of the one that is given up, empty for none.
type AddressChange struct {
	Given, GivenUp []byte
	// Reuse reports whether an owner gives an address that was another member's once.
	Reuse bool
}

// Removal is what remains of a removed member: the fingerprint of their address, empty for an
// invitation that was never accepted, and the audit entry.
type Removal struct {
	Retired []byte
	Event   audit.Event
}

// Decide returns a change from what its own transaction read: the caller, the member, and how many
// other owners can sign in.
type Decide func(by Authority, current Member, otherOwners int) (Change, error)

// DecideRemoval is [Decide] for removing the member.
type DecideRemoval func(by Authority, current Details, otherOwners int) (Removal, error)

// DecideLink is [Decide] for giving the member a one-time link.
type DecideLink func(by Authority, current Details) (Link, audit.Event, error)

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

// Find returns one member, or ErrNotFound.
func (s *Service) Find(ctx context.Context, id ID) (Details, error) {
	found, err := s.store.Member(ctx, id)
	return found, during("find member", err)
}

// Invitee is a person to invite.
type Invitee struct {
	// Name may be empty: the invited person enters it then.
	Name  string
	Email string
	Role  Role
	// ReuseAddress gives an address that was another member's once. Only owners may.
	ReuseAddress bool
}

// Invite makes a member who has no password yet, and the secret of the link by which they set one.
// It lets a person in, so it asks for a fresh proof (rule R10). An owner may give an address again
// that was another member's once. It returns ErrEmailTaken, ErrAddressRetired, or what the caller
// lacks.
func (s *Service) Invite(ctx context.Context, caller audit.Caller, invitee Invitee) (Details, string, error) {
	id := NewID()
	m := Member{ID: id, Name: invitee.Name, Email: fold.AddressKey(invitee.Email), Role: invitee.Role, Active: true, Generation: 1}
	now := s.now()
	link, secret := newLink(Invitation, now)
	requirement := Requirement{Administers: true, UpTo: m.Role, FreshAt: now}
	details := map[string]any{"name": m.Name, "email": fold.ShowAddress(invitee.Email), "role": m.Role}
	if invitee.ReuseAddress {
		requirement.UpTo, details["reuseAddress"] = Owner, true
	}
	invitation := InvitedMember{Member: m, Address: AddressChange{Given: s.vault.fingerprint(m.Email), Reuse: invitee.ReuseAddress}, Link: link}
	_, err := s.members.CommitMember(ctx, caller, func(ctx context.Context) (Effect, error) {
		return s.store.Invite(ctx, invitation, caller, requirement, caller.Event(now, audit.MemberInvited, target(id), details))
	})
	if err != nil {
		return Details{}, "", fmt.Errorf("invite: %w", err)
	}
	return Details{Member: m, State: Invited, CreatedAt: now, Link: &link}, secret, nil
}

// Update is what to change of a member. Nil fields stay as they are.
type Update struct {
	Name   *string
	Email  *string
	Role   *Role
	Active *bool
	// ReuseAddress gives an address that was another member's once. Only owners may.
	ReuseAddress bool
}

// Change changes a member at once, for running sessions too. Deactivating ends the member's
// sessions for good. A new address leaves them, and withdraws a waiting link. A higher role, a
// reactivation and a new address ask for a fresh proof (rule R10). It returns ErrNotFound,
// ErrLastOwner, ErrEmailTaken, ErrAddressRetired, or what the caller lacks.
func (s *Service) Change(ctx context.Context, caller audit.Caller, id ID, update Update) error {
	now := s.now()
	_, err := s.change(ctx, caller, Requirement{Administers: true}, id, func(by Authority, current Member, otherOwners int) (Change, error) {
		next := current
		if update.Name != nil {
			next.Name = *update.Name
		}
		if update.Email != nil {
			next.Email = fold.AddressKey(*update.Email)
		}
		if update.Role != nil {
			next.Role = *update.Role
		}
		if update.Active != nil {
			next.Active = *update.Active
		}
		if !by.MayManage(current, next) || update.ReuseAddress && by.Member.Role != Owner {
			return Change{}, ErrForbidden
		}
		if next == current {
			return Change{Next: current}, nil
		}
		raised, moved := next.Role.rank() > current.Role.rank(), next.Email != current.Email
		if (raised || moved || next.Active && !current.Active) && !by.Fresh(now) {
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
		change := Change{Next: next, EndsSessions: ends, WithdrawsLink: raised || ends || moved, Event: changed(caller, now, current, next)}
		if moved {
			change.Address = AddressChange{
				Given: s.vault.fingerprint(next.Email), GivenUp: s.vault.fingerprint(fold.AddressKey(current.Email)), Reuse: update.ReuseAddress,
			}
		}
		if update.ReuseAddress {
			change.Event.Details["reuseAddress"] = true
		}
		return change, nil
	})
	return err
}

// Rename changes the caller's own name.
func (s *Service) Rename(ctx context.Context, caller audit.Caller, id ID, name string) error {
	now := s.now()
	_, err := s.change(ctx, caller, Requirement{}, id, func(_ Authority, current Member, _ int) (Change, error) {
		next := current
		next.Name = name
		if next == current {
			return Change{Next: current}, nil
		}
		return Change{Next: next, Event: changed(caller, now, current, next)}, nil
	})
	return err
}

// Remove removes a member for good: account, credentials, sessions and links. The audit log stays,
// and a fingerprint of the address, which no other member gets. It asks for a fresh proof (rule
// R10). An invitation that was never accepted needs no proof and leaves no fingerprint. Remove
// counts the sessions that ended. It returns ErrNotFound, ErrOwnAccount, ErrLastOwner, or what the
// caller lacks.
func (s *Service) Remove(ctx context.Context, caller audit.Caller, id ID) (ended int, err error) {
	now := s.now()
	decide := func(by Authority, current Details, otherOwners int) (Removal, error) {
		invited := current.State == Invited
		switch {
		case !by.Operator && by.Member.ID == id:
			return Removal{}, ErrOwnAccount
		case !by.MayManage(current.Member, current.Member):
			return Removal{}, ErrForbidden
		case !invited && !by.Fresh(now):
			return Removal{}, ErrProofNeeded
		case current.State == Active && current.Role == Owner && otherOwners == 0:
			return Removal{}, ErrLastOwner
		}
		removal := Removal{Event: caller.Event(now, audit.MemberRemoved, target(id), map[string]any{
			"before": describe(current.Member), "invited": invited,
		})}
		if !invited {
			removal.Retired = s.vault.fingerprint(fold.AddressKey(current.Email))
		}
		return removal, nil
	}
	effect, err := s.members.CommitMember(ctx, caller, func(ctx context.Context) (Effect, error) {
		return s.store.RemoveMember(ctx, id, caller, Requirement{Administers: true}, decide)
	})
	return effect.Ended, during("remove member", err)
}

// RevokeSessions ends all sessions of a member, and counts them. Callers may end their own.
func (s *Service) RevokeSessions(ctx context.Context, caller audit.Caller, id ID) (ended int, err error) {
	now := s.now()
	return s.change(ctx, caller, Requirement{Administers: true}, id, func(by Authority, current Member, _ int) (Change, error) {
		if !by.MayManage(current, current) {
			return Change{}, ErrForbidden
		}
		next := current
		next.Generation++
		return Change{Next: next, EndsSessions: true, Event: caller.Event(now, audit.MemberRevoked, target(id), nil)}, nil
	})
}

func (s *Service) change(ctx context.Context, caller audit.Caller, requirement Requirement, id ID, decide Decide) (ended int, err error) {
	effect, err := s.members.CommitMember(ctx, caller, func(ctx context.Context) (Effect, error) {
		return s.store.ChangeMember(ctx, id, caller, requirement, decide)
	})
	return effect.Ended, during("change member", err)
}

// IssueLink makes a new one-time link for a member, which replaces a waiting one: an invitation for
// a member who has no password yet, and otherwise a reset. The link lets its holder in, so it asks
// for a fresh proof (rule R10). It returns ErrNotFound, or what the caller lacks.
func (s *Service) IssueLink(ctx context.Context, caller audit.Caller, id ID) (Details, string, error) {
	var secret string
	now := s.now()
	decide := func(by Authority, current Details) (Link, audit.Event, error) {
		if !by.MayManage(current.Member, current.Member) {
			return Link{}, audit.Event{}, ErrForbidden
		}
		kind := Reset
		if current.State == Invited {
			kind = Invitation
		}
		var link Link
		link, secret = newLink(kind, now)
		return link, caller.Event(now, audit.LinkIssued, target(id), map[string]any{"kind": kind}), nil
	}
	var issued Details
	_, err := s.members.CommitMember(ctx, caller, func(ctx context.Context) (effect Effect, err error) {
		issued, err = s.store.IssueLink(ctx, id, caller, Requirement{Administers: true, FreshAt: now}, decide)
		return Effect{Member: issued.Member}, err
	})
	if err != nil {
		return Details{}, "", fmt.Errorf("issue link: %w", err)
	}
	return issued, secret, nil
}

// OpenLinks counts the one-time links that wait to be used.
func (s *Service) OpenLinks(ctx context.Context) (int, error) {
	open, err := s.store.OpenLinks(ctx, s.now())
	return open, during("count open links", err)
}

// Look returns the member that a one-time link is for, with the link, and the organization's name.
// It uses nothing up, and returns ErrLinkInvalid or ErrLinkUsed.
func (s *Service) Look(ctx context.Context, secret string) (invited Details, organization string, err error) {
	invited, organization, err = s.store.CheckLink(ctx, sha256.Sum256([]byte(secret)), s.now())
	return invited, organization, during("check link", err)
}

// Accepted is the outcome of a one-time link that was used.
type Accepted struct {
	Member
	// Proof begins a session for an invited member, who has no factor but the password that they
	// just set. It is nil for a reset, which never signs in: the member may have a second factor.
	Proof *Proof
}

// Accept uses a one-time link up. It sets the member's password and ends their sessions. An
// invitation also sets the name, if one is given. The second factor stays as it is. It returns
// ErrLinkInvalid, ErrLinkUsed, ErrNameNeeded, ErrNameNotNeeded or a [*PasswordError]. A link that
// was refused for its name or password still works.
func (s *Service) Accept(ctx context.Context, secret, name, password string, origin Origin) (Accepted, error) {
	invited, organization, err := s.Look(ctx, secret)
	if err != nil {
		return Accepted{}, err // before any hashing: a stranger has no link
	}
	switch {
	case invited.Link.Kind == Reset && name != "":
		return Accepted{}, ErrNameNotNeeded
	case invited.Link.Kind == Invitation && name == "" && invited.Name == "":
		return Accepted{}, ErrNameNeeded
	}
	passwordHash, err := s.HashNewPassword(ctx, password, organization, invited.Name, name, fold.ShowAddress(invited.Email))
	if err != nil {
		return Accepted{}, err
	}
	now := s.now()
	effect, err := s.members.CommitMember(ctx, audit.Caller{}, func(ctx context.Context) (Effect, error) {
		return s.store.UseLink(ctx, LinkUse{Hash: sha256.Sum256([]byte(secret)), At: now, Name: name, PasswordHash: passwordHash, Event: func(before, after Member) audit.Event {
			details := map[string]any{"kind": invited.Link.Kind}
			if before.Name != after.Name {
				details["before"], details["after"] = describe(before), describe(after)
			}
			author := audit.Caller{Actor: audit.Actor{ID: after.ID.String(), Name: after.Name}, Address: origin.Address}
			return author.Event(now, audit.LinkUsed, target(after.ID), details)
		}})
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("use link: %w", err)
	}
	accepted := Accepted{Member: effect.Member}
	if invited.Link.Kind == Invitation {
		accepted.Proof = &Proof{Member: effect.Member, PasswordHash: passwordHash, Methods: []string{ByPassword}}
	}
	return accepted, nil
}

// LinkUse is the use of a one-time link. An empty name stays as it is.
type LinkUse struct {
	Hash         [sha256.Size]byte
	At           time.Time
	Name         string
	PasswordHash string
	// Event returns the audit entry.
	Event func(before, after Member) audit.Event
}

func changed(caller audit.Caller, at time.Time, before, after Member) audit.Event {
	return caller.Event(at, audit.MemberChanged, target(before.ID), map[string]any{"before": describe(before), "after": describe(after)})
}

// target names a member in the audit log.
func target(id ID) string { return "member:" + id.String() }

// describe returns a member as the audit log keeps them.
func describe(m Member) map[string]any {
	return map[string]any{"name": m.Name, "email": fold.ShowAddress(m.Email), "role": m.Role, "active": m.Active}
}
