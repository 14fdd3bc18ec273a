package scale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"runtime/debug"
	"time"

	"curfew/backend/bench/population"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// What is measured.
const (
	bareCommit   = "bare durable commit"
	programStart = "start-up to first answer"
	firstList    = "start-up to first list"
	load         = "read all live sessions"
	revokeAll    = "revoke all"
	revokeMember = "revoke one member"
	revokeOne    = "revoke one session"
	savePolicy   = "save a policy"
	signIn       = "sign in, less the password hash"
	preview      = "preview a policy"
	firstPage    = "list, first page"
	flush        = "flush 10,000 touches"
	sweepRevoked = "sweep the revoked, one batch"
	sweepExpired = "sweep the expired, one batch"
	heapSize     = "memory per session"
	fileSize     = "file per session"

	backup      = "back up, while serving"
	restore     = "restore a backup"
	slowRequest = "slowest request during a backup"
	idleRequest = "slowest request without one"
	slowCommit  = "slowest sign-out during a backup"
	idleCommit  = "slowest sign-out without one"
	logGrowth   = "log that a backup leaves"
)

// mostTouches is how many sessions a flush finds touched, or all of them where there are fewer.
const mostTouches = 10_000

// subject is what a server has in memory and on disk for some number of sessions, without the server.
type subject struct {
	size int
	db   *store.DB
	// raw writes past the store, to take back what was measured.
	raw      *sql.DB
	sessions *session.Service
	members  *member.Service
	// who is an owner with a fresh session.
	who   session.Principal
	proof member.Proof
	// reads is how long it took to read all live sessions, each time.
	reads []time.Duration
	// picked counts what was picked.
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

// openRaw opens a database with the store's settings, past the store.
func openRaw(path string) (*sql.DB, error) {
	pragmas := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"5000"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// lengthenLog gives the write-ahead log the length that it has in a database that has been in use for a while. Until then each commit
// makes the file longer, which is dearer than writing into it.
func lengthenLog(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE filler AS SELECT zeroblob(5000000); DROP TABLE filler; PRAGMA wal_checkpoint(RESTART)")
	return err
}

// restore takes back everything that was done to the database since it was made, but for the audit log.
func (s *subject) restore(ctx context.Context) error {
	_, err := s.raw.ExecContext(ctx, `
		BEGIN IMMEDIATE;
		UPDATE organization SET generation = 1, version = 1, length_value = 14, length_unit = 'days', refresh_automatically = 1,
		       maximum_value = NULL, maximum_unit = NULL, started_after = 0, authenticated_after = 0;
		DELETE FROM revocations;
		UPDATE members SET generation = 1 WHERE generation <> 1;
		UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_by = NULL WHERE ended_at IS NOT NULL;
		DELETE FROM sessions WHERE id > '00000000-0000-7000-9';
		COMMIT;
		PRAGMA wal_checkpoint(RESTART)`)
	return err
}

// load restores the database, reads it as a server does when it starts, and signs an owner in.
func (s *subject) load(ctx context.Context) (err error) {
	if err := s.restore(ctx); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	s.sessions = nil
	runtime.GC()
	took, err := timed(func() error {
		s.sessions, err = session.New(ctx, s.db, time.Now, [32]byte{})
		return err
	})
	if err != nil {
		return err
	}
	s.reads = append(s.reads, took)
	if s.members, err = member.New(s.db, time.Now, time.Now, "", s.sessions, [32]byte{}, &url.URL{Scheme: "https", Host: "curfew.example.org"}); err != nil {
		return err
	}
	debug.FreeOSMemory() // what reading left behind would be collected, and given back for seconds, at somebody else's expense
	if s.who, err = s.start(ctx); err != nil {
		return err
	}
	return s.warm(ctx)
}

// warm does some of what a server does all the time: people come and go. Right after a start the first few who do wait for what the reading of
// all sessions has put out of the processor's caches, the more of these there are.
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

func (s *subject) start(ctx context.Context) (session.Principal, error) {
	who, _, err := s.sessions.Start(ctx, s.proof, session.Client{
		Address: session.ParseAddress("192.0.2.1"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	})
	return who, err
}

// pick gives another number up to most each time, from all over.
func (s *subject) pick(most int) int {
	s.picked++
	return 1 + int(uint64(s.picked)*2_654_435_761%uint64(most))
}

// operation is one thing that is measured.
type operation struct {
	name string
	// samples is how often a round measures it, and least how often it does where that takes long.
	samples, least int
	// prepare gives what is to be measured, after it has done what is not.
	prepare func(context.Context, *subject) (func() error, error)
}

// revocation comes first in a round, because it leaves nothing in memory to measure the others on. There is something to read anew before each,
// which is no reason to measure it less often: most of what it takes is one sync, whose time varies more than that of anything else here.
var revocation = operation{revokeAll, 5, 5, func(ctx context.Context, s *subject) (func() error, error) {
	return func() error {
		receipt, err := s.sessions.RevokeAll(ctx, s.who, "", "")
		if err == nil && receipt.SessionsEnded != s.size+1 {
			err = fmt.Errorf("revoked %d sessions", receipt.SessionsEnded)
		}
		return err
	}, s.load(ctx)
}}

// operations are all others.
var operations = []operation{
	{signIn, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error { _, err := s.start(ctx); return err }, nil
	}},
	{revokeOne, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		id := session.ID(population.SessionID(s.pick(s.size)))
		return func() error { return s.sessions.Revoke(ctx, s.who, id) }, nil
	}},
	{revokeMember, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		id := member.ID(population.MemberID(s.pick(membersOf(s.size))))
		return func() error { _, err := s.members.RevokeSessions(ctx, s.who.Caller(), id); return err }, nil
	}},
	{savePolicy, 10, 3, func(ctx context.Context, s *subject) (func() error, error) {
		next := s.sessions.Organization().Policy
		next.Length.Value = 21 - next.Length.Value // 14 days and 7 in turns
		return func() error { _, err := s.sessions.SavePolicy(ctx, s.who, next, nil); return err }, nil
	}},
	{preview, 20, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error {
			seen, err := s.sessions.Preview(ctx, s.who, halfAnHour)
			if err == nil && seen.AtOnce.Sessions == 0 {
				err = errors.New("nobody would be signed out")
			}
			return err
		}, nil
	}},
	{firstPage, 20, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error {
			page, _, _, err := s.sessions.Find(ctx, s.who, session.Query{Order: session.ByLastSeen, Limit: 50})
			if err == nil && len(page) != 50 {
				err = fmt.Errorf("listed %d sessions", len(page))
			}
			return err
		}, nil
	}},
	{flush, 70, 3, func(ctx context.Context, s *subject) (func() error, error) {
		return func() error { return s.sessions.Flush(ctx) }, s.admit(ctx, min(s.size, mostTouches), session.Active)
	}},
}

// halfAnHour is a policy that ends half of the population. What counts is the sign-ins, which nothing moves.
var halfAnHour = session.Policy{
	Length:          session.Length{Value: 30, Unit: session.Minutes},
	MaximumLifetime: session.Length{Value: 30, Unit: session.Minutes},
}

// admit lets so many sessions, from all over and others each time, make a request. Those that have been revoked are refused.
func (s *subject) admit(ctx context.Context, number int, kind session.Access) error {
	for range number {
		id := session.ID(population.SessionID(s.pick(s.size)))
		var ended *session.EndedError
		if _, err := s.sessions.Admit(ctx, id, kind); err != nil && !errors.As(err, &ended) {
			return err
		}
	}
	return nil
}

// sweep ends sessions, and measures at most so many batches of the sweep that follows.
func (s *subject) sweep(ctx context.Context, end func() error, most int) (batches []time.Duration, err error) {
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if err := end(); err != nil {
		return nil, err
	}
	for more := true; more && len(batches) < most; {
		took, err := timed(func() error { more, err = s.sessions.Sweep(ctx); return err })
		if err != nil {
			return nil, err
		}
		batches = append(batches, took)
	}
	return batches, nil
}

// revokeEverybody and expireHalf end sessions for the sweep to find.
func (s *subject) revokeEverybody(ctx context.Context) error {
	_, err := s.sessions.RevokeAll(ctx, s.who, "", "")
	return err
}

func (s *subject) expireHalf(ctx context.Context) error {
	_, err := s.sessions.SavePolicy(ctx, s.who, halfAnHour, nil)
	return err
}

// heapOf is how many bytes the heap holds once all sessions are read, and each of them was admitted.
func heapOf(ctx context.Context, folder string, size int) (_ float64, err error) {
	s, err := openSubject(ctx, folder, size)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.load(ctx); err != nil {
		return 0, err
	}
	if err := s.admit(ctx, size, session.Passive); err != nil {
		return 0, err
	}
	runtime.GC()
	runtime.GC() // what the first one finalized
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	runtime.KeepAlive(s.sessions)
	return float64(stats.HeapAlloc), nil
}

// floor is the smallest database, whose commits are what every durable one has to cost.
type floor struct{ *sql.DB }

func openFloor(ctx context.Context, path string) (*floor, error) {
	db, err := openRaw(path)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE floor (n INTEGER NOT NULL) STRICT; INSERT INTO floor VALUES (0)"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := lengthenLog(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &floor{db}, nil
}

// commit measures one commit, after two that bring back into the processor's caches what it takes.
func (f *floor) commit(ctx context.Context) (took time.Duration, err error) {
	for range 3 {
		took, err = timed(func() error { _, err := f.ExecContext(ctx, "UPDATE floor SET n = n + 1"); return err })
		if err != nil {
			return 0, fmt.Errorf("bare commit: %w", err)
		}
	}
	return took, nil
}

func timed(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}
