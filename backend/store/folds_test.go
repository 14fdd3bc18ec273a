package store

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Migration 4 did, and 12 mends it.
func TestNoMigrationFoldsTextInSQL(t *testing.T) {
	folds := regexp.MustCompile(`(?i)\b(lower|upper|nocase)\b`)
	files, err := fs.Glob(sqliteMigrations, "migrations/sqlite/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := fs.ReadFile(sqliteMigrations, file)
		require.NoError(t, err)
		if file != "migrations/sqlite/00004_member_search.sql" {
			require.False(t, folds.Match(regexp.MustCompile(`--.*`).ReplaceAll(text, nil)), "%s: fold in Go, as folds.go does", file)
		}
	}
}
