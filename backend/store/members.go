package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

const memberColumns = "id, name, email, role, generation, deactivated_at IS NULL, totp_seed IS NOT NULL, " + hasPasskey

// memberInto names where to put memberColumns.
func memberInto(m *member.Member) []any {
	return []any{parsed(&m.ID, member.ParseID), &m.Name, &m.Email, &m.Role, &m.Generation, &m.Active, &m.SecondFactor, &m.HasPasskey}
}

// readMember reads one member by id.
func readMember(tx *gorm.DB, id string) (member.Member, error) {
	return one(tx, member.ErrNotFound, memberInto, "SELECT "+memberColumns+" FROM members WHERE id = ?", id)
}

// EachActiveMember implements [session.Store].
func (db *DB) EachActiveMember(ctx context.Context, f func(*member.Member)) error {
	var m member.Member
	into := memberInto(&m)
	return unavailable(eachRow(db.read(context.WithoutCancel(ctx)), func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		f(&m)
		return ctx.Err()
	}, "SELECT "+memberColumns+" FROM members WHERE deactivated_at IS NULL"))
}

// HasMembers implements [member.Store].
func (db *DB) HasMembers(ctx context.Context) (bool, error) {
	found, err := hasMembers(db.read(ctx))
	return found, unavailable(err)
}

func hasMembers(tx *gorm.DB) (found bool, err error) {
	err = queryRow(tx, "SELECT EXISTS (SELECT 1 FROM members)").Scan(&found)
	return found, err
}

// SetUp implements [member.Store].
func (db *DB) SetUp(ctx context.Context, organization string, owner member.Member, passwordHash string, event audit.Event) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		found, err := hasMembers(tx)
		if err != nil {
			return err
		}
		if found {
			return member.ErrAlreadySetUp
		}
		at := millis(event.At)
		if err := exec(tx, "UPDATE organization SET name = ?, saved_at = ?, clock_at = max(clock_at, ?) WHERE id = 1", organization, at, at); err != nil {
			return err
		}
		if err := insertMember(tx, owner, passwordHash, event.At); err != nil {
			return err
		}
		return record(tx, event)
	})
}

// insertMember inserts a member. Their password's hash is empty until they have set one.
func insertMember(tx *gorm.DB, m member.Member, passwordHash string, at time.Time) error {
	err := tx.Table("members").Create(map[string]any{
		"id": m.ID.String(), "name": m.Name, "email": m.Email, "email_canonical": fold.AddressKey(m.Email), "role": string(m.Role),
		"password_hash": passwordHash, "generation": m.Generation, "created_at": millis(at), "sort_name": m.SortName(), "search": m.SearchText(),
	}).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return member.ErrEmailTaken
	}
	return err
}

// MemberByEmail implements [member.Store]. It finds a marked member by the old spelling first:
// another member may have the folded one as theirs.
func (db *DB) MemberByEmail(ctx context.Context, email string) (member.Member, string, error) {
	var hash string
	old := fold.OldAddress(email)
	m, err := one(db.read(ctx), member.ErrNotFound, func(m *member.Member) []any { return append(memberInto(m), &hash) }, `
		SELECT `+memberColumns+`, password_hash FROM members
		WHERE email_canonical = ? OR email_canonical = ? AND email_fold IS NOT NULL
		ORDER BY email_canonical = ? AND email_fold IS NOT NULL DESC LIMIT 1`, fold.AddressKey(email), old, old)
	return m, hash, unavailable(err)
}

// ResetPassword implements [member.Store].
func (db *DB) ResetPassword(ctx context.Context, id member.ID, passwordHash string, event audit.Event) (effect member.Effect, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		err := changeOne(tx, member.ErrNotFound, "UPDATE members SET password_hash = ?, generation = generation + 1, deactivated_at = NULL WHERE id = ?",
			passwordHash, id.String())
		if err != nil {
			return err
		}
		if err := withdrawLink(tx, id); err != nil {
			return err
		}
		m, err := readMember(tx, id.String())
		if err != nil {
			return err
		}
		if err := record(tx, event); err != nil {
			return err
		}
		effect, err = endingSessions(tx, m, event.At, session.EndRequest{Reason: session.CredentialChanged, By: audit.Caller{Actor: event.Actor}})
		return err
	})
	return effect, err
}

// detailsRow is a member with their link, as selectDetails reads them.
type detailsRow struct {
	member.Details
	emailFold   *string
	hasPassword bool
	// link is the link that waits or was used; its kind is empty for none.
	link member.Link
	used bool
	// issue is the link's. The issuer's role is empty for the operator, and for one who was
	// removed.
	issue  member.Issue
	issuer member.Member
}

const selectDetails = `
SELECT m.id, m.name, m.email, m.role, m.generation, m.deactivated_at IS NULL, m.totp_seed IS NOT NULL,
       (SELECT count(*) FROM passkeys p WHERE p.member_id = m.id), m.created_at, m.email_fold, m.password_hash <> '',
       coalesce(l.kind, ''), l.created_at, l.expires_at, l.used_at IS NOT NULL,
       coalesce(l.issuer_id, '') = '', coalesce(l.generation, 0), coalesce(l.member_generation, 0), coalesce(l.issuer_generation, 0),
       (SELECT generation FROM organization WHERE organization.id = 1),
       coalesce(i.role, ''), coalesce(i.name, ''), i.deactivated_at IS NULL, coalesce(i.generation, 0)
FROM members m LEFT JOIN member_links l ON l.member_id = m.id LEFT JOIN members i ON i.id = l.issuer_id `

// detailsInto names where to put the columns of selectDetails.
func detailsInto(d *detailsRow) []any {
	return []any{
		parsed(&d.ID, member.ParseID), &d.Name, &d.Email, &d.Role, &d.Generation, &d.Active, &d.SecondFactor,
		&d.Passkeys, moment(&d.CreatedAt), &d.emailFold, &d.hasPassword,
		&d.link.Kind, moment(&d.link.CreatedAt), moment(&d.link.ExpiresAt), &d.used,
		&d.issue.ByOperator, &d.issue.Generation, &d.issue.MemberGeneration, &d.issue.IssuerGeneration,
		&d.issue.CurrentGeneration,
		&d.issuer.Role, &d.link.By, &d.issuer.Active, &d.issuer.Generation,
	}
}

// details completes what the columns say.
func (d detailsRow) details() member.Details {
	d.HasPasskey, d.State = d.Passkeys > 0, member.Active
	if d.emailFold != nil {
		d.AddressIssue = member.AddressShared
		if *d.emailFold == "" {
			d.AddressIssue = member.AddressInvalid
		}
	}
	switch {
	case !d.Active:
		d.State = member.Deactivated
	case !d.hasPassword:
		d.State = member.Invited
	}
	if d.issuer.Role != "" {
		d.issue.Issuer = &d.issuer
	}
	if d.link.Kind != "" && !d.used && d.issue.Holds(d.Member) {
		d.Link = &d.link
	}
	return d.Details
}

func details(tx *gorm.DB, rest string, args ...any) ([]member.Details, error) {
	rows, err := all(tx, detailsInto, selectDetails+rest, args...)
	found := make([]member.Details, len(rows))
	for i, row := range rows {
		found[i] = row.details()
	}
	return found, err
}

func oneMember(tx *gorm.DB, id member.ID) (member.Details, error) {
	row, err := one(tx, member.ErrNotFound, detailsInto, selectDetails+"WHERE m.id = ?", id.String())
	return row.details(), err
}

// Member implements [member.Store].
func (db *DB) Member(ctx context.Context, id member.ID) (member.Details, error) {
	tx := db.read(ctx)
	found, err := oneMember(tx, id)
	if err != nil {
		return found, unavailable(err)
	}
	err = queryRow(tx, `
		SELECT CASE WHEN m.password_hash <> '' THEN `+accountBegan+` END, coalesce(e.actor_id, ''), coalesce(e.actor_name, '')
		FROM members m LEFT JOIN audit_entries e ON e.concerns = m.id AND e.action = ? WHERE m.id = ? ORDER BY e.sequence LIMIT 1`,
		id.String(), id.String(), string(audit.MemberInvited), id.String()).
		Scan(moment(&found.JoinedAt), &found.InvitedBy.ID, &found.InvitedBy.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = member.ErrNotFound // removed meanwhile
	}
	return found, unavailable(err)
}

// Members implements [member.Store].
func (db *DB) Members(ctx context.Context, query member.Query) (found []member.Details, counts member.Counts, err error) {
	tx := db.read(ctx)
	if !query.Uncounted {
		groups, err := membersByGroup(tx, query)
		if err != nil {
			return nil, counts, unavailable(err)
		}
		counts = query.Count(groups)
	}
	picked, args := pickMembers(query)
	column, beyond, direction := memberOrders[query.Order], ">", ""
	if query.Descending {
		beyond, direction = "<", " DESC"
	}
	if query.After != nil {
		picked += fmt.Sprintf(" AND (m.%s, m.id) %s (?, ?)", column, beyond)
		args = append(args, placeOfMember(query), query.After.ID.String())
	}
	found, err = details(tx, fmt.Sprintf("WHERE %s ORDER BY m.%s%s, m.id%s LIMIT ?", picked, column, direction, direction), append(args, query.Limit)...)
	return found, counts, unavailable(err)
}

// membersByGroup counts the members that the query's text matches.
func membersByGroup(tx *gorm.DB, query member.Query) ([]member.Group, error) {
	where, args := searchMembers(query)
	return all(tx, func(g *member.Group) []any { return []any{&g.Role, &g.State, &g.App, &g.Passkey, &g.Members} },
		"SELECT m.role, "+memberState+" AS state, m.totp_seed IS NOT NULL AS app, "+withPasskey+" AS passkey, count(*) FROM members m WHERE "+
			where+" GROUP BY m.role, state, app, passkey", args...)
}

// memberState is the state of members m, as [detailsRow.details] works it out.
const memberState = "CASE WHEN m.deactivated_at IS NOT NULL THEN 'deactivated' WHEN m.password_hash = '' THEN 'invited' ELSE 'active' END"

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

// searchMembers returns the condition that the query's text sets, and its arguments.
func searchMembers(query member.Query) (where string, args []any) {
	where = "TRUE"
	for _, word := range fold.Words(query.Text) {
		where, args = where+" AND instr(m.search, ?) > 0", append(args, word)
	}
	return where, args
}

// pickMembers returns the condition that the query sets, and its arguments.
func pickMembers(query member.Query) (where string, args []any) {
	where, args = searchMembers(query)
	if query.Role != "" {
		where, args = where+" AND m.role = ?", append(args, string(query.Role))
	}
	if query.State != "" {
		where, args = where+" AND "+memberState+" = ?", append(args, string(query.State))
	}
	switch query.SecondFactor {
	case member.NoFactor:
		where += " AND " + withoutFactor
	case member.AppFactor:
		where += " AND m.totp_seed IS NOT NULL"
	case member.PasskeyFactor:
		where += " AND " + withPasskey
	}
	return where, args
}
