package session

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the time since the computer started, sleep included (clock_gettime(2),
// CLOCK_BOOTTIME).
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(err) // every Linux that Go runs on has it
	}
	return time.Duration(t.Nano())
}
