package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is said to prove a promise is there.
func TestWhatProvesAPromiseExists(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, found := range declared.FindAllSubmatch(raw, -1) {
			tests[string(found[1])] = true
		}
		return err
	}))
	played := map[string]bool{}
	for _, scene := range scenes {
		played[scene.name] = true
	}
	require.Len(t, invariants, 20)
	for _, invariant := range invariants {
		for _, name := range invariant.scenes {
			assert.True(t, played[name], "%s: there is no scene %q", invariant.id, name)
		}
		for _, name := range invariant.tests {
			assert.True(t, tests[name], "%s: there is no test %s", invariant.id, name)
		}
	}
}

// An answer whose promise was not synced shows in the trace: where nothing was synced, where it was
// before the last write, and where the sync had begun before it.
func TestTheTraceShowsWhatIsNotSynced(t *testing.T) {
	const (
		there     = `7 write(9<socket:[1]>, "HTTP/1.1 200 OK\r"..., 200) = 200`
		written   = `7 pwrite64(8</data/curfew.db-wal>, "..."..., 4096, 32) = 4096`
		synced    = `7 fdatasync(8</data/curfew.db-wal>) = 0`
		begun     = `8 fsync(8</data/curfew.db-wal> <unfinished ...>`
		ended     = `8 <... fsync resumed>) = 0`
		answered  = `7 write(9<socket:[1]>, "HTTP/1.1 204 No "..., 100) = 100`
		elsewhere = `7 fdatasync(8</data/curfew.db>) = 0`
	)
	for name, c := range map[string]struct {
		calls []string
		found int
	}{
		"synced":                     {[]string{there, written, synced, answered}, 0},
		"synced by another thread":   {[]string{there, written, begun, ended, answered}, 0},
		"not synced":                 {[]string{there, written, answered}, 1},
		"synced too early":           {[]string{there, written, synced, written, answered}, 1},
		"begun too early":            {[]string{there, begun, written, ended, answered}, 1},
		"another file was synced":    {[]string{there, written, elsewhere, answered}, 1},
		"nothing was written at all": {[]string{there, answered}, 1},
		"for two answers":            {[]string{there, written, synced, answered, answered}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls")
			require.NoError(t, os.WriteFile(path, []byte(strings.Join(c.calls, "\n")), 0o600))
			answers, found, err := judgeCalls(path, "curfew.db-wal")
			require.NoError(t, err)
			require.NotZero(t, answers)
			require.Len(t, found, c.found)
		})
	}
}

// What a loss of power would take shows in the trace: a content or a name that is not on disk, and
// steps that could reach it in another order.
func TestTheTraceShowsWhatALossOfPowerTakes(t *testing.T) {
	const (
		made    = `7 openat(AT_FDCWD</x>, "/data/.keys-1", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 5</data/.keys-1>`
		written = `7 write(5</data/.keys-1>, "{...", 200) = 200`
		copied  = `7 copy_file_range(6</backup>, NULL, 5</data/.keys-1>, NULL, 200, 0) = 200`
		synced  = `7 fsync(5</data/.keys-1>) = 0`
		named   = `7 renameat(AT_FDCWD</x>, "/data/.keys-1", AT_FDCWD</x>, "/data/keys.json") = 0`
		linked  = `7 linkat(AT_FDCWD</x>, "/data/.keys-1", AT_FDCWD</x>, "/data/keys.json", 0) = 0`
		refused = `7 linkat(AT_FDCWD</x>, "/data/.keys-1", AT_FDCWD</x>, "/data/keys.json", 0) = -1 EEXIST (File exists)`
		kept    = `7 fsync(6</data>) = 0`
		begun   = `8 fsync(6</data> <unfinished ...>`
		ended   = `8 <... fsync resumed>) = 0`
		moved   = `7 renameat(AT_FDCWD</x>, "/data", AT_FDCWD</x>, "/restored") = 0`
		above   = `7 fsync(6</>) = 0`
		dropped = `7 unlinkat(AT_FDCWD</x>, "/data/curfew.db-wal", 0) = 0`
		placed  = `7 renameat(AT_FDCWD</x>, "/restored/curfew.db", AT_FDCWD</x>, "/data/curfew.db") = 0`
	)
	for name, c := range map[string]struct {
		calls []string
		found int
	}{
		"whole":                         {[]string{made, written, synced, named, kept}, 0},
		"linked":                        {[]string{made, written, synced, linked, kept}, 0},
		"not linked":                    {[]string{made, written, refused}, 0},
		"kept by another thread":        {[]string{made, written, synced, named, begun, ended}, 0},
		"content not synced":            {[]string{made, written, named, kept}, 1},
		"copy not synced":               {[]string{made, copied, named, kept}, 1},
		"content synced too early":      {[]string{made, synced, written, named, kept}, 1},
		"name not synced":               {[]string{made, written, synced, named}, 1},
		"name synced too early":         {[]string{made, written, synced, kept, named}, 1},
		"name's sync begun too early":   {[]string{made, written, synced, begun, named, ended}, 1},
		"two steps at once":             {[]string{made, written, synced, named, placed, kept}, 1},
		"a folder":                      {[]string{made, written, synced, kept, moved, above}, 0},
		"a folder, contents not synced": {[]string{made, written, kept, moved, above}, 1},
		"a folder, names not synced":    {[]string{made, written, synced, moved, above}, 1},
		"over a log that is gone":       {[]string{dropped, kept, placed, kept}, 0},
		"over a log that may come back": {[]string{dropped, placed, kept}, 1},
		"a log that no file replaces":   {[]string{dropped}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls")
			require.NoError(t, os.WriteFile(path, []byte(strings.Join(c.calls, "\n")), 0o600))
			_, found, err := judgeSaves(path)
			require.NoError(t, err)
			require.Len(t, found, c.found, "%v", found)
		})
	}
}
