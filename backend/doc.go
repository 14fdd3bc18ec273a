// Package backend is the map of the house. It holds no code.
//
// # Rooms
//
//	session   the rule: when is a session alive, how does it end; the policy; the roster of live sessions in memory
//	member    who may sign in: members, roles, passwords, the throttle
//	audit     what is worth remembering, in a chain of hashes
//	fold      one form for each kind of text that people type: addresses, names, codes, search and sort keys
//	token     the short JWT that names a session; the deployment's secrets
//	durable   writes files that outlive a loss of power
//	store     everything kept, through GORM, on SQLite
//	httpapi   the JSON API and its contract, openapi.yaml
//	etag      evaluates If-Match and If-None-Match
//	live      who is listening to events, and how they are woken
//	metrics   what a monitoring system is told
//	mail      sends one-time links by SMTP
//	spa       serves the built web app
//	build     what the program was built from
//	config    what the operator sets before the start
//	app       puts it together: the data folder, the server, the operator's door, the work in the background
//	cli       the command line: serve, and the operator's commands, which are clients of the JSON API
//	meta      tests alone: hold documents and structure to the code
//	asvs      which requirement of OWASP ASVS 5.0 is proved by which test
//	demo      a program beside the product: makes up an organization to look at
//	attacks   tests alone: the whole program under attack (make attacks)
//	bench     a module beside the product: measures it beside what others do (make bench)
//	failpoint where the harness takes hold of the program; nothing at all in the program that people run
//	faults    the harness, a module beside the product: breaks the machine under it and judges what became of its promises (make faults)
//
// Nouns stand in the middle and technology at the edge: session, member and audit know neither SQL nor HTTP. The arrows between the
// rooms are held by meta/arrows_test.go; the reasons for the layout are in decisions.
//
// # One request's way through the house
//
// GET /api/sessions, with a cookie:
//
//  1. httpapi: the middleware in api.go gives the request an id, its headers, and the cross-origin check.
//  2. httpapi: the route was mounted with [API.member], which calls [API.admit] (guard.go). A handler that needs a principal takes it
//     as an argument, so that it cannot be mounted without.
//  3. token: [Keys.Verify] finds out which session the token names. The signature is worked out once for each token.
//  4. session: [Service.Admit] finds the session in the roster. One that is not there has ended, or was not read yet after a start; the store
//     knows.
//  5. session: [Standing.Ended] judges it: a pure function of facts, the policy in force, and the time. Rule R1.
//  6. session: the access is noted in memory (R2). [Service.Flush] writes it within a second.
//  7. httpapi: [API.listSessions] asks [Service.List], which picks from the roster; wire.go turns sessions into the contract's words. With
//     ?scope=all it asks [Service.Find], which picks from everybody's.
//
// An error goes straight back from wherever it arises to problemFor (problem.go), which alone makes a status of it.
//
// # One click's way: Revoke all sessions
//
// [API.revokeAllSessions] → [Service.RevokeAll] → [DB.RevokeAll]: one transaction raises the organization's generation by one and
// writes the audit entry. When it is on disk, memory takes the new generation in one atomic store; every session of an earlier
// one is over from that moment on. Then the answer goes out. Rows are closed later, by the sweep.
//
// # The operator's way in
//
// curfew session revoke-all → [app.OpenOperatorClient]: the socket of the server that runs on the data folder or, where none does, a pipe to the
// same handlers in this process → the router of [API.MountOperator], whose guard is [Service.Operator] → [Service.RevokeAll], and on as
// above. Nothing that comes over TCP reaches that router.
//
// # Locks
//
// The product has at most eight locks. Each is a field that only its own package reaches, and its
// comment says what it protects. meta/locks_test.go lists them in the order in which they are taken.
//
// The store has one connection that writes. It is taken below [session.Service]'s lock for changes,
// and code that has it takes no lock. Package member bounds how many passwords are hashed at once.
package backend
