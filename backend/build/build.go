// Package build tells what the program was built from.
package build

import (
	"fmt"
	"regexp"
	"runtime/debug"
)

// The Makefile sets these by -ldflags, from git.
var version, commit, date string

const unknown = "unknown"

// Info describes a build. A part that is not known is "unknown".
type Info struct {
	// Version is the tag that was built or, where there is none, the commit with the last tag before it.
	Version string
	// Commit is the whole hash, and Date the time of the commit in UTC.
	Commit, Date string
	// Go is the version of Go.
	Go string
}

// pseudo is the end of a version that Go makes up for a commit without a tag (https://go.dev/ref/mod#pseudo-versions).
var pseudo = regexp.MustCompile(`[.-][0-9]{14}-[0-9a-f]{12}(\+.*)?$`)

// Read returns what the Makefile noted or, in a program that go build made without it, what that did.
func Read() Info {
	info := Info{Version: version, Commit: commit, Date: date, Go: unknown}
	if noted, ok := debug.ReadBuildInfo(); ok {
		info.Go = noted.GoVersion
		if commit == "" {
			info.note(noted)
		}
	}
	for _, part := range []*string{&info.Version, &info.Commit, &info.Date} {
		if *part == "" {
			*part = unknown
		}
	}
	return info
}

func (i *Info) note(noted *debug.BuildInfo) {
	changed := ""
	for _, setting := range noted.Settings {
		switch setting.Key {
		case "vcs.revision":
			i.Commit = setting.Value
		case "vcs.time":
			i.Date = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = "-dirty"
			}
		}
	}
	if i.Version != "" || i.Commit == "" {
		return
	}
	i.Version = i.Commit[:min(12, len(i.Commit))] + changed
	if tag := noted.Main.Version; tag != "" && tag != "(devel)" && !pseudo.MatchString(tag) {
		i.Version = tag
	}
}

// String returns it in one line, as the command line prints it.
func (i Info) String() string {
	if i.Commit == unknown {
		i.Commit += " (built without git)"
	}
	return fmt.Sprintf("curfew %s, commit %s, date %s, %s", i.Version, i.Commit, i.Date, i.Go)
}
