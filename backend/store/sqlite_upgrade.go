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

// An older schema is brought up to date in a copy of the file, which takes the file's place at the
// end. An upgrade that breaks off before leaves the old file, which the old program can
// serve.

// opening is how to open a database.
type opening struct {
	// version is the schema to bring it to; 0 for the newest. Tests stop before a migration to seed
	// old data.
	version int64
	// refuseOlder has an older schema refused, and nothing changed.
	refuseOlder bool
	// free returns the bytes that are free in a folder, and stepped is called after every step of
	// an upgrade; tests set them.
	free    func(folder string) (uint64, error)
	stepped func()
}

// spaceFactor is how much space an upgrade takes next to the file, in quarters of its size.
const spaceFactor = 5

func freeSpace(folder string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

// upgrade replaces the file by a copy with the newer schema, and closes the database. An error
// leaves the file as it was.
func (db *DB) upgrade(ctx context.Context, have, version int64, how opening) (err error) {
	path, err := filepath.EvalSymlinks(db.path)
	if err != nil {
		return err
	}
	if err := enoughSpace(path, have, version, how); err != nil {
		return err
	}
	copied := path + upgrading
	defer func() {
		err = errors.Join(err, removeAll(copied, copied+"-journal"))
		if ctx.Err() != nil && err != nil {
			err = &UnusableError{Advice: "was not brought up to date: the program was told to stop. Nothing was changed."}
		}
	}()
	began := time.Now() //nolint:forbidigo // how long it takes, not when it is
	db.log.Info("bringing the database up to date", "schema", have, "to", version)
	step := func() {
		if how.stepped != nil {
			how.stepped()
		}
	}
	file, err := os.OpenFile(copied, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was synced
	step()
	err = through(ctx, db.path, db.log, readOnly, func(source *gorm.DB) error { return source.Exec("VACUUM INTO ?", copied).Error })
	if err != nil {
		return err
	}
	step()
	// The copy needs to survive nothing before it is whole.
	quick := url.Values{"_journal_mode": {"MEMORY"}, "_synchronous": {"OFF"}, "_txlock": {"immediate"}}
	err = through(ctx, copied, db.log, quick, func(tx *gorm.DB) error { return db.migrateCopy(ctx, tx, version, step) })
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	step()
	if err := db.fold(ctx); err != nil {
		return err
	}
	step()
	// Over the log of the old file, the new one would be ruined. Nothing is in it any more.
	if err := errors.Join(removeAll(path+"-wal", path+"-shm"), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return err
	}
	step()
	if err := errors.Join(os.Rename(copied, path), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return err
	}
	step()
	db.log.Info("the database is up to date", "schema", version, "took", time.Since(began).Round(time.Millisecond)) //nolint:forbidigo // as above
	return nil
}

// upgrading is what the name of the copy ends in.
const upgrading = "-upgrading"

func enoughSpace(path string, have, version int64, how opening) error {
	need := int64(0)
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			need += info.Size() * spaceFactor / 4
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
			"has schema %d and has to be brought to %d. That takes %d MB beside it, and %d MB are free. Free some space and start again; nothing was changed.",
			have, version, (need+mega-1)/mega, found/mega)}
	}
	return nil // where it cannot be told, the upgrade will
}

// migrateCopy brings the copy to the version, one migration after the other.
func (db *DB) migrateCopy(ctx context.Context, tx *gorm.DB, version int64, step func()) error {
	pool, err := tx.DB()
	if err != nil {
		return err
	}
	migrations, err := migrationsOf(pool)
	if err != nil {
		return err
	}
	for _, source := range migrations.ListSources() {
		if source.Version > version {
			break
		}
		done, err := migrations.UpTo(ctx, source.Version)
		if err != nil {
			return fmt.Errorf("bring the schema to %d: %w", source.Version, err)
		}
		if len(done) > 0 {
			db.log.Info("migrated the database", "schema", source.Version, "of", version)
			step()
		}
	}
	return nil
}

// fold puts all of the write-ahead log into the file, and closes the database.
func (db *DB) fold(ctx context.Context) error {
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
