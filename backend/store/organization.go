package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"curfew/backend/member"
	"curfew/backend/session"
)

const organizationColumns = `name, help_contact, logo, generation, length_value, length_unit, refresh_automatically,
	coalesce(maximum_value, 0), coalesce(maximum_unit, ''), require_second_factor, guidelines IS NOT NULL, coalesce(guidelines, ''),
	version, saved_at, saved_by_id, saved_by_name, started_after, authenticated_after`

// organizationInto names where to put organizationColumns.
func organizationInto(o *session.Organization) []any {
	return []any{
		&o.Name, &o.HelpContact, &o.Logo, &o.Generation, &o.Policy.Length.Value, &o.Policy.Length.Unit, &o.Policy.RefreshAutomatically,
		&o.Policy.MaximumLifetime.Value, &o.Policy.MaximumLifetime.Unit, &o.RequireSecondFactor, &o.Guidelines.Made, &o.Guidelines.List,
		&o.Version, moment(&o.SavedAt), &o.SavedBy.ID, &o.SavedBy.Name, moment(&o.StartedAfter), moment(&o.AuthenticatedAfter),
	}
}

// Organization implements [session.Store].
func (db *DB) Organization(ctx context.Context) (session.Organization, error) {
	org, err := readOrganization(db.read(ctx))
	return org, unavailable(err)
}

func readOrganization(tx *gorm.DB) (session.Organization, error) {
	org, err := one(tx, errors.New("the organization's row is missing"), organizationInto,
		"SELECT "+organizationColumns+" FROM organization WHERE id = 1")
	return org, err
}

// SaveOrganization implements [session.Store].
func (db *DB) SaveOrganization(ctx context.Context, update session.OrganizationUpdate) (session.Effect, error) {
	next := update.Next
	err := db.change(ctx, update.By, update.Requirement, func(tx *gorm.DB, _ member.Authority) error {
		maximum := next.Policy.MaximumLifetime
		saved, err := changed(tx, `
			UPDATE organization SET name = ?, help_contact = ?, logo = ?, require_second_factor = ?, guidelines = iif(?, ?, NULL),
				length_value = ?, length_unit = ?, refresh_automatically = ?, maximum_value = nullif(?, 0), maximum_unit = nullif(?, ''),
				version = ?, saved_at = ?, saved_by_id = ?, saved_by_name = ?, started_after = ?, authenticated_after = ?,
				clock_at = max(clock_at, ?)
			WHERE id = 1 AND version = ?`,
			next.Name, next.HelpContact, next.Logo, next.RequireSecondFactor, next.Guidelines.Made, next.Guidelines.List,
			next.Policy.Length.Value, string(next.Policy.Length.Unit), next.Policy.RefreshAutomatically, maximum.Value, string(maximum.Unit),
			next.Version, millis(next.SavedAt), next.SavedBy.ID, next.SavedBy.Name, millis(next.StartedAfter), millis(next.AuthenticatedAfter),
			millis(update.Event.At), update.Replaces)
		if err != nil {
			return err
		}
		if saved == 0 {
			current, err := readOrganization(tx)
			if err != nil {
				return err
			}
			return &session.StaleVersionError{Current: current}
		}
		if err := saveLogo(tx, update); err != nil {
			return err
		}
		return record(tx, update.Event)
	})
	return session.Effect{Organization: &next}, err
}

func saveLogo(tx *gorm.DB, update session.OrganizationUpdate) error {
	switch {
	case update.Next.Logo == "":
		return exec(tx, "DELETE FROM logo")
	case update.Logo != nil:
		return exec(tx, "INSERT OR REPLACE INTO logo (id, image) VALUES (1, ?)", update.Logo)
	}
	return nil
}

// Logo implements [session.Store].
func (db *DB) Logo(ctx context.Context, version string) ([]byte, error) {
	image, err := one(db.read(ctx), session.ErrNotFound, func(image *[]byte) []any { return []any{image} },
		"SELECT logo.image FROM logo, organization WHERE organization.logo = ?", version)
	return image, unavailable(err)
}

// NewestTime returns the newest time on record (rule R7); the zero time if there is none.
func (db *DB) NewestTime(ctx context.Context) (newest time.Time, err error) {
	err = queryRow(db.read(ctx), `
		SELECT max(clock_at, coalesce((SELECT at FROM audit_entries ORDER BY sequence DESC LIMIT 1), 0))
		FROM organization WHERE id = 1`).Scan(moment(&newest))
	return newest, unavailable(err)
}
