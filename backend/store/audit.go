package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
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

// appendAudit adds events to the end of the chain, in the transaction of what they record.
// Transactions that write come one after the other, so the end stays the end until this one
// commits.
func appendAudit(tx *gorm.DB, events ...audit.Event) (last audit.Entry, err error) {
	if last, err = lastAudit(tx); err != nil {
		return last, err
	}
	for _, event := range events {
		sealed, err := audit.Seal(last.Sequence, last.Hash, event)
		if err != nil {
			return last, err
		}
		if err := exec(tx, insertAudit, auditValues(sealed)...); err != nil {
			return last, err
		}
		last = sealed
	}
	return last, nil
}

const insertAudit = `
INSERT INTO audit_entries (sequence, at, action, actor_id, actor_name, target, address, details, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

func auditValues(sealed audit.Entry) []any {
	return []any{
		sealed.Sequence, millis(sealed.At), string(sealed.Action), sealed.Actor.ID, sealed.Actor.Name, sealed.Target, sealed.Address,
		string(sealed.Encoded), sealed.Hash[:],
	}
}

// sealed is the row as the chain's check wants it: with the details as they stand.
func (row auditRow) sealed() audit.Entry {
	return audit.Entry{
		Event: audit.Event{
			At: instant(row.At), Action: audit.Action(row.Action), Actor: audit.Actor{ID: row.ActorID, Name: row.ActorName},
			Target: row.Target, Address: row.Address,
		},
		Sequence: row.Sequence, Hash: hashOf(row.Hash), Encoded: []byte(row.Details),
	}
}

// entry is the row as a reader wants it: with the details read, and numbers in them kept as they
// are written, however large.
func (row auditRow) entry() (audit.Entry, error) {
	entry := row.sealed()
	decoder := json.NewDecoder(strings.NewReader(row.Details))
	decoder.UseNumber()
	if err := decoder.Decode(&entry.Details); err != nil {
		return audit.Entry{}, fmt.Errorf("read audit entry %d: %w", row.Sequence, err)
	}
	return entry, nil
}

// hashOf is a stored hash; one that was cut short or drawn out is none, and fits nowhere.
func hashOf(stored []byte) (h audit.Hash) {
	if len(stored) == len(h) {
		copy(h[:], stored)
	}
	return h
}

const auditColumns = "sequence, at, action, actor_id, actor_name, target, address, details, hash"

// madeAccount picks the entry of an accepted invitation, with which a member's account begins.
const madeAccount = "action = '" + string(audit.LinkUsed) + "' AND details ->> 'kind' IS '" + string(member.Invitation) + "'"

// accountBegan is when a member's account began: when the invitation was accepted or, without one,
// when the member was added. It takes the member's id twice.
const accountBegan = "coalesce((SELECT max(at) FROM audit_entries WHERE concerns = ? AND " + madeAccount + "), (SELECT created_at FROM members WHERE id = ?), 0)"

// Entries implements [audit.Reader]. What concerns a member is found by several searches, each
// along an index of its own and no longer than the page: one search with OR would read and sort all
// that a busy member ever did.
func (db *DB) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	var (
		searches []string
		args     []any
	)
	search := func(whose string, of ...any) {
		where, bounds := filterWhere(filter)
		searches = append(searches, "SELECT * FROM (SELECT "+auditColumns+" FROM audit_entries WHERE "+whose+where+" ORDER BY at DESC, sequence DESC LIMIT ?)")
		args = append(append(append(args, of...), bounds...), filter.Limit)
	}
	if filter.Concerning == "" {
		search("TRUE")
	} else {
		search("actor_id = ? AND actor_id <> ''", filter.Concerning)
		search("concerns = ?", filter.Concerning)
		if filter.WithGlobal {
			search("action = ? AND at >= "+accountBegan, string(audit.SessionsRevokedAll), filter.Concerning, filter.Concerning)
		}
	}
	// UNION, and not UNION ALL: what a member did to themselves is found twice.
	return db.entries(ctx, strings.Join(searches, " UNION ")+" ORDER BY at DESC, sequence DESC LIMIT ?", append(args, filter.Limit)...)
}

// entries returns the entries that a query of auditColumns finds.
func (db *DB) entries(ctx context.Context, query string, args ...any) ([]audit.Entry, error) {
	var rows []auditRow
	if err := db.read(ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, unavailable(err)
	}
	entries := make([]audit.Entry, len(rows))
	for i, row := range rows {
		var err error
		if entries[i], err = row.entry(); err != nil {
			return nil, unavailable(err)
		}
	}
	return entries, nil
}

// filterWhere is what every search of a filter has in common.
func filterWhere(filter audit.Filter) (where string, args []any) {
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
	if before := filter.Before; before != (audit.Place{}) {
		where += " AND (at, sequence) < (?, ?)"
		args = append(args, millis(before.At), before.Sequence)
	}
	return where, args
}

// Links implements [audit.Log].
func (db *DB) Links(ctx context.Context, above int64, limit int) ([]audit.Link, error) {
	links := make([]audit.Link, 0, limit)
	err := eachLink(ctx, db.reader.Statement.ConnPool, func(link audit.Link) error {
		links = append(links, link)
		return nil
	}, " LIMIT ?2", above, limit)
	return links, unavailable(err)
}

const selectLinks = "SELECT " + auditColumns + `, receipt
FROM audit_entries LEFT JOIN (
	SELECT audit_sequence, max(audit_hash) AS receipt FROM revocations WHERE audit_sequence > ?1 GROUP BY audit_sequence
) ON audit_sequence = sequence
WHERE sequence > ?1 ORDER BY sequence`

// eachLink calls f with each link of the chain above a sequence, which is the first argument. It
// does not use GORM's mapping, because it reads the whole log.
func eachLink(ctx context.Context, tx gorm.ConnPool, f func(audit.Link) error, more string, args ...any) error {
	return eachRow(ctx, tx, func(scan func(...any) error) error {
		var (
			row     auditRow
			receipt []byte
		)
		err := scan(&row.Sequence, &row.At, &row.Action, &row.ActorID, &row.ActorName, &row.Target, &row.Address, &row.Details, &row.Hash, &receipt)
		if err != nil {
			return err
		}
		link := audit.Link{Entry: row.sealed()}
		if receipt != nil {
			hash := hashOf(receipt)
			link.Receipt = &hash
		}
		return f(link)
	}, selectLinks+more, args...)
}

// LastReceipt implements [audit.Log].
func (db *DB) LastReceipt(ctx context.Context) (sequence int64, err error) {
	err = db.read(ctx).Raw(selectLastReceipt).Scan(&sequence).Error
	return sequence, unavailable(err)
}

const selectLastReceipt = "SELECT coalesce(max(audit_sequence), 0) FROM revocations"

// lastAudit is the end of the chain; the zero entry when there is none.
func lastAudit(tx *gorm.DB) (last audit.Entry, err error) {
	var hash []byte
	err = queryRow(tx, "SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1").Scan(&last.Sequence, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, nil
	}
	if err != nil {
		return audit.Entry{}, fmt.Errorf("read the end of the audit chain: %w", err)
	}
	last.Hash = hashOf(hash)
	return last, nil
}

// millis and instant carry times over the store's edge: whole milliseconds since the epoch, and
// UTC. The zero time is 0.
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
