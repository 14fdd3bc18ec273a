package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// Streams of events run over a real connection: here, time is the machine's.

// event is one server-sent event.
type event struct{ name, data string }

// stream is a connection that listens to events.
type stream struct {
	h      *deployment
	events chan event
	leave  context.CancelFunc
}

// listen opens a stream with the client's credentials.
func (c *client) listen() *stream {
	t := c.h.t
	t.Helper()
	server := httptest.NewServer(c.h.echo)
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave) // before the server closes, which waits for its connections
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/events", nil)
	require.NoError(t, err)
	for name, value := range c.cookies {
		request.Header.Add("Cookie", name+"="+value)
	}
	if c.access != "" {
		request.Header.Set("Authorization", "Bearer "+c.access)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	s := &stream{h: c.h, events: make(chan event, 100), leave: leave}
	go func() {
		defer close(s.events)
		defer response.Body.Close() //nolint:errcheck // a test does not wait for it
		var e event
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				e.name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				e.data = line[len("data: "):]
			case line == "" && e.name != "":
				if e.name != "beat" {
					s.events <- e
				}
				e = event{}
			}
		}
	}()
	return s
}

// next waits for the next event of that name and reads its data. Events of sessions.changed come
// whenever they may, and are passed over.
func (s *stream) next(name string, data any) {
	s.h.t.Helper()
	for {
		select {
		case e, open := <-s.events:
			require.True(s.h.t, open, "the stream ended before %s", name)
			if e.name == "sessions.changed" && name != e.name {
				continue
			}
			require.Equal(s.h.t, name, e.name, e.data)
			decoder := json.NewDecoder(strings.NewReader(e.data))
			decoder.DisallowUnknownFields()
			require.NoError(s.h.t, decoder.Decode(data))
			return
		case <-time.After(5 * time.Second):
			require.FailNow(s.h.t, "no event", name)
		}
	}
}

// requireEnd waits for the end of the stream, which brings nothing more.
func (s *stream) requireEnd() {
	s.h.t.Helper()
	select {
	case e, open := <-s.events:
		require.False(s.h.t, open, "%v", e)
	case <-time.After(5 * time.Second):
		require.FailNow(s.h.t, "the stream goes on")
	}
}

// TestAStreamTellsHowItsSessionEnded also holds every way in which a session can end against the
// one function through which they do.
//
// ASVS 7.4.1
func TestAStreamTellsHowItsSessionEnded(t *testing.T) {
	for reason, end := range map[httpapi.EndReason]func(h *deployment, c *client){
		httpapi.EndReasonSignedOut: func(_ *deployment, c *client) { c.clone().delete("/api/session").requireStatus(http.StatusNoContent) },
		httpapi.EndReasonRevoked: func(h *deployment, c *client) {
			h.browser(member.Admin).delete("/api/sessions/" + c.id()).requireStatus(http.StatusNoContent)
		},
		httpapi.EndReasonRevokedMember: func(h *deployment, c *client) {
			h.browser(member.Admin).post("/api/members/"+c.requireLive().Member.Id+"/revoke-sessions", nil).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonMemberDeactivated: func(h *deployment, c *client) {
			h.browser(member.Admin).do(http.MethodPatch, "/api/members/"+c.requireLive().Member.Id, map[string]bool{"active": false}).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonRevokedAll: func(h *deployment, _ *client) {
			h.browser(member.Owner).post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonCredentialChanged: func(h *deployment, _ *client) {
			h.browser(member.Plain).put("/api/account/password", map[string]string{
				"currentPassword": password, "newPassword": "another good long password",
			}).requireStatus(http.StatusOK)
		},
		httpapi.EndReasonTokenReuse: func(_ *deployment, c *client) {
			thief := c.clone()
			c.renew().requireStatus(http.StatusOK)
			c.renew().requireStatus(http.StatusOK)
			thief.renew().requireProblem(http.StatusUnauthorized, "session_revoked")
		},
		httpapi.EndReasonExpired: func(h *deployment, _ *client) { h.clock.advance(15 * 24 * time.Hour) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			h := open(t, options{})
			c := h.browser(member.Plain)
			s := c.listen()
			end(h, c.clone())

			var told httpapi.Problem
			s.next("session.ended", &told)
			require.Equal(t, http.StatusUnauthorized, told.Status)
			require.NotNil(t, told.Ended)
			require.Equal(t, reason, told.Ended.Reason)
			s.requireEnd()

			var answered httpapi.Problem
			c.renew().into(http.StatusUnauthorized, &answered)
			answered.RequestId = told.RequestId
			require.Equal(t, answered, told, "the same as every request is told")
		})
	}
}

func TestAStreamIsNoAccess(t *testing.T) {
	h := open(t, options{})
	c := h.program(member.Plain)
	before := c.requireLive().Session
	h.clock.advance(time.Hour)
	c.keep(c.post("/api/sessions/refresh", httpapi.RefreshRequest{RefreshToken: &c.refresh}, passive).signedIn(http.StatusOK))
	s := c.listen()
	h.clock.advance(14*24*time.Hour - time.Hour - time.Second)
	var warned httpapi.Expiring
	s.next("session.expiring", &warned)
	h.clock.advance(time.Second)
	var told httpapi.Problem
	s.next("session.ended", &told)
	require.Equal(t, before.ExpiresAt, told.Ended.At)
}

func TestAStreamTellsOfThePolicy(t *testing.T) {
	h := open(t, options{})
	s := h.browser(member.Plain).listen()
	var saved, told httpapi.SecuritySettings
	h.browser(member.Admin).put("/api/settings/security", map[string]any{
		"sessionLength": map[string]any{"value": 3, "unit": "days"}, "refreshAutomatically": true, "maximumLifetime": nil,
	}).into(http.StatusOK, &saved)
	s.next("policy.changed", &told)
	require.Equal(t, saved, told)
}

func TestAStreamWarnsBeforeTheEndAndAgainAfterAnAccess(t *testing.T) {
	h := open(t, options{})
	c := h.program(member.Plain)
	s := c.listen()
	for range 2 {
		h.clock.advance(14*24*time.Hour - 4*time.Minute)
		var warned httpapi.Expiring
		s.next("session.expiring", &warned)
		require.LessOrEqual(t, warned.ExpiresIn, int64(240))
		require.Equal(t, h.clock.Now().Add(4*time.Minute), warned.ExpiresAt)
		c.renew().requireStatus(http.StatusOK) // an access
		require.Equal(t, h.clock.Now().Add(14*24*time.Hour), c.requireLive().ExpiresAt)
		h.waitForALook()
	}
}

// waitForALook gives every stream the time to look after its session once more.
func (h *deployment) waitForALook() {
	h.t.Helper()
	s := h.browser(member.Owner).listen()
	defer s.leave()
	var nothing struct{}
	for range 20 {
		h.stranger().signIn(member.Auditor)
		s.next("sessions.changed", &nothing)
	}
}

func TestOnlyOverseersHearOfOthersSessions(t *testing.T) {
	h := open(t, options{})
	overseer, plain := h.browser(member.Auditor).listen(), h.browser(member.Plain).listen()
	h.browser(member.Owner)
	var nothing struct{}
	overseer.next("sessions.changed", &nothing)
	h.browser(member.Owner).post("/api/sessions/revoke-all", nil).requireStatus(http.StatusOK)
	e := <-plain.events
	require.Equal(t, "session.ended", e.name, "the first thing that a plain member hears")
}

// TestAMemberHasABoundedNumberOfStreams: more sessions are no way to more streams than that.
func TestAMemberHasABoundedNumberOfStreams(t *testing.T) {
	h := open(t, options{})
	var streams []*stream
	for range httpapi.ListenersPerMember / 8 {
		c := h.browser(member.Plain)
		for range 8 {
			streams = append(streams, c.listen())
		}
	}
	another := h.browser(member.Plain)
	another.get("/api/events").requireProblem(http.StatusTooManyRequests, "too_many_streams")
	h.browser(member.Admin).listen() // others have their own
	streams[0].leave()
	streams[0].requireEnd()
	require.Eventually(t, func() bool {
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		return another.send(http.MethodGet, "/api/events", nil, func(r *request) { r.ctx = ctx }).StatusCode == http.StatusOK
	}, 5*time.Second, 10*time.Millisecond)
}

func TestAStreamIsRefusedWhereTooManyAreOpen(t *testing.T) {
	h := open(t, options{})
	c := h.browser(member.Plain)
	streams := make([]*stream, httpapi.ListenersPerSession)
	for i := range streams {
		streams[i] = c.listen()
	}
	c.get("/api/events").requireProblem(http.StatusTooManyRequests, "too_many_streams")
	streams[0].leave()
	streams[0].requireEnd()
	require.Eventually(t, func() bool {
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		return c.send(http.MethodGet, "/api/events", nil, func(r *request) { r.ctx = ctx }).StatusCode == http.StatusOK
	}, 5*time.Second, 10*time.Millisecond)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	h := open(t, options{})
	s := h.browser(member.Plain).listen()
	h.live.Close()
	s.requireEnd()
	h.browser(member.Plain).listen().requireEnd()
}

func TestAListenerWhoNeverReadsIsLetGo(t *testing.T) {
	h := open(t, options{patience: 50 * time.Millisecond})
	c := h.browser(member.Plain)
	server := httptest.NewUnstartedServer(h.echo)
	small := func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1)
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1)
		})
	}
	listener, err := (&net.ListenConfig{Control: small}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	connection, err := (&net.Dialer{Control: small}).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	_, err = connection.Write([]byte("GET /api/events HTTP/1.1\r\nHost: curfew.example.org\r\nCookie: " + accessCookie + "=" + c.cookies[accessCookie] + "\r\n\r\n"))
	require.NoError(t, err)

	topic := "session:" + c.id()
	require.Eventually(t, func() bool { return h.live.Count(topic) == 1 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return h.live.Count(topic) == 0 }, 20*time.Second, 5*time.Millisecond, "the stream still waits for it")
}
