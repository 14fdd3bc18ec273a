package session

import (
	"context"
	"slices"
	"time"

	"curfew/backend/audit"
)

// Preview is what saving a policy would do now, by rules R1 and R3b on every live session.
type Preview struct {
	// Live counts the sessions that are alive now.
	Live Count
	// AtOnce, WithinHour and WithinDay count the sessions that would have ended by then, unless
	// there is an access. The later ones include the earlier.
	AtOnce, WithinHour, WithinDay Count
	// Named are up to three members with sessions that would end at once.
	Named []audit.Actor
	// LastEndsAt is when the last of the sessions would end, or the zero time if there is none.
	LastEndsAt time.Time
	// Yours reports whether the caller's own session would end at once.
	Yours bool
	// Loosens reports whether saving requires a fresh proof of identity (rule R10).
	Loosens bool
	// Remaining counts the live sessions that would be left at instants from now on, by the policy
	// in force and by the proposed one.
	Remaining []Remaining
}

// Remaining is how many sessions are left at an instant.
type Remaining struct {
	At            time.Time
	Before, After int
}

// remainingPoints is how many instants a preview has, which is what a chart can show.
const remainingPoints = 60

// Preview returns what saving next would do. It returns an [*InvalidError] if next is out of
// bounds.
func (s *Service) Preview(ctx context.Context, who Principal, next Policy) (Preview, error) {
	if err := next.Validate(); err != nil {
		return Preview{}, err
	}
	roster, before, now, err := s.live()
	if err != nil {
		return Preview{}, err
	}
	f := forecast{
		now: now.UnixMilli(), alive: before.Window(now), before: before.Policy, spared: before.windowAfter(next, now), after: next, own: who.Session.ID,
	}
	p, err := f.preview(ctx, roster)
	p.Loosens = next.Loosens(before.Policy)
	return p, err
}

// forecast is a preview in the making. It walks the roster twice: for the last end, which the
// instants depend on, and to count. If sessions come and go between, the counts are of the second
// walk.
type forecast struct {
	now int64
	// alive is the window of the policy in force, and spared that of the proposed one, both now.
	alive, spared Window
	before, after Policy
	own           ID

	last, lastAfter                     int64 // the last end by either policy, and by the proposed one
	named                               []audit.Actor
	instants                            [remainingPoints]int64
	live, atOnce, withinHour, withinDay tally
	yours                               bool
	// endsBefore and endsAfter count the sessions by how many instants they outlast.
	endsBefore, endsAfter [remainingPoints + 1]int
}

func (f *forecast) preview(ctx context.Context, r *roster) (Preview, error) {
	if err := r.walk(ctx, false, f.findLast); err != nil {
		return Preview{}, err
	}
	for i := range f.instants {
		f.instants[i] = f.now + max(0, f.last-f.now)*int64(i)/(remainingPoints-1)
	}
	if err := r.walk(ctx, false, func(e *row) { f.count(r, e) }); err != nil {
		return Preview{}, err
	}
	p := Preview{
		Live: f.live.Count, AtOnce: f.atOnce.Count, WithinHour: f.withinHour.Count, WithinDay: f.withinDay.Count,
		Named: f.named, Yours: f.yours, Remaining: f.remaining(),
	}
	if f.lastAfter > 0 {
		p.LastEndsAt = instant(f.lastAfter)
	}
	return p, nil
}

// ends returns when a session would end by either policy, and reports whether it is alive.
func (f *forecast) ends(e *row) (before, after int64, alive bool) {
	times := e.times()
	if !f.alive.Holds(times) {
		return 0, 0, false
	}
	if !f.spared.Holds(times) {
		return f.before.end(times), f.now, true
	}
	return f.before.end(times), f.after.end(times), true
}

func (f *forecast) findLast(e *row) {
	if before, after, alive := f.ends(e); alive {
		f.last, f.lastAfter = max(f.last, before, after), max(f.lastAfter, after)
	}
}

func (f *forecast) count(r *roster, e *row) {
	before, after, alive := f.ends(e)
	if !alive {
		return
	}
	f.live.add(e)
	if after == f.now {
		if f.atOnce.add(e) && len(f.named) < 3 {
			m := r.member(e.member)
			f.named = append(f.named, audit.Actor{ID: m.ID.String(), Name: m.Name})
		}
		f.yours = f.yours || e.id == f.own
	}
	if after <= f.now+time.Hour.Milliseconds() {
		f.withinHour.add(e)
	}
	if after <= f.now+24*time.Hour.Milliseconds() {
		f.withinDay.add(e)
	}
	f.endsBefore[f.outlasts(before)]++
	f.endsAfter[f.outlasts(after)]++
}

// outlasts returns how many of the instants are before the end. A session has ended at its end.
func (f *forecast) outlasts(end int64) int {
	instants, _ := slices.BinarySearch(f.instants[:], end)
	return instants
}

// remaining returns how many sessions are left from now until the last of them ends, if there are
// any.
func (f *forecast) remaining() []Remaining {
	if f.live.Sessions == 0 {
		return nil
	}
	points := make([]Remaining, remainingPoints)
	var before, after int
	for i := remainingPoints - 1; i >= 0; i-- {
		before += f.endsBefore[i+1]
		after += f.endsAfter[i+1]
		points[i] = Remaining{instant(f.instants[i]), before, after}
	}
	return points
}
