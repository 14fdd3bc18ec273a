// Package durable writes files that survive a loss of power: their content and their name are on
// disk.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile writes a file that only its owner can read, and replaces one that exists. If the
// machine stops half-way, the old file or the new one is there, whole. Once WriteFile has returned
// without an error, the new one stays.
func WriteFile(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // it may be renamed by now
		}
	}()
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder puts the names in a folder on disk. Without it, a synced file can still lose its name.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
