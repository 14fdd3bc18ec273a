package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// livesOfFolder is how often the server of one data folder is killed, before what is left is judged
// and a new one begins.
const livesOfFolder = 8

// census lets the crowd work for a while, and lists the points that it passes.
func (s *stage) census(ctx context.Context) ([]string, error) {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return nil, err
	}
	list := filepath.Join(s.folder, "points")
	err = c.live(ctx, func(running *server) error {
		rest(ctx, 4*time.Second)
		return running.stop()
	}, "FAULT_CENSUS="+list)
	if err := c.judged(ctx, "no fault at all", err); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	points := strings.Split(strings.TrimSpace(string(raw)), "\n")
	slices.Sort(points)
	return points, os.Remove(list)
}

// kills kills the server that many times: at every point in turn, and at random instants.
func (s *stage) kills(ctx context.Context, n int) error {
	points, err := s.census(ctx)
	if err != nil {
		return err
	}
	s.report.Points = len(points)
	plan := make([]string, n)
	for i := range plan {
		if i%3 != 2 { // every third one at random
			plan[i] = points[(i-i/3)%len(points)]
		}
	}
	for len(plan) > 0 && !s.late() {
		lives := plan[:min(livesOfFolder, len(plan))]
		plan = plan[len(lives):]
		c, err := s.begin(ctx, s.curfew, "")
		if err != nil {
			return err
		}
		for _, point := range lives {
			if err = c.killedAt(ctx, point); err != nil {
				break
			}
		}
		if err := c.judged(ctx, "kill -9", err); err != nil {
			return err
		}
	}
	return nil
}

// killedAt lives until the server is killed at the point, or at a random instant where there is
// none.
func (c *campaign) killedAt(ctx context.Context, point string) error {
	if point == "" {
		err := c.live(ctx, func(s *server) error {
			rest(ctx, 50*time.Millisecond+time.Duration(rand.Int64N(int64(1500*time.Millisecond))))
			return s.kill()
		})
		c.stage.report.count("kill -9 at a random instant")
		return err
	}
	c.crowd.eager = eagerFor(point)
	defer func() { c.crowd.eager = nil }()
	reached := false
	s, err := start(ctx, c.program, c.folder, c.address, fmt.Sprintf("FAULT_KILL=%s@%d", point, 1+rand.IntN(3)))
	if err != nil {
		return err
	}
	err = c.under(ctx, s, func(s *server) error { // it may be killed before it first answers
		select {
		case <-s.exited:
			reached = true
			return s.killed()
		case <-time.After(6 * time.Second):
			return nil
		}
	})
	if reached {
		c.stage.report.countPoint(point)
	} else {
		c.stage.report.count("kill -9 at a random instant") // it was not passed, and the server was killed all the same
	}
	return err
}

// mutantKilled lives until the mutant's server is killed at its point, or at a random instant.
func (c *campaign) mutantKilled(ctx context.Context, m *mutant) error {
	environment := []string{m.environment()}
	if m.point != "" {
		environment = append(environment, "FAULT_KILL="+m.point+"@2")
	}
	s, err := start(ctx, c.program, c.folder, c.address, environment...)
	if err != nil {
		return err
	}
	return c.under(ctx, s, func(s *server) error {
		select {
		case <-s.exited:
		case <-time.After(1200*time.Millisecond + time.Duration(rand.Int64N(int64(800*time.Millisecond)))):
		}
		return nil
	})
}

// pauses stops the server in its tracks that many times, and lets it go on.
func (s *stage) pauses(ctx context.Context, n int) error {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return err
	}
	err = c.live(ctx, func(running *server) error {
		for i := 0; i < n && !s.late(); i++ {
			rest(ctx, 50*time.Millisecond)
			if err := running.signal(syscall.SIGSTOP); err != nil {
				return err
			}
			rest(ctx, 10*time.Millisecond+time.Duration(rand.Int64N(int64(300*time.Millisecond))))
			if err := running.signal(syscall.SIGCONT); err != nil {
				return err
			}
			s.report.count("pause")
		}
		rest(ctx, 100*time.Millisecond)
		if !running.alive() {
			return errors.New("the server did not survive a pause")
		}
		return running.stop()
	})
	return c.judged(ctx, "pauses", err)
}
