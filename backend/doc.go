// Package backend is the map of the code. It holds no code itself.
//
// # Packages
//
//	session    the rule: when a session is alive and how it ends; the policy; live sessions in memory
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
//  1. httpapi: the middleware in api.go sets the request id and headers and checks the origin.
//  2. httpapi: the route is mounted behind [API.guarded], so [API.admit] runs first (guard.go). A
//     handler that needs a principal takes it as an argument: it cannot be mounted without.
//  3. token: [Keys.Verify] returns the session that the token names. A token's signature is
//     verified once.
//  4. session: [Service.Admit] looks the session up in memory. One that is not there has ended, and
//     the store knows why.
//  5. session: [Standing.Ended] judges it, a pure function of its facts, the policy and the time
//     (rule R1).
//  6. session: the access is noted in memory (R2). [Service.Flush] writes it within a second.
//  7. httpapi: [API.listSessions] calls [Service.List], or [Service.Find] with ?scope=all. wire.go
//     turns sessions into the contract's schema.
//
// An error goes back to problemFor (problem.go), which alone maps errors to statuses.
//
// # One click: Revoke all sessions
//
// [API.revokeAllSessions] calls [Service.RevokeAll], which calls [DB.RevokeAll]. One transaction
// raises the organization's generation by one and appends the audit entry. Once it is on disk,
// memory takes the new generation in one atomic store. Every session of an earlier generation has
// ended from then on, and the answer goes out. The sweep closes the rows later.
//
// # The operator
//
// curfew session revoke-all calls [app.OpenOperatorClient]: it dials the socket of the server that
// runs on the data folder. If none runs, it opens a pipe to the same handlers in its own process.
// The router of [API.MountOperator] has [Service.Operator] as its guard and calls the same
// [Service.RevokeAll]. No TCP connection reaches that router.
//
// # Locks
//
// The product has at most eight locks. Each is a field that only its own package reaches, and its
// comment says what it protects. meta/locks_test.go lists them in the order of locking.
//
// The store has one connection that writes. It is taken below [session.Service]'s lock for changes,
// and code that has it takes no lock. Package member bounds how many passwords are hashed at once.
package backend
