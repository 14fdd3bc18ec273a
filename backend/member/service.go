package member

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/refusal"
)

// Errors that callers tell apart. An error that is no [refusal.Refusal] is a storage failure.
var (
	// ErrBadCredentials is returned for a wrong password, an unknown address and a deactivated
	// member alike.
	ErrBadCredentials = refusal.New("bad credentials")
	// ErrAlreadySetUp is returned once there is a member.
	ErrAlreadySetUp = refusal.New("already set up")
	// ErrSetupToken is returned for a set-up token other than the one that the server printed.
	ErrSetupToken = refusal.New("wrong set-up token")
	// ErrNotFound is returned for a member who does not exist.
	ErrNotFound = refusal.New("no such member")
)

// during returns an error with what was being done, or nil for none.
func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Store is what the service asks of storage. Each method is one transaction, and has reached the
// disk when it returns.
type Store interface {
	// HasMembers reports whether the organization was set up.
	HasMembers(ctx context.Context) (bool, error)
	// SetUp names the organization and creates its first owner, or returns ErrAlreadySetUp.
	SetUp(ctx context.Context, organization string, owner Member, passwordHash string, event audit.Event) error
	// MemberByEmail returns a member by an address in any spelling, with the password hash. A
	// member whose address has an [AddressIssue] is found by the spelling that is stored.
	MemberByEmail(ctx context.Context, email string) (Member, string, error)
	// SignedInFrom reports whether the member has begun a session from the address since the given
	// time.
	SignedInFrom(ctx context.Context, id ID, address string, since time.Time) (bool, error)
	// Members returns a page of members, and how many there are.
	Members(ctx context.Context, query Query) (found []Details, counts Counts, err error)
	// Member returns one, with when and how they joined, or ErrNotFound.
	Member(ctx context.Context, id ID) (Details, error)
	// Invite makes a member without a password. Like each method that takes a caller, it judges
	// them by the requirement in its transaction and returns ErrCallerEnded or what they lack. It
	// returns ErrEmailTaken or ErrAddressRetired.
	Invite(ctx context.Context, invited InvitedMember, caller audit.Caller, requirement Requirement, event audit.Event) (Effect, error)
	// ChangeMember reads the facts, lets decide judge them, and writes what comes of it, in one
	// transaction. It returns ErrNotFound, or what decide returns.
	ChangeMember(ctx context.Context, id ID, caller audit.Caller, requirement Requirement, decide Decide) (Effect, error)
	// RemoveMember deletes all that is kept of the member but audit entries. It returns
	// ErrNotFound, or what decide returns.
	RemoveMember(ctx context.Context, id ID, caller audit.Caller, requirement Requirement, decide DecideRemoval) (Effect, error)
	// IssueLink gives the member the link that decide returns, in the place of any other.
	IssueLink(ctx context.Context, id ID, caller audit.Caller, requirement Requirement, decide DecideLink) (Details, error)
	// OpenLinks counts the links that wait to be used.
	OpenLinks(ctx context.Context, now time.Time) (int, error)
	// CheckLink returns the member whose link it is, with the link, and the organization's name. It
	// returns ErrLinkInvalid, or ErrLinkUsed.
	CheckLink(ctx context.Context, hash [32]byte, now time.Time) (m Details, organization string, err error)
	// UseLink uses the link up, sets the password and, unless it is empty, the name, and ends the
	// member's sessions. It returns what CheckLink returns.
	UseLink(ctx context.Context, use LinkUse) (Effect, error)
	// ResetPassword replaces the member's password, reactivates them, ends their sessions by a new
	// generation, and withdraws a one-time link that waits.
	ResetPassword(ctx context.Context, id ID, passwordHash string, event audit.Event) (Effect, error)
	// TakeAttempt takes one attempt from each bucket of the first set that has room in all of them,
	// and returns that set. Where none has, it takes nothing and returns how long to wait.
	TakeAttempt(ctx context.Context, sets [][]Bucket, now time.Time) (taken []Bucket, retryAfter time.Duration, err error)
	// AwaitAttempt returns how long TakeAttempt would have to wait, and takes nothing.
	AwaitAttempt(ctx context.Context, sets [][]Bucket, now time.Time) (retryAfter time.Duration, err error)
	// ReturnAttempt gives an attempt back, and empties the buckets that are the client's own.
	ReturnAttempt(ctx context.Context, buckets []Bucket) error
	// RecordRefusal writes the audit entry of a refusal where the buckets have room for it, and
	// counts the refusal where they have none.
	RecordRefusal(ctx context.Context, event audit.Event, buckets []Bucket) error
	// WriteRefusals writes one audit entry for each count that began at the given time or earlier,
	// or that begins after now. Entry makes it.
	WriteRefusals(ctx context.Context, until, now time.Time, entry func(RefusalCount) audit.Event) error

	// Factor returns a member's second factor.
	Factor(ctx context.Context, id ID) (Factor, error)
	// UseStep makes the step the last one used of the member's second factor. It reports false if
	// the factor or its last step is no longer the one that was read.
	UseStep(ctx context.Context, id ID, read Factor, step int64) (used bool, err error)
	// UseRecoveryCode removes the code, with an audit entry, and reports whether there was one.
	UseRecoveryCode(ctx context.Context, id ID, hash [32]byte, event audit.Event) (used bool, err error)
	// Passkeys returns the member's, the oldest first.
	Passkeys(ctx context.Context, id ID) ([]Passkey, error)
	// Passkey returns one by its id, with its member, or ErrNoPasskey.
	Passkey(ctx context.Context, id []byte) (Member, Passkey, error)
	// UsePasskey uses the challenge up and replaces the passkey's state. It reports false if the
	// challenge was used, or the passkey changed since it was read.
	UsePasskey(ctx context.Context, use PasskeyUse) (used bool, err error)
	// Factors counts the members who can sign in, and those of them who have neither a second
	// factor nor a passkey.
	Factors(ctx context.Context) (Factors, error)
	// Notices returns the entries of those actions that concern the member and that they have not
	// dismissed, the newest first, at most limit. The use of the invitation that made the account
	// is not among them.
	Notices(ctx context.Context, id ID, actions []audit.Action, limit int) ([]audit.Entry, error)
	// Suspicions returns the same of the entries that the suspicion selects.
	Suspicions(ctx context.Context, id ID, suspicion Suspicion, limit int) ([]audit.Entry, error)
	// DismissNotices dismisses the caller's notices up to the entry of that sequence, which never
	// moves back.
	DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error
}

// Service is how people prove who they are. It is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time
	// wall is the machine's clock, by which authenticator apps make codes.
	wall   func() time.Time
	hasher *hasher
	// setupToken is empty once the organization is set up.
	setupToken string
	members    Committer
	vault      vault
	// party is the site that passkeys are for, nil if there can be none.
	party *webauthn.WebAuthn
}

// Options are what the service is made of, next to its store.
type Options struct {
	// Now is the time that sessions live by. Wall is the machine's clock, by which authenticator
	// apps make codes.
	Now, Wall func() time.Time
	// SetupToken is the secret that the first owner has to know, empty if there is an owner.
	SetupToken string
	// Key is a secret of the deployment, which seals second factors in the store.
	Key [32]byte
	// PublicURL is where browsers reach the server, for which passkeys are valid.
	PublicURL *url.URL
}

// New makes the service. The committer holds members in memory.
func New(store Store, members Committer, o Options) (*Service, error) {
	party, err := newRelyingParty(o.PublicURL)
	if err != nil {
		return nil, err
	}
	return &Service{
		store: store, members: members, now: o.Now, wall: o.Wall, setupToken: o.SetupToken, hasher: newHasher(), vault: newVault(o.Key), party: party,
	}, nil
}

// SetupRequired reports whether the organization has no owner yet.
func (s *Service) SetupRequired(ctx context.Context) (bool, error) {
	done, err := s.store.HasMembers(ctx)
	if err != nil {
		return false, fmt.Errorf("look for members: %w", err)
	}
	return !done, nil
}

// Setup is what the first owner enters.
type Setup struct {
	Token        string
	Organization string
	Name         string
	Email        string
	Password     string
}

// SetUp creates the organization's first owner. It returns ErrAlreadySetUp, ErrSetupToken or a
// [*PasswordError].
func (s *Service) SetUp(ctx context.Context, setup Setup, origin Origin) (Member, error) {
	required, err := s.SetupRequired(ctx)
	if err != nil {
		return Member{}, err
	}
	if !required {
		return Member{}, ErrAlreadySetUp
	}
	if s.setupToken == "" || subtle.ConstantTimeCompare([]byte(fold.Code(setup.Token)), []byte(fold.Code(s.setupToken))) != 1 {
		return Member{}, ErrSetupToken
	}
	hash, err := s.HashNewPassword(ctx, setup.Password, setup.Organization, setup.Name, fold.ShowAddress(setup.Email))
	if err != nil {
		return Member{}, err
	}
	id := NewID()
	owner := Member{ID: id, Name: setup.Name, Email: fold.AddressKey(setup.Email), Role: Owner, Active: true, Generation: 1}
	err = s.store.SetUp(context.WithoutCancel(ctx), setup.Organization, owner, hash, audit.Event{
		At: s.now(), Action: audit.OrganizationSetUp, Actor: audit.Actor{ID: id.String(), Name: owner.Name},
		Target: "member:" + id.String(), Address: origin.Address,
		Details: map[string]any{"organization": setup.Organization, "email": fold.ShowAddress(owner.Email), "role": owner.Role},
	})
	if err != nil {
		return Member{}, fmt.Errorf("set up: %w", err)
	}
	return owner, nil
}

// HashNewPassword returns the stored form of a new password. The context is what an attacker may
// know of the account, as names and the address. It returns a [*PasswordError] or ErrBusy.
func (s *Service) HashNewPassword(ctx context.Context, password string, context ...string) (string, error) {
	if err := checkNewPassword(password, context...); err != nil {
		return "", err
	}
	return s.hasher.hash(ctx, password)
}

// Reset gives a member a new random password, reactivates them and ends their sessions, in the
// operator's name. It is the way back in for the last owner (rule R9). It returns the password,
// which is kept nowhere else, or ErrNotFound.
func (s *Service) Reset(ctx context.Context, id ID) (Member, string, error) {
	password := rand.Text()
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Member{}, "", err
	}
	effect, err := s.members.CommitMember(ctx, audit.Caller{}, func(ctx context.Context) (Effect, error) {
		return s.store.ResetPassword(ctx, id, hash, audit.Caller{Actor: audit.Operator}.Event(s.now(), audit.PasswordReset, target(id), nil))
	})
	if err != nil {
		return Member{}, "", fmt.Errorf("reset password: %w", err)
	}
	return effect.Member, password, nil
}
