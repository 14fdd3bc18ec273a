package session

import (
	"sync/atomic"
	"time"
)

// machineClocks reads the clocks of the computer since this process started: the wall clock, one
// that does not count while the computer sleeps, and one that does. The last takes a system call.
type machineClocks struct {
	wallAndAwake func() (wall, awake time.Duration)
	withSleep    func() time.Duration
}

func systemClocks() machineClocks {
	start, boot := time.Now(), bootTime()
	return machineClocks{
		wallAndAwake: func() (time.Duration, time.Duration) {
			now := time.Now()
			return now.Round(0).Sub(start.Round(0)), now.Sub(start)
		},
		withSleep: func() time.Duration { return bootTime() - boot },
	}
}

// elapsed returns a function that returns the time elapsed since the start, sleep included. It
// never goes back.
//
// The wall clock runs while the computer sleeps, and the other clock does not. If the wall clock
// has gained less than a millisecond on it, the computer has not slept and elapsed skips the system
// call.
func (m machineClocks) elapsed() func() time.Duration {
	type reading struct{ gained, slept time.Duration }
	var last atomic.Pointer[reading]
	last.Store(&reading{})
	return func() time.Duration {
		for {
			wall, awake := m.wallAndAwake()
			known := last.Load()
			if (wall - awake - known.gained).Abs() < time.Millisecond {
				return awake + known.slept
			}
			// Read first: a pause between the two then hides some of the sleep. It must not add
			// any, which would stay.
			total := m.withSleep()
			wall, awake = m.wallAndAwake()
			last.CompareAndSwap(known, &reading{gained: wall - awake, slept: max(known.slept, total-awake)})
		}
	}
}
