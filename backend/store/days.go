package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// signIns counts the sign-ins of a day, along an index of the audit log. It takes the day once.
const signIns = "SELECT count(*) FROM audit_entries WHERE action = '" + string(audit.SessionStarted) + "' AND at >= ?1 * 86400000 AND at < (?1 + 1) * 86400000"

// dayNumber is the key of a day.
func dayNumber(day time.Time) int64 { return day.Unix() / (24 * 60 * 60) }

// SignIns implements [session.Store].
func (db *DB) SignIns(ctx context.Context, day time.Time) (count int, err error) {
	err = queryRow(db.read(ctx), signIns, dayNumber(day)).Scan(&count)
	return count, unavailable(err)
}

// SaveDay implements [session.Store].
func (db *DB) SaveDay(ctx context.Context, d session.DayCount) error {
	day := dayNumber(d.Day)
	return db.write(ctx, func(tx *gorm.DB) error {
		known, err := changed(tx, "UPDATE daily_counts SET sessions = ?, members = ?, sign_ins = ? WHERE day = ?",
			d.Live.Sessions, d.Live.Members, d.SignIns, day)
		if err != nil || known > 0 {
			return err
		}
		// The last count of the day before missed the sign-ins after it.
		var before int64
		if err := queryRow(tx, "SELECT coalesce(max(day), 0) FROM daily_counts WHERE day < ?", day).Scan(&before); err != nil {
			return err
		}
		if err := exec(tx, "UPDATE daily_counts SET sign_ins = ("+signIns+") WHERE day = ?1", before); err != nil {
			return err
		}
		return exec(tx, "INSERT INTO daily_counts (day, sessions, members, sign_ins) VALUES (?, ?, ?, ?)",
			day, d.Live.Sessions, d.Live.Members, d.SignIns)
	})
}

// Days implements [session.Store].
func (db *DB) Days(ctx context.Context, from, until time.Time) ([]session.DayCount, error) {
	days, err := all(db.read(ctx), func(d *session.DayCount) []any {
		return []any{moment(&d.Day), &d.Live.Sessions, &d.Live.Members, &d.SignIns}
	}, "SELECT day * 86400000, sessions, members, sign_ins FROM daily_counts WHERE day BETWEEN ? AND ? ORDER BY day",
		dayNumber(from), dayNumber(until))
	return days, unavailable(err)
}

// Dismiss implements [session.Store].
func (db *DB) Dismiss(ctx context.Context, caller audit.Caller, requirement member.Requirement, event audit.Event) error {
	return db.change(ctx, caller, requirement, func(tx *gorm.DB, _ member.Authority) error { return record(tx, event) })
}
