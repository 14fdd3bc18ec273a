// Package failpoint lets the harness in backend/faults control the program: points at which it may
// be killed, and the wall clock.
//
// In the released program, every function is empty or returns a constant, and the compiler removes
// the calls. With the build tag failpoint, the functions do what the environment says. See
// injected.go.
package failpoint
