package session

import (
	"context"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Store is what the service asks of storage. Each method is one transaction, with its audit entries inside, and has
// reached the disk when it returns. A missing row is ErrNotFound; any other error that is not of this
// package is trouble with storage.
//
// The methods that take a caller judge them in their transaction: they return ErrCallerEnded if the caller's session has
// ended by its row, its generations or its member, or what the caller lacks of the demand, and change nothing then.
type Store interface {
	// Organization reads the one row that decides about every session.
	Organization(ctx context.Context) (Organization, error)
	// SavePolicy replaces the organization's policy, unless its version is no longer the one before next's: then
	// it returns a [*StaleVersionError] with what is in force.
	SavePolicy(ctx context.Context, next Organization, caller audit.Caller, demand member.Demand, event audit.Event) error
	// RevokeAll raises the organization's generation by one and records the revocation.
	RevokeAll(ctx context.Context, revocation Revocation, caller audit.Caller, demand member.Demand) (Receipt, error)
	// AcceptTime makes at, which may be earlier, the newest time on record. It ends every session
	// by a new generation, withdraws every one-time link, and forgets all times that sessions and
	// attempts are held to. The event's details are made here.
	AcceptTime(ctx context.Context, at time.Time, sessions, members int, event audit.Event) (Receipt, error)
	// Revocation tells of the revocation that began the given generation. There is one for each but the first.
	Revocation(ctx context.Context, generation uint64) (Receipt, error)

	// InsertSession stores a new session under the generations that it reads in the same transaction
	// (rule R8), which it fills in. It returns ErrCredentialStale when the proof no longer holds.
	InsertSession(ctx context.Context, s Session, proof member.Proof, refresh RefreshState, event audit.Event) (Record, error)
	// Session reads one session and its member.
	Session(ctx context.Context, id ID) (Record, error)
	// EachActiveMember calls f with every member who is active. What f gets is another member afterwards.
	EachActiveMember(ctx context.Context, f func(*member.Member)) error
	// EachLive calls f with every session of the given generation whose row has not ended, and with its number. It may have ended with its
	// member, or since it was read. Calls come one after the other, and what f gets is another session afterwards. Requests go first.
	EachLive(ctx context.Context, generation uint64, f func(number int64, s *Session)) error

	// Touch moves the times of sessions forward, never back. It also records now as a time that has been (rule R7).
	Touch(ctx context.Context, touches []Touch, now time.Time) error
	// Prove records a fresh proof of identity, and returns the methods by which the session is proved with it. It returns
	// ErrCredentialStale if the proof no longer holds.
	Prove(ctx context.Context, proof member.Proof, at time.Time, caller audit.Caller, event audit.Event) (methods []string, err error)
	// ChangeCredential changes the caller's own credentials. It returns ErrCredentialStale if the change's proof no longer
	// holds, member.ErrSecondFactorRequired if it lacks a second factor that was set up meanwhile,
	// member.ErrNoSecondFactor, or ErrFactorDemanded.
	ChangeCredential(ctx context.Context, changing Changing) (Changed, error)
	// RenameOrganization saves the organization's name.
	RenameOrganization(ctx context.Context, name string, caller audit.Caller, demand member.Demand, event audit.Event) error
	// RequireSecondFactor saves whether the organization demands a second factor.
	RequireSecondFactor(ctx context.Context, required bool, caller audit.Caller, demand member.Demand, event audit.Event) error
	// RotateRefresh makes the presented refresh token the current one and remembers its successor's hash,
	// provided that it is the successor of the current one and the session is alive. It tells what the row
	// holds afterwards.
	RotateRefresh(ctx context.Context, id ID, presented RefreshState) (RefreshState, error)
	// End ends those of the sessions that have not ended, with an audit entry for each, and returns which they were.
	// It skips those that are not the caller's to end, and counts these.
	End(ctx context.Context, ending Ending) (ended []Ended, skipped int, err error)

	// CloseRevoked writes the end into rows of generations before the given one, at most limit of them, and counts them. What
	// ended them is on record already; this only spares later readers the look.
	CloseRevoked(ctx context.Context, generation uint64, limit int) (int, error)
	// Purge deletes rows that ended before the given time, at most limit of them, and counts them.
	Purge(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Record is a session with the member it belongs to, as they are stored.
type Record struct {
	// Number is what the store counts the session by.
	Number  int64
	Session Session
	Member  member.Member
}

// Changing is a change of a member's own credentials.
type Changing struct {
	Change member.CredentialChange
	At     time.Time
	By     audit.Caller
	Member member.ID
	// EndOthers ends all of the member's sessions but the caller's, with an audit entry for each.
	EndOthers bool
	Event     audit.Event
}

// Changed is what a change of credentials left: the member, the proofs of the caller's session, and the sessions that ended.
type Changed struct {
	Member   member.Member
	Methods  []string
	ProvedAt time.Time
	Ended    []Ended
}

// Touch is the times of one session, as the memory has them.
type Touch struct {
	ID         ID
	Number     int64
	StartedAt  time.Time
	LastSeenAt time.Time
}

// Ending is the end of some sessions.
type Ending struct {
	Sessions []SessionEnd
	Reason   EndReason
	// By is who ended them, with the session and address it was done from where there are any.
	By audit.Caller
	// Demand makes the store judge By in the same transaction, and skip the sessions of members whom they may not manage,
	// but for their own. It is nil for the system, and for members who sign out.
	Demand *member.Demand
}

// SessionEnd is one session and the time of its end.
type SessionEnd struct {
	ID ID
	At time.Time
}

// Event is the audit entry of one of the sessions.
func (e Ending) Event(ended Ended) audit.Event {
	return audit.Event{
		At: ended.At, Action: audit.SessionEnded, Actor: e.By.Actor, Target: "session:" + ended.ID.String(), Address: e.By.Address,
		Details: map[string]any{"reason": e.Reason, "member": ended.Member.String()},
	}
}

// Ended is a session that was alive until now.
type Ended struct {
	SessionEnd
	Member member.ID
}

// KeyLifetime is how long an idempotency key names the same revocation. After that it is free again.
const KeyLifetime = 24 * time.Hour

// Revocation is the wish to end every session of the organization.
type Revocation struct {
	At     time.Time
	Reason string
	// IdempotencyKey names this revocation among those of its caller for [KeyLifetime]; empty for none. A second
	// one of the same name revokes nothing and gets the first one's receipt, or ErrKeyReused for another reason.
	IdempotencyKey string
	// SessionsEnded and MembersSignedOut are what it is about to end.
	SessionsEnded    int
	MembersSignedOut int
	// LinksWithdrawn is how many one-time links no longer work. The store counts them.
	LinksWithdrawn int
}

// Event is the audit entry of the revocation that raises the organization's generation to the given one.
func (r Revocation) Event(by audit.Caller, generation uint64) audit.Event {
	return audit.Event{
		At: r.At, Action: audit.SessionsRevokedAll, Actor: by.Actor, Target: "organization", Address: by.Address,
		Details: map[string]any{
			"generation": generation, "reason": r.Reason,
			"sessionsEnded": r.SessionsEnded, "membersSignedOut": r.MembersSignedOut, "linksWithdrawn": r.LinksWithdrawn,
		},
	}
}

// Receipt is the proof of a revocation.
type Receipt struct {
	Generation       uint64
	RevokedAt        time.Time
	By               audit.Actor
	Reason           string
	SessionsEnded    int
	MembersSignedOut int
	LinksWithdrawn   int
	AuditSequence    int64
	AuditHash        audit.Hash
	// Repeated tells that this is the receipt of an earlier call with the same idempotency key.
	Repeated bool
}
