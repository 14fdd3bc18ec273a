package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Effect is what a committed transaction changed. Applying it to memory and announcing it are one
// act. A nil field changed nothing.
type Effect struct {
	// Organization is the new snapshot. A raised generation ends every session.
	Organization *Organization
	Member       *member.Effect
	Started      *Record
	Ended        []EndedSession
	Proved       *Proved
}

// Proved is the last proof of identity of one session.
type Proved struct {
	Session ID
	At      time.Time
	Methods []string
}

// Change lists the sessions and members affected by a commit. It carries no new state: a listener
// re-reads what it shows.
type Change struct {
	// Everybody reports that it affects every session, as a saved policy does.
	Everybody bool
	Sessions  []ID
	Members   []member.ID
}

// staleError is returned by every check while memory may differ from the disk. It is a storage
// failure.
type staleError struct{}

func (staleError) Error() string {
	return "a commit has an unknown outcome, and the store could not be read since"
}

// Unavailable marks it as a storage failure.
func (staleError) Unavailable() bool { return true }

// alone is the order in which committed changes reach memory where one process writes the database:
// one at a time, in the order in which they reached the disk.
type alone struct {
	// mu is held from before the transaction of a change until memory shows it. It is taken first
	// of this package's locks. The check never takes it.
	mu sync.Mutex
	// stale reports whether memory may lack a commit whose outcome is unknown.
	stale atomic.Bool
	// apply makes memory show an effect, and reload makes it show the disk.
	apply  func(Effect)
	reload func(context.Context) error
}

// change runs one write and returns once memory shows its effect. A client that leaves does not
// stop the write.
func (o *alone) change(ctx context.Context, write func(context.Context) (Effect, error)) (Effect, error) {
	ctx = context.WithoutCancel(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.recover(ctx); err != nil {
		return Effect{}, err
	}
	effect, err := write(ctx)
	if errors.Is(err, ErrOutcomeUnknown) {
		o.stale.Store(true)
		return Effect{}, errors.Join(err, o.recover(ctx))
	}
	if err != nil {
		return Effect{}, err
	}
	o.apply(effect)
	return effect, nil
}

// current returns an error while memory may differ from the disk: no verdict counts until then.
func (o *alone) current() error {
	if o.stale.Load() {
		return staleError{}
	}
	return nil
}

// retry reloads memory if it is stale.
func (o *alone) retry(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.recover(ctx)
}

// recover reloads memory if it is stale. The caller holds mu.
func (o *alone) recover(ctx context.Context) error {
	if o.current() == nil {
		return nil
	}
	if err := o.reload(ctx); err != nil {
		return err
	}
	o.stale.Store(false)
	return nil
}

// commit runs one write in the name of a caller. If their session has ended by then, it returns
// how.
func (s *Service) commit(ctx context.Context, by audit.Caller, write func(context.Context) (Effect, error)) (Effect, error) {
	effect, err := s.order.change(ctx, write)
	if !errors.Is(err, ErrCallerEnded) && !errors.Is(err, ErrCredentialStale) {
		return effect, err
	}
	id, parseErr := ParseID(by.Session)
	if parseErr != nil {
		return Effect{}, err // a sign-in, which has no session yet
	}
	if ended := s.whyEnded(ctx, id, s.now()); ended != nil {
		return Effect{}, ended
	}
	return Effect{}, err
}

// CommitMember implements [member.Committer].
func (s *Service) CommitMember(ctx context.Context, by audit.Caller, write func(context.Context) (member.Effect, error)) (member.Effect, error) {
	var effect member.Effect
	_, err := s.commit(ctx, by, func(ctx context.Context) (Effect, error) {
		var err error
		effect, err = write(ctx)
		return Effect{Member: &effect}, err
	})
	return effect, err
}

// apply makes memory show what was committed, and announces it. Nothing else changes the roster
// but touches, and expiries that are about to be committed.
func (s *Service) apply(e Effect) {
	change := Change{Sessions: idsOf(e.Ended)}
	if e.Organization != nil {
		s.setOrganization(*e.Organization)
		change.Everybody = true
	}
	roster := s.roster.Load()
	if e.Started != nil {
		roster.add(*e.Started)
	}
	roster.drop(change.Sessions...)
	if e.Member != nil && e.Member.Member.ID != (member.ID{}) {
		roster.updateMember(e.Member.Member, e.Member.Ended > 0)
		change.Members = []member.ID{e.Member.Member.ID}
		if e.Member.Removed {
			s.forgetAuthor(e.Member.Member.ID)
		}
	}
	if e.Proved != nil {
		roster.prove(e.Proved.Session, e.Proved.At, e.Proved.Methods)
	}
	s.announce(change)
}

// setOrganization replaces the snapshot that sessions are judged by. The check loads the roster
// first, so it never judges a new session by an old snapshot.
func (s *Service) setOrganization(org Organization) {
	raised := org.Generation != s.Organization().Generation
	s.organization.Store(&org)
	if raised {
		s.roster.Store(newRoster())
	}
}

// forgetAuthor takes a removed member's name from the policy that they saved.
func (s *Service) forgetAuthor(id member.ID) {
	if org := *s.Organization(); org.SavedBy.ID == id.String() {
		org.SavedBy = audit.Removed
		s.organization.Store(&org)
	}
}

// Reload reads the organization from the store after it was set up there.
func (s *Service) Reload(ctx context.Context) error {
	_, err := s.order.change(ctx, func(ctx context.Context) (Effect, error) {
		org, err := s.store.Organization(ctx)
		return Effect{Organization: &org}, err
	})
	return err
}

// reload reads everything that memory holds from the store. Touches that were not written yet are
// kept.
func (s *Service) reload(ctx context.Context) error {
	org, err := s.store.Organization(ctx)
	if err != nil {
		return fmt.Errorf("read the organization: %w", err)
	}
	fresh := newRoster()
	if err := s.store.EachActiveMember(ctx, fresh.addMember); err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	if err := s.store.EachLive(ctx, org.Generation, fresh.load); err != nil {
		return fmt.Errorf("read live sessions: %w", err)
	}
	fresh.requeueTouches(s.roster.Load().drainTouches())
	s.organization.Store(&org)
	s.roster.Store(fresh)
	s.announce(Change{Everybody: true})
	return nil
}

func idsOf(ended []EndedSession) []ID {
	ids := make([]ID, len(ended))
	for i, e := range ended {
		ids[i] = e.ID
	}
	return ids
}
