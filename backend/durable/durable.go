// Package durable writes files that have to outlive a loss of power: with their content on disk, and their name as well.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile makes a file that only its owner can read, in the place of any other of that name. It is there whole or not at all, also when the
// machine stops half-way, and stays once WriteFile has returned without an error.
func WriteFile(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // which may have its name by now
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

// SyncFolder puts the names in a folder on disk. A file that is there can still be lost with its name.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
