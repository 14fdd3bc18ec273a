package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"curfew/backend/faults/judge"
)

// corrupt damages files that many times in each of three ways: a page of the database is lost, a
// bit of it flips, or a bit of the write-ahead log does. The first start after it must refuse with
// one clear line, or else let no ended session in. SQLite has no checksum for pages, so a flipped
// bit within a value may go unnoticed. In the log it may not, because that would take answered work
// back.
func (s *stage) corrupt(ctx context.Context, n int) error {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return err
	}
	return c.judged(ctx, "corrupt files", c.corrupted(ctx, n))
}

func (c *campaign) corrupted(ctx context.Context, n int) error {
	busy := func(end func(*server) error) func(*server) error {
		return func(running *server) error {
			rest(ctx, 1200*time.Millisecond)
			return end(running)
		}
	}
	c.crowd.eager = (*crowd).revoke
	crashed, folded := c.folder+".crashed", c.folder+".folded"
	// With a log that is not folded in yet, and without.
	err := errors.Join(
		c.live(ctx, busy((*server).kill)), copyFolder(c.folder, crashed),
		c.live(ctx, busy((*server).stop)), copyFolder(c.folder, folded))
	if err != nil {
		return err
	}
	refused, served := 0, 0
	for i := range 3 * n {
		kind := []struct {
			name, from, file string
			damage           func([]byte)
		}{
			{"page of the database lost", folded, "curfew.db", losePage},
			{"bit of the database flipped", folded, "curfew.db", flipBit},
			{"bit of the write-ahead log flipped", crashed, "curfew.db-wal", flipEarlyBit},
		}[i%3]
		wrong, err := c.servedDamaged(ctx, kind.from, kind.file, kind.damage)
		switch {
		case err != nil:
			return err
		case wrong == "":
			refused++
		case wrong == serves && kind.file == "curfew.db":
			served++
		default:
			c.stage.report.blame("start", "%s: %s", kind.name, wrong)
		}
		c.stage.report.count(kind.name)
	}
	c.stage.report.tell("corrupt files", "%d starts refused with one clear line; %d served, with damage that nothing shows, and let no ended session in", refused, served)
	return nil
}

// serves is returned if the program serves instead of refusing.
const serves = "it serves"

// servedDamaged damages a copy of the folder and starts the program on it. If that serves, no ended
// session may get in.
func (c *campaign) servedDamaged(ctx context.Context, from, file string, damage func([]byte)) (wrong string, err error) {
	folder := c.folder + ".damaged"
	if err := copyFolder(from, folder); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, file)
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	damage(raw)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return "", err
	}
	return refusedStart(ctx, c.program, folder, folder+".log", func(address string) error {
		asking := newClient(address, &recorder{begun: c.stage.begun})
		defer asking.http.CloseIdleConnections()
		for _, h := range c.crowd.dead[:min(40, len(c.crowd.dead))] {
			_, op, err := asking.do(ctx, judge.Op{Kind: judge.Use}, request{method: http.MethodGet, path: "/api/session", token: h.access, passive: true})
			if err != nil {
				return err
			}
			if op.Status == http.StatusOK {
				c.stage.report.blame("I5", "with a damaged %s a session lives that had ended", file)
			}
		}
		return nil
	})
}

const page = 4096

func losePage(raw []byte) {
	at := rand.IntN(len(raw)/page) * page
	for i := range page {
		raw[at+i] = byte(rand.Uint32())
	}
}

func flipBit(raw []byte) { raw[rand.IntN(len(raw))] ^= 1 << rand.IntN(8) }

// flipEarlyBit flips a bit in the first half of the log that is in use: in its header, or in a
// frame with the header's salt. It leaves the last transaction alone, because damage there looks
// like a write that a power loss has torn, and also the frames of an earlier log.
func flipEarlyBit(raw []byte) {
	const header, frame = 32, 24 + page
	used := header
	for used+frame <= len(raw) && string(raw[used+8:used+16]) == string(raw[16:24]) {
		used += frame
	}
	flipBit(raw[:used/2])
}
