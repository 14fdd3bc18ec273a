package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

type memberRow struct {
	ID             string `gorm:"primaryKey"`
	Name           string
	Email          string
	EmailCanonical string
	Role           string
	PasswordHash   string
	Generation     uint64
	CreatedAt      int64
	DeactivatedAt  *int64
}

func (memberRow) TableName() string { return "members" }

func (row memberRow) member() (member.Member, error) {
	id, err := member.ParseID(row.ID)
	return member.Member{
		ID: id, Name: row.Name, Email: row.Email, Role: member.Role(row.Role),
		Active: row.DeactivatedAt == nil, Generation: row.Generation,
	}, err
}

// HasMembers implements [member.Store].
func (db *DB) HasMembers(ctx context.Context) (bool, error) {
	var found bool
	err := db.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM members)").Scan(&found).Error
	return found, unavailable(err)
}

// SetUp implements [member.Store].
func (db *DB) SetUp(ctx context.Context, organization string, owner member.Member, passwordHash string, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		var found bool
		if err := tx.Raw("SELECT EXISTS (SELECT 1 FROM members)").Scan(&found).Error; err != nil {
			return err
		}
		if found {
			return member.ErrAlreadySetUp
		}
		at := millis(event.At)
		if err := tx.Exec("UPDATE organization SET name = ?, saved_at = ?, clock_at = max(clock_at, ?) WHERE id = 1", organization, at, at).Error; err != nil {
			return err
		}
		err := tx.Create(&memberRow{
			ID: owner.ID.String(), Name: owner.Name, Email: owner.Email, EmailCanonical: member.CanonicalEmail(owner.Email),
			Role: string(owner.Role), PasswordHash: passwordHash, Generation: owner.Generation, CreatedAt: at,
		}).Error
		if err != nil {
			return err
		}
		_, err = appendAudit(tx, event)
		return err
	})
}

// MemberByEmail implements [member.Store].
func (db *DB) MemberByEmail(ctx context.Context, canonicalEmail string) (member.Member, string, error) {
	row, err := memberByEmail(db.read(ctx), canonicalEmail)
	if err != nil {
		return member.Member{}, "", unavailable(err)
	}
	m, err := row.member()
	return m, row.PasswordHash, unavailable(err)
}

func memberByEmail(tx *gorm.DB, canonicalEmail string) (memberRow, error) {
	var rows []memberRow
	err := tx.Raw(`
		SELECT id, name, email, role, password_hash, generation, created_at, deactivated_at
		FROM members WHERE email_canonical = ?`, canonicalEmail).Scan(&rows).Error
	if err != nil {
		return memberRow{}, err
	}
	if len(rows) == 0 {
		return memberRow{}, member.ErrNotFound
	}
	return rows[0], nil
}

// ResetPassword implements [member.Store].
func (db *DB) ResetPassword(ctx context.Context, id member.ID, passwordHash string, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		reset := tx.Exec("UPDATE members SET password_hash = ?, generation = generation + 1, deactivated_at = NULL WHERE id = ?", passwordHash, id.String())
		if reset.Error != nil {
			return reset.Error
		}
		if reset.RowsAffected == 0 {
			return member.ErrNotFound
		}
		// The raised generation has ended the sessions; this tells whoever comes back with one of them, how.
		err := tx.Exec("UPDATE sessions SET ended_at = ?, end_reason = ?, ended_by = ? WHERE member_id = ? AND ended_at IS NULL",
			millis(event.At), string(session.CredentialChanged), event.Actor.Name, id.String()).Error
		if err != nil {
			return err
		}
		_, err = appendAudit(tx, event)
		return err
	})
}

// SignedInFrom implements [member.Store].
func (db *DB) SignedInFrom(ctx context.Context, id member.ID, address string, since time.Time) (bool, error) {
	var found bool
	err := db.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM sessions WHERE member_id = ? AND address = ? AND authenticated_at >= ?)",
		id.String(), address, millis(since)).Scan(&found).Error
	return found, unavailable(err)
}

// TakeAttempt implements [member.Store]. A bucket is kept as the time at which it would be empty again (the generic cell rate
// algorithm): an attempt fits when that is less than Burst times Every ahead, and moves it by Every.
func (db *DB) TakeAttempt(ctx context.Context, buckets []member.Bucket, now time.Time) (retryAfter time.Duration, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM attempts WHERE bucket IN (SELECT bucket FROM attempts WHERE empty_at < ? LIMIT 100)", millis(now)).Error; err != nil {
			return err
		}
		for _, bucket := range buckets {
			var rows []int64
			if err := tx.Raw("SELECT empty_at FROM attempts WHERE bucket = ?", bucket.Key).Scan(&rows).Error; err != nil {
				return err
			}
			for _, emptyAt := range rows {
				fits := instant(emptyAt).Add(-time.Duration(bucket.Burst-1) * bucket.Every)
				retryAfter = max(retryAfter, fits.Sub(now))
			}
		}
		if retryAfter > 0 {
			return nil
		}
		for _, bucket := range buckets {
			if err := moveBucket(tx, bucket, now); err != nil {
				return err
			}
		}
		return nil
	})
	return retryAfter, err
}

func moveBucket(tx *gorm.DB, bucket member.Bucket, now time.Time) error {
	return tx.Exec(`
		INSERT INTO attempts (bucket, empty_at) VALUES (?, ?)
		ON CONFLICT (bucket) DO UPDATE SET empty_at = max(empty_at, ?) + ?`,
		bucket.Key, millis(now.Add(bucket.Every)), millis(now), bucket.Every.Milliseconds()).Error
}

// ReturnAttempt implements [member.Store].
func (db *DB) ReturnAttempt(ctx context.Context, buckets []member.Bucket) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		for _, bucket := range buckets {
			statement, args := "UPDATE attempts SET empty_at = empty_at - ? WHERE bucket = ?", []any{bucket.Every.Milliseconds(), bucket.Key}
			if bucket.Own {
				statement, args = "DELETE FROM attempts WHERE bucket = ?", []any{bucket.Key}
			}
			if err := tx.Exec(statement, args...).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// Record implements [member.Store].
func (db *DB) Record(ctx context.Context, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		_, err := appendAudit(tx, event)
		return err
	})
}
