package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
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

// document is the contract as JSON, and the page that is made of it. Both are made at the first call.
var document = sync.OnceValues(func() (*described, error) {
	var spec map[string]any
	if err := yaml.Unmarshal(contract, &spec); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	asJSON, err := json.Marshal(spec, written)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(docsPage)
	if err != nil {
		return nil, fmt.Errorf("read docs.html: %w", err)
	}
	var html bytes.Buffer
	err = page.Execute(&html, map[string]any{"spec": spec, "style": template.CSS(docsStyle), "problems": sentinelsForDocs()}) //nolint:gosec // our own style
	if err != nil {
		return nil, fmt.Errorf("write the page of the OpenAPI document: %w", err)
	}
	style := sha256.Sum256([]byte(docsStyle))
	return &described{asJSON, html.Bytes(), base64.StdEncoding.EncodeToString(style[:])}, nil
})

type described struct {
	json      []byte
	html      []byte
	styleHash string
}

func (a *API) getOpenAPI(c echo.Context) error {
	doc, err := document()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, doc.json)
}

func (a *API) getDocs(c echo.Context) error {
	doc, err := document()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy",
		"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"+doc.styleHash+"'")
	return c.HTMLBlob(http.StatusOK, doc.html)
}

// documentedProblem is a row of the page's table of problem codes.
type documentedProblem struct {
	Status int
	Code   string
	Detail string
}

func sentinelsForDocs() []documentedProblem {
	var rows []documentedProblem
	seen := map[string]bool{}
	for _, s := range sentinels {
		if !seen[s.code] {
			seen[s.code] = true
			rows = append(rows, documentedProblem{s.status, s.code, s.detail})
		}
	}
	return append(rows,
		documentedProblem{http.StatusUnauthorized, "session_expired", "The session's time ran out. Sign in again."},
		documentedProblem{http.StatusUnauthorized, "session_revoked", "The session was ended; \"ended\" says how, when and by whose hand. Sign in again."},
		documentedProblem{http.StatusUnauthorized, "member_deactivated", "The account is deactivated."},
		documentedProblem{http.StatusPreconditionFailed, "stale_version", "It was saved since the caller read it; \"current\" is what is in force."},
		documentedProblem{http.StatusMisdirectedRequest, "misdirected", "Pages and calls by cookie are served under the public URL's host and localhost alone."},
		documentedProblem{http.StatusUnprocessableEntity, "invalid_input", "\"errors\" says which fields are wrong, and what to do."},
		documentedProblem{http.StatusUnprocessableEntity, "unknown_field", "A field that the call does not know."},
		documentedProblem{http.StatusUnprocessableEntity, "unknown_parameter", "A parameter that the call does not know."},
		documentedProblem{http.StatusBadRequest, "invalid_query", "The query string cannot be read."},
		documentedProblem{http.StatusTooManyRequests, "too_many_streams", "This session has too many streams of events open."},
		documentedProblem{http.StatusTooManyRequests, "too_many_attempts", "Too many attempts. Wait as long as Retry-After says."},
		documentedProblem{http.StatusServiceUnavailable, "busy", "Too many people are signing in at this moment, or too many lists, previews and exports are being made."},
		documentedProblem{http.StatusServiceUnavailable, "storage_unavailable", "The server cannot reach its storage. Nobody was signed out."},
		documentedProblem{http.StatusInternalServerError, "internal", "A fault of the server's; its log has the cause under the request's id."},
	)
}
