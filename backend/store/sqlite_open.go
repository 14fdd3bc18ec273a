package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"curfew/backend/failpoint"
	"curfew/backend/session"
)

// protocol is what this program knows of how to judge by the organization's row. A database with a higher number was written by
// a newer program, beside which this one must not serve.
const protocol = 1

// DB is the database. It is safe for concurrent use, and implements [session.Store] and [member.Store].
type DB struct {
	// writer has a single connection: writers queue for it instead of failing on a locked database. Its transactions
	// take the write lock when they begin, so that none has to upgrade a lock and fail.
	writer *gorm.DB
	// reader's connections cannot write.
	reader *gorm.DB
	path   string
	log    *slog.Logger
	// sound looks through the file, once.
	sound func() error
	// upgradedFrom is the schema that the file had before; 0 for this program's.
	upgradedFrom int64
}

// UnusableError is given for a database that must not be used; its text says what to do about it.
type UnusableError struct {
	Path   string
	Advice string
	Cause  error
}

func (e *UnusableError) Error() string { return fmt.Sprintf("database %s %s", e.Path, e.Advice) }
func (e *UnusableError) Unwrap() error { return e.Cause }

// Connections to the database. Whoever finds none free waits for one, as long as the request may last.
const (
	writers       = 1 // SQLite has one at a time; here they wait in the order in which they came
	fewestReaders = 4 // and more where there are more processors
	lockPatience  = 5 * time.Second
)

// longestLog is how many pages the write-ahead log may have before a writer folds it in, in the middle of its commit. [DB.Checkpoint] comes
// before that, unless more is written than it can follow.
const longestLog = 16_000

// Open opens the database file, creates it if it is missing, and brings an older schema up to date. It refuses a damaged
// file or write-ahead log, and a file of a newer schema, with an [*UnusableError]. Where nothing has to be brought up to date it only begins
// to look through the file: whoever opens has to ask [DB.Sound] as well.
func Open(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	return openToUse(ctx, path, log, opening{})
}

// OpenCurrent is Open for a database of this program's schema. It refuses an older one, too, and
// changes nothing about it.
func OpenCurrent(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	return openToUse(ctx, path, log, opening{refuseOlder: true})
}

func openToUse(ctx context.Context, path string, log *slog.Logger, how opening) (*DB, error) {
	db, err := open(ctx, path, log, how)
	if err != nil {
		return nil, err
	}
	if err := db.warnOfAddresses(ctx); err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	return db, nil
}

// open opens the file, and a newer one that took its place if it had to be upgraded.
func open(ctx context.Context, path string, log *slog.Logger, how opening) (*DB, error) {
	if err := removeAll(path+upgrading, path+upgrading+"-journal"); err != nil { // of an upgrade that broke off
		return nil, err
	}
	db, err := openFile(ctx, path, log)
	if err != nil {
		return nil, err
	}
	from, to, err := db.prepare(ctx, how)
	if err != nil || from == to {
		return db, db.closeAfter(err)
	}
	if err := db.closeAfter(db.upgrade(ctx, from, to, how)); err != nil {
		return nil, err
	}
	if db, err = openFile(ctx, path, log); err != nil {
		return nil, err
	}
	db.upgradedFrom = from
	go db.sound() //nolint:errcheck // as in prepare
	return db, db.closeAfter(db.understand(ctx))
}

// closeAfter closes a database that cannot be used because of the error, if there is one.
func (db *DB) closeAfter(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(unusable(db.path, err), db.Close())
}

// UpgradedFrom returns the schema that the file had before it was opened, or 0 where it was this
// program's.
func (db *DB) UpgradedFrom() int64 { return db.upgradedFrom }

func openFile(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	// Created here, because SQLite would make it readable by everybody.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err := checkLog(path + "-wal"); err != nil {
		return nil, unusable(path, err)
	}
	db := &DB{path: path, log: log}
	if db.writer, err = connect(path, log, url.Values{"_txlock": {"immediate"}}, writers); err != nil {
		return nil, unusable(path, err)
	}
	// The driver's DSN has no word for it. A connection that took the place of the writers' one would have SQLite's own, 1,000.
	if err := db.writer.Exec(fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", longestLog)).Error; err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	if db.reader, err = connect(path, log, url.Values{"_query_only": {"on"}}, max(fewestReaders, runtime.GOMAXPROCS(0))); err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	db.sound = sync.OnceValue(func() error { return unusable(path, db.lookThrough(ctx)) })
	return db, nil
}

// driverName is SQLite's driver with its temporary files in memory. By itself SQLite looks for a
// folder for them outside of the data folder, and a read-only container has none. The driver's DSN
// has no word for it.
const driverName = "sqlite3 without files elsewhere"

func init() {
	sql.Register(driverName, &sqlite3.SQLiteDriver{ConnectHook: func(connection *sqlite3.SQLiteConn) error {
		_, err := connection.Exec("PRAGMA temp_store = MEMORY", nil)
		return err
	}})
}

// connect opens a pool. The pragmas stand in the DSN, because one that is set by a statement reaches a single connection.
func connect(path string, log *slog.Logger, more url.Values, connections int) (*gorm.DB, error) {
	dsn := url.Values{
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"}, // with NORMAL an answered revocation could vanish at a power loss
		"_foreign_keys":    {"on"},
		"_busy_timeout":    {strconv.FormatInt(lockPatience.Milliseconds(), 10)},
		"_stmt_cache_size": {"100"}, // SQLite takes longer to read most statements than to run them
		"_mutex":           {"no"},  // database/sql lets nobody use a connection that somebody uses; a lock for each value that is read takes a while
	}
	for key, value := range more {
		dsn[key] = value
	}
	location := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: dsn.Encode()}
	db, err := gorm.Open(sqlite.New(sqlite.Config{DriverName: driverName, DSN: location.String()}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		NowFunc:                func() time.Time { return time.Now().UTC() },
		Logger:                 newSlowLog(log),
	})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return db, nil
}

// slowLog logs statements that took long, without their parameters: some of these are hashes of secrets. A statement that failed is left to
// whoever gets the error. It would be told twice, and first in words that help nobody.
type slowLog struct {
	logger.Interface
	gorm.ParamsFilter
}

func newSlowLog(log *slog.Logger) slowLog {
	all := logger.NewSlogLogger(log, logger.Config{SlowThreshold: time.Second, LogLevel: logger.Warn, ParameterizedQueries: true})
	return slowLog{all, all.(gorm.ParamsFilter)}
}

// Trace implements [logger.Interface].
func (l slowLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	l.Interface.Trace(ctx, begin, statement, nil)
}

// prepare makes sure that the file can be used: from and to are the schema that it has and the one
// that it has to be brought to, for which it was found to be sound. If they are the same, that is
// being found out when prepare returns. A new file gets its schema here.
func (db *DB) prepare(ctx context.Context, how opening) (from, to int64, err error) {
	is, err := isBackup(db.read(ctx))
	if err != nil {
		return 0, 0, err
	}
	if is {
		return 0, 0, &UnusableError{Advice: "is a backup, in which everybody is signed in who was then. Move it out of the data folder, and restore it: curfew restore FILE."}
	}
	pool, err := db.writer.DB()
	if err != nil {
		return 0, 0, err
	}
	migrations, err := migrationsOf(pool)
	if err != nil {
		return 0, 0, err
	}
	sources := migrations.ListSources()
	newest := sources[len(sources)-1].Version
	if to = how.version; to == 0 {
		to = newest
	}
	from = db.schema(ctx)
	if from == to {
		go db.sound() //nolint:errcheck // it is kept for whoever asks
		return from, to, db.understand(ctx)
	}
	if err := db.Sound(); err != nil {
		return 0, 0, err
	}
	switch {
	case from > newest:
		return 0, 0, &UnusableError{Advice: fmt.Sprintf("has schema %d, but this program knows only up to %d. Run the newer program that wrote it.", from, newest)}
	case from == 0:
		if _, err := migrations.UpTo(ctx, to); err != nil {
			return 0, 0, fmt.Errorf("make the schema: %w", err)
		}
		return to, to, db.understand(ctx)
	case how.refuseOlder:
		return 0, 0, &UnusableError{Advice: fmt.Sprintf("has schema %d, and this program works on %d. Nothing was changed: start the server, which brings it up to date, and ask again.", from, to)}
	}
	return from, to, nil
}

// Sound waits until the whole file has been looked through, and returns an [*UnusableError] if it is damaged. A large file takes a while, in
// which it can be read, but nothing that was read may be served before Sound has returned nil. The only connection that writes is the one
// that looks, so nothing is written meanwhile either.
func (db *DB) Sound() error { return db.sound() }

func (db *DB) lookThrough(ctx context.Context) error {
	pool, err := db.writer.DB()
	if err != nil {
		return err
	}
	var verdict string
	if err := pool.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &UnusableError{Advice: "is damaged (" + verdict + "). " + restoreAdvice}
	}
	return nil
}

// schema is the version of the file's schema; 0 where it cannot be read, because the file is new or damaged.
func (db *DB) schema(ctx context.Context) (version int64) {
	if queryRow(db.read(ctx), "SELECT max(version_id) FROM goose_db_version").Scan(&version) != nil {
		return 0
	}
	return version
}

// understand makes sure that this program knows how to judge by the organization's row.
func (db *DB) understand(ctx context.Context) error {
	var found int
	if err := queryRow(db.read(ctx), "SELECT protocol FROM organization").Scan(&found); err != nil {
		return fmt.Errorf("read the protocol: %w", err)
	}
	if found > protocol {
		return &UnusableError{Advice: fmt.Sprintf("speaks protocol %d, but this program knows only %d. Run the newer program that wrote it.", found, protocol)}
	}
	return nil
}

const restoreAdvice = "Keep a copy of it, and restore a backup: curfew restore --force FILE."

// unusable gives SQLite's errors at start-up the words that an operator can act on.
func unusable(path string, err error) error {
	if err == nil {
		return nil
	}
	var known *UnusableError
	if errors.As(err, &known) {
		known.Path = path
		return known
	}
	var cause sqlite3.Error
	if !errors.As(err, &cause) {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	if cause.Code == sqlite3.ErrFull || cause.SystemErrno == syscall.ENOSPC {
		return &UnusableError{path, "does not fit: the disk is full. Free some space and start again.", err}
	}
	switch cause.Code {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return &UnusableError{path, "is damaged or no SQLite database. " + restoreAdvice, err}
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return &UnusableError{path, "cannot be written. Make the data folder and the files in it writable for the user that runs Curfew.", err}
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return &UnusableError{path, "is locked by another program. Close it and start again.", err}
	}
	return fmt.Errorf("open database %s: %w", path, err)
}

// Close ends all connections and folds the write-ahead log into the file.
func (db *DB) Close() error {
	var errs []error
	if db.sound != nil {
		_ = db.sound() // it was told to whoever asked; a connection in use would outlive the pool
	}
	for _, pool := range []*gorm.DB{db.reader, db.writer} {
		if pool == nil {
			continue
		}
		connections, err := pool.DB()
		if err == nil {
			err = connections.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Ready returns nil when the database can be written. It makes a durable commit of a row that is there no more at its end; a row that is set
// to what it is would not be written at all.
func (db *DB) Ready(ctx context.Context) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := exec(tx, "INSERT INTO session_times (page, times) VALUES (-1, x'')"); err != nil {
			return err
		}
		return exec(tx, "DELETE FROM session_times WHERE page = -1")
	})
}

// Checkpoint folds the write-ahead log into the database, as far as nobody reads what was there before (https://www.sqlite.org/wal.html, 2.1).
// Writers go on meanwhile: without it, one of them would do it now and then, in the middle of a commit that somebody waits for.
func (db *DB) Checkpoint(ctx context.Context) error {
	return unavailable(db.read(ctx).Exec("PRAGMA wal_checkpoint(PASSIVE)").Error)
}

// write runs one transaction. It returns refusals as they are and any other error as an [*UnavailableError], which wraps
// [session.ErrOutcomeUnknown] if the COMMIT failed; after any other error nothing was changed. Once it has begun it
// cannot be cancelled. It is begun and ended by statements, because database/sql has a goroutine watch over each transaction, and the driver
// one over each statement that could be cancelled: to wake a processor for one takes a tenth of the time in which everybody's sessions end.
func (db *DB) write(ctx context.Context, f func(tx *gorm.DB) error) error {
	err := db.writer.WithContext(ctx).Connection(func(connection *gorm.DB) (err error) {
		tx := connection.WithContext(context.WithoutCancel(ctx))
		if err := exec(tx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		committed := false
		defer func() {
			if committed {
				return
			}
			if trouble := rollBack(tx); trouble != nil {
				err = errors.Join(err, trouble)
			}
		}()
		if err := f(tx); err != nil {
			return err
		}
		failpoint.At("before the commit")
		if err := exec(tx, "COMMIT"); err != nil {
			return errors.Join(session.ErrOutcomeUnknown, err)
		}
		committed = true
		return nil
	})
	failpoint.At("after the commit")
	return unavailable(err)
}

// rollBack ends the transaction, unless an error has ended it already (https://www.sqlite.org/lang_transaction.html, 3). A connection that
// cannot is used no more.
func rollBack(tx *gorm.DB) error {
	return tx.Statement.ConnPool.(*sql.Conn).Raw(func(raw any) error {
		connection := raw.(*sqlite3.SQLiteConn)
		if connection.AutoCommit() {
			return nil
		}
		if _, err := connection.Exec("ROLLBACK", nil); err != nil {
			return errors.Join(driver.ErrBadConn, err)
		}
		return nil
	})
}

// exec and queryRow run one statement of a transaction past GORM, whose mapping takes several times as long as SQLite does. They are
// for what all writes have in common, and for those that somebody waits for with impatience.
func exec(tx *gorm.DB, statement string, args ...any) error {
	_, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
	return err
}

// eachRow calls f with the scan function of each row that the query finds. A context that cannot be
// cancelled spares the driver a goroutine for each row.
func eachRow(ctx context.Context, tx gorm.ConnPool, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func queryRow(tx *gorm.DB, statement string, args ...any) *sql.Row {
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, statement, args...)
}

// read gives a connection for reading. Its errors want wrapping by unavailable.
func (db *DB) read(ctx context.Context) *gorm.DB { return db.reader.WithContext(ctx) }
