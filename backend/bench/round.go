package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// contender is one server under one load, which is measured beside others'.
type contender struct {
	name   string
	server *server
	load   load
	// open tells that the server admits anybody, as the bare one does.
	open bool
	// waits tells that the server waits for the disk, so that it leaves its processor idle by itself.
	waits bool
	// beside is a second load on the same server at the same time; nil for none.
	beside *load
	// warmth is how many requests the server has to have answered before the first round.
	warmth int
}

// contest is contenders that are compared with one another: in each round each of them runs once, and every round begins with another one.
// So whatever slows the machine down for a while slows all of them down.
type contest struct {
	contenders []contender
	rounds     int
	// fresh makes requests for a round that no server has seen, which all contenders get. It is told the highest rate that was seen while
	// warming up. Nil where each round has the same requests.
	fresh func(fastest float64) (load, error)
}

// rounds are what was measured: in each of them every contender once, by its name.
type rounds []map[string]measurement

func (s *stage) hold(ctx context.Context, c contest) (rounds, error) {
	for _, contender := range c.contenders {
		if err := contender.server.halt(); err != nil {
			return nil, err
		}
	}
	fastest := 0.0
	for _, contender := range c.contenders {
		rate, err := s.warmUp(ctx, contender)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contender.name, err)
		}
		fastest = max(fastest, rate)
	}
	measured := make(rounds, c.rounds)
	for round := range measured {
		var fresh *load
		if c.fresh != nil {
			l, err := c.fresh(fastest)
			if err != nil {
				return nil, err
			}
			fresh = &l
		}
		measured[round] = map[string]measurement{}
		for i := range c.contenders {
			contender := c.contenders[(i+round)%len(c.contenders)]
			if fresh != nil {
				contender.load = *fresh
			}
			// Where this round goes through the file from; its first part is for warming up.
			start := contender.load.count / (c.rounds + 1) * (round + 1)
			m, err := s.measure(ctx, contender, start)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contender.name, err)
			}
			measured[round][contender.name] = m
		}
	}
	return measured, nil
}

// warmUp makes sure that the server does what it is measured for, loads it until it is warm, and tells the rate that it came to.
func (s *stage) warmUp(ctx context.Context, c contender) (rate float64, err error) {
	if err := c.server.resume(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.server.halt()) }()
	if err := s.check(ctx, c); err != nil {
		return 0, err
	}
	warming := c.load
	warming.seconds = 1
	for answered := 0; answered <= c.warmth; {
		m, err := s.generate(ctx, warming, c.server.address, answered)
		if err != nil {
			return 0, err
		}
		answered, rate = answered+m.Requests, m.rate()
	}
	return rate, nil
}

// headStart is how long a load beside runs before what is measured begins.
const headStart = 700 * time.Millisecond

// measure runs the contender's load once. A load whose requests are refused or not answered measures something else than it should, and
// is an error.
func (s *stage) measure(ctx context.Context, c contender, start int) (_ measurement, err error) {
	if err := c.server.resume(ctx); err != nil {
		return measurement{}, err
	}
	defer func() { err = errors.Join(err, c.server.halt()) }()
	if err := c.server.forgetPeak(); err != nil {
		return measurement{}, err
	}
	before, err := c.server.usage(ctx)
	if err != nil {
		return measurement{}, err
	}
	waitBeside := s.runBeside(ctx, c, start)
	m, err := s.generate(ctx, c.load, c.server.address, start)
	beside, errBeside := waitBeside()
	if err := errors.Join(err, errBeside); err != nil {
		return measurement{}, err
	}
	after, err := c.server.usage(ctx)
	if err != nil {
		return measurement{}, err
	}
	m.Beside, m.MemoryBefore, m.MemoryPeak, m.MemoryAfter = beside, before.memory, after.peak, after.memory
	m.Busy = (after.processor - before.processor).Seconds() / (float64(m.Microseconds) / 1e6)
	m.Saturating = c.load.pause == 0 && c.load.connections > 1 && !c.waits
	return m, c.load.judge(m)
}

// judge returns an error for a measurement of something else than the load was to measure.
func (l load) judge(m measurement) error {
	if m.Refused > 0 || m.Failed > 0 {
		return fmt.Errorf("of %d requests %d were refused, and %d more not answered", m.Requests, m.Refused, m.Failed)
	}
	if l.fresh && m.Requests+l.connections > l.count {
		return fmt.Errorf("%d requests were sent of only %d that were to be sent once each", m.Requests, l.count)
	}
	return nil
}

// runBeside starts the load beside, if there is one, and returns what waits for its end.
func (s *stage) runBeside(ctx context.Context, c contender, start int) (wait func() (*measurement, error)) {
	if c.beside == nil {
		return func() (*measurement, error) { return nil, nil }
	}
	type outcome struct {
		measurement
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		m, err := s.generate(ctx, *c.beside, c.server.address, c.beside.count*start/max(1, c.load.count))
		ended <- outcome{m, err}
	}()
	time.Sleep(headStart)
	return func() (*measurement, error) {
		o := <-ended
		return &o.measurement, o.err
	}
}

// spread is how something came out over all rounds.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func spreadOf(values []float64) spread {
	return spread{Median: median(values), Low: slices.Min(values), High: slices.Max(values)}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// each works a value out in every round. So what was measured at the same time is compared, and only then is a median taken.
func (r rounds) each(value func(map[string]measurement) float64) []float64 {
	values := make([]float64, len(r))
	for i, round := range r {
		values[i] = value(round)
	}
	return values
}

const (
	// tolerance is how far the reference may be off its own median before its round counts as noisy.
	tolerance = 0.10
	// idle is how much of its processor a server may leave unused that is asked for all that it can do.
	idle = 0.10
)

// noisy are the rounds, from 1, in which the machine was not ours alone: the reference was off its median of all rounds, or a server did not
// get its processor. They stay in the figures, whose medians bear them; but whoever reads those should know.
func (r rounds) noisy(reference string) []int {
	found := []int{}
	usual := median(r.each(of(reference, measurement.rate)))
	for i, round := range r {
		off := math.Abs(round[reference].rate()-usual) > tolerance*usual
		for _, m := range round {
			off = off || m.Saturating && m.Busy < 1-idle
		}
		if off {
			found = append(found, i+1)
		}
	}
	return found
}

// of is the value of one contender.
func of(name string, value func(measurement) float64) func(map[string]measurement) float64 {
	return func(round map[string]measurement) float64 { return value(round[name]) }
}

// ratio is the value of one contender as a multiple of another's.
func ratio(value func(measurement) float64, name, over string) func(map[string]measurement) float64 {
	return func(round map[string]measurement) float64 { return value(round[name]) / value(round[over]) }
}
