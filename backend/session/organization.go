package session

import (
	"time"

	"curfew/backend/audit"
)

// Organization is the one row that decides about every session at once: the generation, which a revocation of
// everybody's sessions raises, and the policy in force. The service keeps it as one immutable snapshot,
// because two loads could be torn by a change between them.
type Organization struct {
	Name string
	// Generation only grows. A session of another generation is over.
	Generation uint64
	Policy     Policy
	// RequireSecondFactor restricts sessions that have not proved two factors; see [Principal.Restricted].
	RequireSecondFactor bool
	// Version counts the saves of the policy from 1.
	Version int64
	SavedAt time.Time
	// SavedBy is the zero Actor until somebody has saved a policy.
	SavedBy audit.Actor
	// StartedAfter and AuthenticatedAfter are the watermarks of rule R3b: a session that started, or whose
	// member signed in, at or before them had ended under an earlier policy.
	StartedAfter       time.Time
	AuthenticatedAfter time.Time
}

// Saved is the organization after the policy next is saved at the given time. It raises the watermarks to what the
// policy until now had ended: one comparison each, whatever the number of sessions.
func (o Organization) Saved(next Policy, at time.Time, by audit.Actor) Organization {
	o.StartedAfter = later(o.StartedAfter, at.Add(-o.Policy.Length.Duration()))
	if !o.Policy.MaximumLifetime.IsZero() {
		o.AuthenticatedAfter = later(o.AuthenticatedAfter, at.Add(-o.Policy.MaximumLifetime.Duration()))
	}
	o.Policy = next
	o.Version++
	o.SavedAt = at
	o.SavedBy = by
	return o
}

// overdue gives the instants such that a session of this generation has expired at now exactly when it
// started at or before the first, or its member signed in at or before the second. It is [Standing.Ended] turned
// round, for finding the expired among many; a test holds one against the other.
func (o Organization) overdue(now time.Time) (started, authenticated time.Time) {
	started = later(o.StartedAfter, now.Add(-o.Policy.Length.Duration()))
	authenticated = o.AuthenticatedAfter
	if !o.Policy.MaximumLifetime.IsZero() {
		authenticated = later(authenticated, now.Add(-o.Policy.MaximumLifetime.Duration()))
	}
	return started, authenticated
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
