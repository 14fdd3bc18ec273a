package store

import (
	"context"
	"errors"
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

// readOnly are the settings to read a database without a change to it or its write-ahead log.
var readOnly = url.Values{"mode": {"ro"}, "_journal_mode": nil}

// Contents describes a database that was read as a whole.
type Contents struct {
	Organization string
	Members      int64
	// Sessions counts those that no recorded end and no generation has ended, expired ones
	// included.
	Sessions int64
	// Newest is the newest time on record.
	Newest time.Time
	// Chain is the result of the check of the audit log. A file with a broken chain is copied
	// nevertheless: it may be evidence.
	Chain audit.Finding
	Bytes int64
}

// Backup writes a copy of the whole database, as it is at one instant, to a new file that only its
// owner can read. It checks the copy before it gives it its name. Writers go on meanwhile. The copy
// carries kept, the secret that the database's own secrets are encrypted under. The event is
// recorded after the check, so it is not in the copy. A file of that name is replaced if the caller
// says so; otherwise Backup returns [fs.ErrExist].
func (db *DB) Backup(ctx context.Context, path string, replace bool, kept []byte, event audit.Event) (found Contents, err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return Contents{}, fs.ErrExist // before the work; giveName looks again
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return Contents{}, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := db.copyInto(ctx, file, kept); err != nil {
		return Contents{}, err
	}
	err = through(ctx, file.Name(), db.log, readOnly, func(copied *gorm.DB) error {
		found, err = (&DB{reader: copied, path: file.Name()}).Examine(ctx)
		return err
	})
	if err != nil {
		return Contents{}, err
	}
	if err := db.Record(ctx, event); err != nil {
		return Contents{}, err
	}
	return found, errors.Join(giveName(file.Name(), path, replace), durable.SyncFolder(filepath.Dir(path)))
}

// copyInto copies the database as it is at this instant, without deleted rows, into an empty file,
// and closes that once it is on disk. Decision 14 says why it is VACUUM INTO.
func (db *DB) copyInto(ctx context.Context, file *os.File, kept []byte) error {
	err := db.vacuumInto(ctx, file.Name())
	if err == nil {
		err = through(ctx, file.Name(), db.log, url.Values{"_journal_mode": nil}, func(copied *gorm.DB) error {
			return errors.Join(exec(copied, "CREATE TABLE backup (kept BLOB NOT NULL) STRICT"), exec(copied, "INSERT INTO backup VALUES (?)", kept))
		})
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// vacuumInto copies the database into an empty file, through a connection of its own: the readers'
// connections may not write anywhere.
func (db *DB) vacuumInto(ctx context.Context, path string) error {
	return through(ctx, db.path, db.log, readOnly, func(source *gorm.DB) error { return exec(source, "VACUUM INTO ?", path) })
}

// through runs work on a connection of its own to the file.
func through(ctx context.Context, path string, log *slog.Logger, settings url.Values, work func(*gorm.DB) error) error {
	connection, err := connect(path, log, settings, 1)
	if err != nil {
		return err
	}
	return errors.Join(work(connection.WithContext(ctx)), (&DB{reader: connection}).Close())
}

// giveName renames the file. Unless it is to be replaced, a file of the new name is an error.
func giveName(from, to string, replace bool) error {
	if replace {
		return os.Rename(from, to)
	}
	// Unlike a rename, a link never replaces a file.
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// Examine reads the whole file, and runs all checks that SQLite and the audit chain have. It
// returns an [*UnusableError] for a damaged file.
func (db *DB) Examine(ctx context.Context) (found Contents, err error) {
	tx := db.read(ctx)
	for _, check := range []string{
		"PRAGMA integrity_check(1)",
		`SELECT "table" FROM pragma_foreign_key_check`,
	} {
		if err := refuseDamage(queryRow(tx, check)); err != nil {
			return Contents{}, unusable(db.path, err)
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

// Marks are the values that must never go back after a restore. A client that has seen them would
// otherwise take a later state for an earlier one.
type Marks struct {
	Generation uint64
	Version    int64
	// Newest is the newest time on record (rule R7).
	Newest time.Time
}

// ReadMarks reads the marks of a database of any schema, and leaves the file as it is. It returns
// an [*UnusableError] for a file that is damaged, or no database of Curfew's.
func ReadMarks(ctx context.Context, path string, log *slog.Logger) (marks Marks, err error) {
	for _, suffix := range []string{"-wal", "-shm"} {
		// A connection that only reads creates these files too, and cannot remove them.
		if _, missing := os.Lstat(path + suffix); errors.Is(missing, fs.ErrNotExist) {
			defer func() { err = errors.Join(err, removeAll(path+suffix)) }()
		}
	}
	err = through(ctx, path, log, readOnly, func(tx *gorm.DB) error {
		var ours bool
		err := queryRow(tx, "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('goose_db_version', 'organization')").Scan(&ours)
		if err != nil {
			return err
		}
		if !ours {
			return &UnusableError{Advice: "is none of Curfew's."}
		}
		if err := queryRow(tx, "SELECT generation, version FROM organization WHERE id = 1").Scan(&marks.Generation, &marks.Version); err != nil {
			return err
		}
		marks.Newest, err = (&DB{reader: tx}).NewestTime(ctx)
		return err
	})
	return marks, unusable(path, err)
}

// StageBackup turns a copy of a backup into a database that can be opened. It returns the secret
// that the backup carried, or nil for a file that [DB.Backup] did not make, as the copy of a data
// folder.
func StageBackup(ctx context.Context, path string, log *slog.Logger) (marks Marks, kept []byte, err error) {
	if marks, err = ReadMarks(ctx, path, log); err != nil {
		return Marks{}, nil, err
	}
	err = through(ctx, path, log, url.Values{}, func(copied *gorm.DB) error {
		backup, err := isBackup(copied)
		if err != nil || !backup {
			return err
		}
		if err := queryRow(copied, "SELECT kept FROM backup").Scan(&kept); err != nil {
			return err
		}
		return exec(copied, "DROP TABLE backup")
	})
	return marks, kept, unusable(path, err)
}

// isBackup reports whether the database is a backup that was not restored. It must not be served:
// every session that has ended since the backup would be alive again.
func isBackup(tx *gorm.DB) (backup bool, err error) {
	err = queryRow(tx, "SELECT count(*) = 1 FROM sqlite_schema WHERE name = 'backup'").Scan(&backup)
	return backup, err
}

// Renewal describes what ended with a restore, so that nothing that was revoked after the backup is
// valid again.
type Renewal struct {
	Generation uint64
	// SessionsEnded counts the sessions that were alive in the backup.
	SessionsEnded int64
	// LinksWithdrawn counts one-time links, which may have been used or replaced after the backup.
	LinksWithdrawn int64
	// Entry is the restore's entry in the audit log.
	Entry audit.Entry
}

// InvalidateSessions ends every session and withdraws every link of a restored database. Its
// generation becomes higher than its own and that of the database that it replaces, as far as that
// could be read. So do the version of the policy and the newest time. The event's details are made
// here.
func (db *DB) InvalidateSessions(ctx context.Context, replaced Marks, found Contents, event audit.Event) (renewed Renewal, err error) {
	event.At = latest(event.At, found.Newest, replaced.Newest)
	err = db.write(ctx, func(tx *gorm.DB) error {
		org, err := readOrganization(tx)
		if err != nil {
			return err
		}
		renewed = Renewal{Generation: max(org.Generation, replaced.Generation) + 1, SessionsEnded: found.Sessions}
		withdrawn, err := changed(tx, "DELETE FROM member_links")
		if err != nil {
			return err
		}
		renewed.LinksWithdrawn = int64(withdrawn)
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

// recordRenewal writes a receipt for every generation that was passed over: the reason for a
// session's end is looked up by the generation after its own.
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
