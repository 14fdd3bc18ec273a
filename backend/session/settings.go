package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// SavePolicy makes next the policy in force, for running sessions too, from the next request on
// (rule R3). A policy that is in force already is not saved again.
//
// It returns a [*StaleVersionError] unless over allows the version in force to be replaced; nil
// allows any. It returns an [*InvalidError] for a policy that is out of bounds, and
// ErrReauthenticationRequired if rule R10 asks for a fresh proof.
func (s *Service) SavePolicy(ctx context.Context, who Principal, next Policy, over func(version int64) bool) (Organization, error) {
	if err := next.Validate(); err != nil {
		return Organization{}, err
	}
	return s.save(ctx, who, audit.PolicySaved, func(before Organization, now time.Time) (Organization, map[string]any, error) {
		if over != nil && !over(before.Version) {
			return before, nil, &StaleVersionError{Current: before}
		}
		if next == before.Policy {
			return before, nil, nil
		}
		saved := before.Saved(next, now, who.Caller().Actor)
		return saved, map[string]any{"before": before.Policy.describe(), "after": next.describe(), "version": saved.Version}, nil
	})
}

// RequireSecondFactor has the organization require a second factor, or stop requiring one: from the
// next request on, of running sessions too. Requiring it is free to those who administer. Giving it
// up returns ErrReauthenticationRequired if the last proof is too old.
func (s *Service) RequireSecondFactor(ctx context.Context, who Principal, required bool) (Organization, error) {
	return s.save(ctx, who, audit.SecondFactorRequired, func(org Organization, _ time.Time) (Organization, map[string]any, error) {
		details := beforeAndAfter("requireSecondFactor", org.RequireSecondFactor, required)
		org.RequireSecondFactor = required
		return org, details, nil
	})
}

// ChooseGuidelines stores the keys of the guidelines that apply to the organization, for those who
// administer. It returns an [*InvalidError] for unknown keys.
func (s *Service) ChooseGuidelines(ctx context.Context, who Principal, keys []string) (Organization, error) {
	choice, err := chooseGuidelines(keys)
	if err != nil {
		return Organization{}, err
	}
	return s.save(ctx, who, audit.GuidelinesChosen, func(org Organization, _ time.Time) (Organization, map[string]any, error) {
		if choice == org.Guidelines {
			return org, nil, nil
		}
		details := beforeAndAfter("applies", org.Guidelines.Keys(), choice.Keys())
		org.Guidelines = choice
		org.Version++
		return org, details, nil
	})
}

// SaveGeneral changes the organization's name and its help contact, for those who administer. It
// returns the error of over, which judges the settings to replace.
func (s *Service) SaveGeneral(ctx context.Context, who Principal, name, helpContact string, over func(Organization) error) (Organization, error) {
	return s.update(ctx, who, func(org Organization, now time.Time) (OrganizationUpdate, error) {
		if err := over(org); err != nil {
			return OrganizationUpdate{}, err
		}
		action, before, after := audit.OrganizationChanged, map[string]any{}, map[string]any{}
		if org.Name != name {
			action, before["name"], after["name"] = audit.OrganizationRenamed, org.Name, name
		}
		if org.HelpContact != helpContact {
			before["helpContact"], after["helpContact"] = org.HelpContact, helpContact
		}
		org.Name, org.HelpContact = name, helpContact
		details := map[string]any{"before": before, "after": after}
		return OrganizationUpdate{Next: org, Event: who.Caller().Event(now, action, "organization", details)}, nil
	})
}

// SaveLogo replaces the organization's logo, for those who administer. No image removes it.
func (s *Service) SaveLogo(ctx context.Context, who Principal, image []byte) (Organization, error) {
	return s.update(ctx, who, func(org Organization, now time.Time) (OrganizationUpdate, error) {
		version := ""
		if len(image) > 0 {
			sum := sha256.Sum256(image)
			version = hex.EncodeToString(sum[:8])
		}
		event := who.Caller().Event(now, audit.OrganizationChanged, "organization", beforeAndAfter("logo", org.Logo, version))
		org.Logo = version
		return OrganizationUpdate{Next: org, Logo: image, Event: event}, nil
	})
}

// Logo returns the organization's logo, or ErrNotFound if it has another version by now.
func (s *Service) Logo(ctx context.Context, version string) ([]byte, error) {
	return s.store.Logo(ctx, version)
}

func beforeAndAfter(field string, before, after any) map[string]any {
	return map[string]any{"before": map[string]any{field: before}, "after": map[string]any{field: after}}
}

// save commits what change makes of the organization, with the details of the audit entry. It
// commits nothing if nothing changes.
func (s *Service) save(
	ctx context.Context, who Principal, action audit.Action, change func(before Organization, now time.Time) (Organization, map[string]any, error),
) (Organization, error) {
	return s.update(ctx, who, func(before Organization, now time.Time) (OrganizationUpdate, error) {
		next, details, err := change(before, now)
		return OrganizationUpdate{Next: next, Event: who.Caller().Event(now, action, "organization", details)}, err
	})
}

// update is save for a change that makes its own audit entry, or comes with a logo.
func (s *Service) update(
	ctx context.Context, who Principal, change func(before Organization, now time.Time) (OrganizationUpdate, error),
) (saved Organization, err error) {
	_, err = s.commit(ctx, who.Caller(), func(ctx context.Context) (Effect, error) {
		before, now := *s.Organization(), s.now()
		update, err := change(before, now)
		if saved = update.Next; err != nil || saved == before {
			return Effect{}, err
		}
		update.Replaces, update.By, update.Requirement = before.Version, who.Caller(), member.Requirement{Administers: true}
		if saved.Loosens(before) {
			update.Requirement.FreshAt = now
		}
		return s.store.SaveOrganization(ctx, update)
	})
	return saved, during("save the organization", err)
}
