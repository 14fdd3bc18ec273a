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

// house is the product without its pages and its API: the real services on the real store, at the
// time of the story.
type house struct {
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

func open(ctx context.Context, path string) (*house, error) {
	db, err := store.Open(ctx, path, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, err
	}
	h := &house{db: db}
	// Refresh tokens are derived from random values that are not kept, so any key will do.
	if h.sessions, err = session.New(ctx, db, h.clock, [32]byte{}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if h.members, err = member.New(db, h.clock, h.clock, setupToken, h.sessions, [32]byte{}, &url.URL{Scheme: "https", Host: "curfew.example.org"}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func (h *house) clock() time.Time { return h.now }

func (h *house) close() error { return h.db.Close() }

// setUp creates the organization and its first owner.
func (h *house) setUp(ctx context.Context, owner *person) error {
	made, err := h.members.SetUp(ctx, member.Setup{
		Token: setupToken, Organization: organizationName, Name: owner.name, Email: owner.email, Password: demoPassword,
	}, member.Origin{Address: owner.desk().AddressText()})
	if err != nil {
		return err
	}
	owner.member = made
	if _, h.passwordHash, err = h.db.MemberByEmail(ctx, owner.email); err != nil {
		return err
	}
	return h.sessions.Reload(ctx)
}

// useLink uses a one-time link as its page does, without hashing the password again.
func (h *house) useLink(ctx context.Context, p *person) error {
	return h.sessions.FollowMember(ctx, func() (m member.Member, ended int, err error) {
		m, ended, err = h.db.UseLink(ctx, p.link.Hash, h.now, "", h.passwordHash, func(_, m member.Member) audit.Event {
			return audit.Event{
				At: h.now, Action: audit.LinkUsed, Actor: audit.Actor{ID: m.ID.String(), Name: m.Name}, Target: "member:" + m.ID.String(),
				Address: p.desk().AddressText(), Details: map[string]any{"kind": p.link.Kind},
			}
		})
		if err == nil {
			p.member = m
		}
		return m, ended, err
	})
}

// proof returns the proof that a sign-in with the right password gives.
func (h *house) proof(p *person) member.Proof {
	return member.Proof{Member: p.member, PasswordHash: h.passwordHash, Methods: []string{"password"}}
}

// refuse records a sign-in with a wrong password, without hashing it.
func (h *house) refuse(ctx context.Context, p *person, client session.Client) error {
	return h.db.Record(ctx, audit.Event{
		At: h.now, Action: audit.SessionRefused, Actor: audit.Nobody, Target: "member:" + p.member.ID.String(), Address: client.AddressText(),
		Details: map[string]any{"userAgent": client.UserAgent},
	})
}

// sweep does what a server does every second, except that it writes touches once an hour.
func (h *house) sweep(ctx context.Context) error {
	if h.now.Sub(h.flushed) > time.Hour {
		if err := h.sessions.Flush(ctx); err != nil {
			return err
		}
		h.flushed = h.now
	}
	for more := true; more; {
		var err error
		if more, err = h.sessions.Sweep(ctx); err != nil {
			return err
		}
	}
	return nil
}
