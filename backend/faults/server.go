package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the real program, running on a data folder.
type server struct {
	address string
	command *exec.Cmd
	exited  chan struct{}
	err     error // how it ended; read after exited is closed
	said    string
}

// newServer prepares the program. It says what it says into the given file.
func newServer(ctx context.Context, program, folder, address string, said *os.File, environment ...string) *server {
	s := &server{address: address, exited: make(chan struct{}), said: said.Name()}
	s.command = exec.CommandContext(ctx, program, "serve", "--data", folder, "--listen", address, "--access-token-lifetime", "15m") //nolint:gosec // ours
	s.command.Env = environment
	s.command.Stdout, s.command.Stderr = said, said
	return s
}

// run starts the program.
func (s *server) run() error {
	if err := s.command.Start(); err != nil {
		return err
	}
	go func() {
		s.err = s.command.Wait()
		close(s.exited)
	}()
	return nil
}

// start runs the program, and returns at once. Its output is added to a file next to the data
// folder.
func start(ctx context.Context, program, folder, address string, environment ...string) (*server, error) {
	said, err := os.OpenFile(folder+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := newServer(ctx, program, folder, address, said, environment...)
	return s, errors.Join(s.run(), said.Close())
}

// started is start that waits until the program answers.
func started(ctx context.Context, program, folder, address string, environment ...string) (*server, error) {
	s, err := start(ctx, program, folder, address, environment...)
	if err != nil {
		return nil, err
	}
	return s, s.awaitAnswer(ctx)
}

func (s *server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/healthz", nil)
		if err != nil {
			return err
		}
		response, err := impatient.Do(request)
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("curfew ended (%w) and said: %s", s.err, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("curfew does not answer: %w", ctx.Err())
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// impatient asks whether a server answers. It keeps no connection.
var impatient = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// lastWords is the last line that the program wrote.
func (s *server) lastWords() string {
	raw, err := os.ReadFile(s.said)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return lines[len(lines)-1]
}

func (s *server) signal(what os.Signal) error {
	if err := s.command.Process.Signal(what); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// kill ends the program at this very instant.
func (s *server) kill() error {
	err := s.signal(syscall.SIGKILL)
	<-s.exited
	return err
}

// stop ends the program as an operator would.
func (s *server) stop() error {
	if err := s.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("curfew does not end"), s.kill())
	}
	return s.err
}

// alive reports whether the program still runs.
func (s *server) alive() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// killed returns an error for a server that ended in any other way than by being killed.
func (s *server) killed() error {
	status, known := s.command.ProcessState.Sys().(syscall.WaitStatus)
	if !known || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("curfew ended by itself (%w) and said: %s", s.err, s.lastWords())
	}
	return nil
}

// vitals is what a process has of the machine.
type vitals struct{ descriptors, goroutines, megabytes int }

// vitals asks the program, which was started with FAULT_VITALS, for its goroutines, and the kernel
// for the rest.
func (s *server) vitals(file string) (vitals, error) {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return vitals{}, err
	}
	if err := s.signal(syscall.SIGUSR1); err != nil {
		return vitals{}, err
	}
	var v vitals
	for v.goroutines == 0 {
		time.Sleep(5 * time.Millisecond)
		if !s.alive() {
			return vitals{}, fmt.Errorf("curfew has ended: %w", s.err)
		}
		if raw, err := os.ReadFile(file); err == nil {
			if v.goroutines, err = strconv.Atoi(string(raw)); err != nil {
				return vitals{}, err
			}
		}
	}
	process := filepath.Join("/proc", strconv.Itoa(s.command.Process.Pid))
	open, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		return vitals{}, err
	}
	v.descriptors = len(open)
	status, err := os.ReadFile(filepath.Join(process, "status"))
	if err != nil {
		return vitals{}, err
	}
	for line := range strings.Lines(string(status)) {
		var kibi int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kibi); err == nil {
			v.megabytes = kibi >> 10
		}
	}
	return v, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
