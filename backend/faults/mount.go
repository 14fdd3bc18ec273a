package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errMayNotMount is given where only a superuser could go on.
var errMayNotMount = errors.New("this user may not mount file systems")

// mountMemory mounts a file system of its own that holds no more than the size, as "4m". It takes a
// superuser, and is errMayNotMount for others.
func mountMemory(folder, size string) (unmount func() error, err error) {
	if err = os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	err = unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+size+",mode=0700")
	if errors.Is(err, unix.EPERM) {
		return nil, errMayNotMount
	}
	if err != nil {
		return nil, fmt.Errorf("mount a small file system at %s: %w", folder, err)
	}
	return func() error { return unix.Unmount(folder, unix.MNT_DETACH) }, nil
}
