package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// proofHolds is what members m must be for the proof still to hold, and its arguments: the
// password, or the passkey, that was proved is still theirs, and whoever has a second factor by now
// has proved one.
func proofHolds(proof member.Proof) (where string, args []any) {
	if proof.Passkey != nil {
		return "EXISTS (SELECT 1 FROM passkeys p WHERE p.id = ? AND p.member_id = m.id)", []any{proof.Passkey}
	}
	return "m.password_hash = ? AND (m.totp_seed IS NULL OR ?)", []any{proof.PasswordHash, member.TwoFactors(proof.Methods)}
}

// ChangeCredential implements [session.Store].
func (db *DB) ChangeCredential(ctx context.Context, update session.CredentialUpdate) (effect session.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		at := update.Event.At
		authority, err := judge(tx, update.By, update.Terms.Demand)
		if err != nil {
			return err
		}
		provedAt := authority.ProvedAt
		if change, ok := update.Change.(member.PasswordChange); ok {
			if err := requireBothFactors(authority.Member, change.Proof); err != nil {
				return err
			}
			provedAt = at
		}
		if err := applyChange(tx, update); err != nil {
			return err
		}
		if _, err := appendAudit(tx, update.Event); err != nil {
			return err
		}
		effect.Proved, err = proveSession(tx, update.By.Session, provedAt, member.JoinMethods(authority.Methods, update.Terms.Proves))
		if err != nil {
			return err
		}
		if update.EndOthers {
			request := session.EndRequest{Reason: session.CredentialChanged, By: update.By}
			if effect.Ended, err = endSessionsOf(tx, update.Member, at, request, update.By.Session); err != nil {
				return err
			}
		}
		m, err := readMember(tx, update.Member.String())
		effect.Member = &member.Effect{Member: m}
		return err
	})
	return effect, err
}

func applyChange(tx *gorm.DB, update session.CredentialUpdate) error {
	id := update.Member.String()
	switch change := update.Change.(type) {
	case member.PasswordChange:
		err := changedOne(session.ErrCredentialStale, tx.Exec("UPDATE members SET password_hash = ? WHERE id = ? AND password_hash = ?",
			change.Hash, id, change.Proof.PasswordHash))
		if err != nil {
			return err
		}
		return withdrawLink(tx, update.Member)
	case member.FactorSetUp:
		set := tx.Exec("UPDATE members SET totp_seed = ?, totp_step = ?, totp_since = ? WHERE id = ?", change.Sealed, change.Step, millis(update.Event.At), id)
		if set.Error != nil {
			return set.Error
		}
		return replaceRecoveryCodes(tx, id, change.RecoveryCodes)
	case member.FactorRemoval:
		if err := requireSecondFactor(tx, id); err != nil {
			return err
		}
		if err := removeFactors(tx, update.Member); err != nil {
			return err
		}
		return requireFactor(tx, update.Member)
	case member.RecoveryCodesChange:
		if err := requireSecondFactor(tx, id); err != nil {
			return err
		}
		return replaceRecoveryCodes(tx, id, change.RecoveryCodes)
	case member.PasskeyRegistration:
		// GORM takes bytes that follow a parenthesis for a list.
		err := changedOne(member.ErrTooManyPasskeys, tx.Exec(`INSERT INTO passkeys (member_id, id, name, credential, created_at, used_at)
			SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM passkeys WHERE member_id = ?) < ?`,
			id, change.Passkey.ID, change.Passkey.Name, change.Passkey.Sealed, millis(change.Passkey.CreatedAt), millis(change.Passkey.UsedAt), id, change.Most))
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return member.ErrPasskeyKnown
		}
		return err
	case member.PasskeyRemoval:
		err := changedOne(member.ErrNoPasskey, tx.Exec("DELETE FROM passkeys WHERE id = ? AND member_id = ?", change.ID, id))
		if err != nil {
			return err
		}
		return requireFactor(tx, update.Member)
	}
	return fmt.Errorf("no such change of a credential: %T", update.Change)
}

// changedOne gives the error that it means when nothing was changed.
func changedOne(none error, result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected == 0 {
		return none
	}
	return result.Error
}

func requireSecondFactor(tx *gorm.DB, id string) error {
	return changedOne(member.ErrNoSecondFactor, tx.Exec("UPDATE members SET totp_seed = totp_seed WHERE id = ? AND totp_seed IS NOT NULL", id))
}

// requireFactor refuses to leave a member without what the organization demands.
func requireFactor(tx *gorm.DB, id member.ID) error {
	var lacking bool
	err := tx.Raw(`
		SELECT o.require_second_factor AND `+withoutFactor+` FROM members m, organization o
		WHERE o.id = 1 AND m.id = ?`, id.String()).Scan(&lacking).Error
	if err == nil && lacking {
		return session.ErrFactorDemanded
	}
	return err
}

// hasPasskey tells of members whether they have one.
const hasPasskey = "EXISTS (SELECT 1 FROM passkeys p WHERE p.member_id = members.id)"

// withoutFactor tells of members m that nothing but a password proves who they are.
const withoutFactor = "m.totp_seed IS NULL AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.member_id = m.id)"

func removeFactors(tx *gorm.DB, id member.ID) error {
	if err := tx.Exec("UPDATE members SET totp_seed = NULL, totp_step = NULL, totp_since = NULL WHERE id = ?", id.String()).Error; err != nil {
		return err
	}
	return replaceRecoveryCodes(tx, id.String(), nil)
}

func replaceRecoveryCodes(tx *gorm.DB, id string, hashes [][32]byte) error {
	if err := tx.Exec("DELETE FROM recovery_codes WHERE member_id = ?", id).Error; err != nil {
		return err
	}
	for _, hash := range hashes {
		if err := tx.Exec("INSERT INTO recovery_codes (member_id, hash) VALUES (?, ?)", id, hash[:]).Error; err != nil {
			return err
		}
	}
	return nil
}

// Factor implements [member.Store].
func (db *DB) Factor(ctx context.Context, id member.ID) (member.Factor, error) {
	var row struct {
		TotpSeed  []byte
		TotpSince int64
		TotpStep  int64
		Codes     int
	}
	err := db.read(ctx).Raw(`
		SELECT m.totp_seed, coalesce(m.totp_since, 0) AS totp_since, coalesce(m.totp_step, 0) AS totp_step, (SELECT count(*) FROM recovery_codes r WHERE r.member_id = m.id) AS codes
		FROM members m WHERE m.id = ?`, id.String()).Scan(&row).Error
	return member.Factor{Sealed: row.TotpSeed, Since: instant(row.TotpSince), LastStep: row.TotpStep, RecoveryCodes: row.Codes}, unavailable(err)
}

// UseStep implements [member.Store].
func (db *DB) UseStep(ctx context.Context, id member.ID, read member.Factor, step int64) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		moved := tx.Exec("UPDATE members SET totp_step = ? WHERE id = ? AND totp_seed = ? AND totp_step = ?",
			step, id.String(), read.Sealed, read.LastStep)
		used = moved.RowsAffected == 1
		return moved.Error
	})
	return used, err
}

// UseRecoveryCode implements [member.Store].
func (db *DB) UseRecoveryCode(ctx context.Context, id member.ID, hash [32]byte, event audit.Event) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		removed := tx.Exec("DELETE FROM recovery_codes WHERE member_id = ? AND hash = ?", id.String(), hash[:])
		used = removed.RowsAffected == 1
		if removed.Error != nil || !used {
			return removed.Error
		}
		_, err := appendAudit(tx, event)
		return err
	})
	return used, err
}

type passkeyRow struct {
	ID         []byte
	MemberID   string
	Name       string
	Credential []byte
	CreatedAt  int64
	UsedAt     int64
}

func (row passkeyRow) passkey() member.Passkey {
	return member.Passkey{ID: row.ID, Name: row.Name, CreatedAt: instant(row.CreatedAt), UsedAt: instant(row.UsedAt), Sealed: row.Credential}
}

const selectPasskey = "SELECT id, member_id, name, credential, created_at, used_at FROM passkeys "

// Passkeys implements [member.Store].
func (db *DB) Passkeys(ctx context.Context, id member.ID) ([]member.Passkey, error) {
	var rows []passkeyRow
	if err := db.read(ctx).Raw(selectPasskey+"WHERE member_id = ? ORDER BY created_at, id", id.String()).Scan(&rows).Error; err != nil {
		return nil, unavailable(err)
	}
	found := make([]member.Passkey, len(rows))
	for i, row := range rows {
		found[i] = row.passkey()
	}
	return found, nil
}

// Passkey implements [member.Store].
func (db *DB) Passkey(ctx context.Context, id []byte) (member.Member, member.Passkey, error) {
	var rows []passkeyRow
	tx := db.read(ctx)
	if err := tx.Raw(selectPasskey+"WHERE id = ?", id).Scan(&rows).Error; err != nil {
		return member.Member{}, member.Passkey{}, unavailable(err)
	}
	if len(rows) == 0 {
		return member.Member{}, member.Passkey{}, member.ErrNoPasskey
	}
	of, err := member.ParseID(rows[0].MemberID)
	if err != nil {
		return member.Member{}, member.Passkey{}, unavailable(err)
	}
	found, err := oneMember(db.read(ctx), of)
	return found.Member, rows[0].passkey(), unavailable(err)
}

// UsePasskey implements [member.Store].
func (db *DB) UsePasskey(ctx context.Context, use member.PasskeyUse) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM used_challenges WHERE expires_at <= ?", millis(use.At)).Error; err != nil {
			return err
		}
		fresh := tx.Exec("INSERT OR IGNORE INTO used_challenges (challenge, expires_at) VALUES (?, ?)", use.Challenge, millis(use.ExpiresAt))
		if fresh.Error != nil || fresh.RowsAffected == 0 {
			return fresh.Error
		}
		moved := tx.Exec("UPDATE passkeys SET credential = ?, used_at = ? WHERE id = ? AND credential = ?", use.After, millis(use.At), use.ID, use.Before)
		used = moved.RowsAffected == 1
		return moved.Error
	})
	return used, err
}

// Factors implements [member.Store].
func (db *DB) Factors(ctx context.Context) (members, without int, err error) {
	var row struct{ Members, Without int }
	err = db.read(ctx).Raw(`
		SELECT count(*) AS members, count(*) FILTER (WHERE ` + withoutFactor + `) AS without
		FROM members m WHERE m.deactivated_at IS NULL AND m.password_hash <> ''`).Scan(&row).Error
	return row.Members, row.Without, unavailable(err)
}

// Notices implements [member.Store].
func (db *DB) Notices(ctx context.Context, id member.ID, actions []audit.Action, limit int) ([]audit.Entry, error) {
	return db.entries(ctx, "SELECT "+auditColumns+` FROM audit_entries
		WHERE concerns = ? AND action IN ? AND sequence > (SELECT noticed FROM members WHERE id = ?) AND NOT (`+madeAccount+`)
		ORDER BY sequence DESC LIMIT ?`, id.String(), actions, id.String(), limit)
}

// Suspicions implements [member.Store]. What happened afterwards is looked for along the index of
// what the member did.
func (db *DB) Suspicions(ctx context.Context, id member.ID, suspicion member.Suspicion, limit int) ([]audit.Entry, error) {
	return db.entries(ctx, "SELECT "+auditColumns+` FROM audit_entries AS refused
		WHERE concerns = ? AND action IN ? AND details ->> 'wrong' IN ? AND details ->> 'count' IS NULL AND sequence > (SELECT noticed FROM members WHERE id = ?)
		AND NOT EXISTS (
			SELECT 1 FROM audit_entries AS done
			WHERE done.actor_id = ? AND done.actor_id <> '' AND done.action IN ? AND done.at BETWEEN refused.at AND refused.at + ?
			  AND done.address = refused.address AND done.sequence > refused.sequence)
		ORDER BY sequence DESC LIMIT ?`,
		id.String(), suspicion.Refused, suspicion.Wrong, id.String(), id.String(), suspicion.Unless, suspicion.Within.Milliseconds(), limit)
}

// DismissNotices implements [member.Store].
func (db *DB) DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, member.Demand{})
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE members SET noticed = max(noticed, min(?, (SELECT max(sequence) FROM audit_entries))) WHERE id = ?", sequence, by.Member.ID.String()).Error
	})
}
