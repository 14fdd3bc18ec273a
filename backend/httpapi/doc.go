// Package httpapi is the JSON API.
//
// openapi.yaml is its contract and the one source of the Go models (wire.gen.go), the front end's types and the page
// at /api/docs. api.go is the whole API on one screen, guard.go is the one way in, bind.go reads what clients send, and
// problem.go is the only place where an error becomes a status. Beside them is one file for each resource.
//
// Handlers return errors. One that needs a principal takes it as an argument, so that it cannot be mounted without the guard.
package httpapi

//go:generate go tool -modfile=../tools.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
