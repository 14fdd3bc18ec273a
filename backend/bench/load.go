package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// loadScript makes wrk take turns through a file of requests, and print what it measured as JSON.
//
//go:embed load.lua
var loadScript []byte

// request is one of a load's.
type request struct {
	method, path, body string
	headers            []header
}

// header is the name of an HTTP header and its value.
type header [2]string

// write writes the request as it is sent. All servers are on this machine, so that their name says nothing.
func (r request) write(w *bufio.Writer) error {
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: localhost\r\n", r.method, r.path)
	for _, h := range r.headers {
		fmt.Fprintf(w, "%s: %s\r\n", h[0], h[1])
	}
	if r.body != "" {
		fmt.Fprintf(w, "Content-Length: %d\r\n", len(r.body))
	}
	_, err := fmt.Fprintf(w, "\r\n%s", r.body) // what failed before fails here again
	return err
}

// writeRequests makes the file that a load goes through.
func writeRequests(path string, requests iter.Seq[request]) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<20)
	for r := range requests {
		if err := errors.Join(r.write(out), out.WriteByte(0)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// load is what a generator does to a server: each connection sends its next request when the last one was answered.
type load struct {
	// requests is the file that they take turns through, which holds so many; first is the first of them.
	requests string
	count    int
	first    request

	connections int
	seconds     int
	// pause is how long a connection waits between an answer and its next request. It makes the rate a given one, where a server would
	// otherwise be asked for all that it can do.
	pause time.Duration
	// fresh tells that no request of the file may be sent twice in a round.
	fresh bool
}

// measurement is what a generator saw.
type measurement struct {
	Requests     int `json:"requests"`
	Microseconds int `json:"microseconds"`
	// Half of the answers, and 99 of 100, came within these microseconds. wrk counts among them what a long answer kept it from asking.
	P50  int `json:"p50"`
	P99  int `json:"p99"`
	Most int `json:"most"`
	// Refused are answers with a status of 400 or more; Failed are requests that were not answered.
	Refused int `json:"refused"`
	Failed  int `json:"failed"`

	// Busy is how much of one processor's time the server used. Saturating tells that it had reason to use all of it; less tells that the machine
	// had other things to do, or that the generator could not follow.
	Busy       float64 `json:"busy"`
	Saturating bool    `json:"saturating"`
	// Beside is what a second generator saw at the same time.
	Beside *measurement `json:"beside,omitempty"`
	// The server's memory, in MiB.
	MemoryBefore float64 `json:"memoryBefore"`
	MemoryPeak   float64 `json:"memoryPeak"`
	MemoryAfter  float64 `json:"memoryAfter"`
}

// rate is answers per second.
func (m measurement) rate() float64 { return float64(m.Requests) / (float64(m.Microseconds) / 1e6) }

// thrift is answers per second of the server's processor time. It is the rate that a server would have whose processor nobody else used.
func (m measurement) thrift() float64 { return m.rate() / m.Busy }

// admitted is the rate of those answers that were no refusals.
func (m measurement) admitted() float64 {
	return float64(m.Requests-m.Refused) / (float64(m.Microseconds) / 1e6)
}

func (m measurement) p50() float64          { return float64(m.P50) }
func (m measurement) p99() float64          { return float64(m.P99) }
func (m measurement) memoryBefore() float64 { return m.MemoryBefore }
func (m measurement) memoryPeak() float64   { return m.MemoryPeak }
func (m measurement) memoryAfter() float64  { return m.MemoryAfter }

// rateBeside is the rate of the load beside, and admittedBeside that of its answers that were no refusals.
func (m measurement) rateBeside() float64     { return m.Beside.rate() }
func (m measurement) admittedBeside() float64 { return m.Beside.admitted() }

// generate puts the load on the server at the address and waits for its end. It passes over the first requests of the file, so that what
// the server has seen in one round is not all that it sees in the next.
func (s *stage) generate(ctx context.Context, l load, address string, start int) (measurement, error) {
	eager := 0
	if l.pause > 0 {
		eager = l.connections
	}
	command := exec.CommandContext(ctx, s.tools.taskset, "-c", strconv.Itoa(s.cores.generator), //nolint:gosec // all of it is ours
		s.tools.wrk, "-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-d%ds", l.seconds), "--timeout", "20s",
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
