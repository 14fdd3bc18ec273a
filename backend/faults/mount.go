package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountMemory mounts a file system of its own that holds no more than the size, as "4m". It takes a superuser.
func mountMemory(folder, size string) (unmount func() error, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		return nil, fmt.Errorf("mount a small file system at %s: %w", folder, err)
	}
	return func() error { return unix.Unmount(folder, unix.MNT_DETACH) }, nil
}
