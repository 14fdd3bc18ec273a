package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"curfew/backend/durable"
)

// DataFolder is the data folder of a deployment, locked for this process.
type DataFolder struct {
	path string
	// lock is held on a file, as earlier versions do, and own on the folder itself, which cannot be
	// removed while in use.
	lock, own *flock.Flock
	// stepped is called after each step of a restore that changes the folder. It is nil outside of
	// tests.
	stepped func()
}

var errInUse = errors.New("is in use by another curfew")

// OpenDataFolder creates the folder if needed and locks it. It returns an error if another process
// uses the folder, because two servers would each trust their own memory. It finishes a committed
// restore that was interrupted.
func OpenDataFolder(path string) (*DataFolder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; make it writable for the user that runs Curfew, or name another with --data", err)
	}
	if errors.Is(syscall.Access(path, 0o2), syscall.EROFS) {
		return nil, fmt.Errorf("data folder %s is on a file system that is mounted read-only; mount it to be written, or name another with --data", path)
	}
	folder := &DataFolder{
		path: path,
		lock: flock.New(filepath.Join(path, "curfew.lock"), flock.SetPermissions(0o600)),
		own:  flock.New(path, flock.SetFlag(os.O_RDONLY)), // with O_CREATE, the default, a folder cannot be opened
	}
	locked, err := folder.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder: %w; make it writable for the user that runs Curfew, or name another with --data", err)
	}
	if locked {
		// Some network file systems cannot lock a folder. SQLite does not work there either, so
		// only this second lock is missing.
		own, err := folder.own.TryLock()
		locked = own || err != nil
	}
	if !locked {
		_ = folder.Close() // it is the first error that counts
		return nil, fmt.Errorf("data folder %s %w; stop that one first, or name another folder with --data", path, errInUse)
	}
	if err := folder.finishRestore(); err != nil {
		return nil, errors.Join(fmt.Errorf("finish the restore: %w", err), folder.Close())
	}
	folder.makePrivate()
	return folder, nil
}

// Close unlocks the folder.
func (f *DataFolder) Close() error { return errors.Join(f.own.Close(), f.lock.Close()) }

// makePrivate removes the rights of other users from the database and the set-up token, which a
// copied file may have. It ignores errors, as for files of another user. The secrets are not
// included: with rights for others they are refused.
func (f *DataFolder) makePrivate() {
	for _, path := range []string{f.database(), f.database() + "-wal", f.database() + "-shm", f.setupToken()} {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			_ = os.Chmod(path, 0o600)
		}
	}
}

// writableBy returns who can write the folder next to its owner: "group", "everyone" or "" for no
// one. Such a folder is served, because container platforms mount them, but its files can be
// replaced.
func (f *DataFolder) writableBy() string {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return "" // other calls will return the error
	case info.Mode().Perm()&0o002 != 0:
		return "everyone"
	case info.Mode().Perm()&0o020 != 0:
		return "group"
	}
	return ""
}

func (f *DataFolder) database() string   { return databaseIn(f.path) }
func (f *DataFolder) socket() string     { return socketIn(f.path) }
func (f *DataFolder) secrets() string    { return secretsIn(f.path) }
func (f *DataFolder) setupToken() string { return filepath.Join(f.path, "setup-token") }

// restoring is the folder in which a restore is staged, and restored its name once it is committed.
func (f *DataFolder) restoring() string { return filepath.Join(f.path, "restoring") }
func (f *DataFolder) restored() string  { return restoredIn(f.path) }

func databaseIn(folder string) string { return filepath.Join(folder, "curfew.db") }
func secretsIn(folder string) string  { return filepath.Join(folder, "keys.json") }
func restoredIn(folder string) string { return filepath.Join(folder, "restored") }
func socketIn(folder string) string   { return filepath.Join(folder, "curfew.sock") }

// commitRestore commits the staged files by renaming their folder. If the process stops before
// that, the old state stays. If it stops later, the next OpenDataFolder finishes the restore.
func (f *DataFolder) commitRestore() error {
	if err := durable.SyncFolder(f.restoring()); err != nil {
		return err
	}
	if err := os.Rename(f.restoring(), f.restored()); err != nil {
		return err
	}
	if err := f.synced(); err != nil {
		return err
	}
	return f.finishRestore()
}

// finishRestore moves committed files to their places. Each step can be repeated. The database is
// moved last: the write-ahead log of the old one would damage it, and it must not be used with the
// old keys.
func (f *DataFolder) finishRestore() error {
	if err := os.RemoveAll(f.restoring()); err != nil {
		return err
	}
	if _, err := os.Stat(f.restored()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, step := range []func() error{
		func() error { return os.Remove(f.database() + "-wal") },
		func() error { return os.Remove(f.database() + "-shm") },
		func() error { return os.Rename(secretsIn(f.restored()), f.secrets()) },
		func() error { return os.Rename(databaseIn(f.restored()), f.database()) },
		func() error { return os.RemoveAll(f.restored()) },
	} {
		if err := step(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := f.synced(); err != nil {
			return err
		}
	}
	return nil
}

// synced puts the names in the folder on disk, so that the steps reach the disk in their order.
func (f *DataFolder) synced() error {
	err := durable.SyncFolder(f.path)
	if f.stepped != nil {
		f.stepped()
	}
	return err
}

// holds reports whether a file with that path would be in the folder itself, where it could replace
// one of the deployment's.
func (f *DataFolder) holds(path string) bool {
	own, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	its, err := os.Stat(filepath.Dir(path))
	return err == nil && os.SameFile(own, its)
}

// ensureSetupToken returns the one-time token for setting up the organization. It stays the same
// until it is used.
func (f *DataFolder) ensureSetupToken() (string, error) {
	kept, err := os.ReadFile(f.setupToken())
	if err == nil && strings.TrimSpace(string(kept)) != "" {
		return strings.TrimSpace(string(kept)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the set-up token: %w", err)
	}
	token := rand.Text()
	if err := durable.WriteFile(f.setupToken(), []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("store the set-up token: %w", err)
	}
	return token, nil
}

// forgetSetupToken removes the token once the organization is set up.
func (f *DataFolder) forgetSetupToken() error {
	if err := os.Remove(f.setupToken()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
