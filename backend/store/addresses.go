package store

import (
	"context"

	"gorm.io/gorm"

	"curfew/backend/fold"
	"curfew/backend/member"
)

// requireFree refuses an address that other members come to share, and one that was another
// member's before.
func requireFree(tx *gorm.DB, m member.Member, address member.AddressChange) error {
	var shared, retired bool
	err := queryRow(tx, `
		SELECT EXISTS (SELECT 1 FROM members WHERE email_fold = ?1 AND id <> ?2),
		       EXISTS (SELECT 1 FROM retired_addresses WHERE hash = ?3 AND member_id <> ?2)`,
		m.Email, m.ID.String(), address.Given).Scan(&shared, &retired)
	switch {
	case err != nil:
		return err
	case shared:
		return member.ErrEmailTaken
	case retired && !address.Reuse:
		return member.ErrAddressRetired
	}
	return nil
}

// moveAddress writes the member's new address and retires the old one. A member who shared the old
// one, and has it alone now, takes it in its folded form.
func moveAddress(tx *gorm.DB, m member.Member, address member.AddressChange) error {
	if err := requireFree(tx, m, address); err != nil {
		return err
	}
	err := exec(tx, "UPDATE members SET email = ?, email_canonical = ?, email_fold = NULL WHERE id = ?", m.Email, m.Email, m.ID.String())
	if isDuplicate(err) {
		return member.ErrEmailTaken
	}
	if err != nil {
		return err
	}
	if address.GivenUp != nil {
		if err := retireAddress(tx, address.GivenUp, m.ID.String()); err != nil {
			return err
		}
	}
	return foldMembers(tx, "email_fold IS NOT NULL")
}

func retireAddress(tx *gorm.DB, fingerprint []byte, by string) error {
	return exec(tx, "INSERT OR REPLACE INTO retired_addresses (hash, member_id) VALUES (?, ?)", fingerprint, by)
}

// warnOfAddresses logs the members whose address an admin has to change.
func (db *DB) warnOfAddresses(ctx context.Context) error {
	return eachRow(db.read(ctx), func(scan func(...any) error) error {
		var id, shared string
		if err := scan(&id, &shared); err != nil {
			return err
		}
		if shared == "" {
			db.log.Warn("a member's address is not valid; they still sign in by it", "member", id)
		} else {
			db.log.Warn("members share an address; each still signs in by the old spelling", "member", id, "address", fold.ShowAddress(shared))
		}
		return nil
	}, "SELECT id, email_fold FROM members WHERE email_fold IS NOT NULL ORDER BY email_fold, id")
}
