package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
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

// gate lets through only what has exactly the shape of a token that this deployment issues. It decides nothing else: what is
// in the token is believed only after its signature was verified.
func (k *Keys) gate(text string) error {
	if len(text) > longest {
		return errors.New("too long")
	}
	if strings.Count(text, ".") != 2 {
		return errors.New("not three parts")
	}
	first, rest, _ := strings.Cut(text, ".")
	second, third, _ := strings.Cut(rest, ".")

	var h header
	if err := strictly(first, &h); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	// The algorithm is ours to name. The token may only agree.
	if h.Algorithm != "HS256" {
		return errors.New("header: not HS256")
	}
	if h.Kind != kind {
		return errors.New("header: another kind of token")
	}
	if _, known := k.byID[h.KeyID]; !known {
		return errors.New("header: unknown key")
	}

	var p payload
	if err := strictly(second, &p); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	if p.Issuer == nil || p.Audience == nil || p.Subject == nil || p.Session == nil || p.Generation == nil ||
		p.IssuedAt == nil || p.NotBefore == nil || p.ExpiresAt == nil || p.ID == nil {
		return errors.New("claims: one is missing")
	}
	for _, id := range []string{*p.Subject, *p.Session, *p.ID} {
		if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
			return errors.New("claims: no id")
		}
	}
	_, err := decode(third)
	return err
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
