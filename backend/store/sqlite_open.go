package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// protocol is the newest form of the organization's row that this program can judge sessions by. A
// database with a higher number was written by a newer program.
const protocol = 1

// DB is the database. It is safe for concurrent use, and implements [session.Store] and
// [member.Store].
type DB struct {
	// writer has a single connection: writers queue for it instead of failing on a locked database.
	// Its transactions take the write lock when they begin, so that none fails to upgrade a lock.
	writer *gorm.DB
	// reader's connections cannot write.
	reader *gorm.DB
	path   string
	log    *slog.Logger
	// upgradedFrom is the schema that the file had before; 0 for this program's.
	upgradedFrom int64
}

// UnusableError is returned for a database that must not be used. Its text says what to do about
// it.
type UnusableError struct {
	Path   string
	Advice string
	Cause  error
}

func (e *UnusableError) Error() string { return fmt.Sprintf("database %s %s", e.Path, e.Advice) }
func (e *UnusableError) Unwrap() error { return e.Cause }

// Connections to the database. A caller waits for a free one as long as its context allows.
const (
	writers       = 1 // SQLite has one at a time; here they wait in the order in which they came
	fewestReaders = 4 // and more with more processors
	lockPatience  = 5 * time.Second
)

// longestLog is the number of pages in the write-ahead log at which a writer folds it in, in the
// middle of its commit. [DB.Checkpoint] comes before that, unless more is written than it can
// follow.
const longestLog = 16_000

// Open opens the database file, creates it if it is missing, checks it, and brings an older schema
// up to date. It returns an [*UnusableError] for a damaged file or write-ahead log, and for a file
// of a newer schema.
func Open(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	return open(ctx, path, log, opening{})
}

// OpenCurrent is Open for a database of this program's schema. It refuses an older one, too, and
// changes nothing about it.
func OpenCurrent(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	return open(ctx, path, log, opening{refuseOlder: true})
}

func open(ctx context.Context, path string, log *slog.Logger, how opening) (*DB, error) {
	if err := removeAll(path+upgrading, path+upgrading+"-journal"); err != nil { // of an upgrade that broke off
		return nil, err
	}
	db, err := openFile(path, log)
	if err != nil {
		return nil, err
	}
	older, err := db.prepare(ctx, &how)
	if err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	if older == 0 {
		return db, nil
	}
	if err := db.upgrade(ctx, older, how); err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	if db, err = open(ctx, path, log, how); err == nil {
		db.upgradedFrom = older
	}
	return db, err
}

// UpgradedFrom returns the schema that the file had before it was opened, or 0 if it was this
// program's.
func (db *DB) UpgradedFrom() int64 { return db.upgradedFrom }

func openFile(path string, log *slog.Logger) (*DB, error) {
	// Created here, because SQLite would make it readable by every user.
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
	if db.reader, err = connect(path, log, url.Values{"_query_only": {"on"}}, max(fewestReaders, runtime.GOMAXPROCS(0))); err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	return db, nil
}

// driverName is SQLite's driver with the pragmas that its DSN cannot set. Temporary files are in
// memory: SQLite looks for a folder for them outside of the data folder, and a read-only container
// has none.
const driverName = "sqlite3 without files elsewhere"

func init() {
	sql.Register(driverName, &sqlite3.SQLiteDriver{ConnectHook: func(connection *sqlite3.SQLiteConn) error {
		_, err := connection.Exec(fmt.Sprintf("PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = %d", longestLog), nil)
		return err
	}})
}

// connect opens a pool. The pragmas are in the DSN, because a statement reaches a single
// connection.
func connect(path string, log *slog.Logger, more url.Values, connections int) (*gorm.DB, error) {
	dsn := url.Values{
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"}, // with NORMAL an answered revocation could vanish at a power loss
		"_foreign_keys":    {"on"},
		"_busy_timeout":    {strconv.FormatInt(lockPatience.Milliseconds(), 10)},
		"_stmt_cache_size": {"100"}, // SQLite takes longer to read most statements than to run them
		"_mutex":           {"no"},  // database/sql never shares a connection between goroutines
	}
	for key, value := range more {
		dsn[key] = value
	}
	location := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: dsn.Encode()}
	db, err := gorm.Open(sqlite.New(sqlite.Config{DriverName: driverName, DSN: location.String()}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
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

// slowLog logs slow statements, without their parameters: some of these are hashes of secrets. It
// does not log a statement that failed, because the caller gets the error.
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

// prepare checks that the file can be used, and gives a new file its schema. It returns the file's
// schema if that is older than this program's, and 0 otherwise. It sets how.version if it is not
// set.
func (db *DB) prepare(ctx context.Context, how *opening) (older int64, err error) {
	if err := db.quickCheck(ctx); err != nil {
		return 0, err
	}
	backup, err := isBackup(db.read(ctx))
	if err != nil {
		return 0, err
	}
	if backup {
		return 0, &UnusableError{Advice: "is a backup: sessions that have ended since would be alive again. Move it out of the data folder, and restore it: curfew restore FILE."}
	}
	migrations, err := migrationsOf(db.writer)
	if err != nil {
		return 0, err
	}
	sources := migrations.ListSources()
	newest := sources[len(sources)-1].Version
	how.version = cmp.Or(how.version, newest)
	switch from := db.schema(ctx); {
	case from == how.version:
	case from > newest:
		return 0, &UnusableError{Advice: fmt.Sprintf("has schema %d, but this program knows only up to %d. Run the newer program that wrote it.", from, newest)}
	case from == 0:
		if _, err := migrations.UpTo(ctx, how.version); err != nil {
			return 0, fmt.Errorf("make the schema: %w", err)
		}
	case how.refuseOlder:
		return 0, &UnusableError{Advice: fmt.Sprintf("has schema %d, and this program works on %d. Nothing was changed: start the server, which brings it up to date, and ask again.", from, how.version)}
	default:
		return from, nil
	}
	if err := db.checkProtocol(ctx); err != nil || how.version < newest {
		return 0, err
	}
	return 0, db.warnOfAddresses(ctx)
}

// quickCheck reads the whole file, and returns an [*UnusableError] if it is damaged.
func (db *DB) quickCheck(ctx context.Context) error {
	return refuseDamage(queryRow(db.read(ctx), "PRAGMA quick_check(1)"))
}

// refuseDamage returns an [*UnusableError] unless a check of SQLite's found nothing, or "ok".
func refuseDamage(check *sql.Row) error {
	var verdict string
	if err := check.Scan(&verdict); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if verdict != "" && verdict != "ok" {
		return &UnusableError{Advice: "is damaged (" + verdict + "). " + restoreAdvice}
	}
	return nil
}

// schema returns the version of the file's schema; 0 if it cannot be read, because the file is new.
func (db *DB) schema(ctx context.Context) (version int64) {
	if queryRow(db.read(ctx), "SELECT max(version_id) FROM goose_db_version").Scan(&version) != nil {
		return 0
	}
	return version
}

// checkProtocol returns an [*UnusableError] if the organization's row needs a newer program.
func (db *DB) checkProtocol(ctx context.Context) error {
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

// unusable turns SQLite's errors at start-up into an [*UnusableError] with advice for the operator.
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

// Ready returns nil if the database can be written. It makes a durable commit, and leaves no row.
// SQLite would not write a row that is set to the values that it has.
func (db *DB) Ready(ctx context.Context) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := exec(tx, "INSERT INTO session_times (page, times) VALUES (-1, x'')"); err != nil {
			return err
		}
		return exec(tx, "DELETE FROM session_times WHERE page = -1")
	})
}

// Checkpoint folds the write-ahead log into the database, up to the oldest frame that a reader uses
// (https://www.sqlite.org/wal.html, 2.1). Writers go on meanwhile. Without it, one of them would do
// it in the middle of its commit.
func (db *DB) Checkpoint(ctx context.Context) error {
	return unavailable(db.read(ctx).Exec("PRAGMA wal_checkpoint(PASSIVE)").Error)
}
