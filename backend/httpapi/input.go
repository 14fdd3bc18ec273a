package httpapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	"curfew/backend/etag"
)

// Unknown input is refused, never ignored: a mistyped filter would otherwise select everything.
// What a call takes is read from openapi.yaml.

// input is what a call takes. The zero input takes nothing.
type input struct {
	query   map[string]parameter
	headers map[string]bool
	body    bool
}

// parameter is a parameter in openapi.yaml.
type parameter struct {
	Ref    string `yaml:"$ref"`
	Name   string
	In     string
	Schema struct {
		Type             string
		Format           string
		Enum             []string
		Minimum, Maximum int
		MaxLength        int `yaml:"maxLength"`
	}
}

// documentedInputs returns the inputs of the contract's calls.
var documentedInputs = sync.OnceValue(func() map[call]input {
	var spec struct {
		Paths      map[string]map[string]yaml.Node
		Components struct{ Parameters map[string]parameter }
	}
	if err := yaml.Unmarshal(contract, &spec); err != nil {
		panic(err) // the contract is part of the program
	}
	inputs := map[call]input{}
	for path, calls := range spec.Paths {
		path = templated.ReplaceAllString(path, ":$1")
		for method, node := range calls {
			var described struct {
				Parameters  []parameter
				RequestBody map[string]any `yaml:"requestBody"`
			}
			if method == "parameters" { // in the path, which Echo reads
				continue
			}
			if err := node.Decode(&described); err != nil {
				panic(err)
			}
			known := input{query: map[string]parameter{}, headers: map[string]bool{}, body: described.RequestBody != nil}
			for _, p := range described.Parameters {
				if name, found := strings.CutPrefix(p.Ref, "#/components/parameters/"); found {
					p = spec.Components.Parameters[name]
				}
				switch p.In {
				case "query":
					known.query[p.Name] = p
				case "header":
					known.headers[p.Name] = true
				}
			}
			inputs[call{strings.ToUpper(method), path}] = known
		}
	}
	return inputs
})

var templated = regexp.MustCompile(`\{(\w+)\}`)

// inputOf returns what a call takes. A call that is not in the contract, one of the operator's own,
// takes a body and nothing else.
func inputOf(method, path string) input {
	known, documented := documentedInputs()[call{method, path}]
	known.body = known.body || !documented
	return known
}

// checked puts the check of a call's input before its handler.
func (i input) checked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := i.check(c); err != nil {
			return err
		}
		return next(c)
	}
}

// check returns an error for input that the call does not take: a parameter and, of a call that
// changes something, a body, a key, or a condition on a thing without versions. It may read the
// body, so it runs after the guard.
func (i input) check(c echo.Context) error {
	r := c.Request()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads && r.URL.RawQuery == "" {
		return nil
	}
	if err := i.refuseQuery(r.URL.RawQuery); err != nil || reads {
		return err
	}
	if !i.headers["Idempotency-Key"] && r.Header["Idempotency-Key"] != nil {
		return invalid("Idempotency-Key", "unknown_parameter", "This call keeps no keys. Leave it out.")
	}
	if !i.headers["If-Match"] {
		conditions, err := etag.ReadConditions(r.Header)
		if err != nil {
			return err
		}
		if !conditions.Allow("") {
			return etag.ErrFailed
		}
	}
	if i.body {
		return nil
	}
	return bindOptional(c, &struct{}{})
}

// refuseQuery returns an error for a query string that cannot be parsed, for unknown parameters,
// and for values that a parameter cannot have.
func (i input) refuseQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", errQuery, err)
	}
	var wrong []FieldError
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !utf8.ValidString(name + strings.Join(query[name], "")) {
			return fmt.Errorf("%w: %q is not UTF-8", errQuery, name)
		}
		p, known := i.query[name]
		if !known {
			wrong = append(wrong, FieldError{Field: name, Code: "unknown_parameter", Message: "There is no such parameter. Remove it."})
		} else if code, message := p.refuse(query[name]); code != "" {
			wrong = append(wrong, FieldError{Field: name, Code: code, Message: message})
		}
	}
	if wrong == nil {
		return nil
	}
	return &inputError{wrong}
}

var errQuery = errors.New("unreadable query string")

// refuse returns the code and message for values that the parameter cannot have; "" for valid ones.
func (p parameter) refuse(values []string) (code, message string) {
	value, s := values[0], p.Schema
	switch {
	case len(values) > 1:
		return "invalid", "Send this once."
	case strings.TrimSpace(value) == "":
		return "invalid", "This is empty. Give it a value, or leave it out."
	case s.Type == "boolean" && value != "true" && value != "false":
		return "oneof", "Choose one of: true, false."
	case s.Enum != nil && !slices.Contains(s.Enum, value):
		return "oneof", "Choose one of: " + strings.Join(s.Enum, ", ") + "."
	case s.MaxLength > 0 && utf8.RuneCountInString(value) > s.MaxLength:
		return "max", fmt.Sprintf("Use at most %d characters.", s.MaxLength)
	case s.Type == "integer":
		if n, err := strconv.Atoi(value); err != nil || strconv.Itoa(n) != value || n < s.Minimum || n > s.Maximum {
			return "range", fmt.Sprintf("Use a whole number from %d to %d.", s.Minimum, s.Maximum)
		}
	case s.Format == "date-time":
		if _, err := readTime(value); err != nil {
			return "datetime", "Use a time as in 2026-11-23T00:00:00Z."
		}
	}
	return "", ""
}

// readTime reads a time of RFC 3339. A space before the offset is a plus that was not escaped. A
// time before 1970 is an error: in the store it would be no bound.
func readTime(text string) (at time.Time, err error) {
	if offset := len(text) - len(" 00:00"); offset > 0 && text[offset] == ' ' {
		text = text[:offset] + "+" + text[offset+1:]
	}
	if err := at.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, err
	}
	if at.Unix() < 0 {
		return time.Time{}, fmt.Errorf("%s is before 1970", text)
	}
	return at, nil
}

// timeParam returns the time in a parameter, or otherwise if the request has none.
func timeParam(c echo.Context, name string, otherwise time.Time) time.Time {
	at, err := readTime(c.QueryParam(name))
	if err != nil {
		return otherwise // the request has none: check lets no other pass
	}
	return at
}

// refuseParameters returns an error for parameters that have no meaning next to the others.
func refuseParameters(c echo.Context, message string, names ...string) error {
	var wrong []FieldError
	for _, name := range names {
		if c.QueryParam(name) != "" {
			wrong = append(wrong, FieldError{Field: name, Code: "invalid", Message: message})
		}
	}
	if wrong == nil {
		return nil
	}
	return &inputError{wrong}
}
