package member

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Attempts at a password are paced by buckets that the store keeps, so that a restart empties none. Every attempt takes from
// all of its buckets before anything is hashed, which makes a burst in parallel worth no more than one after the
// other. A success gives back what it took, and forgives what the same client had got wrong before.
//
// Guessers are slowed by account and by address. A stranger who uses up an account's bucket does not lock its owner out: a
// client that the member has signed in from before (a known device, or a familiar address) has a bucket of its own.

// Bucket is the pace of one kind of attempt: Burst at once, then one every Every.
type Bucket struct {
	Key   string
	Burst int
	Every time.Duration
	// Own tells that the bucket belongs to one client at one account, so that a success there empties it.
	Own bool
}

// Origin is where an attempt comes from.
type Origin struct {
	Address   string
	UserAgent string
	// Device is the name of a device on which the member Known has signed in before; empty for none.
	Device string
	Known  ID
}

// ThrottledError is given for an attempt that comes too early.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts; the next one in %s", e.RetryAfter)
}

// Refusal implements [refusal.Refusal].
func (e *ThrottledError) Refusal() {}

// familiarFor is how long an address stays familiar after a sign-in from there.
const familiarFor = 30 * 24 * time.Hour

// strangerBuckets pace an attempt from a client that nothing is known of.
func strangerBuckets(canonicalEmail, address string) []Bucket {
	account := digest(canonicalEmail)
	return []Bucket{
		{"account " + account, 30, 10 * time.Second, false},
		addressBucket(address),
		{"account " + account + " address " + network(address), 10, 15 * time.Second, true},
	}
}

// addressBucket paces what comes from one address, whomever it is about.
func addressBucket(address string) Bucket {
	return Bucket{"address " + network(address), 60, 2 * time.Second, false}
}

// knownBucket paces an attempt from a client that the member is known to use, by its device or else its address.
func knownBucket(id ID, client string) []Bucket {
	return []Bucket{{"member " + id.String() + " client " + client, 10, 15 * time.Second, true}}
}

// digest keeps what people type into the e-mail field out of the database: it may be a password.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// network is the address, or for IPv6 the /64 that it is in: one host has all of that.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() || addr.Is4In6() {
		return address
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// codeBucket paces codes of a second factor, which come after a right password. There are a million of them, and two are right at any time: ten
// at once and one every ten minutes leave a guesser who knows the password less than one chance in three thousand a day.
func codeBucket(of Bucket) Bucket {
	return Bucket{of.Key + " code", 10, 10 * time.Minute, of.Own}
}

// halfwayBucket paces what is recorded of right passwords without a code, of one account by whatever client: each is a sign of the same.
func halfwayBucket(of Bucket) Bucket {
	return Bucket{of.Key + " halfway", 3, 10 * time.Minute, false}
}

// notOwn are the buckets with none that a success empties.
func notOwn(buckets []Bucket) []Bucket {
	shared := slices.Clone(buckets)
	for i := range shared {
		shared[i].Own = false
	}
	return shared
}
