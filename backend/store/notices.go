package store

import (
	"context"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Notices implements [member.Store].
func (db *DB) Notices(ctx context.Context, id member.ID, actions []audit.Action, limit int) ([]audit.Entry, error) {
	return db.entries(ctx, "SELECT "+auditColumns+` FROM audit_entries
		WHERE concerns = ? AND action IN ?
		  AND sequence > (SELECT noticed FROM members WHERE id = ?) AND NOT (`+madeAccount+`)
		ORDER BY sequence DESC LIMIT ?`, id.String(), actions, id.String(), limit)
}

// Suspicions implements [member.Store]. What happened afterwards is looked for along the index of
// what the member did.
func (db *DB) Suspicions(ctx context.Context, id member.ID, suspicion member.Suspicion, limit int) ([]audit.Entry, error) {
	return db.entries(ctx, "SELECT "+auditColumns+` FROM audit_entries AS refused
		WHERE concerns = ? AND action IN ? AND details ->> 'wrong' IN ?
		  AND details ->> 'count' IS NULL AND sequence > (SELECT noticed FROM members WHERE id = ?)
		  AND NOT EXISTS (
			SELECT 1 FROM audit_entries AS done
			WHERE done.actor_id = ? AND done.actor_id <> '' AND done.action IN ?
			  AND done.at BETWEEN refused.at AND refused.at + ? AND done.address = refused.address AND done.sequence > refused.sequence)
		ORDER BY sequence DESC LIMIT ?`,
		id.String(), suspicion.Refused, suspicion.Wrong, id.String(), id.String(), suspicion.Unless, suspicion.Within.Milliseconds(), limit)
}

// DismissNotices implements [member.Store].
func (db *DB) DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error {
	return db.change(ctx, caller, member.Requirement{}, func(tx *gorm.DB, by member.Authority) error {
		return exec(tx, "UPDATE members SET noticed = max(noticed, min(?, (SELECT max(sequence) FROM audit_entries))) WHERE id = ?",
			sequence, by.Member.ID.String())
	})
}
