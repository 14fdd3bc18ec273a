package member

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"
)

// The bounds of a password. Fifteen characters is what NIST SP 800-63B-4 asks for where the password is the only factor; there are no
// rules about which characters. The upper bound is refused before any hashing.
const (
	ShortestPassword = 15 // characters
	LongestPassword  = 1024
)

// cost is OWASP's second recommendation for argon2id (RFC 9106): about 50 ms and 19 MiB each.
var cost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// ErrBusy is given when so many passwords wait to be hashed that one more would wait too long.
var ErrBusy = errors.New("too many sign-ins at once")

// PasswordError says what is wrong with a new password.
type PasswordError struct{ Code, Message string }

func (e *PasswordError) Error() string { return "password: " + e.Message }

// checkNewPassword returns a [*PasswordError] for a password that is too short or too long.
func checkNewPassword(password string) error {
	switch {
	case len(password) > LongestPassword:
		return &PasswordError{"max", fmt.Sprintf("Use at most %d bytes.", LongestPassword)}
	case utf8.RuneCountInString(norm.NFC.String(password)) < ShortestPassword:
		return &PasswordError{"min", fmt.Sprintf("Use at least %d characters. A few words in a row are easy to remember.", ShortestPassword)}
	}
	return nil
}

// hasher hashes as many passwords at once as there are processors but one, and lets only so many wait: each hash takes 19 MiB and a
// processor for 50 ms, and a flood of sign-ins must exhaust neither memory nor patience, nor hold up those who are signed in.
type hasher struct {
	slots *semaphore.Weighted
	// inside are those who hash or wait; room is how many may.
	inside atomic.Int64
	room   int64
	// decoy is compared with where there is no member, so that an unknown address takes as long as a wrong password.
	decoy string
}

const queue = 64

// makeDecoy is done once in a process, which may have a hasher for every test.
var makeDecoy = sync.OnceValues(func() (string, error) { return argon2id.CreateHash("a password that nobody has", cost) })

func newHasher() (*hasher, error) {
	decoy, err := makeDecoy()
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	slots := int64(max(1, runtime.GOMAXPROCS(0)-1))
	return &hasher{slots: semaphore.NewWeighted(slots), room: slots + queue, decoy: decoy}, nil
}

// enter lets somebody in to hash, or returns ErrBusy where too many wait. It comes before everything else that an attempt costs: most of a
// crowd are refused here. Whoever was let in has to leave.
func (h *hasher) enter() error {
	if h.inside.Add(1) > h.room {
		h.leave()
		return ErrBusy
	}
	return nil
}

func (h *hasher) leave() { h.inside.Add(-1) }

// hash makes the stored form of a password: a PHC string of argon2id over its NFC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(); err != nil {
		return "", err
	}
	defer h.leave()
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer h.slots.Release(1)
	hash, err := argon2id.CreateHash(norm.NFC.String(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// matches compares a password with a stored hash; with the decoy, and in vain, where the hash is empty. It is for somebody who was let in.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer h.slots.Release(1)
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	matches, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return matches && known, nil
}
