package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// Retention is how long the row of an ended session is kept, so that whoever comes back learns how it ended.
const Retention = 90 * 24 * time.Hour

// Access tells whether a request counts as one (rule R2).
type Access bool

const (
	// Active is a request that a person's action caused: it touches the session.
	Active Access = true
	// Passive is a background poll or a stream: it is checked, but keeps no session alive.
	Passive Access = false
)

// Service is the one way in: everything that starts, judges or ends a session passes through it. It is safe for
// concurrent use.
type Service struct {
	store Store
	now   func() time.Time
	keys  refreshKey
	// organization is what every session is judged by: one immutable snapshot.
	organization atomic.Pointer[Organization]
	// roster is every live session. A revocation of everybody puts an empty one in its place.
	roster atomic.Pointer[roster]

	// changes is held from before the transaction of a change until memory shows it, so that memory changes in the
	// order in which the disk did. The check never takes it.
	changes sync.Mutex
	// stale reports that memory may lack a commit whose outcome is unknown, because the store could not be read since.
	stale bool
	// unwritten are touches of rosters that a reload has replaced.
	unwritten []Touch

	// announce tells those who listen of a change.
	announce func(Change)

	// flushed is when Flush last wrote; only Flush uses it.
	flushed time.Time
	// swept is the place in the roster up to which Sweep has looked for sessions whose time has run out; only Sweep uses it.
	swept int32
	// behind tells that the store may have more rows to close or to delete than one batch took; only Sweep uses it.
	behind bool
}

// New opens the service on what the store holds, with every live session in memory. The key derives refresh tokens.
func New(ctx context.Context, store Store, now func() time.Time, key [32]byte) (*Service, error) {
	s := &Service{store: store, now: now, keys: key, announce: func(Change) {}}
	s.organization.Store(&Organization{})
	s.roster.Store(newRoster())
	return s, s.reload(ctx)
}

// Change names whom a change concerns, and not what it is: who hears of it looks for themselves.
type Change struct {
	// Everybody tells that it concerns all sessions, as the policy does.
	Everybody bool
	Sessions  []ID
	Members   []member.ID
}

// OnChange has f called after every change of sessions, members or the policy, once memory shows it. It is set before the first request,
// and f must return at once.
func (s *Service) OnChange(f func(Change)) { s.announce = f }

// reread takes the live sessions from the store anew.
func (s *Service) reread(ctx context.Context) error {
	fresh := newRoster()
	if err := s.readMembers(ctx, fresh); err != nil {
		return err
	}
	if err := s.readLive(ctx, fresh); err != nil {
		return err
	}
	fresh.requeueTouches(append(s.unwritten, s.roster.Load().drainTouches()...))
	s.unwritten = nil
	s.roster.Store(fresh)
	return nil
}

func (s *Service) readMembers(ctx context.Context, into *roster) error {
	if err := s.store.EachActiveMember(ctx, into.addMember); err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	return nil
}

func (s *Service) readLive(ctx context.Context, into *roster) error {
	if err := s.store.EachLive(ctx, s.organization.Load().Generation, into.load); err != nil {
		return fmt.Errorf("read live sessions: %w", err)
	}
	return nil
}

// adopt makes org the snapshot to judge by. A raised generation has ended every session.
func (s *Service) adopt(org Organization) {
	raised := org.Generation != s.organization.Load().Generation
	s.organization.Store(&org)
	if raised {
		s.roster.Store(newRoster())
	}
	s.announce(Change{Everybody: true})
}

// readopt takes the organization from the store.
func (s *Service) readopt(ctx context.Context) error {
	org, err := s.store.Organization(ctx)
	if err != nil {
		return fmt.Errorf("read the organization: %w", err)
	}
	s.adopt(org)
	return nil
}

// failed returns the error of a write. If the outcome of its COMMIT is unknown, memory is reloaded first: nothing else
// can make it differ from the disk. The caller holds changes.
func (s *Service) failed(ctx context.Context, err error) error {
	if !errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	return errors.Join(err, s.reload(ctx))
}

// reload reads everything that memory holds from the store. Until it is done the roster is empty, so each check asks the
// store, which has the commit or fails. If the store cannot be read, the sweep tries again.
func (s *Service) reload(ctx context.Context) error {
	s.stale = true
	s.unwritten = append(s.unwritten, s.roster.Load().drainTouches()...)
	s.roster.Store(newRoster())
	if err := s.readopt(ctx); err != nil {
		return err
	}
	if err := s.reread(ctx); err != nil {
		return err
	}
	s.stale = false
	return nil
}

// reloadIfStale reloads what could not be read when it was due.
func (s *Service) reloadIfStale(ctx context.Context) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if !s.stale {
		return nil
	}
	return s.reload(ctx)
}

// Reload takes the organization from the store after it was set up there.
func (s *Service) Reload(ctx context.Context) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	return s.readopt(ctx)
}

// Organization is the snapshot that sessions are judged by at this moment.
func (s *Service) Organization() *Organization { return s.organization.Load() }

// Admit is the check on every request: it returns the principal of a session that is alive at this instant, touched if the
// request is an access. A session that is over is an [*EndedError] that says how it ended. Any other error but
// ErrNoSession is trouble with storage and no verdict.
func (s *Service) Admit(ctx context.Context, id ID, kind Access) (Principal, error) {
	for {
		now, roster := s.now(), s.roster.Load()
		org := s.organization.Load() // at least as new as the roster
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
				continue // an access that came first has just moved its start
			}
		}
		if err := s.refuse(ctx, id, now); err != nil {
			return Principal{}, err
		}
		// The store has it alive: memory gave it up because its end could not be written, or could not be read.
		if err := s.recall(ctx, id); err != nil {
			return Principal{}, err
		}
	}
}

// recall takes one session from the store.
func (s *Service) recall(ctx context.Context, id ID) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	record, err := s.load(ctx, id)
	if err != nil {
		return err
	}
	roster := s.roster.Load()
	roster.drop(id)
	if standingOf(record, s.organization.Load()).Ended(s.now()) == "" {
		roster.add(record)
	}
	return nil
}

func (s *Service) load(ctx context.Context, id ID) (Record, error) {
	record, err := s.store.Session(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Record{}, ErrNoSession
	}
	if err != nil {
		return Record{}, fmt.Errorf("load session: %w", err)
	}
	return record, nil
}

// refuse says how a session ended that was just found to be over, or returns nil where the store has it alive.
func (s *Service) refuse(ctx context.Context, id ID, now time.Time) error {
	record, err := s.load(ctx, id)
	if err != nil {
		return err
	}
	if record.Session.End.Reason != "" {
		return s.recorded(ctx, record.Session)
	}
	standing := standingOf(record, s.organization.Load())
	switch reason := standing.Ended(now); reason {
	case "":
		return nil
	case RevokedAll:
		return s.revokedAll(ctx, record.Session.Generation)
	case Expired:
		return s.recordExpiry(ctx, id, standing.ExpiredAt(now))
	default:
		return &EndedError{End{Reason: reason, At: now}}
	}
}

// recordExpiry writes down that the session's time has run out, so that the refusal stands for ever (rule R3b), also when the
// clock is set back and the server restarted.
func (s *Service) recordExpiry(ctx context.Context, id ID, at time.Time) error {
	err := s.end(ctx, Ending{Sessions: []SessionEnd{{id, at}}, Reason: Expired, By: audit.Caller{Actor: audit.System}})
	if err != nil {
		return err
	}
	return &EndedError{End{Reason: Expired, At: at, By: audit.System.Name}}
}

// recorded is the end that the session's row carries.
func (s *Service) recorded(ctx context.Context, session Session) error {
	if session.End.Reason == RevokedAll {
		return s.revokedAll(ctx, session.Generation)
	}
	return &EndedError{session.End}
}

// revokedAll says by which revocation a session of an earlier generation ended: the first one after its sign-in.
func (s *Service) revokedAll(ctx context.Context, generation uint64) error {
	receipt, err := s.store.Revocation(ctx, generation+1)
	if err != nil {
		return fmt.Errorf("load revocation: %w", err)
	}
	return &EndedError{End{Reason: RevokedAll, At: receipt.RevokedAt, By: receipt.By.Name, Note: receipt.Reason}}
}

// Start begins a session for somebody who has just proved to be a member, and returns it with its first refresh token. It
// returns ErrCredentialStale when the credential was changed since it was proved.
func (s *Service) Start(ctx context.Context, proof member.Proof, client Client) (Principal, string, error) {
	id, err := NewID()
	if err != nil {
		return Principal{}, "", fmt.Errorf("make session id: %w", err)
	}
	first := s.keys.first(id)

	s.changes.Lock()
	defer s.changes.Unlock()
	now := s.now()
	record, err := s.store.InsertSession(context.WithoutCancel(ctx), Session{
		ID: id, MemberID: proof.Member.ID,
		AuthenticatedAt: now, ProvedAt: now, StartedAt: now, LastSeenAt: now,
		Client: client, Methods: proof.Methods,
	}, proof, RefreshState{NextHash: first.hash()}, audit.Event{
		At: now, Action: audit.SessionStarted, Target: "session:" + id.String(), Address: client.AddressText(),
		Actor:   audit.Actor{ID: proof.Member.ID.String(), Name: proof.Member.Name},
		Details: map[string]any{"methods": proof.Methods, "userAgent": client.UserAgent},
	})
	if err != nil {
		return Principal{}, "", s.failed(ctx, fmt.Errorf("start session: %w", err))
	}
	roster := s.roster.Load()
	roster.add(record)
	s.announce(Change{})

	who, _ := roster.find(id, s.organization.Load()) // nothing ends while changes is held
	return who, s.keys.issue(first), nil
}

// Refresh takes a refresh token and returns its session with the successor token: always the same one for the same token.
// Once the successor has itself been presented, presenting its predecessor means that one of the two was stolen, and ends
// the session. It returns ErrRefreshTokenInvalid for a token that was never issued, and otherwise what Admit returns.
func (s *Service) Refresh(ctx context.Context, text string, kind Access) (Principal, string, error) {
	token, err := s.keys.read(text)
	if err != nil {
		return Principal{}, "", err
	}
	who, err := s.Admit(ctx, token.session, kind)
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
		return Principal{}, "", s.endReused(ctx, who)
	}
	// The token is newer than the database, or the session ended between the check and here.
	if _, err := s.Admit(ctx, token.session, Passive); err != nil {
		return Principal{}, "", err
	}
	return Principal{}, "", ErrRefreshTokenInvalid
}

func (s *Service) endReused(ctx context.Context, who Principal) error {
	now := s.now()
	err := s.end(ctx, Ending{Sessions: []SessionEnd{{who.Session.ID, now}}, Reason: TokenReuse, By: audit.Caller{Actor: audit.System}})
	if err != nil {
		return err
	}
	return &EndedError{End{Reason: TokenReuse, At: now, By: audit.System.Name}}
}

// Prove records that the principal has just proved their identity again. A second factor that was proved is the session's from then on.
func (s *Service) Prove(ctx context.Context, who Principal, proof member.Proof) (Principal, error) {
	proved, err := s.prove(context.WithoutCancel(ctx), who, proof)
	return proved, s.Explain(ctx, who, err) // which may have an end to write down, and wants changes for that
}

func (s *Service) prove(ctx context.Context, who Principal, proof member.Proof) (Principal, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now := s.now()
	methods, err := s.store.Prove(ctx, proof, now, who.Caller(), audit.Event{
		At: now, Action: audit.Reauthenticated, Target: "session:" + who.Session.ID.String(),
		Actor: who.Caller().Actor, Address: who.Session.Client.AddressText(), Details: map[string]any{"methods": proof.Methods},
	})
	if err != nil {
		return Principal{}, s.failed(ctx, fmt.Errorf("record proof: %w", err))
	}
	s.roster.Load().prove(who.Session.ID, now, methods)
	who.Session.ProvedAt, who.Session.Methods = now, methods
	return who, nil
}

// RequireFreshProof returns ErrReauthenticationRequired where the principal's last proof of identity is too old for what rule R10 guards.
func (s *Service) RequireFreshProof(who Principal) error {
	if !who.authority().Fresh(s.now()) {
		return ErrReauthenticationRequired
	}
	return nil
}

// ChangeCredential changes the principal's own credentials, ends all of their other sessions if that is wanted, and counts
// those. Except for a new password, which is proved by the one before, it asks for a fresh proof (rule R10). It returns what
// [Store.ChangeCredential] returns.
func (s *Service) ChangeCredential(ctx context.Context, who Principal, change member.CredentialChange, endOthers bool) (int, error) {
	n, err := s.changeCredential(context.WithoutCancel(ctx), who, change, endOthers)
	return n, s.Explain(ctx, who, err)
}

func (s *Service) changeCredential(ctx context.Context, who Principal, change member.CredentialChange, endOthers bool) (int, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now, caller, event := s.now(), who.Caller(), change.Event()
	event.At, event.Actor, event.Address, event.Target = now, caller.Actor, caller.Address, "member:"+who.Member.ID.String()
	changed, err := s.store.ChangeCredential(ctx, Changing{
		Change: change, At: now, By: caller, Member: who.Member.ID, EndOthers: endOthers, Event: event,
	})
	if err != nil {
		return 0, s.failed(ctx, fmt.Errorf("change credential: %w", err))
	}
	ids, roster := idsOf(changed.Ended), s.roster.Load()
	roster.drop(ids...)
	roster.updateMember(changed.Member, false)
	roster.prove(who.Session.ID, changed.ProvedAt, changed.Methods)
	s.announce(Change{Sessions: ids, Members: []member.ID{who.Member.ID}})
	return len(ids), nil
}

// RequireSecondFactor has the organization demand a second factor, or no more: from the next request on, of running sessions too. Demanding it
// is free to those who administer; giving it up returns ErrReauthenticationRequired where the last proof is too old.
func (s *Service) RequireSecondFactor(ctx context.Context, who Principal, required bool) (Organization, error) {
	saved, err := s.requireSecondFactor(context.WithoutCancel(ctx), who, required)
	return saved, s.Explain(ctx, who, err)
}

func (s *Service) requireSecondFactor(ctx context.Context, who Principal, required bool) (Organization, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	org, now, caller, demand := *s.organization.Load(), s.now(), who.Caller(), member.Demand{Administers: true}
	if org.RequireSecondFactor == required {
		return org, nil
	}
	if !required {
		demand.FreshAt = now
	}
	err := s.store.RequireSecondFactor(ctx, required, caller, demand, audit.Event{
		At: now, Action: audit.SecondFactorDemanded, Actor: caller.Actor, Target: "organization", Address: caller.Address,
		Details: map[string]any{"before": map[string]any{"requireSecondFactor": !required}, "after": map[string]any{"requireSecondFactor": required}},
	})
	if err != nil {
		return Organization{}, s.failed(ctx, fmt.Errorf("demand a second factor: %w", err))
	}
	org.RequireSecondFactor = required
	s.adopt(org)
	return org, nil
}

func idsOf(ended []Ended) []ID {
	ids := make([]ID, len(ended))
	for i, e := range ended {
		ids[i] = e.ID
	}
	return ids
}

// List is a page of the principal's own live sessions and the mark to go on from, or nil at the end: first the session at hand, then
// the others, newest access first. The session at hand stands outside of that order because asking is itself an access, which moves it.
func (s *Service) List(ctx context.Context, who Principal, after *Mark, limit int) ([]Principal, *Mark, error) {
	var own []Principal
	if after == nil {
		own = append(own, who)
		after = &Mark{Key: [2]uint64{math.MaxUint64}} // before all others
	}
	others, next, _, err := s.look(ctx, Query{Member: who.Member.ID, Order: ByLastSeen, After: after, Limit: limit - len(own), but: who.Session.ID})
	return append(own, others...), next, err
}

// Figures counts the live sessions and their members by rule R1, those of them that began since the given instant, and those that end
// within the hour.
func (s *Service) Figures(day time.Time) Figures {
	figures, _ := s.roster.Load().figures(context.Background(), s.organization.Load(), s.now(), day)
	return figures
}

// Memory is how many bytes the live sessions take. They have no pointers; what belongs to members is not among them.
func (s *Service) Memory() int {
	sessions, _ := s.roster.Load().count()
	return sessions * bytesPerSession
}

// Count returns how many sessions are in memory, and of how many members, at no cost. Expired ones count until the sweep comes to them.
func (s *Service) Count() (sessions, members int) { return s.roster.Load().count() }

// CountOf is how many live sessions a member has.
func (s *Service) CountOf(id member.ID) int {
	return s.roster.Load().countOf(id, s.organization.Load(), s.now())
}

// Find is a page of everybody's live sessions, how many the query picks in all, and the mark to go on from, or nil at the end. Members
// who do not oversee others get ErrForbidden.
func (s *Service) Find(ctx context.Context, who Principal, query Query) (found []Principal, next *Mark, total int, err error) {
	if !who.Member.Role.Oversees() {
		return nil, nil, 0, ErrForbidden
	}
	return s.look(ctx, query)
}

func (s *Service) look(ctx context.Context, query Query) (found []Principal, next *Mark, total int, err error) {
	roster := s.roster.Load()
	org := s.organization.Load()
	now := s.now()
	page, more, total, err := roster.query(ctx, query, org, now)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, mark := range page {
		if p, known := roster.find(mark.ID, org); known { // and has not ended since
			found = append(found, p)
		}
	}
	switch {
	case !more:
		return found, nil, total, nil
	case len(page) == 0: // of a page without room
		return found, query.After, total, nil
	}
	next = &page[len(page)-1]
	if query.After != nil && query.After.Walk != nil {
		next.Walk = query.After.Walk
	} else if query.Order.moves() {
		next.Walk = beginWalk(now, found)
	}
	return found, next, total, nil
}

// beginWalk begins a walk at its first page.
func beginWalk(now time.Time, page []Principal) *Walk {
	walk := &Walk{Begun: now.Add(-beginning).UnixMilli()}
	for _, p := range page {
		if p.Session.LastSeenAt.UnixMilli() >= walk.Begun {
			walk.Given = append(walk.Given, p.Session.ID)
		}
	}
	return walk
}

// SignOut ends the principal's own session.
func (s *Service) SignOut(ctx context.Context, who Principal) error {
	return s.end(ctx, Ending{
		Sessions: []SessionEnd{{who.Session.ID, s.now()}}, Reason: SignedOut, By: who.Caller(),
	})
}

// Abandon ends the session that a refresh token names, if it is alive: the one that a browser leaves behind when somebody signs in
// on it anew.
func (s *Service) Abandon(ctx context.Context, refreshToken string) error {
	token, err := s.keys.read(refreshToken)
	if err != nil {
		return nil //nolint:nilerr // not ours: there is nothing to leave behind
	}
	who, err := s.Admit(ctx, token.session, Passive)
	var ended *EndedError
	if errors.As(err, &ended) || errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.SignOut(ctx, who)
}

// Revoke ends one session: the principal's own or, for those who administer, one of a member whom they may manage. It
// returns ErrNotFound for a session that has ended, does not exist, or is none of the caller's business, and
// member.ErrForbidden for one of a member who stands above them.
func (s *Service) Revoke(ctx context.Context, who Principal, id ID) error {
	_, err := s.Admit(ctx, id, Passive)
	var ended *EndedError
	if errors.As(err, &ended) || errors.Is(err, ErrNoSession) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	n, skipped, err := s.revoke(ctx, who, member.Demand{}, []ID{id})
	switch {
	case err != nil:
		return err
	case skipped > 0 && who.Member.Role.Administers():
		return member.ErrForbidden
	case n == 0:
		return ErrNotFound
	}
	return nil
}

// RevokeOthers ends all of the principal's sessions but the one at hand, and counts them.
func (s *Service) RevokeOthers(ctx context.Context, who Principal) (int, error) {
	own := s.roster.Load().idsOf(who.Member.ID, s.organization.Load(), s.now())
	others := slices.DeleteFunc(own, func(id ID) bool { return id == who.Session.ID })
	n, _, err := s.revoke(ctx, who, member.Demand{}, others)
	return n, err
}

func (s *Service) revoke(ctx context.Context, who Principal, demand member.Demand, ids []ID) (ended, skipped int, err error) {
	now, ending := s.now(), Ending{Reason: Revoked, By: who.Caller(), Demand: &demand}
	for _, id := range ids {
		ending.Sessions = append(ending.Sessions, SessionEnd{id, now})
	}
	ended, skipped, err = s.endCounting(ctx, ending)
	return ended, skipped, s.Explain(ctx, who, err)
}

// RevokeNamed ends sessions of members whom the caller may manage, for those who administer. It counts those that had been
// alive until then, and those that it skipped because their members stand above the caller.
func (s *Service) RevokeNamed(ctx context.Context, who Principal, ids []ID) (ended, skipped int, err error) {
	return s.revoke(ctx, who, member.Demand{Administers: true}, ids)
}

// RevokeAll ends every session of the organization, the principal's included, and returns once that is on disk. It is one row:
// its cost does not depend on how many sessions there are (rule R4).
func (s *Service) RevokeAll(ctx context.Context, who Principal, reason, idempotencyKey string) (Receipt, error) {
	receipt, err := s.revokeAll(context.WithoutCancel(ctx), who.Caller(), reason, idempotencyKey)
	return receipt, s.Explain(ctx, who, err)
}

func (s *Service) revokeAll(ctx context.Context, caller audit.Caller, reason, idempotencyKey string) (Receipt, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	sessions, members := s.roster.Load().count()
	receipt, err := s.store.RevokeAll(ctx, Revocation{
		At: s.now(), Reason: reason, IdempotencyKey: idempotencyKey,
		SessionsEnded: sessions, MembersSignedOut: members,
	}, caller, member.Demand{Administers: true})
	if err != nil {
		return Receipt{}, s.failed(ctx, fmt.Errorf("revoke all sessions: %w", err))
	}
	if !receipt.Repeated {
		org := *s.organization.Load()
		org.Generation = receipt.Generation
		s.adopt(org)
	}
	return receipt, nil
}

// SavePolicy makes next the policy in force, for running sessions too, from the next request on (rule R3).
// It returns a [*StaleVersionError] unless over allows the version in force to be replaced; nil allows any.
// A policy that is in force already is not saved again. It returns an [*InvalidError] for a policy that is
// out of bounds and ErrReauthenticationRequired where rule R10 asks for a fresh proof.
func (s *Service) SavePolicy(ctx context.Context, who Principal, next Policy, over func(version int64) bool) (Organization, error) {
	if err := next.Validate(); err != nil {
		return Organization{}, err
	}
	saved, err := s.savePolicy(context.WithoutCancel(ctx), who, next, over)
	return saved, s.Explain(ctx, who, err)
}

func (s *Service) savePolicy(ctx context.Context, who Principal, next Policy, over func(version int64) bool) (Organization, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now, before, caller := s.now(), *s.organization.Load(), who.Caller()
	if over != nil && !over(before.Version) {
		return Organization{}, &StaleVersionError{Current: before}
	}
	if next == before.Policy {
		return before, nil
	}
	demand := member.Demand{Administers: true}
	if next.Loosens(before.Policy) {
		demand.FreshAt = now
	}
	saved := before.Saved(next, now, caller.Actor)
	err := s.store.SavePolicy(ctx, saved, caller, demand, audit.Event{
		At: now, Action: audit.PolicySaved, Actor: caller.Actor, Target: "organization", Address: caller.Address,
		Details: map[string]any{"before": before.Policy.describe(), "after": next.describe(), "version": saved.Version},
	})
	if err != nil {
		return Organization{}, s.failed(ctx, fmt.Errorf("save policy: %w", err))
	}
	s.adopt(saved)
	return saved, nil
}

// end is the one function through which single sessions end, for whatever reason.
func (s *Service) end(ctx context.Context, ending Ending) error {
	_, _, err := s.endCounting(ctx, ending)
	return err
}

// endCounting ends sessions. It counts those that had been alive until then, and those that were not the caller's to end.
func (s *Service) endCounting(ctx context.Context, ending Ending) (n, skipped int, err error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	ended, skipped, err := s.store.End(context.WithoutCancel(ctx), ending)
	ids := idsOf(ended)
	if ending.Reason == Expired {
		// Memory has them marked already. If their end could not be written, the next check asks the store.
		ids = make([]ID, len(ending.Sessions))
		for i, e := range ending.Sessions {
			ids[i] = e.ID
		}
	}
	s.roster.Load().drop(ids...)
	if err != nil {
		return 0, 0, s.failed(ctx, fmt.Errorf("end sessions: %w", err))
	}
	s.announce(Change{Sessions: idsOf(ended)})
	return len(ended), skipped, nil
}

// Explain turns the store's word that the caller's session has ended into how it ended; any other error stays as it is. A
// credential that was changed meanwhile may have ended the session, too.
func (s *Service) Explain(ctx context.Context, who Principal, err error) error {
	if !errors.Is(err, ErrCallerEnded) && !errors.Is(err, ErrCredentialStale) {
		return err
	}
	if ended := s.refuse(ctx, who.Session.ID, s.now()); ended != nil {
		return ended
	}
	return err
}

// FollowMember runs a change of a member and lets memory show it before it returns; it implements [member.Follower].
func (s *Service) FollowMember(ctx context.Context, change func() (m member.Member, ended int, err error)) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	m, ended, err := change()
	if err != nil {
		return s.failed(ctx, err)
	}
	s.roster.Load().updateMember(m, ended > 0)
	s.announce(Change{Members: []member.ID{m.ID}})
	return nil
}

// ForgetMember runs the removal of a member and lets memory forget them before it returns; it implements [member.Follower].
func (s *Service) ForgetMember(ctx context.Context, id member.ID, remove func() error) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if err := remove(); err != nil {
		return s.failed(ctx, err)
	}
	s.roster.Load().updateMember(member.Member{ID: id}, true)
	if org := *s.organization.Load(); org.SavedBy.ID == id.String() {
		org.SavedBy = audit.Removed
		s.adopt(org)
	}
	s.announce(Change{Members: []member.ID{id}})
	return nil
}

// RenameOrganization changes the name of the organization, for those who administer.
func (s *Service) RenameOrganization(ctx context.Context, who Principal, name string) (Organization, error) {
	renamed, err := s.renameOrganization(context.WithoutCancel(ctx), who, name)
	return renamed, s.Explain(ctx, who, err)
}

func (s *Service) renameOrganization(ctx context.Context, who Principal, name string) (Organization, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	org, caller := *s.organization.Load(), who.Caller()
	if org.Name == name {
		return org, nil
	}
	err := s.store.RenameOrganization(ctx, name, caller, member.Demand{Administers: true}, audit.Event{
		At: s.now(), Action: audit.OrganizationRenamed, Actor: caller.Actor, Target: "organization", Address: caller.Address,
		Details: map[string]any{"before": map[string]any{"name": org.Name}, "after": map[string]any{"name": name}},
	})
	if err != nil {
		return Organization{}, s.failed(ctx, fmt.Errorf("rename the organization: %w", err))
	}
	org.Name = name
	s.adopt(org)
	return org, nil
}

// Flush writes the touches that are only in memory (rule R6), and once a minute the time itself (rule R7). What cannot be
// written is kept for the next time.
func (s *Service) Flush(ctx context.Context) error {
	s.changes.Lock() // or AcceptTime could run meanwhile, and the old time would be on record again
	defer s.changes.Unlock()
	touches, now := s.roster.Load().drainTouches(), s.now()
	if len(touches) == 0 && now.Sub(s.flushed) < time.Minute {
		return nil
	}
	if err := s.store.Touch(ctx, touches, now); err != nil {
		s.roster.Load().requeueTouches(touches)
		return fmt.Errorf("write %d touches: %w", len(touches), err)
	}
	s.flushed = now
	return nil
}

// Sweep makes sure of what a failed change left open, and does one bounded batch of what nobody waits for: it writes the end of
// sessions whose time ran out, closes the rows that a revocation of everybody ended, and deletes those that ended long ago. It tells
// whether there is more to do.
func (s *Service) Sweep(ctx context.Context) (more bool, err error) {
	const batch = 500
	if err := s.reloadIfStale(ctx); err != nil {
		return false, err
	}
	begins := s.swept == 0
	more, err = s.sweepExpired(ctx, batch)
	if err != nil {
		return false, fmt.Errorf("end expired sessions: %w", err)
	}
	if !begins && !s.behind {
		return more, nil // the store is asked once a walk, since that takes longer than a part of it
	}
	s.behind = true // and stays so where this fails
	closed, err := s.store.CloseRevoked(ctx, s.organization.Load().Generation, batch)
	if err != nil {
		return false, fmt.Errorf("close revoked sessions: %w", err)
	}
	purged, err := s.store.Purge(ctx, s.now().Add(-Retention), batch)
	if err != nil {
		return false, fmt.Errorf("purge ended sessions: %w", err)
	}
	s.behind = max(closed, purged) == batch
	return more || s.behind, nil
}

func (s *Service) sweepExpired(ctx context.Context, batch int) (more bool, err error) {
	roster, now, org := s.roster.Load(), s.now(), s.organization.Load()
	overdue, next := roster.overdue(org, now, s.swept, batch)
	s.swept = next
	ending := Ending{Reason: Expired, By: audit.Caller{Actor: audit.System}}
	for _, id := range overdue {
		if at, marked, _ := roster.expire(id, now, org); marked {
			ending.Sessions = append(ending.Sessions, SessionEnd{id, at})
		}
	}
	if len(ending.Sessions) == 0 {
		return next != 0, nil
	}
	return next != 0, s.end(ctx, ending)
}
