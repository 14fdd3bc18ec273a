package member

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"curfew/backend/audit"
)

// Refusals are recorded, and strangers can cause any number of them. So the first few of a kind get
// an audit entry each. The others are counted and share one entry.

// maxRefusedAgent is how many bytes of a refused client's user agent are kept.
const maxRefusedAgent = 128

// countFor is how long refusals are counted before their number is written.
const countFor = time.Hour

// timeFormat is RFC 3339 with three digits of a second.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// RefusalCount counts the refusals of one kind about one target that got no entry of their own.
type RefusalCount struct {
	Action        audit.Action
	Wrong, Target string
	Count         int64
	// Since and Last are the times of the first and the last of them.
	Since, Last time.Time
}

// refuse records a refusal and returns its reason.
func (s *Service) refuse(ctx context.Context, m Member, origin Origin, action audit.Action, reason error) error {
	agent := origin.UserAgent[:min(len(origin.UserAgent), maxRefusedAgent)]
	event := audit.Event{
		At: s.now(), Action: action, Actor: audit.Anonymous, Address: origin.Address,
		Details: map[string]any{"userAgent": strings.ToValidUTF8(agent, "")},
	}
	wrong := ""
	switch {
	case errors.Is(reason, ErrBadCode):
		wrong = wrongCode
	case errors.Is(reason, ErrSecondFactorRequired):
		wrong = noCode
	case errors.Is(reason, ErrBadPasskey):
		wrong = "passkey"
	}
	if wrong != "" {
		event.Details["wrong"] = wrong
	}
	if m != (Member{}) {
		event.Target = "member:" + m.ID.String()
	}
	if err := s.store.RecordRefusal(context.WithoutCancel(ctx), event, entryBuckets(action, wrong, event.Target, origin.Address)); err != nil {
		return fmt.Errorf("record refusal: %w", err)
	}
	return reason
}

// WriteRefusals writes the counts of refusals that are an hour old into the audit log. It is
// background work, to be called every minute or so.
func (s *Service) WriteRefusals(ctx context.Context) error {
	now := s.now()
	err := s.store.WriteRefusals(ctx, now.Add(-countFor), now, func(c RefusalCount) audit.Event {
		details := map[string]any{"count": c.Count, "since": c.Since.UTC().Format(timeFormat), "until": c.Last.UTC().Format(timeFormat)}
		if c.Wrong != "" {
			details["wrong"] = c.Wrong
		}
		// The time is that of writing, because the clock continues from the newest entry after a
		// restart (R7).
		return audit.Event{At: now, Action: c.Action, Actor: audit.Anonymous, Target: c.Target, Details: details}
	})
	return during("write counts of refusals", err)
}
