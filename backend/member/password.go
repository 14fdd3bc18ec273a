package member

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"curfew/backend/fold"
	"curfew/backend/refusal"
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
var ErrBusy = refusal.New("too many sign-ins at once")

// PasswordError says what is wrong with a new password.
type PasswordError struct{ Code, Message string }

func (e *PasswordError) Error() string { return "password: " + e.Message }

// Refusal implements [refusal.Refusal].
func (e *PasswordError) Refusal() {}

// checkNewPassword returns a [*PasswordError] for a password that is too short or too long, or among the first that a guesser would try.
// The context is what stands about the account in plain sight: the names of the organization and of the member, and the address.
func checkNewPassword(password string, context ...string) error {
	switch {
	case len(password) > LongestPassword:
		return &PasswordError{"max", fmt.Sprintf("Use at most %d bytes.", LongestPassword)}
	case utf8.RuneCountInString(norm.NFC.String(password)) < ShortestPassword:
		return &PasswordError{"min", fmt.Sprintf("Use at least %d characters. A few words in a row are easy to remember.", ShortestPassword)}
	case commonPasswords()[fold.Key(password)]:
		return &PasswordError{"common", "Many people use this password, so it is among the first to be tried. Choose another."}
	case ofContext(password, context):
		return &PasswordError{"context", "This is little more than names that go with this account. Add a few words that do not."}
	}
	return nil
}

// fewestBeside is how many letters and digits a password needs beside the words of its context.
const fewestBeside = 8

// ofContext tells whether a password is little more than words of its context, or the product's name.
func ofContext(password string, context []string) bool {
	whole := fold.Key(password)
	rest := whole
	words := strings.FieldsFunc(fold.Key(strings.Join(append(context, "curfew"), " ")), notInWords)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the longest first: one may be part of another
	for _, word := range words {
		if utf8.RuneCountInString(word) >= 3 {
			rest = strings.ReplaceAll(rest, word, " ")
		}
	}
	return rest != whole && utf8.RuneCountInString(strings.Join(strings.FieldsFunc(rest, notInWords), "")) < fewestBeside
}

func notInWords(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// common is every password of at least fifteen characters among the million most frequent ones of Mark Burnett's collection of ten million
// that leaked, which is in the public domain; in lower case, the most frequent one first. Shorter ones are refused for their length.
//
//go:embed common-passwords.txt.gz
var common []byte

// commonPasswords unpacks the list when it is first needed, which takes 5 ms.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	unpacked, err := gzip.NewReader(bytes.NewReader(common))
	if err != nil {
		panic(err) // it is part of the program
	}
	list := map[string]bool{}
	lines := bufio.NewScanner(unpacked)
	for lines.Scan() {
		list[fold.Key(lines.Text())] = true
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
	return list
})

// hasher hashes as many passwords at once as there are processors but one, and lets only so many wait: each hash takes 19 MiB and a
// processor for 50 ms, and a flood of sign-ins must exhaust neither memory nor patience, nor hold up those who are signed in.
type hasher struct {
	slots   *semaphore.Weighted
	waiting atomic.Int64
}

const queue = 64

// decoy is what is compared with where there is no member, so that an unknown address takes as long as a wrong password. It says that it cost as
// much as any other, and was never worked out: no start waits for it.
var decoy = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cost.Memory, cost.Iterations, cost.Parallelism,
	base64.RawStdEncoding.EncodeToString(make([]byte, cost.SaltLength)), base64.RawStdEncoding.EncodeToString(make([]byte, cost.KeyLength)))

func newHasher() *hasher {
	return &hasher{slots: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)-1)))}
}

// full tells that one more would be refused. Whoever asks this first spares a crowd all else that an attempt costs.
func (h *hasher) full() bool { return h.waiting.Load() >= queue }

// hash makes the stored form of a password: a PHC string of argon2id over its NFC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.slots.Release(1)
	hash, err := argon2id.CreateHash(norm.NFC.String(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// matches compares a password with a stored hash; with the decoy, and in vain, where the hash is empty.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.slots.Release(1)
	known := hash != ""
	if !known {
		hash = decoy
	}
	matches, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return matches && known, nil
}

func (h *hasher) enter(ctx context.Context) error {
	if h.waiting.Add(1) > queue {
		h.waiting.Add(-1)
		return ErrBusy
	}
	defer h.waiting.Add(-1)
	return h.slots.Acquire(ctx, 1)
}
