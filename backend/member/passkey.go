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

// A passkey (WebAuthn) is two factors at once: the device that holds it, and what it asks of whoever uses it, which is required. It is found by the
// browser without an address being typed. Which site it is for comes from the public URL alone, and never from a request.

// Errors of passkeys that callers tell apart.
var (
	// ErrBadPasskey is given for an answer that does not prove what it should: of another site, of a passkey that is not known, without the
	// person's being verified, of a challenge that was used or is over, or with a counter that went back, as a copy's does.
	ErrBadPasskey = refusal.New("bad passkey")
	// ErrNoPasskey is given for a passkey that the member does not have.
	ErrNoPasskey = refusal.New("no such passkey")
	// ErrPasskeyKnown is given for a passkey that is registered already.
	ErrPasskeyKnown = refusal.New("passkey known")
	// ErrPasskeysUnavailable is given where browsers reach Curfew by a number instead of a name: passkeys are bound to a name.
	ErrPasskeysUnavailable = refusal.New("passkeys unavailable")
	// ErrTooManyPasskeys is given to a member who has as many as one may.
	ErrTooManyPasskeys = refusal.New("too many passkeys")
)

const (
	// challengeLifetime is how long a challenge can be answered. It is 32 random bytes.
	challengeLifetime = 5 * time.Minute
	mostPasskeys      = 20
)

// Passkey is one of a member's.
type Passkey struct {
	ID        []byte
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time
	// Sealed is what is needed to judge it.
	Sealed []byte
}

// Challenge asks a browser for a passkey.
type Challenge struct {
	// Options are for the browser, as JSON.
	Options []byte
	// Ceremony brings back, sealed, what the answer is judged by.
	Ceremony string
}

// PasskeyUse is that a passkey has answered a challenge.
type PasskeyUse struct {
	ID []byte
	// Before and After are what is known of it, sealed; its counter has moved between them.
	Before, After []byte
	// Challenge was answered, and is good no more; at ExpiresAt it need not be remembered any longer.
	Challenge string
	ExpiresAt time.Time
	At        time.Time
}

type (
	// PasskeyRegistration gives the member a passkey, with which they have no more than Most.
	PasskeyRegistration struct {
		Passkey Passkey
		Most    int
	}
	// PasskeyRemoval takes one away.
	PasskeyRemoval struct{ ID []byte }
)

// Event implements [CredentialChange].
func (r PasskeyRegistration) Event() audit.Event {
	return audit.Event{Action: audit.PasskeyAdded, Details: map[string]any{"name": r.Passkey.Name}}
}

// Demand implements [CredentialChange].
func (PasskeyRegistration) Demand(now time.Time) Demand {
	return Demand{AlsoRestricted: true, FreshAt: now}
}

// Proves implements [CredentialChange].
func (PasskeyRegistration) Proves() []string { return []string{ByPasskey} }

// Event implements [CredentialChange].
func (PasskeyRemoval) Event() audit.Event { return audit.Event{Action: audit.PasskeyRemoved} }

// Demand implements [CredentialChange].
func (PasskeyRemoval) Demand(now time.Time) Demand { return Demand{FreshAt: now} }

// Proves implements [CredentialChange].
func (PasskeyRemoval) Proves() []string { return nil }

// newRelyingParty is the site that passkeys are for; nil where it has no name that they could be bound to.
func newRelyingParty(public *url.URL) (*webauthn.WebAuthn, error) {
	if err := protocol.ValidateRPID(public.Hostname()); err != nil {
		return nil, nil //nolint:nilnil,nilerr // everything else works
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

// ceremony is what an answer is judged by.
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

// resume is the ceremony that was begun, unless its time is over.
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

// holder is a member as the library wants one.
type holder struct {
	m     Member
	known []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.m.ID[:] }
func (h holder) WebAuthnName() string                       { return fold.ShowAddress(h.m.Email) }
func (h holder) WebAuthnDisplayName() string                { return h.m.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.known }

// Passkeys are the member's, the oldest first.
func (s *Service) Passkeys(ctx context.Context, id ID) ([]Passkey, error) {
	found, err := s.store.Passkeys(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return found, nil
}

// BeginRegistration asks the member's browser to make a passkey, on a device that holds none of theirs yet.
func (s *Service) BeginRegistration(ctx context.Context, m Member) (Challenge, error) {
	if s.party == nil {
		return Challenge{}, ErrPasskeysUnavailable
	}
	known, err := s.Passkeys(ctx, m.ID)
	if err != nil {
		return Challenge{}, err
	}
	if len(known) >= mostPasskeys {
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

// Register is the change that gives the member the passkey that their browser has made. It returns ErrBadPasskey.
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
	return PasskeyRegistration{Passkey{ID: made.ID, Name: name, CreatedAt: now, UsedAt: now, Sealed: sealed}, mostPasskeys}, err
}

func (s *Service) sealPasskey(id ID, known *webauthn.Credential) ([]byte, error) {
	encoded, err := json.Marshal(known)
	if err != nil {
		return nil, fmt.Errorf("write a passkey: %w", err)
	}
	return s.vault.seal(encoded, "passkey", id[:], known.ID), nil
}

// BeginPasskey asks a browser for a passkey of anybody's.
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

// AuthenticateByPasskey proves who somebody is by a passkey's answer to a challenge. It returns ErrBadPasskey or a [*ThrottledError].
func (s *Service) AuthenticateByPasskey(ctx context.Context, text string, answer []byte, origin Origin) (Proof, error) {
	return s.verifyPasskey(ctx, text, answer, ID{}, origin, audit.SessionRefused)
}

// ReauthenticateByPasskey proves again who a member is. It returns what AuthenticateByPasskey returns.
func (s *Service) ReauthenticateByPasskey(ctx context.Context, m Member, text string, answer []byte, origin Origin) (Proof, error) {
	origin.Device, origin.Known = "signed in", m.ID // a live session is a known client
	return s.verifyPasskey(ctx, text, answer, m.ID, origin, audit.ReauthenticationRefused)
}

// verifyPasskey takes attempts of the device or else the address alone: there is nothing to guess, but
// refusals are recorded.
func (s *Service) verifyPasskey(ctx context.Context, text string, answer []byte, of ID, origin Origin, refusal audit.Action) (Proof, error) {
	buckets := addressBuckets(origin.Address)
	if origin.Device != "" {
		// Whose passkey it is shows later. One of another member must not empty the device's bucket.
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

// usePasskey judges an answer and uses its challenge up. It tells whose passkey it was also where it refuses it, as far as that is known. Where
// of is a member's id, the passkey has to be theirs.
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
	_, judged, err := s.party.ValidatePasskeyLogin(func(rawID, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, m.ID[:]) || !bytes.Equal(rawID, known.ID) {
			return nil, ErrBadPasskey
		}
		return holder{m, []webauthn.Credential{credential}}, nil
	}, begun.Session, parsed)
	if err != nil {
		return m, nil, errors.Join(ErrBadPasskey, err)
	}
	if judged.Authenticator.CloneWarning {
		return m, nil, fmt.Errorf("%w: its counter went back", ErrBadPasskey)
	}
	after, err := s.sealPasskey(m.ID, judged)
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
