package meta

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"curfew/backend/config"
)

const operating = "../../.github/OPERATING.md"

// product is every file of the program that people run, and how each is parsed.
func product(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	set, files := token.NewFileSet(), map[string]*ast.File{}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{"bench", "faults", "failpoint", "demo", "testdata", "mailtest", "storetest"}, entry.Name()) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files[strings.TrimPrefix(path, "../")], err = parser.ParseFile(set, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		}
		return err
	}))
	require.Greater(t, len(files), 80)
	return set, files
}

// section is what the page says under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile(operating)
	require.NoError(t, err)
	_, after, found := strings.Cut(string(page), "\n"+heading+"\n")
	require.True(t, found, heading)
	end := regexp.MustCompile(`(?m)^#{1,` + strconv.Itoa(strings.Count(heading, "#")) + `} `).FindStringIndex(after)
	if end == nil {
		return after
	}
	return after[:end[0]]
}

var quoted = regexp.MustCompile("`([^`]+)`")

// inQuotes are the words in code of one column of a section's tables, which is counted from 1.
func inQuotes(section string, column int) (words []string) {
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) >= column {
			for _, found := range quoted.FindAllStringSubmatch(cells[column-1], -1) {
				words = append(words, found[1])
			}
		}
	}
	slices.Sort(words)
	return words
}

// TestThePageForOperatorsListsWhatIsLogged checks that the page lists each line that the program
// can write, each kind of audit entry, and no others. A line's message is one constant text. Only
// the command line makes a log, which writes to standard error.
//
// ASVS 16.1.1, 16.2.3
func TestThePageForOperatorsListsWhatIsLogged(t *testing.T) {
	messages := map[string]bool{"SQL executed": true} // by GORM
	set, files := product(t)
	for path, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := source(t, set, call.Fun)
			if strings.HasPrefix(name, "slog.New") && strings.HasSuffix(name, "Handler") {
				require.Equal(t, "cli", filepath.Dir(path), "%s makes a log", path)
				require.Equal(t, "env.Stderr", source(t, set, call.Args[0]), path)
			}
			require.NotRegexp(t, `^(log|slog)\.(Print|Fatal|Panic|Debug|Info|Warn|Error|Log)`, name, "%s writes to a log that it was not given", path)
			if at, logs := logCall(name, call); logs {
				literal, ok := call.Args[at].(*ast.BasicLit)
				require.True(t, ok, "%s: the message of %s is no constant text", set.Position(call.Pos()), name)
				text, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				messages[text] = true
			}
			return true
		})
	}
	require.Equal(t, slices.Sorted(maps.Keys(messages)), inQuotes(section(t, "### Lines of the server's log"), 2))

	kinds := constantsOf(t, files, "audit", "Action")
	slices.Sort(kinds)
	require.Greater(t, len(kinds), 20)
	require.Equal(t, kinds, inQuotes(section(t, "### Kinds of entries in the audit log"), 1))
}

var logMethod = regexp.MustCompile(`(?i)\blog\.(Debug|Info|Warn|Error|Log)(Context)?$`)

// logCall reports whether a call writes a line to a [slog.Logger], which is named log everywhere
// here, and which argument is its message.
func logCall(name string, call *ast.CallExpr) (message int, ok bool) {
	found := logMethod.FindStringSubmatch(name)
	if found == nil || len(call.Args) == 0 {
		return 0, false
	}
	if found[1] == "Log" {
		return 2, true
	}
	return len(found[2]) / len("Context"), true
}

func source(t *testing.T, set *token.FileSet, node ast.Node) string {
	t.Helper()
	var text strings.Builder
	require.NoError(t, printer.Fprint(&text, set, node))
	return text.String()
}

// constantsOf are the texts of a room's constants of that type.
func constantsOf(t *testing.T, files map[string]*ast.File, room, kind string) (values []string) {
	t.Helper()
	for path, file := range files {
		if filepath.Dir(path) != room {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				if declared, named := spec.Type.(*ast.Ident); named && declared.Name == kind {
					text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
					require.NoError(t, err)
					values = append(values, text)
				}
			}
			return true
		})
	}
	return values
}

// TestThePageForOperatorsTellsTheLimits: each limit that it names in the source has the value that
// it says.
//
// ASVS 5.1.1, 13.2.6
func TestThePageForOperatorsTellsTheLimits(t *testing.T) {
	set, files := product(t)
	limits := map[string]string{} // by room and name, as they stand in the source
	for path, file := range files {
		room := filepath.Base(filepath.Dir(path))
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ValueSpec:
				for i, value := range node.Values {
					limits[room+"."+node.Names[i].Name] = source(t, set, value)
				}
			case *ast.CompositeLit:
				if node.Type != nil && source(t, set, node.Type) == "http.Server" {
					for _, field := range node.Elts {
						pair := field.(*ast.KeyValueExpr)
						limits[room+"."+source(t, set, pair.Key)] = source(t, set, pair.Value)
					}
				}
			}
			return true
		})
	}
	held := 0
	for line := range strings.Lines(section(t, "## Limits")) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) < 4 || !strings.HasPrefix(cells[3], "`") {
			continue
		}
		name := strings.Trim(cells[3], "`")
		require.Contains(t, limits, name)
		said, _, _ := strings.Cut(cells[1], ", or")
		require.Equal(t, evaluate(t, limits[name]), measure(t, said), "%s is %s, and the page says %s", name, limits[name], said)
		held++
	}
	require.Greater(t, held, 12)
}

// TestThePageForOperatorsHasAServiceWithGoodSettings: what systemd would hand to the program is
// what it would take. That the service runs, and with all that is taken away from it, was tried on
// Debian.
func TestThePageForOperatorsHasAServiceWithGoodSettings(t *testing.T) {
	var environ []string
	for line := range strings.Lines(section(t, "## As a service")) {
		if setting, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
			environ = append(environ, setting)
		}
	}
	found, err := config.Load(pflag.NewFlagSet("", pflag.ContinueOnError), environ)
	require.NoError(t, err)
	require.Equal(t, "/var/lib/curfew", found.Data)
	require.Equal(t, "https://curfew.example.org", found.PublicURL.String())
	require.Len(t, found.TrustedProxies, 1)
}

// evaluate works out a constant of Go, and a duration in nanoseconds.
func evaluate(t *testing.T, expression string) int64 {
	t.Helper()
	for name, unit := range map[string]time.Duration{"time.Second": time.Second, "time.Minute": time.Minute} {
		expression = strings.ReplaceAll(expression, name, strconv.FormatInt(int64(unit), 10))
	}
	found, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
	require.NoError(t, err)
	value, exact := constant.Int64Val(found.Value)
	require.True(t, exact, expression)
	return value
}

// measure reads a number as the page writes it.
func measure(t *testing.T, said string) int64 {
	t.Helper()
	number, unit, _ := strings.Cut(strings.ReplaceAll(said, ",", ""), " ")
	value, err := strconv.ParseInt(number, 10, 64)
	require.NoError(t, err)
	units := map[string]int64{"": 1, "KiB": 1 << 10, "s": int64(time.Second), "min": int64(time.Minute)}
	require.Contains(t, units, unit)
	return value * units[unit]
}
