// Package attacks is the whole program under attack. Its tests serve the real app on a loopback
// listener and send it, byte for byte over TCP, what other systems of this kind were broken with.
// It holds no code.
//
// What a single package can prove of itself is in that package's tests. These tests hold for all of
// them together. Each attack is a row: its kind, what was sent, what came back, and whether that
// was right. make attacks runs the whole corpus and prints how many of each kind were tried and how
// many were answered wrongly. make test runs the same tests with -short, which sends fewer of the
// same.
//
// The names in parentheses, as in (T631), are those of the requirements that a test proves.
package attacks
