package scale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"curfew/backend/bench/population"
)

// backups backs up what the program serves, while sessions make requests and sign out at a steady pace, and restores it into a new folder.
// What has to be known of it is how long anybody waits because of it.
func (r *run) backups(ctx context.Context) error {
	for _, size := range r.sizes {
		file := filepath.Join(r.folder, fmt.Sprintf("%d.backup", size))
		if err := r.backUp(ctx, size, file); err != nil {
			return fmt.Errorf("back %d sessions up: %w", size, err)
		}
		restored := r.folderOf(size) + "-restored"
		took, err := timed(func() error { return r.curfew(ctx, "restore", file, "--data", restored) })
		if err != nil {
			return fmt.Errorf("restore %d sessions: %w", size, err)
		}
		r.measured.addTime(0, restore, size, took)
		if err := errors.Join(os.RemoveAll(restored), os.Remove(file)); err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("%d sessions backed up and restored", size))
	}
	return nil
}

// curfew runs one of the program's commands.
func (r *run) curfew(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, r.Program, args...) //nolint:gosec // whoever measures names it
	command.Env = []string{}
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said))
	}
	return nil
}

func (r *run) backUp(ctx context.Context, size int, file string) error {
	p, ctx, err := startProgram(ctx, r.Program, r.folderOf(size))
	if err != nil {
		return err
	}
	return p.stop(r.backUpOf(ctx, p, size, file))
}

func (r *run) backUpOf(ctx context.Context, p *program, size int, file string) error {
	tokens, err := openTokens(r.folderOf(size), membersOf(size))
	if err != nil {
		return err
	}
	// The first half of the sessions make requests, over and over, and of the second half one after the other leaves: each a durable commit.
	number := 0
	requests := &pace{every: 2 * time.Millisecond, ask: func() error {
		number = number%(size/2) + 1
		return p.askAs(ctx, http.MethodGet, tokens, number)
	}}
	leaving := size
	signOuts := &pace{every: 20 * time.Millisecond, ask: func() error {
		leaving--
		return p.askAs(ctx, http.MethodDelete, tokens, leaving)
	}}
	bearer, err := tokens.of(1)
	if err != nil {
		return err
	}
	if _, err := p.firstAnswer(ctx, bearer, time.Now()); err != nil {
		return err
	}
	// What a backup leaves to be folded into the database is at its expense as well.
	const after = time.Second
	idle := func() error { return sleep(ctx, 2*after) }
	if err := meanwhile(ctx, idle, requests, signOuts); err != nil {
		return err
	}
	r.measured.addTime(0, idleRequest, size, requests.longest)
	r.measured.addTime(0, idleCommit, size, signOuts.longest)
	busy := func() error {
		took, err := timed(func() error { return r.curfew(ctx, "backup", file, "--data", r.folderOf(size)) })
		r.measured.addTime(0, backup, size, took)
		return errors.Join(err, sleep(ctx, after))
	}
	if err := meanwhile(ctx, busy, requests, signOuts); err != nil {
		return err
	}
	r.measured.addTime(0, slowRequest, size, requests.longest)
	r.measured.addTime(0, slowCommit, size, signOuts.longest)
	log, err := os.Stat(population.Database(r.folderOf(size)) + "-wal")
	if err != nil {
		return err
	}
	r.measured.add(0, logGrowth, size, float64(log.Size())/(1<<20))
	return nil
}

func (p *program) askAs(ctx context.Context, method string, tokens tokens, number int) error {
	bearer, err := tokens.of(number)
	if err != nil {
		return err
	}
	return p.ask(ctx, method, "/api/session", bearer)
}

// pace asks for something at steady times.
type pace struct {
	every time.Duration
	ask   func() error
	// longest is how long after its time the latest answer came: who comes behind somebody who waits, waits as well.
	longest time.Duration
}

func (p *pace) keep(ctx context.Context) error {
	p.longest = 0
	for due := time.Now(); sleep(ctx, time.Until(due)) == nil; due = due.Add(p.every) {
		if err := p.ask(); err != nil {
			return err
		}
		p.longest = max(p.longest, time.Since(due))
	}
	return nil
}

// meanwhile does some work while others keep their pace.
func meanwhile(ctx context.Context, work func() error, paces ...*pace) error {
	all, ctx := errgroup.WithContext(ctx)
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	for _, p := range paces {
		all.Go(func() error { return p.keep(ctx) })
	}
	err := work()
	enough()
	return errors.Join(err, all.Wait())
}

func sleep(ctx context.Context, long time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(long):
		return nil
	}
}
