package store

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
	"curfew/backend/session"
)

// BenchmarkRevokeAll prints the cost of a revocation of all sessions with 10 and with 100,000 on
// disk, taken in turns, their ratio, and the cost of the smallest durable commit.
func BenchmarkRevokeAll(b *testing.B) {
	few, many := populated(b, 10), populated(b, 100_000)
	floor, at := newDB(b), noon
	var tookFew, tookMany, tookFloor time.Duration
	for b.Loop() {
		tookFew += few.revoke(b)
		tookMany += many.revoke(b)
		at = at.Add(time.Second) // SQLite commits nothing where a row stays as it is
		begun := time.Now()
		require.NoError(b, floor.Touch(b.Context(), nil, at, 1))
		tookFloor += time.Since(begun)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(each(tookFew), "µs/10-sessions")
	b.ReportMetric(each(tookMany), "µs/100000-sessions")
	b.ReportMetric(each(tookFloor), "µs/smallest-commit")
	b.ReportMetric(float64(tookMany)/float64(tookFew), "ratio")
	b.ReportMetric(0, "ns/op") // of all three together it would say nothing
}

// population is a database with live sessions.
type population struct {
	db    *DB
	proof member.Proof
	alive int
}

func populated(b *testing.B, sessions int) *population {
	db := newDB(b)
	proof := ana(b, db)
	require.NoError(b, db.writer.Exec(fmt.Sprintf(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO sessions
		SELECT i, printf('00000000-0000-7000-8000-%%012x', i), ?, 1, 1, ?, ?, ? - i * 1000, ?, NULL, NULL, NULL, 0, zeroblob(32), randomblob(32),
		       '192.0.2.1', 'bench', 'password'
		FROM n`, sessions-1), proof.Member.ID.String(), millis(noon), millis(noon), millis(noon), millis(noon)).Error)
	return &population{db, proof, sessions}
}

// revoke revokes all sessions and returns how long that took. Before, it undoes what the last call
// did, so that all are alive again.
func (p *population) revoke(b *testing.B) time.Duration {
	require.NoError(b, p.db.writer.Exec("UPDATE organization SET generation = 1").Error)
	require.NoError(b, p.db.writer.Exec("DELETE FROM revocations").Error)
	require.NoError(b, p.db.writer.Exec("DELETE FROM sessions WHERE user_agent = 'admin'").Error)
	sessions, err := session.New(b.Context(), p.db, func() time.Time { return noon }, [32]byte{})
	require.NoError(b, err)
	who, _, err := sessions.Start(b.Context(), p.proof, session.Client{UserAgent: "admin"})
	require.NoError(b, err)

	begun := time.Now()
	receipt, err := sessions.RevokeAll(b.Context(), who, "", "")
	took := time.Since(begun)
	require.NoError(b, err)
	require.Equal(b, p.alive, receipt.SessionsEnded)
	return took
}

// BenchmarkChecksBesideRefusals prints how long checks take with 300,000 live sessions, alone and
// next to an owner whose change is refused again and again for want of a fresh proof, in turns, and
// the ratio of the 99th percentiles.
func BenchmarkChecksBesideRefusals(b *testing.B) {
	p := populated(b, 300_000)
	var now atomic.Int64
	now.Store(millis(noon))
	clock := func() time.Time { return instant(now.Load()) }
	sessions, err := session.New(b.Context(), p.db, clock, [32]byte{})
	require.NoError(b, err)
	members, err := member.New(p.db, sessions, member.Options{Now: clock, Wall: clock, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}})
	require.NoError(b, err)
	owner, _, err := sessions.Start(b.Context(), p.proof, session.Client{})
	require.NoError(b, err)
	invited, _, err := members.Invite(b.Context(), owner.Caller(), member.Invitee{Email: "ben@example.org", Role: member.Plain})
	require.NoError(b, err)
	now.Add((11 * time.Minute).Milliseconds())
	refuse := func() {
		role := member.Owner
		require.ErrorIs(b, members.Change(b.Context(), owner.Caller(), invited.ID, member.Update{Role: &role}), member.ErrProofNeeded)
	}
	check := func() []time.Duration {
		took := make([]time.Duration, 200_000)
		for i := range took {
			id := session.ID{6: 0x70, 8: 0x80}
			binary.BigEndian.PutUint32(id[12:], uint32(1+i%299_999))
			begun := time.Now()
			_, err := sessions.Admit(b.Context(), id, 0, session.Passive)
			took[i] = time.Since(begun)
			require.NoError(b, err)
		}
		return took
	}
	var alone, beside []time.Duration
	refused := 0
	for b.Loop() {
		alone = append(alone, check()...)
		done, ended := make(chan struct{}), make(chan int)
		go func() {
			n := 0
			for ; ; n++ {
				select {
				case <-done:
					ended <- n
					return
				case <-time.After(10 * time.Millisecond): // a hundred a second
					refuse()
				}
			}
		}()
		beside = append(beside, check()...)
		close(done)
		refused += <-ended
	}
	at99 := func(took []time.Duration) float64 {
		slices.Sort(took)
		return float64(took[len(took)*99/100].Nanoseconds())
	}
	b.ReportMetric(at99(alone), "p99-ns-alone")
	b.ReportMetric(at99(beside), "p99-ns-beside")
	b.ReportMetric(at99(beside)/at99(alone), "ratio")
	b.ReportMetric(float64(beside[len(beside)-1].Microseconds()), "longest-µs-beside")
	b.ReportMetric(float64(refused)/float64(b.N), "refusals/op")
	b.ReportMetric(0, "ns/op") // of both together it would say nothing
}

// BenchmarkLists prints how long the first page of each list takes with 1,000,000 live sessions of
// 50,000 members, for the dearest of all filters and orders, and for a page from the middle.
func BenchmarkLists(b *testing.B) {
	db := newDB(b)
	proof := ana(b, db)
	crowd(b, db, 50_000, 1_000_000)
	begun := time.Now()
	sessions, err := session.New(b.Context(), db, func() time.Time { return noon }, [32]byte{})
	require.NoError(b, err)
	b.Logf("1,000,000 live sessions were read in %.1f s", time.Since(begun).Seconds())
	members, err := member.New(db, sessions, member.Options{Now: func() time.Time { return noon }, Wall: time.Now, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}})
	require.NoError(b, err)
	who, _, err := sessions.Start(b.Context(), proof, session.Client{UserAgent: "admin"})
	require.NoError(b, err)

	for _, order := range []session.Order{session.ByLastSeen, session.BySignedIn, session.ByEnd, session.ByMember, session.ByDevice, session.ByAddress} {
		for name, query := range map[string]session.Query{
			"all": {}, "reversed": {Reversed: true}, "search": {Text: "member 0 firefox"}, "address": {Text: "10.1.2."}, "nothing": {Text: "no such thing"},
			"device": {Device: session.Phone}, "day": {SignedInSince: noon.Add(-24 * time.Hour)}, "member": {Member: memberNumbered(7)},
		} {
			query.Order, query.Limit = order, 50
			b.Run(fmt.Sprintf("sessions/%s/%s", order, name), func(b *testing.B) {
				percentiles(b, func() {
					_, _, _, err := sessions.Find(b.Context(), who, query)
					require.NoError(b, err)
				})
			})
		}
	}
	b.Run("sessions/figures", func(b *testing.B) {
		percentiles(b, func() {
			figures, err := sessions.Figures(b.Context(), noon)
			require.NoError(b, err)
			require.Equal(b, 1_000_001, figures.Live.Sessions)
		})
	})
	for _, order := range []member.Order{member.ByName, member.ByEmail, member.ByCreation} {
		for name, query := range map[string]member.Query{
			"all": {}, "reversed": {Descending: true}, "search": {Text: "member 04"}, "nothing": {Text: "no such thing"},
			"role": {Role: member.Auditor}, "invited": {State: member.Invited},
		} {
			query.Order, query.Limit = order, 50
			b.Run(fmt.Sprintf("members/%s/%s", order, name), func(b *testing.B) {
				percentiles(b, func() {
					_, _, err := members.List(b.Context(), query)
					require.NoError(b, err)
				})
			})
		}
	}
}

// percentiles runs f for as long as the benchmark does, and reports how long it took.
func percentiles(b *testing.B, f func()) {
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		f()
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms/p95")
	b.ReportMetric(0, "ns/op")
}

func memberNumbered(i int) member.ID {
	id, err := member.ParseID(fmt.Sprintf("00000000-0000-7000-9000-%012x", i))
	if err != nil {
		panic(err)
	}
	return id
}

// crowd makes members, and sessions that are spread over them, over 13 days, some thousand
// addresses, and a few devices.
func crowd(b *testing.B, db *DB, members, sessions int) {
	require.NoError(b, db.writer.Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, deactivated_at, sort_name, search)
		SELECT printf('00000000-0000-7000-9000-%012x', i), printf('Member %05d', i * 7919 % ?), printf('m%05d@example.org', i), printf('m%05d@example.org', i),
		       CASE i % 100 WHEN 1 THEN 'admin' WHEN 2 THEN 'auditor' ELSE 'member' END, CASE i % 50 WHEN 0 THEN '' ELSE 'hash' END, 1, ? - i, NULL,
		       printf('member %05d', i * 7919 % ?), printf('member %05d', i * 7919 % ?) || char(10) || printf('m%05d@example.org', i)
		FROM n`, members, members, millis(noon), members, members).Error)
	require.NoError(b, db.writer.Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?),
		     times (i, seen, back) AS (SELECT i, ? - abs(random() % 1123200000), abs(random() % 600000) FROM n)
		INSERT INTO sessions
		SELECT i, printf('00000000-0000-7000-8000-%012x', i), printf('00000000-0000-7000-9000-%012x', 1 + i * 31 % ?), 1, 1, seen - back, seen - back, seen, seen,
		       NULL, NULL, NULL, 0, zeroblob(32), randomblob(32), printf('10.%d.%d.%d', i % 3, i / 3 % 200, i / 600 % 200),
		       CASE i % 4 WHEN 0 THEN 'curl/8.14.1'
		       WHEN 1 THEN 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
		       WHEN 2 THEN 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
		       ELSE 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36' END, 'password'
		FROM times`, sessions, millis(noon), members).Error)
}
