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

// payload is every claim that a token has, each of one type. A list of audiences, or a time as a string, does not fit. A claim that is missing,
// or null, is zero, which none of ours is.
type payload struct {
	Issuer     string    `json:"iss"`
	Audience   [1]string `json:"aud"`
	Subject    string    `json:"sub"`
	Session    string    `json:"sid"`
	Generation uint64    `json:"gen"`
	IssuedAt   uint64    `json:"iat"`
	NotBefore  uint64    `json:"nbf"`
	ExpiresAt  uint64    `json:"exp"`
	ID         string    `json:"jti"`
}

// open takes a token apart that this deployment signed, and reads what it says. Nothing in it is read before its signature was found right:
// its header has to be, to the letter, the one that we put before tokens of a key, so what algorithm and which key are not the token's to say.
func (k *Keys) open(text string) (c claims, err error) {
	if len(text) > longest {
		return c, errors.New("too long")
	}
	if strings.Count(text, ".") != 2 {
		return c, errors.New("not three parts")
	}
	first, rest, _ := strings.Cut(text, ".")
	second, third, _ := strings.Cut(rest, ".")
	key, known := k.byHeader[first]
	if !known {
		return c, errors.New("the header is none of ours")
	}
	signature, err := decode(third)
	if err != nil {
		return c, fmt.Errorf("signature: %w", err)
	}
	if err := jwt.SigningMethodHS256.Verify(text[:len(first)+1+len(second)], signature, key); err != nil {
		return c, err
	}
	var p payload
	if err := strictly(second, &p); err != nil {
		return c, fmt.Errorf("claims: %w", err)
	}
	if c, err = p.claims(); err != nil {
		return c, fmt.Errorf("claims: %w", err)
	}
	return c, nil
}

// claims is what there is to verify and what there is to learn.
type claims struct {
	jwt.RegisteredClaims
	session, member uuid.UUID
	generation      uint64
}

func (p payload) claims() (c claims, err error) {
	if p.Generation == 0 || p.IssuedAt == 0 || p.NotBefore == 0 || p.ExpiresAt == 0 {
		return c, errors.New("one is missing")
	}
	if c.session, err = canonical(p.Session); err != nil {
		return c, err
	}
	if c.member, err = canonical(p.Subject); err != nil {
		return c, err
	}
	if _, err := canonical(p.ID); err != nil {
		return c, err
	}
	c.generation = p.Generation
	c.RegisteredClaims = jwt.RegisteredClaims{Issuer: p.Issuer, Audience: p.Audience[:], Subject: p.Subject, ID: p.ID}
	for _, date := range []struct {
		from uint64
		to   **jwt.NumericDate
	}{{p.IssuedAt, &c.IssuedAt}, {p.NotBefore, &c.NotBefore}, {p.ExpiresAt, &c.ExpiresAt}} {
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
	if err != nil || len(text) != len("00000000-0000-0000-0000-000000000000") || text != strings.ToLower(text) {
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
