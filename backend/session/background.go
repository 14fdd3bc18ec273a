package session

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Retention is how long the row of an ended session is kept, so that a client that comes back
// learns how it ended.
const Retention = 90 * 24 * time.Hour

// background is the state of Flush and Sweep.
type background struct {
	// flushing is held by Flush, so that a backup waits for the touches that another Flush is
	// writing. No other lock is held when it is taken.
	flushing sync.Mutex
	// flushed is when Flush last wrote.
	flushed time.Time
	// swept is the row of the roster at which the next part of the sweep begins.
	swept int32
	// behind reports whether the store may have more rows to close or to delete than one batch
	// took.
	behind bool
}

// Flush writes the touches that are only in memory (rule R6), and once a minute the time itself
// (rule R7). A failed flush is repeated by the next one. A call waits for one that runs.
func (s *Service) Flush(ctx context.Context) error {
	s.background.flushing.Lock()
	defer s.background.flushing.Unlock()
	// In this order, a revocation meanwhile costs no touch of a session that began after it.
	roster, generation := s.roster.Load(), s.Organization().Generation
	now, touches := s.now(), roster.drainTouches()
	if len(touches) == 0 && now.Sub(s.background.flushed).Abs() < time.Minute {
		return nil
	}
	if err := s.store.Touch(ctx, touches, now, generation); err != nil {
		s.roster.Load().requeueTouches(touches)
		return fmt.Errorf("write %d touches: %w", len(touches), err)
	}
	s.background.flushed = now
	return nil
}

// Sweep does one bounded batch of background work. It records the end of sessions that expired,
// closes the rows that a revocation ended, and deletes those that ended long ago. It reports
// whether there is more to do. Calls must not overlap.
func (s *Service) Sweep(ctx context.Context) (more bool, err error) {
	const batch = 500
	if err := s.order.retry(ctx); err != nil {
		return false, err
	}
	begins := s.background.swept == 0
	if more, err = s.sweepExpired(ctx, batch); err != nil {
		return false, err
	}
	if !begins && !s.background.behind {
		return more, nil // the store is asked once for each walk over memory
	}
	s.background.behind = true // and stays so if this fails
	closed, err := s.store.CloseRevoked(ctx, s.Organization().Generation, batch)
	if err != nil {
		return false, fmt.Errorf("close revoked sessions: %w", err)
	}
	purged, err := s.store.Purge(ctx, s.now().Add(-Retention), batch)
	if err != nil {
		return false, fmt.Errorf("purge ended sessions: %w", err)
	}
	s.background.behind = max(closed, purged) == batch
	return more || s.background.behind, nil
}

func (s *Service) sweepExpired(ctx context.Context, batch int) (more bool, err error) {
	roster, now, org := s.roster.Load(), s.now(), s.Organization()
	overdue, next := roster.overdue(org, now, s.background.swept, batch)
	s.background.swept = next
	var expired []EndedSession
	for _, id := range overdue {
		if at, marked, _ := roster.expire(id, now, org); marked {
			expired = append(expired, EndedSession{ID: id, At: at})
		}
	}
	if len(expired) == 0 {
		return next != 0, nil
	}
	return next != 0, s.recordExpiries(ctx, expired)
}
