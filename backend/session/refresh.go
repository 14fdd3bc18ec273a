package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
)

// refreshToken is 256 random bits, with the session that they belong to and how many tokens it had
// before. Its text is the unpadded base64url of
//
//	session id (16 bytes) ‖ counter (8, big endian, from 1) ‖ secret (32) ‖ tag (32)
//
// The first secret is random. Each further one is a keyed function of its predecessor, so a token
// has the same successor each time, although the server keeps only hashes. The tag is a MAC of the
// rest. It proves that an old token was issued, although its hash is gone, so that its reuse is
// noticed and a forged token cannot end a session.
type refreshToken struct {
	session ID
	counter uint64
	secret  [32]byte
}

const refreshTokenSize = 16 + 8 + 32 + 32

// RefreshState is what a session's row keeps of its refresh tokens: the counter and the hash of the
// last one that was presented, and the hash of its successor. Counter and Hash are zero before the
// first.
type RefreshState struct {
	Counter  uint64
	Hash     [sha256.Size]byte
	NextHash [sha256.Size]byte
}

// refreshKey derives successors and tags. It is one of the deployment's secrets.
type refreshKey [32]byte

// first returns the first refresh token of a session.
func (k refreshKey) first(id ID) refreshToken {
	token := refreshToken{session: id, counter: 1}
	rand.Read(token.secret[:]) // never fails: it ends the program first
	return token
}

// successor returns the token after t, always the same one.
func (k refreshKey) successor(t refreshToken) refreshToken {
	next := refreshToken{session: t.session, counter: t.counter + 1}
	copy(next.secret[:], k.mac("successor", t.body()))
	return next
}

// issue returns the text of the token.
func (k refreshKey) issue(t refreshToken) string {
	body := t.body()
	return base64.RawURLEncoding.EncodeToString(append(body, k.mac("tag", body)...))
}

// read parses a token. It returns ErrRefreshTokenInvalid for any text but that of a token that was
// issued with this key.
func (k refreshKey) read(text string) (refreshToken, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(refreshTokenSize) {
		return refreshToken{}, ErrRefreshTokenInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != refreshTokenSize {
		return refreshToken{}, ErrRefreshTokenInvalid
	}
	body, tag := raw[:refreshTokenSize-sha256.Size], raw[refreshTokenSize-sha256.Size:]
	if subtle.ConstantTimeCompare(tag, k.mac("tag", body)) != 1 {
		return refreshToken{}, ErrRefreshTokenInvalid
	}
	token := refreshToken{session: ID(body[:16]), counter: binary.BigEndian.Uint64(body[16:24])}
	copy(token.secret[:], body[24:])
	return token, nil
}

func (k refreshKey) mac(purpose string, body []byte) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(body)
	return mac.Sum(nil)
}

func (t refreshToken) body() []byte {
	body := make([]byte, 0, refreshTokenSize)
	body = append(body, t.session[:]...)
	body = binary.BigEndian.AppendUint64(body, t.counter)
	return append(body, t.secret[:]...)
}

// hash is what the row keeps. The secret has 256 random bits, so a plain hash does not reveal it.
func (t refreshToken) hash() [sha256.Size]byte { return sha256.Sum256(t.secret[:]) }

// presentation returns the row's state after t was presented.
func (k refreshKey) presentation(t refreshToken) RefreshState {
	return RefreshState{Counter: t.counter, Hash: t.hash(), NextHash: k.successor(t).hash()}
}
