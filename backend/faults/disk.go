package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"curfew/backend/faults/judge"
)

// smallDisk is large enough for one campaign, and small enough to be full at once.
const smallDisk = "48m"

// fills fills the disk that many times under load, each for a moment, and then limits the size of a
// file.
func (s *stage) fills(ctx context.Context, n int) error {
	for played := 0; played < n && !s.late(); played += atOnce {
		err := s.fillsOnce(ctx, s.curfew, smallDisk, "full disk", (*campaign).ballast)
		if errors.Is(err, errMayNotMount) {
			s.report.untried("full disk", "%s; the limit of a file's size stands in for it", err)
			err = nil
		}
		if err := errors.Join(err, s.fillsOnce(ctx, s.curfew, "", "limit of a file's size reached", (*campaign).limit)); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how often one disk is filled before what is left is judged.
const atOnce = 10

func (s *stage) fillsOnce(ctx context.Context, program, size, fault string, full filler) error {
	c, err := s.begin(ctx, program, size)
	if err != nil {
		return err
	}
	if err := c.judged(ctx, fault, c.filled(ctx, atOnce, full)); err != nil {
		return err
	}
	for range atOnce {
		s.report.count(fault)
	}
	return nil
}

// filler lets nothing more be written until there is room again.
type filler func(*campaign, *server) (room func() error, err error)

// filled lives while the disk is full from time to time. Once there is room again, the server has
// to write as before.
func (c *campaign) filled(ctx context.Context, times int, full filler, environment ...string) error {
	return c.live(ctx, func(s *server) error {
		for range times {
			rest(ctx, 250*time.Millisecond)
			room, err := full(c, s)
			if err != nil {
				return err
			}
			rest(ctx, 200*time.Millisecond+time.Duration(rand.Int64N(int64(300*time.Millisecond))))
			if err := errors.Join(room(), c.writesAgain(ctx)); err != nil {
				return err
			}
		}
		return s.kill()
	}, environment...)
}

// ballast fills the campaign's own disk.
func (c *campaign) ballast(*server) (room func() error, err error) {
	path := filepath.Join(filepath.Dir(c.folder), "ballast")
	return func() error { return os.Remove(path) }, fill(path)
}

// limit lets the server make no file any larger.
func (c *campaign) limit(s *server) (room func() error, err error) {
	var before unix.Rlimit
	if err := unix.Prlimit(s.command.Process.Pid, unix.RLIMIT_FSIZE, nil, &before); err != nil {
		return nil, err
	}
	return func() error { return unix.Prlimit(s.command.Process.Pid, unix.RLIMIT_FSIZE, &before, nil) },
		unix.Prlimit(s.command.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: page, Max: before.Max}, nil)
}

// fill writes until nothing more fits.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	for _, size := range []int{1 << 20, 4096, 1} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = file.Write(block)
		}
		if !errors.Is(err, unix.ENOSPC) {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

// writesAgain waits until something was written: a sign-in, which is always possible.
func (c *campaign) writesAgain(ctx context.Context) error {
	var err error
	for range 100 {
		if err = c.crowd.signIn(ctx, c.crowd.deployment.accounts[0]); err == nil {
			return nil
		}
		rest(ctx, 50*time.Millisecond)
	}
	return fmt.Errorf("the fault has ended, and no sign-in works: %w", err)
}

func (s *stage) fillMutant(ctx context.Context, m *mutant) ([]judge.Violation, error) {
	c, err := s.begin(ctx, s.mutant, smallDisk)
	if err != nil {
		return nil, err
	}
	c.crowd.eager = m.eager
	err = c.filled(ctx, 4, (*campaign).ballast, m.environment())
	f, ended := c.end(ctx)
	return f.violations, errors.Join(err, ended)
}

// readOnly lets the file system be read-only at the start: the server refuses with one clear line,
// and starts once it can write.
func (s *stage) readOnly(ctx context.Context, n int) error {
	c, err := s.begin(ctx, s.curfew, smallDisk)
	if errors.Is(err, errMayNotMount) {
		s.report.untried("read-only file system", "%s", err)
		return nil
	}
	if err != nil {
		return err
	}
	disk, busy := filepath.Dir(c.folder), 0
	for range n {
		err = c.live(ctx, func(running *server) error {
			rest(ctx, 300*time.Millisecond)
			// The kernel does not take open files away: this is refused for as long as the server
			// runs.
			if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); errors.Is(err, unix.EBUSY) {
				busy++
			}
			return running.kill()
		})
		if err != nil {
			break
		}
		if err = c.refusedOn(ctx, disk); err != nil {
			break
		}
		s.report.count("read-only file system at the start")
	}
	s.report.tell("read-only file system", "each start refused with one line; under a running server the kernel itself refuses (%d of %d)", busy, n)
	return c.judged(ctx, "read-only file system", err)
}

func (c *campaign) refusedOn(ctx context.Context, disk string) error {
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return err
	}
	// What the server says is kept on another disk here.
	refusal, err := refusedStart(ctx, c.program, c.folder, filepath.Join(c.stage.folder, "refusal"), nil)
	if err != nil {
		return err
	}
	if refusal != "" {
		c.stage.report.blame("start", "on a read-only file system: %s", refusal)
	}
	return unix.Mount("", disk, "", unix.MS_REMOUNT, "size="+smallDisk)
}

// refusedStart starts the program where it must not serve, and returns what is wrong with its
// refusal: nothing if it ends with one clear line. If it serves all the same, look judges it by its
// address.
func refusedStart(ctx context.Context, program, folder, log string, look func(address string) error) (wrong string, err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return "", err
	}
	said, err := os.Create(log)
	if err != nil {
		return "", err
	}
	s := newServer(ctx, program, folder, address, said)
	if err := errors.Join(s.run(), said.Close()); err != nil {
		return "", err
	}
	if s.awaitAnswer(ctx) == nil {
		if look != nil {
			err = look(address)
		}
		return serves, errors.Join(err, s.kill(), os.Remove(log))
	}
	<-s.exited
	raw, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	if err := os.Remove(log); err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(raw))
	if s.command.ProcessState.ExitCode() != 1 || !strings.HasPrefix(text, "curfew: ") || strings.Contains(text, "\n") {
		return fmt.Sprintf("it ends with %d and says %q", s.command.ProcessState.ExitCode(), text), nil
	}
	return "", nil
}
