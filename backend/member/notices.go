package member

import (
	"context"
	"fmt"

	"curfew/backend/audit"
)

// noticed are the actions that a member is told of until they put the notice away: by each of them somebody may have taken over the account.
var noticed = []audit.Action{
	audit.PasswordChanged, audit.PasswordReset, audit.LinkUsed, audit.SecondFactorSet, audit.SecondFactorRemoved,
	audit.RecoveryCodesMade, audit.RecoveryCodeUsed, audit.PasskeyAdded, audit.PasskeyRemoved,
}

// mostNotices is how many are told at once, the newest ones.
const mostNotices = 10

// Notices are the changes of the member's credentials that they have not put away.
func (s *Service) Notices(ctx context.Context, id ID) ([]audit.Entry, error) {
	notices, err := s.store.Notices(ctx, id, noticed, mostNotices)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return notices, nil
}

// DismissNotices puts away the notices up to the entry of that sequence.
func (s *Service) DismissNotices(ctx context.Context, id ID, sequence int64) error {
	if err := s.store.DismissNotices(context.WithoutCancel(ctx), id, sequence); err != nil {
		return fmt.Errorf("put away notices: %w", err)
	}
	return nil
}

// Factors counts the members who can sign in, and those of them who have neither a second factor nor a passkey.
func (s *Service) Factors(ctx context.Context) (members, without int, err error) {
	if members, without, err = s.store.Factors(ctx); err != nil {
		return 0, 0, fmt.Errorf("count second factors: %w", err)
	}
	return members, without, nil
}
