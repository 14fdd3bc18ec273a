package meta

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBothHalvesKnowTheSameCommonWords: the page says that a password is easy to guess before the
// server refuses it.
func TestBothHalvesKnowTheSameCommonWords(t *testing.T) {
	words := func(path, name string) []string {
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		found := regexp.MustCompile(name + "[^`]*`([^`]*)`").FindSubmatch(source)
		require.Len(t, found, 2, path)
		return strings.Fields(string(found[1]))
	}
	server := words("../member/password.go", "commonWords = ")
	require.Greater(t, len(server), 30)
	require.Equal(t, server, words("../../frontend/src/lib/text/password-hint.ts", "COMMON_WORDS ="))
}
