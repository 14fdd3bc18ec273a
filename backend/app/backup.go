package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"curfew/backend/audit"
	"curfew/backend/config"
	"curfew/backend/httpapi"
	"curfew/backend/store"
	"curfew/backend/token"
)

// backup writes a copy of everything that a restore needs. Of the secrets in keys.json it carries
// only the kept one, from which no token can be forged.
func (a *App) backup(ctx context.Context, path string, replace bool, event audit.Event) (httpapi.Backup, audit.Finding, error) {
	if a.folder.holds(path) {
		return httpapi.Backup{}, audit.Finding{}, &httpapi.FileError{Code: "misplaced", Message: "The data folder is for what the server keeps. Write the backup somewhere else, best onto another disk."}
	}
	if err := a.sessions.Flush(ctx); err != nil {
		return httpapi.Backup{}, audit.Finding{}, err
	}
	found, err := a.db.Backup(ctx, path, replace, a.kept, event)
	var trouble *store.UnavailableError
	switch {
	case errors.Is(err, fs.ErrExist):
		err = &httpapi.FileError{Code: "exists", Message: "There is a file of this name already. Name another one, or replace it with --force."}
	case err != nil && !errors.As(err, &trouble):
		err = &httpapi.FileError{Code: "failed", Message: "No backup was made: " + err.Error() + "."}
	}
	return httpapi.Backup{File: path, Bytes: found.Bytes, Members: found.Members, Sessions: found.Sessions, To: found.Newest}, found.Chain, err
}

// Restored describes a restore that is done.
type Restored struct {
	Organization string `json:"organization"`
	// To is the newest time that the backup has on record.
	To      time.Time `json:"to"`
	Members int64     `json:"members"`
	// SessionsEnded counts the sessions that were alive in the backup, LinksWithdrawn its one-time
	// links.
	SessionsEnded  int64 `json:"sessionsEnded"`
	LinksWithdrawn int64 `json:"linksWithdrawn"`
	// GenerationBefore is the backup's.
	GenerationBefore uint64 `json:"generationBefore"`
	Generation       uint64 `json:"generation"`
	// Replaced reports whether there was a database. Unread says why its generation is unknown.
	Replaced bool   `json:"replaced"`
	Unread   string `json:"unread,omitempty"`
	// Entries counts the audit entries that fit into the chain. The last one records the restore.
	Entries   int64  `json:"entries"`
	AuditHash string `json:"auditHash"`
	// BrokenAt is the first entry of the backup's log that does not fit, or 0. BrokenWhy is the
	// reason.
	BrokenAt  int64  `json:"brokenAt,omitempty"`
	BrokenWhy string `json:"brokenWhy,omitempty"`
}

// BrokenChainError is returned for a backup whose audit log was changed.
type BrokenChainError struct{ Break audit.Break }

func (e *BrokenChainError) Error() string {
	return fmt.Sprintf("the backup's audit chain is broken at entry %d: %s", e.Break.Sequence, e.Break.Reason)
}

// Restore makes a backup the database of the data folder, on which no server may run. No session,
// no one-time link and no key from before is valid afterwards. Restore checks a copy of the backup
// before it changes anything, and never changes the backup. It replaces a database, or restores a
// backup with a broken audit chain, only if forced.
func Restore(ctx context.Context, cfg config.Config, backup string, force bool, log *slog.Logger) (done Restored, err error) {
	folder, err := OpenDataFolder(cfg.Data)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.restore(ctx, backup, force, log)
}

func (f *DataFolder) restore(ctx context.Context, backup string, force bool, log *slog.Logger) (done Restored, err error) {
	_, err = os.Lstat(f.database())
	exists := err == nil
	if exists && !force {
		return Restored{}, fmt.Errorf("there is a database in %s already; name an empty folder with --data, or replace it with --force", f.path)
	}
	ready := filepath.Join(f.restoring(), "curfew.db")
	defer func() { err = errors.Join(err, os.RemoveAll(f.restoring())) }()
	before, err := f.stageBackup(ctx, backup, ready, log)
	if err != nil {
		return Restored{}, ofBackup(backup, err)
	}
	var (
		replaced store.Marks
		unread   string
	)
	if exists {
		if replaced, err = store.ReadMarks(ctx, f.database(), log); err != nil {
			unread = err.Error()
		}
	}
	if done, err = invalidateSessions(ctx, ready, replaced, force, log); err != nil {
		return Restored{}, ofBackup(backup, err)
	}
	done.Replaced, done.Unread, done.GenerationBefore = exists, unread, before.Generation
	if _, err := os.Stat(ready + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return Restored{}, errors.Join(errors.New("not all of the restored database could be folded into its file"), err)
	}
	return done, f.commitRestore()
}

// stageBackup makes new secrets and copies the backup, with its write-ahead log if it is the copy
// of a whole data folder.
func (f *DataFolder) stageBackup(ctx context.Context, backup, ready string, log *slog.Logger) (store.Marks, error) {
	if err := os.Mkdir(f.restoring(), 0o700); err != nil {
		return store.Marks{}, err
	}
	if err := copyFile(backup, ready); err != nil {
		return store.Marks{}, err
	}
	if err := copyFile(backup+"-wal", ready+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return store.Marks{}, err
	}
	marks, kept, err := store.StageBackup(ctx, ready, log)
	if err != nil {
		return store.Marks{}, err
	}
	_, err = token.RenewSecrets(filepath.Join(f.restoring(), "keys.json"), kept, time.Now())
	return marks, err
}

// invalidateSessions checks the copy, brings its schema up to date and ends every session. The copy
// is on disk afterwards, in one file.
func invalidateSessions(ctx context.Context, path string, replaced store.Marks, force bool, log *slog.Logger) (done Restored, err error) {
	db, err := store.Open(ctx, path, log)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	found, err := db.Examine(ctx)
	if err != nil {
		return Restored{}, err
	}
	if found.Chain.Broken != nil {
		if !force {
			return Restored{}, &BrokenChainError{*found.Chain.Broken}
		}
		done.BrokenAt, done.BrokenWhy = found.Chain.Broken.Sequence, found.Chain.Broken.Reason
	}
	renewed, err := db.InvalidateSessions(ctx, replaced, found, audit.Event{At: time.Now(), Action: audit.Restored, Actor: audit.Operator, Target: "organization"})
	if err != nil {
		return Restored{}, err
	}
	done.Organization, done.To, done.Members = found.Organization, found.Newest, found.Members
	done.SessionsEnded, done.LinksWithdrawn, done.Generation = renewed.SessionsEnded, renewed.LinksWithdrawn, renewed.Generation
	done.Entries, done.AuditHash = renewed.Entry.Sequence, renewed.Entry.Hash.String()
	return done, nil
}

// ofBackup names the file that the operator named, and not the copy of it that was looked at.
func ofBackup(backup string, err error) error {
	var unusable *store.UnusableError
	if errors.As(err, &unusable) {
		unusable.Path = backup
	}
	return err
}

// copyFile makes a new file that only its owner can read.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it was only read
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	return errors.Join(err, copied.Close())
}
