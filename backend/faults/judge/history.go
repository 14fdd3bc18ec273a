// Package judge decides whether a recorded history kept Curfew's promises. It knows the contract
// (the JSON API and the rules of sessions) and nothing else: it shares no code with the product,
// and sees only what clients saw and what the database holds in the end.
package judge

import "time"

// Kind is what a client asked for.
type Kind string

// The requests that there are.
const (
	SignIn       Kind = "sign-in"
	Use          Kind = "use"           // a request in a session's name that changes nothing
	Refresh      Kind = "refresh"       // Presented is the refresh token
	SignOut      Kind = "sign-out"      // ends the caller's own session
	Revoke       Kind = "revoke"        // ends the session Target
	RevokeMember Kind = "revoke-member" // ends all sessions of the member Target
	Deactivate   Kind = "deactivate"    // ends them too, and keeps the member Target out
	RevokeAll    Kind = "revoke-all"    // Key is its idempotency key
	SavePolicy   Kind = "save-policy"
	ReadPolicy   Kind = "read-policy"
	Search       Kind = "search" // for what there is none of
	Probe        Kind = "probe"  // in the name of a session that there never was
)

// Never is the return of a request that was not answered: it may take effect at any time after its
// call.
const Never = time.Duration(1<<63 - 1)

// Op is one request and what came of it. Call is taken before the first byte is written and Return
// after the last one is read, by one monotonic clock for all clients, so that an op whose Call is
// later than another's Return did begin after the other had ended.
type Op struct {
	Kind         Kind
	Call, Return time.Duration

	// Status is that of the answer, and 0 where there was none.
	Status int
	// Code is the problem's, where the answer was one.
	Code string
	// RetryAfter is whether the answer said when to come again, and Cleared whether it took the
	// client's cookies or storage away.
	RetryAfter, Cleared bool

	// Session is in whose name the request was made; for a sign-in, the one that it began. Member
	// is whose that is.
	Session, Member string
	// Target is the session or the member that the request is about.
	Target string
	// Key is the idempotency key, after the member whose it is.
	Key string
	// Presented is the refresh token that was shown, and Got the one that came back.
	Presented, Got string

	// Generation is what the answer gave for the session, or for a revocation of everybody.
	Generation int
	// Version and Policy are those that the answer gave.
	Version int
	Policy  string
	// Subject and SubjectMember are whose data the answer carried.
	Subject, SubjectMember string
	// Items is how many the answer listed.
	Items int
}

func (op *Op) answered() bool { return op.Status/100 == 2 }

// refused reports whether the answer says that the request changed nothing and never will.
func (op *Op) refused() bool { return op.Status/100 == 4 }

// Session is one that was there before the history began.
type Session struct {
	ID, Member string
	Generation int
}

// Book is what the database holds in the end.
type Book struct {
	// Sessions maps the ids of all sessions to their generations.
	Sessions map[string]int
	// Revocations maps the idempotency keys of all revocations of everybody to the generations that
	// they began.
	Revocations map[string]int
	Generation  int
	Version     int
	Policy      string
	// Faults are what the database's own checks, and the comparison of effects with the audit log,
	// complain of.
	Faults []Violation
}

// History is what happened on one data folder, from its making to its end, over all lives of the
// server.
type History struct {
	Before []Session
	Ops    []Op
	Book   Book
}

// Violation is a promise that was broken: by its name in the list of invariants, and by what.
type Violation struct {
	Invariant string `json:"invariant"`
	What      string `json:"what"`
}
