// Package program runs servers as processes of this machine: curfew, and the references.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Program is a running server.
type Program struct {
	Address string
	command *exec.Cmd
	exited  chan error
	said    bytes.Buffer
}

// Start starts a server on the given CPUs, all of them if there are none, and waits until /readyz
// answers. The server takes its address by --listen and finds no settings in its environment.
func Start(ctx context.Context, cpus []int, path string, args ...string) (*Program, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args = append([]string{path}, append(args, "--listen", address)...)
	environment := []string{}
	if len(cpus) > 0 {
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(cpus), " ", ","), "[]")
		args = append([]string{"taskset", "-c", list}, args...)
		environment = append(environment, "GOMAXPROCS="+strconv.Itoa(len(cpus)))
	}
	p := &Program{Address: address, exited: make(chan error, 1)}
	p.command = exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the operator of the bench names it
	p.command.Env, p.command.Stderr = environment, &p.said
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = 20 * time.Second
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nothing survives the bench
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	go func() { p.exited <- p.command.Wait() }()
	if err := p.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// freeAddress returns a local address on which no server listens.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// slowestStart is how long a server may take to become ready: it may have to load 10,000,000
// sessions.
const slowestStart = 3 * time.Minute

func (p *Program) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, slowestStart)
	defer cancel()
	for {
		_, err := Want(ctx, p.Address, Request{Method: http.MethodGet, Path: "/readyz"}, http.StatusOK)
		if err == nil {
			return nil
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("%v ended: %w", p.command.Args, err)
		case <-ctx.Done():
			return fmt.Errorf("%v does not become ready: %w", p.command.Args, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Halt stops the process until [Program.Resume]. A server that is not measured is halted, so that
// its background work costs only its own rounds.
func (p *Program) Halt() error { return p.command.Process.Signal(syscall.SIGSTOP) }

// Resume continues the process, and waits until it has finished what has piled up.
func (p *Program) Resume(ctx context.Context) error {
	if err := p.command.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	const moment, idle = 100 * time.Millisecond, 10 * time.Millisecond
	before, err := p.cpuTime(ctx)
	for range 50 {
		if err != nil {
			return err
		}
		time.Sleep(moment)
		var after time.Duration
		if after, err = p.cpuTime(ctx); err == nil && after-before <= idle {
			return nil
		}
		before = after
	}
	return fmt.Errorf("%v does not come to rest: %w", p.command.Args, err)
}

// cpuTime returns the CPU time that the process has used.
func (p *Program) cpuTime(ctx context.Context) (time.Duration, error) {
	found, err := process.NewProcessWithContext(ctx, int32(p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	spent, err := found.TimesWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return time.Duration((spent.User + spent.System) * float64(time.Second)), nil
}

// Stop ends the process as an operator would, and returns what it said if it failed.
func (p *Program) Stop() error {
	for _, signal := range []os.Signal{syscall.SIGCONT, syscall.SIGTERM} {
		if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	if err := <-p.exited; err != nil {
		return fmt.Errorf("%v: %w: %s", p.command.Args, err, bytes.TrimSpace(p.said.Bytes()))
	}
	return nil
}
