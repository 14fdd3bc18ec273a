// Package asvs holds which requirement of the OWASP Application Security Verification Standard 5.0 is proved by which test. It has no code
// but its own test, which makes README.md out of two things: requirements.tsv, and the marks that tests carry in their own source.
//
// A test that proves a requirement says so in a line of its comment, as "// ASVS 7.2.4, 7.4.3"; a script of the command line as
// "# ASVS 7.4.5". A requirement without such a test has a word on it in requirements.tsv, which begins with "n/a: " or "not met: ". One that
// a test proves in part has both, and its word begins with "partly: ". After a change, go test ./backend/asvs -update writes the page again.
package asvs
