package scale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"curfew/backend/bench/population"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// subject is what a server has in memory and on disk for one number of sessions, without the
// server.
type subject struct {
	size int
	db   *store.DB
	// raw writes without the store, to undo what was measured.
	raw      *sql.DB
	sessions *session.Service
	// who is an owner with a fresh session.
	who    session.Principal
	proof  member.Proof
	picked int
}

func openSubject(ctx context.Context, folder string, size int) (_ *subject, err error) {
	s := &subject{size: size}
	path := population.Database(folder)
	if s.db, err = store.Open(ctx, path, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if s.raw, err = openRaw(path); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if err := lengthenLog(ctx, s.raw); err != nil {
		return nil, errors.Join(err, s.close())
	}
	owner, passwordHash, err := s.db.MemberByEmail(ctx, population.OwnerEmail)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.proof = member.Proof{Member: owner, PasswordHash: passwordHash, Methods: []string{"password"}}
	return s, nil
}

func (s *subject) close() error {
	s.sessions = nil
	return errors.Join(s.raw.Close(), s.db.Close())
}

// restore undoes everything that was done to the database since it was made, except the audit log.
func (s *subject) restore(ctx context.Context) error {
	_, err := s.raw.ExecContext(ctx, `
		BEGIN IMMEDIATE;
		UPDATE organization SET generation = 1, version = 1, length_value = 14, length_unit = 'days',
		       refresh_automatically = 1, maximum_value = NULL, maximum_unit = NULL,
		       started_after = 0, authenticated_after = 0;
		DELETE FROM revocations;
		UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_by = NULL WHERE ended_at IS NOT NULL;
		DELETE FROM sessions WHERE id > '00000000-0000-7000-9';
		COMMIT;
		PRAGMA wal_checkpoint(RESTART)`)
	return err
}

// load restores the database, reads it as a server does when it starts, and signs the owner in.
func (s *subject) load(ctx context.Context) (err error) {
	if err := s.restore(ctx); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	s.sessions = nil
	runtime.GC()
	if s.sessions, err = session.New(ctx, s.db, time.Now, [32]byte{}); err != nil {
		return err
	}
	debug.FreeOSMemory() // so that no sample pays for the garbage of the load
	if s.who, err = s.start(ctx); err != nil {
		return err
	}
	return s.warm(ctx)
}

// warm signs in and out, as members do all the time. Right after a load the first of them wait for
// memory that the load has evicted from the CPU's caches.
func (s *subject) warm(ctx context.Context) error {
	for range 30 {
		who, err := s.start(ctx)
		if err != nil {
			return err
		}
		if err := s.sessions.Revoke(ctx, s.who, who.Session.ID); err != nil {
			return err
		}
	}
	return s.sessions.Flush(ctx)
}

// start signs the owner in.
func (s *subject) start(ctx context.Context) (session.Principal, error) {
	who, _, err := s.sessions.Start(ctx, s.proof, session.Client{
		Address:   session.ParseAddress("192.0.2.1"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	})
	return who, err
}

// pick returns a session from anywhere, another one each time.
func (s *subject) pick() session.ID {
	s.picked++
	number := 1 + int(uint64(s.picked)*2_654_435_761%uint64(s.size))
	return session.ID(population.SessionID(number))
}

// admit checks a session. Sessions that the run has revoked are refused.
func (s *subject) admit(ctx context.Context, id session.ID, kind session.Access) error {
	_, err := s.sessions.Admit(ctx, id, 1, kind)
	if err == nil {
		return nil
	}
	var ended *session.EndedError // only here, because it is allocated
	if errors.As(err, &ended) {
		return nil
	}
	return err
}

// heapOf returns how many bytes the heap holds once all sessions are loaded and each was admitted.
func heapOf(ctx context.Context, folder string, size int) (_ float64, err error) {
	s, err := openSubject(ctx, folder, size)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.load(ctx); err != nil {
		return 0, err
	}
	for number := range size {
		if err := s.admit(ctx, session.ID(population.SessionID(number+1)), session.Passive); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	runtime.GC() // frees what the first one finalized
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	runtime.KeepAlive(s.sessions)
	return float64(stats.HeapAlloc), nil
}
