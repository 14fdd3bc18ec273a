// Package asvs lists which test proves which requirement of the OWASP Application Security
// Verification Standard 5.0. It holds only a test, which generates README.md from requirements.tsv
// and from the marks in the tests' sources.
//
// A test that proves a requirement has a mark in its comment, as "// ASVS 7.2.4, 7.4.3", and a
// script of the command line as "# ASVS 7.4.5". A requirement without such a test has a note in
// requirements.tsv, which begins with "n/a: " or "not met: ". One that is proved in part has both,
// and its note begins with "partly: ". After a change, run go test ./backend/asvs -update to write
// the page.
package asvs
