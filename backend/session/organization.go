package session

import (
	"time"

	"curfew/backend/audit"
)

// Organization is the row that every session is judged by: the generation, which *Revoke all*
// raises, and the policy in force. The service keeps it as one immutable snapshot, so that no check
// sees half of a change.
type Organization struct {
	Name string
	// HelpContact says where members find help, also to those who are not signed in; "" for none.
	HelpContact string
	// Logo is the version of the logo, "" for none. [Service.Logo] returns the image.
	Logo string
	// Generation only grows. It ends sessions of every earlier generation.
	Generation uint64
	Policy     Policy
	// RequireSecondFactor restricts sessions without two factors; see [Principal.Restricted].
	RequireSecondFactor bool
	// Guidelines are those that apply to the organization.
	Guidelines GuidelineChoice
	// Version counts the saves of the policy and of the guidelines from 1.
	Version int64
	SavedAt time.Time
	// SavedBy is the zero Actor until the first save.
	SavedBy audit.Actor
	// StartedAfter and AuthenticatedAfter are the watermarks of rule R3b: a session that started,
	// or whose member signed in, at or before them had ended under an earlier policy.
	StartedAfter       time.Time
	AuthenticatedAfter time.Time
}

// Saved is the organization after the policy next is saved at the given time. It raises the
// watermarks to what the policy until now has ended, at the same cost for any number of sessions.
func (o Organization) Saved(next Policy, at time.Time, by audit.Actor) Organization {
	ended := o.Window(at)
	o.StartedAfter, o.AuthenticatedAfter = instant(ended.StartedAfter), instant(ended.AuthenticatedAfter)
	o.Policy = next
	o.Version++
	o.SavedAt = at
	o.SavedBy = by
	return o
}

// Loosens reports whether o lets some session live longer, or do more, than before does (rule R10).
func (o Organization) Loosens(before Organization) bool {
	return o.Policy.Loosens(before.Policy) || before.RequireSecondFactor && !o.RequireSecondFactor
}

// Times are the times of a session that policies judge, in milliseconds since 1970.
type Times struct{ StartedAt, AuthenticatedAt int64 }

// Window is rule R1 for time, at one instant: the two times, in milliseconds since 1970, after
// which a session must have started and been authenticated.
type Window struct{ StartedAfter, AuthenticatedAfter int64 }

// Holds reports whether a session of these times has not expired. An access key that carries an end
// of its own will be one more of the Times, and one more comparison here.
func (w Window) Holds(t Times) bool {
	return t.StartedAt > w.StartedAfter && t.AuthenticatedAt > w.AuthenticatedAfter
}

// Window returns the window of the policy in force, and of those before it.
func (o *Organization) Window(now time.Time) Window {
	w := o.watermarks()
	w.StartedAfter = max(w.StartedAfter, now.UnixMilli()-o.Policy.Length.millis())
	if maximum := o.Policy.MaximumLifetime; !maximum.IsZero() {
		w.AuthenticatedAfter = max(w.AuthenticatedAfter, now.UnixMilli()-maximum.millis())
	}
	return w
}

// windowAfter returns the window that would hold at the time if next were saved then.
func (o *Organization) windowAfter(next Policy, at time.Time) Window {
	saved := o.Saved(next, at, audit.Actor{})
	return saved.Window(at)
}

// watermarks is rule R3b: what had ended when a policy was saved stays ended.
func (o *Organization) watermarks() Window {
	return Window{o.StartedAfter.UnixMilli(), o.AuthenticatedAfter.UnixMilli()}
}
