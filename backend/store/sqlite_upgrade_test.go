package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	run "os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// killedAt names the step after which [TestMain] kills the upgrade of the database in upgradeOf.
const killedAt, upgradeOf = "STORE_TEST_KILLED_AT", "STORE_TEST_UPGRADE_OF"

// TestMain is a program that upgrades a database, where it is told to be that.
func TestMain(m *testing.M) {
	path := os.Getenv(upgradeOf)
	if path == "" {
		os.Exit(m.Run())
	}
	left, err := strconv.Atoi(os.Getenv(killedAt))
	if err != nil {
		panic(err)
	}
	db, err := open(context.Background(), path, slog.New(slog.DiscardHandler), opening{stepped: func() {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err := errors.Join(err, db.Close()); err != nil {
		panic(err)
	}
}

// oldFolder is a folder with a database of the first schema.
func oldFolder(t *testing.T) (path string) {
	raw, err := os.ReadFile("testdata/schema1/curfew.db")
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "curfew.db")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	// The old program was killed, so a part of what it wrote is in its log alone.
	old, err := sql.Open("sqlite3", path+"?_journal_mode=WAL")
	require.NoError(t, err)
	_, err = old.Exec("UPDATE organization SET name = 'Killed'")
	require.NoError(t, err)
	folder := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "curfew.db"+suffix), raw, 0o600))
	}
	require.NoError(t, old.Close())
	return filepath.Join(folder, "curfew.db")
}

// everything is the schema of a database, and what an old program would read from it.
func everything(t *testing.T, path string) (schema int64, content string) {
	db, err := sql.Open("sqlite3", path+"?mode=ro")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRow("SELECT max(version_id) FROM goose_db_version").Scan(&schema))
	for _, query := range []string{
		"SELECT group_concat(name || generation || version || started_after) FROM organization",
		"SELECT group_concat(id || name || lower(email) || role || password_hash || generation) FROM members",
		"SELECT group_concat(id || member_id || generation || authenticated_at || coalesce(end_reason, '')) FROM (SELECT * FROM sessions ORDER BY id)",
		"SELECT group_concat(sequence || action || details || hex(hash)) FROM audit_entries",
	} {
		var text string
		require.NoError(t, db.QueryRow(query).Scan(&text), query)
		content += text + "\n"
	}
	return schema, content
}

// TestAnUpgradeThatIsKilledLeavesTheOldDatabaseOrTheNew, at whichever of its steps it is killed.
func TestAnUpgradeThatIsKilledLeavesTheOldDatabaseOrTheNew(t *testing.T) {
	first := oldFolder(t)
	_, before := everything(t, first)
	require.Contains(t, before, "Killed")
	old, whole := 0, 0
	for step := 1; ; step++ {
		path := oldFolder(t)
		program, err := os.Executable()
		require.NoError(t, err)
		upgrade := run.Command(program)
		upgrade.Env = append(os.Environ(), upgradeOf+"="+path, killedAt+"="+strconv.Itoa(step))
		said, err := upgrade.CombinedOutput()
		if err == nil {
			break
		}
		var exit *run.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s", said)
		schema, after := everything(t, path)
		require.Equal(t, before, after, "step %d", step)
		if schema == 1 {
			old++
		} else {
			whole++
		}

		db := openAt(t, path)
		org, err := db.Organization(t.Context())
		require.NoError(t, err)
		require.Equal(t, "Killed", org.Name)
		require.NoError(t, db.quickCheck(t.Context()))
		_, err = os.Stat(path + upgrading)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	require.Greater(t, old, 12)
	require.Equal(t, 1, whole, "it is done with its last step")
}

// TestAnUpgradeThatFailsChangesNothing, and says so.
func TestAnUpgradeThatFailsChangesNothing(t *testing.T) {
	for name, fail := range map[string]struct {
		how func(cancel func()) opening
		spoil,
		want string
	}{
		"a migration fails": {
			func(func()) opening { return opening{} }, "CREATE TABLE numbered (n)", "bring the schema to 6",
		},
		"it is told to stop": {
			func(cancel func()) opening { return opening{stepped: cancel} }, "SELECT 1", "was not brought up to date: the program was told to stop. Nothing was changed.",
		},
		"there is no space": {
			func(func()) opening {
				return opening{free: func(string) (uint64, error) { return 1 << 16, nil }}
			}, "SELECT 1", "has schema 1 and is to be upgraded to [0-9]+. That takes 1 MB next to it, and 0 MB are free",
		},
		"it is only to be read": {
			func(func()) opening { return opening{refuseOlder: true} }, "SELECT 1", "has schema 1, and this program works on [0-9]+. Nothing was changed: start the server",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := oldFolder(t)
			raw, err := sql.Open("sqlite3", path)
			require.NoError(t, err)
			_, err = raw.Exec(fail.spoil)
			require.NoError(t, errors.Join(err, raw.Close()))
			_, before := everything(t, path)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err = open(ctx, path, slog.New(slog.DiscardHandler), fail.how(cancel))
			require.Error(t, err)
			require.Regexp(t, fail.want, err.Error())
			schema, after := everything(t, path)
			require.EqualValues(t, 1, schema)
			require.Equal(t, before, after)
			left, err := filepath.Glob(path + "-up*")
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestAnUpgradeTellsHowFarItIs(t *testing.T) {
	var said bytes.Buffer
	db, err := Open(t.Context(), oldFolder(t), slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	require.EqualValues(t, 1, db.UpgradedFrom())
	require.NoError(t, db.Close())
	require.Contains(t, said.String(), `msg="bringing the database up to date" schema=1 to=`)
	require.Contains(t, said.String(), fmt.Sprintf(`msg="migrated the database" schema=%d of=`, 6))
	require.Contains(t, said.String(), `msg="the database is up to date" schema=`)
}
