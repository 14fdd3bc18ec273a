package session

import (
	"sync/atomic"
	"time"
)

// Clock is the time that sessions are judged by: UTC, in whole milliseconds, never backwards (rule
// R7).
//
// Within a process it follows the time elapsed since its start, or the wall clock if that is ahead:
// of two clocks, the one that ends a session earlier wins. It does not follow the wall clock
// backwards, which would lengthen sessions. It is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
	// ahead is the time at the start of the process, in nanoseconds since 1970. Only restart lowers
	// it.
	ahead atomic.Int64
}

// NewClock starts a clock that returns no time before floor. Floor is the newest time in the
// database, in case the wall clock was set back while the server was down.
func NewClock(wall func() time.Time, elapsed func() time.Duration, floor time.Time) *Clock {
	c := &Clock{wall: wall, elapsed: elapsed}
	if !floor.IsZero() {
		c.ahead.Store(floor.UnixNano() - int64(elapsed()))
	}
	return c
}

// SystemClock starts a clock on the given wall clock and the time elapsed since, sleep included.
func SystemClock(wall func() time.Time, floor time.Time) *Clock {
	return NewClock(wall, systemClocks().elapsed(), floor)
}

// Ahead returns how far the clock is ahead of the wall clock: 0 unless that was set back.
func (c *Clock) Ahead() time.Duration {
	return max(0, c.Now().Sub(c.wall()))
}

// restart sets the clock back to the wall clock. Only [Service.AcceptTime] calls it, after it has
// ended every session.
func (c *Clock) restart() { c.ahead.Store(c.wall().UnixNano() - int64(c.elapsed())) }

// Now returns the time.
func (c *Clock) Now() time.Time {
	// The wall clock is read first. A pause between the two readings then makes it look behind,
	// which has no effect, and not ahead, which would stay.
	wall := c.wall().UnixNano()
	elapsed := int64(c.elapsed())
	ahead := c.ahead.Load()
	for wall-elapsed > ahead && !c.ahead.CompareAndSwap(ahead, wall-elapsed) {
		ahead = c.ahead.Load()
	}
	return time.UnixMilli((max(ahead, wall-elapsed) + elapsed) / int64(time.Millisecond)).UTC()
}
