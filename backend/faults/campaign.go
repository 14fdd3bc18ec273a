package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"curfew/backend/faults/judge"
)

// stage is what every scene plays on.
type stage struct {
	curfew, mutant string // the programs
	folder         string // where data folders are made
	deployment     *deployment
	begun          time.Time
	until          time.Time // after which nothing new begins; the zero time for never
	report         *report
	mutants        *regexp.Regexp // those that are wanted
	say            func(format string, args ...any)
	campaigns      int
}

// late reports whether nothing new is to begin.
func (s *stage) late() bool { return !s.until.IsZero() && time.Now().After(s.until) }

// campaign is one data folder from its making to its end, with everything that its clients did over
// all lives of the server.
type campaign struct {
	stage   *stage
	name    string
	program string
	folder  string
	address string
	crowd   *crowd
	history judge.History
	unmount func() error
}

// begin makes a data folder with everybody signed in. With a size it has a file system of its own
// that holds no more.
func (s *stage) begin(ctx context.Context, program, size string) (*campaign, error) {
	s.campaigns++
	name := fmt.Sprintf("campaign-%d.", s.campaigns) // the dot ends the number: everything that begins with the name is the campaign's
	c := &campaign{stage: s, name: name, program: program, folder: filepath.Join(s.folder, name+"data"), unmount: func() error { return nil }}
	if size != "" {
		var err error
		if c.unmount, err = mountMemory(c.folder, size); err != nil {
			return nil, err
		}
		c.folder = filepath.Join(c.folder, "curfew")
	}
	var err error
	if c.address, err = freeAddress(ctx); err != nil {
		return nil, errors.Join(err, c.unmount())
	}
	holders, err := s.deployment.copyTo(ctx, c.folder)
	if err != nil {
		return nil, errors.Join(err, c.unmount())
	}
	r := &recorder{begun: s.begun}
	c.crowd = &crowd{deployment: s.deployment, client: newClient(c.address, r), recorder: r, living: holders, gone: map[string]bool{}}
	for _, h := range holders {
		c.history.Before = append(c.history.Before, judge.Session{ID: h.session, Member: h.account.id, Generation: 1})
	}
	return c, nil
}

// live starts the server, and once it answers lets the crowd work and plays the scene.
func (c *campaign) live(ctx context.Context, scene func(*server) error, environment ...string) error {
	s, err := started(ctx, c.program, c.folder, c.address, environment...)
	if err != nil {
		return err
	}
	return c.under(ctx, s, scene)
}

// under lets the crowd work on the server and plays the scene. It returns once the scene ends, and
// kills the server if it still runs.
func (c *campaign) under(ctx context.Context, s *server, scene func(*server) error) error {
	working, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.crowd.run(working)
	}()
	err := scene(s)
	stop()
	<-ended
	return errors.Join(err, s.kill())
}

// found is what a judgement found, and in how much.
type found struct {
	requests, troubled, ordered, sessions, undecided int
	violations                                       []judge.Violation
}

// end judges the campaign and removes its folder.
func (c *campaign) end(ctx context.Context) (f found, err error) {
	defer func() { err = errors.Join(err, c.remove()) }()
	verified := c.verifyAudit(ctx)
	if c.history.Book, err = inspect(ctx, c.folder); err != nil {
		return f, fmt.Errorf("look through the database: %w", err)
	}
	c.history.Book.Faults = append(c.history.Book.Faults, verified...)
	c.history.Ops = c.crowd.recorder.ops
	f.violations = judge.Judge(c.history)
	linear := judge.Linearize(c.history, 100)
	f.violations = append(f.violations, linear.Found...)
	for i := range c.history.Ops {
		if status := c.history.Ops[i].Status; status == 0 || status >= 500 {
			f.troubled++
		}
	}
	f.requests, f.ordered, f.sessions, f.undecided = len(c.history.Ops), linear.Ops, linear.Sessions, linear.Undecided
	leaks, searched, err := c.secrets()
	f.violations = append(f.violations, leaks...)
	c.stage.report.searched(searched)
	return f, err
}

// remove removes everything that was made for the campaign.
func (c *campaign) remove() error {
	c.crowd.client.http.CloseIdleConnections()
	err := c.unmount()
	left, globbed := filepath.Glob(filepath.Join(c.stage.folder, c.name) + "*")
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return errors.Join(err, globbed)
}

// judged ends the campaign and reports what was found.
func (c *campaign) judged(ctx context.Context, scene string, played error) error {
	f, err := c.end(ctx)
	if err := errors.Join(played, err); err != nil {
		return fmt.Errorf("%s: %w", scene, err)
	}
	c.stage.report.add(scene, f)
	return nil
}

// verifyAudit lets the product itself check the chain of its log, without a server.
func (c *campaign) verifyAudit(ctx context.Context) []judge.Violation {
	out, err := exec.CommandContext(ctx, c.program, "audit", "verify", "--data", c.folder).CombinedOutput() //nolint:gosec // ours
	if err != nil {
		return []judge.Violation{{Invariant: "I11", What: fmt.Sprintf("the audit log does not verify: %v: %s", err, out)}}
	}
	return nil
}

// secrets searches the data folder and everything that the server said for what only clients may
// know (I19): the password, and some of the tokens.
func (c *campaign) secrets() (leaks []judge.Violation, searched int64, err error) {
	canaries := map[string]string{"the password": password}
	for i, h := range append(c.crowd.living, c.crowd.dead...) {
		if i < 300 {
			canaries["an access token"+h.session] = h.access
		}
		if len(h.tokens) > 0 {
			canaries["a refresh token"+h.session] = h.tokens[len(h.tokens)-1]
		}
	}
	search := func(path string) error {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched += int64(len(raw))
		for what, secret := range canaries {
			if bytes.Contains(raw, []byte(secret)) {
				leaks = append(leaks, judge.Violation{Invariant: "I19", What: fmt.Sprintf("%s stands in %s", what, filepath.Base(path))})
			}
		}
		return nil
	}
	kept, err := filepath.Glob(filepath.Join(c.folder, "*"))
	if err != nil {
		return nil, 0, err
	}
	for _, path := range append(kept, c.folder+".log") {
		if err := search(path); err != nil {
			return leaks, searched, err
		}
	}
	return leaks, searched, nil
}
