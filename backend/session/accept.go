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
// holds because every session of before is revoked first: none is lengthened. [Service.Flush] waits
// until it is done, and a batch of [Service.Sweep] that began before finds no session of its
// generation to end: neither puts the old time on record again.
func (s *Service) AcceptTime(ctx context.Context, clock *Clock) (Receipt, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	ahead := clock.Ahead()
	if ahead < leastAhead {
		return Receipt{}, ErrClockNotAhead
	}
	ctx = context.WithoutCancel(ctx)
	at := clock.wall()
	sessions, members := s.roster.Load().count()
	receipt, err := s.store.AcceptTime(ctx, at, sessions, members, audit.Event{
		At: at, Action: audit.TimeAccepted, Actor: audit.Operator, Target: "organization",
		Details: map[string]any{"aheadSeconds": int64(ahead.Seconds())},
	})
	if err != nil {
		return Receipt{}, s.failed(ctx, fmt.Errorf("accept the machine's time: %w", err))
	}
	clock.restart()
	s.flushed = time.Time{}
	org := *s.organization.Load()
	org.Generation, org.StartedAfter, org.AuthenticatedAfter = receipt.Generation, time.Time{}, time.Time{}
	s.adopt(org)
	return receipt, nil
}
