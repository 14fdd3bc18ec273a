package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

const sessionColumns = `number, id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at,
	ended_at, coalesce(end_reason, ''), coalesce(ended_by, ''), address, user_agent, methods`

// sessionInto names where to put sessionColumns.
func sessionInto(r *session.Record) []any {
	s := &r.Session
	return []any{
		&r.Number, parsed(&s.ID, session.ParseID), parsed(&s.MemberID, member.ParseID), &s.Generation, &s.MemberGeneration,
		moment(&s.AuthenticatedAt), moment(&s.ProvedAt), moment(&s.StartedAt), moment(&s.LastSeenAt),
		moment(&s.End.At), &s.End.Reason, &s.End.By,
		text(&s.Client.Address, session.ParseAddress), &s.Client.UserAgent, text(&s.Methods, strings.Fields),
	}
}

// alive is what a session's row must be for a change to be made in its name, next to the policy's
// window. It stands in the change's own transaction, so that a request that was paused after the
// check changes nothing after a revocation. The member is looked up in a subquery, because SQLite
// would turn EXISTS into a join, which it plans again for every value of a parameter.
const alive = `
    s.ended_at IS NULL
AND s.generation = (SELECT generation FROM organization WHERE id = 1)
AND s.member_generation = (SELECT m.generation FROM members m WHERE m.id = s.member_id AND m.deactivated_at IS NULL)`

// InsertSession implements [session.Store].
func (db *DB) InsertSession(ctx context.Context, s session.Session, proof member.Proof, refresh session.RefreshState, event audit.Event) (effect session.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		holds, args := proofHolds(proof)
		err := queryRow(tx, `
			SELECT o.generation, m.generation FROM organization o, members m
			WHERE o.id = 1 AND m.id = ? AND m.deactivated_at IS NULL AND `+holds, append([]any{s.MemberID.String()}, args...)...).
			Scan(&s.Generation, &s.MemberGeneration)
		if errors.Is(err, sql.ErrNoRows) {
			return session.ErrCredentialStale
		}
		if err != nil {
			return err
		}
		err = tx.Table("sessions").Create(map[string]any{
			"id": s.ID.String(), "member_id": s.MemberID.String(), "generation": s.Generation, "member_generation": s.MemberGeneration,
			"authenticated_at": millis(s.AuthenticatedAt), "proved_at": millis(s.ProvedAt),
			"started_at": millis(s.StartedAt), "last_seen_at": millis(s.LastSeenAt),
			"refresh_counter": refresh.Counter, "refresh_hash": refresh.Hash[:], "refresh_next_hash": refresh.NextHash[:],
			"address": s.Client.AddressText(), "user_agent": s.Client.UserAgent, "methods": strings.Join(s.Methods, " "),
		}).Error
		if err != nil {
			return err
		}
		if err := record(tx, event); err != nil {
			return err
		}
		started, err := readSession(tx, s.ID)
		effect.Started = &started
		return err
	})
	return effect, err
}

// readSession reads a session with the times of its sign-in. It joins nothing, see authorityOf. The
// member is read after the session, and so is never older.
func readSession(tx *gorm.DB, id session.ID) (session.Record, error) {
	found, err := one(tx, session.ErrNotFound, sessionInto, "SELECT "+sessionColumns+" FROM sessions WHERE id = ?", id.String())
	if err != nil {
		return session.Record{}, err
	}
	found.Member, err = readMember(tx, found.Session.MemberID.String())
	return found, err
}

// Session implements [session.Store]. It cannot be cancelled: watching for that would take longer
// than reading.
func (db *DB) Session(ctx context.Context, id session.ID) (session.Record, error) {
	tx := db.read(context.WithoutCancel(ctx))
	found, err := readSession(tx, id)
	if err != nil {
		return found, unavailable(err)
	}
	startedAt, lastSeenAt, err := timesOf(tx, found.Number)
	found.Session.StartedAt = latest(found.Session.StartedAt, instant(startedAt))
	found.Session.LastSeenAt = latest(found.Session.LastSeenAt, instant(lastSeenAt))
	return found, unavailable(err)
}

// LastSeen implements [session.Store].
func (db *DB) LastSeen(ctx context.Context, members []member.ID) (map[member.ID]time.Time, error) {
	ids := make([]string, len(members))
	for i, id := range members {
		ids[i] = id.String()
	}
	type access struct {
		number int64
		member member.ID
		at     time.Time
	}
	tx, pages, seen := db.read(ctx), map[int64]timesPage{}, map[member.ID]time.Time{}
	rows, err := all(tx, func(a *access) []any { return []any{&a.number, parsed(&a.member, member.ParseID), moment(&a.at)} },
		"SELECT number, member_id, last_seen_at FROM sessions WHERE member_id IN (SELECT value FROM json_each(?))", list(ids))
	if err != nil {
		return nil, unavailable(err)
	}
	for _, row := range rows {
		pages[row.number/timesPerPage] = nil
	}
	if err := readTimes(tx, pages, " WHERE page IN (SELECT value FROM json_each(?))", list(slices.Collect(maps.Keys(pages)))); err != nil {
		return nil, unavailable(err)
	}
	for _, row := range rows {
		_, at := pages[row.number/timesPerPage].of(row.number)
		seen[row.member] = latest(seen[row.member], row.at, instant(at))
	}
	return seen, nil
}

// EachLive implements [session.Store].
func (db *DB) EachLive(ctx context.Context, generation uint64, f func(number int64, s *session.Session)) error {
	tx, times := db.read(context.WithoutCancel(ctx)), map[int64]timesPage{}
	if err := readTimes(tx, times, ""); err != nil {
		return unavailable(err)
	}
	var live session.Record
	into := sessionInto(&live)
	return unavailable(eachRow(tx, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		s := &live.Session
		startedAt, lastSeenAt := times[live.Number/timesPerPage].of(live.Number)
		s.StartedAt, s.LastSeenAt = latest(s.StartedAt, instant(startedAt)), latest(s.LastSeenAt, instant(lastSeenAt))
		f(live.Number, s)
		return ctx.Err()
	}, "SELECT "+sessionColumns+" FROM sessions WHERE ended_at IS NULL AND generation = ? ORDER BY number", generation))
}

// Prove implements [session.Store].
func (db *DB) Prove(ctx context.Context, proof member.Proof, caller audit.Caller, event audit.Event) (effect session.Effect, err error) {
	err = db.change(ctx, caller, member.Requirement{AlsoRestricted: true}, func(tx *gorm.DB, by member.Authority) error {
		if err := requireBothFactors(by.Member, proof); err != nil {
			return err
		}
		holds, args := proofHolds(proof)
		var still bool
		err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM members m WHERE m.id = ? AND "+holds+")",
			append([]any{by.Member.ID.String()}, args...)...).Scan(&still)
		if err != nil {
			return err
		}
		if !still {
			return session.ErrCredentialStale
		}
		if effect.Proved, err = proveSession(tx, caller.Session, event.At, member.JoinMethods(by.Methods, proof.Methods)); err != nil {
			return err
		}
		return record(tx, event)
	})
	return effect, err
}

// proveSession records the last proof of a session, and by which methods it is proved with it.
func proveSession(tx *gorm.DB, id string, at time.Time, methods []string) (*session.Proved, error) {
	parsed, err := session.ParseID(id)
	if err != nil {
		return nil, err
	}
	err = exec(tx, "UPDATE sessions SET proved_at = ?, methods = ? WHERE id = ?", millis(at), strings.Join(methods, " "), id)
	return &session.Proved{Session: parsed, At: at, Methods: methods}, err
}

// RotateRefresh implements [session.Store].
func (db *DB) RotateRefresh(ctx context.Context, id session.ID, presented session.RefreshState) (current session.RefreshState, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		err := exec(tx, `
			UPDATE sessions AS s SET refresh_counter = ?, refresh_hash = ?, refresh_next_hash = ?
			WHERE s.id = ? AND s.refresh_counter = ? AND s.refresh_next_hash = ? AND `+alive,
			presented.Counter, presented.Hash[:], presented.NextHash[:], id.String(), presented.Counter-1, presented.Hash[:])
		if err != nil {
			return err
		}
		err = queryRow(tx, "SELECT refresh_counter, refresh_hash, refresh_next_hash FROM sessions WHERE id = ?", id.String()).
			Scan(&current.Counter, digest(current.Hash[:]), digest(current.NextHash[:]))
		if errors.Is(err, sql.ErrNoRows) {
			return session.ErrNotFound
		}
		return err
	})
	return current, err
}

// End implements [session.Store].
func (db *DB) End(ctx context.Context, ending session.EndRequest) (effect session.Effect, skipped int, err error) {
	type end struct {
		ID string `json:"id"`
		At int64  `json:"at"`
	}
	batch := make([]end, len(ending.Sessions))
	for i, e := range ending.Sessions {
		batch[i] = end{e.ID.String(), millis(e.At)}
	}
	err = db.write(ctx, func(tx *gorm.DB) error {
		if ending.Requirement != nil {
			by, err := judge(tx, ending.By, *ending.Requirement)
			if err != nil {
				return err
			}
			kept, err := notTheirs(tx, by, list(batch))
			if err != nil {
				return err
			}
			batch, skipped = slices.DeleteFunc(batch, func(e end) bool { return slices.Contains(kept, e.ID) }), len(kept)
		}
		effect.Ended, err = closeSessions(tx, ending, endNamed, string(ending.Reason), ending.By.Actor.Name, list(batch))
		return err
	})
	return effect, skipped, err
}

// selectNotTheirs lists the live sessions of members that the caller may not manage. CROSS JOIN
// keeps SQLite from going through all sessions instead of looking these few up.
const selectNotTheirs = `
SELECT s.id FROM json_each(?) AS named CROSS JOIN sessions s ON s.id = named.value ->> 'id'
WHERE ` + alive + ` AND s.member_id <> ?
  AND (SELECT m.role FROM members m WHERE m.id = s.member_id) NOT IN (SELECT value FROM json_each(?))`

// notTheirs returns the live sessions of a batch that the caller may not end: those of members that
// they may not manage, except their own.
func notTheirs(tx *gorm.DB, caller member.Authority, batch string) ([]string, error) {
	return all(tx, func(id *string) []any { return []any{id} }, selectNotTheirs, batch, caller.Member.ID.String(), list(caller.Manages()))
}

// endNamed ends sessions by their ids. Without the sign before the generation, SQLite would read
// all sessions of it instead of looking these few up.
const endNamed = `
UPDATE sessions SET ended_at = ending.at, end_reason = ?, ended_by = ?
FROM (SELECT value ->> 'id' AS id, value ->> 'at' AS at FROM json_each(?)) AS ending
WHERE sessions.id = ending.id AND sessions.ended_at IS NULL
  AND +sessions.generation = (SELECT generation FROM organization WHERE organization.id = 1)`

// endMembers ends a member's sessions, except for one.
const endMembers = `
UPDATE sessions SET ended_at = ?, end_reason = ?, ended_by = ?
WHERE member_id = ? AND id <> ? AND ended_at IS NULL AND generation = (SELECT generation FROM organization WHERE organization.id = 1)`

// endSessionsOf ends the sessions of a member, except for the one of the given id.
func endSessionsOf(tx *gorm.DB, id member.ID, at time.Time, request session.EndRequest, but string) ([]session.EndedSession, error) {
	return closeSessions(tx, request, endMembers, millis(at), string(request.Reason), request.By.Actor.Name, id.String(), but)
}

// closeSessions runs an update that ends sessions, and writes the audit entries of those that had
// been alive.
func closeSessions(tx *gorm.DB, ending session.EndRequest, update string, args ...any) ([]session.EndedSession, error) {
	ended, err := all(tx, func(e *session.EndedSession) []any {
		return []any{parsed(&e.ID, session.ParseID), parsed(&e.Member, member.ParseID), moment(&e.At)}
	}, update+" RETURNING sessions.id, sessions.member_id, sessions.ended_at", args...)
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	return ended, record(tx, ending.Events(ended)...)
}

// CloseRevoked implements [session.Store].
func (db *DB) CloseRevoked(ctx context.Context, generation uint64, limit int) (closed int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) (err error) {
		closed, err = changed(tx, `
			UPDATE sessions SET ended_at = r.at, end_reason = ?, ended_by = r.by_name
			FROM revocations AS r
			WHERE r.generation = sessions.generation + 1 AND sessions.id IN (
				SELECT id FROM sessions WHERE ended_at IS NULL AND generation < ? LIMIT ?)`,
			string(session.RevokedAll), generation, limit)
		return err
	})
	return closed, err
}

// Purge implements [session.Store].
func (db *DB) Purge(ctx context.Context, endedBefore time.Time, limit int) (purged int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) (err error) {
		purged, err = changed(tx, "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at < ? LIMIT ?)", millis(endedBefore), limit)
		if err != nil || purged == 0 {
			return err
		}
		return purgeTimes(tx)
	})
	return purged, err
}
