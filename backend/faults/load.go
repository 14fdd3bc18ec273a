package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"curfew/backend/faults/judge"
)

// holder is a client with a session, and the tokens that it holds.
type holder struct {
	session    string
	account    account
	generation int
	access     string

	mu sync.Mutex
	// tokens are all refresh tokens that it was given, the newest last. There are none if the
	// session was made up.
	tokens []string
}

func (a account) administers() bool { return a.role != "member" }

// mayEnd reports whether the account may end a session of the other's: admins end none of an
// owner's.
func (a account) mayEnd(other account) bool {
	return a.administers() && (a.role == "owner" || other.role != "owner")
}

// crowd is all the clients of one campaign. Those whose session has ended go on asking: none of
// them may be let in again.
type crowd struct {
	deployment *deployment
	client     *client
	recorder   *recorder

	mu     sync.Mutex
	living []*holder
	dead   []*holder
	// open are revocations of all sessions whose outcome is unknown. They are retried under the
	// same key.
	open []revocation
	// gone are the members who were deactivated.
	gone map[string]bool
	// eager is what clients want to do above all; nil for nothing.
	eager func(*crowd, context.Context) error
}

// revocation is the wish of one who administers to sign everybody out. Its key is theirs alone.
type revocation struct {
	by  account
	key string
}

const workers = 16

// run lets all clients work until the context is done.
func (c *crowd) run(ctx context.Context) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { c.work(ctx) })
	}
	all.Go(func() { c.signPeopleIn(ctx) })
	all.Wait()
}

func (c *crowd) work(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.step(context.WithoutCancel(ctx)); errors.Is(err, errNotSent) {
			rest(ctx, 2*time.Millisecond)
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// steps are what a client does next, by how often in ten thousand.
var steps = []struct {
	often int
	do    func(*crowd, context.Context) error
}{
	{7000, (*crowd).useLiving},
	{2000, (*crowd).useDead},
	{50, (*crowd).probe},
	{400, (*crowd).refresh},
	{40, (*crowd).refreshFromTabs},
	{20, (*crowd).refreshDead},
	{10, (*crowd).refreshWhileRevoked},
	{8, (*crowd).replay},
	{250, (*crowd).readPolicy},
	{20, (*crowd).inject},
	{60, (*crowd).savePolicy},
	{50, (*crowd).revoke},
	{25, (*crowd).signOut},
	{8, (*crowd).revokeMember},
	{1, (*crowd).deactivate},
	{1, (*crowd).revokeAll},
}

func (c *crowd) step(ctx context.Context) error {
	if open, ok := c.openRevocation(); ok {
		return c.revokeAllAs(ctx, open)
	}
	if c.eager != nil && rand.IntN(30) == 0 {
		return c.eager(c, ctx)
	}
	all := 0
	for _, s := range steps {
		all += s.often
	}
	drawn := rand.IntN(all)
	for _, s := range steps {
		if drawn -= s.often; drawn < 0 {
			return s.do(c, ctx)
		}
	}
	return nil
}

// eagerFor returns what passes the point most, so that it is reached soon.
func eagerFor(point string) func(*crowd, context.Context) error {
	for _, of := range []struct {
		part string
		do   func(*crowd, context.Context) error
	}{
		{"RevokeAll", (*crowd).revokeAll},
		{"revoke-all", (*crowd).revokeAll},
		{"CloseRevoked", (*crowd).revokeAll},
		{"ChangeMember", (*crowd).revokeMember},
		{"revoke-sessions", (*crowd).revokeMember},
		{"PATCH", (*crowd).deactivate},
		{"SaveOrganization", (*crowd).savePolicy},
		{"PUT /api/settings", (*crowd).savePolicy},
		{"refresh", (*crowd).refresh},
		{"Refresh", (*crowd).refresh},
		{"DELETE /api/sessions", (*crowd).revoke},
		{"DELETE /api/session,", (*crowd).signOut},
		{"End", (*crowd).revoke},
	} {
		if strings.Contains(point, of.part) {
			return of.do
		}
	}
	return nil
}

// pick takes one of those at random; nil where there is none.
func (c *crowd) pick(from *[]*holder, fits func(*holder) bool) *holder {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 50 {
		if len(*from) == 0 {
			return nil
		}
		h := (*from)[rand.IntN(len(*from))]
		if fits == nil || fits(h) {
			return h
		}
	}
	return nil
}

func (c *crowd) admin() *holder {
	return c.pick(&c.living, func(h *holder) bool { return h.account.administers() })
}

// bury takes a session for dead. Its client goes on asking.
func (c *crowd) bury(fits func(*holder) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	living := c.living[:0:0]
	for _, h := range c.living {
		if fits(h) {
			c.dead = append(c.dead, h)
		} else {
			living = append(living, h)
		}
	}
	c.living = living
}

// ask makes a request in the holder's name.
func (c *crowd) ask(ctx context.Context, h *holder, op judge.Op, r request) (answer, judge.Op, error) {
	op.Session, op.Member = h.session, h.account.id
	r.token = h.access
	a, op, err := c.client.do(ctx, op, r)
	if op.Status == http.StatusUnauthorized {
		c.bury(func(other *holder) bool { return other == h })
	}
	return a, op, err
}

func (c *crowd) use(ctx context.Context, h *holder) error {
	if h == nil {
		return nil
	}
	_, _, err := c.ask(ctx, h, judge.Op{Kind: judge.Use},
		request{method: http.MethodGet, path: "/api/session", cookie: rand.IntN(4) == 0, passive: rand.IntN(4) == 0})
	return err
}

func (c *crowd) useLiving(ctx context.Context) error { return c.use(ctx, c.pick(&c.living, nil)) }
func (c *crowd) useDead(ctx context.Context) error   { return c.use(ctx, c.pick(&c.dead, nil)) }

// probe comes with a token that is signed as it should be, for a session that there never was.
func (c *crowd) probe(ctx context.Context) error {
	nobody := uuid.Nil
	if rand.IntN(2) == 0 {
		nobody = uuid.Must(uuid.NewV7())
	}
	token, err := c.deployment.accessToken(nobody.String(), c.deployment.accounts[0].id, 1)
	if err != nil {
		return err
	}
	_, _, err = c.client.do(ctx, judge.Op{Kind: judge.Probe}, request{method: http.MethodGet, path: "/api/session", token: token})
	return err
}

func renews(h *holder) bool { return len(h.tokens) > 0 }

// refresh buys the next tokens with the newest.
func (c *crowd) refresh(ctx context.Context) error {
	h := c.pick(&c.living, renews)
	if h == nil || !h.mu.TryLock() {
		return nil
	}
	defer h.mu.Unlock()
	return c.present(ctx, h, h.tokens[len(h.tokens)-1])
}

// present shows a refresh token whose holder is locked, and keeps what it buys.
func (c *crowd) present(ctx context.Context, h *holder, token string) error {
	a, op, err := c.client.do(ctx, judge.Op{Kind: judge.Refresh, Session: h.session, Member: h.account.id, Presented: token},
		request{method: http.MethodPost, path: "/api/sessions/refresh", body: map[string]string{"refreshToken": token}})
	if op.Status == http.StatusOK && token == h.tokens[len(h.tokens)-1] {
		h.tokens = append(h.tokens, a.RefreshToken)
	}
	if op.Status == http.StatusUnauthorized {
		c.bury(func(other *holder) bool { return other == h })
	}
	return err
}

// refreshFromTabs is several tabs of one browser that refresh at once: they hold the same token,
// and none of them may be signed out.
func (c *crowd) refreshFromTabs(ctx context.Context) error {
	h := c.pick(&c.living, renews)
	if h == nil || !h.mu.TryLock() {
		return nil
	}
	defer h.mu.Unlock()
	token := h.tokens[len(h.tokens)-1]
	bought := make([]string, 2+rand.IntN(6))
	var tabs sync.WaitGroup
	for i := range bought {
		tabs.Go(func() {
			a, op, err := c.client.do(ctx, judge.Op{Kind: judge.Refresh, Session: h.session, Member: h.account.id, Presented: token},
				request{method: http.MethodPost, path: "/api/sessions/refresh", body: map[string]string{"refreshToken": token}})
			if err == nil && op.Status == http.StatusOK {
				bought[i] = a.RefreshToken
			}
		})
	}
	tabs.Wait()
	for _, next := range bought {
		if next != "" {
			h.tokens = append(h.tokens, next)
			break
		}
	}
	return nil
}

// replay is a thief with a token that was spent long ago.
func (c *crowd) replay(ctx context.Context) error {
	h := c.pick(&c.living, func(h *holder) bool { return len(h.tokens) >= 3 })
	if h == nil || !h.mu.TryLock() {
		return nil
	}
	defer h.mu.Unlock()
	return c.present(ctx, h, h.tokens[rand.IntN(len(h.tokens)-2)])
}

// refreshDead is a client that does not know yet that its session has ended.
func (c *crowd) refreshDead(ctx context.Context) error {
	h := c.pick(&c.dead, renews)
	if h == nil || !h.mu.TryLock() {
		return nil
	}
	defer h.mu.Unlock()
	return c.present(ctx, h, h.tokens[len(h.tokens)-1])
}

// refreshWhileRevoked lets a session be revoked while it is refreshed.
func (c *crowd) refreshWhileRevoked(ctx context.Context) error {
	h, by := c.pick(&c.living, renews), c.admin()
	if h == nil || by == nil || !by.account.mayEnd(h.account) {
		return nil
	}
	return c.meanwhile(ctx, h, func() error { return c.revokeAs(ctx, by, h) })
}

// refreshWhileAllRevoked lets everybody be signed out while one refreshes.
func (c *crowd) refreshWhileAllRevoked(ctx context.Context) error {
	h := c.pick(&c.living, renews)
	if h == nil {
		return nil
	}
	return c.meanwhile(ctx, h, func() error { return c.revokeAll(ctx) })
}

// meanwhile does something while the holder refreshes.
func (c *crowd) meanwhile(ctx context.Context, h *holder, do func() error) error {
	if !h.mu.TryLock() {
		return nil
	}
	refreshed := make(chan error, 1)
	go func() {
		defer h.mu.Unlock()
		refreshed <- c.present(ctx, h, h.tokens[len(h.tokens)-1])
	}()
	return errors.Join(do(), <-refreshed)
}

// inject searches the log for an action whose name would be SQL if it were run. There is no such
// action.
func (c *crowd) inject(ctx context.Context) error {
	h := c.admin()
	if h == nil {
		return nil
	}
	_, _, err := c.ask(ctx, h, judge.Op{Kind: judge.Search}, request{method: http.MethodGet, path: "/api/members?" + url.Values{"q": {"x')or(1=1)or('1'='"}}.Encode()})
	return err
}

func (c *crowd) readPolicy(ctx context.Context) error {
	h := c.admin()
	if h == nil {
		return nil
	}
	_, _, err := c.ask(ctx, h, judge.Op{Kind: judge.ReadPolicy}, request{method: http.MethodGet, path: "/api/settings/security"})
	return err
}

// savePolicy saves one of very many policies, none of which ends a session within the run.
func (c *crowd) savePolicy(ctx context.Context) error {
	h := c.admin()
	if h == nil {
		return nil
	}
	policy := map[string]any{
		"sessionLength":        map[string]any{"value": 24 + rand.IntN(8000), "unit": "hours"},
		"refreshAutomatically": rand.IntN(2) == 0,
		"maximumLifetime":      nil,
	}
	if rand.IntN(2) == 0 {
		policy["maximumLifetime"] = map[string]any{"value": 1 + rand.IntN(365), "unit": "days"}
	}
	_, _, err := c.ask(ctx, h, judge.Op{Kind: judge.SavePolicy}, request{method: http.MethodPut, path: "/api/settings/security", body: policy})
	return err
}

func (c *crowd) revoke(ctx context.Context) error {
	by, target := c.admin(), c.pick(&c.living, nil)
	if by == nil || target == nil || !by.account.mayEnd(target.account) {
		return nil
	}
	return c.revokeAs(ctx, by, target)
}

func (c *crowd) revokeAs(ctx context.Context, by, target *holder) error {
	_, op, err := c.ask(ctx, by, judge.Op{Kind: judge.Revoke, Target: target.session}, request{method: http.MethodDelete, path: "/api/sessions/" + target.session})
	if op.Status == http.StatusNoContent {
		c.bury(func(h *holder) bool { return h == target })
	}
	return err
}

func (c *crowd) signOut(ctx context.Context) error {
	h := c.pick(&c.living, nil)
	if h == nil {
		return nil
	}
	_, op, err := c.ask(ctx, h, judge.Op{Kind: judge.SignOut}, request{method: http.MethodDelete, path: "/api/session"})
	if op.Status == http.StatusNoContent {
		c.bury(func(other *holder) bool { return other == h })
	}
	return err
}

func (c *crowd) revokeMember(ctx context.Context) error {
	by, target := c.admin(), c.pick(&c.living, nil)
	if by == nil || target == nil || target.account.administers() {
		return nil
	}
	_, op, err := c.ask(ctx, by, judge.Op{Kind: judge.RevokeMember, Target: target.account.id},
		request{method: http.MethodPost, path: "/api/members/" + target.account.id + "/revoke-sessions"})
	if op.Status/100 == 2 {
		c.bury(func(h *holder) bool { return h.account.id == target.account.id })
	}
	return err
}

func (c *crowd) deactivate(ctx context.Context) error {
	by, target := c.admin(), c.pick(&c.living, nil)
	if by == nil || target == nil || target.account.administers() {
		return nil
	}
	c.mu.Lock()
	many := len(c.gone) > 3
	c.gone[target.account.id] = c.gone[target.account.id] || !many
	c.mu.Unlock()
	if many {
		return nil
	}
	_, op, err := c.ask(ctx, by, judge.Op{Kind: judge.Deactivate, Target: target.account.id},
		request{method: http.MethodPatch, path: "/api/members/" + target.account.id, body: map[string]any{"active": false}})
	if op.Status/100 == 2 {
		c.bury(func(h *holder) bool { return h.account.id == target.account.id })
	}
	return err
}

func (c *crowd) revokeAll(ctx context.Context) error {
	h := c.admin()
	if h == nil {
		return nil
	}
	return c.revokeAllAs(ctx, revocation{h.account, uuid.NewString()})
}

func (c *crowd) openRevocation() (revocation, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) == 0 {
		return revocation{}, false
	}
	first := c.open[0]
	c.open = c.open[1:]
	return first, true
}

func (c *crowd) reopen(r revocation) {
	c.mu.Lock()
	c.open = append(c.open, r)
	c.mu.Unlock()
}

// revokeAllAs asks under one key until it is known what came of it, and one time in three once more
// than that.
func (c *crowd) revokeAllAs(ctx context.Context, r revocation) error {
	h := c.pick(&c.living, func(h *holder) bool { return h.account == r.by })
	if h == nil {
		c.reopen(r)
		return c.signIn(ctx, r.by)
	}
	a, op, err := c.ask(ctx, h, judge.Op{Kind: judge.RevokeAll, Key: r.by.id + " " + r.key},
		request{method: http.MethodPost, path: "/api/sessions/revoke-all", key: r.key})
	if op.Status != http.StatusOK {
		c.reopen(r)
		return err
	}
	c.bury(func(other *holder) bool { return other.generation < a.Generation })
	if rand.IntN(3) == 0 {
		c.reopen(r)
	}
	return nil
}

// signPeopleIn keeps enough members signed in, among them an admin.
func (c *crowd) signPeopleIn(ctx context.Context) {
	const enough = 25
	for ctx.Err() == nil {
		c.mu.Lock()
		n := 0
		for _, h := range c.living {
			if renews(h) {
				n++
			}
		}
		c.mu.Unlock()
		who := c.deployment.accounts[rand.IntN(len(c.deployment.accounts))]
		if c.admin() == nil {
			who = c.deployment.accounts[0]
		}
		if n >= enough || c.isGone(who) {
			rest(ctx, 20*time.Millisecond)
			continue
		}
		if err := c.signIn(context.WithoutCancel(ctx), who); err != nil {
			rest(ctx, 2*time.Millisecond)
		}
	}
}

func (c *crowd) isGone(who account) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone[who.id]
}

func (c *crowd) signIn(ctx context.Context, who account) error {
	a, op, err := c.client.do(ctx, judge.Op{Kind: judge.SignIn}, request{method: http.MethodPost, path: "/api/sessions", body: map[string]string{
		"email": who.email, "password": password, "transport": "bearer",
	}})
	if err != nil {
		return err
	}
	if op.Status != http.StatusCreated {
		return fmt.Errorf("sign in: %d %s", op.Status, op.Code)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.living = append(c.living, &holder{session: a.Session.ID, account: who, access: a.AccessToken, tokens: []string{a.RefreshToken}, generation: a.Session.Generation})
	return nil
}
