//go:build !linux

package session

import "time"

var started = time.Now()

// bootTime does not count sleep: servers run on Linux.
func bootTime() time.Duration { return time.Since(started) }
