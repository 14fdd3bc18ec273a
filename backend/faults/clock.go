package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"curfew/backend/faults/judge"
)

// misled is the scene of a clock that goes ahead and back, under a running server and while there
// is none. It is played on sessions of one hour that no access prolongs, so that what each answer
// has to be is known to the second.
type misled struct {
	*campaign
	server *server
	clock  string // the file that the server reads its wall clock's error from
	extra  []string
	born   time.Time
	found  []judge.Violation
	jumps  []string
	checks int
	worst  time.Duration // how far an end was from where it should have been
}

func (s *stage) mislead(ctx context.Context, n int) error {
	for range n {
		m, err := s.misleadOnce(ctx, s.curfew)
		if err != nil {
			return err
		}
		for _, violation := range m.found {
			s.report.blame(violation.Invariant, "%s", violation.What)
		}
		s.report.Requests += m.checks
		for _, jump := range m.jumps {
			s.report.count(jump)
		}
		s.report.tell("clock", "%d checks an hour ahead and back, with restarts between; the end of a session was off by %v at most", m.checks, m.worst)
	}
	return nil
}

func (s *stage) misleadMutant(ctx context.Context, mistake *mutant) ([]judge.Violation, error) {
	m, err := s.misleadOnce(ctx, s.mutant, mistake.environment())
	if err != nil {
		return nil, err
	}
	return m.found, nil
}

func (s *stage) misleadOnce(ctx context.Context, program string, extra ...string) (m *misled, err error) {
	c, err := s.begin(ctx, program, "")
	if err != nil {
		return nil, err
	}
	m = &misled{campaign: c, clock: c.folder + ".clock", extra: append(extra, "FAULT_CLOCK="+c.folder+".clock"), born: time.Now().Add(-time.Second)}
	err = errors.Join(m.play(ctx), m.server.kill())
	book, looked := inspect(ctx, c.folder)
	m.found = append(m.found, book.Faults...)
	return m, errors.Join(err, looked, c.remove())
}

func (m *misled) play(ctx context.Context) error {
	holders := m.crowd.living
	if err := m.restart(ctx, 0); err != nil {
		return err
	}
	if err := m.save(ctx, holders[0], `{"sessionLength": {"value": 60, "unit": "minutes"}, "refreshAutomatically": false, "maximumLifetime": null}`); err != nil {
		return err
	}
	// Half of the hour passes, the server restarts, and the clock is set back: the half stays
	// counted.
	m.jump(30 * time.Minute)
	m.lives(ctx, holders[1], "I18", m.left(30*time.Minute))
	rest(ctx, 1500*time.Millisecond) // until the access is written, and with it the time
	if err := m.restart(ctx, 0); err != nil {
		return err
	}
	m.lives(ctx, holders[2], "I18", m.left(30*time.Minute))
	m.jumped("clock an hour back, at a restart")

	// It ends when it should, and not before.
	m.jump(59*time.Minute + 45*time.Second)
	m.lives(ctx, holders[3], "I18", m.left(59*time.Minute+45*time.Second))
	m.jump(60 * time.Minute)
	m.dead(ctx, holders[3], "I18")
	m.jumped("clock an hour ahead")
	m.jump(0)
	m.dead(ctx, holders[3], "I5")
	m.dead(ctx, holders[4], "I5")
	m.jumped("clock an hour back")
	if err := m.restart(ctx, -time.Hour); err != nil {
		return err
	}
	m.dead(ctx, holders[3], "I5")
	m.dead(ctx, holders[5], "I5")
	m.jumped("clock an hour back, at a restart")
	return m.loosen(ctx)
}

// loosen saves a longer length once sessions have ended that neither a client nor the sweep has
// asked for. They stay ended, and after a restart too.
func (m *misled) loosen(ctx context.Context) error {
	if err := m.server.kill(); err != nil {
		return err
	}
	fresh, err := m.stage.deployment.signEverybodyIn(ctx, m.folder, time.Now().Add(90*time.Minute))
	if err != nil {
		return err
	}
	if err := m.restart(ctx, 3*time.Hour); err != nil {
		return err
	}
	if err := m.crowd.signIn(ctx, m.crowd.deployment.accounts[0]); err != nil {
		return err
	}
	owner := m.crowd.living[len(m.crowd.living)-1]
	if err := m.save(ctx, owner, `{"sessionLength": {"value": 365, "unit": "days"}, "refreshAutomatically": true, "maximumLifetime": null}`); err != nil {
		return err
	}
	if err := m.restart(ctx, 3*time.Hour); err != nil {
		return err
	}
	for _, h := range fresh[1:20] {
		m.dead(ctx, h, "I5")
	}
	m.lives(ctx, owner, "I7", 365*24*time.Hour)
	m.jumped("clock hours ahead, at a restart")
	return nil
}

// left is what is left of the hour when the clock is so far ahead.
func (m *misled) left(ahead time.Duration) time.Duration {
	return time.Hour - ahead - time.Since(m.born)
}

func (m *misled) jumped(how string) { m.jumps = append(m.jumps, how) }

// jump sets the wall clock ahead of the machine's.
func (m *misled) jump(ahead time.Duration) {
	// Put in place whole, because the server reads it all the time.
	err := os.WriteFile(m.clock+".new", []byte(ahead.String()), 0o600)
	if err := errors.Join(err, os.Rename(m.clock+".new", m.clock)); err != nil {
		m.found = append(m.found, judge.Violation{Invariant: "the harness", What: err.Error()})
	}
}

// restart kills the server and starts another one, with the clock set.
func (m *misled) restart(ctx context.Context, ahead time.Duration) error {
	if m.server != nil {
		if err := m.server.kill(); err != nil {
			return err
		}
	}
	m.jump(ahead)
	s, err := started(ctx, m.program, m.folder, m.address, m.extra...)
	m.server = s
	return err
}

func (m *misled) save(ctx context.Context, h *holder, policy string) error {
	_, op, err := m.crowd.ask(ctx, h, judge.Op{Kind: judge.SavePolicy}, request{method: http.MethodPut, path: "/api/settings/security", body: rawJSON(policy)})
	if err == nil && op.Status != http.StatusOK {
		err = fmt.Errorf("save the policy: %d %s", op.Status, op.Code)
	}
	return err
}

type rawJSON string

// MarshalJSON implements [json.Marshaler].
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// lives holds that the session is admitted, and that so much of its time is left.
func (m *misled) lives(ctx context.Context, h *holder, invariant string, left time.Duration) {
	m.checks++
	a, op, err := m.crowd.ask(ctx, h, judge.Op{Kind: judge.Use}, request{method: http.MethodGet, path: "/api/session"})
	if err != nil || op.Status != http.StatusOK {
		m.found = append(m.found, judge.Violation{Invariant: invariant, What: fmt.Sprintf("a session with %v left is answered with %d %s %v", left, op.Status, op.Code, err)})
		return
	}
	seconds, err := strconv.Atoi(a.expiresIn)
	if err != nil {
		m.found = append(m.found, judge.Violation{Invariant: invariant, What: err.Error()})
		return
	}
	off := time.Duration(seconds)*time.Second - left
	m.worst = max(m.worst, time.Duration(math.Abs(float64(off))))
	const granularity = 3 * time.Second // a touch is written within a second, and a restart takes its time
	if m.worst > granularity {
		m.found = append(m.found, judge.Violation{Invariant: invariant, What: fmt.Sprintf("a session has %ds left that should have %v", seconds, left)})
	}
}

// dead checks that the session is refused because it has expired.
func (m *misled) dead(ctx context.Context, h *holder, invariant string) {
	m.checks++
	_, op, err := m.crowd.ask(ctx, h, judge.Op{Kind: judge.Use}, request{method: http.MethodGet, path: "/api/session"})
	if err != nil || op.Code != "session_expired" {
		m.found = append(m.found, judge.Violation{Invariant: invariant, What: fmt.Sprintf("an expired session is answered with %d %s %v", op.Status, op.Code, err)})
	}
}
