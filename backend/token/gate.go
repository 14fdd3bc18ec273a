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

// longest is above the length of every valid token. A longer one is refused unread.
const longest = 2048

// latest is the end of the year 9999, after which RFC 3339 has no form for a time.
const latest = 253402300799

// payload holds every claim of a token, each of one type. A claim that is missing or null is zero,
// which is valid for none of them.
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

// open verifies a token in all but its expiry and returns what it says. It reads nothing before the
// signature is verified. The header has to equal one of the keys' headers byte for byte, so the
// token selects neither the algorithm nor any other key.
func (k *Keys) open(text string) (Claims, error) {
	if len(text) > longest {
		return Claims{}, errors.New("too long")
	}
	if strings.Count(text, ".") != 2 {
		return Claims{}, errors.New("not three parts")
	}
	header, rest, _ := strings.Cut(text, ".")
	body, tail, _ := strings.Cut(rest, ".")
	key, known := k.byHeader[header]
	if !known {
		return Claims{}, errors.New("unknown header")
	}
	signature, err := decode(tail)
	if err != nil {
		return Claims{}, fmt.Errorf("signature: %w", err)
	}
	if err := jwt.SigningMethodHS256.Verify(text[:len(header)+1+len(body)], signature, key); err != nil {
		return Claims{}, err
	}
	var p payload
	raw, err := decode(body)
	if err == nil { // names match exactly, and none is repeated or unknown (RFC 8259, I-JSON)
		err = json.Unmarshal(raw, &p, json.RejectUnknownMembers(true))
	}
	if err != nil {
		return Claims{}, fmt.Errorf("claims: %w", err)
	}
	return k.judge(p)
}

// judge returns what the claims say, if they are valid but for their expiry.
func (k *Keys) judge(p payload) (Claims, error) {
	session, errSession := canonical(p.Session)
	member, errMember := canonical(p.Subject)
	_, errID := canonical(p.ID)
	if err := errors.Join(errSession, errMember, errID); err != nil {
		return Claims{}, err
	}
	if min(p.Generation, p.IssuedAt, p.NotBefore, p.ExpiresAt) == 0 {
		return Claims{}, errors.New("a claim is missing")
	}
	if max(p.IssuedAt, p.NotBefore, p.ExpiresAt) > latest {
		return Claims{}, errors.New("a time after the year 9999")
	}
	at := func(seconds uint64) time.Time { return time.Unix(int64(seconds), 0) }
	return Claims{Session: session, Member: member, Generation: p.Generation, ExpiresAt: at(p.ExpiresAt)}, k.validator.Validate(jwt.RegisteredClaims{
		Issuer: p.Issuer, Audience: p.Audience[:], IssuedAt: jwt.NewNumericDate(at(p.IssuedAt)), NotBefore: jwt.NewNumericDate(at(p.NotBefore)),
	})
}

// canonical reads a UUID in its canonical form (RFC 9562, 4).
func canonical(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || text != id.String() {
		return uuid.UUID{}, errors.New("not an id")
	}
	return id, nil
}

// decode reads base64url in its one canonical form: no padding, no line breaks, no stray bits at
// the end.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") { // the standard library skips these
		return nil, errors.New("not base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
