package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"curfew/backend/session"
)

// TestAliveInSQLIsTheRule holds the condition of changes to [session.Standing.Ended], except for
// the policy's window, which the check has judged.
func TestAliveInSQLIsTheRule(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	verdicts := map[session.EndReason]int{}
	rapid.Check(t, func(r *rapid.T) {
		set := func(statement string, args ...any) { require.NoError(r, db.writer.Exec(statement, args...).Error) }
		generation := func(name string) int { return rapid.IntRange(1, 2).Draw(r, name) }
		optional := func(name string, value any) any {
			if rapid.IntRange(0, 2).Draw(r, name) > 0 {
				return nil
			}
			return value
		}
		set("UPDATE organization SET generation = ?", generation("organization's"))
		set("UPDATE members SET generation = ?, deactivated_at = ?", generation("member's"), optional("deactivated", 1))
		set("UPDATE sessions SET generation = ?, member_generation = ?", generation("session's"), generation("session's of the member"))
		reason := optional("ended", string(session.SignedOut))
		set("UPDATE sessions SET ended_at = iif(? IS NULL, NULL, 1), end_reason = ?", reason, reason)

		org, err := db.Organization(t.Context())
		require.NoError(r, err)
		stored, err := db.Session(t.Context(), record.Session.ID)
		require.NoError(r, err)
		verdict := session.Standing{
			Recorded: stored.Session.End.Reason, MemberActive: stored.Member.Active, Organization: &org,
			Generation: stored.Session.Generation, MemberGeneration: stored.Session.MemberGeneration, MembersOwn: stored.Member.Generation,
			AuthenticatedAt: stored.Session.AuthenticatedAt, StartedAt: stored.Session.StartedAt,
		}.Ended(noon)
		var live int
		require.NoError(r, queryRow(db.read(t.Context()), "SELECT count(*) FROM sessions s WHERE "+alive).Scan(&live))
		require.Equal(r, verdict == "", live == 1)
		verdicts[verdict]++
	})
	require.Len(t, verdicts, 5, "not every verdict was drawn: %v", verdicts)
}
