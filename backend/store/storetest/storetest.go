// Package storetest has new databases for tests at once. Migrating one takes longer than most tests
// that need one.
package storetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/store"
)

// Create puts a new database at the path, as [store.Open] would make it.
func Create(t testing.TB, path string) {
	t.Helper()
	content, err := migrated()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

// migrated is the file of a new database. It is made once in a process.
var migrated = sync.OnceValues(func() (content []byte, err error) {
	folder, err := os.MkdirTemp("", "curfew-storetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "curfew.db")
	db, err := store.Open(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // which leaves nothing in the write-ahead log
		return nil, err
	}
	return os.ReadFile(path)
})
