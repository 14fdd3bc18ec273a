package backend

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var markdownLink = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// TestLinksLeadSomewhere: what the documents point at is there.
func TestLinksLeadSomewhere(t *testing.T) {
	documents, err := filepath.Glob("decisions/*.md")
	require.NoError(t, err)
	followed := 0
	for _, document := range append(documents, "../README.md", "../.github/CONTRIBUTING.md", "../.github/SECURITY.md") {
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
