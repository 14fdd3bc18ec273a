package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newDB(t testing.TB) *DB { return openAt(t, filepath.Join(t.TempDir(), "curfew.db")) }

func openAt(t testing.TB, path string) *DB {
	db, err := Open(context.Background(), path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// ana is the first owner, who proves herself by the password whose hash is "hash".
func ana(t testing.TB, db *DB) member.Proof {
	id := member.NewID()
	m := member.Member{ID: id, Name: "Ana", Email: "Ana@Example.org", Role: member.Owner, Active: true, Generation: 1}
	require.NoError(t, db.SetUp(t.Context(), "Acme", m, "hash", audit.Event{At: noon, Action: audit.OrganizationSetUp}))
	return member.Proof{Member: m, PasswordHash: "hash", Methods: []string{"password"}}
}

func signIn(t testing.TB, db *DB, proof member.Proof) session.Record {
	id := session.NewID()
	effect, err := db.InsertSession(t.Context(), session.Session{
		ID: id, MemberID: proof.Member.ID, AuthenticatedAt: noon, ProvedAt: noon, StartedAt: noon, LastSeenAt: noon,
		Client: session.Client{Address: session.ParseAddress("192.0.2.1"), UserAgent: "test"}, Methods: proof.Methods,
	}, proof, session.RefreshState{NextHash: [32]byte{1}}, audit.Event{At: noon, Action: audit.SessionStarted})
	require.NoError(t, err)
	return *effect.Started
}

func callerOf(record session.Record) audit.Caller {
	return audit.Caller{Actor: audit.Actor{ID: record.Member.ID.String(), Name: record.Member.Name}, Session: record.Session.ID.String()}
}

func savePolicy(t testing.TB, db *DB, next session.Organization, by audit.Caller) error {
	_, err := db.SaveOrganization(t.Context(), session.OrganizationUpdate{
		Next: next, Replaces: next.Version - 1, By: by, Event: audit.Event{At: noon, Action: audit.PolicySaved},
	})
	return err
}

func endOf(record session.Record, at time.Time) session.EndRequest {
	return session.EndRequest{
		Sessions: []session.EndedSession{{ID: record.Session.ID, At: at}}, Reason: session.Revoked, By: callerOf(record),
	}
}

func reread(t testing.TB, db *DB, record session.Record) session.Session {
	found, err := db.Session(t.Context(), record.Session.ID)
	require.NoError(t, err)
	return found.Session
}

// The traps of GORM and SQLite that this package is built around, one test each.

func TestPragmasHoldOnEveryConnection(t *testing.T) {
	db := newDB(t)
	checked := 0
	for _, pool := range []struct {
		name        string
		connections int
	}{{"writer", 1}, {"reader", 4}} {
		orm := db.writer
		if pool.name == "reader" {
			orm = db.reader
		}
		connections, err := orm.DB()
		require.NoError(t, err)
		for range pool.connections {
			// Held until the end of the test, so that each is another one.
			connection, err := connections.Conn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, connection.Close()) }()
			for pragma, want := range map[string]string{
				"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2",
			} {
				var got string
				require.NoError(t, connection.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
				require.Equal(t, want, got, "%s of a %s", pragma, pool.name)
				checked++
			}
		}
	}
	require.Equal(t, 5*5, checked)
}

func TestReadersCannotWrite(t *testing.T) {
	db := newDB(t)
	require.ErrorContains(t, db.reader.Exec("UPDATE organization SET generation = 7").Error, "readonly")
}

// TestATouchDoesNotBringBackTheDead: a whole-row save by a request in flight is how sessions come
// back to life elsewhere.
func TestATouchDoesNotBringBackTheDead(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	effect, _, err := db.End(t.Context(), endOf(record, noon.Add(time.Minute)))
	require.NoError(t, err)
	require.Len(t, effect.Ended, 1)
	before := reread(t, db, record)
	require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(record, noon.Add(time.Hour), noon.Add(time.Hour))}, noon, 1))
	require.Equal(t, before.End, reread(t, db, record).End)
	require.Equal(t, session.Revoked, before.End.Reason)
	require.NoError(t, db.EachLive(t.Context(), 1, func(int64, *session.Session) { t.Error("it came back to life") }))
}

func TestATouchOfADeletedRowMakesNone(t *testing.T) {
	db := newDB(t)
	id := session.NewID()
	require.NoError(t, db.Touch(t.Context(), []session.Touch{{ID: id, Number: 7, StartedAt: noon, LastSeenAt: noon}}, noon, 1))
	_, err := db.Session(t.Context(), id)
	require.ErrorIs(t, err, session.ErrNotFound)
}

func TestTouchesOnlyMoveForward(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	first, second := signIn(t, db, proof), signIn(t, db, proof)
	require.NoError(t, db.Touch(t.Context(), []session.Touch{
		touchOf(first, noon.Add(time.Hour), noon.Add(2*time.Hour)),
		touchOf(second, noon.Add(-time.Hour), noon.Add(-time.Hour)),
	}, noon, 1))
	moved, kept := reread(t, db, first), reread(t, db, second)
	require.Equal(t, noon.Add(time.Hour), moved.StartedAt)
	require.Equal(t, noon.Add(2*time.Hour), moved.LastSeenAt)
	require.Equal(t, noon, kept.StartedAt)
	require.Equal(t, noon, kept.LastSeenAt)
	require.Equal(t, noon, moved.AuthenticatedAt, "the sign-in never moves")

	require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(first, noon.Add(time.Minute), noon.Add(3*time.Hour))}, noon, 1))
	moved = reread(t, db, first)
	require.Equal(t, []time.Time{noon.Add(time.Hour), noon.Add(3 * time.Hour)}, []time.Time{moved.StartedAt, moved.LastSeenAt})
}

// TestTimesComeBackFromTheirPages, whichever way a session is read, on both sides of where one page
// ends and another begins, and of sessions that were never touched.
func TestTimesComeBackFromTheirPages(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	records := []session.Record{signIn(t, db, proof)}
	for _, number := range []int64{248, 749} { // the numbers that follow are 249 to 251, and 750
		require.NoError(t, db.writer.Exec("UPDATE sessions SET number = ? WHERE number = (SELECT max(number) FROM sessions)", number).Error)
		records[len(records)-1].Number = number
		records = append(records, signIn(t, db, proof))
		if number == 248 {
			records = append(records, signIn(t, db, proof), signIn(t, db, proof), signIn(t, db, proof))
		}
	}
	var touches []session.Touch
	want := map[int64][2]time.Time{}
	for i, record := range records {
		started, seen := noon.Add(time.Duration(i+1)*time.Minute), noon.Add(time.Duration(i+1)*time.Hour)
		if record.Number == 250 {
			started, seen = noon, noon
		} else {
			touches = append(touches, touchOf(record, started, seen))
		}
		want[record.Number] = [2]time.Time{started, seen}
	}
	require.ElementsMatch(t, []int64{248, 249, 250, 251, 749, 750}, slices.Collect(maps.Keys(want)))
	slices.Reverse(touches)
	require.NoError(t, db.Touch(t.Context(), touches[:2], noon, 1))
	require.NoError(t, db.Touch(t.Context(), touches[2:], noon, 1))

	each, one := map[int64][2]time.Time{}, map[int64][2]time.Time{}
	require.NoError(t, db.EachLive(t.Context(), 1, func(number int64, found *session.Session) {
		each[number] = [2]time.Time{found.StartedAt, found.LastSeenAt}
	}))
	for _, record := range records {
		found, err := db.Session(t.Context(), record.Session.ID)
		require.NoError(t, err)
		one[found.Number] = [2]time.Time{found.Session.StartedAt, found.Session.LastSeenAt}
	}
	require.Equal(t, want, each)
	require.Equal(t, want, one)
}

// TestTimesGoWithTheirSessions: a page is kept for as long as a session of it, or of one before,
// is.
func TestTimesGoWithTheirSessions(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	first := signIn(t, db, proof)
	require.NoError(t, db.writer.Exec("UPDATE sessions SET number = 499").Error)
	first.Number = 499
	second := signIn(t, db, proof)
	require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(first, noon, noon), touchOf(second, noon, noon)}, noon, 1))
	pages := func() (pages []int64) {
		require.NoError(t, db.writer.Raw("SELECT page FROM session_times ORDER BY page").Scan(&pages).Error)
		return pages
	}
	require.Equal(t, []int64{1, 2}, pages())
	_, _, err := db.End(t.Context(), endOf(first, noon))
	require.NoError(t, err)
	purged, err := db.Purge(t.Context(), noon.Add(time.Second), 10)
	require.NoError(t, err)
	require.Equal(t, 1, purged)
	require.Equal(t, []int64{2}, pages())
}

// TestFalseAndNothingAreWritten: an update from a struct would leave both out.
func TestFalseAndNothingAreWritten(t *testing.T) {
	db := newDB(t)
	caller := callerOf(signIn(t, db, ana(t, db)))
	org, err := db.Organization(t.Context())
	require.NoError(t, err)
	require.True(t, org.Policy.RefreshAutomatically)
	for _, policy := range []session.Policy{
		{Length: session.Length{Value: 1, Unit: session.Hours}, MaximumLifetime: session.Length{Value: 1, Unit: session.Days}},
		{Length: session.Length{Value: 2, Unit: session.Weeks}, RefreshAutomatically: true},
	} {
		org = org.Saved(policy, noon.Add(time.Minute), caller.Actor)
		require.NoError(t, savePolicy(t, db, org, caller))
		stored, err := db.Organization(t.Context())
		require.NoError(t, err)
		require.Equal(t, org, stored)
	}
}

func TestForeignKeysHold(t *testing.T) {
	db := newDB(t)
	err := db.writer.Exec("INSERT INTO sessions SELECT 1, 'x', 'nobody', 1, 1, 0, 0, 0, 0, NULL, NULL, NULL, 0, x'', x'', '', '', ''").Error
	require.ErrorContains(t, err, "foreign key")
}

// TestWritersWaitInsteadOfFailing: a transaction that takes the write lock only at its first write
// fails at once where another writes.
func TestWritersWaitInsteadOfFailing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	db, other := openAt(t, path), openAt(t, path)
	proof := ana(t, db)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			for range 5 {
				signIn(t, []*DB{db, other}[i%2], proof)
			}
		})
	}
	wait.Wait()
	live := map[session.ID]bool{}
	require.NoError(t, db.EachLive(t.Context(), 1, func(_ int64, found *session.Session) {
		require.Equal(t, proof.Member.ID, found.MemberID)
		live[found.ID] = true
	}))
	var members []member.Member
	require.NoError(t, db.EachActiveMember(t.Context(), func(m *member.Member) { members = append(members, *m) }))
	require.Equal(t, []member.Member{proof.Member}, members)
	require.Len(t, live, 100)
	requireChain(t, db, 101)
}

func TestTimesOfAnyZoneComeBackAsTheSameInstant(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	tokyo := noon.Add(time.Minute + 123*time.Millisecond + 456*time.Microsecond).In(time.FixedZone("Tokyo", 9*3600))
	require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(record, tokyo, tokyo)}, tokyo, 1))
	require.Equal(t, noon.Add(time.Minute+123*time.Millisecond), reread(t, db, record).StartedAt)
	newest, err := db.NewestTime(t.Context())
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Minute+123*time.Millisecond), newest)
}

// TestEveryFieldComesBack: an embedded struct that GORM cannot see would stay zero without an
// error.
func TestEveryFieldComesBack(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	record := signIn(t, db, proof)
	found, err := db.Session(t.Context(), record.Session.ID)
	require.NoError(t, err)
	require.Equal(t, record, found)
	require.Equal(t, proof.Member, found.Member)
	require.Equal(t, session.Client{Address: session.ParseAddress("192.0.2.1"), UserAgent: "test"}, found.Session.Client)
	require.EqualValues(t, 1, found.Session.Generation)
	require.EqualValues(t, 1, found.Session.MemberGeneration)
	require.Equal(t, []string{"password"}, found.Session.Methods)

	m, hash, err := db.MemberByEmail(t.Context(), "ana@example.org")
	require.NoError(t, err)
	require.Equal(t, proof.Member, m)
	require.Equal(t, "hash", hash)
}

// TestAWriteInTheNameOfAnEndedSessionMisses: every change re-checks its caller in its own
// transaction.
func TestAWriteInTheNameOfAnEndedSessionMisses(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *DB, session.Record){
		"ended": func(t *testing.T, db *DB, record session.Record) {
			_, _, err := db.End(t.Context(), endOf(record, noon))
			require.NoError(t, err)
		},
		"revoked with all": func(t *testing.T, db *DB, record session.Record) {
			_, err := db.RevokeAll(t.Context(), session.Revocation{At: noon}, callerOf(record), member.Requirement{})
			require.NoError(t, err)
		},
		"its member's generation raised": func(t *testing.T, db *DB, _ session.Record) {
			require.NoError(t, db.writer.Exec("UPDATE members SET generation = generation + 1").Error)
		},
		"its member deactivated": func(t *testing.T, db *DB, _ session.Record) {
			require.NoError(t, db.writer.Exec("UPDATE members SET deactivated_at = 1").Error)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			proof := ana(t, db)
			record := signIn(t, db, proof)
			end(t, db, record)
			before, err := db.Organization(t.Context())
			require.NoError(t, err)

			caller := callerOf(record)
			_, err = db.RevokeAll(t.Context(), session.Revocation{At: noon}, caller, member.Requirement{})
			require.ErrorIs(t, err, session.ErrCallerEnded)
			next := before.Saved(session.Policy{Length: session.Length{Value: 1, Unit: session.Hours}}, noon, caller.Actor)
			require.ErrorIs(t, savePolicy(t, db, next, caller), session.ErrCallerEnded)
			_, err = db.Prove(t.Context(), proof, caller, audit.Event{At: noon.Add(time.Hour)})
			require.ErrorIs(t, err, session.ErrCallerEnded)
			ending := endOf(record, noon)
			ending.Requirement = &member.Requirement{}
			_, _, err = db.End(t.Context(), ending)
			require.ErrorIs(t, err, session.ErrCallerEnded)
			rotated, err := db.RotateRefresh(t.Context(), record.Session.ID, session.RefreshState{Counter: 1, Hash: [32]byte{1}, NextHash: [32]byte{2}})
			require.NoError(t, err)
			require.Zero(t, rotated.Counter, "no refresh token is minted past the end")

			after, err := db.Organization(t.Context())
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
}

// ASVS 15.4.2
func TestOnlyOneOfTwoSavesOfAVersionWins(t *testing.T) {
	db := newDB(t)
	caller := callerOf(signIn(t, db, ana(t, db)))
	org, err := db.Organization(t.Context())
	require.NoError(t, err)
	first := org.Saved(session.Policy{Length: session.Length{Value: 1, Unit: session.Hours}}, noon, caller.Actor)
	second := org.Saved(session.Policy{Length: session.Length{Value: 2, Unit: session.Hours}}, noon, caller.Actor)
	require.NoError(t, savePolicy(t, db, first, caller))
	var stale *session.StaleVersionError
	require.ErrorAs(t, savePolicy(t, db, second, caller), &stale)
	require.Equal(t, first, stale.Current)
}

func TestRevocationsCloseTheirOwnRows(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	first := signIn(t, db, proof)
	_, err := db.RevokeAll(t.Context(), session.Revocation{At: noon.Add(time.Minute)}, callerOf(first), member.Requirement{})
	require.NoError(t, err)
	second := signIn(t, db, proof)
	_, err = db.RevokeAll(t.Context(), session.Revocation{At: noon.Add(2 * time.Minute)}, callerOf(second), member.Requirement{})
	require.NoError(t, err)
	third := signIn(t, db, proof)

	for _, want := range []int{1, 1, 0} {
		closed, err := db.CloseRevoked(t.Context(), 3, 1)
		require.NoError(t, err)
		require.Equal(t, want, closed)
	}
	require.Equal(t, noon.Add(time.Minute), reread(t, db, first).End.At)
	require.Equal(t, noon.Add(2*time.Minute), reread(t, db, second).End.At)
	require.Empty(t, reread(t, db, third).End)
}

func TestAttemptsArePaced(t *testing.T) {
	db := newDB(t)
	bucket := []member.Bucket{{Key: "b", Burst: 3, Every: 10 * time.Second, Own: true}}
	take := func(at time.Duration) time.Duration {
		_, wait, err := db.TakeAttempt(t.Context(), [][]member.Bucket{bucket}, noon.Add(at))
		require.NoError(t, err)
		return wait
	}
	for range 3 {
		require.Zero(t, take(0))
	}
	require.Equal(t, 10*time.Second, take(0))
	require.Equal(t, time.Millisecond, take(10*time.Second-time.Millisecond))
	require.Zero(t, take(10*time.Second))
	require.Equal(t, 10*time.Second, take(10*time.Second))
	require.NoError(t, db.ReturnAttempt(t.Context(), bucket))
	for range 3 {
		require.Zero(t, take(10*time.Second), "a success empties a client's own bucket")
	}
	require.Zero(t, take(time.Hour))
}

func TestAFullBucketTakesFromNoOther(t *testing.T) {
	db := newDB(t)
	narrow := member.Bucket{Key: "narrow", Burst: 1, Every: time.Minute}
	wide := member.Bucket{Key: "wide", Burst: 2, Every: time.Minute}
	for _, want := range []time.Duration{0, time.Minute, time.Minute} {
		_, wait, err := db.TakeAttempt(t.Context(), [][]member.Bucket{{narrow, wide}}, noon)
		require.NoError(t, err)
		require.Equal(t, want, wait)
	}
	_, wait, err := db.TakeAttempt(t.Context(), [][]member.Bucket{{wide}}, noon)
	require.NoError(t, err)
	require.Zero(t, wait)
}

func TestAnAttemptTakesFromTheFirstSetWithRoom(t *testing.T) {
	db := newDB(t)
	few := []member.Bucket{{Key: "few", Burst: 1, Every: time.Hour}, {Key: "all", Burst: 4, Every: time.Minute}}
	rest := []member.Bucket{{Key: "all", Burst: 3, Every: time.Minute}}
	for _, want := range [][]member.Bucket{few, rest, rest, nil} {
		taken, wait, err := db.TakeAttempt(t.Context(), [][]member.Bucket{few, rest}, noon)
		require.NoError(t, err)
		require.Equal(t, want, taken)
		require.Equal(t, want == nil, wait == time.Minute, "of the set that has room the soonest")
	}
	wait, err := db.AwaitAttempt(t.Context(), [][]member.Bucket{{few[1]}}, noon)
	require.NoError(t, err)
	require.Zero(t, wait, "the same bucket may be fuller for others")
}

// requireChain recomputes every hash of the audit log.
func requireChain(t testing.TB, db *DB, entries int) {
	stored, err := all(db.read(t.Context()), entryInto, "SELECT "+auditColumns+" FROM audit_entries ORDER BY sequence")
	require.NoError(t, err)
	require.Len(t, stored, entries)
	var last audit.Entry
	for _, entry := range stored {
		require.NoError(t, json.Unmarshal(entry.Encoded, &entry.Details))
		sealed, err := audit.Seal(last.Sequence, last.Hash, entry.Event)
		require.NoError(t, err)
		require.Equal(t, sealed.Sequence, entry.Sequence)
		require.Equal(t, sealed.Hash, entry.Hash, "entry %d", entry.Sequence)
		last = sealed
	}
}

func TestTheAuditChainRecomputes(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	record := signIn(t, db, proof)
	require.NoError(t, db.Record(t.Context(), audit.Event{At: noon, Action: audit.SessionRefused, Actor: audit.Anonymous, Details: map[string]any{"userAgent": "<\"'\n ü"}}))
	_, _, err := db.End(t.Context(), endOf(record, noon))
	require.NoError(t, err)
	requireChain(t, db, 4)

	// Entries that are written together are sealed one after the other.
	together := endOf(signIn(t, db, proof), noon)
	together.Sessions = append(together.Sessions, endOf(signIn(t, db, proof), noon).Sessions...)
	effect, _, err := db.End(t.Context(), together)
	require.NoError(t, err)
	require.Len(t, effect.Ended, 2)
	requireChain(t, db, 8)
}

// ASVS 2.3.3
func TestAnAuditEntryThatFailsTakesItsChangeWithIt(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	require.NoError(t, db.writer.Exec("CREATE TRIGGER refuse BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no'); END").Error)
	_, _, err := db.End(t.Context(), endOf(record, noon))
	var unavailable *UnavailableError
	require.ErrorAs(t, err, &unavailable)
	_, err = db.RevokeAll(t.Context(), session.Revocation{At: noon}, callerOf(record), member.Requirement{})
	require.ErrorAs(t, err, &unavailable)
	require.Empty(t, reread(t, db, record).End)
	org, err := db.Organization(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, org.Generation)
}

// TestAFullDiskLosesNothing: what cannot be written is refused whole, and works again once there is
// room.
//
// ASVS 16.5.2
func TestAFullDiskLosesNothing(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	var pages int
	require.NoError(t, db.writer.Raw("PRAGMA page_count").Scan(&pages).Error)
	require.NoError(t, db.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Error)

	fill := audit.Event{At: noon, Action: audit.SessionRefused, Details: map[string]any{"userAgent": string(make([]byte, 4096))}}
	var err error
	for range 100 {
		if err = db.Record(t.Context(), fill); err != nil {
			break
		}
	}
	var unavailable *UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.ErrorContains(t, err, "full")
	require.NoError(t, db.writer.Exec("PRAGMA max_page_count = 1000000").Error)
	require.Empty(t, reread(t, db, record).End)
	_, err = db.RevokeAll(t.Context(), session.Revocation{At: noon}, callerOf(record), member.Requirement{})
	require.NoError(t, err)
}

func TestASecondSetUpIsRefused(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	err := db.SetUp(t.Context(), "Other", proof.Member, "hash", audit.Event{At: noon})
	require.ErrorIs(t, err, member.ErrAlreadySetUp)
}

// What a database file may be at the start.

func TestADamagedFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ana(t, db)
	require.NoError(t, db.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	damaged := 0
	for name, content := range map[string][]byte{
		"no database":     []byte("this is no database, but it is long enough to be taken for one by a careless program"),
		"a broken header": append([]byte("SQLite format 4\x00"), whole[16:]...),
		"a broken page":   append(append([]byte{}, whole[:4096]...), make([]byte, len(whole)-4096)...),
		"cut short":       whole[:len(whole)/2],
		"a broken end":    append(append([]byte{}, whole[:len(whole)-4096]...), make([]byte, 4096)...),
	} {
		t.Run(name, func(t *testing.T) {
			damaged++
			broken := filepath.Join(t.TempDir(), "curfew.db")
			require.NoError(t, os.WriteFile(broken, content, 0o600))
			_, err := Open(t.Context(), broken, slog.New(slog.DiscardHandler))
			var unusable *UnusableError
			require.True(t, errors.As(err, &unusable), "%v", err)
			require.Contains(t, unusable.Error(), "restore a backup")
			after, err := os.ReadFile(broken)
			require.NoError(t, err)
			require.Equal(t, content, after, "the file is kept as it was")
		})
	}
	require.Equal(t, 5, damaged)
}

// TestAFullDiskAtTheStartSaysSo: SQLite reports it in one way or the other, by which of its files
// did not fit.
func TestAFullDiskAtTheStartSaysSo(t *testing.T) {
	for _, cause := range []sqlite3.Error{{Code: sqlite3.ErrFull}, {Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}} {
		require.ErrorContains(t, unusable("curfew.db", cause), "the disk is full. Free some space")
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	for name, newer := range map[string]string{
		"schema":   "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)",
		"protocol": "UPDATE organization SET protocol = 2",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "curfew.db")
			db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			require.NoError(t, db.writer.Exec(newer).Error)
			require.NoError(t, db.Close())
			_, err = Open(t.Context(), path, slog.New(slog.DiscardHandler))
			var unusable *UnusableError
			require.ErrorAs(t, err, &unusable)
			require.Contains(t, unusable.Error(), "newer program")
		})
	}
}

// TestAnOlderSchemaIsBroughtUpToDate stops at the first schema, keeps what a program of that time
// kept, and goes on.
func TestAnOlderSchemaIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	old, err := open(t.Context(), path, slog.New(slog.DiscardHandler), opening{version: 1})
	require.NoError(t, err)
	const ana, theirs = "00000000-0000-7000-9000-000000000001", "00000000-0000-7000-8000-000000000001"
	require.NoError(t, old.writer.Exec(`INSERT INTO members VALUES (?, 'Ana Ruiz', 'Ana@Example.org', 'ana@example.org', 'owner', 'hash', 3, ?, NULL)`,
		ana, millis(noon)).Error)
	require.NoError(t, old.writer.Exec(`
		INSERT INTO sessions VALUES (?, ?, 1, 3, ?, ?, ?, ?, NULL, NULL, NULL, 0, zeroblob(32), zeroblob(32), '192.0.2.1', 'test', 'password')`,
		theirs, ana, millis(noon), millis(noon), millis(noon), millis(noon)).Error)
	require.NoError(t, old.Close())

	db := openAt(t, path)
	id, err := session.ParseID(theirs)
	require.NoError(t, err)
	record, err := db.Session(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, session.Client{Address: session.ParseAddress("192.0.2.1"), UserAgent: "test"}, record.Session.Client)
	require.Equal(t, noon, record.Session.StartedAt)
	found, counts, err := db.Members(t.Context(), member.Query{Text: "ANA R", Order: member.ByName, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, 1, counts.Total)
	require.Equal(t, record.Member, found[0].Member)
}

// ASVS 13.3.1, 16.4.2
func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curfew.db")
	openAt(t, path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

// TestAFailedStatementIsToldOnce, by the caller that gets the error.
func TestAFailedStatementIsToldOnce(t *testing.T) {
	var said bytes.Buffer
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "curfew.db"), slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	require.NoError(t, db.writer.Exec("DROP TABLE audit_entries").Error)
	_, err = db.NewestTime(t.Context())
	require.ErrorContains(t, err, "no such table")
	_, err = db.Entries(t.Context(), audit.Filter{Limit: 1})
	require.ErrorContains(t, err, "no such table")
	require.NoError(t, db.Close())
	require.Empty(t, said.String())
}

// TestASlowStatementIsLoggedWithoutItsParameters lets a statement have begun two seconds ago.
func TestASlowStatementIsLoggedWithoutItsParameters(t *testing.T) {
	var said bytes.Buffer
	log := newSlowLog(slog.New(slog.NewTextHandler(&said, nil)))
	statement := func() (string, int64) {
		text, parameters := log.ParamsFilter.ParamsFilter(t.Context(), "SELECT ?", "hush")
		return fmt.Sprint(text, parameters), 1
	}
	log.Trace(t.Context(), time.Now(), statement, nil)
	require.Empty(t, said.String())
	log.Trace(t.Context(), time.Now().Add(-2*time.Second), statement, nil)
	require.Contains(t, said.String(), "level=WARN")
	require.Contains(t, said.String(), "SELECT ?")
	require.NotContains(t, said.String(), "hush")
}

func touchOf(record session.Record, startedAt, lastSeenAt time.Time) session.Touch {
	return session.Touch{ID: record.Session.ID, Number: record.Number, StartedAt: startedAt, LastSeenAt: lastSeenAt}
}

// TestFewRowsAreLookedUp: a plan that goes through all sessions takes half a second to end one of a
// million.
func TestFewRowsAreLookedUp(t *testing.T) {
	db := newDB(t)
	for statement, want := range map[string]string{
		endNamed:                 "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (id=?)",
		endMembers:               "SEARCH sessions USING INDEX sessions_census (generation=? AND member_id=?)",
		selectNotTheirs:          "SEARCH s USING INDEX sqlite_autoindex_sessions_1 (id=?)",
		selectDetails + withLink: "SEARCH m USING INDEX sqlite_autoindex_members_1 (id=?)",
	} {
		var plan []struct{ Detail string }
		args := slices.Repeat([]any{""}, strings.Count(statement, "?"))
		require.NoError(t, db.writer.Raw("EXPLAIN QUERY PLAN "+statement, args...).Scan(&plan).Error)
		require.Contains(t, plan, struct{ Detail string }{want})
	}
}

// TestATransactionThatBreaksOffLeavesNothing: neither rows, nor a connection that is still within
// it.
func TestATransactionThatBreaksOffLeavesNothing(t *testing.T) {
	db := newDB(t)
	rename := func(tx *gorm.DB) error { return exec(tx, "UPDATE organization SET name = 'changed'") }
	ctx, cancel := context.WithCancel(t.Context())
	for name, write := range map[string]func() error{
		"an error": func() error {
			return db.write(t.Context(), func(tx *gorm.DB) error { return errors.Join(rename(tx), session.ErrNotFound) })
		},
		"a panic": func() error {
			require.PanicsWithValue(t, "on purpose", func() {
				_ = db.write(t.Context(), func(tx *gorm.DB) error {
					require.NoError(t, rename(tx))
					panic("on purpose")
				})
			})
			return session.ErrNotFound
		},
		"a statement that ends the transaction by itself": func() error {
			err := db.write(t.Context(), func(tx *gorm.DB) error {
				return errors.Join(rename(tx), exec(tx, "INSERT OR ROLLBACK INTO organization SELECT * FROM organization"))
			})
			require.ErrorContains(t, err, "UNIQUE constraint failed")
			return session.ErrNotFound
		},
		"a commit that fails": func() error {
			err := db.write(t.Context(), func(tx *gorm.DB) error {
				return errors.Join(rename(tx), exec(tx, "PRAGMA defer_foreign_keys = on"), exec(tx,
					"INSERT INTO recovery_codes (member_id, hash) VALUES ('nobody', x'00')"))
			})
			require.ErrorContains(t, err, "FOREIGN KEY constraint failed")
			return session.ErrNotFound
		},
	} {
		require.ErrorIs(t, write(), session.ErrNotFound, name)
		org, err := db.Organization(t.Context())
		require.NoError(t, err)
		require.Empty(t, org.Name, name)
		require.NoError(t, db.Ready(t.Context()), "the next one is not held up by %s", name)
	}

	var autocheckpoint int
	require.NoError(t, db.writer.Raw("PRAGMA wal_autocheckpoint").Scan(&autocheckpoint).Error)
	require.Equal(t, longestLog, autocheckpoint, "it is still the first connection")

	// A transaction that has begun goes on to its end after its caller has left. Another one does
	// not begin.
	require.NoError(t, db.write(ctx, func(tx *gorm.DB) error {
		require.Nil(t, tx.Statement.Context.Done(), "no statement is watched for it either")
		cancel()
		return rename(tx)
	}))
	org, err := db.Organization(t.Context())
	require.NoError(t, err)
	require.Equal(t, "changed", org.Name)
	require.ErrorIs(t, db.write(ctx, func(*gorm.DB) error { panic("it began") }), context.Canceled)
}
