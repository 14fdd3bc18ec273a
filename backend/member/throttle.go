package member

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"curfew/backend/audit"
)

// Attempts at a password are paced by buckets in the store, so that a restart empties none. Every
// attempt takes from all of its buckets before anything is hashed, so a burst in parallel is worth
// no more than the same attempts in a row. A success gives back what it took, and empties the
// buckets of the same client at the same account.
//
// Guessers are slowed by account and by network. Guesses at an account do not lock its owner out: a
// known device and a familiar address have buckets of their own, and a part of the account's bucket
// is kept for networks that have not failed there. Decision 6 has the table.

// Bucket is the pace of one kind of attempt: Burst at once, then one every Every.
type Bucket struct {
	Key   string
	Burst int
	Every time.Duration
	// Own marks a bucket of one client at one account, which a success there empties.
	Own bool
}

// Origin is where an attempt comes from.
type Origin struct {
	Address   string
	UserAgent string
	// Device names a device on which the member Known has signed in before; empty for none.
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

// strangerBuckets pace an attempt from a client of which nothing is known. The sets are
// alternatives: all strangers share the account's bucket, and a network may use more of it the less
// it has failed at the account lately.
func strangerBuckets(canonicalEmail, address string) [][]Bucket {
	account := "account " + digest(canonicalEmail)
	failed := account + " failed " + site(address)
	every := append(addressBuckets(address), inNetworks(address, Bucket{account + " address", 10, 15 * time.Second, true})...)
	return [][]Bucket{
		append([]Bucket{{account, 300, 10 * time.Second, false}, {failed, 1, time.Hour, false}}, every...),
		append([]Bucket{{account, 100, 10 * time.Second, false}, {failed, 3, time.Hour, false}}, every...),
		append([]Bucket{{account, 30, 10 * time.Second, false}}, every...),
	}
}

// addressBuckets pace attempts from one address at any account.
func addressBuckets(address string) []Bucket {
	return inNetworks(address, Bucket{"address", 60, 2 * time.Second, false})
}

// deviceBucket paces attempts of a member on one of their known devices.
func deviceBucket(id ID, device string) Bucket {
	return Bucket{"member " + id.String() + " client " + device, 10, 15 * time.Second, true}
}

// familiarBuckets pace attempts of a member from a familiar address. Everybody in an office comes
// from one address, so all members together get a wider bucket there than strangers do.
func familiarBuckets(id ID, address string) []Bucket {
	return append([]Bucket{deviceBucket(id, network(address))}, inNetworks(address, Bucket{"familiar", 120, time.Second, false})...)
}

// returnedBucket bounds what a known device gets back for attempts that never reached a hash.
func returnedBucket(device Bucket) Bucket {
	return Bucket{device.Key + " returned", device.Burst, device.Every, false}
}

// newcomerBucket has room for a network that took no place among the newcomers of the queue lately.
func newcomerBucket(address string) Bucket {
	return Bucket{"newcomer " + site(address), 1, 10 * time.Minute, false}
}

// successBucket paces what a member succeeds at, which strangers never reach: sign-ins or proofs,
// named by the action that records a refusal.
func successBucket(id ID, refusal audit.Action) Bucket {
	return Bucket{"member " + id.String() + " success " + string(refusal), 100, 30 * time.Second, false}
}

// halfwayBucket paces right passwords without a code, which cost a hash and give back what they took.
// It is one for each network, so that a thief of the password does not use it up for the member.
func halfwayBucket(of Bucket, address string) Bucket {
	return Bucket{of.Key + " halfway " + site(address), 100, 30 * time.Second, false}
}

// entryBuckets pace the audit entries of one kind of refusal, so that strangers cannot fill the
// log. What does not fit is counted. The target is the member's, or empty for an unknown account.
func entryBuckets(action audit.Action, wrong, target, address string) []Bucket {
	kind := "entry " + string(action) + " " + wrong
	few := Bucket{kind + " " + target + " " + site(address), 10, 10 * time.Minute, false}
	if wrong == noCode { // each is a sign of the same theft, by whatever client
		few = Bucket{kind + " " + target, 3, 10 * time.Minute, false}
	}
	return []Bucket{few, {kind, 200, time.Minute, false}}
}

// digest keeps what people type into the e-mail field out of the database: it may be a password.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// networks returns the networks of an address, the narrowest first. For IPv6 these are its /64,
// which one host has to itself, its /56, which a home is given, and its /48, which an organization
// is given. For IPv4 it is the address alone: neighbours in a /24 have nothing to do with each
// other, and must not use up each other's attempts.
func networks(address string) []string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return []string{address}
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return []string{addr.String()}
	}
	var found []string
	for _, bits := range []int{64, 56, 48} {
		found = append(found, netip.PrefixFrom(addr, bits).Masked().String())
	}
	return found
}

// network is the narrowest network of an address, and site the widest.
func network(address string) string { return networks(address)[0] }
func site(address string) string    { all := networks(address); return all[len(all)-1] }

// inNetworks returns the bucket for each network of an address. Each wider one is twice as large
// and fills twice as fast.
func inNetworks(address string, b Bucket) []Bucket {
	var buckets []Bucket
	for i, network := range networks(address) {
		buckets = append(buckets, Bucket{b.Key + " " + network, b.Burst << i, b.Every >> i, b.Own})
	}
	return buckets
}

// codeBucket paces codes of a second factor, which come after a right password. There are a million
// of them, and three are right at any time: ten at once and one every ten minutes leave a guesser
// who knows the password less than one chance in two thousand a day.
func codeBucket(of Bucket) Bucket {
	return Bucket{of.Key + " code", 10, 10 * time.Minute, of.Own}
}

// notOwn returns the buckets with none that a success empties.
func notOwn(buckets []Bucket) []Bucket {
	shared := slices.Clone(buckets)
	for i := range shared {
		shared[i].Own = false
	}
	return shared
}
