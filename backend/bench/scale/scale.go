// Package scale measures how what Curfew does grows with the number of live sessions: from the product's own services, in this process, on the
// real store and a real file system; and the start-up from the program itself.
//
// All sizes take turns within a round, and the smallest durable commit with them, because a machine is never as fast as it was a minute ago.
// What counts is the ratios within a round.
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

	"curfew/backend/bench/population"
)

// Options say what to measure, and on what.
type Options struct {
	// Sizes are the numbers of live sessions.
	Sizes []int
	// Rounds is how often all of it is measured.
	Rounds int
	// Program is the path of the curfew to start.
	Program string
	// Folder is where databases of all sizes are kept meanwhile: a million sessions take most of a gigabyte. It has to be on a disk.
	Folder string
	// Progress is told what happens, in words.
	Progress func(string)
}

// membersOf is how many members have that many sessions: five each.
func membersOf(sessions int) int { return (sessions + 4) / 5 }

// Run measures everything. It takes a few minutes for a million sessions, and as much memory as a server for all sizes together.
func Run(ctx context.Context, o Options) (result Result, err error) {
	if len(o.Sizes) == 0 || o.Rounds < 1 {
		return Result{}, errors.New("name the numbers of sessions and of rounds")
	}
	sizes := slices.Clone(o.Sizes)
	slices.Sort(sizes)
	// A durable commit is none in memory.
	fileSystem, err := fileSystemOf(ctx, o.Folder)
	if err != nil {
		return Result{}, fmt.Errorf("look at the file system of %s: %w", o.Folder, err)
	}
	if fileSystem == "tmpfs" || fileSystem == "ramfs" {
		return Result{}, fmt.Errorf("%s is in memory, where nothing is durable; name a folder on a disk", o.Folder)
	}
	folder, err := os.MkdirTemp(o.Folder, "scale-")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	run := &run{Options: o, sizes: sizes, folder: folder, measured: measurements{}}
	for _, step := range []func(context.Context) error{run.populate, run.startUps, run.backups, run.operations, run.memory, run.sweep} {
		if err := step(ctx); err != nil {
			return Result{}, err
		}
	}
	return run.measured.result(sizes, o.Rounds, fileSystem), nil
}

// run is one run of everything.
type run struct {
	Options
	sizes    []int
	folder   string
	measured measurements
}

func (r *run) folderOf(size int) string { return filepath.Join(r.folder, fmt.Sprint(size)) }

// populate makes the databases, and weighs them.
func (r *run) populate(ctx context.Context) error {
	for _, size := range append([]int{0}, r.sizes...) {
		began := time.Now()
		if err := population.Create(ctx, r.folderOf(size), size, membersOf(size)); err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("%d sessions made up in %s", size, time.Since(began).Round(100*time.Millisecond)))
	}
	empty, err := os.Stat(population.Database(r.folderOf(0)))
	if err != nil {
		return err
	}
	for _, size := range r.sizes {
		file, err := os.Stat(population.Database(r.folderOf(size)))
		if err != nil {
			return err
		}
		r.measured.add(0, fileSize, size, float64(file.Size()-empty.Size())/float64(size))
	}
	return nil
}

// startUps starts the program on each of the databases.
func (r *run) startUps(ctx context.Context) error {
	for round := range r.Rounds {
		for _, size := range r.sizes {
			answer, list, err := startUp(ctx, r.Program, r.folderOf(size), size)
			if err != nil {
				return fmt.Errorf("start with %d sessions: %w", size, err)
			}
			r.measured.addTime(round, programStart, size, answer)
			r.measured.addTime(round, firstList, size, list)
		}
		r.Progress(fmt.Sprintf("start-ups: round %d of %d", round+1, r.Rounds))
	}
	return nil
}

// operations measures everything that a server in this process does, all sizes in turns.
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
	for _, size := range r.sizes {
		s, err := openSubject(ctx, r.folderOf(size), size)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	for round := range r.Rounds {
		if err := r.turns(ctx, round, revocation, floor, subjects); err != nil {
			return err
		}
		for _, s := range subjects {
			if err := s.load(ctx); err != nil {
				return err
			}
			for _, took := range s.reads {
				r.measured.addTime(round, load, s.size, took)
			}
			s.reads = nil
		}
		for _, op := range operations {
			if err := r.turns(ctx, round, op, floor, subjects); err != nil {
				return err
			}
		}
		r.Progress(fmt.Sprintf("operations: round %d of %d", round+1, r.Rounds))
	}
	return nil
}

// turns measures one operation in one round.
func (r *run) turns(ctx context.Context, round int, op operation, floor *floor, subjects []*subject) error {
	// What is dear at a size is measured less often there.
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
			r.measured.addTime(round, bareCommit, 0, commit)
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

// memory weighs all sessions of each size in memory, after each of them was admitted once.
func (r *run) memory(ctx context.Context) error {
	empty, err := heapOf(ctx, r.folderOf(0), 0)
	if err != nil {
		return err
	}
	for _, size := range r.sizes {
		full, err := heapOf(ctx, r.folderOf(size), size)
		if err != nil {
			return err
		}
		r.measured.add(0, heapSize, size, (full-empty)/float64(size))
		r.Progress(fmt.Sprintf("memory of %d sessions weighed", size))
	}
	return nil
}

// sweepBatches is how many batches of a sweep are measured at most. A batch takes as long wherever it is.
const sweepBatches = 100

// sweep lets the rows be swept of sessions that were revoked all at once, and of sessions whose time ran out all at once.
func (r *run) sweep(ctx context.Context) error {
	for _, size := range r.sizes {
		s, err := openSubject(ctx, r.folderOf(size), size)
		if err != nil {
			return err
		}
		for name, end := range map[string]func(context.Context) error{sweepRevoked: s.revokeEverybody, sweepExpired: s.expireHalf} {
			batches, err := s.sweep(ctx, func() error { return end(ctx) }, sweepBatches)
			if err != nil {
				return errors.Join(fmt.Errorf("%s, after %d sessions: %w", name, size, err), s.close())
			}
			for _, took := range batches {
				r.measured.addTime(0, name, size, took)
			}
		}
		if err := s.close(); err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("swept after %d sessions", size))
	}
	return nil
}

// fileSystemOf names the kind of file system that a folder is on, as "ext4".
func fileSystemOf(ctx context.Context, folder string) (string, error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	mounts, err := disk.PartitionsWithContext(ctx, true)
	if err != nil {
		return "", err
	}
	holds := func(mount disk.PartitionStat) bool {
		return strings.HasPrefix(path+"/", strings.TrimSuffix(mount.Mountpoint, "/")+"/")
	}
	mounts = slices.DeleteFunc(mounts, func(mount disk.PartitionStat) bool { return !holds(mount) })
	if len(mounts) == 0 {
		return "", errors.New("no mount holds it")
	}
	return slices.MaxFunc(mounts, func(a, b disk.PartitionStat) int {
		return cmp.Compare(len(a.Mountpoint), len(b.Mountpoint))
	}).Fstype, nil
}
