package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// The names that every token carries and that are checked on every token. Tokens of another kind have other ones.
const (
	issuer   = "curfew"
	audience = "curfew-api"
	kind     = "at+jwt" // RFC 9068, 2.1
)

// The bounds of a token's life.
const (
	ShortestLifetime = time.Minute
	LongestLifetime  = 15 * time.Minute
)

var (
	// ErrInvalid is given for anything that is not exactly a token of this deployment.
	ErrInvalid = errors.New("token invalid")
	// ErrExpired is given for a token that was right until its time ran out.
	ErrExpired = errors.New("token expired")
)

// Claims are what a token says: which session it names, and the organization's generation that the session began under.
type Claims struct {
	Session    uuid.UUID
	Member     uuid.UUID
	Generation uint64
	ExpiresAt  time.Time
}

// Keys issues and verifies tokens. It is safe for concurrent use.
type Keys struct {
	signing Key
	// byHeader holds the key that a token is signed with by the token's header, in the form in which it stands in the token.
	byHeader map[string][]byte
	lifetime time.Duration
	now      func() time.Time
	// validator judges the claims of a token whose signature is right.
	validator  *jwt.Validator
	remembered *remembered
}

// NewKeys makes tokens that live for the given time, between [ShortestLifetime] and [LongestLifetime].
func NewKeys(secrets Secrets, lifetime time.Duration, now func() time.Time) (*Keys, error) {
	k := &Keys{
		signing: secrets.AccessTokens[0], byHeader: map[string][]byte{}, lifetime: lifetime, now: now, remembered: newRemembered(),
		validator: jwt.NewValidator(
			jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(now),
		),
	}
	for _, key := range secrets.AccessTokens {
		text, err := unsigned(key, nil).SigningString()
		if err != nil {
			return nil, fmt.Errorf("make the header of key %s: %w", key.ID, err)
		}
		header, _, _ := strings.Cut(text, ".")
		k.byHeader[header] = key.Secret
	}
	return k, nil
}

// signed is the claims as they are signed.
type signed struct {
	jwt.RegisteredClaims
	Session    string `json:"sid"`
	Generation uint64 `json:"gen"`
}

// unsigned is a token that is to be signed with the key.
func unsigned(key Key, claims jwt.Claims) *jwt.Token {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["typ"] = kind
	token.Header["kid"] = key.ID
	return token
}

// Issue makes a token that names a session and ends after the deployment's lifetime or with the session, whichever is
// first. It tells how long that is.
func (k *Keys) Issue(sessionID, memberID uuid.UUID, generation uint64, sessionEnds time.Time) (string, time.Duration, error) {
	now := k.now()
	expires := now.Add(k.lifetime)
	if sessionEnds.Before(expires) {
		expires = sessionEnds
	}
	expires = expires.Truncate(time.Second) // which is what a token counts in
	token := unsigned(k.signing, signed{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: memberID.String(), ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Session: sessionID.String(), Generation: generation,
	})
	text, err := token.SignedString(k.signing.Secret)
	if err != nil {
		return "", 0, fmt.Errorf("sign token: %w", err)
	}
	return text, expires.Sub(now), nil
}

// Memory is how many bytes the remembered tokens take. They have no pointers.
func (k *Keys) Memory() int { return k.remembered.memory() }

// Verify tells what a token says. It returns ErrInvalid, or ErrExpired for one that is right in everything but its time.
func (k *Keys) Verify(text string) (Claims, error) {
	claims, ok := k.remembered.find(text)
	if !ok {
		var err error
		if claims, err = k.verify(text); err != nil {
			return Claims{}, err
		}
		k.remembered.add(text, claims)
	}
	if !k.now().Before(claims.ExpiresAt) {
		return Claims{}, ErrExpired
	}
	return claims, nil
}

// verify leaves to the library what is cryptography, and the verdict on the claims. It does not let the library read the token, which would
// be more lenient.
func (k *Keys) verify(text string) (Claims, error) {
	c, err := k.open(text)
	if err != nil {
		return Claims{}, errors.Join(ErrInvalid, err)
	}
	err = k.validator.Validate(c)
	if err != nil && !onlyExpired(err) {
		return Claims{}, errors.Join(ErrInvalid, err)
	}
	if err != nil {
		return Claims{}, ErrExpired
	}
	return Claims{Session: c.session, Member: c.member, Generation: c.generation, ExpiresAt: c.ExpiresAt.Time}, nil
}

// onlyExpired tells that a token's time is all that is wrong with it. The library joins everything that it finds wrong.
func onlyExpired(err error) bool {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return false
	}
	for _, other := range []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenRequiredClaimMissing,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}
