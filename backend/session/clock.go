package session

import (
	"sync/atomic"
	"time"
)

// Clock tells the time by which sessions live: UTC, in whole milliseconds, never backwards (rule R7).
//
// Within a process it follows the time that has elapsed since its start, and the wall clock where that is
// ahead, as after the machine slept: of two clocks, the one that ends a session earlier wins. A step of the wall
// clock backwards is not followed, so it lengthens no session. It is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
	// ahead is how far, in nanoseconds, the time told is ahead of the time elapsed, counted from the epoch. It only grows.
	ahead atomic.Int64
}

// NewClock starts a clock that never tells a time before floor: the newest time that the database has on record,
// so that a wall clock set back while the server was down lengthens no session either.
func NewClock(wall func() time.Time, elapsed func() time.Duration, floor time.Time) *Clock {
	c := &Clock{wall: wall, elapsed: elapsed}
	if !floor.IsZero() {
		c.ahead.Store(floor.UnixNano() - int64(elapsed()))
	}
	return c
}

// SystemClock starts a clock on the given wall clock and the time that has elapsed since, also
// while the machine slept.
func SystemClock(wall func() time.Time, floor time.Time) *Clock {
	return NewClock(wall, systemClocks().elapsed(), floor)
}

// Ahead returns how far the clock is ahead of the machine's: 0 unless that was set back.
func (c *Clock) Ahead() time.Duration {
	return max(0, c.Now().Sub(c.wall()))
}

// restart has the clock follow the machine's again, which is behind it. It is for
// [Service.AcceptTime], which has ended every session.
func (c *Clock) restart() { c.ahead.Store(c.wall().UnixNano() - int64(c.elapsed())) }

// Now is the time to judge by.
func (c *Clock) Now() time.Time {
	// The wall clock is read first: a pause between the two readings then makes it look behind, which does
	// nothing, and not ahead, which would stay.
	wall := c.wall().UnixNano()
	elapsed := int64(c.elapsed())
	ahead := c.ahead.Load()
	for wall-elapsed > ahead && !c.ahead.CompareAndSwap(ahead, wall-elapsed) {
		ahead = c.ahead.Load()
	}
	return time.UnixMilli((max(ahead, wall-elapsed) + elapsed) / int64(time.Millisecond)).UTC()
}
