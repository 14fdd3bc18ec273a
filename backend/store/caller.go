package store

import (
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// judge reads the caller as they are in this transaction and holds them against what the change
// demands. Every change passes here, so that a request that was let in before a revocation, a
// demotion or a new requirement changes nothing after it. It returns session.ErrCallerEnded, or
// what the caller lacks.
func judge(tx *gorm.DB, caller audit.Caller, demand member.Demand) (member.Authority, error) {
	authority, err := authorityOf(tx, caller)
	if err != nil {
		return member.Authority{}, err
	}
	return authority, authority.Satisfies(demand)
}

// authorityOf joins nothing: SQLite plans a join with a parameter again for each value, which takes
// several times as long as these look-ups.
func authorityOf(tx *gorm.DB, caller audit.Caller) (member.Authority, error) {
	if caller.IsOperator() {
		return member.Operator, nil
	}
	var (
		authority member.Authority
		memberID  string
		provedAt  int64
		methods   string
	)
	err := queryRow(tx, `
		SELECT s.member_id, s.proved_at, s.methods, (SELECT require_second_factor FROM organization WHERE id = 1)
		FROM sessions s WHERE s.id = ? AND `+alive, caller.Session).Scan(&memberID, &provedAt, &methods, &authority.RequireSecondFactor)
	if errors.Is(err, sql.ErrNoRows) {
		return member.Authority{}, session.ErrCallerEnded
	}
	if err != nil {
		return member.Authority{}, err
	}
	authority.ProvedAt, authority.Methods = instant(provedAt), strings.Fields(methods)
	authority.Member, err = readMember(tx, memberID)
	return authority, err
}

// requireBothFactors refuses a proof by the password alone of a member who has a second factor by
// now.
func requireBothFactors(m member.Member, proof member.Proof) error {
	if m.SecondFactor && !member.TwoFactors(proof.Methods) {
		return member.ErrSecondFactorRequired
	}
	return nil
}

// readMember reads one member by id.
func readMember(tx *gorm.DB, id string) (m member.Member, err error) {
	if m.ID, err = member.ParseID(id); err != nil {
		return member.Member{}, err
	}
	err = queryRow(tx, "SELECT name, email, role, generation, deactivated_at IS NULL, totp_seed IS NOT NULL, "+hasPasskey+" FROM members WHERE id = ?", id).Scan(
		&m.Name, &m.Email, (*string)(&m.Role), &m.Generation, &m.Active, &m.SecondFactor, &m.HasPasskey)
	return m, err
}
