package session

import (
	"context"
	"errors"
	"math"
	"time"

	"curfew/backend/member"
)

// live returns the roster, the organization and the time for a reader of many sessions, or an error
// while memory may differ from the disk.
func (s *Service) live() (*roster, *Organization, time.Time, error) {
	roster := s.roster.Load() // before the organization, which is at least as new then
	return roster, s.Organization(), s.now(), s.order.current()
}

// List returns a page of the principal's own live sessions and the mark to go on from, nil at the
// end: first the session at hand, then the others, newest access first. The session at hand stands
// outside that order because asking is itself an access, which moves it.
func (s *Service) List(ctx context.Context, who Principal, after *Mark, limit int) ([]Principal, *Mark, error) {
	var own []Principal
	if after == nil {
		own = append(own, who)
		after = &Mark{Key: [2]uint64{math.MaxUint64}} // before all others
	}
	others, next, _, err := s.page(ctx, Query{Member: who.Member.ID, Order: ByLastSeen, After: after, Limit: limit - len(own), but: who.Session.ID})
	return append(own, others...), next, err
}

// Find returns a page of everybody's live sessions, the mark to go on from, nil at the end, and how
// many sessions the query selects in all. Members who do not oversee others get ErrForbidden.
func (s *Service) Find(ctx context.Context, who Principal, query Query) (found []Principal, next *Mark, total int, err error) {
	if !who.Member.Role.Oversees() {
		return nil, nil, 0, ErrForbidden
	}
	return s.page(ctx, query)
}

func (s *Service) page(ctx context.Context, query Query) (found []Principal, next *Mark, total int, err error) {
	roster, org, now, err := s.live()
	if err != nil {
		return nil, nil, 0, err
	}
	marks, more, total, err := roster.query(ctx, query, org, now)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, mark := range marks {
		if p, known := roster.find(mark.ID, org); known { // and has not ended since
			found = append(found, p)
		}
	}
	switch {
	case !more:
		return found, nil, total, nil
	case len(marks) == 0: // of a page without room
		return found, query.After, total, nil
	}
	next = &marks[len(marks)-1]
	if query.After != nil && query.After.Walk != nil {
		next.Walk = query.After.Walk
	} else if query.Order.moves() {
		next.Walk = beginWalk(now, found)
	}
	return found, next, total, nil
}

// beginWalk begins a walk at its first page.
func beginWalk(now time.Time, page []Principal) *Walk {
	walk := &Walk{Begun: now.Add(-beginning).UnixMilli()}
	for _, p := range page {
		if p.Session.LastSeenAt.UnixMilli() >= walk.Begun {
			walk.Given = append(walk.Given, p.Session.ID)
		}
	}
	return walk
}

// Facets counts the sessions that the query selects by the values of its filters. Sign-ins are of
// today from the given instant on. Members who do not oversee others get ErrForbidden.
func (s *Service) Facets(ctx context.Context, who Principal, query Query, today time.Time) (Facets, error) {
	if !who.Member.Role.Oversees() {
		return Facets{}, ErrForbidden
	}
	roster, org, now, err := s.live()
	if err != nil {
		return Facets{}, err
	}
	return roster.facets(ctx, query, org, now, today)
}

// errReplaced is returned if memory was read from the store again during an export.
var errReplaced = errors.New("the sessions were replaced meanwhile")

// Export returns a function that returns the next part of the sessions that the query selects, in
// no particular order; empty at the end. It takes the same memory for any number of them. Members
// who do not oversee others get ErrForbidden.
func (s *Service) Export(who Principal, query Query) (next func(context.Context) ([]Principal, error), err error) {
	if !who.Member.Role.Oversees() {
		return nil, ErrForbidden
	}
	roster, org, now, err := s.live()
	filter, place, more := roster.filter(query, org, now), int32(0), true
	return func(ctx context.Context) (found []Principal, err error) {
		for ; more && len(found) == 0 && err == nil; more = place != 0 {
			found, place = roster.part(place, filter, org)
			err = ctx.Err()
		}
		if s.roster.Load() != roster {
			return nil, errReplaced
		}
		return found, err
	}, err
}

// Figures counts the live sessions and their members by rule R1, the sessions that began since the
// given instant, and those that end within the hour.
func (s *Service) Figures(ctx context.Context, since time.Time) (Figures, error) {
	roster, org, now, err := s.live()
	if err != nil {
		return Figures{}, err
	}
	return roster.figures(ctx, org, now, since)
}

// Activity describes the live sessions of a member.
type Activity struct {
	Sessions int
	// LastSeenAt is the last access; zero without a session.
	LastSeenAt time.Time
}

// ActivityOf returns the activity of each of the members.
func (s *Service) ActivityOf(ctx context.Context, members ...member.ID) (map[member.ID]Activity, error) {
	roster, org, now, err := s.live()
	if err != nil {
		return nil, err
	}
	found := make(map[member.ID]Activity, len(members))
	for _, id := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found[id] = roster.activityOf(id, org, now)
	}
	return found, nil
}

// LastSeen returns the last access of each of the members, of sessions that ended too. It reads the
// store, which memory is a second ahead of.
func (s *Service) LastSeen(ctx context.Context, members ...member.ID) (map[member.ID]time.Time, error) {
	if len(members) == 0 {
		return nil, nil //nolint:nilnil // of no member nothing is known
	}
	seen, err := s.store.LastSeen(ctx, members)
	return seen, during("read last accesses", err)
}

// Memory returns how many bytes the live sessions take, without their members. The garbage
// collector does not look into them.
func (s *Service) Memory() int {
	sessions, _ := s.roster.Load().count()
	return sessions * bytesPerSession
}
