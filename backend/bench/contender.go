package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"

	"curfew/backend/bench/loopback"
)

// cores are the processors that everything runs on: the servers on one and the generators on another, so that none takes time from the other.
type cores struct{ server, generator int }

// pickCores takes the first two processors that this process may use.
func pickCores() (cores, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return cores{}, fmt.Errorf("look for processors: %w", err)
	}
	var found []int
	for i := 0; len(found) < min(2, allowed.Count()); i++ {
		if allowed.IsSet(i) {
			found = append(found, i)
		}
	}
	if len(found) < 2 {
		return cores{}, errors.New("there is only one processor here; a server and a load generator need one each")
	}
	return cores{found[0], found[1]}, nil
}

// server is a running program that answers at an address of this machine.
type server struct {
	address string
	command *exec.Cmd
	exited  chan error
	said    bytes.Buffer
}

// serve starts a program on the given processors, and waits until it is ready. The program takes its address by --listen.
func (s *stage) serve(ctx context.Context, on []int, program string, args ...string) (*server, error) {
	address, err := loopback.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	list := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(on)), ","), "[]")
	args = append(append([]string{"-c", list, program}, args...), "--listen", address)
	started := &server{address: address, command: exec.CommandContext(ctx, s.tools.taskset, args...), exited: make(chan error, 1)} //nolint:gosec // ours
	started.command.Env = []string{"GOMAXPROCS=" + strconv.Itoa(len(on))}                                                          // and no settings
	started.command.Stderr = &started.said
	started.command.Cancel = func() error { return started.command.Process.Signal(syscall.SIGTERM) }
	started.command.WaitDelay = 20 * time.Second
	started.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nothing outlives the suite, halted or not
	if err := started.command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	go func() { started.exited <- started.command.Wait() }()
	s.running = append(s.running, started)
	return started, started.awaitReady(ctx)
}

// awaitReady waits until the server says that it is ready.
func (s *server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		answered, err := ask(ctx, s.address, request{method: http.MethodGet, path: "/readyz"})
		if err == nil && answered.status == http.StatusOK {
			return nil
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("%s ended: %w: %s", s.command.Args[3], err, s.said.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not become ready: %w", s.command.Args[3], ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A server that is not measured is halted: what it has still to do, as to write behind or to collect garbage, takes time of its own rounds and
// not of others'.

func (s *server) halt() error { return s.command.Process.Signal(syscall.SIGSTOP) }

// resume lets the server run again, and gives it time for what has piled up.
func (s *server) resume(ctx context.Context) error {
	if err := s.command.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	const (
		moment  = 100 * time.Millisecond
		nothing = moment / 10
		atMost  = 50 // of these moments
	)
	before, err := s.usage(ctx)
	for range atMost {
		if err != nil {
			return err
		}
		time.Sleep(moment)
		var after usage
		if after, err = s.usage(ctx); err == nil && after.processor-before.processor <= nothing {
			return nil
		}
		before = after
	}
	return fmt.Errorf("it does not come to rest: %w", err)
}

// stop ends the server as an operator would.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := <-s.exited; err != nil {
		return fmt.Errorf("%s: %w: %s", s.command.Args[3], err, s.said.String())
	}
	return nil
}

// usage is what a process has of the machine: memory in MiB, and processor time since its start.
type usage struct {
	memory, peak float64
	processor    time.Duration
}

func (s *server) usage(ctx context.Context) (usage, error) {
	p, err := process.NewProcessWithContext(ctx, int32(s.command.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	spent, err := p.TimesWithContext(ctx)
	if err != nil {
		return usage{}, err
	}
	u := usage{processor: time.Duration((spent.User + spent.System) * float64(time.Second))}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid)) // the library does not tell the peak
	if err != nil {
		return usage{}, err
	}
	for line := range strings.Lines(string(status)) {
		var kibi float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kibi); err == nil {
			u.memory = kibi / 1024
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kibi); err == nil {
			u.peak = kibi / 1024
		}
	}
	return u, nil
}

// forgetPeak lets the peak of the server's memory begin at what it has now (proc(5), clear_refs).
func (s *server) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.command.Process.Pid), []byte("5"), 0)
}
