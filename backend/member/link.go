package member

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// LinkKind is what a one-time link is for.
type LinkKind string

// The kinds of links, each with its lifetime.
const (
	Invitation LinkKind = "invitation" // a week
	Reset      LinkKind = "reset"      // a day
)

func (k LinkKind) lifetime() time.Duration {
	if k == Invitation {
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// Link is a one-time link to set a password. The store keeps only its hash.
type Link struct {
	Kind      LinkKind
	Hash      [sha256.Size]byte
	CreatedAt time.Time
	ExpiresAt time.Time
	// By is the name of the member who issued it, as read with it; empty for the operator.
	By string
}

// newLink returns a link and its secret of 256 random bits.
func newLink(kind LinkKind, now time.Time) (Link, string) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails: it ends the program first
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return Link{Kind: kind, Hash: sha256.Sum256([]byte(secret)), CreatedAt: now, ExpiresAt: now.Add(kind.lifetime())}, secret
}

// Issue holds the generations under which a link was issued, and the issuer and the organization as
// they are now. Whether a link works depends on the rights of its issuer when it is used.
type Issue struct {
	// ByOperator is true if the server's operator issued it.
	ByOperator bool
	// Issuer is the member who issued it, as they are now; nil if they were removed.
	Issuer *Member
	// The generations of the organization, the member and the issuer, as of the issue.
	Generation, MemberGeneration, IssuerGeneration uint64
	// CurrentGeneration is the organization's generation now.
	CurrentGeneration uint64
}

// Holds reports whether the link of that member still works: the member is active, no revocation
// came since the issue, and its issuer is active and may still manage the member.
func (i Issue) Holds(of Member) bool {
	switch {
	case !of.Active, i.Generation != i.CurrentGeneration, i.MemberGeneration != of.Generation:
		return false
	case i.ByOperator:
		return true
	}
	return i.Issuer != nil && i.Issuer.Active && i.IssuerGeneration == i.Issuer.Generation && mayManage(*i.Issuer, of, of)
}
