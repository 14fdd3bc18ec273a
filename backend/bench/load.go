package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"curfew/backend/bench/program"
)

// loadScript makes wrk take turns through a file of requests, and print its figures as JSON.
//
//go:embed load.lua
var loadScript []byte

// load is what a generator does to a server: each connection sends its next request when the last
// one was answered.
type load struct {
	// requests is the file that they take turns through, count how many it holds, and first the
	// first.
	requests string
	count    int
	first    program.Request

	connections int
	seconds     int
	// pause is how long a connection waits between an answer and its next request. With a pause the
	// rate is a given one; without, the server is asked for all that it can do.
	pause time.Duration
}

// load writes the requests of credentials to a new file, and makes the load of 32 connections of
// them.
func (s *stage) load(credentials []string, by func(credential string) program.Request) (_ load, err error) {
	l := load{requests: s.file(), count: len(credentials), first: by(credentials[0]), connections: 32, seconds: 1}
	file, err := os.OpenFile(l.requests, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return load{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<20)
	for _, credential := range credentials {
		if err := errors.Join(by(credential).Write(out), out.WriteByte(0)); err != nil {
			return load{}, err
		}
	}
	return l, out.Flush()
}

// measurement is what a generator saw.
type measurement struct {
	Requests     int `json:"requests"`
	Microseconds int `json:"microseconds"`
	// P99 is the 99th percentile in microseconds. wrk counts in it what a slow answer kept it from
	// asking (coordinated omission).
	P99 int `json:"p99"`
	// Refused are answers with a status of 400 or more, Failed are requests without an answer.
	Refused int `json:"refused"`
	Failed  int `json:"failed"`
	// Beside is what a second generator saw at the same time.
	Beside *measurement `json:"-"`
}

// rate is answers per second.
func (m measurement) rate() float64 { return float64(m.Requests) / (float64(m.Microseconds) / 1e6) }

func (m measurement) p99() float64 { return float64(m.P99) }

// rateBeside is the rate of the load beside, admittedBeside that of its answers that were no
// refusals.
func (m measurement) rateBeside() float64 { return m.Beside.rate() }

func (m measurement) admittedBeside() float64 {
	return m.Beside.rate() * float64(m.Beside.Requests-m.Beside.Refused) / float64(m.Beside.Requests)
}

// generate puts the load on a server and waits for its end. It begins at that share of the file, so
// that a round sends other requests than the last one.
func (s *stage) generate(ctx context.Context, l load, address string, from float64) (measurement, error) {
	eager := 0
	if l.pause > 0 {
		eager = l.connections // all of them ask at once at first
	}
	start := int(from * float64(l.count))
	command := exec.CommandContext(ctx, "taskset", "-c", strconv.Itoa(s.cpus.generator), //nolint:gosec // all of it is ours
		s.wrk, "-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-d%ds", l.seconds), "--timeout", "20s",
		"-s", s.script, "http://"+address+"/",
		"--", l.requests, strconv.Itoa(start), strconv.FormatInt(l.pause.Milliseconds(), 10), strconv.Itoa(eager))
	var said strings.Builder
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return measurement{}, fmt.Errorf("wrk: %w: %s", err, said.String())
	}
	var m measurement
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &m); err != nil {
		return measurement{}, fmt.Errorf("wrk: %w: %s", err, said.String())
	}
	if m.Requests == 0 || m.Microseconds == 0 {
		return measurement{}, fmt.Errorf("wrk: nothing was answered: %s", said.String())
	}
	return m, nil
}
