package httpapi_test

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/store"
)

// TestWhatWalksThroughEverythingIsBounded fills the places for walks with lists of members that the
// store does not answer. More lists wait for their turn, the others are refused, and no other
// request waits for them.
func TestWhatWalksThroughEverythingIsBounded(t *testing.T) {
	disk := &stalling{entered: make(chan struct{}, 100), release: make(chan struct{})}
	h := open(t, options{storage: func(db *store.DB) storage { disk.DB = db; return disk }})
	admin, plain, theirs, auditor := h.browser(member.Admin), h.program(member.Plain), h.program(member.Plain), h.program(member.Auditor)
	auditor.requireLive()
	disk.stalls.Store(true)

	let := runtime.GOMAXPROCS(0) - 1 + 32
	if runtime.GOMAXPROCS(0) == 1 {
		let++
	}
	calls := []func() *answer{
		func() *answer {
			return auditor.send(http.MethodPost, "/api/settings/security/preview", policy(1, "hours", true))
		},
		func() *answer { return auditor.send(http.MethodGet, "/api/sessions?scope=all", nil) },
		func() *answer { return auditor.send(http.MethodGet, "/api/sessions/summary", nil) },
		func() *answer { return auditor.send(http.MethodGet, "/api/sessions/counts", nil) },
		func() *answer { return auditor.send(http.MethodGet, "/api/members", nil) },
	}
	const more = 27
	answers := make(chan *answer, let+more)
	for range let + more {
		go func() { answers <- calls[len(calls)-1]() }()
	}
	for range more {
		(<-answers).requireProblem(http.StatusServiceUnavailable, "busy")
	}
	for _, call := range calls {
		a := call()
		a.requireContract()
		a.requireProblem(http.StatusServiceUnavailable, "busy")
		require.Equal(t, "2", a.Header.Get("Retry-After"))
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		h.stranger().get(path).requireStatus(http.StatusOK)
	}
	plain.requireLive()
	plain.renew().requireStatus(http.StatusOK)
	admin.get("/api/session").requireStatus(http.StatusOK)
	auditor.get("/api/settings/security").requireStatus(http.StatusOK)
	admin.delete("/api/sessions/" + theirs.id()).requireStatus(http.StatusNoContent)
	theirs.get("/api/session").requireStatus(http.StatusUnauthorized)
	h.browser(member.Owner).requireLive()

	disk.stalls.Store(false)
	close(disk.release)
	for range let {
		require.Equal(t, http.StatusOK, (<-answers).StatusCode)
	}
	for _, call := range calls {
		call().requireStatus(http.StatusOK)
	}
}

// TestLongReadingsAreBounded: four exports and checks of the chain at once; a fifth is refused, and
// a client who leaves makes room.
func TestLongReadingsAreBounded(t *testing.T) {
	disk := &stalling{entered: make(chan struct{}), release: make(chan struct{})}
	h := open(t, options{storage: func(db *store.DB) storage { disk.DB = db; return disk }})
	admin, auditor := h.browser(member.Admin), h.program(member.Auditor)
	disk.stalls.Store(true)
	ctx, leave := context.WithCancel(t.Context())
	answers := make(chan *answer, 4)
	for i, target := range []string{"/api/audit?format=csv", "/api/audit?format=jsonl", "/api/audit/chain", "/api/audit/chain"} {
		go func() {
			answers <- auditor.send(http.MethodGet, target, nil, func(r *request) {
				if i == 3 {
					r.ctx = ctx
				}
			})
		}()
		<-disk.entered
	}
	for _, target := range []string{"/api/audit?format=csv", "/api/audit/chain"} {
		auditor.get(target).requireProblem(http.StatusServiceUnavailable, "busy")
	}
	auditor.get("/api/audit").requireStatus(http.StatusOK)
	auditor.requireLive()
	admin.post("/api/sessions/revoke-others", nil).requireStatus(http.StatusOK)

	leave()
	require.Equal(t, http.StatusServiceUnavailable, (<-answers).StatusCode)
	disk.stalls.Store(false)
	auditor.get("/api/audit/chain").requireStatus(http.StatusOK)
	close(disk.release)
	for range 3 {
		require.Equal(t, http.StatusOK, (<-answers).StatusCode)
	}
}

// stalling is the real store, which finishes no list of members, export or check of the chain until
// it is released.
type stalling struct {
	*store.DB
	stalls           atomic.Bool
	entered, release chan struct{}
}

func (d *stalling) stall(ctx context.Context) {
	if d.stalls.Load() {
		d.entered <- struct{}{}
		select {
		case <-ctx.Done():
		case <-d.release:
		}
	}
}

func (d *stalling) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	if filter.Limit == 501 && filter.Before == (audit.Place{}) {
		d.stall(ctx)
	}
	return d.DB.Entries(ctx, filter)
}

func (d *stalling) Members(ctx context.Context, query member.Query) ([]member.Details, member.Counts, error) {
	d.stall(ctx)
	return d.DB.Members(ctx, query)
}

func (d *stalling) LastReceipt(ctx context.Context) (int64, error) {
	d.stall(ctx)
	return d.DB.LastReceipt(ctx)
}
