package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

const receiptColumns = `generation, at, by_id, by_name, reason,
	sessions_ended, members_signed_out, links_withdrawn, audit_sequence, audit_hash`

// receiptInto names where to put receiptColumns.
func receiptInto(r *session.Receipt) []any {
	return []any{
		&r.Generation, moment(&r.RevokedAt), &r.By.ID, &r.By.Name, &r.Reason,
		&r.SessionsEnded, &r.MembersSignedOut, &r.LinksWithdrawn, &r.AuditSequence, digest(r.AuditHash[:]),
	}
}

// RevokeAll implements [session.Store].
func (db *DB) RevokeAll(ctx context.Context, revocation session.Revocation, caller audit.Caller, requirement member.Requirement) (receipt session.Receipt, err error) {
	err = db.change(ctx, caller, requirement, func(tx *gorm.DB, _ member.Authority) error {
		if revocation.IdempotencyKey != "" {
			repeated, err := sameRevocation(tx, revocation, caller)
			if err != nil || repeated.Repeated {
				receipt = repeated
				return err
			}
		}
		org, err := readOrganization(tx)
		if err != nil {
			return err
		}
		generation := org.Generation + 1
		if revocation.LinksWithdrawn, err = openLinks(tx, revocation.At); err != nil {
			return err
		}
		err = exec(tx, "UPDATE organization SET generation = ?, clock_at = max(clock_at, ?) WHERE id = 1", generation, millis(revocation.At))
		if err != nil {
			return err
		}
		receipt, err = recordRevocation(tx, revocation, generation, revocation.Event(caller, generation))
		return err
	})
	return receipt, err
}

// sameRevocation returns the receipt of an earlier revocation of the same idempotency key, marked
// as repeated. A key of before [session.KeyLifetime] is free again.
func sameRevocation(tx *gorm.DB, revocation session.Revocation, caller audit.Caller) (session.Receipt, error) {
	earlier, err := one(tx, sql.ErrNoRows, receiptInto, "SELECT "+receiptColumns+" FROM revocations WHERE by_id = ? AND idempotency_key = ?",
		caller.Actor.ID, revocation.IdempotencyKey)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session.Receipt{}, nil
	case err != nil:
		return session.Receipt{}, err
	case revocation.At.Sub(earlier.RevokedAt).Abs() >= session.KeyLifetime:
		return session.Receipt{}, exec(tx, "UPDATE revocations SET idempotency_key = NULL WHERE generation = ?", earlier.Generation)
	case earlier.Reason != revocation.Reason: // which is all that a request says
		return session.Receipt{}, session.ErrKeyReused
	}
	earlier.Repeated = true
	return earlier, nil
}

// recordRevocation writes the audit entry and the receipt of the revocation that began the
// generation.
func recordRevocation(tx *gorm.DB, r session.Revocation, generation uint64, event audit.Event) (session.Receipt, error) {
	entry, err := appendAudit(tx, event)
	if err != nil {
		return session.Receipt{}, err
	}
	receipt := session.Receipt{
		Generation: generation, RevokedAt: instant(millis(r.At)), By: audit.Actor{ID: event.Actor.ID, Name: event.Actor.Name}, Reason: r.Reason,
		SessionsEnded: r.SessionsEnded, MembersSignedOut: r.MembersSignedOut, LinksWithdrawn: r.LinksWithdrawn,
		AuditSequence: entry.Sequence, AuditHash: entry.Hash,
	}
	return receipt, tx.Table("revocations").Create(map[string]any{
		"generation": generation, "at": millis(r.At), "by_id": event.Actor.ID, "by_name": event.Actor.Name, "reason": r.Reason,
		"sessions_ended": r.SessionsEnded, "members_signed_out": r.MembersSignedOut, "links_withdrawn": r.LinksWithdrawn,
		"audit_sequence": entry.Sequence, "audit_hash": entry.Hash[:], "idempotency_key": gorm.Expr("nullif(?, '')", r.IdempotencyKey),
	}).Error
}

// AcceptTime implements [session.Store].
func (db *DB) AcceptTime(ctx context.Context, at time.Time, sessions, members int, event audit.Event) (receipt session.Receipt, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		org, err := readOrganization(tx)
		if err != nil {
			return err
		}
		generation := org.Generation + 1
		withdrawn, err := openLinks(tx, at)
		if err != nil {
			return err
		}
		for _, forget := range []string{
			"DELETE FROM attempts", "DELETE FROM member_links",
			// Times of accesses: a number of a session may be given again, and its times would lie
			// in what is now the future.
			"DELETE FROM session_times",
		} {
			if err := exec(tx, forget); err != nil {
				return err
			}
		}
		err = exec(tx, "UPDATE organization SET generation = ?, started_after = 0, authenticated_after = 0, clock_at = ? WHERE id = 1", generation, millis(at))
		if err != nil {
			return err
		}
		event.Details["generation"], event.Details["sessionsEnded"], event.Details["membersSignedOut"] = generation, sessions, members
		event.Details["linksWithdrawn"] = withdrawn
		receipt, err = recordRevocation(tx, session.Revocation{
			At: at, Reason: "The server's clock was set right.", SessionsEnded: sessions, MembersSignedOut: members, LinksWithdrawn: withdrawn,
		}, generation, event)
		return err
	})
	return receipt, err
}

// Revocation implements [session.Store].
func (db *DB) Revocation(ctx context.Context, generation uint64) (session.Receipt, error) {
	receipt, err := one(db.read(ctx), fmt.Errorf("the revocation that began generation %d is not on record", generation), receiptInto,
		"SELECT "+receiptColumns+" FROM revocations WHERE generation = ?", generation)
	return receipt, unavailable(err)
}
