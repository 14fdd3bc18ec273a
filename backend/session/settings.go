package session

import (
	"context"
	"fmt"
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

// RenameOrganization changes the name of the organization, for those who administer.
func (s *Service) RenameOrganization(ctx context.Context, who Principal, name string) (Organization, error) {
	return s.save(ctx, who, audit.OrganizationRenamed, func(org Organization, _ time.Time) (Organization, map[string]any, error) {
		details := beforeAndAfter("name", org.Name, name)
		org.Name = name
		return org, details, nil
	})
}

func beforeAndAfter(field string, before, after any) map[string]any {
	return map[string]any{"before": map[string]any{field: before}, "after": map[string]any{field: after}}
}

// save commits what change makes of the organization, with the details of the audit entry. It
// commits nothing if nothing changes.
func (s *Service) save(
	ctx context.Context, who Principal, action audit.Action, change func(before Organization, now time.Time) (Organization, map[string]any, error),
) (saved Organization, err error) {
	_, err = s.commit(ctx, who.Caller(), func(ctx context.Context) (Effect, error) {
		before, now := *s.Organization(), s.now()
		next, details, err := change(before, now)
		if saved = next; err != nil || next == before {
			return Effect{}, err
		}
		requirement := member.Requirement{Administers: true}
		if next.Loosens(before) {
			requirement.FreshAt = now
		}
		return s.store.SaveOrganization(ctx, OrganizationUpdate{
			Next: next, Replaces: before.Version, By: who.Caller(), Requirement: requirement,
			Event: who.Caller().Event(now, action, "organization", details),
		})
	})
	if err != nil {
		return Organization{}, fmt.Errorf("save the organization: %w", err)
	}
	return saved, nil
}
