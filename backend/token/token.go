package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Kind describes one kind of token. Kinds differ in type, audience and keys, so that a token of one
// is never taken for a token of another (RFC 8725, 3.12).
type Kind struct {
	Type     string        // "typ" in the header
	Audience string        // "aud"
	Lifetime time.Duration // from "iat" to "exp", unless the session ends first
	// Keys verify, and the first one signs too, so that keys rotate with overlap.
	Keys []Key
}

// issuer is "iss" in tokens of every kind.
const issuer = "curfew"

// The bounds of an access token's lifetime.
const (
	ShortestLifetime = time.Minute
	LongestLifetime  = 15 * time.Minute
)

// Access returns the kind of token that names a session to this deployment's API (RFC 9068).
func (s Secrets) Access(lifetime time.Duration) Kind {
	return Kind{Type: "at+jwt", Audience: "curfew-api", Lifetime: lifetime, Keys: s.AccessTokens}
}

var (
	// ErrInvalid is returned for anything but a token that these keys signed.
	ErrInvalid = errors.New("token invalid")
	// ErrExpired is returned for a token that was valid and has expired.
	ErrExpired = errors.New("token expired")
)

// Claims hold what a token says: the session it names, and the organization's generation at which
// that session started.
type Claims struct {
	Session    uuid.UUID
	Member     uuid.UUID
	Generation uint64
	ExpiresAt  time.Time
}

// Keys issues and verifies tokens of one kind. It is safe for concurrent use.
type Keys struct {
	kind Kind
	now  func() time.Time
	// byHeader holds the secret of each key by the header, in base64url, of the tokens it signs.
	byHeader map[string][]byte
	// header is the header of new tokens.
	header string
	// validator judges all claims but the expiry, which is judged at every call.
	validator  *jwt.Validator
	remembered remembered
}

// NewKeys returns the keys for tokens of that kind.
func NewKeys(kind Kind, now func() time.Time) (*Keys, error) {
	k := &Keys{
		kind: kind, now: now, byHeader: map[string][]byte{}, remembered: newRemembered(),
		validator: jwt.NewValidator(jwt.WithIssuer(issuer), jwt.WithAudience(kind.Audience), jwt.WithIssuedAt(), jwt.WithTimeFunc(now)),
	}
	for i, key := range kind.Keys {
		header, err := encode(struct {
			Algorithm string `json:"alg"`
			Key       string `json:"kid"`
			Type      string `json:"typ"`
		}{jwt.SigningMethodHS256.Alg(), key.ID, kind.Type})
		if err != nil {
			return nil, fmt.Errorf("make the header of key %s: %w", key.ID, err)
		}
		k.byHeader[header] = key.Secret
		if i == 0 {
			k.header = header
		}
	}
	return k, nil
}

// Issue returns a token that names a session, and for how long it is valid: the kind's lifetime, or
// less if the session ends first.
func (k *Keys) Issue(session, member uuid.UUID, generation uint64, sessionEnds time.Time) (string, time.Duration, error) {
	now := k.now()
	expires := now.Add(k.kind.Lifetime)
	if sessionEnds.Before(expires) {
		expires = sessionEnds
	}
	expires = expires.Truncate(time.Second) // a token counts in seconds
	claims, err := encode(payload{
		Issuer: issuer, Audience: [1]string{k.kind.Audience}, Subject: member.String(), Session: session.String(), Generation: generation,
		IssuedAt: uint64(now.Unix()), NotBefore: uint64(now.Unix()), ExpiresAt: uint64(expires.Unix()), ID: uuid.NewString(),
	})
	if err != nil {
		return "", 0, fmt.Errorf("encode claims: %w", err)
	}
	text := k.header + "." + claims
	signature, err := jwt.SigningMethodHS256.Sign(text, k.byHeader[k.header])
	if err != nil {
		return "", 0, fmt.Errorf("sign token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), expires.Sub(now), nil
}

// Verify returns what a token says. It returns ErrExpired for a token that is valid but for its
// time, and ErrInvalid for any other.
func (k *Keys) Verify(text string) (Claims, error) {
	now := k.now()
	claims, known := k.remembered.find(text)
	if !known {
		var err error
		if claims, err = k.open(text); err != nil {
			return Claims{}, errors.Join(ErrInvalid, err)
		}
	}
	if !now.Before(claims.ExpiresAt) { // last, so that it is said of valid tokens alone
		return Claims{}, ErrExpired
	}
	if !known {
		k.remembered.add(text, claims, now)
	}
	return claims, nil
}

// encode returns the base64url of a value's JSON.
func encode(value any) (string, error) {
	raw, err := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(raw), err
}

// Memory returns about how many bytes the texts of remembered tokens take. Those have no pointers.
func (k *Keys) Memory() int { return k.remembered.memory() }
