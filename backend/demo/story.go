package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"curfew/backend/member"
	"curfew/backend/session"
)

// story is what happens until now. It is first planned, in any order, and then run in the order of
// time.
type story struct {
	*deployment
	end     time.Time
	random  *rand.Rand
	cast    []*person
	moments []moment
	visits  []*visit
	// counted is the day, in UTC, whose counts are due next.
	counted time.Time
	// due is a time before which no session expires.
	due time.Time
}

// moment is one event.
type moment struct {
	at     time.Time
	happen func(ctx context.Context) error
}

// figures is the result of a story.
type figures struct{ members, sessions int }

// at plans an event.
func (s *story) at(at time.Time, happen func(ctx context.Context) error) {
	s.moments = append(s.moments, moment{at.Truncate(time.Millisecond), happen})
}

// ago returns a time before the story's end.
func (s *story) ago(days float64) time.Time {
	return s.end.Add(-time.Duration(days * 24 * float64(time.Hour)))
}

// between returns a random time between two times, rarely at night or at a weekend of the person.
func (s *story) between(from, to time.Time, p *person) time.Time {
	at := from
	for range 50 {
		at = from.Add(time.Duration(s.random.Float64() * float64(to.Sub(from))))
		if p.part == program || s.random.Float64() < busy(at.In(p.zone)) {
			break
		}
	}
	return at
}

// busy returns the probability that a person is at work at that local time.
func busy(local time.Time) float64 {
	likely := 0.02
	switch hour := local.Hour(); {
	case hour >= 9 && hour < 17:
		likely = 1
	case hour >= 7 && hour < 22:
		likely = 0.3
	}
	if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
		likely /= 6
	}
	return likely
}

// visit is the use of one client by a person, from time to time. If the session has ended, they
// sign in again.
type visit struct {
	person  *person
	client  session.Client
	session session.ID
	// seen is the last access so far; zero before the first.
	seen time.Time
}

// visit plans a visit: the first access, the last, and some in between.
func (s *story) visit(p *person, client session.Client, from, until time.Time) *visit {
	v := s.newVisit(p, client)
	access := func(ctx context.Context) error {
		_, err := s.access(ctx, v)
		return err
	}
	for at := from; at.Before(until); at = s.between(at.Add(3*time.Hour), at.Add(60*time.Hour), p) {
		s.at(at, access)
	}
	s.at(until, access)
	return v
}

func (s *story) newVisit(p *person, client session.Client) *visit {
	v := &visit{person: p, client: client}
	s.visits = append(s.visits, v)
	return v
}

// access makes a request of the visit's session, after a sign-in if it has ended.
func (s *story) access(ctx context.Context, v *visit) (session.Principal, error) {
	known := !v.seen.IsZero()
	v.seen = s.now
	if known {
		who, err := s.sessions.Admit(ctx, v.session, 0, session.Active)
		var ended *session.EndedError
		if !errors.As(err, &ended) {
			return who, err
		}
	}
	who, _, err := s.sessions.Start(ctx, s.proof(v.person), v.client)
	v.session = who.Session.ID
	return who, err
}

// by plans what a person does at their desk.
func (s *story) by(p *person, at time.Time, do func(ctx context.Context, who session.Principal) error) {
	s.at(at, func(ctx context.Context) error {
		who, err := s.access(ctx, p.visit)
		if err != nil {
			return err
		}
		return do(ctx, who)
	})
}

// run runs the story.
func (s *story) run(ctx context.Context) (figures, error) {
	slices.SortStableFunc(s.moments, func(a, b moment) int { return a.at.Compare(b.at) })
	s.due = s.moments[0].at
	s.counted = midnight(s.due)
	for _, m := range s.moments {
		if err := s.pass(ctx, m.at); err != nil {
			return figures{}, err
		}
		s.now = m.at
		if err := m.happen(ctx); err != nil {
			return figures{}, fmt.Errorf("%s before the end: %w", s.end.Sub(m.at).Round(time.Second), err)
		}
	}
	if err := s.pass(ctx, s.end); err != nil {
		return figures{}, err
	}
	s.now = s.end
	if err := s.sessions.CountDay(ctx); err != nil {
		return figures{}, err
	}
	if err := s.sessions.Flush(ctx); err != nil {
		return figures{}, err
	}
	live, err := s.sessions.Figures(ctx, s.end)
	return figures{len(s.cast), live.Live.Sessions}, err
}

// pass lets time go by until the given time. Sessions expire, and each day is counted at its end,
// as background work of a server does.
func (s *story) pass(ctx context.Context, until time.Time) error {
	for ; midnight(until).After(s.counted); s.counted = s.counted.AddDate(0, 0, 1) {
		last := s.counted.Add(24*time.Hour - time.Minute)
		if err := s.expire(ctx, last); err != nil {
			return err
		}
		s.now = last
		if err := s.sessions.CountDay(ctx); err != nil {
			return err
		}
	}
	return s.expire(ctx, until)
}

func midnight(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// expire ends the sessions that expire until the given time, each at its time, as the sweep of a
// server does.
func (s *story) expire(ctx context.Context, until time.Time) error {
	for !s.due.After(until) {
		s.now = s.due
		if err := s.sweep(ctx); err != nil {
			return err
		}
		s.due = s.nextDue()
	}
	return nil
}

// nextDue returns the first time from now on at which a session may expire. A further access only
// delays it.
func (s *story) nextDue() time.Time {
	length := s.sessions.Organization().Policy.Length.Duration()
	next := s.now.Add(length)
	for _, v := range s.visits {
		if end := v.seen.Add(length); end.After(s.now) && end.Before(next) {
			next = end
		}
	}
	return next
}

// byProved plans what requires a fresh proof of identity (R10).
func (s *story) byProved(p *person, at time.Time, do func(context.Context, session.Principal) error) {
	s.by(p, at, func(ctx context.Context, who session.Principal) error {
		who, err := s.sessions.Prove(ctx, who, s.proof(p))
		if err != nil {
			return err
		}
		return do(ctx, who)
	})
}

// invite plans an invitation, which is accepted at the given time, or never if that is zero.
func (s *story) invite(by, p *person, at, followed time.Time) {
	s.byProved(by, at, func(ctx context.Context, who session.Principal) error {
		details, _, err := s.members.Invite(ctx, who.Caller(), member.Invitee{Name: p.name, Email: p.email, Role: p.role})
		if err == nil {
			p.member, p.link = details.Member, *details.Link
		}
		return err
	})
	if followed.IsZero() {
		return
	}
	p.settled = followed
	s.at(followed, func(ctx context.Context) error {
		err := s.useLink(ctx, p)
		if !errors.Is(err, member.ErrLinkInvalid) {
			return err
		}
		// Everyone was signed out meanwhile, which withdrew the link.
		who, err := s.access(ctx, by.visit)
		if err == nil {
			err = s.issue(ctx, by, p, who)
		}
		if err != nil {
			return err
		}
		return s.useLink(ctx, p)
	})
}

// reset plans a one-time link for a member who can no longer sign in.
func (s *story) reset(by, p *person, at time.Time) {
	s.by(by, at, func(ctx context.Context, who session.Principal) error { return s.issue(ctx, by, p, who) })
}

func (s *story) issue(ctx context.Context, by, p *person, who session.Principal) error {
	who, err := s.sessions.Prove(ctx, who, s.proof(by))
	if err != nil {
		return err
	}
	issued, _, err := s.members.IssueLink(ctx, who.Caller(), p.member.ID)
	if err == nil {
		p.link = *issued.Link
	}
	return err
}

// change plans a change of a member.
func (s *story) change(by, p *person, at time.Time, update member.Update) {
	s.byProved(by, at, func(ctx context.Context, who session.Principal) error {
		if err := s.members.Change(ctx, who.Caller(), p.member.ID, update); err != nil {
			return err
		}
		changed, err := s.members.Find(ctx, p.member.ID)
		p.member = changed.Member
		return err
	})
}

// save plans a save of the policy, after a proof of identity if it requires one (R10).
func (s *story) save(by *person, at time.Time, policy session.Policy) {
	s.by(by, at, func(ctx context.Context, who session.Principal) error {
		if policy.Loosens(who.Organization.Policy) {
			var err error
			if who, err = s.sessions.Prove(ctx, who, s.proof(by)); err != nil {
				return err
			}
		}
		_, err := s.sessions.SavePolicy(ctx, who, policy, nil)
		s.due = s.now // a shorter length may end sessions at once
		return err
	})
}
