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

// The bounds of a password. NIST SP 800-63B-4 requires 15 characters if the password is the only
// factor, and no rules about which characters. A longer password is refused before it is hashed.
const (
	ShortestPassword = 15   // characters
	LongestPassword  = 1024 // bytes
)

// cost is OWASP's second recommendation for argon2id (RFC 9106): about 50 ms and 19 MiB a hash.
var cost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// ErrBusy is returned if the queue of passwords to hash is full.
var ErrBusy = refusal.New("too many sign-ins at once")

// BusyFor is how long a client should wait after ErrBusy.
const BusyFor = 2 * time.Second

// PasswordError describes what is wrong with a new password.
type PasswordError struct{ Code, Message string }

func (e *PasswordError) Error() string { return "password: " + e.Message }

// Refusal implements [refusal.Refusal].
func (e *PasswordError) Refusal() {}

// checkNewPassword returns a [*PasswordError] if the password is too short, too long or easy to
// guess. The context holds public facts of the account: the names of the organization and the
// member, and the address.
func checkNewPassword(password string, context ...string) error {
	switch {
	case len(password) > LongestPassword:
		return &PasswordError{"max", fmt.Sprintf("Use at most %d bytes.", LongestPassword)}
	case utf8.RuneCountInString(norm.NFC.String(password)) < ShortestPassword:
		return &PasswordError{"min", fmt.Sprintf("Use at least %d characters. A few words in a row are easy to remember.", ShortestPassword)}
	case commonPasswords()[fold.Key(password)], hasLittleOwn(password, commonWords):
		return &PasswordError{"common", "Many people use a password like this, so it is among the first to be tried. Choose another."}
	case hasLittleOwn(password, strings.FieldsFunc(fold.Key(strings.Join(append(context, "curfew"), " ")), notInWords)):
		return &PasswordError{"context", "This is little more than names that go with this account. Add a few words that do not."}
	}
	return nil
}

// minOwnCharacters is how many letters and digits a password needs next to common words, words of
// its context, and runs such as "1234567" or "aaaa".
const minOwnCharacters = 8

// commonWords are what the most frequent passwords are made of. The web app has the same list.
var commonWords = strings.Fields(`password passwort passw0rd p@ssw0rd iloveyou qwerty qwertz azerty
	asdfgh zxcvbn welcome letmein admin login secret changeme default hello dragon monkey football
	baseball sunshine princess superman batman master shadow trustno1 whatever starwars computer
	internet freedom abc123 1q2w3e 1qaz2wsx`)

// hasLittleOwn reports whether a password is little more than some of the words, and runs. A
// password of other characters than letters and digits is not judged.
func hasLittleOwn(password string, words []string) bool {
	whole := fold.Key(password)
	rest := whole
	words = slices.SortedFunc(slices.Values(words), func(a, b string) int { return len(b) - len(a) }) // the longest first: one may be part of another
	for _, word := range words {
		if utf8.RuneCountInString(word) >= 3 {
			rest = strings.ReplaceAll(rest, word, " ")
		}
	}
	given := len([]rune(strings.Join(strings.FieldsFunc(whole, notInWords), "")))
	return ownCharacters(rest) < min(minOwnCharacters, given)
}

// ownCharacters counts letters and digits, of each run the first two.
func ownCharacters(text string) (own int) {
	var last, step rune
	for _, r := range text {
		if !notInWords(r) && (r-last != step || step < -1 || step > 1) {
			own++
		}
		last, step = r, r-last
	}
	return own
}

func notInWords(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// common holds the passwords of at least 15 characters among the million most frequent of Mark
// Burnett's ten million leaked passwords (public domain): in lower case, the most frequent first.
//
//go:embed common-passwords.txt.gz
var common []byte

// commonPasswords unpacks the list on first use, in about 5 ms.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	unpacked, err := gzip.NewReader(bytes.NewReader(common))
	if err != nil {
		panic(err) // the list is part of the program
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

// hasher hashes at most one password per processor, on all processors but one, and limits how many
// wait. A hash takes 19 MiB and a processor for 50 ms, so a flood of sign-ins must not exhaust
// memory or slow signed-in members.
//
// Attempts wait in lanes, which take turns. So a crowd does not fill the seats of known devices,
// which wait for at most one attempt of the crowd at each processor.
type hasher struct {
	slots *semaphore.Weighted
	lanes [3]struct {
		turn    *semaphore.Weighted
		waiting atomic.Int64
	}
	// clients holds the clients with a waiting attempt, in lanes where each may have one.
	clients sync.Map
	// seed and visits are used by impatient.
	seed   maphash.Seed
	visits [1 << 16]atomic.Int64
}

const queue = 64

// lane is a part of the queue.
type lane int

const (
	// crowd is for unknown clients, in their order.
	crowd lane = iota
	// newcomers is for unknown clients while the crowd is full: one attempt for each network that
	// had no seat here lately.
	newcomers
	// trusted is for members on known devices, one attempt each, and for clients with a valid link
	// or session.
	trusted
)

// seats is how many attempts may wait in each lane.
var seats = [...]int64{crowd: queue / 2, newcomers: queue / 4, trusted: queue / 4}

// seat is the place of an attempt in the queue. The attempt leaves it when its hash begins.
type seat struct {
	hasher *hasher
	lane   lane
	client string
	taken  bool
}

// impatient reports whether unknown clients of a network come more often than [BusyFor] allows,
// while the queue is full. They get no seat among the newcomers: clients that ignore Retry-After
// would take all of them before clients that wait. Networks are counted in memory, by a hash. If
// two share one, the patient network waits with the crowd.
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

// trustedSeat returns a seat for a trusted client. If the lane is full, as after all sessions were
// revoked, it is in the crowd.
func (h *hasher) trustedSeat(client string) *seat {
	s := &seat{hasher: h, lane: trusted, client: client}
	if h.full(trusted) {
		s.lane = crowd
	}
	return s
}

// take takes the seat. It returns ErrBusy if the lane is full or the client already waits in it.
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

// leave frees the seat, once.
func (s *seat) leave() {
	if !s.taken {
		return
	}
	s.taken = false
	s.hasher.clients.Delete(s.client)
	s.hasher.lanes[s.lane].waiting.Add(-1)
}

// begin waits for a processor. It first takes the seat, unless it is taken.
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

// decoy is a hash that no password matches, of the same cost as others. It is compared for an
// unknown address, which so takes as long as a wrong password.
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

// full reports whether the lane has no seat left. It is checked first, because the rest of an
// attempt costs more.
func (h *hasher) full(l lane) bool { return h.lanes[l].waiting.Load() >= seats[l] }

// hash returns the stored form of a password: a PHC string of argon2id over its NFC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	end, err := h.trustedSeat("").begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	hash, err := argon2id.CreateHash(norm.NFC.String(password), cost)
	return hash, during("hash a password", err)
}

// matches reports whether a password matches a stored hash. An empty hash never matches, after the
// same time.
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
