package meta

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var commentLine = regexp.MustCompile(`^\s*(//|/\*|\*[ /]|<!--|# )`)

// TestCommentsAreNarrow checks that comments end at column 100.
func TestCommentsAreNarrow(t *testing.T) {
	for path, text := range written(t, ".go", ".ts", ".svelte", ".sh") {
		for i, line := range strings.Split(text, "\n") {
			if width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); width > 100 && commentLine.MatchString(line) {
				t.Errorf("%s:%d: a comment of %d columns", path, i+1, width)
			}
		}
	}
}

// The words to avoid, for which there are plainer ones.
var (
	avoided  = regexp.MustCompile(`(?i)\b(who(so)?ever|whatever|whom|nobody|somebody|anybody|anew|besides|demanded|giv(e|es|ing|en) way|hand(s|ed|ing)? (it |them )?over|(has|have|had) run out|(is|are|was) over[.,;:]|tells? (whether|that)|says whether|of no (more )?use|taken for trouble)`)
	sentence = regexp.MustCompile(`[.!?:](\s|$)`)
	boolWord = regexp.MustCompile(`\b(tells? (whether|that|if)|says? whether)\b`)
)

// TestCommentsArePlain checks that fewer than 5 in 1,000 sentences of comments have a word to
// avoid, and that functions report whether, and do not tell.
func TestCommentsArePlain(t *testing.T) {
	sentences, found := 0, []string{}
	for path, text := range written(t, ".go") {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		require.NoError(t, err)
		for _, comment := range file.Comments {
			said := strings.Join(strings.Fields(comment.Text()), " ")
			sentences += max(1, len(sentence.FindAllString(said, -1)))
			for _, word := range avoided.FindAllString(said, -1) {
				found = append(found, set.Position(comment.Pos()).String()+": "+word)
			}
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Doc != nil && f.Type.Results != nil {
				first, named := f.Type.Results.List[0].Type.(*ast.Ident)
				assert.False(t, named && first.Name == "bool" && boolWord.MatchString(f.Doc.Text()), "%s: %s reports whether", path, f.Name)
			}
		}
	}
	if slices.Sort(found); 1000*len(found) >= 5*sentences {
		t.Errorf("%d words to avoid in %d sentences of comments:\n%s", len(found), sentences, strings.Join(found, "\n"))
	}
	t.Logf("%d words to avoid in %d sentences of comments", len(found), sentences)
}

// TestDocumentsAreShort checks the README and the decisions.
func TestDocumentsAreShort(t *testing.T) {
	for path, text := range written(t, ".md") {
		words := len(strings.Fields(text))
		if path == "README.md" {
			assert.LessOrEqual(t, strings.Count(text, "\n"), 150)
			assert.LessOrEqual(t, words, 1200)
		}
		if strings.HasPrefix(path, "backend/decisions/") {
			assert.LessOrEqual(t, words, 600, path)
		}
	}
}
