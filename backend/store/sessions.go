package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

type sessionRow struct {
	Number           int64 `gorm:"primaryKey"`
	ID               string
	MemberID         string
	Generation       uint64
	MemberGeneration uint64
	AuthenticatedAt  int64
	ProvedAt         int64
	StartedAt        int64
	LastSeenAt       int64
	EndedAt          *int64
	EndReason        *string
	EndedBy          *string
	RefreshCounter   uint64
	RefreshHash      []byte
	RefreshNextHash  []byte
	Address          string
	UserAgent        string
	Methods          string
}

func (sessionRow) TableName() string { return "sessions" }

// recordRow is a session as selectRecord reads it.
type recordRow struct {
	Number           int64
	ID               string
	MemberID         string
	Generation       uint64
	MemberGeneration uint64
	AuthenticatedAt  int64
	ProvedAt         int64
	StartedAt        int64
	LastSeenAt       int64
	EndedAt          int64
	EndReason        string
	EndedBy          string
	Address          string
	UserAgent        string
	Methods          string
}

const selectRecord = `
SELECT number, id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at,
       coalesce(ended_at, 0), coalesce(end_reason, ''), coalesce(ended_by, ''), address, user_agent, methods
FROM sessions WHERE id = ?`

func (row recordRow) record(m member.Member) (session.Record, error) {
	id, err := session.ParseID(row.ID)
	return session.Record{
		Number: row.Number,
		Session: session.Session{
			ID: id, MemberID: m.ID, Generation: row.Generation, MemberGeneration: row.MemberGeneration,
			AuthenticatedAt: instant(row.AuthenticatedAt), ProvedAt: instant(row.ProvedAt),
			StartedAt: instant(row.StartedAt), LastSeenAt: instant(row.LastSeenAt),
			End:    session.End{Reason: session.EndReason(row.EndReason), At: instant(row.EndedAt), By: row.EndedBy},
			Client: session.Client{Address: session.ParseAddress(row.Address), UserAgent: row.UserAgent}, Methods: strings.Fields(row.Methods),
		},
		Member: m,
	}, err
}

// oneRecord is a session with the times of its sign-in. It reads past GORM, because a flood of requests for sessions that are over comes here,
// and joins nothing, because SQLite plans a join with a parameter anew each time, which takes several times as long as these look-ups. The
// member is read after the session, and so is never older than it.
func oneRecord(tx *gorm.DB, id session.ID) (session.Record, error) {
	var r recordRow
	err := queryRow(tx, selectRecord, id.String()).Scan(
		&r.Number, &r.ID, &r.MemberID, &r.Generation, &r.MemberGeneration, &r.AuthenticatedAt, &r.ProvedAt, &r.StartedAt, &r.LastSeenAt,
		&r.EndedAt, &r.EndReason, &r.EndedBy, &r.Address, &r.UserAgent, &r.Methods)
	if errors.Is(err, sql.ErrNoRows) {
		return session.Record{}, session.ErrNotFound
	}
	if err != nil {
		return session.Record{}, err
	}
	m, err := readMember(tx, r.MemberID)
	if err != nil {
		return session.Record{}, err
	}
	return r.record(m)
}

// alive is what a session's row must be for a change to be made in its name, beside the policy's window. It stands in the
// change's own transaction, so that a request that was paused after the check changes nothing after a revocation. The member is looked
// up in a subquery because SQLite would turn EXISTS into a join, which it plans anew for every value of a parameter.
const alive = `
    s.ended_at IS NULL
AND s.generation = (SELECT generation FROM organization WHERE id = 1)
AND s.member_generation = (SELECT m.generation FROM members m WHERE m.id = s.member_id AND m.deactivated_at IS NULL)`

// InsertSession implements [session.Store].
func (db *DB) InsertSession(ctx context.Context, s session.Session, proof member.Proof, refresh session.RefreshState, event audit.Event) (effect session.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		var generations []struct{ Organization, Member uint64 }
		holds, args := proofHolds(proof)
		read := tx.Raw(`
			SELECT o.generation AS organization, m.generation AS member FROM organization o, members m
			WHERE o.id = 1 AND m.id = ? AND m.deactivated_at IS NULL AND `+holds, append([]any{s.MemberID.String()}, args...)...).Scan(&generations)
		if read.Error != nil {
			return read.Error
		}
		if len(generations) == 0 {
			return session.ErrCredentialStale
		}
		row := sessionRow{
			ID: s.ID.String(), MemberID: s.MemberID.String(),
			Generation: generations[0].Organization, MemberGeneration: generations[0].Member,
			AuthenticatedAt: millis(s.AuthenticatedAt), ProvedAt: millis(s.ProvedAt),
			StartedAt: millis(s.StartedAt), LastSeenAt: millis(s.LastSeenAt),
			RefreshCounter: refresh.Counter, RefreshHash: refresh.Hash[:], RefreshNextHash: refresh.NextHash[:],
			Address: s.Client.AddressText(), UserAgent: s.Client.UserAgent, Methods: strings.Join(s.Methods, " "),
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if _, err := appendAudit(tx, event); err != nil {
			return err
		}
		record, err := oneRecord(tx, s.ID)
		effect.Started = &record
		return err
	})
	return effect, err
}

// Session implements [session.Store]. It cannot be cancelled: to watch for that would take longer than to read.
func (db *DB) Session(ctx context.Context, id session.ID) (session.Record, error) {
	tx := db.read(context.WithoutCancel(ctx))
	record, err := oneRecord(tx, id)
	if err != nil {
		return record, unavailable(err)
	}
	startedAt, lastSeenAt, err := timesOf(tx, record.Number)
	record.Session.StartedAt = latest(record.Session.StartedAt, instant(startedAt))
	record.Session.LastSeenAt = latest(record.Session.LastSeenAt, instant(lastSeenAt))
	return record, unavailable(err)
}

// EachLive implements [session.Store].
func (db *DB) EachLive(ctx context.Context, generation uint64, f func(number int64, s *session.Session)) error {
	times := map[int64]timesPage{}
	tx := db.reader.Statement.ConnPool
	if err := readTimes(context.WithoutCancel(ctx), tx, times, ""); err != nil {
		return unavailable(err)
	}
	// One text stands for many equal ones.
	agents, methods := map[string]string{}, map[string][]string{}
	var (
		row sessionRow
		s   session.Session
	)
	err := eachRow(context.WithoutCancel(ctx), tx, func(scan func(...any) error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := scan(&row.Number, &row.ID, &row.MemberID, &row.MemberGeneration, &row.AuthenticatedAt, &row.ProvedAt,
			&row.StartedAt, &row.LastSeenAt, &row.Address, &row.UserAgent, &row.Methods)
		if err != nil {
			return err
		}
		id, err := session.ParseID(row.ID)
		if err != nil {
			return err
		}
		memberID, err := member.ParseID(row.MemberID)
		if err != nil {
			return err
		}
		if _, known := agents[row.UserAgent]; !known {
			agents[row.UserAgent] = row.UserAgent
		}
		if _, known := methods[row.Methods]; !known {
			methods[row.Methods] = strings.Fields(row.Methods)
		}
		startedAt, lastSeenAt := times[row.Number/timesPerPage].of(row.Number)
		s = session.Session{
			ID: id, MemberID: memberID, Generation: generation, MemberGeneration: row.MemberGeneration,
			AuthenticatedAt: instant(row.AuthenticatedAt), ProvedAt: instant(row.ProvedAt),
			StartedAt: instant(max(row.StartedAt, startedAt)), LastSeenAt: instant(max(row.LastSeenAt, lastSeenAt)),
			Client:  session.Client{Address: session.ParseAddress(row.Address), UserAgent: agents[row.UserAgent]},
			Methods: methods[row.Methods],
		}
		f(row.Number, &s)
		return nil
	}, `
		SELECT number, id, member_id, member_generation, authenticated_at, proved_at, started_at, last_seen_at, address, user_agent, methods
		FROM sessions WHERE ended_at IS NULL AND generation = ? ORDER BY number`, generation)
	return unavailable(err)
}

// EachActiveMember implements [session.Store].
func (db *DB) EachActiveMember(ctx context.Context, f func(*member.Member)) error {
	m := member.Member{Active: true}
	return unavailable(eachRow(context.WithoutCancel(ctx), db.reader.Statement.ConnPool, func(scan func(...any) error) error {
		var id string
		err := scan(&id, &m.Name, &m.Email, (*string)(&m.Role), &m.Generation, &m.SecondFactor, &m.HasPasskey)
		if err != nil {
			return err
		}
		if m.ID, err = member.ParseID(id); err != nil {
			return err
		}
		f(&m)
		return ctx.Err()
		// Who has a passkey is asked once, and not for each member.
	}, `
		SELECT id, name, email, role, generation, totp_seed IS NOT NULL, id IN (SELECT member_id FROM passkeys)
		FROM members WHERE deactivated_at IS NULL`))
}

// Prove implements [session.Store].
func (db *DB) Prove(ctx context.Context, proof member.Proof, caller audit.Caller, event audit.Event) (effect session.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		authority, err := judge(tx, caller, member.Demand{AlsoRestricted: true})
		if err != nil {
			return err
		}
		if err := requireBothFactors(authority.Member, proof); err != nil {
			return err
		}
		holds, args := proofHolds(proof)
		var still bool
		if err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM members m WHERE m.id = ? AND "+holds+")",
			append([]any{authority.Member.ID.String()}, args...)...).Scan(&still); err != nil {
			return err
		}
		if !still {
			return session.ErrCredentialStale
		}
		effect.Proved, err = proveSession(tx, caller.Session, event.At, member.JoinMethods(authority.Methods, proof.Methods))
		if err != nil {
			return err
		}
		_, err = appendAudit(tx, event)
		return err
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
		rotated := tx.Exec(`
			UPDATE sessions AS s SET refresh_counter = ?, refresh_hash = ?, refresh_next_hash = ?
			WHERE s.id = ? AND s.refresh_counter = ? AND s.refresh_next_hash = ? AND `+alive,
			presented.Counter, presented.Hash[:], presented.NextHash[:], id.String(), presented.Counter-1, presented.Hash[:])
		if rotated.Error != nil {
			return rotated.Error
		}
		var rows []sessionRow
		read := tx.Raw("SELECT refresh_counter, refresh_hash, refresh_next_hash FROM sessions WHERE id = ?", id.String()).Scan(&rows)
		if read.Error != nil {
			return read.Error
		}
		if len(rows) == 0 {
			return session.ErrNotFound
		}
		current.Counter = rows[0].RefreshCounter
		copy(current.Hash[:], rows[0].RefreshHash)
		copy(current.NextHash[:], rows[0].RefreshNextHash)
		return nil
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
	encoded, err := json.Marshal(batch)
	if err != nil {
		return effect, 0, fmt.Errorf("encode endings: %w", err)
	}
	err = db.write(ctx, func(tx *gorm.DB) error {
		if ending.Demand != nil {
			authority, err := judge(tx, ending.By, *ending.Demand)
			if err != nil {
				return err
			}
			kept, err := notTheirs(tx, authority, string(encoded))
			if err != nil {
				return err
			}
			batch, skipped = slices.DeleteFunc(batch, func(e end) bool { return kept[e.ID] }), len(kept)
			if encoded, err = json.Marshal(batch); err != nil {
				return fmt.Errorf("encode endings: %w", err)
			}
		}
		effect.Ended, err = closeSessions(tx, ending, endNamed, string(ending.Reason), ending.By.Actor.Name, string(encoded))
		return err
	})
	return effect, skipped, err
}

// selectNotTheirs lists the live sessions of members whom the caller may not manage. CROSS JOIN keeps
// SQLite from going through all sessions instead of looking these few up.
const selectNotTheirs = `
SELECT s.id FROM json_each(?) AS named CROSS JOIN sessions s ON s.id = named.value ->> 'id'
WHERE ` + alive + ` AND s.member_id <> ?
  AND (SELECT m.role FROM members m WHERE m.id = s.member_id) NOT IN (SELECT value FROM json_each(?))`

// notTheirs returns the live sessions of a batch that the caller may not end: those of members whom
// they may not manage, except their own.
func notTheirs(tx *gorm.DB, caller member.Authority, batch string) (map[string]bool, error) {
	var ids []string
	err := tx.Raw(selectNotTheirs, batch, caller.Member.ID.String(), rolesOf(caller)).Scan(&ids).Error
	kept := make(map[string]bool, len(ids))
	for _, id := range ids {
		kept[id] = true
	}
	return kept, err
}

// rolesOf are the roles that the caller manages, as a JSON array.
func rolesOf(caller member.Authority) string {
	roles := []string{}
	for _, role := range caller.Manages() {
		roles = append(roles, strconv.Quote(string(role)))
	}
	return "[" + strings.Join(roles, ",") + "]"
}

// endNamed ends sessions by their ids. Without the sign before the generation, SQLite would go through all sessions of it instead of
// looking these few up.
const endNamed = `
UPDATE sessions SET ended_at = ending.at, end_reason = ?, ended_by = ?
FROM (SELECT value ->> 'id' AS id, value ->> 'at' AS at FROM json_each(?)) AS ending
WHERE sessions.id = ending.id AND sessions.ended_at IS NULL
  AND +sessions.generation = (SELECT generation FROM organization WHERE organization.id = 1)`

// endMembers ends a member's sessions, but for one.
const endMembers = `
UPDATE sessions SET ended_at = ?, end_reason = ?, ended_by = ?
WHERE member_id = ? AND id <> ? AND ended_at IS NULL AND generation = (SELECT generation FROM organization WHERE organization.id = 1)`

// closeSessions runs an update that ends sessions, and writes an audit entry for each that had been
// alive.
func closeSessions(tx *gorm.DB, ending session.EndRequest, update string, args ...any) ([]session.EndedSession, error) {
	var rows []struct {
		ID       string
		MemberID string
		EndedAt  int64
	}
	if err := tx.Raw(update+" RETURNING sessions.id, sessions.member_id, sessions.ended_at", args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	events := make([]audit.Event, len(rows))
	ended := make([]session.EndedSession, len(rows))
	for i, row := range rows {
		id, err := session.ParseID(row.ID)
		if err != nil {
			return nil, err
		}
		memberID, err := member.ParseID(row.MemberID)
		if err != nil {
			return nil, err
		}
		ended[i] = session.EndedSession{ID: id, At: instant(row.EndedAt), Member: memberID}
		events[i] = ending.Event(ended[i])
	}
	_, err := appendAudit(tx, events...)
	return ended, err
}

// CloseRevoked implements [session.Store].
func (db *DB) CloseRevoked(ctx context.Context, generation uint64, limit int) (closed int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`
			UPDATE sessions SET ended_at = r.at, end_reason = ?, ended_by = r.by_name
			FROM revocations AS r
			WHERE r.generation = sessions.generation + 1 AND sessions.id IN (
				SELECT id FROM sessions WHERE ended_at IS NULL AND generation < ? LIMIT ?)`,
			string(session.RevokedAll), generation, limit)
		closed = int(result.RowsAffected)
		return result.Error
	})
	return closed, err
}

// Purge implements [session.Store].
func (db *DB) Purge(ctx context.Context, endedBefore time.Time, limit int) (purged int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at < ? LIMIT ?)", millis(endedBefore), limit)
		purged = int(result.RowsAffected)
		if result.Error != nil || purged == 0 {
			return result.Error
		}
		return purgeTimes(tx)
	})
	return purged, err
}
