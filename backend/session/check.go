package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"curfew/backend/audit"
)

// Access reports whether a request counts as one (rule R2).
type Access bool

const (
	// Active is a request that a person's action caused: it touches the session.
	Active Access = true
	// Passive is a background poll or a stream: it is checked, but keeps no session alive.
	Passive Access = false
)

// Admit is the check on every request. It returns the principal of a session that is alive at this
// instant, touched if the request is an access. The generation is the one that the request's token
// names, 0 if it names none.
//
// It returns an [*EndedError] for a session that has ended, ErrNoSession for one that has no row,
// and ErrTokenNewer. Any other error is a storage failure, and no verdict.
func (s *Service) Admit(ctx context.Context, id ID, generation uint64, kind Access) (Principal, error) {
	for {
		if err := s.order.current(); err != nil {
			return Principal{}, err
		}
		now, roster := s.now(), s.roster.Load()
		org := s.organization.Load() // at least as new as the roster
		if generation > org.Generation {
			return Principal{}, ErrTokenNewer // before the touch
		}
		who, reason, known := roster.admit(id, now, org, kind)
		if known && reason == "" {
			return who, nil
		}
		if known && reason == Expired {
			at, marked, alive := roster.expire(id, now, org)
			if marked {
				return Principal{}, s.recordExpiry(ctx, id, at)
			}
			if alive {
				continue // an access has just moved its start
			}
		}
		if err := s.whyEnded(ctx, id, now); err != nil {
			return Principal{}, err
		}
		// Memory forgot a session whose expiry could not be written. A policy that was saved since
		// does not bring it back.
		return Principal{}, s.recordExpiry(ctx, id, now)
	}
}

// whyEnded returns how a session ended that is not alive in memory, or nil if the store has it
// alive.
func (s *Service) whyEnded(ctx context.Context, id ID, now time.Time) error {
	record, err := s.store.Session(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return ErrNoSession
	}
	if err != nil {
		return fmt.Errorf("load session: %w", err)
	}
	standing := standingOf(record, s.Organization())
	switch reason := standing.Ended(now); {
	case reason == "":
		return nil
	case reason == RevokedAll:
		return s.revokedAll(ctx, record.Session.Generation)
	case record.Session.End.Reason != "":
		return &EndedError{record.Session.End}
	case reason == Expired:
		return s.recordExpiry(ctx, id, standing.ExpiredAt(now))
	default:
		return &EndedError{End{Reason: reason, At: now}}
	}
}

// revokedAll returns the revocation that ended a session of an earlier generation: the first one
// after its sign-in.
func (s *Service) revokedAll(ctx context.Context, generation uint64) error {
	receipt, err := s.store.Revocation(ctx, generation+1)
	if err != nil {
		return fmt.Errorf("load revocation: %w", err)
	}
	return &EndedError{End{Reason: RevokedAll, At: receipt.RevokedAt, By: receipt.By.Name, Note: receipt.Reason}}
}

// recordExpiry records that a session has expired, so that the refusal stands for good (rule R3b),
// even if the clock is set back and the server restarted.
func (s *Service) recordExpiry(ctx context.Context, id ID, at time.Time) error {
	if err := s.recordExpiries(ctx, []EndedSession{{ID: id, At: at}}); err != nil {
		return err
	}
	return &EndedError{End{Reason: Expired, At: at, By: audit.System.Name}}
}

// recordExpiries records the end of sessions that memory has marked as expired. If that fails,
// memory forgets them, and the next check asks the store.
func (s *Service) recordExpiries(ctx context.Context, expired []EndedSession) error {
	var failed error
	_, err := s.order.change(ctx, func(ctx context.Context) (Effect, error) {
		_, _, err := s.store.End(ctx, EndRequest{Sessions: expired, Reason: Expired, By: audit.Caller{Actor: audit.System}})
		if err != nil && !errors.Is(err, ErrOutcomeUnknown) {
			failed, err = err, nil
		}
		return Effect{Ended: expired}, err
	})
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("record expiry: %w", err)
	}
	return nil
}

// RequireFreshProof returns ErrReauthenticationRequired if the principal's last proof of identity
// is too old for what rule R10 guards.
func (s *Service) RequireFreshProof(who Principal) error {
	if !who.authority().Fresh(s.now()) {
		return ErrReauthenticationRequired
	}
	return nil
}
