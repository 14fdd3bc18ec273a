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

// ProofLifetime is how long a proof of identity is fresh enough for loosening the policy (rule R10).
const ProofLifetime = 10 * time.Minute

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
	store  Store
	now    func() time.Time
	keys   refreshKey
	roster *roster
	// organization is what every session is judged by: one immutable snapshot.
	organization atomic.Pointer[Organization]

	// changes is held from before the transaction of a change until memory shows it, so that memory changes in the
	// order in which the disk did. The check never takes it.
	changes sync.Mutex
	// directory is all live sessions, for lists and counts.
	directory *directory
	// unsure tells that a change failed and that what came of it could not be read either.
	unsure bool

	// announce tells those who listen of a change.
	announce func(Change)

	// flushed is when Flush last wrote; only Flush uses it.
	flushed time.Time
}

// New opens the service on what the store holds. The key derives refresh tokens; room is how many live sessions are held in
// memory at most.
func New(ctx context.Context, store Store, now func() time.Time, key [32]byte, room int) (*Service, error) {
	s := &Service{store: store, now: now, keys: key, roster: newRoster(room), directory: newDirectory(), announce: func(Change) {}}
	org, err := store.Organization(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the organization: %w", err)
	}
	s.organization.Store(&org)
	return s, s.reread(ctx)
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

// reread takes the directory from the store.
func (s *Service) reread(ctx context.Context) error {
	err := s.directory.replace(func(add func(Facts)) error { return s.store.EachLive(ctx, s.organization.Load().Generation, add) })
	if err != nil {
		return fmt.Errorf("read live sessions: %w", err)
	}
	return nil
}

// adopt makes org the snapshot to judge by. A raised generation has ended every session.
func (s *Service) adopt(org Organization) {
	raised := org.Generation != s.organization.Load().Generation
	s.organization.Store(&org)
	if raised {
		s.roster.clear()
		s.directory.clear()
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

// relearn takes what memory holds of all sessions from the store after a change failed: the commit may have reached the disk although
// it was reported as failed. Where the store does not answer, the sweep tries again.
func (s *Service) relearn(ctx context.Context) error {
	s.unsure = true
	if err := s.readopt(ctx); err != nil {
		return err
	}
	if err := s.reread(ctx); err != nil {
		return err
	}
	s.unsure = false
	return nil
}

// makeSure relearns what could not be learned when it was due.
func (s *Service) makeSure(ctx context.Context) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if !s.unsure {
		return nil
	}
	return s.relearn(ctx)
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
		now := s.now()
		e, err := s.find(ctx, id)
		if err != nil {
			return Principal{}, err
		}
		org := s.organization.Load()
		reason := s.roster.admit(e, now, org, kind)
		if reason == "" {
			return e.principal(org), nil
		}
		if reason == Expired {
			if at, marked := e.expire(now, org); marked {
				return Principal{}, s.recordExpiry(ctx, id, at)
			}
			if !e.over() {
				continue // an access that came first has just moved its start
			}
		}
		if err := s.refuse(ctx, id, now); err != nil {
			return Principal{}, err
		}
		// The store has it alive: memory gave it up because its end could not be written. It is loaded again.
		s.roster.drop(id)
	}
}

// find gives the roster's entry, after loading it from the store on a miss.
func (s *Service) find(ctx context.Context, id ID) (*entry, error) {
	for {
		if e := s.roster.get(id); e != nil {
			return e, nil
		}
		since := s.roster.since()
		record, err := s.load(ctx, id)
		if err != nil {
			return nil, err
		}
		if record.Session.End.Reason != "" {
			return nil, s.recorded(ctx, record.Session)
		}
		if e := s.roster.put(record, since); e != nil {
			return e, nil
		}
	}
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
		At: now, Action: audit.SessionStarted, Target: "session:" + id.String(), Address: client.Address,
		Actor:   audit.Actor{ID: proof.Member.ID.String(), Name: proof.Member.Name},
		Details: map[string]any{"methods": proof.Methods, "userAgent": client.UserAgent},
	})
	if err != nil {
		return Principal{}, "", fmt.Errorf("start session: %w", err)
	}
	s.directory.add(record)
	s.announce(Change{})

	e := s.roster.put(record, s.roster.since()) // never nil: nothing ends while changes is held
	return e.principal(s.organization.Load()), s.keys.issue(first), nil
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

// Prove records that the principal has just proved their identity again.
func (s *Service) Prove(ctx context.Context, who Principal, proof member.Proof) (Principal, error) {
	now := s.now()
	err := s.store.Prove(context.WithoutCancel(ctx), proof, now, who.Caller(), audit.Event{
		At: now, Action: audit.Reauthenticated, Target: "session:" + who.Session.ID.String(),
		Actor: who.Caller().Actor, Address: who.Session.Client.Address, Details: map[string]any{"methods": proof.Methods},
	})
	if err != nil {
		return Principal{}, s.explain(ctx, who, fmt.Errorf("record proof: %w", err))
	}
	s.noteProof(who.Session.ID, now)
	who.Session.ProvedAt = now
	return who, nil
}

// ReplaceCredential gives the principal a new password in the place of the one that they have just proved, ends all of their other
// sessions, and counts those. It returns ErrCredentialStale when the password was changed meanwhile.
func (s *Service) ReplaceCredential(ctx context.Context, who Principal, proof member.Proof, passwordHash string) (int, error) {
	n, err := s.replaceCredential(context.WithoutCancel(ctx), who, proof, passwordHash)
	return n, s.explain(ctx, who, err)
}

func (s *Service) replaceCredential(ctx context.Context, who Principal, proof member.Proof, passwordHash string) (int, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now, caller := s.now(), who.Caller()
	ended, err := s.store.ReplaceCredential(ctx, proof, passwordHash, now, caller, audit.Event{
		At: now, Action: audit.PasswordChanged, Actor: caller.Actor, Target: "member:" + who.Member.ID.String(), Address: caller.Address,
	})
	if err != nil {
		// Which sessions it has ended, if the commit reached the disk all the same, is only there: everything is read from there again.
		s.roster.clear()
		return 0, errors.Join(fmt.Errorf("change password: %w", err), s.relearn(ctx))
	}
	for _, e := range ended {
		s.roster.drop(e.ID)
	}
	s.directory.remove(ended)
	s.announceEnd(ended)
	s.noteProof(who.Session.ID, now)
	return len(ended), nil
}

// noteProof lets memory know of a fresh proof of identity.
func (s *Service) noteProof(id ID, at time.Time) {
	if e := s.roster.get(id); e != nil {
		e.provedAt.Store(at.UnixMilli())
	}
}

// List is a page of the principal's own live sessions and the place to go on from, or nil at the end: first the session at hand, then
// the others, newest access first. The session at hand stands outside of that order because asking is itself an access, which moves it.
func (s *Service) List(ctx context.Context, who Principal, after *Place, limit int) ([]Principal, *Place, error) {
	live := make([]Principal, 0, limit)
	if after == nil {
		live = append(live, who)
		limit--
		after = &Place{LastSeenAt: latest}
	}
	org := s.organization.Load()
	records, err := s.store.Sessions(ctx, who.Member.ID, who.Session.ID, org.Generation, after, limit+1)
	if err != nil {
		return nil, nil, fmt.Errorf("list sessions: %w", err)
	}
	var next *Place
	if len(records) > limit {
		records = records[:limit]
		next = after
		if limit > 0 {
			last := records[limit-1].Session
			next = &Place{last.LastSeenAt, last.ID}
		}
	}
	return append(live, s.living(records, org, s.now())...), next, nil
}

// latest is later than any access: the place before the first session.
var latest = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Figures counts the live sessions and their members, those that began since the given instant, and those that end within the hour. A
// session whose time has just run out counts until the sweep has seen it, about a second later.
func (s *Service) Figures(day time.Time) Figures {
	s.settle()
	return s.directory.figures(s.organization.Load(), s.now(), day)
}

// CountOf is how many live sessions a member has.
func (s *Service) CountOf(id member.ID) int { return s.directory.countOf(id) }

// settle lets the directory know of the accesses that still have to be written.
func (s *Service) settle() { s.directory.touch(s.roster.waiting()) }

// Find is a page of everybody's live sessions, how many the query picks in all, and the mark to go on from, or nil at the end. Members
// who do not oversee others get ErrForbidden.
func (s *Service) Find(ctx context.Context, who Principal, query Query) (found []Principal, next *Mark, total int, err error) {
	if !who.Member.Role.Oversees() {
		return nil, nil, 0, ErrForbidden
	}
	s.settle()
	org, now := s.organization.Load(), s.now()
	page, more, total := s.directory.find(query, org, now)
	ids := make([]ID, len(page))
	for i, mark := range page {
		ids[i] = mark.ID
	}
	records, err := s.store.SessionsNamed(ctx, ids)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("list sessions: %w", err)
	}
	if more {
		next = &page[len(page)-1]
	}
	return s.living(records, org, now), next, total, nil
}

// living are those of the records that are alive by what memory knows of them, as principals.
func (s *Service) living(records []Record, org *Organization, now time.Time) []Principal {
	live := make([]Principal, 0, len(records))
	for _, record := range records {
		p := Principal{Session: record.Session, Member: record.Member, Organization: org}
		if e := s.roster.get(record.Session.ID); e != nil {
			p = e.principal(org) // newer than the store by the touches that still have to be written
		}
		standing := standingOf(Record{p.Session, p.Member}, org)
		if standing.Ended(now) == "" {
			p.ExpiresAt = standing.ExpiresAt()
			live = append(live, p)
		}
	}
	return live
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

// Revoke ends one session: the principal's own or, for those who administer, anybody's. It returns ErrNotFound for a session
// that has ended, does not exist, or is none of the caller's business.
func (s *Service) Revoke(ctx context.Context, who Principal, id ID) error {
	target, err := s.Admit(ctx, id, Passive)
	var ended *EndedError
	if errors.As(err, &ended) || errors.Is(err, ErrNoSession) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	if target.Member.ID != who.Member.ID && !who.Member.Role.Administers() {
		return ErrNotFound
	}
	err = s.end(ctx, Ending{
		Sessions: []SessionEnd{{id, s.now()}}, Reason: Revoked, By: who.Caller(), RequireCaller: true,
	})
	return s.explain(ctx, who, err)
}

// RevokeOthers ends all of the principal's sessions but the one at hand, and counts them.
func (s *Service) RevokeOthers(ctx context.Context, who Principal) (int, error) {
	now := s.now()
	var others []SessionEnd
	for after := (*Place)(nil); ; {
		page, next, err := s.List(ctx, who, after, 200)
		if err != nil {
			return 0, err
		}
		for _, p := range page {
			if p.Session.ID != who.Session.ID {
				others = append(others, SessionEnd{p.Session.ID, now})
			}
		}
		if next == nil {
			break
		}
		after = next
	}
	if len(others) == 0 {
		return 0, nil
	}
	n, err := s.endCounting(ctx, Ending{Sessions: others, Reason: Revoked, By: who.Caller(), RequireCaller: true})
	return n, s.explain(ctx, who, err)
}

// RevokeNamed ends sessions of anybody's, for those who administer, and counts those that had been alive until then.
func (s *Service) RevokeNamed(ctx context.Context, who Principal, ids []ID) (int, error) {
	if !who.Member.Role.Administers() {
		return 0, ErrForbidden
	}
	now, ending := s.now(), Ending{Reason: Revoked, By: who.Caller(), RequireCaller: true}
	for _, id := range ids {
		ending.Sessions = append(ending.Sessions, SessionEnd{id, now})
	}
	n, err := s.endCounting(ctx, ending)
	return n, s.explain(ctx, who, err)
}

// RevokeAll ends every session of the organization, the principal's included, and returns once that is on disk. It is one row:
// its cost does not depend on how many sessions there are (rule R4).
func (s *Service) RevokeAll(ctx context.Context, who Principal, reason, idempotencyKey string) (Receipt, error) {
	if !who.Member.Role.Administers() {
		return Receipt{}, ErrForbidden
	}
	receipt, err := s.revokeAll(context.WithoutCancel(ctx), who.Caller(), reason, idempotencyKey)
	return receipt, s.explain(ctx, who, err)
}

func (s *Service) revokeAll(ctx context.Context, caller audit.Caller, reason, idempotencyKey string) (Receipt, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	sessions, members := s.directory.count()
	receipt, err := s.store.RevokeAll(ctx, Revocation{
		At: s.now(), Reason: reason, IdempotencyKey: idempotencyKey,
		SessionsEnded: sessions, MembersSignedOut: members,
	}, caller)
	if err != nil {
		return Receipt{}, errors.Join(fmt.Errorf("revoke all sessions: %w", err), s.relearn(ctx))
	}
	if !receipt.Repeated {
		org := *s.organization.Load()
		org.Generation = receipt.Generation
		s.adopt(org)
	}
	return receipt, nil
}

// SavePolicy makes next the policy in force, for running sessions too, from the next request on (rule R3). With a version, it
// saves only if that is still the current one, and returns a [*StaleVersionError] otherwise. It returns an [*InvalidError] for a
// policy that is out of bounds and ErrReauthenticationRequired where rule R10 asks for a fresh proof.
func (s *Service) SavePolicy(ctx context.Context, who Principal, next Policy, version *int64) (Organization, error) {
	if !who.Member.Role.Administers() {
		return Organization{}, ErrForbidden
	}
	if err := next.Validate(); err != nil {
		return Organization{}, err
	}
	saved, err := s.savePolicy(context.WithoutCancel(ctx), who, next, version)
	return saved, s.explain(ctx, who, err)
}

func (s *Service) savePolicy(ctx context.Context, who Principal, next Policy, version *int64) (Organization, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now, before, caller := s.now(), *s.organization.Load(), who.Caller()
	if version != nil && *version != before.Version {
		return Organization{}, &StaleVersionError{Current: before}
	}
	if next.Loosens(before.Policy) && !who.operator && now.Sub(who.Session.ProvedAt) > ProofLifetime {
		return Organization{}, ErrReauthenticationRequired
	}
	saved := before.Saved(next, now, caller.Actor)
	err := s.store.SavePolicy(ctx, saved, caller, audit.Event{
		At: now, Action: audit.PolicySaved, Actor: caller.Actor, Target: "organization", Address: caller.Address,
		Details: map[string]any{"before": before.Policy.describe(), "after": next.describe(), "version": saved.Version},
	})
	if err != nil {
		return Organization{}, errors.Join(fmt.Errorf("save policy: %w", err), s.relearn(ctx))
	}
	s.adopt(saved)
	return saved, nil
}

// end is the one function through which single sessions end, for whatever reason.
func (s *Service) end(ctx context.Context, ending Ending) error {
	_, err := s.endCounting(ctx, ending)
	return err
}

// endCounting ends sessions and counts those that had been alive until then.
func (s *Service) endCounting(ctx context.Context, ending Ending) (int, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	ended, err := s.store.End(context.WithoutCancel(ctx), ending)
	// Also after a failure: the commit may have reached the disk all the same, and what is not in memory is read from there.
	for _, e := range ending.Sessions {
		s.roster.drop(e.ID)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("end sessions: %w", err), s.relearn(ctx))
	}
	s.directory.remove(ended)
	s.announceEnd(ended)
	return len(ended), nil
}

func (s *Service) announceEnd(ended []Ended) {
	change := Change{Sessions: make([]ID, len(ended))}
	for i, e := range ended {
		change.Sessions[i] = e.ID
	}
	s.announce(change)
}

// explain turns the store's word that the caller's session is over into how it ended; any other error stays as it is.
func (s *Service) explain(ctx context.Context, who Principal, err error) error {
	if !errors.Is(err, ErrCallerEnded) {
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
	var trouble interface{ Unavailable() bool }
	if errors.As(err, &trouble) {
		// The commit may have reached the disk all the same: everything is read from there again.
		s.roster.clear()
		return errors.Join(err, s.relearn(ctx))
	}
	if err != nil {
		return err
	}
	s.roster.follow(m)
	s.directory.follow(m, ended > 0)
	s.announce(Change{Members: []member.ID{m.ID}})
	return nil
}

// Flush writes the touches that are only in memory (rule R6), and once a minute the time itself (rule R7). What cannot be
// written is kept for the next time. Calls must not overlap.
func (s *Service) Flush(ctx context.Context) error {
	touches, now := s.roster.touched(), s.now()
	s.directory.touch(touches)
	if len(touches) == 0 && now.Sub(s.flushed) < time.Minute {
		return nil
	}
	if err := s.store.Touch(ctx, touches, now); err != nil {
		s.roster.retouch(touches)
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
	if err := s.makeSure(ctx); err != nil {
		return false, err
	}
	expired, err := s.sweepExpired(ctx, batch)
	if err != nil {
		return false, err
	}
	closed, err := s.store.CloseRevoked(ctx, s.organization.Load().Generation, batch)
	if err != nil {
		return false, fmt.Errorf("close revoked sessions: %w", err)
	}
	purged, err := s.store.Purge(ctx, s.now().Add(-Retention), batch)
	if err != nil {
		return false, fmt.Errorf("purge ended sessions: %w", err)
	}
	return max(expired, closed, purged) == batch, nil
}

func (s *Service) sweepExpired(ctx context.Context, batch int) (int, error) {
	now, org := s.now(), s.organization.Load()
	started, authenticated := org.overdue(now)
	records, err := s.store.Overdue(ctx, org.Generation, started, authenticated, batch)
	if err != nil {
		return 0, fmt.Errorf("find expired sessions: %w", err)
	}
	ending := Ending{Reason: Expired, By: audit.Caller{Actor: audit.System}}
	for _, record := range records {
		at := standingOf(record, org).ExpiredAt(now)
		if e := s.roster.get(record.Session.ID); e != nil {
			seen, marked := e.expire(now, org)
			if !marked && !e.over() {
				continue // touched since: the store does not know it yet
			}
			if marked {
				at = seen
			}
		}
		ending.Sessions = append(ending.Sessions, SessionEnd{record.Session.ID, at})
	}
	if len(ending.Sessions) == 0 {
		return 0, nil
	}
	return s.endCounting(ctx, ending)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
