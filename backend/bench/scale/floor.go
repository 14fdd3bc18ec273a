package scale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// floor is the smallest database. Its commits are what any durable commit costs.
type floor struct{ *sql.DB }

func openFloor(ctx context.Context, path string) (*floor, error) {
	db, err := openRaw(path)
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE floor (n INTEGER NOT NULL) STRICT; INSERT INTO floor VALUES (0)")
	if err = errors.Join(err, lengthenLog(ctx, db)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &floor{db}, nil
}

// commit measures one commit, after two that warm the CPU's caches.
func (f *floor) commit(ctx context.Context) (took time.Duration, err error) {
	for range 3 {
		took, err = timed(func() error {
			_, err := f.ExecContext(ctx, "UPDATE floor SET n = n + 1")
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("bare commit: %w", err)
		}
	}
	return took, nil
}

// openRaw opens a database with the store's settings, without the store.
func openRaw(path string) (*sql.DB, error) {
	pragmas := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"5000"}, "_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// lengthenLog gives the write-ahead log the length of one that has been in use. Until then every
// commit makes the file longer, which takes longer than writing into it.
func lengthenLog(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE filler AS SELECT zeroblob(5000000);
		DROP TABLE filler;
		PRAGMA wal_checkpoint(RESTART)`)
	return err
}
