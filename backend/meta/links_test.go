package meta

import (
	"io/fs"
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

// TestLinksLeadSomewhere: what the documents point at is there.
func TestLinksLeadSomewhere(t *testing.T) {
	documents, err := filepath.Glob("../decisions/*.md")
	require.NoError(t, err)
	followed := 0
	for _, document := range append(documents, "../../README.md", "../../.github/CONTRIBUTING.md", "../../.github/OPERATING.md", "../../.github/SECURITY.md",
		"../../.github/CHANGELOG.md", "../bench/README.md", "../faults/README.md", "../attacks/README.md") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, found := range markdownLink.FindAllSubmatch(text, -1) {
			link, err := url.Parse(string(found[1]))
			require.NoError(t, err, document)
			if link.IsAbs() {
				continue
			}
			followed++
			_, err = os.Stat(filepath.Join(filepath.Dir(document), link.Path))
			require.NoError(t, err, "%s points at %s", document, link)
		}
	}
	require.Greater(t, followed, 10)
}

// TestNamedTestsExist: where the documents name a test as the proof of something, there is one.
func TestNamedTestsExist(t *testing.T) {
	sources := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, declared := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
			sources[string(declared[1])] = true
		}
		return err
	}))
	documents, err := filepath.Glob("../decisions/*.md")
	require.NoError(t, err)
	named := 0
	for _, document := range append(documents, "../../README.md", "../../.github/CHANGELOG.md") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, name := range testName.FindAllString(string(text), -1) {
			named++
			require.True(t, sources[name], "%s names %s", document, name)
		}
	}
	require.Greater(t, named, 5)
}
