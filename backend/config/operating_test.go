package config

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOperatingListsEverySetting(t *testing.T) {
	page, err := os.ReadFile("../../.github/OPERATING.md")
	require.NoError(t, err)
	for _, s := range Settings {
		row := "| `--" + s.Name + "` | `" + s.Environment() + "` |"
		require.Contains(t, string(page), row)
		if s.Default != "" {
			_, after, _ := strings.Cut(string(page), row)
			line, _, _ := strings.Cut(after, "\n")
			require.Contains(t, line, "`"+s.Default+"`", s.Name)
		}
	}
}
