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

// Secrets are the deployment's own random secrets, kept in one file beside the database that only its owner can read.
type Secrets struct {
	// AccessTokens are the keys of access tokens. The first one signs; all of them verify, so that keys rotate with overlap.
	AccessTokens []Key `json:"accessTokens"`
	// Root is what all other secrets are derived from, but those that Kept is for.
	Root []byte `json:"root"`
	// Kept is what secrets in the database are encrypted under. They have to outlive the machine, so a backup carries it and a restore
	// takes it over; which is why it is apart from the root, from which tokens could be forged.
	Kept []byte `json:"kept"`
}

// Key is a key for HS256 (RFC 7518, 3.2): 256 random bits, bound to that one algorithm and to access tokens.
type Key struct {
	ID        string    `json:"kid"`
	Secret    []byte    `json:"secret"`
	CreatedAt time.Time `json:"createdAt"`
}

const secretSize = 32

// LoadSecrets reads the file, or makes it with new secrets when there is none. It refuses a file that others could read
// and secrets that are too short.
func LoadSecrets(path string, now time.Time) (Secrets, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createSecrets(path, now)
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
	if len(secrets.Kept) == 0 { // the file is from before it was kept apart
		if secrets.Kept, err = hkdf.Key(sha256.New, secrets.Root, nil, "curfew kept", secretSize); err != nil {
			return Secrets{}, fmt.Errorf("derive the kept secret: %w", err)
		}
	}
	return secrets, nil
}

func createSecrets(path string, now time.Time) (Secrets, error) {
	return RenewSecrets(path, random(), now)
}

// RenewSecrets makes the file with new secrets but for the kept one. Nothing that was made under the old ones is worth anything under these.
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

// Derive makes the secret for one purpose (HKDF, RFC 5869). Different purposes have unrelated secrets.
func (s Secrets) Derive(purpose string) ([secretSize]byte, error) { return derive(s.Root, purpose) }

// DeriveKept makes a secret to encrypt by what is in the database. It survives a restore, as those of Derive must not.
func (s Secrets) DeriveKept(purpose string) ([secretSize]byte, error) { return derive(s.Kept, purpose) }

func derive(from []byte, purpose string) ([secretSize]byte, error) {
	derived, err := hkdf.Key(sha256.New, from, nil, "curfew "+purpose, secretSize)
	if err != nil {
		return [secretSize]byte{}, fmt.Errorf("derive the secret for %s: %w", purpose, err)
	}
	return [secretSize]byte(derived), nil
}

func random() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails: it ends the program first
	return secret
}
