package meta

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write components.cdx.json again")

// component is one of what the program is built from, in the words of CycloneDX 1.5.
type component struct {
	Type    string            `json:"type"`
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Purl    string            `json:"purl"`
	Hashes  []componentsPrint `json:"hashes,omitempty"`
}

type componentsPrint struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// TestTheListOfComponentsIsWhatTheProgramIsBuiltFrom checks that the list names every Go module
// that is compiled into the program and every npm package that the pages are made of, and no other.
// Each is pinned by a hash, in go.sum or in package-lock.json, so that its content cannot change.
//
// ASVS 15.1.2
func TestTheListOfComponentsIsWhatTheProgramIsBuiltFrom(t *testing.T) {
	const kept = "components.cdx.json"
	all := slices.Concat(goComponents(t), npmComponents(t))
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.Purl, b.Purl) })
	require.Greater(t, len(all), 50)
	lines := make([]string, len(all))
	for i, c := range all {
		line, err := json.Marshal(c)
		require.NoError(t, err)
		lines[i] = "    " + string(line)
	}
	list := `{
  "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "version": 1,
  "metadata": { "component": { "type": "application", "name": "curfew" } },
  "components": [
` + strings.Join(lines, ",\n") + "\n  ]\n}\n"
	require.True(t, json.Valid([]byte(list)))
	if *update {
		require.NoError(t, os.WriteFile(kept, []byte(list), 0o644))
	}
	found, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Equal(t, list, string(found), "run: go test ./backend/meta -run Components -update")
}

func goComponents(t *testing.T) (all []component) {
	t.Helper()
	listing := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{with .Replace}}{{.Path}}{{end}}{{end}}{{end}}`, ".")
	listing.Dir = "../.."
	out, err := listing.Output()
	require.NoError(t, err)
	sums, err := os.ReadFile("../../go.sum")
	require.NoError(t, err)
	for _, line := range slices.Compact(slices.Sorted(strings.Lines(string(out)))) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		require.Len(t, fields, 2, "%s is replaced, and what by has to be listed", line)
		require.Contains(t, string(sums), fields[0]+" "+fields[1]+" h1:")
		all = append(all, component{Type: "library", Name: fields[0], Version: fields[1], Purl: "pkg:golang/" + fields[0] + "@" + url.PathEscape(fields[1])})
	}
	return all
}

func npmComponents(t *testing.T) (all []component) {
	t.Helper()
	raw, err := os.ReadFile("../../package-lock.json")
	require.NoError(t, err)
	var lock struct {
		Packages map[string]struct {
			Version, Integrity string
			Dev, Link          bool
		}
	}
	require.NoError(t, json.Unmarshal(raw, &lock))
	for where, p := range lock.Packages {
		_, name, ok := cutLast(where, "node_modules/")
		if !ok || p.Link || p.Dev {
			continue
		}
		algorithm, sum, _ := strings.Cut(p.Integrity, "-")
		require.Equal(t, "sha512", algorithm, where)
		content, err := base64.StdEncoding.DecodeString(sum)
		require.NoError(t, err, where)
		all = append(all, component{
			Type: "library", Name: name, Version: p.Version, Hashes: []componentsPrint{{"SHA-512", hex.EncodeToString(content)}},
			Purl: fmt.Sprintf("pkg:npm/%s@%s", strings.Replace(name, "@", "%40", 1), url.PathEscape(p.Version)),
		})
	}
	return all
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
