// Package session is the rule: when is a session alive, and how does it end.
//
// Start with [Standing.Ended]: a pure function of stored facts, the policy in force and a time that is handed
// in. Everything else serves it. [Policy] is what an admin sets, [Organization] is the one row that a
// revocation and a saved policy change, the roster holds every live session in memory so that neither
// the check nor a list costs I/O, and [Service] is what the rest of the house calls.
//
// The package knows neither HTTP nor SQL nor JWT. What it asks of storage is [Store]; each of its methods is
// one transaction.
package session
