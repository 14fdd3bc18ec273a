package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"gorm.io/gorm"

	"curfew/backend/durable"
)

// An older schema is brought up to date in a copy of the file, which replaces the file at the end.
// An upgrade that breaks off before leaves the old file, which the old program can serve.

// opening says how to open a database.
type opening struct {
	// version is the schema to bring it to; 0 for the newest. Tests stop before a migration to seed
	// old data.
	version int64
	// refuseOlder makes an older schema an error.
	refuseOlder bool
	// free returns the bytes that are free in a folder, and stepped is called after every step of
	// an upgrade; tests set them.
	free    func(folder string) (uint64, error)
	stepped func()
}

// upgrading is the suffix of the copy's name.
const upgrading = "-upgrading"

// upgrade replaces the file by a copy with the newer schema, and closes the database. An error
// leaves the file as it was.
func (db *DB) upgrade(ctx context.Context, have int64, how opening) (err error) {
	path, err := filepath.EvalSymlinks(db.path)
	if err != nil {
		return err
	}
	if err := enoughSpace(path, have, how); err != nil {
		return err
	}
	began, copied := time.Now(), path+upgrading //nolint:forbidigo // how long it takes, not when it is
	defer func() {
		err = errors.Join(err, removeAll(copied, copied+"-journal"))
		if ctx.Err() != nil && err != nil {
			err = &UnusableError{Advice: "was not brought up to date: the program was told to stop. Nothing was changed."}
		}
	}()
	db.log.Info("bringing the database up to date", "schema", have, "to", how.version)
	file, err := os.OpenFile(copied, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was synced
	for _, step := range []func() error{
		func() error { return db.vacuumInto(ctx, copied) },
		func() error { return db.migrateCopy(ctx, copied, how) },
		file.Sync,
		func() error { return db.foldLog(ctx) },
		// The log of the old file, which is empty now, would ruin the new one.
		func() error {
			return errors.Join(removeAll(path+"-wal", path+"-shm"), durable.SyncFolder(filepath.Dir(path)))
		},
		func() error { return errors.Join(os.Rename(copied, path), durable.SyncFolder(filepath.Dir(path))) },
	} {
		how.step()
		if err := step(); err != nil {
			return err
		}
	}
	how.step()
	db.log.Info("the database is up to date", "schema", how.version, "took", time.Since(began).Round(time.Millisecond)) //nolint:forbidigo // as above
	return nil
}

func (how opening) step() {
	if how.stepped != nil {
		how.stepped()
	}
}

// enoughSpace returns an [*UnusableError] if there is no room for a copy of the file and its
// write-ahead log, and a quarter more.
func enoughSpace(path string, have int64, how opening) error {
	need := int64(0)
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			need += info.Size() * 5 / 4
		}
	}
	free := freeSpace
	if how.free != nil {
		free = how.free
	}
	found, err := free(filepath.Dir(path))
	if err == nil && found < uint64(need) {
		const mega = 1 << 20
		return &UnusableError{Advice: fmt.Sprintf(
			"has schema %d and is to be upgraded to %d. That takes %d MB next to it, and %d MB are free. Free some space and start again; nothing was changed.",
			have, how.version, (need+mega-1)/mega, found/mega)}
	}
	return nil // if the free space is unknown, the upgrade may fail later
}

func freeSpace(folder string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

// migrateCopy brings the copy to the version, one migration after the other. Nothing of it has to
// survive a crash before it is whole, so it is not synced.
func (db *DB) migrateCopy(ctx context.Context, path string, how opening) error {
	quick := url.Values{"_journal_mode": {"MEMORY"}, "_synchronous": {"OFF"}, "_txlock": {"immediate"}}
	return through(ctx, path, db.log, quick, func(tx *gorm.DB) error {
		migrations, err := migrationsOf(tx)
		if err != nil {
			return err
		}
		for _, source := range migrations.ListSources() {
			if source.Version > how.version {
				break
			}
			done, err := migrations.UpTo(ctx, source.Version)
			if err != nil {
				return fmt.Errorf("bring the schema to %d: %w", source.Version, err)
			}
			if len(done) > 0 {
				db.log.Info("migrated the database", "schema", source.Version, "of", how.version)
				how.step()
			}
		}
		return nil
	})
}

// foldLog folds all of the write-ahead log into the file, and closes the database.
func (db *DB) foldLog(ctx context.Context) error {
	var busy, frames, folded int
	err := queryRow(db.writer.WithContext(ctx), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &folded)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if info, err := os.Stat(db.path + "-wal"); busy != 0 || err == nil && info.Size() > 0 {
		return &UnusableError{Advice: "is open in another program. Close it and start again."}
	}
	return nil
}

func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
