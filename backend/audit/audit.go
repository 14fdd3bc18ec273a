// Package audit is what is worth remembering: who did what, to what, from where and when.
//
// An entry is written in the transaction of what it records, so that one never exists without the
// other. Entries form a chain: each carries a hash over its own content and its predecessor's
// hash, so that a changed, removed or reordered entry breaks every hash after it.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Action names what was done. The names are stable: people filter and alert by them.
type Action string

// Everything that Curfew records.
const (
	OrganizationSetUp       Action = "organization.set_up"
	PolicySaved             Action = "policy.saved"
	SessionStarted          Action = "session.started"
	SessionRefused          Action = "session.refused"
	SessionEnded            Action = "session.ended"
	SessionsRevokedAll      Action = "sessions.revoked_all"
	Reauthenticated         Action = "session.reauthenticated"
	ReauthenticationRefused Action = "session.reauthentication_refused"
	PasswordReset           Action = "member.password_reset"
	PasswordChanged         Action = "member.password_changed"
	MemberInvited           Action = "member.invited"
	MemberChanged           Action = "member.changed"
	MemberRemoved           Action = "member.removed"
	OrganizationRenamed     Action = "organization.renamed"
	MemberRevoked           Action = "member.sessions_revoked"
	LinkIssued              Action = "member.link_issued"
	LinkUsed                Action = "member.link_used"
	BackedUp                Action = "database.backed_up"
	Restored                Action = "database.restored"
	TimeAccepted            Action = "clock.accepted"
	ChainRepaired           Action = "audit.chain_repaired"
	Exported                Action = "audit.exported"
	SecondFactorSet         Action = "member.second_factor_set"
	SecondFactorRemoved     Action = "member.second_factor_removed"
	RecoveryCodesMade       Action = "member.recovery_codes_made"
	RecoveryCodeUsed        Action = "member.recovery_code_used"
	PasskeyAdded            Action = "member.passkey_added"
	PasskeyRemoved          Action = "member.passkey_removed"
	SecondFactorDemanded    Action = "sign_in.second_factor_demanded"
)

// Actor is who did it, with the name they had then: an entry outlives a change of name.
type Actor struct {
	// ID is the member's; empty when no member acted.
	ID string
	// Name is the member's, or one of [Nobody], [System] and [Operator].
	Name string
}

// Actors who are not members. None of them has an id, so no member is ever taken for one of them, whatever their name.
var (
	// Nobody is somebody who has not proved who they are.
	Nobody = Actor{Name: "nobody"}
	// System is Curfew itself, as when a session's time runs out.
	System = Actor{Name: "Curfew"}
	// Removed stands where a member stood who was removed, but in entries of the log.
	Removed = Actor{Name: "a removed member"}
	// Operator is whoever runs the command line on the server's host.
	Operator = Actor{Name: "the server's operator"}
)

// Caller is who asks for a change, and through which session. Whoever stores the change checks in the same transaction that the
// session is alive by its generations: a request that was paused after the check must not take effect after a revocation.
type Caller struct {
	Actor Actor
	// Session is the id of the caller's session; empty for those who have none.
	Session string
	// Address is the caller's network address.
	Address string
}

// IsOperator tells that the change is the operator's, who has no session that could be over.
func (c Caller) IsOperator() bool { return c.Actor == Operator && c.Session == "" }

// Event is one thing that happened.
type Event struct {
	At     time.Time
	Action Action
	Actor  Actor
	// Target names what it was done to, as "session:<id>", "member:<id>" or "organization".
	Target string
	// Address is the client's network address; empty for the system and the operator.
	Address string
	// Details are the facts of the action, such as the values before and after. They never hold a secret.
	Details map[string]any
}

// Entry is an event with its place in the chain.
type Entry struct {
	Event
	// Sequence counts entries from 1, without gaps.
	Sequence int64
	Hash     Hash
	// Encoded is the details as JSON, byte for byte as the hash covers them and the store keeps them: what is read back from JSON
	// need not be written in the same way again.
	Encoded []byte
}

// Filter picks entries of the log.
type Filter struct {
	// Concerning picks what the member of that id did, and what was done to them or to one of their sessions; empty for everything.
	Concerning string
	// WithEverybody adds to what concerns a member what ended everybody's sessions since their
	// account began.
	WithEverybody bool
	// Action picks one kind of entry; empty for all.
	Action Action
	// Since and Until pick a span of time, the latter exclusive; zero for no bound.
	Since, Until time.Time
	// Before picks entries that come after that place in the list; zero for its beginning.
	Before Place
	Limit  int
}

// Place is a place in the list of entries, which is ordered by the time of what happened, and within a millisecond by sequence. The
// two orders differ a little: a session that ran out is recorded some time after it did.
type Place struct {
	At       time.Time
	Sequence int64
}

// Reader is where the log is read.
type Reader interface {
	Log
	// Entries are what the filter picks, the newest first.
	Entries(ctx context.Context, filter Filter) ([]Entry, error)
}

// Store is where the log is kept.
type Store interface {
	Reader
	// Record adds an event that changes nothing else.
	Record(ctx context.Context, event Event) error
}

// Hash seals an entry and, through it, all entries before it. The first entry's predecessor is the zero hash.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Seal gives the event its place after the entry that has the given sequence and hash. Times count in
// milliseconds, which is what the store keeps.
func Seal(sequence int64, previous Hash, e Event) (Entry, error) {
	// A map is encoded in the order of its keys, so equal details have equal bytes.
	encoded, err := json.Marshal(e.Details)
	if err != nil {
		return Entry{}, fmt.Errorf("seal audit entry %q: %w", e.Action, err)
	}
	entry := Entry{Event: e, Sequence: sequence + 1, Encoded: encoded}
	entry.Hash, err = entry.after(previous)
	return entry, err
}

// after is the hash that the entry has to have if the one before it has the given hash.
func (e Entry) after(previous Hash) (Hash, error) {
	// A struct is encoded in the order of its fields, so equal entries have equal bytes.
	sealed, err := json.Marshal(struct {
		Previous  string `json:"previous"`
		Sequence  int64  `json:"sequence"`
		At        int64  `json:"at"`
		Action    Action `json:"action"`
		ActorID   string `json:"actorId"`
		ActorName string `json:"actorName"`
		Target    string `json:"target"`
		Address   string `json:"address"`
	}{previous.String(), e.Sequence, e.At.UnixMilli(), e.Action, e.Actor.ID, e.Actor.Name, e.Target, e.Address})
	if err != nil {
		return Hash{}, fmt.Errorf("seal audit entry %q: %w", e.Action, err)
	}
	sealed = append(sealed[:len(sealed)-1], `,"details":`...)
	sealed = append(append(sealed, e.Encoded...), '}')
	return sha256.Sum256(sealed), nil
}
