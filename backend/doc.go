// Package backend is the map of the code. It holds no code itself.
//
// # Packages
//
//	session    the rule: when a session lives and how it ends; the policy; sessions in memory
//	slab       within session: tables, indexes and arenas for millions of rows
//	member     who may sign in: members, roles, passwords, second factors, the throttle
//	audit      what is recorded, in a chain of hashes
//	fold       one normal form for each kind of text: addresses, names, codes, sort keys
//	refusal    errors that mean "refused", as opposed to a storage failure
//	token      the JWT that names a session; the deployment's secrets
//	store      everything on disk: GORM on SQLite
//	httpapi    the JSON API and its contract, openapi.yaml
//	etag       evaluates If-Match and If-None-Match
//	live       who listens to events, and how listeners are woken
//	metrics    metrics for Prometheus
//	mail       sends one-time links by SMTP
//	spa        serves the built web app
//	config     the operator's settings
//	app        puts it together: data folder, server, operator's socket, background work
//	cli        the command line: serve, and the operator's commands, which are clients of the API
//	build      what the program was built from
//	durable    writes files that survive a power loss
//	failpoint  where the harness of faults interferes; empty in a release
//
// Next to the product:
//
//	meta       tests that compare documents and structure with the code
//	asvs       which test proves which requirement of OWASP ASVS 5.0
//	attacks    tests that attack the whole program (make attacks)
//	demo       makes up an organization to look at (make demo)
//	bench      a module of its own: measures (make bench)
//	faults     a module of its own: breaks the machine under the program (make faults)
//	scripts    shell scripts of the Makefiles
//	decisions  why it is built this way
//
// session, member and audit know neither SQL nor HTTP. meta/arrows_test.go holds the imports
// between packages.
//
// # One request
//
// GET /api/sessions, with a cookie:
//
//  1. httpapi: the middleware that httpapi.API.Mount lists sets the request id and headers, refuses
//     foreign hosts and checks the origin.
//  2. httpapi: a row of httpapi.API.routes names the call's handler, its doors and its guard.
//     httpapi.API.guarded runs first. A handler that needs a principal takes it as an argument, so
//     it cannot be mounted without a guard.
//  3. token: token.Keys.Verify returns the session that the token names. It verifies the signature
//     of a token once.
//  4. session: session.Service.Admit looks the session up in memory. A session that is not there
//     has ended, and the store knows how.
//  5. session: session.Standing.Ended judges it by its facts, the policy and the time (rule R1).
//  6. session: the access moves the session's times in memory (R2). session.Service.Flush writes
//     them within a second.
//  7. httpapi: httpapi.API.listSessions calls session.Service.List or, with ?scope=all,
//     session.Service.Find. wire.go turns sessions into the contract's schema.
//
// Errors return to httpapi.API.answerError. httpapi.problemFor alone maps them to statuses.
//
// # One click: Revoke all sessions
//
//  1. httpapi: httpapi.API.revokeAllSessions calls session.Service.RevokeAll.
//  2. session: session.Service.commit takes the lock of changes, through session.alone.change.
//  3. store: store.DB.RevokeAll judges the caller, raises the organization's generation by one and
//     appends the audit entry, in one transaction.
//  4. session: session.Service.apply makes memory show the effect. Every session of an earlier
//     generation has ended from then on. It wakes the listeners.
//  5. httpapi: the answer goes out. session.Service.Sweep closes the rows later.
//
// Every change takes this way: its write returns a session.Effect, and apply alone brings it to
// memory. If the outcome of a commit is unknown, each check is answered with 503 until memory is
// read again.
//
// # The operator
//
// curfew session revoke-all calls app.OpenOperatorClient: it dials the socket of the server that
// runs on the data folder. If none runs, it opens a pipe to the same handlers in its own process.
// httpapi.API.MountOperator mounts the routes whose doors include the socket, and every request
// there acts as session.Service.Operator. No TCP connection reaches them.
//
// # Locks
//
// The product has at most eight locks. Each is a field that only its own package reaches, and its
// comment says what it protects. meta/locks_test.go lists them in the order of locking.
//
// The store has one connection that writes. It is taken below session.alone.mu, and code that has
// it takes no lock. Package member bounds how many passwords are hashed at once.
package backend
