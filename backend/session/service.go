package session

import (
	"context"
	"sync/atomic"
	"time"

	"curfew/backend/member"
)

// Service is the one way in: everything that starts, judges or ends a session passes through it. It
// is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time
	keys  refreshKey
	// organization is the immutable snapshot that every session is judged by.
	organization atomic.Pointer[Organization]
	// roster is every live session. A revocation of all sessions replaces it with an empty one.
	roster atomic.Pointer[roster]
	// order is how committed changes reach both.
	order alone
	// announce wakes the listeners that a change affects.
	announce func(Change)
	// background is what only Flush and Sweep use.
	background background
}

// New opens the service on what the store holds, with every live session in memory. The key
// derives refresh tokens.
func New(ctx context.Context, store Store, now func() time.Time, key [32]byte) (*Service, error) {
	s := &Service{store: store, now: now, keys: key, announce: func(Change) {}}
	s.order.apply, s.order.reload = s.apply, s.reload
	s.roster.Store(newRoster())
	return s, s.reload(ctx)
}

// OnChange has f called after every change of sessions, members or the policy, once memory shows
// it. It is set before the first request, and f must return at once.
func (s *Service) OnChange(f func(Change)) { s.announce = f }

// Organization returns the snapshot that sessions are judged by at this moment.
func (s *Service) Organization() *Organization { return s.organization.Load() }

// Operator returns the principal of the command line on the server's host. It may do what an owner
// may, but is no member and has no session: there is nothing to revoke, and no proof to ask for
// (rule R10).
func (s *Service) Operator() Principal {
	return Principal{Member: member.Operator.Member, Organization: s.Organization(), operator: true}
}
