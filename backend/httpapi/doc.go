// Package httpapi is the JSON API.
//
// openapi.yaml is its contract, and the source of the Go models (wire.gen.go), the front end's
// types and the page at /api/docs. routes.go is the table of all routes, guard.go authenticates,
// bind.go reads bodies, and problem.go alone maps errors to statuses. The other files hold one
// resource each.
//
// Handlers return errors. A handler that needs a principal takes it as an argument, so it cannot be
// mounted without the guard.
package httpapi

//go:generate go tool -modfile=../tools.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
