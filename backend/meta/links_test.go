package meta

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var testName = regexp.MustCompile(`\bTest[A-Z]\w+`)

var markdownLink = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// TestLinksLeadSomewhere checks that the files that the documents link to exist.
func TestLinksLeadSomewhere(t *testing.T) {
	followed := 0
	for document, text := range written(t, ".md") {
		for _, found := range markdownLink.FindAllStringSubmatch(text, -1) {
			link, err := url.Parse(found[1])
			require.NoError(t, err, document)
			if link.IsAbs() {
				continue
			}
			followed++
			_, err = os.Stat(filepath.Join("../..", filepath.Dir(document), link.Path))
			require.NoError(t, err, "%s links to %s", document, link)
		}
	}
	require.Greater(t, followed, 10)
}

// TestNamedTestsExist checks that there is each test that a document names, by its name or by how
// that begins.
func TestNamedTestsExist(t *testing.T) {
	var sources strings.Builder
	for _, text := range written(t, ".go") {
		sources.WriteString(text)
	}
	named := 0
	for document, text := range written(t, ".md") {
		for _, name := range testName.FindAllString(text, -1) {
			named++
			require.True(t, strings.Contains(sources.String(), "\nfunc "+name), "%s names %s", document, name)
		}
	}
	require.Greater(t, named, 5)
}

// TestTheMapNamesWhatExists checks that backend/doc.go lists each folder, and that it names only
// types, functions and methods that exist.
func TestTheMapNamesWhatExists(t *testing.T) {
	raw, err := os.ReadFile("../doc.go")
	require.NoError(t, err)
	folders, err := filepath.Glob("../*/")
	require.NoError(t, err)
	for _, folder := range folders {
		require.Contains(t, string(raw), "\n//\t"+filepath.Base(folder)+" ")
	}
	sources := map[string]string{}
	for path, text := range written(t, ".go") {
		sources[filepath.Base(filepath.Dir(path))] += text
	}
	named := regexp.MustCompile(`\b([a-z]+)\.(?:(\w+)\.)?(\w+)`).FindAllStringSubmatch(string(raw), -1)
	require.Greater(t, len(named), 20)
	for _, name := range named {
		if text, ok := sources[name[1]]; ok && name[3] != "yaml" {
			receiver := ""
			if name[2] != "" {
				receiver = `\(\w+ \*?` + name[2] + `\) `
			}
			declared := regexp.MustCompile(`(?m)^(func ` + receiver + name[3] + `[(\[]|type ` + name[3] + ` |\t` + name[3] + ` +sync\.)`)
			require.True(t, declared.MatchString(text), "%s does not exist", name[0])
		}
	}
}
