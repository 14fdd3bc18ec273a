package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"curfew/backend/member"
	"curfew/backend/session"
)

// copiedLog is a database that stopped without a warning, with its write-ahead log.
type copiedLog struct {
	file, log []byte
	pageSize  int
	// answered is what the database held after each answered write, with the length of the log.
	answered []answeredWrite
}

type answeredWrite struct {
	size  int
	holds string
}

// writeLog makes one answered write of each kind that matters, in its own transaction.
func writeLog(t *testing.T) copiedLog {
	path := filepath.Join(t.TempDir(), "curfew.db")
	db := openAt(t, path)
	proof := ana(t, db)
	var c copiedLog
	pool, err := db.writer.DB()
	require.NoError(t, err)
	require.NoError(t, pool.QueryRow("PRAGMA page_size").Scan(&c.pageSize))
	// From here on the log begins from scratch.
	_, err = pool.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	c.answered = append(c.answered, answeredWrite{0, holds(t, pool)})
	answered := func() {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		c.answered = append(c.answered, answeredWrite{int(info.Size()), holds(t, pool)})
	}
	for range 2 {
		first := signIn(t, db, proof)
		answered()
		second := signIn(t, db, proof)
		answered()
		_, _, err := db.End(t.Context(), endOf(first, noon))
		require.NoError(t, err)
		answered()
		org, err := db.Organization(t.Context())
		require.NoError(t, err)
		next := org.Saved(session.Policy{Length: session.Length{Value: org.Version + 1, Unit: session.Hours}}, noon, callerOf(second).Actor)
		require.NoError(t, savePolicy(t, db, next, callerOf(second)))
		answered()
		_, err = db.RevokeAll(t.Context(), session.Revocation{At: noon}, callerOf(second), member.Requirement{})
		require.NoError(t, err)
		answered()
	}
	c.file, err = os.ReadFile(path)
	require.NoError(t, err)
	c.log, err = os.ReadFile(path + "-wal")
	require.NoError(t, err)
	require.Len(t, c.log, c.answered[len(c.answered)-1].size)
	return c
}

// holds is what decides about sessions, in one line.
func holds(t *testing.T, pool *sql.DB) (text string) {
	require.NoError(t, pool.QueryRow(`
		SELECT generation || ' ' || version || ' ' || (SELECT count(*) || ' ' || count(ended_at) FROM sessions) || ' ' || (SELECT count(*) FROM audit_entries)
		FROM organization`).Scan(&text))
	return text
}

// put writes the database and a log into a folder.
func (c copiedLog) put(t *testing.T, folder string, log []byte) (path string) {
	path = filepath.Join(folder, "curfew.db")
	require.NoError(t, os.WriteFile(path, c.file, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", log, 0o600))
	return path
}

// A power loss leaves the log torn somewhere behind what was synced. Wherever that is, the database
// comes back as it was after some answered write, and after the last one whose frames are all there
// at least.
func TestALogThatIsCutKeepsWhatWasAnswered(t *testing.T) {
	c := writeLog(t)
	frame := frameHeaderSize + c.pageSize
	folder, cuts := t.TempDir(), 0
	for at := logHeaderSize; at <= len(c.log); at += frame {
		for _, cut := range []int{at, at + frame/2} {
			if cut > len(c.log) {
				continue
			}
			cuts++
			path := c.put(t, folder, c.log[:cut])
			require.NoError(t, checkLog(path+"-wal"), "cut at %d", cut)
			pool, err := sql.Open("sqlite3", path)
			require.NoError(t, err)
			want := c.answered[0].holds
			for _, answered := range c.answered {
				if answered.size <= cut {
					want = answered.holds
				}
			}
			require.Equal(t, want, holds(t, pool), "cut at %d", cut)
			require.NoError(t, pool.Close())
			require.NoError(t, os.RemoveAll(path+"-wal"))
		}
	}
	require.Greater(t, cuts, 100)
}

// A damaged byte is no power loss: what was answered after it must not be dropped.
//
// ASVS 16.5.3
func TestADamagedLogIsRefused(t *testing.T) {
	c := writeLog(t)
	frame := frameHeaderSize + c.pageSize
	thirdLast, secondLast := c.answered[len(c.answered)-3].size, c.answered[len(c.answered)-2].size
	folder, refused := t.TempDir(), 0
	for at := logHeaderSize; at < secondLast; at += frame {
		for _, within := range []int{4, 12, 20, frameHeaderSize + 100} {
			if within < 16 && at >= thirdLast {
				continue // it may be what says that the transaction before the last was one
			}
			damaged := append([]byte{}, c.log...)
			damaged[at+within] ^= 0x10
			damage, err := damageIn(bytes.NewReader(damaged))
			require.NoError(t, err)
			require.Contains(t, damage, "and a commit behind it", "byte %d of frame %d", within, at/frame)
			refused++
		}
	}
	require.Greater(t, refused, 100)

	for _, at := range []int{0, 8, 16, 28} {
		damaged := append([]byte{}, c.log...)
		damaged[at] ^= 0x10
		path := c.put(t, folder, damaged)
		_, err := Open(context.Background(), path, slog.New(slog.DiscardHandler))
		var unusable *UnusableError
		require.ErrorAs(t, err, &unusable, "byte %d of the header", at)
		require.Contains(t, err.Error(), "has a damaged write-ahead log (its header). Keep a copy of it")
		after, err := os.ReadFile(path + "-wal")
		require.NoError(t, err)
		require.Equal(t, damaged, after, "the log is kept as it was")
	}
}

// What a power loss leaves of the last transaction is no damage, and neither is what is left of a
// log that was folded in before.
func TestATornEndIsNoDamage(t *testing.T) {
	c := writeLog(t)
	frame := frameHeaderSize + c.pageSize
	last := c.answered[len(c.answered)-2].size
	torn := append([]byte{}, c.log...)
	clear(torn[last : last+frame]) // its first page never reached the disk, and the others did
	require.NoError(t, checkLog(c.put(t, t.TempDir(), torn)+"-wal"))

	older := append([]byte{}, c.log...)
	for at := c.answered[2].size; at < len(older); at += frame {
		older[at+8] ^= 1
		older[at+frameHeaderSize] ^= 1
	}
	require.NoError(t, checkLog(c.put(t, t.TempDir(), older)+"-wal"))
	require.NoError(t, checkLog(filepath.Join(t.TempDir(), "none-wal")))
	for _, size := range []int{0, 16, logHeaderSize} {
		require.NoError(t, checkLog(c.put(t, t.TempDir(), c.log[:size])+"-wal"), fmt.Sprint(size))
	}
}

// TestReadyWritesToDisk: a statement that changes nothing is committed without a write, and would
// say of a full disk that it can be written.
func TestReadyWritesToDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	db := openAt(t, path)
	log := func() []byte {
		content, err := os.ReadFile(path + "-wal")
		require.NoError(t, err)
		return content
	}
	for range 2 {
		before := log()
		require.NoError(t, db.Ready(t.Context()))
		require.NotEqual(t, before, log())
	}
	var left int
	require.NoError(t, queryRow(db.writer.WithContext(t.Context()), "SELECT count(*) FROM session_times").Scan(&left))
	require.Zero(t, left)
}

// TestACheckpointFoldsTheLogIn while readers and writers go on.
func TestACheckpointFoldsTheLogIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	db := openAt(t, path)
	record := signIn(t, db, ana(t, db))
	withoutLog := func() *DB {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		copied := filepath.Join(t.TempDir(), "curfew.db")
		require.NoError(t, os.WriteFile(copied, file, 0o600))
		return openAt(t, copied)
	}
	_, err := withoutLog().Session(t.Context(), record.Session.ID)
	require.ErrorIs(t, err, session.ErrNotFound, "it stands in the log alone")

	require.ErrorContains(t, db.writer.Transaction(func(tx *gorm.DB) error {
		require.NoError(t, tx.Exec("DELETE FROM sessions").Error)
		require.NoError(t, db.Checkpoint(t.Context()), "beside a writer")
		return errors.New("take it back")
	}), "take it back")
	found, err := withoutLog().Session(t.Context(), record.Session.ID)
	require.NoError(t, err)
	require.Equal(t, record.Session.ID, found.Session.ID)
}
