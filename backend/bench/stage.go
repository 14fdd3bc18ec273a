package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"curfew/backend/bench/population"
	"curfew/backend/bench/program"
)

const (
	sessionPath  = "/api/session"
	signInPath   = "/api/sessions"
	accessCookie = "__Host-curfew_access"
)

// stage is what scenes are played on: the programs, the CPUs, a folder, and the servers that run.
type stage struct {
	cpus              cpus
	wrk               string
	curfew, reference string
	// folder holds data folders and requests. It is removed at the end.
	folder  string
	script  string
	made    *deployment
	running []*program.Program
	// files counts the files that were made, so that each has a name of its own.
	files int
	// answer is the file with the answer that references repeat.
	answer string
}

// cpus are one CPU for the servers and one for the load generators, so that neither takes time from
// the other.
type cpus struct{ server, generator int }

// pickCPUs returns the first two CPUs that this process may use.
func pickCPUs() (cpus, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return cpus{}, fmt.Errorf("find CPUs: %w", err)
	}
	var found []int
	for i := 0; len(found) < min(2, allowed.Count()); i++ {
		if allowed.IsSet(i) {
			found = append(found, i)
		}
	}
	if len(found) < 2 {
		return cpus{}, errors.New("a server and a load generator need a CPU each, and there is only one")
	}
	return cpus{found[0], found[1]}, nil
}

func newStage(curfew, reference, folder string) (_ *stage, err error) {
	s := &stage{}
	if s.cpus, err = pickCPUs(); err != nil {
		return nil, err
	}
	for name, path := range map[string]*string{"wrk": &s.wrk, curfew: &s.curfew, reference: &s.reference} {
		if *path, err = exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("%w; run it by: make bench", err)
		}
	}
	if s.folder, err = os.MkdirTemp(folder, "data-"); err != nil {
		return nil, err
	}
	s.script = s.file()
	return s, os.WriteFile(s.script, loadScript, 0o600)
}

// file returns the path of a new file.
func (s *stage) file() string {
	s.files++
	return filepath.Join(s.folder, "file-"+strconv.Itoa(s.files))
}

// clear stops all servers.
func (s *stage) clear() error {
	var errs []error
	for _, server := range s.running {
		errs = append(errs, server.Stop())
	}
	s.running = nil
	return errors.Join(errs...)
}

// strike stops all servers, and removes what was made.
func (s *stage) strike() error { return errors.Join(s.clear(), os.RemoveAll(s.folder)) }

// serve starts a server.
func (s *stage) serve(ctx context.Context, on []int, path string, args ...string) (*program.Program, error) {
	server, err := program.Start(ctx, on, path, args...)
	if err == nil {
		s.running = append(s.running, server)
	}
	return server, err
}

// deployment is a data folder with live sessions in it, and a token for each of them.
type deployment struct {
	folder  string
	members int
	tokens  population.Tokens
	given   []string
}

// deployment makes the data folder that all scenes share, and new tokens.
func (s *stage) deployment(ctx context.Context) (_ *deployment, err error) {
	if s.made == nil {
		d := &deployment{folder: s.file(), members: 1000}
		if err := population.Create(ctx, s.curfew, d.folder, sessions, d.members); err != nil {
			return nil, err
		}
		s.made = d
	}
	if s.made.tokens, err = population.OpenTokens(s.made.folder, s.made.members); err != nil {
		return nil, err
	}
	s.made.given, err = issued(sessions, func(i int) (string, error) { return s.made.tokens.Of(1 + i) })
	return s.made, err
}

// issued calls issue for each place, on all CPUs.
func issued(count int, issue func(i int) (string, error)) ([]string, error) {
	all := make([]string, count)
	var work errgroup.Group
	workers := runtime.NumCPU()
	for worker := range workers {
		work.Go(func() (err error) {
			for i := worker; i < count && err == nil; i += workers {
				all[i], err = issue(i)
			}
			return err
		})
	}
	return all, work.Wait()
}

// forged returns a token of a live session with another signature.
func (d *deployment) forged(number int) (string, error) {
	text, err := d.tokens.Of(number)
	if err != nil {
		return "", err
	}
	return text[:strings.LastIndex(text, ".")+1] + rand.Text() + "AAAAAAAAAAAAAAAAA", nil
}

// byCookie is a request that carries its credential in the cookie that all servers read.
func byCookie(credential string) program.Request {
	cookie := program.Header{"Cookie", accessCookie + "=" + credential}
	return program.Request{Method: http.MethodGet, Path: sessionPath, Headers: []program.Header{cookie}}
}

// pair starts Curfew and the bare handler, which get the same requests.
func (s *stage) pair(ctx context.Context) (*deployment, []contender, error) {
	d, err := s.deployment(ctx)
	if err != nil {
		return nil, nil, err
	}
	curfew, err := s.serveCurfew(ctx, []int{s.cpus.server}, d)
	if err != nil {
		return nil, nil, err
	}
	if err := s.recordAnswer(ctx, curfew, d.given); err != nil {
		return nil, nil, err
	}
	bare, err := s.serveReference(ctx, "bare")
	if err != nil {
		return nil, nil, err
	}
	l, err := s.load(d.given, byCookie)
	return d, []contender{
		{name: curfewItself, server: curfew, load: l}, {name: bareEcho, server: bare, load: l, open: true},
	}, err
}

// serveCurfew starts the product on a data folder, and makes sure that a session which was ended is
// refused: without that, no figure here would mean anything.
func (s *stage) serveCurfew(ctx context.Context, on []int, d *deployment, settings ...string) (*program.Program, error) {
	args := append([]string{"serve", "--data", d.folder}, settings...)
	server, err := s.serve(ctx, on, s.curfew, args...)
	if err != nil {
		return nil, err
	}
	return server, checkRevocation(ctx, server.Address)
}

// recordAnswer keeps the answer of median length for the references: some clients have a longer
// name than others, and a reference answers the same to all.
func (s *stage) recordAnswer(ctx context.Context, curfew *program.Program, credentials []string) error {
	answers := make([]answer, 51)
	for i := range answers {
		var err error
		if answers[i], err = record(ctx, curfew.Address, byCookie(credentials[i])); err != nil {
			return err
		}
	}
	slices.SortFunc(answers, func(a, b answer) int { return len(a.Body) - len(b.Body) })
	text, err := json.Marshal(answers[len(answers)/2])
	if err != nil {
		return err
	}
	s.answer = s.file()
	return os.WriteFile(s.answer, text, 0o600)
}

// serveReference starts a reference server of a kind, which repeats Curfew's answer.
func (s *stage) serveReference(ctx context.Context, kind string, more ...string) (*program.Program, error) {
	args := append([]string{"--answer", s.answer, "--kind", kind}, more...)
	return s.serve(ctx, []int{s.cpus.server}, s.reference, args...)
}

// serveLibrary starts a reference with so many sessions of its own, and returns their credentials.
func (s *stage) serveLibrary(ctx context.Context, kind string, sessions int) (*program.Program, []string, error) {
	file := s.file()
	server, err := s.serveReference(ctx, kind, "--sessions", strconv.Itoa(sessions), "--issued", file, "--database", s.file())
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(file)
	return server, strings.Fields(string(text)), err
}
