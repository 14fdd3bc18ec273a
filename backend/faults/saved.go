package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"curfew/backend/faults/judge"
)

// savedFiles is what the scene is called, and what is broken when it finds something.
const savedFiles = "files outlive a power loss"

// save is the scene that shows that files survive a loss of power: the content is on disk before
// the file gets its name, and the name before any answer. It has the program make its keys, a
// backup and a restore under strace, and looks through its system calls.
func (s *stage) save(ctx context.Context, _ int) error {
	if _, err := exec.LookPath("strace"); err != nil {
		s.report.tell(savedFiles, "not played: there is no strace")
		return nil //nolint:nilerr // and the report says so
	}
	saved, found, err := s.saveOnce(ctx, s.curfew)
	if err != nil {
		return err
	}
	for _, violation := range found {
		s.report.blame(violation.Invariant, "%s", violation.What)
	}
	s.report.tell(savedFiles, "%d names given at a first start, by a backup and by a restore; %d of contents, names or steps that were late on disk", saved, len(found))
	return nil
}

func (s *stage) saveMutant(ctx context.Context, m *mutant) ([]judge.Violation, error) {
	_, found, err := s.saveOnce(ctx, s.mutant, m.environment())
	return found, err
}

func (s *stage) saveOnce(ctx context.Context, program string, environment ...string) (saved int, found []judge.Violation, err error) {
	c, err := s.begin(ctx, program, "")
	if err != nil {
		return 0, nil, err
	}
	// The tracer shows open files by their whole path, and names as the program gave them.
	if c.folder, err = filepath.Abs(c.folder); err != nil {
		return 0, nil, err
	}
	fresh, backup := c.folder+".fresh", c.folder+".backup"
	for _, step := range []struct {
		arguments, names []string
	}{
		{[]string{"serve", "--data", fresh, "--listen", c.address}, []string{"keys.json", "setup-token"}},
		{[]string{"backup", "--data", c.folder, backup}, []string{filepath.Base(backup)}},
		{[]string{"restore", "--data", fresh, "--force", backup}, []string{"keys.json", "restored", "keys.json", "curfew.db"}},
	} {
		calls := fmt.Sprint(c.folder, ".", step.arguments[0], ".calls")
		if err := c.traceCommand(ctx, calls, step.arguments, environment); err != nil {
			return 0, nil, fmt.Errorf("%s: %w", step.arguments[0], err)
		}
		named, violations, err := judgeSaves(calls)
		if err != nil {
			return 0, nil, err
		}
		if !slices.Equal(named, step.names) {
			return 0, nil, fmt.Errorf("%s gave the names %q, and should have given %q", step.arguments[0], named, step.names)
		}
		saved += len(named)
		found = append(found, violations...)
	}
	return saved, found, c.remove()
}

// traceCommand runs the program with these arguments until it ends. A server is killed once it
// answers, so that a write-ahead log is left next to the database that a restore replaces.
func (c *campaign) traceCommand(ctx context.Context, calls string, arguments, environment []string) error {
	said, err := os.Create(calls + ".log")
	if err != nil {
		return err
	}
	running := newServer(ctx, c.program, c.folder, c.address, said, environment...)
	running.command.Args = append(running.command.Args[:1], arguments...)
	underStrace(ctx, running, calls, "openat,write,pwrite64,copy_file_range,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat")
	if err := errors.Join(running.run(), said.Close()); err != nil {
		return err
	}
	if arguments[0] == "serve" {
		return errors.Join(running.awaitAnswer(ctx), running.kill())
	}
	<-running.exited
	if running.err != nil {
		return fmt.Errorf("%w: %s", running.err, running.lastWords())
	}
	return nil
}

// A call on a file has it as its first argument, or as its third if the file is copied into. A call
// on names has them in quotes.
var (
	callBegins = regexp.MustCompile(`^(\d+) +(\w+)\((.*)`)
	onFile     = regexp.MustCompile(`^\d+<([^>]*)>`)
	intoFile   = regexp.MustCompile(`^\d+<[^>]*>, \w+, \d+<([^>]*)>`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
)

// disk is what a loss of power would leave of what a program did.
type disk struct {
	// unsynced are files that were written to since they were synced.
	unsynced map[string]bool
	// By folder, what happened in it since its last sync: a file got its name, a file was made, or
	// one was removed. That a file was made matters once the folder itself gets a name. That one
	// was removed matters if it was the log of a database that another one replaces.
	renamed, created map[string]bool
	removed          map[string][]string
	syncing          map[string]string // by thread, what is within a sync that will cover all that was done before it began
	named            []string
	found            []judge.Violation
}

func (d *disk) blame(format string, args ...any) {
	d.found = append(d.found, judge.Violation{Invariant: savedFiles, What: fmt.Sprintf(format, args...)})
}

// judgeSaves reads the system calls in their order, and returns which names were given to files.
// None may be given to a file whose content is not on disk, nor while an earlier step in the same
// folder is not, because steps have to reach the disk in their order. No name may be left at the
// end.
func judgeSaves(path string) (named []string, found []judge.Violation, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	d := &disk{unsynced: map[string]bool{}, renamed: map[string]bool{}, created: map[string]bool{}, removed: map[string][]string{}, syncing: map[string]string{}}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if back := resumed.FindStringSubmatch(line); back != nil {
			if on, covered := d.syncing[back[1]]; covered && strings.HasSuffix(line, "= 0") {
				d.sync(on)
			}
			delete(d.syncing, back[1])
			continue
		}
		if call := callBegins.FindStringSubmatch(line); call != nil && !strings.Contains(line, " = -1 ") {
			d.take(call[1], call[2], call[3])
		}
	}
	for folder := range d.renamed {
		d.blame("names in %s were not on disk at the end", filepath.Base(folder))
	}
	return d.named, d.found, lines.Err()
}

func (d *disk) take(thread, name, arguments string) {
	at := onFile
	if name == "copy_file_range" {
		at = intoFile
	}
	var on string
	if file := at.FindStringSubmatch(arguments); file != nil {
		on = file[1]
	}
	var names []string
	for _, name := range quoted.FindAllStringSubmatch(arguments, -1) {
		names = append(names, name[1])
	}
	switch name {
	case "fsync", "fdatasync":
		if strings.Contains(arguments, "<unfinished") {
			d.syncing[thread] = on
		} else {
			d.sync(on)
		}
	case "write", "pwrite64", "copy_file_range", "ftruncate":
		d.unsynced[on] = true
		d.outdate(on)
	case "openat":
		if strings.Contains(arguments, "O_CREAT") {
			d.created[filepath.Dir(names[0])] = true
			d.outdate(filepath.Dir(names[0]))
		}
	case "unlink", "unlinkat":
		folder := filepath.Dir(names[0])
		delete(d.unsynced, names[0])
		d.removed[folder] = append(d.removed[folder], names[0])
		d.outdate(folder)
	default:
		d.name(names[0], names[1])
	}
}

func (d *disk) sync(on string) {
	delete(d.unsynced, on)
	delete(d.renamed, on)
	delete(d.created, on)
	delete(d.removed, on)
}

// outdate forgets a sync that has not ended and may not cover what was done just now.
func (d *disk) outdate(on string) {
	for thread, syncing := range d.syncing {
		if syncing == on {
			delete(d.syncing, thread)
		}
	}
}

// name gives a file, or a folder with all that is in it, another name.
func (d *disk) name(from, to string) {
	d.named = append(d.named, filepath.Base(to))
	for file := range d.unsynced {
		if file == from || strings.HasPrefix(file, from+"/") {
			d.blame("%s became %s before its content was on disk", filepath.Base(file), filepath.Base(to))
		}
	}
	if d.created[from] {
		d.blame("%s became %s before the names in it were on disk", filepath.Base(from), filepath.Base(to))
	}
	folder := filepath.Dir(to)
	if d.renamed[folder] {
		d.blame("%s got its name before an earlier step in its folder was on disk", filepath.Base(to))
	}
	if slices.Contains(d.removed[folder], to+"-wal") {
		d.blame("%s got its name before the log of its predecessor was gone for good", filepath.Base(to))
	}
	d.renamed[folder] = true
	d.outdate(folder)
}
