package session

import (
	"context"
	"errors"
	"fmt"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Start begins a session for a member who has just proved who they are, and returns it with its
// first refresh token. It returns ErrCredentialStale if the credential was changed since.
func (s *Service) Start(ctx context.Context, proof member.Proof, client Client) (Principal, string, error) {
	id := NewID()
	first := s.keys.first(id)
	effect, err := s.commit(ctx, audit.Caller{}, func(ctx context.Context) (Effect, error) {
		now := s.now()
		return s.store.InsertSession(ctx, Session{
			ID: id, MemberID: proof.Member.ID,
			AuthenticatedAt: now, ProvedAt: now, StartedAt: now, LastSeenAt: now,
			Client: client, Methods: proof.Methods,
		}, proof, RefreshState{NextHash: first.hash()}, audit.Event{
			At: now, Action: audit.SessionStarted, Target: "session:" + id.String(), Address: client.AddressText(),
			Actor:   audit.Actor{ID: proof.Member.ID.String(), Name: proof.Member.Name},
			Details: map[string]any{"methods": proof.Methods, "userAgent": client.UserAgent},
		})
	})
	if err != nil {
		return Principal{}, "", fmt.Errorf("start session: %w", err)
	}
	record, org := *effect.Started, s.Organization()
	return Principal{
		Session: record.Session, Member: record.Member, AdmittedAt: record.Session.StartedAt,
		ExpiresAt: standingOf(record, org).ExpiresAt().UTC(), Organization: org,
	}, s.keys.issue(first), nil
}

// Refresh takes a refresh token and returns its session with the successor token, always the same
// one for the same token. Once the successor has been presented, presenting its predecessor means
// that one of the two was stolen, and ends the session. It returns ErrRefreshTokenInvalid for a
// token that was never issued, and otherwise what Admit returns.
func (s *Service) Refresh(ctx context.Context, text string, kind Access) (Principal, string, error) {
	token, err := s.keys.read(text)
	if err != nil {
		return Principal{}, "", err
	}
	who, err := s.Admit(ctx, token.session, 0, kind)
	if err != nil {
		return Principal{}, "", err
	}
	presented := s.keys.presentation(token)
	current, err := s.store.RotateRefresh(context.WithoutCancel(ctx), token.session, presented)
	if err != nil {
		return Principal{}, "", fmt.Errorf("rotate refresh token: %w", err)
	}
	switch {
	case current == presented:
		return who, s.keys.issue(s.keys.successor(token)), nil
	case current.Counter >= token.counter:
		return Principal{}, "", s.endReused(ctx, token.session)
	}
	// The token is newer than the database, or the session ended between the check and here.
	if _, err := s.Admit(ctx, token.session, 0, Passive); err != nil {
		return Principal{}, "", err
	}
	return Principal{}, "", ErrRefreshTokenInvalid
}

func (s *Service) endReused(ctx context.Context, id ID) error {
	end := End{Reason: TokenReuse, At: s.now(), By: audit.System.Name}
	if _, _, err := s.end(ctx, EndRequest{
		Sessions: []EndedSession{{ID: id, At: end.At}}, Reason: TokenReuse, By: audit.Caller{Actor: audit.System},
	}); err != nil {
		return err
	}
	return &EndedError{end}
}

// Abandon ends the session that a refresh token names, if it is alive: the one that a browser
// leaves behind when another sign-in takes its place.
func (s *Service) Abandon(ctx context.Context, refreshToken string) error {
	token, err := s.keys.read(refreshToken)
	if err != nil {
		return nil //nolint:nilerr // not ours: there is nothing to leave behind
	}
	who, err := s.Admit(ctx, token.session, 0, Passive)
	if hasEnded(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.SignOut(ctx, who)
}

// Prove records that the principal has proved their identity again. A second factor that was
// proved belongs to the session from then on.
func (s *Service) Prove(ctx context.Context, who Principal, proof member.Proof) (Principal, error) {
	effect, err := s.commit(ctx, who.Caller(), func(ctx context.Context) (Effect, error) {
		return s.store.Prove(ctx, proof, who.Caller(), who.Caller().Event(
			s.now(), audit.Reauthenticated, "session:"+who.Session.ID.String(), map[string]any{"methods": proof.Methods}))
	})
	if err != nil {
		return Principal{}, fmt.Errorf("record proof: %w", err)
	}
	who.Session.ProvedAt, who.Session.Methods = effect.Proved.At, effect.Proved.Methods
	return who, nil
}

// ChangeCredential changes the principal's own credentials, ends all of their other sessions if
// that is wanted, and counts those. It asks for a fresh proof (rule R10), except for a new
// password, which the old one proves. It returns what [Store.ChangeCredential] returns.
func (s *Service) ChangeCredential(ctx context.Context, who Principal, change member.CredentialChange, endOthers bool) (int, error) {
	effect, err := s.commit(ctx, who.Caller(), func(ctx context.Context) (Effect, error) {
		now := s.now()
		terms := change.Terms(now)
		return s.store.ChangeCredential(ctx, CredentialUpdate{
			Change: change, Terms: terms, Member: who.Member.ID, EndOthers: endOthers, By: who.Caller(),
			Event: who.Caller().Event(now, terms.Action, "member:"+who.Member.ID.String(), terms.Details),
		})
	})
	return len(effect.Ended), during("change credential", err)
}

// hasEnded reports whether the error is a verdict on a session that is not alive.
func hasEnded(err error) bool {
	var ended *EndedError
	return errors.As(err, &ended) || errors.Is(err, ErrNoSession)
}
