package token

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"curfew/backend/durable"
)

// Secrets are the deployment's random secrets. They are kept in one file next to the database,
// which only its owner can read.
type Secrets struct {
	// AccessTokens are the keys of access tokens. The first one signs, and all of them verify.
	AccessTokens []Key `json:"accessTokens"`
	// Root is what the other secrets are derived from, except those of Kept.
	Root []byte `json:"root"`
	// Kept is what secrets in the database are encrypted with. They survive the machine, so a
	// backup carries Kept and a restore keeps it. Tokens cannot be forged with it, as they could
	// with Root.
	Kept []byte `json:"kept"`
}

// Key is a key of 256 random bits for HS256 (RFC 7518, 3.2) and for no other algorithm.
type Key struct {
	ID        string    `json:"kid"`
	Secret    []byte    `json:"secret"`
	CreatedAt time.Time `json:"createdAt"`
}

const secretSize = 32

// LoadSecrets reads the file, or creates it with new secrets. It returns an error if other users
// can read the file, or if a secret is missing or too short.
func LoadSecrets(path string, now time.Time) (Secrets, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return RenewSecrets(path, random(), now)
	}
	if err != nil {
		return Secrets{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Secrets{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Secrets{}, fmt.Errorf("%s can be read by others; run chmod 600 on it", path)
	}
	var secrets Secrets
	if err := json.Unmarshal(raw, &secrets); err != nil {
		return Secrets{}, fmt.Errorf("%s is damaged (%w); restore it from a backup, or remove it to sign everybody out", path, err)
	}
	if len(secrets.AccessTokens) == 0 || len(secrets.Root) < secretSize || len(secrets.Kept) > 0 && len(secrets.Kept) < secretSize {
		return Secrets{}, fmt.Errorf("%s lacks a secret; restore it from a backup, or remove it to sign everybody out", path)
	}
	seen := map[string]bool{}
	for _, key := range secrets.AccessTokens {
		if seen[key.ID] {
			return Secrets{}, fmt.Errorf("%s names two keys %q; leave the newer one", path, key.ID)
		}
		seen[key.ID] = true
		if key.ID == "" || len(key.Secret) < secretSize {
			return Secrets{}, fmt.Errorf("%s holds a key of less than %d bytes; restore it from a backup, or remove it to sign everybody out", path, secretSize)
		}
	}
	if len(secrets.Kept) == 0 { // the file is older than Kept
		if secrets.Kept, err = hkdf.Key(sha256.New, secrets.Root, nil, "curfew kept", secretSize); err != nil {
			return Secrets{}, fmt.Errorf("derive the kept secret: %w", err)
		}
	}
	return secrets, nil
}

// RenewSecrets writes the file with new secrets and the given Kept. Nothing made with the old
// secrets stays valid.
func RenewSecrets(path string, kept []byte, now time.Time) (Secrets, error) {
	secrets := Secrets{
		AccessTokens: []Key{{ID: rand.Text(), Secret: random(), CreatedAt: now.UTC()}},
		Root:         random(),
		Kept:         kept,
	}
	raw, err := json.MarshalIndent(secrets, "", "  ")
	if err != nil {
		return Secrets{}, fmt.Errorf("encode secrets: %w", err)
	}
	return secrets, durable.WriteFile(path, append(raw, '\n'))
}

// Derive returns the secret for one purpose (HKDF, RFC 5869). Secrets of different purposes are
// unrelated.
func (s Secrets) Derive(purpose string) [secretSize]byte { return derive(s.Root, purpose) }

// DeriveKept returns a secret to encrypt data in the database with. It survives a restore, which
// those of Derive must not.
func (s Secrets) DeriveKept(purpose string) [secretSize]byte { return derive(s.Kept, purpose) }

func derive(from []byte, purpose string) [secretSize]byte {
	derived, err := hkdf.Key(sha256.New, from, nil, "curfew "+purpose, secretSize)
	if err != nil {
		panic(err) // the size is always valid
	}
	return [secretSize]byte(derived)
}

func random() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret) // it never returns an error
	return secret
}
