package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// TestTheChainNamesTheFirstEntryThatDoesNotFit damages a log of eight entries, the sixth of which
// has a receipt, in every way there is.
//
// ASVS 16.4.2
func TestTheChainNamesTheFirstEntryThatDoesNotFit(t *testing.T) {
	const altered, missing, outOfOrder = "altered", "missing", "out of order"
	for _, c := range []struct {
		name     string
		damage   []string
		sequence int64
		reason   string
	}{
		{"nothing", nil, 0, ""},
		{"at", []string{"UPDATE audit_entries SET at = at + 1 WHERE sequence = 4"}, 4, altered},
		{"action", []string{"UPDATE audit_entries SET action = 'policy.saved' WHERE sequence = 4"}, 4, altered},
		{"actor_id", []string{"UPDATE audit_entries SET actor_id = 'x' WHERE sequence = 4"}, 4, altered},
		{"actor_name", []string{"UPDATE audit_entries SET actor_name = 'Anna' WHERE sequence = 4"}, 4, altered},
		{"target", []string{"UPDATE audit_entries SET target = '' WHERE sequence = 4"}, 4, altered},
		{"address", []string{"UPDATE audit_entries SET address = '192.0.2.2' WHERE sequence = 4"}, 4, altered},
		{"details", []string{"UPDATE audit_entries SET details = replace(details, '9007199254740993', '9007199254740992') WHERE sequence = 4"}, 4, altered},
		{"details, but in space alone", []string{"UPDATE audit_entries SET details = details || ' ' WHERE sequence = 4"}, 4, altered},
		{"hash", []string{"UPDATE audit_entries SET hash = zeroblob(32) WHERE sequence = 4"}, 4, altered},
		{"hash cut short", []string{"UPDATE audit_entries SET hash = substr(hash, 1, 31) WHERE sequence = 4"}, 4, altered},
		{"the first", []string{"UPDATE audit_entries SET address = '192.0.2.2' WHERE sequence = 1"}, 1, altered},
		{"the last", []string{"UPDATE audit_entries SET address = '192.0.2.2' WHERE sequence = 8"}, 8, altered},
		{"one moved away", []string{"UPDATE audit_entries SET sequence = 100 WHERE sequence = 4"}, 4, missing},
		{"one before the first", []string{"UPDATE audit_entries SET sequence = -1 WHERE sequence = 4"}, 1, outOfOrder},
		{"one deleted", []string{"DELETE FROM audit_entries WHERE sequence = 4"}, 4, missing},
		{"the first deleted", []string{"DELETE FROM audit_entries WHERE sequence = 1"}, 1, missing},
		{"the newest before a revocation deleted", []string{"DELETE FROM audit_entries WHERE sequence = 5"}, 5, missing},
		{"all from before a revocation on deleted", []string{"DELETE FROM audit_entries WHERE sequence >= 5"}, 5, missing},
		{"all from the revocation on deleted", []string{"DELETE FROM audit_entries WHERE sequence >= 6"}, 6, missing},
		{"all deleted", []string{"DELETE FROM audit_entries"}, 1, missing},
		{"one deleted and the gap closed", []string{"DELETE FROM audit_entries WHERE sequence = 4", renumber(5, 8, -1)}, 4, altered},
		{"neighbours swapped", swap(3, 4), 3, outOfOrder},
		{"others swapped", swap(2, 5), 2, outOfOrder},
		{"one inserted", []string{
			renumber(4, 8, +1), "INSERT INTO audit_entries SELECT 4, at, action, actor_id, actor_name, target, address, details, randomblob(32) FROM audit_entries WHERE sequence = 3",
		}, 4, altered},
		{"another receipt", []string{"UPDATE revocations SET audit_hash = randomblob(32)"}, 6, altered},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := eightEntries(t)
			for _, statement := range c.damage {
				damaged := db.writer.Exec(statement)
				require.NoError(t, damaged.Error)
				require.Positive(t, damaged.RowsAffected)
			}
			found, err := audit.Check(t.Context(), db)
			require.NoError(t, err)
			if c.reason == "" {
				require.Nil(t, found.Broken)
				require.EqualValues(t, 8, found.Entries)
				return
			}
			require.NotNil(t, found.Broken)
			require.Equal(t, c.sequence, found.Broken.Sequence)
			require.Equal(t, c.sequence-1, found.Entries)
			require.Regexp(t, "^"+c.reason+": ", found.Broken.Reason)
		})
	}
}

// TestAForgedEntryThatFitsShowsByTheNext: a forged entry can be sealed after the one before, but
// the next one does not fit.
func TestAForgedEntryThatFitsShowsByTheNext(t *testing.T) {
	db := eightEntries(t)
	third, err := db.Links(t.Context(), 2, 1)
	require.NoError(t, err)
	forged, err := audit.Seal(3, third[0].Hash, audit.Event{At: noon, Action: audit.SessionEnded})
	require.NoError(t, err)
	require.NoError(t, db.writer.Exec(renumber(4, 8, +1)).Error)
	require.NoError(t, exec(db.writer.WithContext(t.Context()), "INSERT INTO audit_entries ("+auditColumns+") VALUES (4, ?, 'session.ended', '', '', '', '', 'null', ?)",
		millis(noon), forged.Hash[:]))
	found, err := audit.Check(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, &audit.Break{Sequence: 5, Reason: "out of order: by its hash it belongs in place 4"}, found.Broken)
}

// TestALogWrittenAnewShowsByTheReceipt: after the tail was cut off, and with it a revocation, other
// entries have taken its place.
//
// ASVS 16.4.2
func TestALogWrittenAnewShowsByTheReceipt(t *testing.T) {
	db := eightEntries(t)
	require.NoError(t, db.writer.Exec("DELETE FROM audit_entries WHERE sequence >= 5").Error)
	for range 4 {
		require.NoError(t, db.Record(t.Context(), audit.Event{At: noon, Action: audit.SessionRefused, Actor: audit.Anonymous}))
	}
	found, err := audit.Check(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, &audit.Break{Sequence: 6, Reason: "altered: the receipt of the revocation has another hash for it"}, found.Broken)
}

// TestEntriesOfOneTransactionAreChainedToo: each has a hash of its own.
func TestEntriesOfOneTransactionAreChainedToo(t *testing.T) {
	db := newDB(t)
	proof := ana(t, db)
	var ending session.EndRequest
	for range 3 {
		record := signIn(t, db, proof)
		ending = session.EndRequest{Sessions: append(ending.Sessions, session.EndedSession{ID: record.Session.ID, At: noon}), Reason: session.Revoked, By: callerOf(record)}
	}
	effect, _, err := db.End(t.Context(), ending)
	require.NoError(t, err)
	require.Len(t, effect.Ended, 3)
	found, err := audit.Check(t.Context(), db)
	require.NoError(t, err)
	require.Nil(t, found.Broken)
	require.EqualValues(t, 7, found.Entries)
}

func eightEntries(t *testing.T) *DB {
	db := newDB(t)
	record := signIn(t, db, ana(t, db)) // entries 1 and 2
	require.NoError(t, db.Record(t.Context(), audit.Event{
		At: noon, Action: audit.SessionRefused, Actor: audit.Anonymous, Address: "192.0.2.1", Details: map[string]any{"userAgent": "<&>\u2028é\xff"},
	}))
	require.NoError(t, db.Record(t.Context(), audit.Event{
		At: noon.Add(time.Minute), Action: audit.MemberChanged, Actor: audit.Actor{ID: "m1", Name: "Ana"}, Target: "member:m2", Address: "192.0.2.1",
		Details: map[string]any{"large": uint64(9007199254740993), "largest": uint64(math.MaxUint64), "least": int64(math.MinInt64), "real": 0.1, "exponent": 1e21, "whole": 1.0, "nothing": nil},
	}))
	require.NoError(t, db.Record(t.Context(), audit.Event{At: noon, Action: audit.SessionRefused, Actor: audit.Anonymous}))
	receipt, err := db.RevokeAll(t.Context(), session.Revocation{At: noon}, callerOf(record), member.Requirement{})
	require.NoError(t, err)
	require.EqualValues(t, 6, receipt.AuditSequence)
	for range 2 {
		require.NoError(t, db.Record(t.Context(), audit.Event{At: noon, Action: audit.SessionRefused, Actor: audit.Anonymous}))
	}
	return db
}

// renumber moves entries by one place, over numbers that are free.
func renumber(from, to, by int) string {
	return fmt.Sprintf(`
		UPDATE audit_entries SET sequence = -sequence WHERE sequence BETWEEN %d AND %d;
		UPDATE audit_entries SET sequence = -sequence + %d WHERE sequence < 0`, from, to, by)
}

func swap(a, b int) []string {
	return []string{
		fmt.Sprintf("UPDATE audit_entries SET sequence = 0 WHERE sequence = %d", a),
		fmt.Sprintf("UPDATE audit_entries SET sequence = %d WHERE sequence = %d", a, b),
		fmt.Sprintf("UPDATE audit_entries SET sequence = %d WHERE sequence = 0", b),
	}
}

// TestNumbersComeBackAsTheyWereWritten: read as floating point, a large one would be another.
func TestNumbersComeBackAsTheyWereWritten(t *testing.T) {
	db := eightEntries(t)
	entries, err := db.Entries(t.Context(), audit.Filter{Action: audit.MemberChanged, Limit: 10})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "18446744073709551615", fmt.Sprint(entries[0].Details["largest"]))
	again, err := audit.Seal(3, audit.Hash{}, entries[0].Event)
	require.NoError(t, err)
	require.Equal(t, string(entries[0].Encoded), string(again.Encoded))
}

// TestACheckEndsWithItsCaller, and does not read on for a client that has left.
func TestACheckEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := audit.Check(ctx, eightEntries(t))
	require.ErrorIs(t, err, context.Canceled)
}

// TestWhatConcernsAMember looks for entries by every filter, page by page, and holds what it finds
// against a plain search with OR.
func TestWhatConcernsAMember(t *testing.T) {
	db := newDB(t)
	events := []audit.Event{
		{Action: audit.SessionStarted, Actor: audit.Actor{ID: "a"}, Target: "session:1"},
		{Action: audit.SessionEnded, Actor: audit.Actor{ID: "b"}, Target: "session:1", Details: map[string]any{"member": "a"}},
		{Action: audit.SessionEnded, Actor: audit.System, Target: "session:2", Details: map[string]any{"member": "b"}},
		{Action: audit.MemberChanged, Actor: audit.Actor{ID: "b"}, Target: "member:a"},
		{Action: audit.MemberChanged, Actor: audit.Actor{ID: "a"}, Target: "member:a", Details: map[string]any{"member": "b"}},
		{Action: audit.PasswordReset, Actor: audit.Operator, Target: "member:a"},
		{Action: audit.SessionsRevokedAll, Actor: audit.Actor{ID: "b"}, Target: "organization"},
		{Action: audit.SessionsRevokedAll, Actor: audit.Actor{ID: "a"}, Target: "organization"},
		{Action: audit.SessionRefused, Actor: audit.Anonymous},
	}
	for i := range 300 {
		event := events[i*i%len(events)]
		event.At = noon.Add(time.Duration(i*7919%100) * time.Minute) // not in the order of their recording, and some at the same time
		require.NoError(t, db.Record(t.Context(), event))
	}
	about := map[string]string{
		"a": "(actor_id = 'a' OR target = 'member:a' OR target GLOB 'session:*' AND details ->> 'member' = 'a')",
		"b": "(actor_id = 'b' OR target = 'member:b' OR target GLOB 'session:*' AND details ->> 'member' = 'b')",
		"":  "TRUE", "x": "FALSE", "' OR 1": "FALSE",
	}
	compared := 0
	for member, whose := range about {
		for _, everybody := range []bool{false, true} {
			for _, action := range []audit.Action{"", audit.SessionEnded, audit.SessionsRevokedAll, "no.such"} {
				for _, span := range [][2]time.Time{{}, {noon.Add(20 * time.Minute), noon.Add(70 * time.Minute)}} {
					filter := audit.Filter{Concerning: member, WithGlobal: everybody, Action: action, Since: span[0], Until: span[1], Limit: 7}
					where := whose
					if everybody && member != "" {
						where = "(" + whose + " OR action = 'sessions.revoked_all')"
					}
					rest, args := filterWhere(filter)
					var want []int64
					require.NoError(t, db.reader.Raw("SELECT sequence FROM audit_entries WHERE "+where+rest+" ORDER BY at DESC, sequence DESC", args...).Scan(&want).Error)
					require.Equal(t, want, sequences(t, db, filter), "%+v", filter)
					compared += len(want)
				}
			}
		}
	}
	require.Greater(t, compared, 1000)
	require.Contains(t, sequences(t, db, audit.Filter{Concerning: "a", Action: audit.SessionEnded, Limit: 7}), int64(2), "an admin ended a session of theirs")
}

// sequences are those of all entries that the filter selects, read by pages.
func sequences(t *testing.T, db *DB, filter audit.Filter) (found []int64) {
	for {
		page, err := db.Entries(t.Context(), filter)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), filter.Limit)
		for _, entry := range page {
			found = append(found, entry.Sequence)
			filter.Before = audit.Place{At: entry.At, Sequence: entry.Sequence}
		}
		if len(page) == 0 {
			return slices.Clip(found)
		}
	}
}

// TestASearchIsCancelled before it reads the next part of the log.
func TestASearchIsCancelled(t *testing.T) {
	db := eightEntries(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.Search(ctx, audit.Filter{Text: "ana", Limit: 50})
	require.ErrorIs(t, err, context.Canceled)
}
