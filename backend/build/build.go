// Package build returns what the program was built from.
package build

import (
	"fmt"
	"regexp"
	"runtime/debug"
)

// The Makefile sets these from git, with -ldflags.
var version, commit, date string

const unknown = "unknown"

// Info describes a build. A part is "unknown" if it is not known.
type Info struct {
	// Version is the tag or, without one, the commit with the last tag before it.
	Version string
	// Commit is the full hash, and Date the time of the commit in UTC.
	Commit, Date string
	// Go is the version of Go.
	Go string
}

// pseudo matches the end of a version that Go generates for a commit without a tag
// (https://go.dev/ref/mod#pseudo-versions).
var pseudo = regexp.MustCompile(`[.-][0-9]{14}-[0-9a-f]{12}(\+.*)?$`)

// Read returns what the Makefile set or, in a build without it, what go build recorded.
func Read() Info {
	info := Info{Version: version, Commit: commit, Date: date, Go: unknown}
	if recorded, ok := debug.ReadBuildInfo(); ok {
		info.Go = recorded.GoVersion
		if commit == "" {
			info.read(recorded)
		}
	}
	for _, part := range []*string{&info.Version, &info.Commit, &info.Date} {
		if *part == "" {
			*part = unknown
		}
	}
	return info
}

func (i *Info) read(recorded *debug.BuildInfo) {
	changed := ""
	for _, setting := range recorded.Settings {
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
	if tag := recorded.Main.Version; tag != "" && tag != "(devel)" && !pseudo.MatchString(tag) {
		i.Version = tag
	}
}

// String returns the build in one line, as the command line prints it.
func (i Info) String() string {
	if i.Commit == unknown {
		i.Commit += " (built without git)"
	}
	return fmt.Sprintf("curfew %s, commit %s, date %s, %s", i.Version, i.Commit, i.Date, i.Go)
}
