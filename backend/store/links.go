package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// putLink gives the member the link, with what it was issued under.
func putLink(tx *gorm.DB, of member.Member, link member.Link, by member.Authority) error {
	issuer := ""
	if !by.Operator {
		issuer = by.Member.ID.String()
	}
	return exec(tx, `
		INSERT OR REPLACE INTO member_links (member_id, kind, token_hash, created_at, expires_at, issuer_id, generation, member_generation, issuer_generation)
		SELECT ?, ?, ?, ?, ?, ?, generation, ?, ? FROM organization WHERE id = 1`,
		of.ID.String(), string(link.Kind), link.Hash[:], millis(link.CreatedAt), millis(link.ExpiresAt), issuer, of.Generation, by.Member.Generation)
}

func withdrawLink(tx *gorm.DB, id member.ID) error {
	return exec(tx, "DELETE FROM member_links WHERE member_id = ?", id.String())
}

// IssueLink implements [member.Store].
func (db *DB) IssueLink(
	ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.DecideLink,
) (issued member.Details, err error) {
	err = db.change(ctx, caller, requirement, func(tx *gorm.DB, by member.Authority) error {
		if issued, err = oneMember(tx, id); err != nil {
			return err
		}
		link, event, err := decide(by, issued)
		if err != nil {
			return err
		}
		issued.Link = &link
		if err := putLink(tx, issued.Member, link, by); err != nil {
			return err
		}
		return record(tx, event)
	})
	return issued, err
}

// OpenLinks implements [member.Store].
func (db *DB) OpenLinks(ctx context.Context, now time.Time) (int, error) {
	open, err := openLinks(db.read(ctx), now)
	return open, unavailable(err)
}

// withLink selects members whose link has not expired. By the column of the outer join SQLite would
// go through all members.
const withLink = "WHERE m.id IN (SELECT member_id FROM member_links WHERE expires_at > ?)"

func openLinks(tx *gorm.DB, now time.Time) (open int, err error) {
	found, err := details(tx, withLink, millis(now))
	for _, m := range found {
		if m.Link != nil {
			open++
		}
	}
	return open, err
}

// CheckLink implements [member.Store].
func (db *DB) CheckLink(ctx context.Context, hash [32]byte, now time.Time) (m member.Details, organization string, err error) {
	if m, err = memberOfLink(db.read(ctx), hash, now); err != nil {
		return member.Details{}, "", unavailable(err)
	}
	err = queryRow(db.read(ctx), "SELECT name FROM organization WHERE id = 1").Scan(&organization)
	return m, organization, unavailable(err)
}

// memberOfLink finds the member whose link holds and has not expired.
func memberOfLink(tx *gorm.DB, hash [32]byte, now time.Time) (member.Details, error) {
	row, err := one(tx, member.ErrLinkInvalid, detailsInto, selectDetails+"WHERE l.token_hash = ? AND l.expires_at > ?", hash[:], millis(now))
	found := row.details()
	switch {
	case err != nil:
		return member.Details{}, err
	case row.used:
		return member.Details{}, member.ErrLinkUsed
	case found.Link == nil:
		return member.Details{}, member.ErrLinkInvalid
	}
	return found, nil
}

// UseLink implements [member.Store].
func (db *DB) UseLink(ctx context.Context, use member.LinkUse) (effect member.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		found, err := memberOfLink(tx, use.Hash, use.At)
		if err != nil {
			return err
		}
		if err := exec(tx, "UPDATE member_links SET used_at = ? WHERE token_hash = ?", millis(use.At), use.Hash[:]); err != nil {
			return err
		}
		m := found.Member
		m.Generation++
		if use.Name != "" {
			m.Name = use.Name
		}
		err = exec(tx, "UPDATE members SET password_hash = ?, name = ?, generation = ?, sort_name = ?, search = ? WHERE id = ?",
			use.PasswordHash, m.Name, m.Generation, m.SortName(), m.SearchText(), m.ID.String())
		if err != nil {
			return err
		}
		if err := record(tx, use.Event(found.Member, m)); err != nil {
			return err
		}
		by := audit.Caller{Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}}
		effect, err = endingSessions(tx, m, use.At, session.EndRequest{Reason: session.CredentialChanged, By: by})
		return err
	})
	return effect, err
}
