package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

type organizationRow struct {
	Name                 string
	Generation           uint64
	LengthValue          int64
	LengthUnit           string
	RefreshAutomatically bool
	MaximumValue         *int64
	MaximumUnit          *string
	Version              int64
	SavedAt              int64
	SavedByID            string
	SavedByName          string
	StartedAfter         int64
	AuthenticatedAfter   int64
	RequireSecondFactor  bool
}

func (row organizationRow) organization() session.Organization {
	org := session.Organization{
		Name:       row.Name,
		Generation: row.Generation,
		Policy: session.Policy{
			Length:               session.Length{Value: row.LengthValue, Unit: session.Unit(row.LengthUnit)},
			RefreshAutomatically: row.RefreshAutomatically,
		},
		RequireSecondFactor: row.RequireSecondFactor,

		Version:            row.Version,
		SavedAt:            instant(row.SavedAt),
		SavedBy:            audit.Actor{ID: row.SavedByID, Name: row.SavedByName},
		StartedAfter:       instant(row.StartedAfter),
		AuthenticatedAfter: instant(row.AuthenticatedAfter),
	}
	if row.MaximumValue != nil && row.MaximumUnit != nil {
		org.Policy.MaximumLifetime = session.Length{Value: *row.MaximumValue, Unit: session.Unit(*row.MaximumUnit)}
	}
	return org
}

const selectOrganization = `
SELECT name, generation, length_value, length_unit, refresh_automatically, maximum_value, maximum_unit,
       version, saved_at, saved_by_id, saved_by_name, started_after, authenticated_after, require_second_factor
FROM organization WHERE id = 1`

// Organization implements [session.Store].
func (db *DB) Organization(ctx context.Context) (session.Organization, error) {
	org, err := readOrganization(db.read(ctx))
	return org, unavailable(err)
}

func readOrganization(tx *gorm.DB) (session.Organization, error) {
	var row organizationRow
	result := tx.Raw(selectOrganization).Scan(&row)
	if result.Error == nil && result.RowsAffected == 0 {
		return session.Organization{}, errors.New("the organization's row is missing")
	}
	return row.organization(), result.Error
}

// SaveOrganization implements [session.Store].
func (db *DB) SaveOrganization(ctx context.Context, update session.OrganizationUpdate) (session.Effect, error) {
	next := update.Next
	err := db.write(ctx, func(tx *gorm.DB) error {
		if _, err := judge(tx, update.By, update.Demand); err != nil {
			return err
		}
		maximum := next.Policy.MaximumLifetime
		saved := tx.Exec(`
			UPDATE organization SET name = ?, require_second_factor = ?,
				length_value = ?, length_unit = ?, refresh_automatically = ?, maximum_value = nullif(?, 0), maximum_unit = nullif(?, ''),
				version = ?, saved_at = ?, saved_by_id = ?, saved_by_name = ?, started_after = ?, authenticated_after = ?,
				clock_at = max(clock_at, ?)
			WHERE id = 1 AND version = ?`,
			next.Name, next.RequireSecondFactor,
			next.Policy.Length.Value, string(next.Policy.Length.Unit), next.Policy.RefreshAutomatically, maximum.Value, string(maximum.Unit),
			next.Version, millis(next.SavedAt), next.SavedBy.ID, next.SavedBy.Name, millis(next.StartedAfter), millis(next.AuthenticatedAfter),
			millis(update.Event.At), update.Replaces)
		if saved.Error != nil {
			return saved.Error
		}
		if saved.RowsAffected == 0 {
			current, err := readOrganization(tx)
			if err != nil {
				return err
			}
			return &session.StaleVersionError{Current: current}
		}
		_, err := appendAudit(tx, update.Event)
		return err
	})
	return session.Effect{Organization: &next}, err
}

type revocationRow struct {
	Generation       uint64 `gorm:"primaryKey"`
	At               int64
	ByID             string
	ByName           string
	Reason           string
	SessionsEnded    int
	MembersSignedOut int
	LinksWithdrawn   int
	AuditSequence    int64
	AuditHash        []byte
}

func (revocationRow) TableName() string { return "revocations" }

func (row revocationRow) receipt() session.Receipt {
	return session.Receipt{
		Generation: row.Generation, RevokedAt: instant(row.At), By: audit.Actor{ID: row.ByID, Name: row.ByName}, Reason: row.Reason,
		SessionsEnded: row.SessionsEnded, MembersSignedOut: row.MembersSignedOut, LinksWithdrawn: row.LinksWithdrawn,
		AuditSequence: row.AuditSequence, AuditHash: hashOf(row.AuditHash),
	}
}

const selectRevocation = `
SELECT generation, at, by_id, by_name, reason, sessions_ended, members_signed_out, links_withdrawn, audit_sequence, audit_hash
FROM revocations`

// RevokeAll implements [session.Store].
func (db *DB) RevokeAll(ctx context.Context, revocation session.Revocation, caller audit.Caller, demand member.Demand) (receipt session.Receipt, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if _, err := judge(tx, caller, demand); err != nil {
			return err
		}
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
	var earlier []revocationRow
	err := tx.Raw(selectRevocation+" WHERE by_id = ? AND idempotency_key = ?", caller.Actor.ID, revocation.IdempotencyKey).Scan(&earlier).Error
	if err != nil || len(earlier) == 0 {
		return session.Receipt{}, err
	}
	if revocation.At.Sub(instant(earlier[0].At)).Abs() >= session.KeyLifetime {
		return session.Receipt{}, exec(tx, "UPDATE revocations SET idempotency_key = NULL WHERE generation = ?", earlier[0].Generation)
	}
	if earlier[0].Reason != revocation.Reason { // which is all that a request says
		return session.Receipt{}, session.ErrKeyReused
	}
	receipt := earlier[0].receipt()
	receipt.Repeated = true
	return receipt, nil
}

// recordRevocation writes the audit entry and the receipt of the revocation that began the
// generation.
func recordRevocation(tx *gorm.DB, r session.Revocation, generation uint64, event audit.Event) (session.Receipt, error) {
	entries, err := appendAudit(tx, event)
	if err != nil {
		return session.Receipt{}, err
	}
	row := revocationRow{
		Generation: generation, At: millis(r.At), ByID: event.Actor.ID, ByName: event.Actor.Name, Reason: r.Reason,
		SessionsEnded: r.SessionsEnded, MembersSignedOut: r.MembersSignedOut, LinksWithdrawn: r.LinksWithdrawn,
		AuditSequence: entries.Sequence, AuditHash: entries.Hash[:],
	}
	return row.receipt(), exec(tx, `
		INSERT INTO revocations (generation, at, by_id, by_name, reason, idempotency_key, sessions_ended, members_signed_out, links_withdrawn, audit_sequence, audit_hash)
		VALUES (?, ?, ?, ?, ?, nullif(?, ''), ?, ?, ?, ?, ?)`,
		row.Generation, row.At, row.ByID, row.ByName, row.Reason, r.IdempotencyKey, row.SessionsEnded, row.MembersSignedOut, row.LinksWithdrawn,
		row.AuditSequence, row.AuditHash)
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
	var rows []revocationRow
	if err := db.read(ctx).Raw(selectRevocation+" WHERE generation = ?", generation).Scan(&rows).Error; err != nil {
		return session.Receipt{}, unavailable(err)
	}
	if len(rows) == 0 {
		return session.Receipt{}, unavailable(fmt.Errorf("the revocation that began generation %d is not on record", generation))
	}
	return rows[0].receipt(), nil
}

// NewestTime is the newest time that the database has on record (rule R7); zero when there is none.
func (db *DB) NewestTime(ctx context.Context) (time.Time, error) {
	var newest int64
	err := db.read(ctx).Raw(`
		SELECT max(clock_at, coalesce((SELECT at FROM audit_entries ORDER BY sequence DESC LIMIT 1), 0))
		FROM organization WHERE id = 1`).Scan(&newest).Error
	return instant(newest), unavailable(err)
}
