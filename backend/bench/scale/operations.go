package scale

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"curfew/backend/session"
)

// operation is one thing that is measured.
type operation struct {
	name string
	// samples is how often a round measures it, and least how often where that takes long.
	samples, least int
	// prepare does what is not measured, and returns what is.
	prepare func(context.Context, *subject) (func() error, error)
}

// revocation loads all sessions before each sample, so that there is something to end.
var revocation = operation{RevokeAll, 5, 3, func(ctx context.Context, s *subject) (func() error, error) {
	return func() error {
		receipt, err := s.sessions.RevokeAll(ctx, s.who, "", "")
		if err == nil && receipt.SessionsEnded != s.size+1 {
			err = fmt.Errorf("revoked %d sessions", receipt.SessionsEnded)
		}
		return err
	}, s.load(ctx)
}}

// operations are all others.
var operations = []operation{
	{signIn, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error { _, err := s.start(ctx); return err }, nil
	}},
	{revokeOne, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error { return s.sessions.Revoke(ctx, s.who, s.pick()) }, nil
	}},
	{savePolicy, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		next := s.sessions.Organization().Policy
		next.Length.Value = 21 - next.Length.Value // 14 days and 7 in turns
		return func() error { _, err := s.sessions.SavePolicy(ctx, s.who, next, nil); return err }, nil
	}},
	{firstPage, 20, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error {
			query := session.Query{Order: session.ByLastSeen, Limit: 50}
			page, _, _, err := s.sessions.Find(ctx, s.who, query)
			if err == nil && len(page) != 50 {
				err = fmt.Errorf("listed %d sessions", len(page))
			}
			return err
		}, nil
	}},
	{Preview, 20, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error { return s.preview(ctx) }, nil
	}},
	{flush, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		for range min(s.size, mostTouches) {
			if err := s.admit(ctx, s.pick(), session.Active); err != nil {
				return nil, err
			}
		}
		return func() error { return s.sessions.Flush(ctx) }, nil
	}},
}

// mostTouches is how many sessions a flush finds touched, or all of them where there are fewer.
const mostTouches = 10_000

// halfAnHour is a policy that ends half of a population.
var halfAnHour = session.Policy{
	Length:          session.Length{Value: 30, Unit: session.Minutes},
	MaximumLifetime: session.Length{Value: 30, Unit: session.Minutes},
}

func (s *subject) preview(ctx context.Context) error {
	seen, err := s.sessions.Preview(ctx, s.who, halfAnHour)
	if err == nil && seen.AtOnce.Sessions == 0 {
		err = errors.New("it would sign nobody out")
	}
	return err
}

// checks measures the check alone: of a thousand sessions from anywhere that take turns, as under
// load, and of all sessions in turns, where each is in no cache.
func (r *run) checks(ctx context.Context, round int, s *subject) error {
	const inTurns = 1000
	ids := make([]session.ID, min(s.size, 100_000))
	for i := range ids {
		ids[i] = s.pick()
	}
	took, allocations, err := s.check(ctx, ids[:min(inTurns, len(ids))], 100)
	if err != nil {
		return err
	}
	r.measured.add(round, Check, s.size, took)
	r.measured.add(round, checkAllocations, s.size, allocations)
	if took, _, err = s.check(ctx, ids, 1); err != nil {
		return err
	}
	r.measured.add(round, checkAll, s.size, took)
	return s.sessions.Flush(ctx)
}

// check admits the sessions so many times in turns. It returns the nanoseconds and the allocations
// of one check.
func (s *subject) check(ctx context.Context, ids []session.ID, times int) (took, allocations float64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, err := timed(func() error {
		for range times {
			for _, id := range ids {
				if err := s.admit(ctx, id, session.Active); err != nil {
					return err
				}
			}
		}
		return nil
	})
	runtime.ReadMemStats(&after)
	checks := times * len(ids)
	// The queue of touches grows now and then; as in package testing, that is no allocation per
	// check.
	allocated := (after.Mallocs - before.Mallocs) / uint64(checks)
	return float64(all.Nanoseconds()) / float64(checks), float64(allocated), err
}

// duringPreviews signs the owner in again and again while previews run. A sample is the 95th
// percentile of the sign-ins during one preview.
func (r *run) duringPreviews(ctx context.Context, round int, s *subject) error {
	for range 3 {
		previewed := make(chan error, 1)
		go func() { previewed <- s.preview(ctx) }()
		waits, err := s.startUntil(ctx, previewed)
		if err != nil {
			return err
		}
		slices.Sort(waits)
		r.measured.addTime(round, signInDuring, s.size, waits[len(waits)*95/100])
	}
	return nil
}

// startUntil signs the owner in at least once, until something else is done.
func (s *subject) startUntil(ctx context.Context, done <-chan error) (waits []time.Duration, err error) {
	for {
		took, err := timed(func() error { _, err := s.start(ctx); return err })
		if err != nil {
			return nil, errors.Join(err, <-done)
		}
		waits = append(waits, took)
		select {
		case err := <-done:
			return waits, err
		default:
		}
	}
}
