package member

import (
	"context"

	"curfew/backend/audit"
)

// Effect is what a committed change of a member left. The zero Effect changed nothing.
type Effect struct {
	// Member is the member as they are now. Of a removed one it has only the id.
	Member  Member
	Removed bool
	// Ended counts the sessions that ended with the change: all that the member had, or none.
	Ended int
}

// Committer runs a change of a member and returns once memory shows it. If the caller's session has
// ended by then, it returns how.
type Committer interface {
	CommitMember(ctx context.Context, by audit.Caller, write func(context.Context) (Effect, error)) (Effect, error)
}
