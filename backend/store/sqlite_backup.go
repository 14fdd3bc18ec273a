package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/durable"
	"curfew/backend/session"
)

// readOnly is how to look at a database without changing anything about it, not even its write-ahead log.
var readOnly = url.Values{"mode": {"ro"}, "_journal_mode": nil}

// Contents is what a database was found to hold when the whole file was read.
type Contents struct {
	Organization string
	Members      int64
	// Sessions counts those that neither a recorded end nor a generation has ended, whether or not their time has run out.
	Sessions int64
	// Newest is the newest time on record.
	Newest time.Time
	// Chain is what the check of the audit log found. A broken chain does not keep a file from being copied: it may be evidence.
	Chain audit.Finding
	Bytes int64
}

// Backup writes a copy of the whole database, as it is at one instant, to a new file that only its owner can read, and reads the copy
// through before it gives it its name. Writers go on meanwhile. The copy carries the secret that the database's own secrets are encrypted under.
// The event is recorded when the copy is found to be sound, so it is not in it. A file of that name that is there already is replaced if the caller says so, and an [fs.ErrExist] otherwise.
func (db *DB) Backup(ctx context.Context, path string, replace bool, kept []byte, event audit.Event) (found Contents, err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return Contents{}, fs.ErrExist // before the work; it is looked at again when the file gets its name
	}
	unfinished, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return Contents{}, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(unfinished.Name())
		}
	}()
	if err := db.copyInto(ctx, unfinished, kept); err != nil {
		return Contents{}, err
	}
	if found, err = examine(ctx, unfinished.Name(), db.log); err != nil {
		return Contents{}, err
	}
	err = db.write(ctx, func(tx *gorm.DB) error {
		_, err := appendAudit(tx, event)
		return err
	})
	if err != nil {
		return Contents{}, err
	}
	return found, errors.Join(giveName(unfinished.Name(), path, replace), durable.SyncFolder(filepath.Dir(path)))
}

// copyInto copies what there is at this instant, and nothing that was deleted, into an empty file, and closes it when it is on disk.
// Decision 14 says why it is VACUUM INTO. That needs a connection of its own: the readers' may write nowhere.
func (db *DB) copyInto(ctx context.Context, file *os.File, kept []byte) error {
	finish := keepSyncing(file)
	err := through(ctx, db.path, db.log, readOnly, func(source *gorm.DB) error { return source.Exec("VACUUM INTO ?", file.Name()).Error })
	if err == nil {
		err = through(ctx, file.Name(), db.log, url.Values{"_journal_mode": nil}, func(copied *gorm.DB) error {
			return errors.Join(copied.Exec("CREATE TABLE backup (kept BLOB NOT NULL) STRICT").Error, exec(copied, "INSERT INTO backup VALUES (?)", kept))
		})
	}
	return errors.Join(err, finish(), file.Close())
}

// keepSyncing puts a file on disk little by little while it is being written, until the function that it returns is called, which puts the
// rest there. Were all of it left to one sync, the disk would be busy with that alone, and every commit would wait for it.
func keepSyncing(file *os.File) (finish func() error) {
	const pause = 20 * time.Millisecond
	written, synced := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-written:
				synced <- file.Sync()
				return
			case <-time.After(pause):
				if err := file.Sync(); err != nil {
					synced <- err
					return
				}
			}
		}
	}()
	return func() error {
		close(written)
		return <-synced
	}
}

// through does some work through a connection of its own.
func through(ctx context.Context, path string, log *slog.Logger, how url.Values, work func(*gorm.DB) error) error {
	connection, err := connect(path, log, how, 1)
	if err != nil {
		return err
	}
	err = work(connection.WithContext(ctx))
	return errors.Join(err, (&DB{reader: connection}).Close())
}

// giveName renames, where something else may stand under the new name only if it is to be replaced.
func giveName(from, to string, replace bool) error {
	if replace {
		return os.Rename(from, to)
	}
	// Unlike a rename, a link replaces nothing that came in the meantime.
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// examine reads a whole file without changing it. It refuses one that is damaged, or of another schema than this program's.
func examine(ctx context.Context, path string, log *slog.Logger) (found Contents, err error) {
	connection, err := connect(path, log, readOnly, 1)
	if err != nil {
		return Contents{}, unusable(path, err)
	}
	db := &DB{reader: connection, path: path, log: log}
	defer func() { err = errors.Join(err, db.Close()) }()
	pool, err := connection.DB()
	if err != nil {
		return Contents{}, err
	}
	migrations, err := migrationsOf(pool)
	if err != nil {
		return Contents{}, err
	}
	have, newest, err := migrations.GetVersions(ctx)
	if err != nil {
		return Contents{}, unusable(path, err)
	}
	if have != newest {
		return Contents{}, &UnusableError{Path: path, Advice: fmt.Sprintf("has schema %d, and not %d.", have, newest)}
	}
	return db.Examine(ctx)
}

// Examine reads the whole file and holds it against all that SQLite and the audit chain know of it. One that is damaged is an
// [*UnusableError].
func (db *DB) Examine(ctx context.Context) (found Contents, err error) {
	tx := db.read(ctx)
	for _, check := range []string{"PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"} {
		verdict, err := firstOf(tx, check)
		if err != nil {
			return Contents{}, unusable(db.path, err)
		}
		if verdict != "" && verdict != "ok" {
			return Contents{}, &UnusableError{Path: db.path, Advice: "is damaged (" + verdict + "). " + restoreAdvice}
		}
	}
	err = queryRow(tx, `
		SELECT o.name, (SELECT count(*) FROM members), (SELECT count(*) FROM sessions s WHERE `+alive+`) FROM organization o WHERE o.id = 1`).
		Scan(&found.Organization, &found.Members, &found.Sessions)
	if err != nil {
		return Contents{}, unusable(db.path, err)
	}
	if found.Newest, err = db.NewestTime(ctx); err != nil {
		return Contents{}, err
	}
	if found.Chain, err = audit.Check(ctx, db); err != nil {
		return Contents{}, err
	}
	info, err := os.Stat(db.path)
	if err != nil {
		return Contents{}, err
	}
	found.Bytes = info.Size()
	return found, nil
}

// firstOf is the first column of the first row that a pragma gives, as text; empty where it gives none.
func firstOf(tx *gorm.DB, pragma string) (first string, err error) {
	rows, err := tx.Raw(pragma).Rows()
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	if rows.Next() {
		columns, err := rows.Columns()
		if err != nil {
			return "", err
		}
		values := make([]any, len(columns))
		values[0] = &first
		for i := range values[1:] {
			values[i+1] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return "", err
		}
	}
	return first, rows.Err()
}

// Marks are what must never go back, whatever is restored: whoever has seen them would take what comes later for what came before.
type Marks struct {
	Generation uint64
	Version    int64
	// Newest is the newest time on record (rule R7).
	Newest time.Time
}

// ReadMarks reads the marks of a database of any schema, and leaves it as it is. A file that is damaged, or no database of Curfew's, is
// an [*UnusableError].
func ReadMarks(ctx context.Context, path string, log *slog.Logger) (marks Marks, err error) {
	for _, suffix := range []string{"-wal", "-shm"} {
		// A connection that only reads makes them as well, and cannot remove them.
		if _, missing := os.Lstat(path + suffix); errors.Is(missing, fs.ErrNotExist) {
			defer func() { err = errors.Join(err, removeAll(path+suffix)) }()
		}
	}
	connection, err := connect(path, log, readOnly, 1)
	if err != nil {
		return Marks{}, unusable(path, err)
	}
	db := &DB{reader: connection}
	defer func() { err = errors.Join(err, db.Close()) }()
	var ours bool
	err = queryRow(db.read(ctx), "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('goose_db_version', 'organization')").Scan(&ours)
	if err != nil {
		return Marks{}, unusable(path, err)
	}
	if !ours {
		return Marks{}, &UnusableError{Path: path, Advice: "is none of Curfew's."}
	}
	if err := queryRow(db.read(ctx), "SELECT generation, version FROM organization WHERE id = 1").Scan(&marks.Generation, &marks.Version); err != nil {
		return Marks{}, unusable(path, err)
	}
	marks.Newest, err = db.NewestTime(ctx)
	return marks, err
}

// TakeIn makes a copy of a backup a database to be opened, and returns the secret that it carried: nil for one that was not made by
// [DB.Backup], as the copy of a data folder.
func TakeIn(ctx context.Context, path string, log *slog.Logger) (marks Marks, kept []byte, err error) {
	if marks, err = ReadMarks(ctx, path, log); err != nil {
		return Marks{}, nil, err
	}
	err = through(ctx, path, log, url.Values{}, func(copied *gorm.DB) error {
		is, err := isBackup(copied)
		if err != nil || !is {
			return err
		}
		if err := queryRow(copied, "SELECT kept FROM backup").Scan(&kept); err != nil {
			return err
		}
		return copied.Exec("DROP TABLE backup").Error
	})
	if err != nil {
		return Marks{}, nil, unusable(path, err)
	}
	return marks, kept, nil
}

// isBackup tells that the database has not been restored since it was backed up. It must not be served: all that was alive then would be
// alive in it.
func isBackup(tx *gorm.DB) (is bool, err error) {
	err = queryRow(tx, "SELECT count(*) = 1 FROM sqlite_schema WHERE name = 'backup'").Scan(&is)
	return is, err
}

// Renewal is what a restored database was made to forget, so that nothing that was revoked after the backup lives again.
type Renewal struct {
	Generation uint64
	// SessionsEnded counts the sessions that the backup had alive.
	SessionsEnded int64
	// LinksWithdrawn counts one-time links: one that was used or replaced after the backup would be good again.
	LinksWithdrawn int64
	// Entry is where the audit log tells of it.
	Entry audit.Entry
}

// Renew makes a restored database one that no session, no link and no version from before lives in. Its generation becomes higher than its own and than
// that of the database that it replaces, as far as that one could be read; so do the version of the policy and the newest time. The
// event's details are made here.
func (db *DB) Renew(ctx context.Context, replaced Marks, found Contents, event audit.Event) (renewed Renewal, err error) {
	event.At = latest(event.At, found.Newest, replaced.Newest)
	err = db.write(ctx, func(tx *gorm.DB) error {
		org, err := readOrganization(tx)
		if err != nil {
			return err
		}
		renewed = Renewal{Generation: max(org.Generation, replaced.Generation) + 1, SessionsEnded: found.Sessions}
		withdrawn := tx.Exec("DELETE FROM member_links")
		if withdrawn.Error != nil {
			return withdrawn.Error
		}
		renewed.LinksWithdrawn = withdrawn.RowsAffected
		err = exec(tx, "UPDATE organization SET generation = ?, version = ?, clock_at = max(clock_at, ?) WHERE id = 1",
			renewed.Generation, max(org.Version, replaced.Version)+1, millis(event.At))
		if err != nil {
			return err
		}
		event.Details = map[string]any{
			"generation": renewed.Generation, "sessionsEnded": renewed.SessionsEnded, "linksWithdrawn": renewed.LinksWithdrawn,
			"restoredTo": found.Newest.Format("2006-01-02T15:04:05.000Z07:00"), "entries": found.Chain.Entries, "head": found.Chain.Head.String(),
		}
		if renewed.Entry, err = appendAudit(tx, event); err != nil {
			return err
		}
		return recordRenewal(tx, org, renewed, event)
	})
	return renewed, err
}

// recordRenewal gives every generation that was passed over its receipt: whoever asks how a session ended looks for that of the generation
// after its own.
func recordRenewal(tx *gorm.DB, before session.Organization, renewed Renewal, event audit.Event) error {
	return exec(tx, `
		WITH RECURSIVE passed (generation) AS (VALUES (?1) UNION ALL SELECT generation + 1 FROM passed WHERE generation < ?2)
		INSERT INTO revocations (generation, at, by_id, by_name, reason, sessions_ended, members_signed_out, audit_sequence, audit_hash)
		SELECT generation, ?3, ?4, ?5, 'A backup was restored.', ?6, 0, ?7, ?8 FROM passed`,
		before.Generation+1, renewed.Generation, millis(event.At), event.Actor.ID, event.Actor.Name, renewed.SessionsEnded,
		renewed.Entry.Sequence, renewed.Entry.Hash[:])
}

func latest(times ...time.Time) (newest time.Time) {
	for _, t := range times {
		if t.After(newest) {
			newest = t
		}
	}
	return newest
}
