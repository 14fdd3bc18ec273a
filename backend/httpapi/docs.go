package httpapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle string

// organizationMark stands for the organization's name in the page, which is made once.
const organizationMark = "%organization%"

func (a *API) getDocs(c echo.Context) error {
	d := document()
	c.Response().Header().Set("Content-Security-Policy",
		"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"+d.styleHash+"'")
	name := html.EscapeString(cmp.Or(a.Sessions.Organization().Name, "Curfew"))
	return c.HTMLBlob(http.StatusOK, bytes.ReplaceAll(d.html, []byte(organizationMark), []byte(name)))
}

// node is an object of the contract.
type node = map[string]any

// docs makes the page of a contract.
type docs struct {
	spec node
	// targets holds the ids of calls and problem codes, by the words that name them.
	targets map[string]string
}

// docsCall is one call as the page shows it.
type docsCall struct {
	Method, Path string
	Spec         node
	Parameters   []any
}

// writeDocs returns the page and the hash of its style.
func writeDocs(spec node) (page []byte, styleHash string, err error) {
	d, problems := docs{spec, map[string]string{}}, sentinelsForDocs()
	for _, problem := range problems {
		d.targets[problem.Code] = problem.Code
	}
	values := node{
		"spec": spec, "calls": d.calls(), "problems": problems, "organization": organizationMark,
		"style": template.CSS(docsStyle), //nolint:gosec // our own style
	}
	parsed, err := template.New("docs").Funcs(template.FuncMap{
		"markdown": d.markdown, "inline": d.inline, "resolve": d.resolve, "curl": d.curl, "kind": kind,
		"word":  func(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] },
		"title": func(summary string) template.HTML { return d.inline(strings.TrimSuffix(summary, ".")) },
		"slug":  func(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") },
	}).Parse(docsPage)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	hash := sha256.Sum256([]byte(docsStyle))
	err = parsed.Execute(&out, values)
	return out.Bytes(), base64.StdEncoding.EncodeToString(hash[:]), err
}

// calls returns all calls, sorted by their path.
func (d docs) calls() (calls []docsCall) {
	paths := d.spec["paths"].(node)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(node)
		shared, _ := item["parameters"].([]any)
		for _, method := range []string{get, post, put, patch, remove} {
			if spec, found := item[strings.ToLower(method)].(node); found {
				own, _ := spec["parameters"].([]any)
				calls = append(calls, docsCall{method, path, spec, slices.Concat(shared, own)})
				d.targets[method+" "+path] = spec["operationId"].(string)
			}
		}
	}
	return calls
}

// resolve follows a reference within the contract.
func (d docs) resolve(of any) node {
	found, _ := of.(node)
	if ref, ok := found["$ref"].(string); ok {
		found = d.spec
		for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			found = found[step].(node)
		}
	}
	return found
}

// curl returns a command that makes the call.
func (d docs) curl(c docsCall) string {
	command := "curl -X " + c.Method + ` "$CURFEW` + strings.ReplaceAll(c.Path, "{id}", "$ID") + `"`
	if _, public := c.Spec["security"]; !public {
		command += ` \` + "\n" + `  -H "Authorization: Bearer $TOKEN"`
	}
	body, _ := c.Spec["requestBody"].(node)
	content, _ := body["content"].(node)
	for kind, of := range content {
		data := "--data-binary @file"
		if kind == echo.MIMEApplicationJSON {
			example, _ := json.Marshal(d.example("", of.(node)["schema"]), json.Deterministic(true))
			data = "-d '" + string(example) + "'"
		}
		command += ` \` + "\n" + `  -H "Content-Type: ` + kind + `" \` + "\n  " + data
	}
	return strings.Replace(command, " -X GET", "", 1)
}

// example returns a value of the schema. Objects have the fields that are required or have an
// example of their own.
func (d docs) example(name string, schema any) any {
	s := d.resolve(schema)
	if given, found := s["example"]; found {
		return given
	}
	switch s["type"] {
	case "object":
		object := node{}
		required, _ := s["required"].([]any)
		fields, _ := s["properties"].(node)
		for field, of := range fields {
			if _, given := d.resolve(of)["example"]; given || slices.Contains(required, any(field)) {
				object[field] = d.example(field, of)
			}
		}
		return object
	case "array":
		return []any{d.example(strings.TrimSuffix(name, "s"), s["items"])}
	case "integer":
		return 1
	case "boolean":
		return true
	}
	return "<" + name + ">"
}

// kind names a type of JSON Schema, which may be a list.
func kind(of any) string { return strings.ReplaceAll(strings.Trim(fmt.Sprint(of), "[]"), " ", " or ") }

var (
	codeSpan = regexp.MustCompile("`[^`]+`")
	link     = regexp.MustCompile(`\[([^\]]+)\]\((/[^)\s]*)\)`)
)

// inline renders code and links. The names of calls and codes link to them.
func (d docs) inline(text string) template.HTML {
	text = codeSpan.ReplaceAllStringFunc(html.EscapeString(text), func(span string) string {
		name := strings.Trim(span, "`")
		if id, found := d.targets[name]; found {
			return `<a href="#` + id + `"><code>` + name + "</code></a>"
		}
		return "<code>" + name + "</code>"
	})
	return template.HTML(link.ReplaceAllString(text, `<a href="$2">$1</a>`)) //nolint:gosec // escaped above
}

// markdown renders what the contract uses of Markdown: paragraphs and lists of inline text.
func (d docs) markdown(text string) (out template.HTML) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		items, isList := strings.CutPrefix(block, "- ")
		if !isList {
			out += "<p>" + d.inline(block) + "</p>"
			continue
		}
		out += "<ul>"
		for item := range strings.SplitSeq(items, "\n- ") {
			out += "<li>" + d.inline(item) + "</li>"
		}
		out += "</ul>"
	}
	return out
}
