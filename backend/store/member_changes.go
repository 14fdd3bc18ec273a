package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// Invite implements [member.Store].
func (db *DB) Invite(ctx context.Context, invited member.InvitedMember, caller audit.Caller, requirement member.Requirement, event audit.Event) (member.Effect, error) {
	err := db.change(ctx, caller, requirement, func(tx *gorm.DB, by member.Authority) error {
		if err := requireFree(tx, invited.Member, invited.Address); err != nil {
			return err
		}
		if err := insertMember(tx, invited.Member, "", event.At); err != nil {
			return err
		}
		if err := putLink(tx, invited.Member, invited.Link, by); err != nil {
			return err
		}
		return record(tx, event)
	})
	return member.Effect{Member: invited.Member}, err
}

// ChangeMember implements [member.Store].
func (db *DB) ChangeMember(ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.Decide) (effect member.Effect, err error) {
	err = db.change(ctx, caller, requirement, func(tx *gorm.DB, by member.Authority) error {
		current, otherOwners, err := memberToDecideOn(tx, id)
		if err != nil {
			return err
		}
		change, err := decide(by, current.Member, otherOwners)
		if err != nil {
			return err
		}
		effect.Member = change.Next
		if change.Event.Action == "" {
			return nil
		}
		if err := updateMember(tx, current, change); err != nil {
			return err
		}
		if err := record(tx, change.Event); err != nil || !change.EndsSessions {
			return err
		}
		effect, err = endingSessions(tx, change.Next, change.Event.At, session.EndRequest{Reason: reasonOf(change), By: caller})
		return err
	})
	return effect, err
}

// updateMember writes what the change makes of the member.
func updateMember(tx *gorm.DB, current member.Details, change member.Change) error {
	m := change.Next
	err := exec(tx, `
		UPDATE members SET name = ?, role = ?, generation = ?, deactivated_at = iif(?, NULL, coalesce(deactivated_at, ?)), sort_name = ?, search = ?
		WHERE id = ?`,
		m.Name, string(m.Role), m.Generation, m.Active, millis(change.Event.At), m.SortName(), m.SearchText(), m.ID.String())
	if err != nil {
		return err
	}
	if m.Email != current.Email {
		if current.State == member.Invited {
			change.Address.GivenUp = nil // an invitation's address was no member's yet
		}
		if err := moveAddress(tx, m, change.Address); err != nil {
			return err
		}
	}
	if change.WithdrawsLink {
		if err := withdrawLink(tx, m.ID); err != nil {
			return err
		}
	}
	if !change.RemovesFactors {
		return nil
	}
	if err := removeFactors(tx, m.ID); err != nil {
		return err
	}
	return exec(tx, "DELETE FROM passkeys WHERE member_id = ?", m.ID.String())
}

// reasonOf is why the change ends the member's sessions.
func reasonOf(change member.Change) session.EndReason {
	switch {
	case !change.Next.Active:
		return session.MemberDeactivated
	case change.RemovesFactors:
		return session.CredentialChanged
	}
	return session.RevokedMember
}

// memberToDecideOn reads a member, and counts the other owners who can sign in.
func memberToDecideOn(tx *gorm.DB, id member.ID) (current member.Details, otherOwners int, err error) {
	if current, err = oneMember(tx, id); err != nil {
		return current, 0, err
	}
	err = queryRow(tx, "SELECT count(*) FROM members WHERE role = 'owner' AND deactivated_at IS NULL AND password_hash <> '' AND id <> ?", id.String()).
		Scan(&otherOwners)
	return current, otherOwners, err
}

// RemoveMember implements [member.Store].
func (db *DB) RemoveMember(
	ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.DecideRemoval,
) (effect member.Effect, err error) {
	err = db.change(ctx, caller, requirement, func(tx *gorm.DB, by member.Authority) error {
		current, otherOwners, err := memberToDecideOn(tx, id)
		if err != nil {
			return err
		}
		removal, err := decide(by, current, otherOwners)
		if err != nil {
			return err
		}
		effect, err = endingSessions(tx, member.Member{ID: id}, removal.Event.At, session.EndRequest{Reason: session.MemberRemoved, By: caller})
		if err != nil {
			return err
		}
		effect.Removed = true
		if removal.Retired != nil {
			if err := retireAddress(tx, removal.Retired, ""); err != nil {
				return err
			}
		}
		if err := deleteMember(tx, id.String()); err != nil {
			return err
		}
		if err := foldMembers(tx, "email_fold IS NOT NULL"); err != nil {
			return err
		}
		return record(tx, removal.Event)
	})
	return effect, err
}

// deleteMember deletes a member, and the id wherever it stands but in the audit log.
func deleteMember(tx *gorm.DB, id string) error {
	for _, statement := range []string{
		"DELETE FROM member_links WHERE member_id = ?",
		"DELETE FROM recovery_codes WHERE member_id = ?",
		"DELETE FROM passkeys WHERE member_id = ?",
		"DELETE FROM sessions WHERE member_id = ?",
		"UPDATE retired_addresses SET member_id = '' WHERE member_id = ?",
		"UPDATE revocations SET by_id = '', idempotency_key = NULL WHERE by_id = ?",
		"UPDATE organization SET saved_by_id = '', saved_by_name = '" + audit.Removed.Name + "' WHERE saved_by_id = ?",
		"DELETE FROM attempts WHERE bucket LIKE 'member ' || ? || ' %'",
		"DELETE FROM members WHERE id = ?",
	} {
		if err := exec(tx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// endingSessions returns the effect of a change that ends all sessions of the member, after ending
// them.
func endingSessions(tx *gorm.DB, m member.Member, at time.Time, request session.EndRequest) (member.Effect, error) {
	ended, err := endSessionsOf(tx, m.ID, at, request, "")
	return member.Effect{Member: m, Ended: len(ended)}, err
}
