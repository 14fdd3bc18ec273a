package httpapi_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// crowd are strangers that guess at many accounts without a rest.
type crowd struct {
	hashed atomic.Int64
	busy   atomic.Int64
	stop   chan struct{}
	all    sync.WaitGroup
}

const (
	accounts = 1000
	// hashing is how long a hash takes by the clock of the tests, which goes by hashes here. In
	// truth they are cheaper.
	hashing = 50 * time.Millisecond
)

func (h *deployment) crowd(connections int, address func(i int64) string) *crowd {
	c := &crowd{stop: make(chan struct{})}
	var next atomic.Int64
	for range connections {
		c.all.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				i := next.Add(1)
				switch h.at(address(i)).send(http.MethodPost, "/api/sessions", guess(anyone(int(i%accounts)))).StatusCode {
				case http.StatusUnauthorized:
					c.hashed.Add(1)
					h.clock.advance(hashing)
				case http.StatusServiceUnavailable:
					c.busy.Add(1)
					time.Sleep(time.Millisecond) // a round trip, or they would only keep the test's own processors busy
				}
			}
		})
	}
	h.t.Cleanup(func() {
		close(c.stop)
		c.all.Wait()
	})
	return c
}

// TestACrowdKeepsNoOwnerOut: 192 connections from 256 networks keep the queue for hashes full. An
// owner on a known device signs in within two tries, and at a new address within a minute.
func TestACrowdKeepsNoOwnerOut(t *testing.T) {
	h := open(t, options{})
	hash, err := argon2id.CreateHash("another", &argon2id.Params{Memory: 16 << 10, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	h.populate(accounts, hash)
	known := h.at("192.0.2.1").signIn(member.Owner)
	h.exec("UPDATE sessions SET address = '192.0.2.2'") // so that it is the device that is known, and not the address
	connections, networks := 192, int64(256)
	if testing.Short() {
		connections, networks = 96, 64
	}
	crowd := h.crowd(connections, func(i int64) string { return fmt.Sprintf("2001:db8:%x::1", i%networks) })
	require.Eventually(t, func() bool { return crowd.busy.Load() > 100 }, time.Minute, time.Millisecond)

	owner := credentials(member.Owner, "cookie")
	for i := range 2 {
		began := h.clock.Now()
		for h.at(fmt.Sprintf("198.51.100.%d", i)).post("/api/sessions", owner).StatusCode != http.StatusCreated {
			require.Less(t, h.clock.Now().Sub(began), time.Minute)
			again := h.clock.Now().Add(2 * time.Second) // as Retry-After says
			require.Eventually(t, func() bool { return h.clock.Now().After(again) }, time.Minute, time.Millisecond)
		}
		t.Logf("at a new address after %s; by then %d were hashed and %d refused", h.clock.Now().Sub(began), crowd.hashed.Load(), crowd.busy.Load())
	}
	for range 5 {
		device := h.at("203.0.113.1")
		device.cookies[deviceCookie] = known.cookies[deviceCookie]
		a := device.post("/api/sessions", owner)
		if a.StatusCode == http.StatusServiceUnavailable {
			a = device.post("/api/sessions", owner)
		}
		a.requireStatus(http.StatusCreated)
		known.renew().requireStatus(http.StatusOK)
		known.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: password}).requireStatus(http.StatusOK)
	}
	before := crowd.busy.Load()
	require.Eventually(t, func() bool { return crowd.busy.Load() > before+100 }, time.Minute, time.Millisecond, "the crowd is still there")
}
