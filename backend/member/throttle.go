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

// Attempts at a password are limited by leaky buckets in the store, so that a restart does not
// empty them. Each attempt takes from all of its buckets before anything is hashed, so parallel
// attempts gain nothing. A success returns what it took, and empties the buckets of that client at
// that account.
//
// Guessers are slowed by account and by network. Guesses at an account do not lock its owner out: a
// known device and a familiar address have their own buckets, and a part of the account's bucket is
// reserved for networks that have not failed there. Decision 6 has the table.

// Bucket limits one kind of attempt: Burst at once, then one every Every.
type Bucket struct {
	Key   string
	Burst int
	Every time.Duration
	// Own is true for the bucket of one client at one account, which a success there empties.
	Own bool
}

// Origin describes where an attempt comes from.
type Origin struct {
	Address   string
	UserAgent string
	// Device names a device on which the member Known signed in before; empty if there is none.
	Device string
	Known  ID
}

// ThrottledError is returned for an attempt that comes too early.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts; the next one in %s", e.RetryAfter)
}

// Refusal implements [refusal.Refusal].
func (e *ThrottledError) Refusal() {}

// familiarFor is how long an address stays familiar after a sign-in from it.
const familiarFor = 30 * 24 * time.Hour

// strangerBuckets returns the alternative sets of buckets for an unknown client. All unknown
// clients share the account's bucket. The less a network failed at the account lately, the more of
// it it may use.
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

// addressBuckets returns the buckets for attempts from one address at any account.
func addressBuckets(address string) []Bucket {
	return inNetworks(address, Bucket{"address", 60, 2 * time.Second, false})
}

// deviceBucket returns the bucket for attempts of a member on a known device.
func deviceBucket(id ID, device string) Bucket {
	return Bucket{"member " + id.String() + " client " + device, 10, 15 * time.Second, true}
}

// familiarBuckets returns the buckets for attempts of a member from a familiar address. All members
// in an office share one address, so the address has a larger bucket than for unknown clients.
func familiarBuckets(id ID, address string) []Bucket {
	return append([]Bucket{deviceBucket(id, network(address))}, inNetworks(address, Bucket{"familiar", 120, time.Second, false})...)
}

// returnedBucket limits what a known device gets back for attempts that never reached a hash.
func returnedBucket(device Bucket) Bucket {
	return Bucket{device.Key + " returned", device.Burst, device.Every, false}
}

// newcomerBucket allows a network one seat among the newcomers of the queue every ten minutes.
func newcomerBucket(address string) Bucket {
	return Bucket{"newcomer " + site(address), 1, 10 * time.Minute, false}
}

// successBucket limits the successful sign-ins or proofs of a member, named by the action that
// records their refusal.
func successBucket(id ID, refusal audit.Action) Bucket {
	return Bucket{"member " + id.String() + " success " + string(refusal), 100, 30 * time.Second, false}
}

// halfwayBucket limits right passwords without a code, which cost a hash and return what they took.
// Each network has its own, so that a thief of the password does not use up the member's.
func halfwayBucket(of Bucket, address string) Bucket {
	return Bucket{of.Key + " halfway " + site(address), 100, 30 * time.Second, false}
}

// entryBuckets limits the audit entries of one kind of refusal, so that strangers cannot fill the
// log. Further refusals are counted. The target is the member's, or empty for an unknown account.
func entryBuckets(action audit.Action, wrong, target, address string) []Bucket {
	kind := "entry " + string(action) + " " + wrong
	few := Bucket{kind + " " + target + " " + site(address), 10, 10 * time.Minute, false}
	if wrong == noCode { // each is a sign of the same theft, from any client
		few = Bucket{kind + " " + target, 3, 10 * time.Minute, false}
	}
	return []Bucket{few, {kind, 200, time.Minute, false}}
}

// digest hashes what people type into the e-mail field, because it may be a password.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// networks returns the networks of an address, the narrowest first. For IPv6 these are the /64 of a
// host, the /56 of a home and the /48 of an organization. For IPv4 it is only the address, because
// the hosts of a /24 are unrelated.
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

// network returns the narrowest network of an address, and site the widest.
func network(address string) string { return networks(address)[0] }
func site(address string) string    { all := networks(address); return all[len(all)-1] }

// inNetworks returns a bucket for each network of an address. Each wider one is twice as large and
// empties twice as fast.
func inNetworks(address string, b Bucket) []Bucket {
	var buckets []Bucket
	for i, network := range networks(address) {
		buckets = append(buckets, Bucket{b.Key + " " + network, b.Burst << i, b.Every >> i, b.Own})
	}
	return buckets
}

// codeBucket limits codes of a second factor, which come after a right password. Three of a million
// are right at any time. With ten at once and one every ten minutes, a guesser who knows the
// password has less than one chance in 2,000 a day.
func codeBucket(of Bucket) Bucket {
	return Bucket{of.Key + " code", 10, 10 * time.Minute, of.Own}
}

// notOwn returns the buckets with Own cleared.
func notOwn(buckets []Bucket) []Bucket {
	shared := slices.Clone(buckets)
	for i := range shared {
		shared[i].Own = false
	}
	return shared
}
