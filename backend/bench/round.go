package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"curfew/backend/bench/figure"
	"curfew/backend/bench/program"
)

// contender is one server under one load.
type contender struct {
	name   string
	server *program.Program
	load   load
	// open is set for a server that admits every request, as the bare one does.
	open bool
	// beside is a second load on the same server at the same time; nil for none.
	beside *load
}

// rounds are what was measured: in each round every contender once, by its name.
type rounds []map[string]measurement

// hold warms all contenders up, and measures them in so many rounds. In each round each of them
// runs once, and every round begins with another one, so that a slow moment of the machine meets
// all of them alike.
func (s *stage) hold(ctx context.Context, count int, contenders ...contender) (rounds, error) {
	for _, c := range contenders {
		if err := c.server.Halt(); err != nil {
			return nil, err
		}
	}
	for _, c := range contenders {
		if err := s.warmUp(ctx, c); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	measured := make(rounds, count)
	for round := range measured {
		measured[round] = map[string]measurement{}
		for i := range contenders {
			c := contenders[(i+round)%len(contenders)]
			m, err := s.measure(ctx, c, float64(round+1)/float64(count+1))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			measured[round][c.name] = m
		}
	}
	return measured, nil
}

// warmUp makes sure that the server does what it is measured for, and puts its load on it for a
// second.
func (s *stage) warmUp(ctx context.Context, c contender) (err error) {
	if err := c.server.Resume(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.server.Halt()) }()
	if err := check(ctx, c); err != nil {
		return err
	}
	warming := c.load
	warming.seconds = 1
	_, err = s.generate(ctx, warming, c.server.Address, 0)
	return err
}

// headStart is how long a load beside runs before the measurement begins.
const headStart = 700 * time.Millisecond

// measure puts the contender's load on its server once, from that share of the file on. A load
// whose requests are refused or not answered measures something else than it should, and is an
// error.
func (s *stage) measure(ctx context.Context, c contender, from float64) (_ measurement, err error) {
	if err := c.server.Resume(ctx); err != nil {
		return measurement{}, err
	}
	defer func() { err = errors.Join(err, c.server.Halt()) }()
	waitBeside := s.runBeside(ctx, c, from)
	m, err := s.generate(ctx, c.load, c.server.Address, from)
	beside, errBeside := waitBeside()
	if err := errors.Join(err, errBeside); err != nil {
		return measurement{}, err
	}
	if m.Refused > 0 || m.Failed > 0 {
		return m, fmt.Errorf("of %d requests %d were refused, and %d more not answered", m.Requests, m.Refused, m.Failed)
	}
	m.Beside = beside
	return m, nil
}

// runBeside starts the load beside, if there is one, and returns a function that waits for its end.
func (s *stage) runBeside(ctx context.Context, c contender, from float64) (wait func() (*measurement, error)) {
	if c.beside == nil {
		return func() (*measurement, error) { return nil, nil }
	}
	var m measurement
	ended := make(chan error, 1)
	go func() {
		var err error
		m, err = s.generate(ctx, *c.beside, c.server.Address, from)
		ended <- err
	}()
	time.Sleep(headStart)
	return func() (*measurement, error) {
		err := <-ended
		return &m, err
	}
}

// each works a value out in every round. Values of the same round are compared before a median is
// taken.
func (r rounds) each(value func(map[string]measurement) float64) []float64 {
	values := make([]float64, len(r))
	for i, round := range r {
		values[i] = value(round)
	}
	return values
}

// tolerance is how far the reference may be off its own median before its round counts as noisy.
const tolerance = 0.10

// noisy lists the rounds, from 1, in which the reference was off its usual rate: the machine had
// other work. They stay in the figures, whose medians tolerate them.
func (r rounds) noisy(reference string) []int {
	found := []int{}
	rates := r.each(of(measurement.rate, reference))
	usual := figure.Median(rates)
	for i, rate := range rates {
		if math.Abs(rate-usual) > tolerance*usual {
			found = append(found, i+1)
		}
	}
	return found
}

// of is a value of one contender.
func of(value func(measurement) float64, name string) func(map[string]measurement) float64 {
	return func(round map[string]measurement) float64 { return value(round[name]) }
}

// ratio is a value of one contender as a multiple of another's.
func ratio(value func(measurement) float64, name, over string) func(map[string]measurement) float64 {
	return func(round map[string]measurement) float64 { return value(round[name]) / value(round[over]) }
}
