package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"curfew/backend/fold"
	"curfew/backend/member"
)

// foldTexts is migration 12. It brings the addresses, sort keys and search texts of all members to
// the form of package fold. Earlier programs folded otherwise, and migration 4 in SQL.
//
// email_fold is NULL for a member whose address is in that form. Where several members come to
// share an address, theirs stay as they are and email_fold holds the shared one. It is empty for an
// address that cannot be folded.
var foldTexts = goose.NewGoMigration(12, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		"ALTER TABLE members ADD COLUMN email_fold TEXT",
		"CREATE INDEX members_by_email_fold ON members (email_fold) WHERE email_fold IS NOT NULL",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return foldMembers(ctx, tx, "TRUE")
}}, nil)

// foldMembers folds the texts of the members that the condition selects, and marks those whose
// address cannot be changed.
func foldMembers(ctx context.Context, tx gorm.ConnPool, condition string) error {
	members, sharing, err := membersToFold(ctx, tx, condition)
	if err != nil {
		return err
	}
	for _, m := range members {
		email, canonical, mark := m.Email, fold.OldAddress(m.Email), any(nil)
		switch folded, err := fold.Address(m.Email); {
		case err != nil:
			mark = ""
		case sharing[folded] > 1:
			mark = folded
		default:
			email, canonical = folded, folded
		}
		m.Email = email
		if _, err := tx.ExecContext(ctx, "UPDATE members SET email = ?, email_canonical = ?, email_fold = ?, sort_name = ?, search = ? WHERE id = ?",
			email, canonical, mark, m.SortName(), m.SearchText(), m.ID.String()); err != nil {
			return err
		}
	}
	return nil
}

// membersToFold reads members, and counts those that come to share each address.
func membersToFold(ctx context.Context, tx gorm.ConnPool, condition string) (members []member.Member, sharing map[string]int, err error) {
	sharing = map[string]int{}
	err = eachRow(ctx, tx, func(scan func(...any) error) error {
		var (
			m  member.Member
			id string
		)
		err := scan(&id, &m.Name, &m.Email)
		if err != nil {
			return err
		}
		if folded, err := fold.Address(m.Email); err == nil {
			sharing[folded]++
		}
		m.ID, err = member.ParseID(id)
		members = append(members, m)
		return err
	}, "SELECT id, name, email FROM members WHERE "+condition)
	return members, sharing, err
}

// requireFree refuses an address that other members come to share, and one that was another
// member's once.
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

// moveAddress writes the member's new address and retires the old one. Another member who has that
// alone from then on takes it in its folded form.
func moveAddress(tx *gorm.DB, m member.Member, address member.AddressChange) error {
	if err := requireFree(tx, m, address); err != nil {
		return err
	}
	err := tx.Exec("UPDATE members SET email = ?, email_canonical = ?, email_fold = NULL WHERE id = ?", m.Email, m.Email, m.ID.String()).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
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
	return foldMembers(tx.Statement.Context, tx.Statement.ConnPool, "email_fold IS NOT NULL")
}

// warnOfAddresses logs the members whose address an admin has to settle.
func (db *DB) warnOfAddresses(ctx context.Context) error {
	var marked []struct{ ID, EmailFold string }
	if err := db.read(ctx).Raw("SELECT id, email_fold FROM members WHERE email_fold IS NOT NULL ORDER BY email_fold, id").Scan(&marked).Error; err != nil {
		return err
	}
	for _, m := range marked {
		if m.EmailFold == "" {
			db.log.Warn("a member's address is not valid; they still sign in by it", "member", m.ID)
		} else {
			db.log.Warn("members share an address; each still signs in by the old spelling", "member", m.ID, "address", fold.ShowAddress(m.EmailFold))
		}
	}
	return nil
}
