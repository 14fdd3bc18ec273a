// Package token is the short JWT that names a session.
//
// A token says which session its bearer means, and nothing about whether that session is alive: package session
// judges that on every request. So a verified token may be remembered until it expires; what is remembered is
// that its signature is right, and no more.
//
// Before the JWT library sees what is in a token it passes a gate that is stricter than the library ([Keys.Verify]): one shape, one
// algorithm, one kind, no unknown, repeated or differently cased members (RFC 8725 and its successor's draft).
package token
