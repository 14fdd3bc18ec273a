package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"curfew/backend/faults/judge"
)

// recorder keeps what clients did, by one clock for all of them.
type recorder struct {
	begun time.Time
	mu    sync.Mutex
	ops   []judge.Op
}

// now is by the monotonic clock, which no fault touches.
func (r *recorder) now() time.Duration { return time.Since(r.begun) }

func (r *recorder) keep(op judge.Op) {
	r.mu.Lock()
	r.ops = append(r.ops, op)
	r.mu.Unlock()
}

// client makes requests and records what came of them.
type client struct {
	http     *http.Client
	base     string
	recorder *recorder
}

func newClient(address string, r *recorder) *client {
	return &client{recorder: r, base: "http://" + address, http: &http.Client{
		Timeout:   15 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}}
}

// answer is every field of an answer that the harness looks at.
type answer struct {
	Session struct {
		ID         string `json:"id"`
		MemberID   string `json:"memberId"`
		Generation int    `json:"generation"`
	} `json:"session"`
	Member struct {
		ID string `json:"id"`
	} `json:"member"`
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`

	Generation int `json:"generation"`

	Version       int     `json:"version"`
	SessionLength *length `json:"sessionLength"`
	Refresh       bool    `json:"refreshAutomatically"`
	Maximum       *length `json:"maximumLifetime"`

	Items []json.RawMessage `json:"items"`

	Code string `json:"code"`

	expiresIn string
}

type length struct {
	Value int64  `json:"value"`
	Unit  string `json:"unit"`
}

// request is what to ask for.
type request struct {
	method, path string
	token        string
	cookie       bool // the token travels as a browser's cookie
	passive      bool
	body         any
	key          string
}

// errNotSent is given for a request that found no connection, so that no byte of it left.
var errNotSent = errors.New("no server listens")

// do makes the request, and records the op with what came of it. A request that was never sent is
// no op.
func (c *client) do(ctx context.Context, op judge.Op, r request) (answer, judge.Op, error) {
	var body io.Reader
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return answer{}, op, err
		}
		body = bytes.NewReader(raw)
	}
	// The transport retries some requests by itself: that the last try found no server does not
	// mean that no earlier one did.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	q, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return answer{}, op, err
	}
	if r.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	switch {
	case r.cookie:
		q.Header.Set("Cookie", "__Host-curfew_access="+r.token)
	case r.token != "":
		q.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.passive {
		q.Header.Set("Curfew-Passive", "true")
	}
	if r.key != "" {
		q.Header.Set("Idempotency-Key", r.key)
	}

	op.Call = c.recorder.now()
	status, header, raw, err := c.exchange(q)
	op.Return = c.recorder.now()
	if err != nil && !connected.Load() {
		return answer{}, op, errNotSent
	}
	var a answer
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &a)
	}
	if err != nil {
		op.Return = judge.Never
		c.recorder.keep(op)
		return answer{}, op, nil //nolint:nilerr // that there is no answer is what is recorded
	}
	op.Status, op.Code = status, a.Code
	op.RetryAfter = header.Get("Retry-After") != ""
	op.Cleared = header.Get("Clear-Site-Data") != "" || strings.Contains(strings.Join(header.Values("Set-Cookie"), " "), "Max-Age=0")
	a.expiresIn = header.Get("Curfew-Session-Expires-In")
	if op.Status/100 == 2 {
		note(&op, a)
	}
	c.recorder.keep(op)
	return a, op, nil
}

// note puts into the op what its kind's answer says.
func note(op *judge.Op, a answer) {
	switch op.Kind {
	case judge.SignIn:
		op.Session, op.Member, op.Generation, op.Got = a.Session.ID, a.Member.ID, a.Session.Generation, a.RefreshToken
	case judge.Refresh:
		op.Subject, op.SubjectMember, op.Generation, op.Got = a.Session.ID, a.Member.ID, a.Session.Generation, a.RefreshToken
	case judge.Use, judge.Probe:
		op.Subject, op.SubjectMember = a.Session.ID, a.Member.ID
	case judge.Search:
		op.Items = len(a.Items)
	case judge.RevokeAll:
		op.Generation = a.Generation
	case judge.SavePolicy, judge.ReadPolicy:
		op.Version = a.Version
		if a.SessionLength == nil {
			op.Policy = "none"
			return
		}
		var most *int64
		var unit *string
		if a.Maximum != nil {
			most, unit = &a.Maximum.Value, &a.Maximum.Unit
		}
		op.Policy = policyText(a.SessionLength.Value, a.SessionLength.Unit, a.Refresh, most, unit)
	case judge.SignOut, judge.Revoke, judge.RevokeMember, judge.Deactivate:
	}
}

// exchange sends the request and reads the whole answer.
func (c *client) exchange(q *http.Request) (status int, header http.Header, raw []byte, err error) {
	response, err := c.http.Do(q)
	if err != nil {
		return 0, nil, nil, err
	}
	raw, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, raw, errors.Join(err, response.Body.Close())
}
