package session

import (
	"context"
	"slices"
	"time"

	"curfew/backend/member"
)

// Preview is what saving a policy would do at this instant, worked out by the rule that judges requests (rule R1 and R3b) on
// every live session, and changing nothing.
type Preview struct {
	// Live is who is signed in now.
	Live Count
	// AtOnce, WithinHour and WithinDay are who would be signed out by then, if nobody came back meanwhile. The later include the earlier.
	AtOnce, WithinHour, WithinDay Count
	// Yours tells whether the caller's own session would end at once.
	Yours bool
	// Loosens tells whether saving asks for a fresh proof of identity (rule R10), unless there is one already.
	Loosens bool
	// Remaining is how many of the live sessions would be left at instants from now on, by the policy in force and by the proposed one.
	Remaining []Remaining
}

// Remaining is how many sessions are left at an instant.
type Remaining struct {
	At            time.Time
	Before, After int
}

// remainingPoints is how many instants a preview looks at. It is what a chart can show.
const remainingPoints = 60

// Preview tells what saving next would do. It returns an [*InvalidError] for a policy that is out of bounds.
func (s *Service) Preview(ctx context.Context, who Principal, next Policy) (Preview, error) {
	if err := next.Validate(); err != nil {
		return Preview{}, err
	}
	roster := s.roster.Load()
	now, before := s.now(), s.organization.Load()
	after := before.Saved(next, now, who.Caller().Actor)

	var (
		p             Preview
		live          = counter{members: map[member.ID]bool{}}
		atOnce        = counter{members: map[member.ID]bool{}}
		withinHour    = counter{members: map[member.ID]bool{}}
		withinDay     = counter{members: map[member.ID]bool{}}
		ends, newEnds []int64
	)
	err := roster.walk(ctx, false, func(e *row) {
		own := roster.memberOf(e)
		id, m, standing := e.id, own.id, e.standing(e.startedAt.Load(), own, before)
		if standing.Ended(now) != "" {
			return
		}
		live.add(m)
		ends = append(ends, standing.ExpiresAt().UnixMilli())

		standing.Organization = &after
		end := standing.ExpiresAt()
		if standing.Ended(now) != "" {
			end = now
			atOnce.add(m)
			p.Yours = p.Yours || id == who.Session.ID
		}
		newEnds = append(newEnds, end.UnixMilli())
		if !end.After(now.Add(time.Hour)) {
			withinHour.add(m)
		}
		if !end.After(now.Add(24 * time.Hour)) {
			withinDay.add(m)
		}
	})
	if err != nil {
		return Preview{}, err
	}
	p.Live, p.AtOnce, p.WithinHour, p.WithinDay = live.count(), atOnce.count(), withinHour.count(), withinDay.count()
	p.Loosens = next.Loosens(before.Policy)
	p.Remaining = remaining(now, ends, newEnds)
	return p, nil
}

// counter counts sessions and their members.
type counter struct {
	sessions int
	members  map[member.ID]bool
}

func (c *counter) add(m member.ID) {
	c.sessions++
	c.members[m] = true
}

func (c *counter) count() Count { return Count{c.sessions, len(c.members)} }

// remaining samples how many sessions are left from now until the last of them has ended either way.
func remaining(now time.Time, before, after []int64) []Remaining {
	if len(before) == 0 {
		return nil
	}
	slices.Sort(before)
	slices.Sort(after)
	begin, end := now.UnixMilli(), max(before[len(before)-1], after[len(after)-1])
	points := make([]Remaining, remainingPoints)
	for i := range points {
		at := begin + (end-begin)*int64(i)/(remainingPoints-1)
		points[i] = Remaining{time.UnixMilli(at).UTC(), left(before, at), left(after, at)}
	}
	return points
}

// left counts the ends after the instant. At its end a session is over.
func left(sorted []int64, at int64) int {
	ended, _ := slices.BinarySearch(sorted, at+1)
	return len(sorted) - ended
}
