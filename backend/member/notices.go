package member

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"curfew/backend/audit"
)

// noticed lists the actions that a member is notified of until they dismiss the notice, because
// each could be part of taking over the account.
var noticed = []audit.Action{
	audit.PasswordChanged, audit.PasswordReset, audit.LinkUsed, audit.SecondFactorSet, audit.SecondFactorRemoved,
	audit.RecoveryCodesMade, audit.RecoveryCodeUsed, audit.PasskeyAdded, audit.PasskeyRemoved,
}

// The newest notices are shown. Suspicions have a limit of their own, because a thief can cause any
// number of them.
const (
	maxNotices    = 10
	maxSuspicions = 3
)

// What was wrong with the second factor after a right password, in the details of a refusal.
const (
	wrongCode = "code"
	noCode    = "no_code"
)

// Suspicion selects refusals that no success followed. A member who mistypes a code and then
// succeeds is not a thief.
type Suspicion struct {
	// Refused lists the actions, and Wrong what was wrong, as in the details.
	Refused []audit.Action
	Wrong   []string
	// Unless excludes refusals that one of these actions followed, from the same address and within
	// this time.
	Unless []audit.Action
	Within time.Duration
}

// stolenPassword selects refusals of clients that knew the password but not the second factor (ASVS
// 6.3.5).
var stolenPassword = Suspicion{
	Refused: []audit.Action{audit.SessionRefused, audit.ReauthenticationRefused}, Wrong: []string{wrongCode, noCode},
	Unless: []audit.Action{audit.SessionStarted, audit.Reauthenticated}, Within: 10 * time.Minute,
}

// Notices returns what a member is notified of and has not dismissed, the newest first: changes of
// their credentials, and signs that someone else knows the password.
func (s *Service) Notices(ctx context.Context, id ID) ([]audit.Entry, error) {
	changes, err := s.store.Notices(ctx, id, noticed, maxNotices)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	suspicions, err := s.store.Suspicions(ctx, id, stolenPassword, maxSuspicions)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	notices := slices.Concat(changes, suspicions)
	slices.SortFunc(notices, func(a, b audit.Entry) int { return cmp.Compare(b.Sequence, a.Sequence) })
	return notices, nil
}

// DismissNotices dismisses the caller's notices up to the entry with that sequence.
func (s *Service) DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error {
	_, err := s.members.CommitMember(ctx, caller, func(ctx context.Context) (Effect, error) {
		return Effect{}, s.store.DismissNotices(ctx, caller, sequence)
	})
	return during("dismiss notices", err)
}

// Factors counts the members who can sign in.
type Factors struct {
	Members int
	// Without counts those without a second factor or passkey, and AdminsWithout the owners and
	// admins among them.
	Without, AdminsWithout int
	// Owners counts the owners, and InvitedOwners those who have not accepted yet. Owner is the
	// owner if there is one only.
	Owners, InvitedOwners int
	Owner                 audit.Actor
}

// Factors counts the members who can sign in, those without a second factor, and the owners.
func (s *Service) Factors(ctx context.Context) (Factors, error) {
	found, err := s.store.Factors(ctx)
	return found, during("count second factors", err)
}
