package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

// How many streams may be open: for a session, more than a browser opens; for a member, as many as
// two sessions.
const (
	ListenersPerSession = 16
	ListenersPerMember  = 32
)

// StreamTimes are the intervals of a stream of events.
type StreamTimes struct {
	// Heartbeat is the interval at which a quiet stream checks its session and sends a beat. That
	// keeps proxies from closing the stream, and lets server and client notice that the other is
	// gone. It is an event, because scripts do not see comments.
	Heartbeat time.Duration
	// Patience is how long one write may wait for a client that does not read.
	Patience time.Duration
	// Pace is the least interval between two events sessions.changed.
	Pace time.Duration
}

// DefaultStreamTimes are short enough for proxies, which close a connection after 30 or 60 quiet
// seconds.
var DefaultStreamTimes = StreamTimes{Heartbeat: 20 * time.Second, Patience: 10 * time.Second, Pace: time.Second}

// warning is how long before its end a session is expiring, or half of its length if that is less.
const warning = 5 * time.Minute

// The topics of the hub.
const (
	everybody = "everybody"
	overseers = "overseers"
)

func topicOfSession(id session.ID) string { return "session:" + id.String() }
func topicOfMember(id member.ID) string   { return "member:" + id.String() }

// announce wakes the affected listeners. Its caller holds the lock of changes, so the wake-up runs
// in a goroutine of its own.
func (a *API) announce(change session.Change) {
	topics := []string{overseers}
	if change.Everybody {
		topics = append(topics, everybody)
	}
	for _, id := range change.Sessions {
		topics = append(topics, topicOfSession(id))
	}
	for _, id := range change.Members {
		topics = append(topics, topicOfMember(id))
	}
	go a.Live.Wake(topics...)
}

// listenToEvents streams what happens to the client's session. A wake-up carries no news: the
// stream checks the session again, which is not an access (rule R2), and sends what has changed.
func (a *API) listenToEvents(c echo.Context, who session.Principal) error {
	listener, err := a.Live.Listen(topicOfSession(who.Session.ID), topicOfMember(who.Member.ID), overseers, everybody)
	if err != nil {
		return err
	}
	defer listener.Close()

	events, err := a.beginEvents(c)
	if err != nil {
		return err
	}
	var (
		ctx     = c.Request().Context()
		told    = who.Organization.Version
		warned  bool
		changed bool
		quiet   <-chan time.Time // delays sessions.changed until it fires
	)
	for {
		// The first check comes after Listen, so that no change is missed between them.
		now, err := a.Sessions.Admit(ctx, who.Session.ID, 0, session.Passive)
		if err != nil {
			return events.end(err, requestID(c))
		}
		if version := now.Organization.Version; version != told {
			told = version
			if err := events.send("policy.changed", wireSettings(*now.Organization)); err != nil {
				return err
			}
		}
		left, lead := now.ExpiresAt.Sub(a.Now()), min(warning, now.Organization.Policy.Length.Duration()/2)
		if expiring := left <= lead; expiring != warned {
			if warned = expiring; expiring {
				if err := events.send("session.expiring", Expiring{ExpiresAt: now.ExpiresAt, ExpiresIn: seconds(left)}); err != nil {
					return err
				}
			}
		}
		if changed && quiet == nil {
			changed, quiet = false, time.After(a.Stream.Pace)
			if now.Member.Role.Oversees() {
				if err := events.send("sessions.changed", struct{}{}); err != nil {
					return err
				}
			}
		}

		next := left // the end itself
		if !warned {
			next -= lead
		}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-listener.Woken:
			if !open {
				return nil // the server stops; the client connects to the next one
			}
			changed = true
		case <-quiet:
			quiet = nil
		case <-time.After(max(time.Millisecond, min(a.Stream.Heartbeat, next))):
			if err := events.send("beat", struct{}{}); err != nil {
				return err
			}
		}
	}
}

// end sends the last event of a stream. After a storage failure there is none: the session
// may be alive, and the client connects again.
func (s *eventStream) end(err error, request string) error {
	var ended *session.EndedError
	if !errors.As(err, &ended) && !errors.Is(err, session.ErrNoSession) {
		return err
	}
	p := problemFor(err)
	p.RequestId = request
	return s.send("session.ended", p.Problem)
}

// eventStream writes server-sent events (WHATWG HTML, 9.2).
type eventStream struct{ deadlineWriter }

func (a *API) beginEvents(c echo.Context) (*eventStream, error) {
	s := &eventStream{a.deadlineWriter(c)}
	// The server's deadline is for requests that end.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // or nginx buffers events
	c.Response().WriteHeader(http.StatusOK)
	return s, s.tell("retry: 1000\n\n")
}

func (s *eventStream) send(event string, data any) error {
	encoded, err := json.Marshal(data, written)
	if err != nil {
		return err
	}
	return s.tell(fmt.Sprintf("event: %s\ndata: %s\n\n", event, encoded))
}

func (s *eventStream) tell(text string) error {
	if _, err := io.WriteString(s, text); err != nil {
		return err
	}
	return s.control.Flush()
}
