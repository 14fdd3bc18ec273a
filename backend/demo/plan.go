package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// liveSessions is the number of live sessions at the end of the story.
const liveSessions = 1200

// plan plans the story until its end. Times are in days before the end.
func plan(d *deployment, cast []*person, end time.Time) *story {
	s := &story{
		deployment: d, end: end.UTC(), cast: cast,
		random: rand.New(rand.NewPCG(2026, 11)), //nolint:gosec // the same story each time; the services make its secrets
	}
	for _, p := range cast {
		p.clients = clientsOf(p, s.random)
	}
	s.moveIn()
	s.govern()
	s.at(s.ago(32.5), func(ctx context.Context) error {
		return s.db.Record(ctx, audit.Event{At: s.now, Action: audit.BackedUp, Actor: audit.Operator, Target: "organization"})
	})
	s.mishaps()
	s.partings()
	s.guesses()
	s.visitBriefly()
	s.stay()
	s.forget()
	s.secure()
	return s
}

// The cast begins with the staff: two owners, five admins and three auditors.
func (s *story) owner() *person    { return s.cast[0] }
func (s *story) partner() *person  { return s.cast[1] }
func (s *story) admins() []*person { return s.cast[2:7] }
func (s *story) staff() []*person  { return s.cast[:10] }
func (s *story) crowd() []*person  { return s.cast[10:] }

func (s *story) admin() *person { return s.admins()[s.random.IntN(len(s.admins()))] }

// moveIn sets up the organization, five weeks before the end, and invites all members, most of them
// in the first days.
func (s *story) moveIn() {
	begin := s.between(s.ago(35), s.ago(34.6), s.owner())
	s.at(begin, func(ctx context.Context) error { return s.setUp(ctx, s.owner()) })
	s.owner().settled = begin
	s.attend(s.owner())
	for i, p := range s.staff()[1:] {
		at := begin.Add(time.Duration(20+3*i) * time.Minute)
		s.invite(s.owner(), p, at, at.Add(time.Duration(30+s.random.IntN(300))*time.Minute))
		s.attend(p)
	}
	begin = begin.Add(8 * time.Hour)
	for i, p := range s.crowd() {
		by := s.admin()
		from, until := begin, begin.Add(60*time.Hour)
		if i%11 == 0 && p.part == ordinary {
			from, until = s.ago(28), s.ago(5)
		}
		at := s.between(from, until, by)
		switch {
		case p.part == invited && i%3 == 0:
			s.invite(by, p, s.between(s.ago(12), s.ago(9), by), time.Time{}) // the link expires after a week
		case p.part == invited:
			s.invite(by, p, s.between(s.ago(6), s.ago(0.05), by), time.Time{})
		default:
			s.invite(by, p, at, s.between(at.Add(10*time.Minute), at.Add(50*time.Hour), p))
		}
	}
}

// attend plans the visit in which a member of the staff works. It lasts to the end.
func (s *story) attend(p *person) {
	p.visit = s.visit(p, p.desk(), p.settled.Add(2*time.Minute), s.between(s.ago(0.5), s.ago(0.02), p))
}

// govern plans the changes of the policy: too strict at first, then too loose, until everyone is
// signed out; too strict for four days again, and then as it is.
func (s *story) govern() {
	hours, days := session.Hours, session.Days
	policy := func(value int64, unit session.Unit) session.Policy {
		return session.Policy{Length: session.Length{Value: value, Unit: unit}, RefreshAutomatically: true}
	}
	chief, second := s.admins()[0], s.admins()[1]
	s.save(s.owner(), s.between(s.ago(33.4), s.ago(33), s.owner()), policy(8, hours))
	s.save(chief, s.between(s.ago(31.4), s.ago(31), chief), policy(1, days))
	s.save(s.owner(), s.between(s.ago(27.4), s.ago(27), s.owner()), policy(30, days))

	theft := s.between(s.ago(21.4), s.ago(21), second)
	s.by(second, theft, func(ctx context.Context, who session.Principal) error {
		_, err := s.sessions.RevokeAll(ctx, who, "A laptop was stolen on the train to the ridge", "")
		return err
	})
	s.save(second, theft.Add(25*time.Minute), policy(14, days))

	s.save(s.partner(), s.between(s.ago(11.4), s.ago(11), s.partner()), policy(7, days))
	s.save(s.partner(), s.between(s.ago(7.4), s.ago(7), s.partner()), policy(14, days))
	capped := policy(14, days)
	capped.MaximumLifetime = session.Length{Value: 30, Unit: days}
	s.save(chief, s.between(s.ago(5.4), s.ago(5), chief), capped)
}

// mishaps plans what happens to members: lost phones, forgotten passwords, changed roles.
func (s *story) mishaps() {
	early := s.early()
	next := func() *person {
		p := early[0]
		early = early[1:]
		return p
	}
	for i := range 6 {
		p := next()
		at := s.settle(p, s.ago(20-3*float64(i)), s.ago(18-3*float64(i)))
		s.atDesk(p, at, func(ctx context.Context, who session.Principal) error {
			_, err := s.sessions.ChangeCredential(ctx, who, member.PasswordChange{Proof: s.proof(p), Hash: s.passwordHash}, true)
			return err
		})
	}
	for i := range 3 {
		p, by := next(), s.admin()
		at := s.settle(p, s.ago(18-6*float64(i)), s.ago(17-6*float64(i)))
		s.by(by, at, func(ctx context.Context, who session.Principal) error {
			_, err := s.members.RevokeSessions(ctx, who.Caller(), p.member.ID)
			return err
		})
	}
	for i := range 2 {
		p := next()
		at := s.settle(p, s.ago(15-8*float64(i)), s.ago(14-8*float64(i)))
		s.reset(s.admin(), p, at.Add(-40*time.Minute))
		s.at(at, func(ctx context.Context) error { return s.useLink(ctx, p) })
	}
	for i := range 2 {
		p := next()
		at := s.settle(p, s.ago(10-4*float64(i)), s.ago(9-4*float64(i)))
		s.atDesk(p, at, func(ctx context.Context, who session.Principal) error {
			_, err := s.sessions.RevokeOthers(ctx, who)
			return err
		})
	}
	s.reset(s.admin(), next(), s.ago(0.2)) // still waits to be used
	s.theft(next(), s.ago(12))

	off, on := false, true
	mistaken, by := next(), s.admin()
	at := s.settle(mistaken, s.ago(6.4), s.ago(6))
	s.change(by, mistaken, at.Add(-35*time.Minute), member.Update{Active: &off})
	s.change(by, mistaken, at, member.Update{Active: &on})

	deputy, admin, plain := next(), member.Admin, member.Plain
	s.change(s.owner(), deputy, s.between(s.ago(16.4), s.ago(16), s.owner()), member.Update{Role: &admin})
	s.change(s.partner(), deputy, s.between(s.ago(8.4), s.ago(8), s.partner()), member.Update{Role: &plain})

	doctor := next()
	titled := "Dr " + doctor.name
	s.change(s.admin(), doctor, s.between(s.ago(3.4), s.ago(3), doctor), member.Update{Name: &titled})
}

// early returns members of the crowd who joined in the first days.
func (s *story) early() (found []*person) {
	for _, p := range s.crowd() {
		if p.part == ordinary && p.settled.Before(s.ago(29)) {
			found = append(found, p)
		}
	}
	return found
}

// settle chooses a time at which all sessions of a person end, and plans some sessions before it.
func (s *story) settle(p *person, from, until time.Time) time.Time {
	at := s.between(from, until, p)
	for _, client := range p.clients[1:] {
		s.visit(p, client, s.between(p.settled.Add(time.Hour), p.settled.Add(50*time.Hour), p), s.between(at.Add(-8*time.Hour), at.Add(-time.Hour), p))
	}
	p.settled = at
	return at
}

// atDesk plans what a member does in a session that they soon sign out of.
func (s *story) atDesk(p *person, at time.Time, do func(ctx context.Context, who session.Principal) error) {
	p.visit = s.newVisit(p, p.desk())
	s.by(p, at, do)
	s.signOut(p.visit, at.Add(30*time.Minute))
}

func (s *story) signOut(v *visit, at time.Time) {
	s.at(at, func(ctx context.Context) error {
		who, err := s.access(ctx, v)
		if err != nil {
			return err
		}
		return s.sessions.SignOut(ctx, who)
	})
}

// theft plans a stolen refresh token. Once both have used it, the session ends.
func (s *story) theft(p *person, at time.Time) {
	var first, second string
	s.at(at, func(ctx context.Context) (err error) {
		_, first, err = s.sessions.Start(ctx, s.proof(p), p.desk())
		return err
	})
	s.at(at.Add(3*time.Hour), func(ctx context.Context) (err error) {
		_, second, err = s.sessions.Refresh(ctx, first, session.Active)
		return err
	})
	s.at(at.Add(5*time.Hour), func(ctx context.Context) error {
		_, _, err := s.sessions.Refresh(ctx, second, session.Active)
		return err
	})
	s.at(at.Add(6*time.Hour), func(ctx context.Context) error {
		_, _, err := s.sessions.Refresh(ctx, first, session.Active)
		var ended *session.EndedError
		if !errors.As(err, &ended) || ended.End.Reason != session.TokenReuse {
			return fmt.Errorf("a token was used twice, and that ended nothing: %w", err)
		}
		return nil
	})
}

// partings plans the members who leave.
func (s *story) partings() {
	off := false
	for _, p := range s.crowd() {
		if p.part == left {
			at := s.settle(p, later(p.settled.Add(4*24*time.Hour), s.ago(20)), s.ago(0.5))
			s.change(s.admin(), p, at, member.Update{Active: &off})
		}
	}
}

// guesses plans sign-ins with a wrong password: many by members themselves, and some by a stranger
// at the owner's account.
func (s *story) guesses() {
	for range 70 {
		p := s.anyone()
		client := p.clients[s.random.IntN(len(p.clients))]
		s.at(s.between(p.settled, s.end, p), func(ctx context.Context) error { return s.refuse(ctx, p, client) })
	}
	stranger := session.Client{Address: netip.MustParseAddr("203.0.113.66"), UserAgent: programs[1]}
	for i := range 9 {
		s.at(s.ago(12.3).Add(time.Duration(40*i+s.random.IntN(20))*time.Second), func(ctx context.Context) error {
			return s.refuse(ctx, s.owner(), stranger)
		})
	}
}

// anyone returns a random person who stays.
func (s *story) anyone() *person {
	for {
		p := s.cast[s.random.IntN(len(s.cast))]
		if p.part == ordinary || p.part == program {
			return p
		}
	}
}

// visitBriefly plans visits whose sessions have ended by the end: signed out, expired, or revoked.
func (s *story) visitBriefly() {
	for i := range 420 {
		p := s.anyone()
		client := p.clients[s.random.IntN(len(p.clients))]
		switch {
		case i < 270:
			from := s.between(p.settled.Add(time.Hour), s.ago(0.4), p)
			until := from.Add(time.Duration(20+s.random.IntN(500)) * time.Minute)
			s.signOut(s.visit(p, client, from, until), until.Add(time.Minute))
		case i < 390:
			// Everyone was signed out three weeks ago. Since then, sessions last 14 days at most.
			until := s.between(s.ago(34), s.ago(14.2), p)
			if until.After(p.settled.Add(2 * time.Hour)) {
				s.visit(p, client, s.between(p.settled.Add(time.Hour), until, p), until)
			}
		default:
			by := s.admin()
			if p.role == member.Owner {
				by = s.cast[0] // admins end no session of an owner
			}
			at := s.between(p.settled.Add(24*time.Hour), s.ago(0.1), by)
			v := s.visit(p, client, at.Add(-20*time.Hour), at.Add(-time.Minute))
			s.by(by, at, func(ctx context.Context, who session.Principal) error {
				if _, err := s.access(ctx, v); err != nil {
					return err
				}
				return s.sessions.Revoke(ctx, who, v.session)
			})
		}
	}
}

// stay plans the visits whose sessions are alive at the end, next to those of the staff. Sessions
// last 14 days from their last access: a few end within the hour, some within the day, and the
// others over two weeks.
func (s *story) stay() {
	var pool []*person
	for _, p := range s.crowd() {
		if p.part == ordinary {
			for range 1 + s.random.IntN(5) {
				pool = append(pool, p)
			}
		}
		if p.part == program {
			for range 25 {
				pool = append(pool, p)
			}
		}
	}
	for i := range liveSessions - len(s.staff()) {
		oldest, newest := 0.25, 0.005
		switch {
		case i < 8:
			oldest, newest = 14-0.04, 14-0.005
		case i < 36:
			oldest, newest = 14-0.05, 13.2
		case i < 200:
			oldest, newest = 13, 7
		case i < 480:
			oldest, newest = 7, 2
		case i < 960:
			oldest, newest = 2, 0.25
		}
		p := pool[s.random.IntN(len(pool))]
		for !p.settled.Before(s.ago(oldest + 0.5)) {
			p = pool[s.random.IntN(len(pool))]
		}
		until := s.between(s.ago(oldest), s.ago(newest), p)
		longest := s.random.Float64()
		if i >= 960 {
			longest *= longest // some of those in use have just begun
		}
		from := later(p.settled.Add(time.Hour), until.Add(-time.Duration(longest*30*24*float64(time.Hour))))
		s.visit(p, p.clients[s.random.IntN(len(p.clients))], from, until)
	}
}

// forget plans sessions that began after everyone was signed out and were not used again. The
// shorter sessions of the third week end most of them at once.
func (s *story) forget() {
	for range 420 {
		p := s.anyone()
		until := s.between(s.ago(20.8), s.ago(14.2), p)
		if until.After(p.settled.Add(2 * time.Hour)) {
			s.visit(p, p.clients[s.random.IntN(len(p.clients))], later(p.settled.Add(time.Hour), until.Add(-8*time.Hour)), until)
		}
	}
}

// secure plans the members who set up a second factor: most of the staff, and one in five of the
// others. No device has it, so only members without one can be signed in as.
func (s *story) secure() {
	for i, p := range s.cast[1:] {
		staff := i < len(s.staff())-1
		if p.part != ordinary || staff && i%3 == 2 || !staff && i%5 != 0 {
			continue
		}
		at := s.between(later(p.settled.Add(time.Hour), s.ago(30)), s.ago(0.3), p)
		set := func(ctx context.Context, who session.Principal) error {
			change := member.CredentialChange(member.FactorSetUp{Sealed: []byte("in no app")})
			if i%2 == 0 {
				change = member.PasskeyRegistration{Most: 1, Passkey: member.Passkey{
					ID: p.member.ID[:], Name: p.desk().Device().Browser + " on " + p.desk().Device().OS, CreatedAt: s.now, UsedAt: s.now, Sealed: []byte("in no device"),
				}}
			}
			_, err := s.sessions.ChangeCredential(ctx, who, change, false)
			p.codes = err == nil && i%2 != 0
			return err
		}
		if !staff {
			p.visit = s.newVisit(p, p.desk())
			s.signOut(p.visit, at.Add(30*time.Minute))
		}
		s.byProved(p, at, set)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
