package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// proofHolds returns the condition that members m must satisfy for the proof still to hold, and its
// arguments: the password or the passkey that was proved is still theirs, and a member who has a
// second factor by now has proved one.
func proofHolds(proof member.Proof) (where string, args []any) {
	if proof.Passkey != nil {
		return "EXISTS (SELECT 1 FROM passkeys p WHERE p.id = ? AND p.member_id = m.id)", []any{proof.Passkey}
	}
	return "m.password_hash = ? AND (m.totp_seed IS NULL OR ?)", []any{proof.PasswordHash, member.TwoFactors(proof.Methods)}
}

// ChangeCredential implements [session.Store].
func (db *DB) ChangeCredential(ctx context.Context, update session.CredentialUpdate) (effect session.Effect, err error) {
	at := update.Event.At
	err = db.change(ctx, update.By, update.Terms.Requirement, func(tx *gorm.DB, by member.Authority) error {
		provedAt := by.ProvedAt
		if change, ok := update.Change.(member.PasswordChange); ok {
			if err := requireBothFactors(by.Member, change.Proof); err != nil {
				return err
			}
			provedAt = at
		}
		if err := applyChange(tx, update); err != nil {
			return err
		}
		if err := record(tx, update.Event); err != nil {
			return err
		}
		if effect.Proved, err = proveSession(tx, update.By.Session, provedAt, member.JoinMethods(by.Methods, update.Terms.Proves)); err != nil {
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
		err := changeOne(tx, session.ErrCredentialStale, "UPDATE members SET password_hash = ? WHERE id = ? AND password_hash = ?",
			change.Hash, id, change.Proof.PasswordHash)
		if err != nil {
			return err
		}
		return withdrawLink(tx, update.Member)
	case member.FactorSetUp:
		err := exec(tx, "UPDATE members SET totp_seed = ?, totp_step = ?, totp_since = ? WHERE id = ?", change.Sealed, change.Step, millis(update.Event.At), id)
		if err != nil {
			return err
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
		return insertPasskey(tx, id, change)
	case member.PasskeyRemoval:
		if err := changeOne(tx, member.ErrNoPasskey, "DELETE FROM passkeys WHERE id = ? AND member_id = ?", change.ID, id); err != nil {
			return err
		}
		return requireFactor(tx, update.Member)
	}
	return fmt.Errorf("no such change of a credential: %T", update.Change)
}

func requireSecondFactor(tx *gorm.DB, id string) error {
	return changeOne(tx, member.ErrNoSecondFactor, "UPDATE members SET totp_seed = totp_seed WHERE id = ? AND totp_seed IS NOT NULL", id)
}

// requireFactor refuses to leave a member without the factor that the organization requires.
func requireFactor(tx *gorm.DB, id member.ID) error {
	var lacking bool
	err := queryRow(tx, `
		SELECT o.require_second_factor AND `+withoutFactor+` FROM members m, organization o
		WHERE o.id = 1 AND m.id = ?`, id.String()).Scan(&lacking)
	if err == nil && lacking {
		return session.ErrFactorRequired
	}
	return err
}

// hasPasskey reports of members whether they have a passkey.
const hasPasskey = "EXISTS (SELECT 1 FROM passkeys p WHERE p.member_id = members.id)"

// withPasskey is hasPasskey of members m.
const withPasskey = "EXISTS (SELECT 1 FROM passkeys p WHERE p.member_id = m.id)"

// withoutFactor reports of members m whether they have a password and nothing else.
const withoutFactor = "m.totp_seed IS NULL AND NOT " + withPasskey

func removeFactors(tx *gorm.DB, id member.ID) error {
	if err := exec(tx, "UPDATE members SET totp_seed = NULL, totp_step = NULL, totp_since = NULL WHERE id = ?", id.String()); err != nil {
		return err
	}
	return replaceRecoveryCodes(tx, id.String(), nil)
}

func replaceRecoveryCodes(tx *gorm.DB, id string, hashes [][32]byte) error {
	if err := exec(tx, "DELETE FROM recovery_codes WHERE member_id = ?", id); err != nil {
		return err
	}
	for _, hash := range hashes {
		if err := exec(tx, "INSERT INTO recovery_codes (member_id, hash) VALUES (?, ?)", id, hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// Factor implements [member.Store].
func (db *DB) Factor(ctx context.Context, id member.ID) (member.Factor, error) {
	found, err := one(db.read(ctx), nil, func(f *member.Factor) []any {
		return []any{&f.Sealed, moment(&f.Since), &f.LastStep, &f.RecoveryCodes}
	}, `
		SELECT m.totp_seed, m.totp_since, coalesce(m.totp_step, 0), (SELECT count(*) FROM recovery_codes r WHERE r.member_id = m.id)
		FROM members m WHERE m.id = ?`, id.String())
	return found, unavailable(err)
}

// UseStep implements [member.Store].
func (db *DB) UseStep(ctx context.Context, id member.ID, read member.Factor, step int64) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		moved, err := changed(tx, "UPDATE members SET totp_step = ? WHERE id = ? AND totp_seed = ? AND totp_step = ?",
			step, id.String(), read.Sealed, read.LastStep)
		used = moved == 1
		return err
	})
	return used, err
}

// UseRecoveryCode implements [member.Store].
func (db *DB) UseRecoveryCode(ctx context.Context, id member.ID, hash [32]byte, event audit.Event) (used bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		removed, err := changed(tx, "DELETE FROM recovery_codes WHERE member_id = ? AND hash = ?", id.String(), hash[:])
		if used = removed == 1; err != nil || !used {
			return err
		}
		return record(tx, event)
	})
	return used, err
}

// Factors implements [member.Store].
func (db *DB) Factors(ctx context.Context) (f member.Factors, err error) {
	err = queryRow(db.read(ctx), `
		SELECT count(*) FILTER (WHERE able), count(*) FILTER (WHERE able AND lacks),
			count(*) FILTER (WHERE able AND lacks AND role IN ('owner', 'admin')),
			count(*) FILTER (WHERE able AND role = 'owner'), count(*) FILTER (WHERE NOT able AND role = 'owner'),
			coalesce(max(id) FILTER (WHERE able AND role = 'owner'), ''), coalesce(max(name) FILTER (WHERE able AND role = 'owner'), '')
		FROM (SELECT id, name, role, password_hash <> '' AS able, `+withoutFactor+` AS lacks FROM members m WHERE deactivated_at IS NULL)`).
		Scan(&f.Members, &f.Without, &f.AdminsWithout, &f.Owners, &f.InvitedOwners, &f.Owner.ID, &f.Owner.Name)
	return f, unavailable(err)
}
