package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
	"curfew/backend/session"
)

// BenchmarkRevokeAll prints what revoking everybody costs with 10 and with 100,000 sessions on disk, taken in turns in one run, and
// the ratio of the two; and beside them the cost of the smallest durable commit, below which nothing can be.
func BenchmarkRevokeAll(b *testing.B) {
	few, many := populated(b, 10), populated(b, 100_000)
	floor := newDB(b)
	var tookFew, tookMany, tookFloor time.Duration
	for b.Loop() {
		tookFew += few.revoke(b)
		tookMany += many.revoke(b)
		begun := time.Now()
		require.NoError(b, floor.Touch(b.Context(), nil, noon))
		tookFloor += time.Since(begun)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(each(tookFew), "µs/10-sessions")
	b.ReportMetric(each(tookMany), "µs/100000-sessions")
	b.ReportMetric(each(tookFloor), "µs/empty-commit")
	b.ReportMetric(float64(tookMany)/float64(tookFew), "ratio")
	b.ReportMetric(0, "ns/op") // of all three together it would say nothing
}

// BenchmarkPreview prints how long an admin waits to see what a policy would do to 100,000 sessions.
func BenchmarkPreview(b *testing.B) {
	p := populated(b, 100_000)
	sessions, err := session.New(b.Context(), p.db, func() time.Time { return noon }, [32]byte{}, 1_000_000)
	require.NoError(b, err)
	who, _, err := sessions.Start(b.Context(), p.proof, session.Client{UserAgent: "admin"})
	require.NoError(b, err)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		preview, err := sessions.Preview(who, session.Policy{Length: session.Length{Value: 1, Unit: session.Hours}})
		took = append(took, time.Since(begun))
		require.NoError(b, err)
		require.Equal(b, p.alive, preview.Live.Sessions)
		require.Positive(b, preview.AtOnce.Sessions)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms/p95")
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
		SELECT printf('00000000-0000-7000-8000-%%012x', i), ?, 1, 1, ?, ?, ? - i * 1000, ?, NULL, NULL, NULL, 0, zeroblob(32), randomblob(32),
		       '192.0.2.1', 'bench', 'password'
		FROM n`, sessions-1), proof.Member.ID.String(), millis(noon), millis(noon), millis(noon), millis(noon)).Error)
	return &population{db, proof, sessions}
}

// revoke revokes everybody and tells how long that took. Before, it takes back what the last call did, so that all sessions are
// alive again.
func (p *population) revoke(b *testing.B) time.Duration {
	require.NoError(b, p.db.writer.Exec("UPDATE organization SET generation = 1").Error)
	require.NoError(b, p.db.writer.Exec("DELETE FROM revocations").Error)
	require.NoError(b, p.db.writer.Exec("DELETE FROM sessions WHERE user_agent = 'admin'").Error)
	sessions, err := session.New(b.Context(), p.db, func() time.Time { return noon }, [32]byte{}, 1_000_000)
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
