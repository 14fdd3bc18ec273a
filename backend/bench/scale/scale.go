// Package scale measures how costs grow with the number of live sessions. It calls the product's
// own services in this process, on the real store and a real file system; only the start is that of
// the program itself.
//
// All sizes take turns within a round, and each sample follows a bare durable commit, because no
// machine is as fast as it was a minute ago.
package scale

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"curfew/backend/bench/figure"
	"curfew/backend/bench/population"
)

// Options say what to measure, and on what.
type Options struct {
	// Sizes are the numbers of live sessions.
	Sizes []int
	// Rounds is how often everything is measured.
	Rounds int
	// Curfew is the path of the program to start.
	Curfew string
	// Folder holds the databases during the run. It has to be on a disk.
	Folder string
	// Progress is called with what happens, in words.
	Progress func(string)
}

// Disk returns an upper bound of the bytes that a run needs: 0.6 kB a session in the file, the rest
// for what is written during the run.
func (o Options) Disk() uint64 { return 1<<30 + uint64(o.sessions())*900 }

// Time returns how long a run may take.
func (o Options) Time() time.Duration {
	return 5*time.Minute + time.Duration(o.sessions())*140*time.Microsecond
}

func (o Options) sessions() (all int) {
	for _, size := range o.Sizes {
		all += size
	}
	return all
}

// membersOf returns how many members have that many sessions: five each.
func membersOf(sessions int) int { return (sessions + 4) / 5 }

// run is one run of everything.
type run struct {
	Options
	folder   string
	measured measurements
}

// Run measures everything within [Options.Time] and [Options.Disk]. With an error it returns what
// was measured until then.
func Run(ctx context.Context, o Options) (_ figure.Section, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Time(), errors.New("it takes longer than it may"))
	defer cancel()
	slices.Sort(o.Sizes)
	if err := roomFor(ctx, o); err != nil {
		return figure.Section{}, err
	}
	folder, err := os.MkdirTemp(o.Folder, "scale-")
	if err != nil {
		return figure.Section{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r := &run{Options: o, folder: folder, measured: measurements{}}
	for _, step := range []func(context.Context) error{r.populate, r.starts, r.operations, r.memory} {
		if err = step(ctx); err != nil {
			err = errors.Join(err, context.Cause(ctx))
			break
		}
	}
	return r.measured.section(o.Sizes, o.Rounds), err
}

// roomFor returns an error for a file system in memory, where no commit is durable, and for one
// without room.
func roomFor(ctx context.Context, o Options) error {
	fileSystem, err := fileSystemOf(ctx, o.Folder)
	if err != nil {
		return fmt.Errorf("find the file system of %s: %w", o.Folder, err)
	}
	if fileSystem == "tmpfs" || fileSystem == "ramfs" {
		return fmt.Errorf("%s is in memory, where no commit is durable; name a folder on a disk", o.Folder)
	}
	usage, err := disk.UsageWithContext(ctx, o.Folder)
	if err == nil && usage.Free < o.Disk() {
		err = fmt.Errorf("%s has %d GB free, and the run needs %d", o.Folder, usage.Free>>30, o.Disk()>>30)
	}
	return err
}

// fileSystemOf returns the kind of file system that a folder is on, such as "ext4".
func fileSystemOf(ctx context.Context, folder string) (string, error) {
	path, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	mounts, err := disk.PartitionsWithContext(ctx, true)
	if err != nil {
		return "", err
	}
	mounts = slices.DeleteFunc(mounts, func(mount disk.PartitionStat) bool {
		return !strings.HasPrefix(path+"/", strings.TrimSuffix(mount.Mountpoint, "/")+"/")
	})
	if len(mounts) == 0 {
		return "", errors.New("no mount holds it")
	}
	return slices.MaxFunc(mounts, func(a, b disk.PartitionStat) int {
		return cmp.Compare(len(a.Mountpoint), len(b.Mountpoint))
	}).Fstype, nil
}

func (r *run) folderOf(size int) string { return filepath.Join(r.folder, fmt.Sprint(size)) }

// populate makes a data folder for each size, and an empty one.
func (r *run) populate(ctx context.Context) error {
	for _, size := range append([]int{0}, r.Sizes...) {
		took, err := timed(func() error {
			return population.Create(ctx, r.Curfew, r.folderOf(size), size, membersOf(size))
		})
		if err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("%d sessions created in %s", size, took.Round(100*time.Millisecond)))
	}
	return nil
}

// starts starts the program on each data folder.
func (r *run) starts(ctx context.Context) error {
	for round := range r.Rounds {
		for _, size := range r.Sizes {
			took, err := startUp(ctx, r.Curfew, r.folderOf(size), size)
			if err != nil {
				return fmt.Errorf("start with %d sessions: %w", size, err)
			}
			r.measured.addTime(round, Start, size, took)
		}
		r.Progress(fmt.Sprintf("starts: round %d of %d", round+1, r.Rounds))
	}
	return nil
}

// operations measures what a server does, in this process.
func (r *run) operations(ctx context.Context) (err error) {
	floor, err := openFloor(ctx, filepath.Join(r.folder, "floor.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.Close()) }()
	var subjects []*subject
	defer func() {
		for _, s := range subjects {
			err = errors.Join(err, s.close())
		}
	}()
	for _, size := range r.Sizes {
		s, err := openSubject(ctx, r.folderOf(size), size)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	for round := range r.Rounds {
		if err := r.round(ctx, round, floor, subjects); err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("operations: round %d of %d", round+1, r.Rounds))
	}
	return nil
}

// round measures everything once. Revoking all comes first, because it leaves no sessions for the
// others.
func (r *run) round(ctx context.Context, round int, floor *floor, subjects []*subject) error {
	if err := r.turns(ctx, round, revocation, floor, subjects); err != nil {
		return err
	}
	for _, s := range subjects {
		if err := s.load(ctx); err != nil {
			return err
		}
		if err := r.checks(ctx, round, s); err != nil {
			return fmt.Errorf("check with %d sessions: %w", s.size, err)
		}
		if err := r.duringPreviews(ctx, round, s); err != nil {
			return fmt.Errorf("sign in during a preview of %d sessions: %w", s.size, err)
		}
	}
	for _, op := range operations {
		if err := r.turns(ctx, round, op, floor, subjects); err != nil {
			return err
		}
	}
	return nil
}

// turns measures one operation in one round. What takes long at a size is measured less often
// there.
func (r *run) turns(ctx context.Context, round int, op operation, floor *floor, subjects []*subject) error {
	const budget = 2 * time.Second
	spent := map[int]time.Duration{}
	for sample := range op.samples {
		for _, s := range subjects {
			if sample >= op.least && spent[s.size] > budget {
				continue
			}
			began := time.Now()
			commit, took, err := sampleOf(ctx, op, floor, s)
			if err != nil {
				return fmt.Errorf("%s with %d sessions: %w", op.name, s.size, err)
			}
			spent[s.size] += time.Since(began)
			r.measured.addTime(round, bareCommit, s.size, commit)
			r.measured.addTime(round, commitBefore(op.name), s.size, commit)
			r.measured.addTime(round, op.name, s.size, took)
		}
	}
	return nil
}

// sampleOf measures an operation once, right after a bare commit.
func sampleOf(ctx context.Context, op operation, floor *floor, s *subject) (commit, took time.Duration, err error) {
	measured, err := op.prepare(ctx, s)
	if err != nil {
		return 0, 0, err
	}
	if commit, err = floor.commit(ctx); err != nil {
		return 0, 0, err
	}
	took, err = timed(measured)
	return commit, took, err
}

// memory measures the heap of all sessions of each size, after each of them was admitted once.
func (r *run) memory(ctx context.Context) error {
	empty, err := heapOf(ctx, r.folderOf(0), 0)
	if err != nil {
		return err
	}
	for _, size := range r.Sizes {
		full, err := heapOf(ctx, r.folderOf(size), size)
		if err != nil {
			return err
		}
		r.measured.add(0, Memory, size, (full-empty)/float64(size))
	}
	r.Progress("memory measured")
	return nil
}

func timed(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}
