// Package session is the rule: when a session is alive, and how it ends.
//
// Start with [Standing.Ended], a pure function of stored facts, the policy in force and a time.
// [Policy] is what an admin sets. [Organization] is the one row that *Revoke all* and a saved
// policy change. The roster holds every live session in memory, so that neither the check nor a
// list costs I/O. [Service] is what the rest of the program calls.
//
// The package knows neither HTTP nor SQL nor JWT. [Store] is what it requires of storage: each of
// its methods is one transaction.
package session
