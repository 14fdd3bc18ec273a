package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// change runs one transaction in the name of a caller, and judges the caller first.
func (db *DB) change(ctx context.Context, caller audit.Caller, requirement member.Requirement, f func(tx *gorm.DB, by member.Authority) error) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, requirement)
		if err != nil {
			return err
		}
		return f(tx, by)
	})
}

// judge reads the caller as they are in this transaction and checks what the change requires. Every
// change passes here, so that a request that was let in before a revocation, a demotion or a new
// requirement changes nothing after it. It returns session.ErrCallerEnded, or what the caller
// lacks.
func judge(tx *gorm.DB, caller audit.Caller, requirement member.Requirement) (member.Authority, error) {
	authority, err := authorityOf(tx, caller)
	if err != nil {
		return member.Authority{}, err
	}
	return authority, authority.Satisfies(requirement)
}

// authorityOf reads the caller. It joins nothing: SQLite plans a join with a parameter again for
// each value, which takes several times as long as these look-ups.
func authorityOf(tx *gorm.DB, caller audit.Caller) (member.Authority, error) {
	if caller.IsOperator() {
		return member.Operator, nil
	}
	var (
		by       member.Authority
		memberID string
	)
	err := queryRow(tx, `
		SELECT s.member_id, s.proved_at, s.methods, (SELECT require_second_factor FROM organization WHERE id = 1)
		FROM sessions s WHERE s.id = ? AND `+alive, caller.Session).
		Scan(&memberID, moment(&by.ProvedAt), text(&by.Methods, strings.Fields), &by.RequireSecondFactor)
	if errors.Is(err, sql.ErrNoRows) {
		return member.Authority{}, session.ErrCallerEnded
	}
	if err != nil {
		return member.Authority{}, err
	}
	by.Member, err = readMember(tx, memberID)
	return by, err
}

// requireBothFactors refuses a proof by the password alone if the member has a second factor by
// now.
func requireBothFactors(m member.Member, proof member.Proof) error {
	if m.SecondFactor && !member.TwoFactors(proof.Methods) {
		return member.ErrSecondFactorRequired
	}
	return nil
}
