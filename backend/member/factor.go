package member

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/refusal"
)

// The second factor is a code from an authenticator app (TOTP, RFC 6238): six digits, SHA-1, a new
// code every 30 seconds, which every such app supports. The code of the step before or after is
// valid too, for slow typing and for phones whose clock differs. Time is the machine's, because
// [session.Clock] may be ahead of it. Each step is valid once: the last one used is stored.

// Errors of the second factor.
var (
	// ErrSecondFactorRequired is returned if a member with a second factor gives the right password
	// without a code.
	ErrSecondFactorRequired = refusal.New("a second factor is needed")
	// ErrBadCode is returned for a wrong or used code, after the right password.
	ErrBadCode = refusal.New("wrong code")
	// ErrEnrolmentExpired is returned if the enrolment was not begun by this member, or has
	// expired.
	ErrEnrolmentExpired = refusal.New("enrolment expired")
	// ErrNoSecondFactor is returned if a member without a second factor changes it.
	ErrNoSecondFactor = refusal.New("no second factor")
)

const (
	step = 30 * time.Second
	// skew is how many steps before and after the current one are valid (RFC 6238, 5.2 and
	// 6).
	skew = 1
	// seedSize is the size that RFC 4226 recommends, in bytes.
	seedSize = 20
	// enrolmentLifetime is how long a seed waits for its first code.
	enrolmentLifetime = 15 * time.Minute

	// recoveryCodes is how many codes a member has. Each is 24 characters of base32: 120 bits,
	// which need no slow hash.
	recoveryCodes      = 10
	recoveryCodeLength = 24
)

// Factor is a member's second factor, as stored.
type Factor struct {
	// Sealed is the seed, sealed for this member; empty if there is none.
	Sealed []byte
	// Since is when it was set up.
	Since time.Time
	// LastStep is the time step of the last code that was used.
	LastStep int64
	// RecoveryCodes is how many are left.
	RecoveryCodes int
}

// Enrolment is a second factor before its first code.
type Enrolment struct {
	// Secret is the seed to type into an app, and URI the seed to read from a QR code.
	Secret string
	URI    string
	// Token holds the seed, sealed. The client returns it with the first code; nothing is stored
	// until then.
	Token     string
	ExpiresAt time.Time
}

// CredentialChange is a change of a member's own credentials. The store writes it, with its audit
// entry, in one transaction.
type CredentialChange interface {
	Terms(now time.Time) Terms
}

// Terms are what a credential change requires of the caller, and what it leaves.
type Terms struct {
	Requirement Requirement
	// Action and Details are the audit entry's.
	Action  audit.Action
	Details map[string]any
	// Proves lists the methods that the change proves for the caller's session.
	Proves []string
}

// The credential changes. [PasswordChange] is its own proof of identity. The others require a fresh
// one.
type (
	// PasswordChange replaces the password that was proved.
	PasswordChange struct {
		Proof Proof
		Hash  string
	}
	// FactorSetUp sets the second factor and the recovery codes, and replaces existing ones.
	FactorSetUp struct {
		Sealed []byte
		// Step is the step of the code that confirmed it, which is used up.
		Step          int64
		RecoveryCodes [][sha256.Size]byte
	}
	// FactorRemoval removes the second factor and the recovery codes.
	FactorRemoval struct{}
	// RecoveryCodesChange replaces the recovery codes.
	RecoveryCodesChange struct{ RecoveryCodes [][sha256.Size]byte }
)

// Terms implements [CredentialChange]. The current password is the proof.
func (c PasswordChange) Terms(time.Time) Terms {
	return Terms{Action: audit.PasswordChanged, Proves: c.Proof.Methods}
}

// Terms implements [CredentialChange].
func (FactorSetUp) Terms(now time.Time) Terms {
	return Terms{Requirement: Requirement{AlsoRestricted: true, FreshAt: now}, Action: audit.SecondFactorSet, Proves: []string{ByTOTP}}
}

// Terms implements [CredentialChange].
func (FactorRemoval) Terms(now time.Time) Terms {
	return Terms{Requirement: Requirement{FreshAt: now}, Action: audit.SecondFactorRemoved}
}

// Terms implements [CredentialChange].
func (RecoveryCodesChange) Terms(now time.Time) Terms {
	return Terms{Requirement: Requirement{FreshAt: now}, Action: audit.RecoveryCodesMade}
}

// Factor returns a member's second factor.
func (s *Service) Factor(ctx context.Context, id ID) (Factor, error) {
	factor, err := s.store.Factor(ctx, id)
	return factor, during("read second factor", err)
}

// Enrol makes a seed for the member, who then proves with a first code that their app has it. The
// app shows the organization's name.
func (s *Service) Enrol(m Member, organization string) Enrolment {
	seed := make([]byte, seedSize)
	rand.Read(seed) // never fails: it ends the program first
	secret, expires := base32Of(seed), s.now().Add(enrolmentLifetime)
	token := s.vault.seal(binary.BigEndian.AppendUint64(seed, uint64(expires.UnixMilli())), "enrolment", m.ID[:])
	return Enrolment{Secret: secret, URI: uriOf(secret, fold.ShowAddress(m.Email), organization), Token: base64.RawURLEncoding.EncodeToString(token), ExpiresAt: expires}
}

func base32Of(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// uriOf returns the URI for authenticator apps. The library's own does not escape an ampersand in
// the issuer's name, which cuts it off, and writes a space as a plus sign, which apps show.
func uriOf(secret, account, issuer string) string {
	issuer = strings.ReplaceAll(issuer, ":", " ") // a colon ends the issuer in the label
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?secret=" + secret + "&issuer=" + escape(issuer) + "&algorithm=SHA1&digits=6&period=30"
}

// Confirm checks the first code of an enrolment. It returns the change that sets the second factor,
// and the new recovery codes, or ErrEnrolmentExpired or ErrBadCode.
func (s *Service) Confirm(m Member, token, code string) (FactorSetUp, []string, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return FactorSetUp{}, nil, ErrEnrolmentExpired
	}
	opened, err := s.vault.open(sealed, "enrolment", m.ID[:])
	if err != nil || s.now().UnixMilli() >= int64(binary.BigEndian.Uint64(opened[seedSize:])) {
		return FactorSetUp{}, nil, ErrEnrolmentExpired
	}
	seed := opened[:seedSize]
	at, err := s.stepOf(seed, fold.Code(code))
	if err != nil {
		return FactorSetUp{}, nil, err
	}
	codes, hashes := newRecoveryCodes(m.ID)
	return FactorSetUp{Sealed: s.vault.seal(seed, "totp", m.ID[:]), Step: at, RecoveryCodes: hashes}, codes, nil
}

// NewRecoveryCodes returns new recovery codes, and the change that sets them.
func (s *Service) NewRecoveryCodes(m Member) (RecoveryCodesChange, []string) {
	codes, hashes := newRecoveryCodes(m.ID)
	return RecoveryCodesChange{hashes}, codes
}

func newRecoveryCodes(id ID) (codes []string, hashes [][sha256.Size]byte) {
	for range recoveryCodes {
		code := rand.Text()[:recoveryCodeLength]
		hashes = append(hashes, hashOfCode(id, code))
		code = strings.ToLower(code)
		codes = append(codes, code[:6]+"-"+code[6:12]+"-"+code[12:18]+"-"+code[18:])
	}
	return codes, hashes
}

// hashOfCode hashes a code for one member, so that a row moved to another member opens nothing.
func hashOfCode(id ID, code string) [sha256.Size]byte {
	return sha256.Sum256(append(id[:], code...))
}

func (s *Service) currentStep() int64 { return s.wall().Unix() / int64(step/time.Second) }

// stepOf returns the time step of a code, or ErrBadCode.
func (s *Service) stepOf(seed []byte, code string) (int64, error) {
	secret := base32Of(seed)
	now, found := s.currentStep(), int64(0)
	for at := now - skew; at <= now+skew; at++ {
		right, err := hotp.GenerateCodeCustom(secret, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("compute a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1 {
			found = at
		}
	}
	if found == 0 {
		return 0, ErrBadCode
	}
	return found, nil
}

// spendCode checks a member's code and uses it up. It returns the method that it proves, or
// ErrBadCode.
func (s *Service) spendCode(ctx context.Context, m Member, code string, origin Origin) (method string, err error) {
	code = fold.Code(code)
	if len(code) == recoveryCodeLength {
		used, err := s.store.UseRecoveryCode(ctx, m.ID, hashOfCode(m.ID, code), audit.Event{
			At: s.now(), Action: audit.RecoveryCodeUsed, Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}, Target: "member:" + m.ID.String(),
			Address: origin.Address, Details: map[string]any{"userAgent": origin.UserAgent},
		})
		return ByRecoveryCode, rightIf(used, err)
	}
	factor, err := s.store.Factor(ctx, m.ID)
	if err != nil {
		return "", fmt.Errorf("read second factor: %w", err)
	}
	seed, err := s.vault.open(factor.Sealed, "totp", m.ID[:])
	if err != nil {
		return "", ErrBadCode // the row was moved or altered, or the key is lost: no code is right
	}
	at, err := s.stepOf(seed, code)
	if err != nil {
		return "", err
	}
	// A last step in the future was used while the machine's clock was ahead. It must not lock the
	// member out until then.
	if at <= factor.LastStep && factor.LastStep <= s.currentStep()+skew {
		return "", ErrBadCode
	}
	used, err := s.store.UseStep(ctx, m.ID, factor, at)
	return ByTOTP, rightIf(used, err)
}

func rightIf(used bool, err error) error {
	if err != nil {
		return fmt.Errorf("use up a code: %w", err)
	}
	if !used {
		return ErrBadCode
	}
	return nil
}

// RemoveFactors removes the second factor, recovery codes and passkeys of a member who has lost
// them, and ends their sessions. It makes the account easier to enter, so it requires a fresh proof
// (R10). It returns ErrNotFound, or what the caller lacks.
func (s *Service) RemoveFactors(ctx context.Context, caller audit.Caller, id ID) (ended int, err error) {
	now := s.now()
	return s.change(ctx, caller, Requirement{Administers: true, FreshAt: now}, id, func(by Authority, current Member, _ int) (Change, error) {
		if !by.MayManage(current, current) {
			return Change{}, ErrForbidden
		}
		next := current
		next.SecondFactor, next.HasPasskey = false, false
		next.Generation++
		return Change{Next: next, EndsSessions: true, RemovesFactors: true, Event: audit.Event{
			At: now, Action: audit.SecondFactorRemoved, Actor: caller.Actor, Target: "member:" + id.String(), Address: caller.Address,
		}}, nil
	})
}
