package member

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
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

// BusyFor is how long to wait after ErrBusy.
const BusyFor = 2 * time.Second

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

// hasher hashes as many passwords at once as there are processors but one, and lets only so many
// wait: each hash takes 19 MiB and a processor for 50 ms, and a flood of sign-ins must exhaust
// neither memory nor patience, nor hold up those who are signed in.
//
// Attempts wait in lanes, which take turns. So a crowd neither fills the seats of known devices nor
// makes them wait for more than one of its own at each processor.
type hasher struct {
	slots *semaphore.Weighted
	lanes [3]struct {
		turn    *semaphore.Weighted
		waiting atomic.Int64
	}
	// clients are those that have an attempt waiting, where each may have one.
	clients sync.Map
	// seed and visits are for impatient.
	seed   maphash.Seed
	visits [1 << 16]atomic.Int64
}

const queue = 64

// lane is one of the parts of the queue.
type lane int

const (
	// crowd is for strangers, in the order in which they come.
	crowd lane = iota
	// newcomers is for strangers when the seats of the crowd are taken: one attempt for each
	// network that has not had a seat here lately.
	newcomers
	// trusted is for members on known devices, one attempt for each member, and for those who have
	// proved to hold a link or a session.
	trusted
)

// seats are how many may wait in each lane.
var seats = [...]int64{crowd: queue / 2, newcomers: queue / 4, trusted: queue / 4}

// seat is the place of an attempt in the queue. It is left when the hash begins.
type seat struct {
	hasher *hasher
	lane   lane
	client string
	taken  bool
}

// impatient reports whether strangers of a network come more often than [BusyFor] asks for, while the
// queue is full. They get no seat among the newcomers, or a crowd that does not wait would take each
// before a client that does. Networks are counted in memory, by a hash: of two that share one, the
// patient one only has to wait with the crowd.
func (h *hasher) impatient(network string, now time.Time) bool {
	const burst = 10
	visits := &h.visits[maphash.String(h.seed, network)%uint64(len(h.visits))]
	emptyAt := time.UnixMilli(visits.Load())
	if emptyAt.Before(now) {
		emptyAt = now
	}
	emptyAt = emptyAt.Add(BusyFor)
	if most := now.Add(2 * burst * BusyFor); emptyAt.After(most) {
		emptyAt = most
	}
	visits.Store(emptyAt.UnixMilli())
	return emptyAt.Sub(now) > burst*BusyFor
}

// trustedSeat returns a seat for a trusted client. Where many come at the same time, as after
// everybody was signed out, they may have those of the crowd too.
func (h *hasher) trustedSeat(client string) *seat {
	s := &seat{hasher: h, lane: trusted, client: client}
	if h.full(trusted) {
		s.lane = crowd
	}
	return s
}

// take takes the seat, or returns ErrBusy where the lane is full or the client waits in it already.
func (s *seat) take() error {
	lane := &s.hasher.lanes[s.lane]
	if lane.waiting.Add(1) > seats[s.lane] {
		lane.waiting.Add(-1)
		return ErrBusy
	}
	if s.client != "" {
		if _, waits := s.hasher.clients.LoadOrStore(s.client, nil); waits {
			lane.waiting.Add(-1)
			return ErrBusy
		}
	}
	s.taken = true
	return nil
}

// leave gives the seat up, once.
func (s *seat) leave() {
	if !s.taken {
		return
	}
	s.taken = false
	s.hasher.clients.Delete(s.client)
	s.hasher.lanes[s.lane].waiting.Add(-1)
}

// begin waits for a processor. It takes the seat first, unless that was done before.
func (s *seat) begin(ctx context.Context) (end func(), err error) {
	if !s.taken {
		if err := s.take(); err != nil {
			return nil, err
		}
	}
	defer s.leave()
	turn := s.hasher.lanes[s.lane].turn
	if err := turn.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := s.hasher.slots.Acquire(ctx, 1); err != nil {
		turn.Release(1)
		return nil, err
	}
	return func() {
		s.hasher.slots.Release(1)
		turn.Release(1)
	}, nil
}

// decoy is what is compared with where there is no member, so that an unknown address takes as long as a wrong password. It says that it cost as
// much as any other, and was never worked out: no start waits for it.
var decoy = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cost.Memory, cost.Iterations, cost.Parallelism,
	base64.RawStdEncoding.EncodeToString(make([]byte, cost.SaltLength)), base64.RawStdEncoding.EncodeToString(make([]byte, cost.KeyLength)))

func newHasher() *hasher {
	processors := int64(max(1, runtime.GOMAXPROCS(0)-1))
	h := &hasher{slots: semaphore.NewWeighted(processors), seed: maphash.MakeSeed()}
	for i := range h.lanes {
		h.lanes[i].turn = semaphore.NewWeighted(processors)
	}
	return h
}

// full reports whether one more would be refused. Asking this first spares a crowd all else that an
// attempt costs.
func (h *hasher) full(l lane) bool { return h.lanes[l].waiting.Load() >= seats[l] }

// hash makes the stored form of a password: a PHC string of argon2id over its NFC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	end, err := h.trustedSeat("").begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	hash, err := argon2id.CreateHash(norm.NFC.String(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// matches compares a password with a stored hash; with the decoy, and in vain, where the hash is empty.
func (s *seat) matches(ctx context.Context, password, hash string) (bool, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer end()
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
