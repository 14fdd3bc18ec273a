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

// DataFolder is the folder that holds everything that one deployment keeps, locked for this
// process.
type DataFolder struct {
	path string
	// lock is held on a file, which the programs of before know alone, and own on the folder, which
	// cannot be removed in use.
	lock, own *flock.Flock
	// stepped is called after every step of a restore that changes the folder, for tests; nil
	// otherwise.
	stepped func()
}

var errInUse = errors.New("is in use by another curfew")

// OpenDataFolder makes the folder if it is missing and locks it. Two servers on one folder would
// each believe its own memory, so the second one is refused. A restore that was cut short after it
// was decided is brought to its end.
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
		// Network file systems cannot lock a folder. SQLite does not work there either, so all that
		// is lost is this second lock.
		own, err := folder.own.TryLock()
		locked = own || err != nil
	}
	if !locked {
		_ = folder.Close() // it was never used
		return nil, fmt.Errorf("data folder %s %w; stop that one first, or name another folder with --data", path, errInUse)
	}
	if err := folder.finishRestore(); err != nil {
		return nil, errors.Join(fmt.Errorf("bring the restore to its end: %w", err), folder.Close())
	}
	folder.makePrivate()
	return folder, nil
}

// Close gives the folder free.
func (f *DataFolder) Close() error { return errors.Join(f.own.Close(), f.lock.Close()) }

// makePrivate takes the rights of others from the files that hold what people entrusted to us, as
// one that was copied here may have. Where the files are another user's, that is theirs to do. The
// secrets are not among them: with rights for others they are refused.
func (f *DataFolder) makePrivate() {
	for _, path := range []string{f.database(), f.database() + "-wal", f.database() + "-shm", f.setupToken()} {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			_ = os.Chmod(path, 0o600)
		}
	}
}

// writableBy reports who else than its owner can write the folder: "group", "everyone", or "" for
// no other. Such a folder is served, because container platforms mount them, but its files can be
// replaced.
func (f *DataFolder) writableBy() string {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return "" // whatever it is, others will say so
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

// restoring is where what is to take the place of the state there is is made ready, and restored is
// where that lies once it is decided.
func (f *DataFolder) restoring() string { return filepath.Join(f.path, "restoring") }
func (f *DataFolder) restored() string  { return restoredIn(f.path) }

func databaseIn(folder string) string { return filepath.Join(folder, "curfew.db") }
func secretsIn(folder string) string  { return filepath.Join(folder, "keys.json") }
func restoredIn(folder string) string { return filepath.Join(folder, "restored") }
func socketIn(folder string) string   { return filepath.Join(folder, "curfew.sock") }

// commitRestore makes what was made ready the state that counts. The renaming of the folder is the
// moment: whatever stops the process before it leaves the old state, and whatever does afterwards
// leaves the new one, which is settled at the next opening of the data folder.
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

// finishRestore puts restored files in their places. Each of its steps can be done again. The
// database takes its place last of all: over the write-ahead log of the old one it would be ruined,
// and beside the old keys it would be a mix of both.
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

// synced puts the names in the folder on disk, so that steps reach it in their order.
func (f *DataFolder) synced() error {
	err := durable.SyncFolder(f.path)
	if f.stepped != nil {
		f.stepped()
	}
	return err
}

// holds tells that a file of that path would lie in the folder itself, where it could take the
// place of one of the deployment's own.
func (f *DataFolder) holds(path string) bool {
	own, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	its, err := os.Stat(filepath.Dir(path))
	return err == nil && os.SameFile(own, its)
}

// ensureSetupToken returns the one-time token that the first owner has to know. It stays the same
// over restarts, until it is used.
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
		return "", fmt.Errorf("keep the set-up token: %w", err)
	}
	return token, nil
}

// forgetSetupToken removes the token once it is of no more use.
func (f *DataFolder) forgetSetupToken() error {
	if err := os.Remove(f.setupToken()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
