package durable

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFileIsWholeAndItsOwnersAlone(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	require.NoError(t, os.WriteFile(path, []byte("a longer one of before"), 0o644))
	require.NoError(t, WriteFile(path, []byte("new")))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(content))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	requireAlone(t, folder)
}

func TestWhatCannotBeWrittenLeavesWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "secret")
	require.NoError(t, os.Mkdir(path, 0o700)) // over which no file is renamed
	require.Error(t, WriteFile(path, []byte("new")))
	requireAlone(t, folder)
	require.Error(t, WriteFile(filepath.Join(folder, "nowhere", "secret"), []byte("new")))
	require.Error(t, SyncFolder(filepath.Join(folder, "nowhere")))
}

func requireAlone(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing stays behind beside it")
}
