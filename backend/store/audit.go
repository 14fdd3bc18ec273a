package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
)

type auditRow struct {
	Sequence  int64 `gorm:"primaryKey"`
	At        int64
	Action    string
	ActorID   string
	ActorName string
	Target    string
	Address   string
	Details   string
	Hash      []byte
}

func (auditRow) TableName() string { return "audit_entries" }

// appendAudit adds events to the end of the chain, in the transaction of what they record. Transactions that write come one after
// the other, so the end stays the end until this one commits.
func appendAudit(tx *gorm.DB, events ...audit.Event) (last audit.Entry, err error) {
	if last, err = lastAudit(tx); err != nil {
		return last, err
	}
	rows := make([]auditRow, 0, len(events))
	for _, event := range events {
		if last, err = audit.Seal(last.Sequence, last.Hash, event); err != nil {
			return last, err
		}
		details, err := json.Marshal(event.Details)
		if err != nil {
			return last, fmt.Errorf("encode audit details: %w", err)
		}
		hash := last.Hash // a slice of last's own would be overwritten by the next entry's
		rows = append(rows, auditRow{
			last.Sequence, millis(event.At), string(event.Action), event.Actor.ID, event.Actor.Name,
			event.Target, event.Address, string(details), hash[:],
		})
	}
	return last, tx.CreateInBatches(rows, 100).Error
}

func (row auditRow) entry() (audit.Entry, error) {
	var details map[string]any
	if err := json.Unmarshal([]byte(row.Details), &details); err != nil {
		return audit.Entry{}, fmt.Errorf("read audit entry %d: %w", row.Sequence, err)
	}
	return audit.Entry{
		Event: audit.Event{
			At: instant(row.At), Action: audit.Action(row.Action), Actor: audit.Actor{ID: row.ActorID, Name: row.ActorName},
			Target: row.Target, Address: row.Address, Details: details,
		},
		Sequence: row.Sequence, Hash: audit.Hash(row.Hash),
	}, nil
}

// Entries implements [audit.Reader].
func (db *DB) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	where, args := "WHERE sequence < ?", []any{filter.Before}
	if filter.Before == 0 {
		args[0] = int64(math.MaxInt64)
	}
	if filter.Concerning != "" {
		where += " AND (actor_id = ? OR target = ?)"
		args = append(args, filter.Concerning, "member:"+filter.Concerning)
	}
	if filter.Action != "" {
		where += " AND action = ?"
		args = append(args, string(filter.Action))
	}
	if !filter.Since.IsZero() {
		where += " AND at >= ?"
		args = append(args, millis(filter.Since))
	}
	if !filter.Until.IsZero() {
		where += " AND at < ?"
		args = append(args, millis(filter.Until))
	}
	var rows []auditRow
	err := db.read(ctx).Raw(`
		SELECT sequence, at, action, actor_id, actor_name, target, address, details, hash
		FROM audit_entries `+where+" ORDER BY sequence DESC LIMIT ?", append(args, filter.Limit)...).Scan(&rows).Error
	if err != nil {
		return nil, unavailable(err)
	}
	entries := make([]audit.Entry, len(rows))
	for i, row := range rows {
		if entries[i], err = row.entry(); err != nil {
			return nil, unavailable(err)
		}
	}
	return entries, nil
}

// lastAudit is the end of the chain; the zero entry when there is none.
func lastAudit(tx *gorm.DB) (audit.Entry, error) {
	var rows []struct {
		Sequence int64
		Hash     []byte
	}
	if err := tx.Raw("SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1").Scan(&rows).Error; err != nil {
		return audit.Entry{}, fmt.Errorf("read the end of the audit chain: %w", err)
	}
	if len(rows) == 0 {
		return audit.Entry{}, nil
	}
	return audit.Entry{Sequence: rows[0].Sequence, Hash: audit.Hash(rows[0].Hash)}, nil
}

// millis and instant carry times over the store's edge: whole milliseconds since the epoch, and UTC. The zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
