// Package failpoint is where the harness in backend/faults takes hold of the program: the points at
// which it may be killed, and the wall clock.
//
// In the program that people run it is nothing: every function here is empty or hands back what it
// stands for, and the compiler leaves no trace of a call. Built with the tag failpoint, the
// functions do what the environment says; see injected.go.
package failpoint
