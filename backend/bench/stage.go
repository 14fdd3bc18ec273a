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
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"curfew/backend/bench/population"
	"curfew/backend/token"
)

// The calls that are measured.
const (
	sessionPath   = "/api/session"
	signInPath    = "/api/sessions"
	revokeAllPath = "/api/sessions/revoke-all"
)

const accessCookie = "__Host-curfew_access"

// stage is what scenes are played on: the programs, the processors, a folder, and the servers that run.
type stage struct {
	cores     cores
	tools     struct{ taskset, wrk string }
	curfew    string
	reference string
	// folder is for data folders and requests; it is removed at the end.
	folder      string
	script      string
	deployments map[int]*deployment
	running     []*server
	// files counts the files that were made, so that each has a name of its own.
	files int
}

func newStage(curfew, reference, folder string) (_ *stage, err error) {
	s := &stage{deployments: map[int]*deployment{}}
	if s.cores, err = pickCores(); err != nil {
		return nil, err
	}
	for name, path := range map[string]*string{"taskset": &s.tools.taskset, "wrk": &s.tools.wrk, curfew: &s.curfew, reference: &s.reference} {
		if *path, err = exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("%w; run it by: make bench", err)
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	if s.folder, err = os.MkdirTemp(folder, "data-"); err != nil {
		return nil, err
	}
	if s.folder, err = filepath.Abs(s.folder); err != nil {
		return nil, err
	}
	s.script = s.file()
	return s, os.WriteFile(s.script, loadScript, 0o600)
}

// file is the path of a new file.
func (s *stage) file() string {
	s.files++
	return filepath.Join(s.folder, "file-"+strconv.Itoa(s.files))
}

// clear stops all servers.
func (s *stage) clear() error {
	var errs []error
	for _, server := range s.running {
		errs = append(errs, server.stop())
	}
	s.running = nil
	return errors.Join(errs...)
}

// strike stops all servers, and removes what was made.
func (s *stage) strike() error { return errors.Join(s.clear(), os.RemoveAll(s.folder)) }

// deployment is a data folder with an organization in it.
type deployment struct {
	folder            string
	sessions, members int
	secrets           token.Secrets
	keys              *token.Keys
}

// deployment makes an organization with so many live sessions, once.
func (s *stage) deployment(ctx context.Context, sessions int) (*deployment, error) {
	if made := s.deployments[sessions]; made != nil {
		return made, nil
	}
	d := &deployment{folder: s.file(), sessions: sessions, members: max(1000, sessions/20)}
	if err := population.Create(ctx, d.folder, d.sessions, d.members); err != nil {
		return nil, err
	}
	var err error
	if d.secrets, err = token.LoadSecrets(population.Secrets(d.folder), time.Now()); err != nil {
		return nil, err
	}
	// The lifetime is the longest that can be set, so that no token runs out while it is measured.
	if d.keys, err = token.NewKeys(d.secrets.Access(token.LongestLifetime), time.Now); err != nil {
		return nil, err
	}
	s.deployments[sessions] = d
	return d, nil
}

// token issues a new access token for the session of that number, as the server would.
func (d *deployment) token(number int) (string, error) {
	return d.issue(population.SessionID(number), population.MemberID(population.MemberOf(number, d.members)))
}

// tokens issues new tokens for count sessions that are spread evenly over all; for all of them again and again, where there are fewer.
func (d *deployment) tokens(count int) ([]string, error) {
	step := max(1, d.sessions/count)
	return issued(count, func(i int) (string, error) { return d.token(1 + i*step%d.sessions) })
}

// issued calls issue for each place. It takes all processors, because nothing is measured meanwhile.
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

// forged is a token of a living session, but for its signature.
func (d *deployment) forged(number int) (string, error) {
	text, err := d.token(number)
	if err != nil {
		return "", err
	}
	return text[:strings.LastIndex(text, ".")+1] + rand.Text() + "AAAAAAAAAAAAAAAAA", nil
}

// unknown is a token that the server could have issued, for a session that does not exist.
func (d *deployment) unknown() (string, error) { return d.issue(uuid.New(), population.MemberID(1)) }

func (d *deployment) issue(session, member uuid.UUID) (string, error) {
	text, _, err := d.keys.Issue(session, member, 1, time.Now().Add(24*time.Hour))
	return text, err
}

// transport is how a request carries its credential.
type transport func(credential string) request

func byCookie(credential string) request {
	return request{method: http.MethodGet, path: sessionPath, headers: []header{{"Cookie", accessCookie + "=" + credential}}}
}

func byBearer(credential string) request {
	return request{method: http.MethodGet, path: sessionPath, headers: []header{{"Authorization", "Bearer " + credential}}}
}

// load writes the requests of credentials to a new file, and makes 32 connections' load of them.
func (s *stage) load(credentials []string, by transport) (load, error) {
	l := load{requests: s.file(), count: len(credentials), first: by(credentials[0]), connections: 32, seconds: 1}
	err := writeRequests(l.requests, func(yield func(request) bool) {
		for _, credential := range credentials {
			if !yield(by(credential)) {
				return
			}
		}
	})
	return l, err
}

// serveCurfew starts the product on its deployment's data folder, with its default settings but those that are given, and makes sure of what
// it does: everything here would be worthless if a session that was ended got in.
func (s *stage) serveCurfew(ctx context.Context, d *deployment, settings ...string) (*server, error) {
	return s.serveCurfewOn(ctx, []int{s.cores.server}, d, settings...)
}

func (s *stage) serveCurfewOn(ctx context.Context, on []int, d *deployment, settings ...string) (*server, error) {
	started, err := s.serve(ctx, on, s.curfew, append([]string{"serve", "--data", d.folder}, settings...)...)
	if err != nil {
		return nil, err
	}
	return started, checkRevocation(ctx, started.address)
}

// answer is what references answer, because Curfew does.
type answer struct {
	Headers []header        `json:"headers"`
	Body    json.RawMessage `json:"body"`
}

// reference is a kind of reference server, and more flags for it.
type reference []string

// references starts reference servers, which repeat what Curfew answers to one of the credentials.
func (s *stage) references(ctx context.Context, curfew *server, credentials []string, wanted ...reference) ([]*server, error) {
	model, err := typicalAnswer(ctx, curfew, credentials[:min(len(credentials), 51)])
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	file := s.file()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	started := make([]*server, len(wanted))
	for i, r := range wanted {
		args := append([]string{"--answer", file, "--kind"}, r...)
		if started[i], err = s.serve(ctx, []int{s.cores.server}, s.reference, args...); err != nil {
			return nil, err
		}
	}
	return started, nil
}

// typicalAnswer is the answer of median length: some clients have a longer name than others, and the references answer the same to all.
func typicalAnswer(ctx context.Context, curfew *server, credentials []string) (answer, error) {
	answers := make([]answer, len(credentials))
	for i, credential := range credentials {
		var err error
		if answers[i], err = record(ctx, curfew.address, byCookie(credential)); err != nil {
			return answer{}, err
		}
	}
	slices.SortFunc(answers, func(a, b answer) int { return len(a.Body) - len(b.Body) })
	return answers[len(answers)/2], nil
}

// issuedBy reads what a reference issued.
func issuedBy(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}
