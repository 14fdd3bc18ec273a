package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// starve takes file descriptors away from the running server that many times, and memory from as
// many others.
func (s *stage) starve(ctx context.Context, n int) error {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return err
	}
	for range n {
		if err = c.live(ctx, func(running *server) error { return c.starved(ctx, running) }); err != nil {
			break
		}
		s.report.count("descriptors starved")
		// Less than it wants: it has to collect garbage all the time, and must not fall.
		err = c.live(ctx, func(running *server) error {
			rest(ctx, 700*time.Millisecond)
			return errors.Join(c.writesAgain(ctx), running.stop())
		}, "GOMEMLIMIT=8MiB")
		if err != nil {
			break
		}
		s.report.count("memory starved")
	}
	return c.judged(ctx, "starved", err)
}

// starved lets the server have no more descriptors than it uses, while new clients come.
func (c *campaign) starved(ctx context.Context, running *server) error {
	rest(ctx, 200*time.Millisecond)
	pid := running.command.Process.Pid
	open, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	if err != nil {
		return err
	}
	var before unix.Rlimit
	few := unix.Rlimit{Cur: uint64(len(open)), Max: 1 << 16}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		return err
	}
	few.Max = before.Max
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		return err
	}
	c.crowd.client.http.CloseIdleConnections() // so that all of them connect again
	crowded := connect(ctx, c.address, 50)
	rest(ctx, 500*time.Millisecond)
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil); err != nil {
		return err
	}
	hangUp(crowded)
	return errors.Join(c.writesAgain(ctx), running.stop())
}

// connect opens connections and sends the beginning of a request on each, and no more.
func connect(ctx context.Context, address string, n int) (open []net.Conn) {
	for range n {
		connection, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			continue
		}
		if _, err := connection.Write([]byte("GET /api/session HTTP/1.1\r\nHost: ")); err == nil {
			open = append(open, connection)
		}
	}
	return open
}

// hangUp closes connections of which the server may have closed some already.
func hangUp(open []net.Conn) {
	for _, connection := range open {
		_ = connection.Close()
	}
}

// besiege lets a thousand slow clients and a thousand sign-ins come at once, and looks whether the
// server is afterwards what it was before.
func (s *stage) besiege(ctx context.Context, _ int) error {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return err
	}
	err = c.besieged(ctx)
	return c.judged(ctx, "a thousand at once", err)
}

const (
	manyClients = 1000
	// What may be left when all are gone: of goroutines and descriptors nothing but what comes and
	// goes by itself, and of memory what the runtime has not given back yet.
	moreOfEither, moreMegabytes = 8, 64
)

func (c *campaign) besieged(ctx context.Context) error {
	counts := c.folder + ".vitals"
	s, err := started(ctx, c.program, c.folder, c.address, "FAULT_VITALS="+counts)
	if err != nil {
		return err
	}
	defer s.kill() //nolint:errcheck // it has ended where all went well
	if err := c.writesAgain(ctx); err != nil {
		return err
	}
	c.crowd.client.http.CloseIdleConnections()
	rest(ctx, 1500*time.Millisecond)
	before, err := s.vitals(counts)
	if err != nil {
		return err
	}

	slow := connect(ctx, c.address, manyClients)
	var (
		all    sync.WaitGroup
		in     atomic.Int64
		gate   = make(chan struct{})
		crowds = c.crowd.deployment.accounts
	)
	for i := range manyClients {
		all.Go(func() {
			<-gate
			if c.crowd.signIn(ctx, crowds[i%len(crowds)]) == nil {
				in.Add(1)
			}
		})
	}
	close(gate)
	peak := before
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-time.After(300 * time.Millisecond):
			now, err := s.vitals(counts)
			if err != nil {
				return err
			}
			peak = vitals{max(peak.descriptors, now.descriptors), max(peak.goroutines, now.goroutines), max(peak.megabytes, now.megabytes)}
		}
	}
	// The server ends slow clients by itself.
	c.crowd.client.http.CloseIdleConnections()
	var after vitals
	for range 60 {
		rest(ctx, 500*time.Millisecond)
		if after, err = s.vitals(counts); err != nil {
			return err
		}
		if back(before, after) {
			break
		}
	}
	hangUp(slow)
	c.stage.report.tell("a thousand slow clients and a thousand sign-ins at once", "%d slow, %d signed in; descriptors %d, %d, %d; goroutines %d, %d, %d; megabytes %d, %d, %d (before, at most, after)",
		len(slow), in.Load(), before.descriptors, peak.descriptors, after.descriptors, before.goroutines, peak.goroutines, after.goroutines, before.megabytes, peak.megabytes, after.megabytes)
	if !back(before, after) {
		c.stage.report.blame("I17", "descriptors, goroutines or memory do not come back: %+v, then %+v", before, after)
	}
	if !s.alive() {
		return fmt.Errorf("the server did not survive: %w", s.err)
	}
	return s.stop()
}

func back(before, after vitals) bool {
	return after.descriptors <= before.descriptors+moreOfEither && after.goroutines <= before.goroutines+moreOfEither &&
		after.megabytes <= before.megabytes+moreMegabytes
}
