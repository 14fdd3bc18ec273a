package member

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/refusal"
)

// A passkey (WebAuthn) is two factors: the device that holds it, and the verification of its user,
// which is required. The browser finds it without an address. The site is that of the public URL,
// and never comes from a request.

// Errors of passkeys.
var (
	// ErrBadPasskey is returned for an answer that proves nothing: for another site, by an unknown
	// passkey, without verification of the user, to a used or expired challenge, or with a counter
	// that went back, as that of a copy does.
	ErrBadPasskey = refusal.New("bad passkey")
	// ErrNoPasskey is returned for a passkey that the member does not have.
	ErrNoPasskey = refusal.New("no such passkey")
	// ErrPasskeyKnown is returned for a passkey that is already registered.
	ErrPasskeyKnown = refusal.New("passkey known")
	// ErrPasskeysUnavailable is returned if the public URL has an IP address: passkeys need a name.
	ErrPasskeysUnavailable = refusal.New("passkeys unavailable")
	// ErrTooManyPasskeys is returned if the member has reached the limit.
	ErrTooManyPasskeys = refusal.New("too many passkeys")
)

const (
	// challengeLifetime is how long a challenge, 32 random bytes, can be answered.
	challengeLifetime = 5 * time.Minute
	maxPasskeys       = 20
)

// Passkey is a passkey of a member.
type Passkey struct {
	ID        []byte
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time
	// Sealed is the credential, sealed.
	Sealed []byte
}

// Challenge is a request to a browser for a passkey.
type Challenge struct {
	// Options is for the browser, as JSON.
	Options []byte
	// Ceremony holds the state that the answer is checked with, sealed. The client returns it.
	Ceremony string
}

// PasskeyUse is the use of a passkey to answer a challenge.
type PasskeyUse struct {
	ID []byte
	// Before and After are the credential, sealed, before and after its counter moved.
	Before, After []byte
	// Challenge is used up. It can be forgotten after ExpiresAt.
	Challenge string
	ExpiresAt time.Time
	At        time.Time
}

type (
	// PasskeyRegistration adds a passkey, unless the member would have more than Most.
	PasskeyRegistration struct {
		Passkey Passkey
		Most    int
	}
	// PasskeyRemoval removes one.
	PasskeyRemoval struct{ ID []byte }
)

// Terms implements [CredentialChange].
func (r PasskeyRegistration) Terms(now time.Time) Terms {
	return Terms{
		Requirement: Requirement{AlsoRestricted: true, FreshAt: now}, Action: audit.PasskeyAdded,
		Details: map[string]any{"name": r.Passkey.Name}, Proves: []string{ByPasskey},
	}
}

// Terms implements [CredentialChange].
func (PasskeyRemoval) Terms(now time.Time) Terms {
	return Terms{Requirement: Requirement{FreshAt: now}, Action: audit.PasskeyRemoved}
}

// newRelyingParty returns the site that passkeys are for, or nil if it has no name.
func newRelyingParty(public *url.URL) (*webauthn.WebAuthn, error) {
	if err := protocol.ValidateRPID(public.Hostname()); err != nil {
		return nil, nil //nolint:nilnil,nilerr // without passkeys, everything else works
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: public.Hostname(), RPDisplayName: "Curfew", RPOrigins: []string{public.Scheme + "://" + public.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("offer passkeys at %s: %w", public, err)
	}
	return party, nil
}

// ceremony is the state that an answer is checked with.
type ceremony struct {
	Session   webauthn.SessionData
	ExpiresAt time.Time
}

func (s *Service) begin(session *webauthn.SessionData, options any, purpose string, ids ...[]byte) (Challenge, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return Challenge{}, fmt.Errorf("write a passkey's options: %w", err)
	}
	kept, err := json.Marshal(ceremony{*session, s.now().Add(challengeLifetime)})
	if err != nil {
		return Challenge{}, fmt.Errorf("write a passkey's ceremony: %w", err)
	}
	return Challenge{encoded, base64.RawURLEncoding.EncodeToString(s.vault.seal(kept, purpose, ids...))}, nil
}

// resume returns the ceremony that was begun, unless it has expired.
func (s *Service) resume(text, purpose string, ids ...[]byte) (begun ceremony, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || s.party == nil {
		return begun, ErrBadPasskey
	}
	kept, err := s.vault.open(sealed, purpose, ids...)
	if err != nil {
		return begun, ErrBadPasskey
	}
	if err := json.Unmarshal(kept, &begun); err != nil {
		return begun, fmt.Errorf("read a passkey's ceremony: %w", err)
	}
	if !s.now().Before(begun.ExpiresAt) {
		return begun, ErrBadPasskey
	}
	return begun, nil
}

// holder implements [webauthn.User].
type holder struct {
	m     Member
	known []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.m.ID[:] }
func (h holder) WebAuthnName() string                       { return fold.ShowAddress(h.m.Email) }
func (h holder) WebAuthnDisplayName() string                { return h.m.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.known }

// Passkeys returns the member's passkeys, the oldest first.
func (s *Service) Passkeys(ctx context.Context, id ID) ([]Passkey, error) {
	found, err := s.store.Passkeys(ctx, id)
	return found, during("read passkeys", err)
}

// BeginRegistration asks the member's browser to make a passkey, on a device that has none of
// theirs.
func (s *Service) BeginRegistration(ctx context.Context, m Member) (Challenge, error) {
	if s.party == nil {
		return Challenge{}, ErrPasskeysUnavailable
	}
	known, err := s.Passkeys(ctx, m.ID)
	if err != nil {
		return Challenge{}, err
	}
	if len(known) >= maxPasskeys {
		return Challenge{}, ErrTooManyPasskeys
	}
	descriptors := make([]protocol.CredentialDescriptor, len(known))
	for i, passkey := range known {
		descriptors[i] = protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: passkey.ID}
	}
	creation, session, err := s.party.BeginRegistration(holder{m: m}, webauthn.WithExclusions(descriptors))
	if err != nil {
		return Challenge{}, fmt.Errorf("begin to register a passkey: %w", err)
	}
	return s.begin(session, creation.Response, "passkey registration", m.ID[:])
}

// Register checks the passkey that the browser made. It returns the change that adds it, or
// ErrBadPasskey.
func (s *Service) Register(m Member, text, name string, answer []byte) (PasskeyRegistration, error) {
	begun, err := s.resume(text, "passkey registration", m.ID[:])
	if err != nil {
		return PasskeyRegistration{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return PasskeyRegistration{}, errors.Join(ErrBadPasskey, err)
	}
	made, err := s.party.CreateCredential(holder{m: m}, begun.Session, parsed)
	if err != nil {
		return PasskeyRegistration{}, errors.Join(ErrBadPasskey, err)
	}
	now := s.now()
	sealed, err := s.sealPasskey(m.ID, made)
	return PasskeyRegistration{Passkey{ID: made.ID, Name: name, CreatedAt: now, UsedAt: now, Sealed: sealed}, maxPasskeys}, err
}

func (s *Service) sealPasskey(id ID, known *webauthn.Credential) ([]byte, error) {
	encoded, err := json.Marshal(known)
	if err != nil {
		return nil, fmt.Errorf("write a passkey: %w", err)
	}
	return s.vault.seal(encoded, "passkey", id[:], known.ID), nil
}

// BeginPasskey asks a browser for a passkey of any member.
func (s *Service) BeginPasskey() (Challenge, error) {
	if s.party == nil {
		return Challenge{}, ErrPasskeysUnavailable
	}
	assertion, session, err := s.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.begin(session, assertion.Response, "passkey")
}

// AuthenticateByPasskey checks a passkey's answer to a challenge. It returns ErrBadPasskey or a
// [*ThrottledError].
func (s *Service) AuthenticateByPasskey(ctx context.Context, text string, answer []byte, origin Origin) (Proof, error) {
	return s.verifyPasskey(ctx, text, answer, ID{}, origin)
}

// ReauthenticateByPasskey checks the identity of a member again. It returns the errors of
// AuthenticateByPasskey.
func (s *Service) ReauthenticateByPasskey(ctx context.Context, m Member, text string, answer []byte, origin Origin) (Proof, error) {
	origin.Device, origin.Known = "signed in", m.ID // a live session is a known client
	return s.verifyPasskey(ctx, text, answer, m.ID, origin)
}

// verifyPasskey takes an attempt only from the device or, without one, the address. A passkey
// cannot be guessed, but refusals are recorded.
func (s *Service) verifyPasskey(ctx context.Context, text string, answer []byte, of ID, origin Origin) (Proof, error) {
	refusal := audit.SessionRefused
	if of != (ID{}) {
		refusal = audit.ReauthenticationRefused
	}
	buckets := addressBuckets(origin.Address)
	if origin.Device != "" {
		// The passkey may be another member's, whose success must not empty the device's bucket.
		device := deviceBucket(origin.Known, origin.Device)
		buckets = []Bucket{{device.Key + " passkey", device.Burst, device.Every, false}}
	}
	taken, err := s.take(ctx, buckets)
	if err != nil {
		return Proof{}, err
	}
	m, id, err := s.usePasskey(context.WithoutCancel(ctx), text, answer, of)
	if errors.Is(err, ErrBadPasskey) {
		return Proof{}, s.refuse(ctx, m, origin, refusal, err)
	}
	if err != nil {
		return Proof{}, err
	}
	return Proof{Member: m, Passkey: id, Methods: []string{ByPasskey}}, s.succeed(ctx, m, refusal, taken)
}

// usePasskey checks an answer and uses its challenge up. With an error, it returns the passkey's
// member if it is known. If of is not zero, the passkey must be that member's.
func (s *Service) usePasskey(ctx context.Context, text string, answer []byte, of ID) (m Member, id []byte, err error) {
	begun, err := s.resume(text, "passkey")
	if err != nil {
		return Member{}, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Member{}, nil, errors.Join(ErrBadPasskey, err)
	}
	m, known, err := s.store.Passkey(ctx, parsed.RawID)
	if errors.Is(err, ErrNoPasskey) {
		return Member{}, nil, ErrBadPasskey
	}
	if err != nil {
		return Member{}, nil, fmt.Errorf("find passkey: %w", err)
	}
	opened, err := s.vault.open(known.Sealed, "passkey", m.ID[:], known.ID)
	if err != nil || !m.Active || of != (ID{}) && of != m.ID {
		return m, nil, ErrBadPasskey
	}
	var credential webauthn.Credential
	if err := json.Unmarshal(opened, &credential); err != nil {
		return m, nil, fmt.Errorf("read a passkey: %w", err)
	}
	_, checked, err := s.party.ValidatePasskeyLogin(func(rawID, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, m.ID[:]) || !bytes.Equal(rawID, known.ID) {
			return nil, ErrBadPasskey
		}
		return holder{m, []webauthn.Credential{credential}}, nil
	}, begun.Session, parsed)
	if err != nil {
		return m, nil, errors.Join(ErrBadPasskey, err)
	}
	if checked.Authenticator.CloneWarning {
		return m, nil, fmt.Errorf("%w: its counter went back", ErrBadPasskey)
	}
	after, err := s.sealPasskey(m.ID, checked)
	if err != nil {
		return m, nil, err
	}
	used, err := s.store.UsePasskey(ctx, PasskeyUse{
		ID: known.ID, Before: known.Sealed, After: after, Challenge: begun.Session.Challenge, ExpiresAt: begun.ExpiresAt, At: s.now(),
	})
	if err != nil {
		return m, nil, fmt.Errorf("use passkey: %w", err)
	}
	if !used {
		return m, nil, ErrBadPasskey
	}
	return m, known.ID, nil
}
