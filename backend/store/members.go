package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

type memberRow struct {
	ID             string `gorm:"primaryKey"`
	Name           string
	Email          string
	EmailCanonical string
	Role           string
	PasswordHash   string
	Generation     uint64
	CreatedAt      int64
	DeactivatedAt  *int64
	SortName       string
	Search         string
	SecondFactor   bool `gorm:"->"`
	HasPasskey     bool `gorm:"->"`
}

func (memberRow) TableName() string { return "members" }

func (row memberRow) member() (member.Member, error) {
	id, err := member.ParseID(row.ID)
	return member.Member{
		ID: id, Name: row.Name, Email: row.Email, Role: member.Role(row.Role),
		Active: row.DeactivatedAt == nil, Generation: row.Generation, SecondFactor: row.SecondFactor, HasPasskey: row.HasPasskey,
	}, err
}

// HasMembers implements [member.Store].
func (db *DB) HasMembers(ctx context.Context) (bool, error) {
	var found bool
	err := db.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM members)").Scan(&found).Error
	return found, unavailable(err)
}

// SetUp implements [member.Store].
func (db *DB) SetUp(ctx context.Context, organization string, owner member.Member, passwordHash string, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		var found bool
		if err := tx.Raw("SELECT EXISTS (SELECT 1 FROM members)").Scan(&found).Error; err != nil {
			return err
		}
		if found {
			return member.ErrAlreadySetUp
		}
		at := millis(event.At)
		if err := tx.Exec("UPDATE organization SET name = ?, saved_at = ?, clock_at = max(clock_at, ?) WHERE id = 1", organization, at, at).Error; err != nil {
			return err
		}
		row := newMemberRow(owner, event.At)
		row.PasswordHash = passwordHash
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		_, err := appendAudit(tx, event)
		return err
	})
}

// newMemberRow is the row of a member who has no password yet.
func newMemberRow(m member.Member, at time.Time) memberRow {
	return memberRow{
		ID: m.ID.String(), Name: m.Name, Email: m.Email, EmailCanonical: fold.AddressKey(m.Email),
		Role: string(m.Role), Generation: m.Generation, CreatedAt: millis(at), SortName: m.SortName(), Search: m.SearchText(),
	}
}

// MemberByEmail implements [member.Store].
func (db *DB) MemberByEmail(ctx context.Context, email string) (member.Member, string, error) {
	row, err := memberByEmail(db.read(ctx), email)
	if err != nil {
		return member.Member{}, "", unavailable(err)
	}
	m, err := row.member()
	return m, row.PasswordHash, unavailable(err)
}

// memberByEmail finds a marked member by the old spelling first: another member may have the folded
// one as theirs.
func memberByEmail(tx *gorm.DB, email string) (memberRow, error) {
	old := fold.OldAddress(email)
	var rows []memberRow
	err := tx.Raw(`
		SELECT id, name, email, role, password_hash, generation, created_at, deactivated_at, totp_seed IS NOT NULL AS second_factor, `+hasPasskey+` AS has_passkey
		FROM members WHERE email_canonical = ? OR email_canonical = ? AND email_fold IS NOT NULL
		ORDER BY email_canonical = ? AND email_fold IS NOT NULL DESC LIMIT 1`, fold.AddressKey(email), old, old).Scan(&rows).Error
	if err != nil {
		return memberRow{}, err
	}
	if len(rows) == 0 {
		return memberRow{}, member.ErrNotFound
	}
	return rows[0], nil
}

// ResetPassword implements [member.Store].
func (db *DB) ResetPassword(ctx context.Context, id member.ID, passwordHash string, event audit.Event) (effect member.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		reset := tx.Exec("UPDATE members SET password_hash = ?, generation = generation + 1, deactivated_at = NULL WHERE id = ?", passwordHash, id.String())
		if reset.Error != nil {
			return reset.Error
		}
		if reset.RowsAffected == 0 {
			return member.ErrNotFound
		}
		if err := withdrawLink(tx, id); err != nil {
			return err
		}
		found, err := oneMember(tx, id)
		if err != nil {
			return err
		}
		if _, err := appendAudit(tx, event); err != nil {
			return err
		}
		effect, err = endingSessions(tx, found.Member, event.At, session.EndRequest{Reason: session.CredentialChanged, By: audit.Caller{Actor: event.Actor}})
		return err
	})
	return effect, err
}

// detailsRow is a member with the link that waits, as selectDetails reads them.
type detailsRow struct {
	ID           string
	Name         string
	Email        string
	Role         string
	EmailFold    *string
	HasPassword  bool
	Generation   uint64
	CreatedAt    int64
	Active       bool
	SecondFactor bool
	Passkeys     int
	// The link that waits or was used; its kind is empty for none.
	LinkKind         string
	LinkCreatedAt    int64
	LinkExpiresAt    int64
	LinkUsed         bool
	IssuerID         string
	LinkGeneration   uint64
	MemberGeneration uint64
	IssuerGeneration uint64
	// The issuer as they are now; the role is empty for the operator, and for one who was removed.
	IssuerRole              string
	IssuerActive            bool
	IssuerCurrentGeneration uint64
	CurrentGeneration       uint64
}

const selectDetails = `
SELECT m.id, m.name, m.email, m.email_fold, m.role, m.password_hash <> '' AS has_password, m.generation, m.created_at, m.deactivated_at IS NULL AS active,
       m.totp_seed IS NOT NULL AS second_factor, (SELECT count(*) FROM passkeys p WHERE p.member_id = m.id) AS passkeys,
       coalesce(l.kind, '') AS link_kind, coalesce(l.created_at, 0) AS link_created_at, coalesce(l.expires_at, 0) AS link_expires_at,
       l.used_at IS NOT NULL AS link_used, coalesce(l.issuer_id, '') AS issuer_id, coalesce(l.generation, 0) AS link_generation,
       coalesce(l.member_generation, 0) AS member_generation, coalesce(l.issuer_generation, 0) AS issuer_generation,
       coalesce(i.role, '') AS issuer_role, i.deactivated_at IS NULL AS issuer_active, coalesce(i.generation, 0) AS issuer_current_generation,
       (SELECT generation FROM organization WHERE organization.id = 1) AS current_generation
FROM members m LEFT JOIN member_links l ON l.member_id = m.id LEFT JOIN members i ON i.id = l.issuer_id `

// holds reports whether the link was neither used nor withdrawn.
func (row detailsRow) holds(of member.Member) bool {
	issue := member.Issue{
		ByOperator: row.IssuerID == "", Generation: row.LinkGeneration, MemberGeneration: row.MemberGeneration,
		IssuerGeneration: row.IssuerGeneration, CurrentGeneration: row.CurrentGeneration,
	}
	if row.IssuerRole != "" {
		issue.Issuer = &member.Member{Role: member.Role(row.IssuerRole), Active: row.IssuerActive, Generation: row.IssuerCurrentGeneration}
	}
	return row.LinkKind != "" && !row.LinkUsed && issue.Holds(of)
}

func (row detailsRow) details() (member.Details, error) {
	id, err := member.ParseID(row.ID)
	if err != nil {
		return member.Details{}, err
	}
	details := member.Details{
		Member: member.Member{
			ID: id, Name: row.Name, Email: row.Email, Role: member.Role(row.Role), Active: row.Active, Generation: row.Generation,
			SecondFactor: row.SecondFactor, HasPasskey: row.Passkeys > 0,
		},
		State: member.Active, CreatedAt: instant(row.CreatedAt), Passkeys: row.Passkeys,
	}
	if row.EmailFold != nil {
		details.AddressIssue = member.AddressShared
		if *row.EmailFold == "" {
			details.AddressIssue = member.AddressInvalid
		}
	}
	switch {
	case !row.Active:
		details.State = member.Deactivated
	case !row.HasPassword:
		details.State = member.Invited
	}
	if row.holds(details.Member) {
		details.Link = &member.Link{Kind: member.LinkKind(row.LinkKind), CreatedAt: instant(row.LinkCreatedAt), ExpiresAt: instant(row.LinkExpiresAt)}
	}
	return details, nil
}

func details(tx *gorm.DB, rest string, args ...any) ([]member.Details, error) {
	var rows []detailsRow
	if err := tx.Raw(selectDetails+rest, args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	found := make([]member.Details, len(rows))
	for i, row := range rows {
		var err error
		if found[i], err = row.details(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func oneMember(tx *gorm.DB, id member.ID) (member.Details, error) {
	found, err := details(tx, "WHERE m.id = ?", id.String())
	if err != nil {
		return member.Details{}, err
	}
	if len(found) == 0 {
		return member.Details{}, member.ErrNotFound
	}
	return found[0], nil
}

// Members implements [member.Store].
func (db *DB) Members(ctx context.Context, query member.Query) (found []member.Details, total int, err error) {
	picked, args := pickMembers(query)
	tx := db.read(ctx)
	if err := tx.Raw("SELECT count(*) FROM members m WHERE "+picked, args...).Scan(&total).Error; err != nil {
		return nil, 0, unavailable(err)
	}
	column, beyond, direction := memberOrders[query.Order], ">", ""
	if query.Descending {
		beyond, direction = "<", " DESC"
	}
	if query.After != nil {
		picked += fmt.Sprintf(" AND (m.%s, m.id) %s (?, ?)", column, beyond)
		args = append(args, placeOfMember(query), query.After.ID.String())
	}
	found, err = details(tx, fmt.Sprintf("WHERE %s ORDER BY m.%s%s, m.id%s LIMIT ?", picked, column, direction, direction), append(args, query.Limit)...)
	return found, total, unavailable(err)
}

// memberOrders are the columns to order by.
var memberOrders = map[member.Order]string{member.ByName: "sort_name", member.ByEmail: "email_canonical", member.ByCreation: "created_at"}

// placeOfMember is the value of the order's column where the page before ended.
func placeOfMember(query member.Query) any {
	switch query.Order {
	case member.ByCreation:
		return millis(query.After.CreatedAt)
	case member.ByEmail:
		return fold.OldAddress(query.After.Email)
	default:
		return query.After.SortName()
	}
}

// pickMembers is the condition that the query sets, and its arguments.
func pickMembers(query member.Query) (where string, args []any) {
	where = "TRUE"
	for _, word := range fold.Words(query.Text) {
		where, args = where+" AND instr(m.search, ?) > 0", append(args, word)
	}
	if query.Role != "" {
		where, args = where+" AND m.role = ?", append(args, string(query.Role))
	}
	switch query.State {
	case member.Invited:
		where += " AND m.deactivated_at IS NULL AND m.password_hash = ''"
	case member.Active:
		where += " AND m.deactivated_at IS NULL AND m.password_hash <> ''"
	case member.Deactivated:
		where += " AND m.deactivated_at IS NOT NULL"
	}
	return where, args
}

// Member implements [member.Store].
func (db *DB) Member(ctx context.Context, id member.ID) (member.Details, error) {
	found, err := oneMember(db.read(ctx), id)
	return found, unavailable(err)
}

// Invite implements [member.Store].
func (db *DB) Invite(ctx context.Context, invited member.InvitedMember, caller audit.Caller, demand member.Demand, event audit.Event) (member.Effect, error) {
	err := db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, demand)
		if err != nil {
			return err
		}
		if err := requireFree(tx, invited.Member, invited.Address); err != nil {
			return err
		}
		row := newMemberRow(invited.Member, event.At)
		err = tx.Create(&row).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return member.ErrEmailTaken
		}
		if err != nil {
			return err
		}
		if err := putLink(tx, invited.Member, invited.Link, by); err != nil {
			return err
		}
		_, err = appendAudit(tx, event)
		return err
	})
	return member.Effect{Member: invited.Member}, err
}

// putLink gives the member the link, which is worth what it was issued under.
func putLink(tx *gorm.DB, of member.Member, link member.Link, by member.Authority) error {
	issuer := ""
	if !by.Operator {
		issuer = by.Member.ID.String()
	}
	return tx.Exec(`
		INSERT OR REPLACE INTO member_links (member_id, kind, token_hash, created_at, expires_at, issuer_id, generation, member_generation, issuer_generation)
		SELECT ?, ?, ?, ?, ?, ?, generation, ?, ? FROM organization WHERE id = 1`,
		of.ID.String(), string(link.Kind), link.Hash[:], millis(link.CreatedAt), millis(link.ExpiresAt), issuer, of.Generation, by.Member.Generation).Error
}

func withdrawLink(tx *gorm.DB, id member.ID) error {
	return tx.Exec("DELETE FROM member_links WHERE member_id = ?", id.String()).Error
}

// ChangeMember implements [member.Store].
func (db *DB) ChangeMember(ctx context.Context, id member.ID, caller audit.Caller, demand member.Demand, decide member.Decide) (effect member.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, demand)
		if err != nil {
			return err
		}
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
		if _, err := appendAudit(tx, change.Event); err != nil || !change.EndsSessions {
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
	deactivated := gorm.Expr("NULL")
	if !m.Active {
		deactivated = gorm.Expr("coalesce(deactivated_at, ?)", millis(change.Event.At))
	}
	err := tx.Table("members").Where("id = ?", m.ID.String()).Updates(map[string]any{ //nolint:forbidigo // a map, which loses no zero
		"name": m.Name, "role": string(m.Role), "generation": m.Generation, "deactivated_at": deactivated,
		"sort_name": m.SortName(), "search": m.SearchText(),
	}).Error
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

func retireAddress(tx *gorm.DB, fingerprint []byte, by string) error {
	return exec(tx, "INSERT OR REPLACE INTO retired_addresses (hash, member_id) VALUES (?, ?)", fingerprint, by)
}

// RemoveMember implements [member.Store].
func (db *DB) RemoveMember(
	ctx context.Context, id member.ID, caller audit.Caller, demand member.Demand, decide member.DecideRemoval,
) (effect member.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, demand)
		if err != nil {
			return err
		}
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
		if err := foldMembers(tx.Statement.Context, tx.Statement.ConnPool, "email_fold IS NOT NULL"); err != nil {
			return err
		}
		_, err = appendAudit(tx, removal.Event)
		return err
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

// endSessionsOf ends the sessions of a member, except for the one of the given id.
func endSessionsOf(tx *gorm.DB, id member.ID, at time.Time, request session.EndRequest, but string) ([]session.EndedSession, error) {
	return closeSessions(tx, request, endMembers, millis(at), string(request.Reason), request.By.Actor.Name, id.String(), but)
}

// IssueLink implements [member.Store].
func (db *DB) IssueLink(
	ctx context.Context, id member.ID, caller audit.Caller, demand member.Demand, decide member.DecideLink,
) (issued member.Details, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		by, err := judge(tx, caller, demand)
		if err != nil {
			return err
		}
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
		_, err = appendAudit(tx, event)
		return err
	})
	return issued, err
}

// OpenLinks implements [member.Store].
func (db *DB) OpenLinks(ctx context.Context, now time.Time) (int, error) {
	open, err := openLinks(db.read(ctx), now)
	return open, unavailable(err)
}

// withLink selects members whose link has not expired. By the column of the outer join SQLite would go
// through all members.
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
	err = db.read(ctx).Raw("SELECT name FROM organization WHERE id = 1").Scan(&organization).Error
	return m, organization, unavailable(err)
}

// memberOfLink finds the member whose link holds and has not expired.
func memberOfLink(tx *gorm.DB, hash [32]byte, now time.Time) (member.Details, error) {
	var rows []detailsRow
	if err := tx.Raw(selectDetails+"WHERE l.token_hash = ? AND l.expires_at > ?", hash[:], millis(now)).Scan(&rows).Error; err != nil {
		return member.Details{}, err
	}
	if len(rows) == 0 {
		return member.Details{}, member.ErrLinkInvalid
	}
	found, err := rows[0].details()
	switch {
	case err != nil:
		return member.Details{}, err
	case rows[0].LinkUsed:
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
		if _, err := appendAudit(tx, use.Event(found.Member, m)); err != nil {
			return err
		}
		by := audit.Caller{Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}}
		effect, err = endingSessions(tx, m, use.At, session.EndRequest{Reason: session.CredentialChanged, By: by})
		return err
	})
	return effect, err
}

// SignedInFrom implements [member.Store].
func (db *DB) SignedInFrom(ctx context.Context, id member.ID, address string, since time.Time) (bool, error) {
	var found bool
	err := db.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM sessions WHERE member_id = ? AND address = ? AND authenticated_at >= ?)",
		id.String(), address, millis(since)).Scan(&found).Error
	return found, unavailable(err)
}

// TakeAttempt implements [member.Store]. A bucket is kept as the time at which it would be empty
// again (the generic cell rate algorithm): an attempt fits when that is less than Burst times Every
// ahead, and moves it by Every.
func (db *DB) TakeAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) (taken []member.Bucket, retryAfter time.Duration, err error) {
	// A crowd that is refused must not wait for the writer, nor make others wait for it.
	if retryAfter, err = db.AwaitAttempt(ctx, sets, now); err != nil || retryAfter > 0 {
		return nil, retryAfter, err
	}
	err = db.write(ctx, func(tx *gorm.DB) (err error) {
		if taken, retryAfter, err = roomIn(tx, sets, now); err != nil || retryAfter > 0 {
			return err
		}
		return takeFrom(tx, taken, now)
	})
	return taken, retryAfter, err
}

// AwaitAttempt implements [member.Store].
func (db *DB) AwaitAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) (time.Duration, error) {
	_, retryAfter, err := roomIn(db.read(ctx), sets, now)
	return retryAfter, unavailable(err)
}

// roomIn returns the first set with room in each of its buckets, or how long the first one takes to
// have it.
func roomIn(tx *gorm.DB, sets [][]member.Bucket, now time.Time) (fits []member.Bucket, retryAfter time.Duration, err error) {
	var keys []string
	for _, bucket := range slices.Concat(sets...) {
		keys = append(keys, bucket.Key)
	}
	var rows []struct {
		Bucket  string
		EmptyAt int64
	}
	if err := tx.Raw("SELECT bucket, empty_at FROM attempts WHERE bucket IN ?", keys).Scan(&rows).Error; err != nil {
		return nil, 0, err
	}
	emptyAt := map[string]int64{}
	for _, row := range rows {
		emptyAt[row.Bucket] = row.EmptyAt
	}
	for i, set := range sets {
		var wait time.Duration
		for _, bucket := range set {
			if at, used := emptyAt[bucket.Key]; used {
				wait = max(wait, instant(at).Add(-time.Duration(bucket.Burst-1)*bucket.Every).Sub(now))
			}
		}
		if wait == 0 {
			return set, 0, nil
		}
		if i == 0 || wait < retryAfter {
			retryAfter = wait
		}
	}
	return nil, retryAfter, nil
}

// takeFrom takes an attempt from each of the buckets, which have room, and forgets some that are
// empty.
func takeFrom(tx *gorm.DB, buckets []member.Bucket, now time.Time) error {
	if err := tx.Exec("DELETE FROM attempts WHERE bucket IN (SELECT bucket FROM attempts WHERE empty_at < ? LIMIT 100)", millis(now)).Error; err != nil {
		return err
	}
	for _, bucket := range buckets {
		err := tx.Exec(`
			INSERT INTO attempts (bucket, empty_at) VALUES (?, ?)
			ON CONFLICT (bucket) DO UPDATE SET empty_at = max(empty_at, ?) + ?`,
			bucket.Key, millis(now.Add(bucket.Every)), millis(now), bucket.Every.Milliseconds()).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// ReturnAttempt implements [member.Store].
func (db *DB) ReturnAttempt(ctx context.Context, buckets []member.Bucket) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		for _, bucket := range buckets {
			statement, args := "UPDATE attempts SET empty_at = empty_at - ? WHERE bucket = ?", []any{bucket.Every.Milliseconds(), bucket.Key}
			if bucket.Own {
				statement, args = "DELETE FROM attempts WHERE bucket = ?", []any{bucket.Key}
			}
			if err := tx.Exec(statement, args...).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// Record writes an audit entry for something that changes nothing else.
func (db *DB) Record(ctx context.Context, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		_, err := appendAudit(tx, event)
		return err
	})
}

// RecordRefusal implements [member.Store].
func (db *DB) RecordRefusal(ctx context.Context, event audit.Event, buckets []member.Bucket) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		_, retryAfter, err := roomIn(tx, [][]member.Bucket{buckets}, event.At)
		if err != nil {
			return err
		}
		if retryAfter > 0 {
			wrong, _ := event.Details["wrong"].(string)
			return tx.Exec(`
				INSERT INTO refusals (action, wrong, target, count, since, last) VALUES (?, ?, ?, 1, ?, ?)
				ON CONFLICT (action, wrong, target) DO UPDATE SET count = count + 1, last = excluded.last`,
				string(event.Action), wrong, event.Target, millis(event.At), millis(event.At)).Error
		}
		if err := takeFrom(tx, buckets, event.At); err != nil {
			return err
		}
		_, err = appendAudit(tx, event)
		return err
	})
}

// refusalsAtOnce is how many counts one transaction writes.
const refusalsAtOnce = 100

// WriteRefusals implements [member.Store]. A count that begins after now was begun by a clock that
// was ahead.
func (db *DB) WriteRefusals(ctx context.Context, until, now time.Time, entry func(member.RefusalCount) audit.Event) error {
	const due = "FROM refusals WHERE since <= ? OR since > ? LIMIT ?"
	for {
		var some bool
		if err := db.read(ctx).Raw("SELECT EXISTS (SELECT 1 "+due+")", millis(until), millis(now), 1).Scan(&some).Error; err != nil || !some {
			return unavailable(err)
		}
		err := db.write(ctx, func(tx *gorm.DB) error {
			var rows []struct {
				Action, Wrong, Target string
				Count, Since, Last    int64
			}
			err := tx.Raw("DELETE FROM refusals WHERE (action, wrong, target) IN (SELECT action, wrong, target "+due+") RETURNING *",
				millis(until), millis(now), refusalsAtOnce).Scan(&rows).Error
			if err != nil {
				return err
			}
			events := make([]audit.Event, len(rows))
			for i, row := range rows {
				events[i] = entry(member.RefusalCount{
					Action: audit.Action(row.Action), Wrong: row.Wrong, Target: row.Target,
					Count: row.Count, Since: instant(row.Since), Last: instant(row.Last),
				})
			}
			_, err = appendAudit(tx, events...)
			return err
		})
		if err != nil {
			return err
		}
	}
}
