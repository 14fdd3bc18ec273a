package member

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"curfew/backend/audit"
)

// noticed are the actions that a member is told of until they put the notice away: by each of them somebody may have taken over the account.
var noticed = []audit.Action{
	audit.PasswordChanged, audit.PasswordReset, audit.LinkUsed, audit.SecondFactorSet, audit.SecondFactorRemoved,
	audit.RecoveryCodesMade, audit.RecoveryCodeUsed, audit.PasskeyAdded, audit.PasskeyRemoved,
}

// How many are told at once, the newest ones. They are counted apart, because a thief can make as many of the latter as they like.
const (
	mostNotices    = 10
	mostSuspicions = 3
)

// What was wrong with a second factor after a right password, in the details of a refusal.
const (
	wrongCode = "code"
	noCode    = "no_code"
)

// Suspicion picks refusals after which nobody came in: whoever mistypes a code, and then does not, is nobody's thief.
type Suspicion struct {
	// Refused are the actions, and Wrong is what was wrong, by the details.
	Refused []audit.Action
	Wrong   []string
	// Unless the member did one of these, from the same address and at most this long after.
	Unless []audit.Action
	Within time.Duration
}

// stolenPassword is that somebody knew the password and had no second factor (ASVS 6.3.5).
var stolenPassword = Suspicion{
	Refused: []audit.Action{audit.SessionRefused, audit.ReauthenticationRefused}, Wrong: []string{wrongCode, noCode},
	Unless: []audit.Action{audit.SessionStarted, audit.Reauthenticated}, Within: 10 * time.Minute,
}

// Notices are what a member has to be told of their credentials and has not put away, the newest first: how they changed, and that somebody
// else seems to know the password.
func (s *Service) Notices(ctx context.Context, id ID) ([]audit.Entry, error) {
	changes, err := s.store.Notices(ctx, id, noticed, mostNotices)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	suspicions, err := s.store.Suspicions(ctx, id, stolenPassword, mostSuspicions)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	notices := slices.Concat(changes, suspicions)
	slices.SortFunc(notices, func(a, b audit.Entry) int { return cmp.Compare(b.Sequence, a.Sequence) })
	return notices, nil
}

// DismissNotices puts away the caller's notices up to the entry of that sequence.
func (s *Service) DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error {
	if err := s.store.DismissNotices(context.WithoutCancel(ctx), caller, sequence); err != nil {
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
