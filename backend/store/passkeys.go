package store

import (
	"context"

	"gorm.io/gorm"

	"curfew/backend/member"
)

const passkeyColumns = "id, name, credential, created_at, used_at"

// passkeyInto names where to put passkeyColumns.
func passkeyInto(p *member.Passkey) []any {
	return []any{&p.ID, &p.Name, &p.Sealed, moment(&p.CreatedAt), moment(&p.UsedAt)}
}

// Passkeys implements [member.Store].
func (db *DB) Passkeys(ctx context.Context, id member.ID) ([]member.Passkey, error) {
	found, err := all(db.read(ctx), passkeyInto, "SELECT "+passkeyColumns+" FROM passkeys WHERE member_id = ? ORDER BY created_at, id", id.String())
	return found, unavailable(err)
}

// Passkey implements [member.Store].
func (db *DB) Passkey(ctx context.Context, id []byte) (member.Member, member.Passkey, error) {
	var of string
	tx := db.read(ctx)
	found, err := one(tx, member.ErrNoPasskey, func(p *member.Passkey) []any { return append(passkeyInto(p), &of) },
		"SELECT "+passkeyColumns+", member_id FROM passkeys WHERE id = ?", id)
	if err != nil {
		return member.Member{}, member.Passkey{}, unavailable(err)
	}
	m, err := readMember(tx, of)
	return m, found, unavailable(err)
}

// insertPasskey inserts a passkey, unless the member has the most that they may have.
func insertPasskey(tx *gorm.DB, id string, change member.PasskeyRegistration) error {
	p := change.Passkey
	err := changeOne(tx, member.ErrTooManyPasskeys, `
		INSERT INTO passkeys (`+passkeyColumns+`, member_id)
		SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM passkeys WHERE member_id = ?) < ?`,
		p.ID, p.Name, p.Sealed, millis(p.CreatedAt), millis(p.UsedAt), id, id, change.Most)
	if isDuplicate(err) {
		return member.ErrPasskeyKnown
	}
	return err
}

// UsePasskey implements [member.Store].
func (db *DB) UsePasskey(ctx context.Context, use member.PasskeyUse) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if err := exec(tx, "DELETE FROM used_challenges WHERE expires_at <= ?", millis(use.At)); err != nil {
			return err
		}
		fresh, err := changed(tx, "INSERT OR IGNORE INTO used_challenges (challenge, expires_at) VALUES (?, ?)", use.Challenge, millis(use.ExpiresAt))
		if err != nil || fresh == 0 {
			return err
		}
		moved, err := changed(tx, "UPDATE passkeys SET credential = ?, used_at = ? WHERE id = ? AND credential = ?",
			use.After, millis(use.At), use.ID, use.Before)
		used = moved == 1
		return err
	})
	return used, err
}
