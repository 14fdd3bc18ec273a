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

// drainTouches takes the times that the store does not know yet.
func (r *roster) drainTouches() []Touch {
	var taken [len(r.shards)][]ID
	queued := 0 // known beforehand, or the list would be copied again and again while it grows
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
				// Cleared before the times are read: a touch that comes later queues the session again.
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

// requeueTouches queues touches again that could not be written, or that another roster was told of.
func (r *roster) requeueTouches(touches []Touch) {
	for _, touch := range touches {
		s := r.shard(touch.ID)
		s.mu.RLock()
		if e, known := r.row(s, touch.ID); known {
			if started := e.startedAt.Load(); started != over {
				if to := touch.StartedAt.UnixMilli(); started < to {
					e.startedAt.CompareAndSwap(started, to) // or else a newer touch came first, or the end
				}
				advance(&e.lastSeenAt, touch.LastSeenAt.UnixMilli())
				s.queue(e)
			}
		}
		s.mu.RUnlock()
	}
}

