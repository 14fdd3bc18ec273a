package asvs

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write README.md")

// requirement is a line of requirements.tsv: its id, the lowest level that includes it, its text,
// and a note, if any.
type requirement struct{ id, level, text, note string }

// proof is a test that proves a requirement. Its path is relative to this folder.
type proof struct{ name, path string }

// verdicts lists the verdicts on a requirement, by the start of its note.
var verdicts = []struct {
	prefix, verdict string
	proved          bool
}{
	{"partly: ", "partly", true},
	{"not met: ", "**not met**", false},
	{"n/a: ", "n/a", false},
	{"", "met", true},
}

// verdictOn returns the verdict on a requirement, and an objection: an unknown note, or proofs that
// do not match the note.
func verdictOn(r requirement, proofs []proof) (verdict, objection string) {
	for _, v := range verdicts {
		if !strings.HasPrefix(r.note, v.prefix) || v.prefix == "" && r.note != "" {
			continue
		}
		switch {
		case v.proved && len(proofs) == 0:
			return v.verdict, "no test proves it, and no note says why"
		case !v.proved && len(proofs) > 0:
			return v.verdict, fmt.Sprintf("%s proves it, but its note is %q", proofs[0].name, r.note)
		}
		return v.verdict, ""
	}
	return "", fmt.Sprintf("its note must begin with n/a, not met or partly: %q", r.note)
}

// TestThePageIsWhatTheTestsProve fails if a requirement has neither a proof nor a note, if a test
// marks an unknown requirement, or if README.md is out of date.
func TestThePageIsWhatTheTestsProve(t *testing.T) {
	requirements := readRequirements(t, "requirements.tsv")
	proofs := findProofs(t, "../..")
	for _, r := range requirements {
		if _, objection := verdictOn(r, proofs[r.id]); objection != "" {
			t.Errorf("ASVS %s: %s", r.id, objection)
		}
	}
	for id, by := range proofs {
		if !slices.ContainsFunc(requirements, func(r requirement) bool { return r.id == id }) {
			t.Errorf("%s claims to prove ASVS %s, which requirements.tsv does not have", by[0].name, id)
		}
	}
	made := page(requirements, proofs)
	if *update && !t.Failed() {
		require.NoError(t, os.WriteFile("README.md", []byte(made), 0o644))
	}
	kept, err := os.ReadFile("README.md")
	require.NoError(t, err)
	got, want := strings.Split(string(kept), "\n"), strings.Split(made, "\n")
	for i, line := range want {
		require.True(t, i < len(got) && got[i] == line, "README.md is out of date from line %d on, which must be\n%s\nRun: go test ./backend/asvs -update", i+1, line)
	}
	require.Len(t, got, len(want), "README.md has too many lines")
}

func TestWhatIsClaimedWithoutProofIsObjectedTo(t *testing.T) {
	by := []proof{{"TestIt", "it_test.go"}}
	for _, tt := range []struct {
		note    string
		proofs  []proof
		verdict string
		fine    bool
	}{
		{"", by, "met", true},
		{"", nil, "met", false},
		{"partly: but for the rest", by, "partly", true},
		{"partly: but for the rest", nil, "partly", false},
		{"not met: later", nil, "**not met**", true},
		{"not met: later", by, "**not met**", false},
		{"n/a: there is none", nil, "n/a", true},
		{"n/a: there is none", by, "n/a", false},
		{"well", by, "", false},
	} {
		verdict, objection := verdictOn(requirement{id: "1.1.1", note: tt.note}, tt.proofs)
		require.Equal(t, tt.verdict, verdict, tt.note)
		require.Equal(t, tt.fine, objection == "", "%q: %s", tt.note, objection)
	}
}

func TestMarksAreFoundInEveryKindOfTest(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"backend/a/a_test.go":     "package a\n\n// TestA proves it.\n//\n// ASVS 1.1.1, 2.2.2\nfunc TestA(t *testing.T) {}\n\n// ASVS 3.3.3\nfunc helper() {}\n\nfunc TestB(t *testing.T) {} // ASVS 4.4.4\n",
		"backend/a/a.go":          "package a\n\n// ASVS 5.5.5\nfunc TestC() {}\n",
		"backend/cli/b.txtar":     "# It does.\n# ASVS 1.1.1\nexec it\n",
		"frontend/e2e/c.spec.ts":  "// ASVS 2.2.2\ntest('it\\'s done', async () => {});\n\n// ASVS 6.6.6\nconst x = 1;\n\n  // ASVS 1.1.1\n  it(`works at ${width} px`, () => {});\n",
		"node_modules/d.spec.ts":  "// ASVS 7.7.7\ntest('no', () => {});\n",
		"frontend/src/e.test.ts":  "// ASVS 1.1.1\n// because it is so\ndescribe('e', () => {});\n",
		"frontend/src/e/ASVS.txt": "// ASVS 8.8.8\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o600))
	}
	found := map[string][]string{}
	for id, proofs := range findProofs(t, root) {
		for _, p := range proofs {
			found[id] = append(found[id], p.name)
		}
	}
	require.Equal(t, map[string][]string{"1.1.1": {"a: TestA", "cli: b", "c: works at ${width} px", "e: e"}, "2.2.2": {"a: TestA", "c: it's done"}}, found)
}

func readRequirements(t *testing.T, path string) (all []requirement) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, fields, 4, line)
		all = append(all, requirement{fields[0], fields[1], fields[2], fields[3]})
	}
	return all
}

// mark matches a mark.
var mark = regexp.MustCompile(`^\s*(?://|#) ASVS ((?:\d+\.\d+\.\d+(?:, )?)+)$`)

// marked returns the requirements in the marks of a comment.
func marked(lines []string) (ids []string) {
	for _, line := range lines {
		if found := mark.FindStringSubmatch(line); found != nil {
			ids = append(ids, strings.Split(found[1], ", ")...)
		}
	}
	return ids
}

// findProofs returns the tests with marks under a folder, by requirement, in the order of their
// files.
func findProofs(t *testing.T, root string) map[string][]proof {
	t.Helper()
	proofs := map[string][]proof{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", ".svelte-kit", "node_modules", "bin", "build", "bench"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		return marksOf(path, func(name string, ids []string) {
			for _, id := range ids {
				proofs[id] = append(proofs[id], proof{name, filepath.ToSlash(path)})
			}
		})
	})
	require.NoError(t, err)
	return proofs
}

func marksOf(path string, found func(name string, ids []string)) error {
	room := filepath.Base(filepath.Dir(path))
	switch {
	case strings.HasSuffix(path, "_test.go"):
		return marksInGo(path, func(name string, ids []string) { found(room+": "+name, ids) })
	case strings.HasSuffix(path, ".spec.ts"), strings.HasSuffix(path, ".test.ts"):
		file, _, _ := strings.Cut(filepath.Base(path), ".")
		return marksInTypeScript(path, func(name string, ids []string) { found(file+": "+name, ids) })
	case strings.HasSuffix(path, ".txtar"):
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		script, _, _ := strings.Cut(string(raw), "\n-- ")
		if ids := marked(strings.Split(script, "\n")); ids != nil {
			found("cli: "+strings.TrimSuffix(filepath.Base(path), ".txtar"), ids)
		}
	}
	return nil
}

func marksInGo(path string, found func(name string, ids []string)) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok || function.Doc == nil || !strings.HasPrefix(function.Name.Name, "Test") && !strings.HasPrefix(function.Name.Name, "Fuzz") {
			continue
		}
		var lines []string
		for _, comment := range function.Doc.List {
			lines = append(lines, comment.Text)
		}
		if ids := marked(lines); ids != nil {
			found(function.Name.Name, ids)
		}
	}
	return nil
}

// begins matches the first line of a test in TypeScript, with its name.
var begins = regexp.MustCompile("^\\s*(?:test|it|describe)\\((?:'((?:[^'\\\\]|\\\\.)*)'|`([^`]*)`|\"([^\"]*)\"|name)")

// marksInTypeScript finds marks in the comment right above a test.
func marksInTypeScript(path string, found func(name string, ids []string)) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var above []string
	for line := range strings.SplitSeq(string(raw), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "//") {
			above = append(above, line)
			continue
		}
		if name := begins.FindStringSubmatch(line); name != nil {
			if ids := marked(above); ids != nil {
				found(strings.ReplaceAll(name[1]+name[2]+name[3], `\'`, "'"), ids)
			}
		}
		above = nil
	}
	return nil
}

var chapters = []struct{ number, title string }{
	{"1", "V1 Encoding and sanitization"},
	{"2", "V2 Validation and business logic"},
	{"3", "V3 Web frontend security"},
	{"4", "V4 API and web service"},
	{"5", "V5 File handling"},
	{"6", "V6 Authentication"},
	{"7", "V7 Session management"},
	{"8", "V8 Authorization"},
	{"9", "V9 Self-contained tokens"},
	{"10", "V10 OAuth and OIDC"},
	{"11", "V11 Cryptography"},
	{"12", "V12 Secure communication"},
	{"13", "V13 Configuration"},
	{"14", "V14 Data protection"},
	{"15", "V15 Secure coding and architecture"},
	{"16", "V16 Security logging and error handling"},
}

const head = `# OWASP ASVS 5.0, row by row

Which requirement is met, and by which test. Generated by ` + "`go test ./backend/asvs -update`" + ` from the marks in the tests' sources and from [requirements.tsv](requirements.tsv); ` + "`make test`" + ` fails if a row has neither a proof nor a note, or if this page is out of date. Requirements are restated in few words. The level is the lowest that includes them. V3, V4, V6, V7, V9 and V16 are complete. The other chapters list what applies to this program.

`

func page(requirements []requirement, proofs map[string][]proof) string {
	var made strings.Builder
	made.WriteString(head)
	made.WriteString("| | met | partly | not met | n/a |\n| --- | --- | --- | --- | --- |\n")
	for _, chapter := range chapters {
		counts := map[string]int{}
		for _, r := range of(chapter.number, requirements) {
			verdict, _ := verdictOn(r, proofs[r.id])
			counts[verdict]++
		}
		fmt.Fprintf(&made, "| %s | %d | %d | %d | %d |\n", chapter.title, counts["met"], counts["partly"], counts["**not met**"], counts["n/a"])
	}
	for _, chapter := range chapters {
		fmt.Fprintf(&made, "\n## %s\n\n| id | level | requirement | | proof, or why there is none |\n| --- | --- | --- | --- | --- |\n", chapter.title)
		for _, r := range of(chapter.number, requirements) {
			verdict, _ := verdictOn(r, proofs[r.id])
			var cells []string
			if _, note, found := strings.Cut(r.note, ": "); found {
				cells = append(cells, note)
			}
			for _, p := range proofs[r.id] {
				cells = append(cells, fmt.Sprintf("[%s](%s)", strings.NewReplacer("|", `\|`, "[", `\[`, "]", `\]`).Replace(p.name), p.path))
			}
			fmt.Fprintf(&made, "| %s | %s | %s | %s | %s |\n", r.id, r.level, r.text, verdict, strings.Join(cells, "<br>"))
		}
	}
	return made.String()
}

func of(chapter string, requirements []requirement) (its []requirement) {
	for _, r := range requirements {
		if strings.HasPrefix(r.id, chapter+".") {
			its = append(its, r)
		}
	}
	return its
}
