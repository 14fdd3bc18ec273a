package session

import (
	"context"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Store is what the service asks of storage. Each method is one transaction, with its audit entries
// inside, and has reached the disk when it returns. A write returns its [Effect]. A missing row is
// ErrNotFound. An error that is no [refusal.Refusal] is a storage failure.
//
// The methods that take a caller judge them in their transaction. They return ErrCallerEnded if the
// caller's session has ended by its row, its generations or its member, or what the caller lacks of
// the requirement, and change nothing then.
type Store interface {
	// Organization returns the row that every session is judged by.
	Organization(ctx context.Context) (Organization, error)
	// Logo returns the organization's logo; ErrNotFound if that version is not the one stored.
	Logo(ctx context.Context, version string) ([]byte, error)
	// SaveOrganization replaces the organization's settings. It returns a [*StaleVersionError] with
	// what is in force if that has another version than the update replaces.
	SaveOrganization(ctx context.Context, update OrganizationUpdate) (Effect, error)
	// RevokeAll raises the organization's generation by one and records the revocation.
	RevokeAll(ctx context.Context, revocation Revocation, caller audit.Caller, requirement member.Requirement) (Receipt, error)
	// AcceptTime makes at, which may be earlier, the newest time on record. It ends every session
	// by a new generation, withdraws every one-time link, and deletes the times of accesses and
	// attempts. It adds the numbers to the event's details.
	AcceptTime(ctx context.Context, at time.Time, sessions, members int, event audit.Event) (Receipt, error)
	// Revocation returns the revocation that began the given generation. Each but the first has
	// one.
	Revocation(ctx context.Context, generation uint64) (Receipt, error)

	// InsertSession stores a new session under the generations that it reads in the same
	// transaction (rule R8), which it fills in. It returns ErrCredentialStale if the proof no
	// longer holds.
	InsertSession(ctx context.Context, s Session, proof member.Proof, refresh RefreshState, event audit.Event) (Effect, error)
	// Session returns one session and its member.
	Session(ctx context.Context, id ID) (Record, error)
	// LastSeen returns the last access of each of the members, of sessions that ended too. A member
	// without sessions is not among them.
	LastSeen(ctx context.Context, members []member.ID) (map[member.ID]time.Time, error)
	// EachActiveMember calls f with every active member. The pointer is reused for the next one.
	EachActiveMember(ctx context.Context, f func(*member.Member)) error
	// EachLive calls f with every session of the given generation whose row has no end, and with
	// its number. It may have ended with its member. The pointer is reused for the next one.
	EachLive(ctx context.Context, generation uint64, f func(number int64, s *Session)) error

	// Touch moves the times of sessions forward, never back, and records now as a time that has
	// been (rule R7). It does nothing if the organization has another generation by now.
	Touch(ctx context.Context, touches []Touch, now time.Time, generation uint64) error
	// Prove records a fresh proof of identity at the event's time, and adds its methods to those of
	// the session. It returns ErrCredentialStale if the proof no longer holds.
	Prove(ctx context.Context, proof member.Proof, caller audit.Caller, event audit.Event) (Effect, error)
	// ChangeCredential changes the caller's own credentials. It returns ErrCredentialStale if the
	// change's proof no longer holds, member.ErrSecondFactorRequired if it lacks a second factor
	// that was set up meanwhile, member.ErrNoSecondFactor, or ErrFactorRequired.
	ChangeCredential(ctx context.Context, update CredentialUpdate) (Effect, error)
	// RotateRefresh makes the presented refresh token the current one and stores its successor's
	// hash, if it is the successor of the current one and the session is alive. It returns what the
	// row holds afterwards.
	RotateRefresh(ctx context.Context, id ID, presented RefreshState) (RefreshState, error)
	// End ends those of the sessions that have not ended, records [EndRequest.Events], and lists
	// them in the effect. It skips those that are not the caller's to end, and counts these.
	End(ctx context.Context, request EndRequest) (effect Effect, skipped int, err error)

	// CloseRevoked writes the end into rows of generations before the given one, at most limit of
	// them, and counts them. The revocation that ended them is on record already.
	CloseRevoked(ctx context.Context, generation uint64, limit int) (int, error)
	// SignIns counts the sign-ins of a day of UTC.
	SignIns(ctx context.Context, day time.Time) (int, error)
	// SaveDay writes the counts of a day, in the place of earlier ones. The first counts of a day
	// complete the sign-ins of the day before.
	SaveDay(ctx context.Context, count DayCount) error
	// Days returns the counts of the days on record, from one day until another, the oldest first.
	Days(ctx context.Context, from, until time.Time) ([]DayCount, error)
	// Dismiss records the event, which changes nothing else.
	Dismiss(ctx context.Context, caller audit.Caller, requirement member.Requirement, event audit.Event) error
	// Purge deletes rows that ended before the given time, at most limit of them, and counts them.
	Purge(ctx context.Context, endedBefore time.Time, limit int) (int, error)
}

// Record is a session with the member it belongs to, as they are stored.
type Record struct {
	// Number is the store's own key of the session.
	Number  int64
	Session Session
	Member  member.Member
}

// OrganizationUpdate is a change of the organization's settings.
type OrganizationUpdate struct {
	Next Organization
	// Logo is the image of Next.Logo; nil to keep the one that is stored, if Next has any.
	Logo []byte
	// Replaces is the version of the policy that it replaces.
	Replaces    int64
	By          audit.Caller
	Requirement member.Requirement
	Event       audit.Event
}

// CredentialUpdate is a change of a member's own credentials.
type CredentialUpdate struct {
	Change member.CredentialChange
	Terms  member.Terms
	Member member.ID
	By     audit.Caller
	// EndOthers ends all of the member's sessions but the caller's, with an audit entry for each.
	EndOthers bool
	Event     audit.Event
}

// Touch holds the times of one session, as memory has them.
type Touch struct {
	ID         ID
	Number     int64
	StartedAt  time.Time
	LastSeenAt time.Time
}
