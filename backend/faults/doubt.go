package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"curfew/backend/faults/judge"
)

// unknownCommits has the program with the mutants report commits of revocations as failed that
// reached the disk, and fail to read the organization for a while after each.
const unknownCommits = "FAULT_MUTANT=unknown-commits"

// doubt is the scene of commits whose outcome is unknown: the revocation of one session after the
// other reaches the disk and is answered with 503. From then on the session is not admitted, and
// every check is answered with 503 until memory was reloaded.
func (s *stage) doubt(ctx context.Context, n int) error {
	found, asked, err := s.doubtOnce(ctx, n, unknownCommits)
	for _, violation := range found {
		s.report.blame(violation.Invariant, "%s", violation.What)
	}
	for range n {
		s.report.count("commit of unknown outcome")
	}
	s.report.Requests += asked
	return err
}

func (s *stage) doubtMutant(ctx context.Context, m *mutant) ([]judge.Violation, error) {
	found, _, err := s.doubtOnce(ctx, 1, unknownCommits+","+m.name)
	return found, err
}

func (s *stage) doubtOnce(ctx context.Context, n int, environment string) (found []judge.Violation, asked int, err error) {
	c, err := s.begin(ctx, s.mutant, "")
	if err != nil {
		return nil, 0, err
	}
	running, err := started(ctx, c.program, c.folder, c.address, environment)
	if err != nil {
		return nil, 0, errors.Join(err, c.remove())
	}
	asks := func(h *holder, r request) (op judge.Op) {
		if err == nil {
			asked++
			_, op, err = c.crowd.ask(ctx, h, judge.Op{Kind: judge.Use}, r)
		}
		return op
	}
	check := request{method: http.MethodGet, path: "/api/session"}
	owner, others := c.crowd.living[0], c.crowd.living[sessionsOfEach:]
	for _, target := range others[:n] {
		if op := asks(owner, request{method: http.MethodDelete, path: "/api/sessions/" + target.session}); err == nil && op.Status != http.StatusServiceUnavailable {
			err = fmt.Errorf("a revocation of unknown outcome is answered with %d %s", op.Status, op.Code)
		}
		for deadline, ready := time.Now().Add(10*time.Second), false; err == nil && !ready; rest(ctx, 20*time.Millisecond) {
			ready = asks(owner, check).Status == http.StatusOK
			if op := asks(target, check); op.Status == http.StatusOK {
				found = append(found, judge.Violation{Invariant: "I6", What: "a session is admitted whose end is on disk"})
			}
			if err == nil && time.Now().After(deadline) {
				err = errors.New("memory was not reloaded within 10 seconds")
			}
		}
	}
	return found, asked, errors.Join(err, running.kill(), c.remove())
}
