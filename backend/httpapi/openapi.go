package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var contract []byte

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle string

// document returns the contract as JSON and the page made of it. Both are made at the first call.
var document = sync.OnceValue(func() (d described) {
	var (
		spec map[string]any
		html bytes.Buffer
	)
	errRead := yaml.Unmarshal(contract, &spec)
	asJSON, errWrite := json.Marshal(spec, written)
	page := template.Must(template.New("docs").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(docsPage))
	errPage := page.Execute(&html, map[string]any{"spec": spec, "style": template.CSS(docsStyle), "problems": sentinelsForDocs()}) //nolint:gosec // our own style
	if err := errors.Join(errRead, errWrite, errPage); err != nil {
		panic(err) // the contract is part of the program
	}
	style := sha256.Sum256([]byte(docsStyle))
	return described{asJSON, html.Bytes(), base64.StdEncoding.EncodeToString(style[:])}
})

type described struct {
	json      []byte
	html      []byte
	styleHash string
}

func (a *API) getOpenAPI(c echo.Context) error {
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, document().json)
}

func (a *API) getDocs(c echo.Context) error {
	c.Response().Header().Set("Content-Security-Policy",
		"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"+document().styleHash+"'")
	return c.HTMLBlob(http.StatusOK, document().html)
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
	{nil, http.StatusPreconditionFailed, "stale_version", "It was saved since you read it. \"current\" holds what is in force."},
	{nil, http.StatusMisdirectedRequest, "misdirected", "Pages and calls by cookie are served only under the public URL's host and localhost."},
	{nil, http.StatusUnprocessableEntity, "invalid_input", "\"errors\" names the fields that are wrong, and what to do."},
	{nil, http.StatusUnprocessableEntity, "unknown_field", "The call does not know a field that was sent."},
	{nil, http.StatusUnprocessableEntity, "unknown_parameter", "The call does not know a parameter that was sent."},
	{nil, http.StatusTooManyRequests, "too_many_attempts", "Too many attempts. Wait as long as Retry-After says."},
	{nil, http.StatusServiceUnavailable, "storage_unavailable", "The server cannot reach its storage. No sessions ended."},
	{nil, http.StatusInternalServerError, "internal", "A fault in the server. Its log has the cause, under the request's id."},
}
