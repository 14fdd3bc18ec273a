//go:build !failpoint

package failpoint

import "time"

// Injected reports whether the program was built for the harness. It is a constant, so code that
// depends on it is not compiled.
const Injected = false

// At is a point at which the harness may kill the program.
func At(string) {}

// Wall returns the wall clock.
func Wall() func() time.Time { return time.Now }
