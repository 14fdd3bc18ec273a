// Package attacks is the whole program under attack: its tests serve the real app on a loopback
// listener and send it, byte for byte over TCP, what other systems of this kind were broken with.
// It holds no code.
//
// What single rooms can prove of themselves stands in their own tests; here is what has to hold of
// all of them together. Each attack is a row: of what kind it is, what was sent, what came back,
// and whether that was right. make attacks runs the whole corpus and prints how many of each kind
// were tried and how many were answered wrongly; make test runs the same tests with -short, which
// sends fewer of the same.
//
// The names in parentheses, as in (T631), are those of the requirements that a test proves.
package attacks
