// Package token issues and verifies the short JWT that names a session.
//
// A token says which session its bearer means. Whether that session is alive is for package session
// to judge on every request. So the signature of a verified token may be remembered.
//
// The JWT library does the cryptography and judges the claims, but for the expiry. [Keys.Verify] is
// stricter than the library's own parser: the header has to match a key's header byte for byte,
// nothing is read before the signature is verified, and unknown, repeated or differently cased
// claims are refused (RFC 8725 and the draft that succeeds it).
package token
