// Package token is the short JWT that names a session.
//
// A token says which session its bearer means, and nothing about whether that session is alive: package session
// judges that on every request. So a verified token may be remembered until it expires; what is remembered is
// that its signature is right, and no more.
//
// The JWT library does the cryptography and judges the claims. What it judges passes a gate that is stricter than its own reading
// ([Keys.Verify]): one header, to the letter, for each key; nothing read before the signature is verified; no unknown, repeated or
// differently cased claims (RFC 8725 and its successor's draft).
package token
