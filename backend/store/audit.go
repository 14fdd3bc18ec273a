package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
)

const auditColumns = "sequence, at, action, actor_id, actor_name, target, address, details, hash"

// entryInto names where to put auditColumns.
func entryInto(e *audit.Entry) []any {
	return []any{
		&e.Sequence, moment(&e.At), &e.Action, &e.Actor.ID, &e.Actor.Name, &e.Target, &e.Address,
		text(&e.Encoded, func(s string) []byte { return []byte(s) }), digest(e.Hash[:]),
	}
}

// record appends events to the audit chain, in the transaction of what they record.
func record(tx *gorm.DB, events ...audit.Event) error {
	_, err := appendAudit(tx, events...)
	return err
}

// appendAudit is record, and returns the last entry. Transactions that write come one after the
// other, so the end of the chain stays the end until this one commits.
func appendAudit(tx *gorm.DB, events ...audit.Event) (last audit.Entry, err error) {
	if last, err = lastAudit(tx); err != nil {
		return last, err
	}
	for _, event := range events {
		if last, err = audit.Seal(last.Sequence, last.Hash, event); err != nil {
			return last, err
		}
		err := exec(tx, "INSERT INTO audit_entries ("+auditColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			last.Sequence, millis(last.At), string(last.Action), last.Actor.ID, last.Actor.Name, last.Target, last.Address,
			string(last.Encoded), last.Hash[:])
		if err != nil {
			return last, err
		}
	}
	return last, nil
}

// lastAudit returns the end of the chain; the zero entry if there is none.
func lastAudit(tx *gorm.DB) (last audit.Entry, err error) {
	err = queryRow(tx, "SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1").Scan(&last.Sequence, digest(last.Hash[:]))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, fmt.Errorf("read the end of the audit chain: %w", err)
	}
	return last, nil
}

// Record writes an audit entry for something that changes nothing else.
func (db *DB) Record(ctx context.Context, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error { return record(tx, event) })
}

// madeAccount selects the entry of an accepted invitation, with which a member's account begins.
const madeAccount = "action = '" + string(audit.LinkUsed) + "' AND details ->> 'kind' IS '" + string(member.Invitation) + "'"

// accountBegan is when a member's account began: when the invitation was accepted or, without one,
// when the member was added. It takes the member's id twice.
const accountBegan = "coalesce((SELECT max(at) FROM audit_entries WHERE concerns = ? AND " + madeAccount + "), (SELECT created_at FROM members WHERE id = ?), 0)"

// Entries implements [audit.Reader].
func (db *DB) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	query, args := selectEntries(filter, auditColumns, filter.Limit)
	return db.entries(ctx, query, args...)
}

// selectEntries returns the query of the columns of entries that the filter selects, and its
// arguments. What concerns a member is found by several searches, each along an index of its own
// and no longer than the page. One search with OR would read and sort all entries of a busy member.
func selectEntries(filter audit.Filter, columns string, limit int) (query string, args []any) {
	var searches []string
	search := func(whose string, of ...any) {
		where, bounds := filterWhere(filter)
		searches = append(searches, "SELECT * FROM (SELECT "+columns+" FROM audit_entries WHERE "+whose+where+" ORDER BY at DESC, sequence DESC LIMIT ?)")
		args = append(append(append(args, of...), bounds...), limit)
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
	return strings.Join(searches, " UNION ") + " ORDER BY at DESC, sequence DESC LIMIT ?", append(args, limit)
}

// entries returns the entries that a query of auditColumns finds, with their details read. Numbers
// in these stay as they are written, however large.
func (db *DB) entries(ctx context.Context, query string, args ...any) ([]audit.Entry, error) {
	entries, err := all(db.read(ctx), entryInto, query, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	for i := range entries {
		if err := readDetails(&entries[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func readDetails(e *audit.Entry) error {
	decoder := json.NewDecoder(bytes.NewReader(e.Encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&e.Details); err != nil {
		return unavailable(fmt.Errorf("read audit entry %d: %w", e.Sequence, err))
	}
	return nil
}

// filterWhere returns the conditions that all searches of a filter share, and their arguments.
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
	links, err := all(db.read(ctx), linkInto, selectLinks+" LIMIT ?2", above, limit)
	return links, unavailable(err)
}

const selectLinks = "SELECT " + auditColumns + `, receipt
FROM audit_entries LEFT JOIN (
	SELECT audit_sequence, max(audit_hash) AS receipt FROM revocations WHERE audit_sequence > ?1 GROUP BY audit_sequence
) ON audit_sequence = sequence
WHERE sequence > ?1 ORDER BY sequence`

// linkInto names where to put the columns of selectLinks.
func linkInto(link *audit.Link) []any {
	return append(entryInto(&link.Entry), column(func(receipt any) error {
		if receipt == nil {
			link.Receipt = nil
			return nil
		}
		link.Receipt = &audit.Hash{}
		return digest(link.Receipt[:])(receipt)
	}))
}

// LastReceipt implements [audit.Log].
func (db *DB) LastReceipt(ctx context.Context) (sequence int64, err error) {
	sequence, err = lastReceipt(db.read(ctx))
	return sequence, unavailable(err)
}

func lastReceipt(tx *gorm.DB) (sequence int64, err error) {
	err = queryRow(tx, "SELECT coalesce(max(audit_sequence), 0) FROM revocations").Scan(&sequence)
	return sequence, err
}
