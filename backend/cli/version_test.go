package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheProgramSaysWhatItWasBuiltFrom builds it with the Makefile: unpacked from an archive, in a
// clone, and in a worktree with a tag.
func TestTheProgramSaysWhatItWasBuiltFrom(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source, tree := filepath.Join(folder, "source"), filepath.Join(folder, "tree")
	require.NoError(t, os.CopyFS(filepath.Join(source, "backend"), os.DirFS("..")))
	require.NoError(t, os.MkdirAll(filepath.Join(source, "frontend/build"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(source, "frontend/build/200.html"), nil, 0o600))
	for _, name := range []string{"Makefile", "go.mod", "go.sum", "main.go", "embed.go"} {
		content, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(source, name), content, 0o600))
	}
	do := func(folder, name string, args ...string) string {
		command := exec.Command(name, args...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder))
		out, err := command.Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	built := func(folder string) string {
		do(folder, "make", "-s", "-o", "frontend/build/200.html", "-o", "node_modules/.package-lock.json", "build")
		said := do(folder, "bin/curfew", "version")
		require.Equal(t, said, do(folder, "bin/curfew", "--version"))
		require.NoError(t, os.RemoveAll(filepath.Join(folder, "bin")))
		return said
	}
	require.Regexp(t, `^curfew unknown, commit unknown \(built without git\), date unknown, go1\.\S+$`, built(source))

	do(source, "git", "init", "-q")
	do(source, "git", "add", "-f", ".")
	do(source, "git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "all", "--date=2026-12-01T12:00:00+01:00")
	commit := do(source, "git", "rev-parse", "HEAD")
	require.Regexp(t, `^curfew `+commit[:12]+`, commit `+commit+`, date 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, go1\.\S+$`, built(source))

	do(source, "git", "tag", "v1.2.3")
	do(source, "git", "worktree", "add", "-q", tree, "v1.2.3")
	require.Regexp(t, `^curfew v1\.2\.3, commit `+commit+`, date `, built(tree))
	require.NoError(t, os.WriteFile(filepath.Join(tree, "main.go"), append([]byte("// changed\n"), read(t, filepath.Join(tree, "main.go"))...), 0o600))
	require.Regexp(t, `^curfew `+regexp.QuoteMeta("v1.2.3-dirty")+`, commit `+commit, built(tree))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}
