//go:build race

package httpapi_test

// requireDocument leaves the contract to the run without the race detector: with it, the library
// that judges by it takes minutes to compile.
func (a *answer) requireDocument() {}
