package store

import (
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
func foldTexts(tx *gorm.DB) error {
	for _, statement := range []string{
		"ALTER TABLE members ADD COLUMN email_fold TEXT",
		"CREATE INDEX members_by_email_fold ON members (email_fold) WHERE email_fold IS NOT NULL",
	} {
		if err := exec(tx, statement); err != nil {
			return err
		}
	}
	return foldMembers(tx, "TRUE")
}

// foldMembers folds the texts of the members that the condition selects, and marks those whose
// address cannot be changed.
func foldMembers(tx *gorm.DB, condition string) error {
	members, err := all(tx, func(m *member.Member) []any { return []any{parsed(&m.ID, member.ParseID), &m.Name, &m.Email} },
		"SELECT id, name, email FROM members WHERE "+condition)
	if err != nil {
		return err
	}
	sharing := map[string]int{}
	for _, m := range members {
		if folded, err := fold.Address(m.Email); err == nil {
			sharing[folded]++
		}
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
		err := exec(tx, "UPDATE members SET email = ?, email_canonical = ?, email_fold = ?, sort_name = ?, search = ? WHERE id = ?",
			email, canonical, mark, m.SortName(), m.SearchText(), m.ID.String())
		if err != nil {
			return err
		}
	}
	return nil
}
