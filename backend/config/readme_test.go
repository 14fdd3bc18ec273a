package config

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeListsEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, s := range Settings {
		row := "| `--" + s.Name + "` | `" + s.Environment() + "` |"
		require.Contains(t, string(readme), row)
		if s.Default != "" {
			_, after, _ := strings.Cut(string(readme), row)
			line, _, _ := strings.Cut(after, "\n")
			require.Contains(t, line, "`"+s.Default+"`", s.Name)
		}
	}
}
