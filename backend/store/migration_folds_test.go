package store

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/member"
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
			require.False(t, folds.Match(regexp.MustCompile(`--.*`).ReplaceAll(text, nil)), "%s: fold in Go, as migration_folds.go does", file)
		}
	}
}

// TestAMovedAddressSettlesTheOther: of two members who came to share an address, the one that keeps
// it has it in its folded form.
func TestAMovedAddressSettlesTheOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	old, err := open(t.Context(), path, slog.New(slog.DiscardHandler), opening{version: 11})
	require.NoError(t, err)
	ids := make([]member.ID, 2)
	for i, email := range []string{"kim@straße.example", "kim@xn--strae-oqa.example"} {
		ids[i] = member.NewID()
		require.NoError(t, old.writer.Exec(`INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at)
			VALUES (?, ?, ?, ?, 'owner', 'hash', 1, 0)`, ids[i].String(), email, email, email).Error)
	}
	require.NoError(t, old.Close())
	db := openAt(t, path)
	move := func(i int, email string) error {
		_, err := db.ChangeMember(t.Context(), ids[i], audit.Caller{Actor: audit.Operator}, member.Requirement{}, func(_ member.Authority, m member.Member, _ int) (member.Change, error) {
			m.Email = email
			return member.Change{Next: m, Event: audit.Event{At: noon, Action: audit.MemberChanged}}, nil
		})
		return err
	}
	issues := func() (found []member.AddressIssue) {
		for _, id := range ids {
			m, err := db.Member(t.Context(), id)
			require.NoError(t, err)
			found = append(found, m.AddressIssue)
		}
		return found
	}
	require.Equal(t, []member.AddressIssue{member.AddressShared, member.AddressShared}, issues())
	require.ErrorIs(t, move(0, "kim@xn--strae-oqa.example"), member.ErrEmailTaken, "it is the other's as well")
	require.NoError(t, move(1, "kim.b@xn--strae-oqa.example"))
	require.Equal(t, []member.AddressIssue{"", ""}, issues())
	for i, email := range []string{"Kim@STRAßE.example", "kim.b@straße.example"} {
		m, _, err := db.MemberByEmail(t.Context(), email)
		require.NoError(t, err)
		require.Equal(t, ids[i], m.ID)
	}
	first, err := db.Member(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, "kim@xn--strae-oqa.example", first.Email)
	require.ErrorIs(t, move(1, "kim@xn--strae-oqa.example"), member.ErrEmailTaken)
	found, _, err := db.Members(t.Context(), member.Query{Text: "kim.b@", Order: member.ByEmail, Limit: 2})
	require.NoError(t, err)
	require.Len(t, found, 1)
}
