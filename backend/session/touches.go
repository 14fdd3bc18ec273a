package session

import "sync/atomic"

// advance moves a time forward, never back.
func advance(clock *atomic.Int64, to int64) {
	for at := clock.Load(); at < to; at = clock.Load() {
		if clock.CompareAndSwap(at, to) {
			return
		}
	}
}

func (s *shard) queue(e *row) {
	if e.pending.Load() || !e.pending.CompareAndSwap(false, true) {
		return
	}
	s.touchedMu.Lock()
	s.touched = append(s.touched, e.id)
	s.touchedMu.Unlock()
}

// drainTouches returns the times that are newer than the store's, and empties the queues.
func (r *roster) drainTouches() []Touch {
	var taken [len(r.shards)][]ID
	queued := 0
	for i := range r.shards {
		s := &r.shards[i]
		s.touchedMu.Lock()
		taken[i], s.touched = s.touched, nil
		s.touchedMu.Unlock()
		queued += len(taken[i])
	}
	touches := make([]Touch, 0, queued)
	for i := range r.shards {
		s := &r.shards[i]
		for _, id := range taken[i] {
			s.mu.RLock()
			if e, known := r.row(s, id); known {
				// Cleared before the times are read, so that a later touch queues the session
				// again.
				e.pending.Store(false)
				if started := e.startedAt.Load(); started != over {
					touches = append(touches, Touch{id, e.number, instant(started), instant(e.lastSeenAt.Load())})
				}
			}
			s.mu.RUnlock()
		}
	}
	return touches
}

// requeueTouches queues touches again that could not be written, or that another roster queued.
func (r *roster) requeueTouches(touches []Touch) {
	for _, touch := range touches {
		s := r.shard(touch.ID)
		s.mu.RLock()
		if e, known := r.row(s, touch.ID); known {
			if started := e.startedAt.Load(); started != over {
				if to := touch.StartedAt.UnixMilli(); started < to {
					e.startedAt.CompareAndSwap(started, to) // fails if a newer touch or the end came first
				}
				advance(&e.lastSeenAt, touch.LastSeenAt.UnixMilli())
				s.queue(e)
			}
		}
		s.mu.RUnlock()
	}
}
