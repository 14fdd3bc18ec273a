package member

import (
	"crypto/aes"
	"crypto/cipher" //nolint:depguard // written down in decision 16
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// vault encrypts what the database must not reveal: the seeds of second factors, and passkeys
// (AES-256-GCM, with a random nonce in front). Each value is sealed for one purpose and one row. It
// does not open if it is altered or moved to another row.
type vault struct {
	aead cipher.AEAD
	key  [32]byte
}

var errSealed = errors.New("sealed for another place, or by another key")

func newVault(key [32]byte) vault {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is always valid
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // so is a block of AES
	}
	return vault{aead, key}
}

// place returns the additional data of a seal. All ids but the last have a fixed length, so
// different places have different bytes.
func place(purpose string, ids [][]byte) []byte {
	bound := append([]byte(purpose), 0)
	for _, id := range ids {
		bound = append(bound, id...)
	}
	return bound
}

func (v vault) seal(secret []byte, purpose string, ids ...[]byte) []byte {
	return v.aead.Seal(nil, nil, secret, place(purpose, ids)) //nolint:gosec // the nonce is made by Seal
}

func (v vault) open(sealed []byte, purpose string, ids ...[]byte) ([]byte, error) {
	secret, err := v.aead.Open(nil, nil, sealed, place(purpose, ids))
	if err != nil {
		return nil, errSealed
	}
	return secret, nil
}

// fingerprint returns a keyed hash of an address, with which only this deployment can recognize it.
func (v vault) fingerprint(address string) []byte {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write([]byte("retired address\x00" + address))
	return mac.Sum(nil)
}
