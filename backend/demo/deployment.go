package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

const organizationName = "Example Observatory"

// deployment is the product without its pages and its API: the real services on the real store, at
// the time of the story.
type deployment struct {
	now      time.Time
	db       *store.DB
	sessions *session.Service
	members  *member.Service
	// passwordHash is the hash of the demo password. It takes 50 ms, so it is computed once for all
	// members.
	passwordHash string
	// flushed is when touches were last written.
	flushed time.Time
}

const setupToken = "the story's own"

func open(ctx context.Context, path string) (*deployment, error) {
	db, err := store.Open(ctx, path, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, err
	}
	d := &deployment{db: db}
	// Refresh tokens are derived from random values that are not kept, so any key will do.
	if d.sessions, err = session.New(ctx, db, d.clock, [32]byte{}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if d.members, err = member.New(db, d.sessions, member.Options{Now: d.clock, Wall: d.clock, SetupToken: setupToken, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

func (d *deployment) clock() time.Time { return d.now }

func (d *deployment) close() error { return d.db.Close() }

// setUp creates the organization and its first owner.
func (d *deployment) setUp(ctx context.Context, owner *person) error {
	made, err := d.members.SetUp(ctx, member.Setup{
		Token: setupToken, Organization: organizationName, Name: owner.name, Email: owner.email, Password: demoPassword,
	}, member.Origin{Address: owner.desk().AddressText()})
	if err != nil {
		return err
	}
	owner.member = made
	if _, d.passwordHash, err = d.db.MemberByEmail(ctx, owner.email); err != nil {
		return err
	}
	return d.sessions.Reload(ctx)
}

// useLink uses a one-time link as its page does, without hashing the password again.
func (d *deployment) useLink(ctx context.Context, p *person) error {
	effect, err := d.sessions.CommitMember(ctx, audit.Caller{}, func(ctx context.Context) (member.Effect, error) {
		return d.db.UseLink(ctx, member.LinkUse{Hash: p.link.Hash, At: d.now, PasswordHash: d.passwordHash, Event: func(_, m member.Member) audit.Event {
			author := audit.Caller{Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}, Address: p.desk().AddressText()}
			return author.Event(d.now, audit.LinkUsed, "member:"+m.ID.String(), map[string]any{"kind": p.link.Kind})
		}})
	})
	if err == nil {
		p.member = effect.Member
	}
	return err
}

// proof returns the proof that a sign-in with the right password gives.
func (d *deployment) proof(p *person) member.Proof {
	methods := []string{member.ByPassword}
	if p.codes {
		methods = append(methods, member.ByTOTP)
	}
	return member.Proof{Member: p.member, PasswordHash: d.passwordHash, Methods: methods}
}

// refuse records a sign-in with a wrong password, without hashing it.
func (d *deployment) refuse(ctx context.Context, p *person, client session.Client) error {
	return d.db.Record(ctx, audit.Event{
		At: d.now, Action: audit.SessionRefused, Actor: audit.Anonymous, Target: "member:" + p.member.ID.String(), Address: client.AddressText(),
		Details: map[string]any{"userAgent": client.UserAgent},
	})
}

// sweep does what a server does every second, except that it writes touches once an hour.
func (d *deployment) sweep(ctx context.Context) error {
	if d.now.Sub(d.flushed) > time.Hour {
		if err := d.sessions.Flush(ctx); err != nil {
			return err
		}
		d.flushed = d.now
	}
	for more := true; more; {
		var err error
		if more, err = d.sessions.Sweep(ctx); err != nil {
			return err
		}
	}
	return nil
}
