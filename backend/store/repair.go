package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/pressly/goose/v3"

	"curfew/backend/audit"
)

// repairChain is migration 13. It restores hashes of the audit log that the first release lost,
// where the rest of the chain proves them, and says so in an entry.
var repairChain = goose.NewGoMigration(13, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
	fixed, last, newest, err := lostHashes(ctx, tx)
	if err != nil || len(fixed) == 0 {
		return err
	}
	for _, entry := range fixed {
		if _, err := tx.ExecContext(ctx, "UPDATE audit_entries SET hash = ? WHERE sequence = ?", entry.Hash[:], entry.Sequence); err != nil {
			return err
		}
	}
	sealed, err := audit.Seal(last.Sequence, last.Hash, audit.Event{
		At: latest(time.Now(), instant(newest)), Action: audit.ChainRepaired, Actor: audit.System, Target: "organization",
		Details: map[string]any{"entries": len(fixed), "first": fixed[0].Sequence, "last": fixed[len(fixed)-1].Sequence, "head": last.Hash.String()},
	})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertAudit, auditValues(sealed)...)
	return err
}}, nil)

func lostHashes(ctx context.Context, tx *sql.Tx) (fixed []audit.Fixed, last audit.Entry, newest int64, err error) {
	var repair audit.Repair
	err = eachLink(ctx, tx, func(link audit.Link) error {
		newest = max(newest, millis(link.At))
		return repair.Take(link)
	}, "", 0)
	if err != nil {
		return nil, last, 0, err
	}
	fixed, last = repair.Done()
	var promised int64
	if err := tx.QueryRowContext(ctx, selectLastReceipt).Scan(&promised); err != nil {
		return nil, last, 0, err
	}
	if promised > last.Sequence {
		return nil, last, 0, nil // the log was cut off
	}
	return fixed, last, newest, nil
}
