// Package failpoint is where the harness in backend/faults takes hold of the program: the points at
// which it may be killed, and the wall clock.
//
// In the program that people run, every function is empty or returns what it stands for, and the
// compiler leaves no trace of a call. With the build tag failpoint, the functions do what the
// environment says. See injected.go.
package failpoint
