package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// longest is more than any token of ours; what is longer is refused before it is looked at.
const longest = 2048

// header is every member that a token's header has: no crit, no b64, no jku, jwk, x5u or x5c.
type header struct {
	Algorithm string `json:"alg"`
	Kind      string `json:"typ"`
	KeyID     string `json:"kid"`
}

// payload is every claim that a token has, each of one type. A list of audiences, or a time as a string, does not fit.
type payload struct {
	Issuer     *string    `json:"iss"`
	Audience   *[1]string `json:"aud"`
	Subject    *string    `json:"sub"`
	Session    *string    `json:"sid"`
	Generation *uint64    `json:"gen"`
	IssuedAt   *uint64    `json:"iat"`
	NotBefore  *uint64    `json:"nbf"`
	ExpiresAt  *uint64    `json:"exp"`
	ID         *string    `json:"jti"`
}

// read takes a token apart that has exactly the shape of those that this deployment issues. What is in it is believed only after its
// signature was verified.
func (k *Keys) read(text string) (t unverified, err error) {
	if len(text) > longest {
		return t, errors.New("too long")
	}
	if strings.Count(text, ".") != 2 {
		return t, errors.New("not three parts")
	}
	first, rest, _ := strings.Cut(text, ".")
	second, third, _ := strings.Cut(rest, ".")

	var h header
	if err := strictly(first, &h); err != nil {
		return t, fmt.Errorf("header: %w", err)
	}
	// The algorithm is ours to name. The token may only agree.
	if h.Algorithm != "HS256" {
		return t, errors.New("header: not HS256")
	}
	if h.Kind != kind {
		return t, errors.New("header: another kind of token")
	}
	var known bool
	if t.key, known = k.byID[h.KeyID]; !known {
		return t, errors.New("header: unknown key")
	}

	var p payload
	if err := strictly(second, &p); err != nil {
		return t, fmt.Errorf("claims: %w", err)
	}
	if t.claims, err = p.claims(); err != nil {
		return t, fmt.Errorf("claims: %w", err)
	}
	t.text = text[:len(first)+1+len(second)]
	t.signature, err = decode(third)
	return t, err
}

// unverified is a token that is right in its shape.
type unverified struct {
	text      string // what was signed
	signature []byte
	key       []byte
	claims    claims
}

// claims is what there is to verify and what there is to learn.
type claims struct {
	jwt.RegisteredClaims
	session, member uuid.UUID
	generation      uint64
}

func (p payload) claims() (c claims, err error) {
	if p.Issuer == nil || p.Audience == nil || p.Subject == nil || p.Session == nil || p.Generation == nil ||
		p.IssuedAt == nil || p.NotBefore == nil || p.ExpiresAt == nil || p.ID == nil {
		return c, errors.New("one is missing")
	}
	if c.session, err = canonical(*p.Session); err != nil {
		return c, err
	}
	if c.member, err = canonical(*p.Subject); err != nil {
		return c, err
	}
	if _, err := canonical(*p.ID); err != nil {
		return c, err
	}
	c.generation = *p.Generation
	c.RegisteredClaims = jwt.RegisteredClaims{Issuer: *p.Issuer, Audience: p.Audience[:], Subject: *p.Subject, ID: *p.ID}
	for _, date := range []struct {
		from uint64
		to   **jwt.NumericDate
	}{{*p.IssuedAt, &c.IssuedAt}, {*p.NotBefore, &c.NotBefore}, {*p.ExpiresAt, &c.ExpiresAt}} {
		if date.from > latest {
			return c, errors.New("a time that never comes")
		}
		*date.to = jwt.NewNumericDate(time.Unix(int64(date.from), 0))
	}
	return c, nil
}

// latest is the end of the year 9999, beyond which times are not written alike everywhere.
const latest = 253402300799

// canonical reads a UUID in the one form in which we write it.
func canonical(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.UUID{}, errors.New("no id")
	}
	return id, nil
}

// strictly reads JSON (RFC 8259, I-JSON) without guessing: names match to the letter, none is repeated and none is unknown.
func strictly(part string, into any) error {
	raw, err := decode(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into, json.RejectUnknownMembers(true))
}

// decode reads base64url in its one canonical form: no padding, no line breaks, no stray bits at the end.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") { // which the standard library passes over
		return nil, errors.New("not base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
