package session

import (
	"context"
	"fmt"
	"time"

	"curfew/backend/audit"
	"curfew/backend/refusal"
)

// ErrClockNotAhead is returned where there is no time to accept: the clock goes by the machine's.
var ErrClockNotAhead = refusal.New("the clock is not ahead")

// leastAhead is what a clock has to be ahead for it to be worth signing everybody out.
const leastAhead = time.Second

// AcceptTime has the clock follow the machine's again after that was set back, for good. Rule R7
// holds because every session of before is revoked first: none is lengthened. A [Service.Flush] or
// [Service.Sweep] that began before finds its sessions of an earlier generation, and does not put
// the old time on record again.
func (s *Service) AcceptTime(ctx context.Context, clock *Clock) (receipt Receipt, err error) {
	_, err = s.order.change(ctx, func(ctx context.Context) (Effect, error) {
		ahead, at := clock.Ahead(), clock.wall()
		if ahead < leastAhead {
			return Effect{}, ErrClockNotAhead
		}
		sessions, members := s.roster.Load().count()
		var err error
		receipt, err = s.store.AcceptTime(ctx, at, sessions, members, audit.Event{
			At: at, Action: audit.TimeAccepted, Actor: audit.Operator, Target: "organization",
			Details: map[string]any{"aheadSeconds": int64(ahead.Seconds())},
		})
		if err != nil {
			return Effect{}, fmt.Errorf("accept the machine's time: %w", err)
		}
		clock.restart()
		org := *s.Organization()
		org.Generation, org.StartedAfter, org.AuthenticatedAfter = receipt.Generation, time.Time{}, time.Time{}
		return Effect{Organization: &org}, nil
	})
	return receipt, err
}
