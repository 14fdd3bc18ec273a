package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// DataFolder is the folder that holds everything that one deployment keeps, locked for this process.
type DataFolder struct {
	path string
	lock *flock.Flock
}

var errInUse = errors.New("is in use by another curfew")

// OpenDataFolder makes the folder if it is missing and locks it. Two servers on one folder would each believe its own memory,
// so the second one is refused.
func OpenDataFolder(path string) (*DataFolder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; make it writable for the user that runs Curfew, or name another with --data", err)
	}
	folder := &DataFolder{path: path, lock: flock.New(filepath.Join(path, "curfew.lock"), flock.SetPermissions(0o600))}
	locked, err := folder.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder: %w; make it writable for the user that runs Curfew, or name another with --data", err)
	}
	if !locked {
		return nil, fmt.Errorf("data folder %s %w; stop that one first, or name another folder with --data", path, errInUse)
	}
	return folder, nil
}

// Close gives the folder free.
func (f *DataFolder) Close() error { return f.lock.Close() }

func (f *DataFolder) database() string   { return databaseIn(f.path) }
func (f *DataFolder) socket() string     { return socketIn(f.path) }
func (f *DataFolder) secrets() string    { return filepath.Join(f.path, "keys.json") }
func (f *DataFolder) setupToken() string { return filepath.Join(f.path, "setup-token") }

func databaseIn(folder string) string { return filepath.Join(folder, "curfew.db") }
func socketIn(folder string) string   { return filepath.Join(folder, "curfew.sock") }

// ensureSetupToken returns the one-time token that the first owner has to know. It stays the same over restarts, until it is used.
func (f *DataFolder) ensureSetupToken() (string, error) {
	kept, err := os.ReadFile(f.setupToken())
	if err == nil && strings.TrimSpace(string(kept)) != "" {
		return strings.TrimSpace(string(kept)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the set-up token: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(f.setupToken(), []byte(token+"\n"), 0o600); err != nil {
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
