package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"curfew/backend/faults/judge"
)

// trace is the scene that shows what kill -9 cannot: that what was answered would survive a power
// loss. It runs the server under strace, makes one request after the other that promises something,
// and looks in the order of the system calls for the sync before each answer.
func (s *stage) trace(ctx context.Context, _ int) error {
	if _, err := exec.LookPath("strace"); err != nil {
		s.report.tell("sync before answer", "not played: there is no strace")
		return nil //nolint:nilerr // and the report says so
	}
	answers, found, err := s.traceOnce(ctx, s.curfew)
	if err != nil {
		return err
	}
	for _, violation := range found {
		s.report.blame(violation.Invariant, "%s", violation.What)
	}
	s.report.tell("sync before answer", "%d promises, each synced before its answer was written", answers-len(found))
	return nil
}

func (s *stage) traceMutant(ctx context.Context, m *mutant) ([]judge.Violation, error) {
	_, found, err := s.traceOnce(ctx, s.mutant, m.environment())
	return found, err
}

func (s *stage) traceOnce(ctx context.Context, program string, environment ...string) (answers int, found []judge.Violation, err error) {
	c, err := s.begin(ctx, program, "")
	if err != nil {
		return 0, nil, err
	}
	calls := c.folder + ".calls"
	said, err := os.Create(c.folder + ".log")
	if err != nil {
		return 0, nil, err
	}
	running := newServer(ctx, program, c.folder, c.address, said, environment...)
	underStrace(ctx, running, calls, "pwrite64,write,fdatasync,fsync")
	if err := errors.Join(running.run(), said.Close(), running.awaitAnswer(ctx)); err != nil {
		return 0, nil, err
	}
	asked, err := c.promise(ctx)
	if err := errors.Join(err, running.stop()); err != nil {
		return 0, nil, err
	}
	answers, found, err = judgeCalls(calls, filepath.Base(databaseIn(c.folder))+"-wal")
	if err == nil && answers != asked {
		err = fmt.Errorf("%d requests were answered, and the trace has %d answers", asked, answers)
	}
	return answers, found, errors.Join(err, c.remove())
}

// underStrace has the server run under strace, which writes these system calls of its into a file.
// The tracer stands aside (-D), so that the server is our own child, to be stopped by its number.
func underStrace(ctx context.Context, s *server, file, calls string) {
	traced := exec.CommandContext(ctx, "strace", append([]string{"-D", "-f", "-y", "-s", "16", "-o", file, "-e", "trace=" + calls}, s.command.Args...)...) //nolint:gosec // ours
	traced.Env, traced.Stdout, traced.Stderr = s.command.Env, s.command.Stdout, s.command.Stderr
	s.command = traced
}

// promise makes one request of each kind that promises something, one after the other, and counts
// them. None of them is an access, so that no touch is written in between.
func (c *campaign) promise(ctx context.Context) (asked int, err error) {
	if err := c.crowd.signIn(ctx, c.crowd.deployment.accounts[0]); err != nil {
		return 0, err
	}
	holders := c.crowd.living
	owner := holders[len(holders)-1]
	others := func(role string) (found []*holder) {
		for _, h := range holders {
			if h.account.role == role {
				found = append(found, h)
			}
		}
		return found
	}
	members := others("member")
	promises := []struct {
		by *holder
		request
	}{
		{nil, request{method: http.MethodPost, path: "/api/sessions/refresh", body: map[string]string{"refreshToken": owner.tokens[0]}}},
		{owner, request{method: http.MethodPut, path: "/api/settings/security", body: rawJSON(`{"sessionLength": {"value": 9, "unit": "days"}, "refreshAutomatically": true, "maximumLifetime": null}`)}},
		{owner, request{method: http.MethodPost, path: "/api/session/reauthenticate", body: map[string]string{"password": password}}},
		{owner, request{method: http.MethodDelete, path: "/api/sessions/" + members[0].session}},
		{members[1], request{method: http.MethodDelete, path: "/api/session"}},
		{members[2], request{method: http.MethodPost, path: "/api/sessions/revoke-others"}},
		{owner, request{method: http.MethodPost, path: "/api/members/" + members[2].account.id + "/revoke-sessions"}},
		{owner, request{method: http.MethodPatch, path: "/api/members/" + members[2].account.id, body: map[string]any{"active": false}}},
		{owner, request{method: http.MethodPost, path: "/api/sessions/revoke-all"}},
	}
	for _, p := range promises {
		p.passive = true
		if p.by != nil {
			p.token = p.by.access
		}
		_, op, err := c.crowd.client.do(ctx, judge.Op{}, p.request)
		if err != nil || op.Status/100 != 2 {
			return 0, fmt.Errorf("%s %s: %d %s %w", p.method, p.path, op.Status, op.Code, err)
		}
	}
	return 1 + len(promises), nil // and the sign-in
}

var (
	// As in: 4242 pwrite64(8</data/curfew.db-wal>, "..."..., 4096, 32) = 4096
	wholeCall = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(?:, "([^"]*)")?`)
	resumed   = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>`)
)

// judgeCalls reads the system calls in their order. An answer that says that something was done
// must find nothing in the write-ahead log that was written and not synced since, and something
// that was. The first answer says only that the server is there.
func judgeCalls(path, log string) (answers int, found []judge.Violation, err error) {
	answers = -1
	file, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	var (
		unsynced, synced bool
		syncing          = map[string]bool{} // threads within a sync that will cover all that was written before it began
	)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if back := resumed.FindStringSubmatch(line); back != nil {
			if syncing[back[1]] && strings.HasSuffix(line, "= 0") {
				unsynced, synced = false, true
			}
			delete(syncing, back[1])
			continue
		}
		call := wholeCall.FindStringSubmatch(line)
		if call == nil {
			continue
		}
		thread, name, on, text := call[1], call[2], call[3], call[4]
		switch {
		case name == "pwrite64" && strings.HasSuffix(on, log):
			unsynced = true
			clear(syncing) // what is being synced may not cover this
		case (name == "fdatasync" || name == "fsync") && strings.HasSuffix(on, log):
			if strings.Contains(line, "<unfinished") {
				syncing[thread] = true
			} else {
				unsynced, synced = false, true
			}
		case name == "write" && (strings.HasPrefix(on, "socket:") || strings.HasPrefix(on, "TCP")) && strings.HasPrefix(text, "HTTP/1.1 2"):
			answers++
			if answers == 0 {
				continue // that it is there
			}
			if unsynced || !synced {
				found = append(found, judge.Violation{Invariant: "sync before answer", What: fmt.Sprintf("answer %d was written before what it promises was synced", answers)})
			}
			synced = false
		}
	}
	return answers, found, lines.Err()
}
