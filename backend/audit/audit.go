// Package audit describes the audit log: who did what, to what, from where and when.
//
// An entry is written in the transaction of the change that it records, so neither exists without
// the other. Entries form a chain: each carries a hash over its own content and its predecessor's
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

// Action names what was done. The names are stable, because people filter and alert by them.
type Action string

// The actions that Curfew records.
const (
	OrganizationSetUp       Action = "organization.set_up"
	PolicySaved             Action = "policy.saved"
	SessionStarted          Action = "session.started"
	SessionRefused          Action = "session.refused"
	SessionEnded            Action = "session.ended"
	SessionsRevokedAll      Action = "sessions.revoked_all"
	SessionsRevoked         Action = "sessions.revoked"
	SessionsExported        Action = "sessions.exported"
	Reauthenticated         Action = "session.reauthenticated"
	ReauthenticationRefused Action = "session.reauthentication_refused"
	PasswordReset           Action = "member.password_reset"
	PasswordChanged         Action = "member.password_changed"
	MemberInvited           Action = "member.invited"
	MemberChanged           Action = "member.changed"
	MemberRemoved           Action = "member.removed"
	OrganizationRenamed     Action = "organization.renamed"
	GuidelinesChosen        Action = "guidelines.chosen"
	OrganizationChanged     Action = "organization.changed"
	MemberRevoked           Action = "member.sessions_revoked"
	LinkIssued              Action = "member.link_issued"
	LinkUsed                Action = "member.link_used"
	BackedUp                Action = "database.backed_up"
	Restored                Action = "database.restored"
	TimeAccepted            Action = "clock.accepted"
	ChainRepaired           Action = "audit.chain_repaired"
	Exported                Action = "audit.exported"
	MembersExported         Action = "members.exported"
	HintDismissed           Action = "overview.dismissed"
	SecondFactorSet         Action = "member.second_factor_set"
	SecondFactorRemoved     Action = "member.second_factor_removed"
	RecoveryCodesMade       Action = "member.recovery_codes_made"
	RecoveryCodeUsed        Action = "member.recovery_code_used"
	PasskeyAdded            Action = "member.passkey_added"
	PasskeyRemoved          Action = "member.passkey_removed"
	SecondFactorRequired    Action = "sign_in.second_factor_demanded"
)

// Actor is who acted, with their name at the time.
type Actor struct {
	// ID is the member's id; empty if no member acted.
	ID string
	// Name is the member's name, or that of [Anonymous], [System] or [Operator].
	Name string
}

// The actors who are not members. They have no id, so a member of the same name is never one of
// them.
var (
	// Anonymous is a client that is not authenticated.
	Anonymous = Actor{Name: "nobody"}
	// System is Curfew itself, as when a session expires.
	System = Actor{Name: "Curfew"}
	// Removed replaces a member who was removed, except in entries of the log.
	Removed = Actor{Name: "a removed member"}
	// Operator runs the command line on the server's host.
	Operator = Actor{Name: "the server's operator"}
)

// Caller is who asks for a change, and through which session. The store checks in the transaction
// of the change that the session is alive: a request that was delayed after its check must not take
// effect after a revocation.
type Caller struct {
	Actor Actor
	// Session is the id of the caller's session; empty if there is none.
	Session string
	// Address is the caller's network address.
	Address string
}

// IsOperator reports whether the caller is the operator, who has no session.
func (c Caller) IsOperator() bool { return c.Actor == Operator && c.Session == "" }

// Event returns an event of the caller's.
func (c Caller) Event(at time.Time, action Action, target string, details map[string]any) Event {
	return Event{At: at, Action: action, Actor: c.Actor, Target: target, Address: c.Address, Details: details}
}

// Event describes what happened.
type Event struct {
	At     time.Time
	Action Action
	Actor  Actor
	// Target names what the action was done to, as "session:<id>", "member:<id>" or "organization".
	Target string
	// Address is the client's network address; empty for the system and the operator.
	Address string
	// Details hold the facts of the action, such as the values before and after. They never hold a
	// secret.
	Details map[string]any
}

// Entry is an event with its place in the chain.
type Entry struct {
	Event
	// Sequence counts entries from 1, without gaps.
	Sequence int64
	Hash     Hash
	// Encoded is the details as JSON, byte for byte as the hash covers them and the store keeps
	// them. Encoding them again could give other bytes.
	Encoded []byte
}

// Filter selects entries of the log.
type Filter struct {
	// Concerning selects what the member with that id did, and what was done to them or to one of
	// their sessions; empty for all.
	Concerning string
	// WithGlobal adds to Concerning what ended all sessions since the member's account began.
	WithGlobal bool
	// Action selects one kind of entry; empty for all.
	Action Action
	// Text is words that must all be found in the entry; see [Matcher]. Only a search takes it.
	Text string
	// Since and Until limit the time, Until exclusive; zero for no limit.
	Since, Until time.Time
	// Before selects entries that come after that place in the list; zero for all.
	Before Place
	Limit  int
}

// Place is a place in the list of entries, which is ordered by time and, within a millisecond, by
// sequence. The two orders differ, because the end of a session that expired is recorded later.
type Place struct {
	At       time.Time
	Sequence int64
}

// Place returns the entry's place in the list.
func (e *Entry) Place() *Place { return &Place{At: e.At, Sequence: e.Sequence} }

// Page is a part of the list. Next is the place before which the list goes on; nil at its end.
type Page struct {
	Entries []Entry
	Next    *Place
}

// Reader reads the log.
type Reader interface {
	Log
	// Entries returns the entries that the filter selects, the newest first. It ignores the text.
	Entries(ctx context.Context, filter Filter) ([]Entry, error)
	// Search returns the entries that the filter selects by text too, the newest first. It scans a
	// bounded part of the log, so it may return fewer than the limit, or none, with more to come.
	Search(ctx context.Context, filter Filter) (Page, error)
}

// Store keeps the log.
type Store interface {
	Reader
	// Record adds an event that changes nothing else.
	Record(ctx context.Context, event Event) error
}

// Hash seals an entry and, through it, all entries before it. The predecessor of the first entry is
// the zero hash.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Seal returns the event as the entry after the one with the given sequence and hash. Times count
// in milliseconds, as in the store.
func Seal(sequence int64, previous Hash, e Event) (Entry, error) {
	// json encodes a map in the order of its keys, so equal details have equal bytes.
	encoded, err := json.Marshal(e.Details)
	if err != nil {
		return Entry{}, fmt.Errorf("seal audit entry %q: %w", e.Action, err)
	}
	entry := Entry{Event: e, Sequence: sequence + 1, Encoded: encoded}
	entry.Hash, err = entry.after(previous)
	return entry, err
}

// after returns the hash that the entry must have after an entry with the given hash.
func (e Entry) after(previous Hash) (Hash, error) {
	// json encodes a struct in the order of its fields, so equal entries have equal bytes.
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
