package meta

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryMutantFitsTheSources checks that each text that a mutant of backend/faults replaces is
// in its file once, and that the file parses afterwards. It reads the table, because the module of
// backend/faults needs packages that the product does without.
func TestEveryMutantFitsTheSources(t *testing.T) {
	table, err := parser.ParseFile(token.NewFileSet(), "../faults/mistakes.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	edited := map[string]string{}
	ast.Inspect(table, func(node ast.Node) bool {
		literal, ok := node.(*ast.CompositeLit)
		if !ok {
			return true
		}
		edit := map[string]string{}
		for _, element := range literal.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if text, ok := pair.Value.(*ast.BasicLit); ok {
					edit[pair.Key.(*ast.Ident).Name], err = strconv.Unquote(text.Value)
					require.NoError(t, err)
				}
			}
		}
		path, ok := edit["file"]
		if !ok {
			return true
		}
		if edited[path] == "" {
			text, err := os.ReadFile("../" + path)
			require.NoError(t, err)
			edited[path] = string(text)
		}
		if n := strings.Count(edited[path], edit["from"]); n != 1 {
			t.Errorf("backend/%s has this text of a mutant %d times:\n%s", path, n, edit["from"])
		}
		edited[path] = strings.Replace(edited[path], edit["from"], edit["to"], 1)
		return false
	})
	require.Greater(t, len(edited), 5)
	for path, text := range edited {
		_, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		require.NoError(t, err)
	}
}
