package session

import (
	"context"
	"math"
	"time"

	"curfew/backend/member"
)

// filter reports which rows a query selects.
type filter struct {
	query  Query
	roster *roster
	text   *pattern
	alive  Window
	// spared holds the sessions that Query.EndsUnder would leave, and later those that end after
	// Query.EndsBefore.
	spared, later Window
	since, before int64
}

func (r *roster) filter(q Query, org *Organization, now time.Time) *filter {
	none := Window{math.MaxInt64, math.MaxInt64}
	f := &filter{
		query: q, roster: r, text: newPattern(q.Text), alive: org.Window(now), spared: none, later: none, before: math.MaxInt64,
	}
	if q.EndsUnder != (Policy{}) {
		f.spared = org.windowAfter(q.EndsUnder, now)
	}
	if !q.EndsBefore.IsZero() {
		f.later = org.Window(q.EndsBefore)
	}
	if !q.SignedInSince.IsZero() {
		f.since = q.SignedInSince.UnixMilli()
	}
	if !q.SignedInBefore.IsZero() {
		f.before = q.SignedInBefore.UnixMilli()
	}
	return f
}

func (f *filter) selects(e *row) bool {
	times := e.times()
	return f.matches(e, times) && f.onDevice(e) && f.signedIn(times) && f.ends(times)
}

// matches reports whether the row passes the parts of the query that [Facets] do not count by.
func (f *filter) matches(e *row, times Times) bool {
	q, r := &f.query, f.roster
	return f.alive.Holds(times) && !f.spared.Holds(times) && e.id != q.but &&
		(q.Member == member.ID{} || q.Member == r.memberOf(e).id) && f.text.matches(r, e)
}

func (f *filter) onDevice(e *row) bool {
	return f.query.Device == "" || f.query.Device == f.roster.agentOf(e).device.Kind
}

func (f *filter) signedIn(t Times) bool {
	return t.AuthenticatedAt >= f.since && t.AuthenticatedAt < f.before
}

func (f *filter) ends(t Times) bool { return !f.later.Holds(t) }

// candidates calls f with every row that the query may select.
func (r *roster) candidates(ctx context.Context, q Query, f func(*row)) error {
	if q.Member != (member.ID{}) {
		r.eachOf(q.Member, f)
		return nil
	}
	return r.walk(ctx, q.descending(), f)
}

// part returns the sessions that the filter selects among the rows of one slice, from the place
// given, and the place to resume at, or 0 at the end.
func (r *roster) part(from int32, f *filter, org *Organization) (found []Principal, next int32) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for end := min(from+slice, r.rows.Len()); from < end; from++ {
		if e := r.rows.At(from); f.selects(e) {
			found = append(found, r.principal(e, e.startedAt.Load(), org))
		}
	}
	if from < r.rows.Len() {
		return found, from
	}
	return found, 0
}

// Facets count the sessions that a query selects by the values of a filter, as if the query had no
// filter of that kind.
type Facets struct {
	Devices map[DeviceKind]int64
	// SignedIn counts the sign-ins within the hour, since the day began, within 24 hours, before
	// the last 7 days and before the last 30 days.
	SignedIn struct{ Day, Hour, OverMonth, OverWeek, Today int64 }
	// Ends counts the sessions that end within the hour, 24 hours and 7 days.
	Ends struct{ Day, Hour, Week int64 }
}

func (r *roster) facets(ctx context.Context, q Query, org *Organization, now, today time.Time) (c Facets, err error) {
	var (
		f    = r.filter(q, org, now)
		ago  = func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
		hour = org.Window(now.Add(time.Hour))
		soon = org.Window(now.Add(day))
		week = org.Window(now.Add(7 * day))
	)
	c.Devices = map[DeviceKind]int64{}
	err = r.candidates(ctx, q, func(e *row) {
		times := e.times()
		if !f.matches(e, times) {
			return
		}
		onDevice, signedIn, ends := f.onDevice(e), f.signedIn(times), f.ends(times)
		if signedIn && ends {
			c.Devices[r.agentOf(e).device.Kind]++
		}
		if at := times.AuthenticatedAt; onDevice && ends {
			count(&c.SignedIn.Hour, at >= ago(time.Hour))
			count(&c.SignedIn.Today, at >= today.UnixMilli())
			count(&c.SignedIn.Day, at >= ago(day))
			count(&c.SignedIn.OverWeek, at < ago(7*day))
			count(&c.SignedIn.OverMonth, at < ago(30*day))
		}
		if onDevice && signedIn {
			count(&c.Ends.Hour, !hour.Holds(times))
			count(&c.Ends.Day, !soon.Holds(times))
			count(&c.Ends.Week, !week.Holds(times))
		}
	})
	return c, err
}

func count(n *int64, when bool) {
	if when {
		*n++
	}
}
