package session

import (
	"context"
	"slices"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// EndRequest asks to end some sessions.
type EndRequest struct {
	// Sessions are their ids and the times of their ends.
	Sessions []EndedSession
	Reason   EndReason
	// By is who ends them, with the session and address it is done from, if any.
	By audit.Caller
	// Requirement makes the store judge By in the same transaction, and skip the sessions that By
	// may not end. It is nil for the system, and for members who sign out.
	Requirement *member.Requirement
	// Filters is what selected the sessions, which then have one audit entry together. Without it
	// each has one of its own.
	Filters map[string]any
}

// EndedSession is a session and the time of its end. Member is empty in a request.
type EndedSession struct {
	ID     ID
	At     time.Time
	Member member.ID
}

// Events returns the audit entries of the sessions that ended, which are at least one.
func (r EndRequest) Events(ended []EndedSession) []audit.Event {
	if r.Filters == nil {
		events := make([]audit.Event, len(ended))
		for i, e := range ended {
			events[i] = r.event(e)
		}
		return events
	}
	members := map[member.ID]bool{}
	for _, e := range ended {
		members[e.Member] = true
	}
	return []audit.Event{r.By.Event(ended[0].At, audit.SessionsRevoked, "organization", map[string]any{
		"filters": r.Filters, "sessionsEnded": len(ended), "membersSignedOut": len(members),
	})}
}

func (r EndRequest) event(ended EndedSession) audit.Event {
	return r.By.Event(ended.At, audit.SessionEnded, "session:"+ended.ID.String(), map[string]any{
		"reason": r.Reason, "member": ended.Member.String(),
	})
}

// KeyLifetime is how long an idempotency key names the same revocation.
const KeyLifetime = 24 * time.Hour

// Revocation asks to end every session of the organization.
type Revocation struct {
	At     time.Time
	Reason string
	// IdempotencyKey names this revocation among those of its caller for [KeyLifetime]; empty for
	// none. A second one of the same name revokes nothing and returns the first one's receipt, or
	// ErrKeyReused for another reason.
	IdempotencyKey string
	// SessionsEnded and MembersSignedOut are what it is about to end.
	SessionsEnded    int
	MembersSignedOut int
	// LinksWithdrawn is how many one-time links no longer work. The store counts them.
	LinksWithdrawn int
}

// Event returns the audit entry of the revocation that raises the organization's generation to the
// given one.
func (r Revocation) Event(by audit.Caller, generation uint64) audit.Event {
	return by.Event(r.At, audit.SessionsRevokedAll, "organization", map[string]any{
		"generation": generation, "reason": r.Reason,
		"sessionsEnded": r.SessionsEnded, "membersSignedOut": r.MembersSignedOut, "linksWithdrawn": r.LinksWithdrawn,
	})
}

// Receipt is the proof of a revocation.
type Receipt struct {
	Generation       uint64
	RevokedAt        time.Time
	By               audit.Actor
	Reason           string
	SessionsEnded    int
	MembersSignedOut int
	LinksWithdrawn   int
	AuditSequence    int64
	AuditHash        audit.Hash
	// Repeated reports whether this is the receipt of an earlier call with the same idempotency
	// key.
	Repeated bool
}

// RevokeAll ends every session of the organization, the principal's included, and returns once that
// is on disk. It changes one row, so its cost does not depend on how many sessions there are (rule
// R4).
func (s *Service) RevokeAll(ctx context.Context, who Principal, reason, idempotencyKey string) (receipt Receipt, err error) {
	_, err = s.commit(ctx, who.Caller(), func(ctx context.Context) (Effect, error) {
		sessions, members := s.roster.Load().count()
		var err error
		receipt, err = s.store.RevokeAll(ctx, Revocation{
			At: s.now(), Reason: reason, IdempotencyKey: idempotencyKey, SessionsEnded: sessions, MembersSignedOut: members,
		}, who.Caller(), member.Requirement{Administers: true})
		if err != nil || receipt.Repeated {
			return Effect{}, err
		}
		org := *s.Organization()
		org.Generation = receipt.Generation
		return Effect{Organization: &org}, nil
	})
	return receipt, during("revoke all sessions", err)
}

// SignOut ends the principal's own session.
func (s *Service) SignOut(ctx context.Context, who Principal) error {
	_, _, err := s.end(ctx, EndRequest{
		Sessions: []EndedSession{{ID: who.Session.ID, At: s.now()}}, Reason: SignedOut, By: who.Caller(),
	})
	return err
}

// Revoke ends one session: the principal's own or, for those who administer, one of a member they
// may manage. It returns ErrNotFound for a session that has ended, does not exist or is not
// theirs to know, and member.ErrForbidden for one of a member who stands above them.
func (s *Service) Revoke(ctx context.Context, who Principal, id ID) error {
	_, err := s.Admit(ctx, id, 0, Passive)
	if hasEnded(err) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	ended, skipped, err := s.revoke(ctx, who, member.Requirement{}, []ID{id})
	switch {
	case err != nil:
		return err
	case skipped > 0 && who.Member.Role.Administers():
		return member.ErrForbidden
	case ended == 0:
		return ErrNotFound
	}
	return nil
}

// RevokeOthers ends all of the principal's sessions but the one at hand, and counts them.
func (s *Service) RevokeOthers(ctx context.Context, who Principal) (int, error) {
	own := s.roster.Load().idsOf(who.Member.ID, s.Organization(), s.now())
	others := slices.DeleteFunc(own, func(id ID) bool { return id == who.Session.ID })
	ended, _, err := s.revoke(ctx, who, member.Requirement{}, others)
	return ended, err
}

// RevokeNamed ends sessions of members that the caller may manage, for those who administer. It
// counts those that were alive until then, and those that it skipped because their members stand
// above the caller.
func (s *Service) RevokeNamed(ctx context.Context, who Principal, ids []ID) (ended, skipped int, err error) {
	return s.revoke(ctx, who, member.Requirement{Administers: true}, ids)
}

// Matching is a query of which all sessions are to be revoked.
type Matching struct {
	Query
	// Confirmed is how many sessions the caller was told that the query selects.
	Confirmed int
	// Filters describes the query in the audit entry.
	Filters map[string]any
}

// EndSummary is what a revocation did.
type EndSummary struct {
	// Ended counts the sessions that were alive until then, and Skipped those of members who stand
	// above the caller.
	Ended, Skipped int
	// Yours reports whether the caller's own session was among them.
	Yours bool
}

// atOnce is how many sessions one transaction revokes, so that other changes do not wait long.
const atOnce = 5000

// RevokeMatching ends the sessions that a query selects now, of members that the caller may manage,
// and counts them as [Service.RevokeNamed] does. It returns a [*CountError] and ends none if they
// are more than were confirmed by over a tenth and over five: sessions begin and end all the time,
// but a caller who confirmed fewer did not mean so many. The caller's own session ends last,
// because each transaction judges the caller.
func (s *Service) RevokeMatching(ctx context.Context, who Principal, m Matching) (done EndSummary, err error) {
	ids, err := s.matching(ctx, who, m.Query)
	if err != nil {
		return done, err
	}
	if len(ids) > m.Confirmed+max(5, m.Confirmed/10) {
		return done, &CountError{Matching: len(ids), Confirmed: m.Confirmed}
	}
	for batch := range slices.Chunk(ids, atOnce) {
		request := s.revocation(who, member.Requirement{Administers: true}, batch)
		request.Filters = m.Filters
		ended, skipped, err := s.end(ctx, request)
		if err != nil {
			return done, err
		}
		done.Ended, done.Skipped = done.Ended+ended, done.Skipped+skipped
	}
	done.Yours = len(ids) > 0 && ids[len(ids)-1] == who.Session.ID
	return done, nil
}

// matching returns the ids of the sessions that the query selects, the principal's own last.
func (s *Service) matching(ctx context.Context, who Principal, query Query) (ids []ID, err error) {
	roster, org, now, err := s.live()
	if err != nil {
		return nil, err
	}
	filter, own := roster.filter(query, org, now), []ID(nil)
	err = roster.candidates(ctx, query, func(e *row) {
		switch {
		case !filter.selects(e):
		case e.id == who.Session.ID:
			own = []ID{e.id}
		default:
			ids = append(ids, e.id)
		}
	})
	return append(ids, own...), err
}

func (s *Service) revoke(ctx context.Context, who Principal, requirement member.Requirement, ids []ID) (ended, skipped int, err error) {
	return s.end(ctx, s.revocation(who, requirement, ids))
}

func (s *Service) revocation(who Principal, requirement member.Requirement, ids []ID) EndRequest {
	now, request := s.now(), EndRequest{Reason: Revoked, By: who.Caller(), Requirement: &requirement}
	for _, id := range ids {
		request.Sessions = append(request.Sessions, EndedSession{ID: id, At: now})
	}
	return request
}

// end is the one function through which single sessions end, except for those that expire. It
// counts those that were alive until then, and those that were not the caller's to end.
func (s *Service) end(ctx context.Context, request EndRequest) (ended, skipped int, err error) {
	effect, err := s.commit(ctx, request.By, func(ctx context.Context) (effect Effect, err error) {
		effect, skipped, err = s.store.End(ctx, request)
		return effect, err
	})
	return len(effect.Ended), skipped, during("end sessions", err)
}
