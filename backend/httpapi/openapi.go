package httpapi

import (
	_ "embed"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var contract []byte

// document returns the contract as JSON and the page made of it. Both are made at the first call.
var document = sync.OnceValue(func() (d described) {
	var spec node
	errRead := yaml.Unmarshal(contract, &spec)
	asJSON, errWrite := json.Marshal(spec, written)
	page, styleHash, errPage := writeDocs(spec)
	if err := errors.Join(errRead, errWrite, errPage); err != nil {
		panic(err) // the contract is part of the program
	}
	return described{asJSON, page, styleHash}
})

type described struct {
	json      []byte
	html      []byte
	styleHash string
}

func (a *API) getOpenAPI(c echo.Context) error {
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, document().json)
}

// sentinelsForDocs returns a row for each problem code.
func sentinelsForDocs() (rows []sentinel) {
	seen := map[string]bool{}
	for _, s := range slices.Concat(sentinels, otherProblems) {
		if !seen[s.Code] {
			seen[s.Code] = true
			rows = append(rows, s)
		}
	}
	return rows
}

// otherProblems are those whose text depends on the error.
var otherProblems = []sentinel{
	{nil, http.StatusUnauthorized, "session_expired", "The session has expired. Sign in again."},
	{nil, http.StatusUnauthorized, "session_revoked", "The session was ended. \"ended\" says how, when and by whom. Sign in again."},
	{nil, http.StatusUnauthorized, "member_deactivated", "The account is deactivated."},
	{nil, http.StatusConflict, "count_changed", "Far more sessions match than were confirmed. Nothing was revoked. Look at the list, then confirm the new number."},
	{nil, http.StatusPreconditionFailed, "stale_version", "It was saved since you read it. \"current\" holds what is in force."},
	{nil, http.StatusMisdirectedRequest, "misdirected", "Pages and calls by cookie are served only under the public URL's host and localhost."},
	{nil, http.StatusUnprocessableEntity, "invalid_input", "\"errors\" names the fields that are wrong, and what to do."},
	{nil, http.StatusUnprocessableEntity, "unknown_field", "The call does not know a field that was sent."},
	{nil, http.StatusUnprocessableEntity, "unknown_parameter", "The call does not know a parameter that was sent."},
	{nil, http.StatusTooManyRequests, "too_many_attempts", "Too many attempts. Wait as long as Retry-After says."},
	{nil, http.StatusServiceUnavailable, "storage_unavailable", "The server cannot reach its storage. No sessions ended."},
	{nil, http.StatusInternalServerError, "internal", "A fault in the server. Its log has the cause, under the request's id."},
}
