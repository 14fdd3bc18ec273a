package session

import (
	"context"
	"fmt"
	"time"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// DayCount is what one day came to.
type DayCount struct {
	// Day is its midnight, UTC.
	Day time.Time
	// Live counts what was signed in at the last count of the day, or now.
	Live    Count
	SignIns int
}

// DaysShown is how many days Days goes back, today included.
const DaysShown = 30

// CountDay writes the counts of today. Background work calls it every minute, and the last call of
// a day stays.
func (s *Service) CountDay(ctx context.Context) error {
	roster, _, now, err := s.live()
	if err != nil {
		return err
	}
	sessions, members := roster.count()
	today, err := s.today(ctx, now, Count{sessions, members})
	if err != nil {
		return err
	}
	return during("save the counts of the day", s.store.SaveDay(ctx, today))
}

// Days returns the last days that are on record, the oldest first. The last one is today, with the
// given count of live sessions. A day on which no server ran is missing.
func (s *Service) Days(ctx context.Context, live Count) ([]DayCount, error) {
	today, err := s.today(ctx, s.now(), live)
	if err != nil {
		return nil, err
	}
	days, err := s.store.Days(ctx, today.Day.AddDate(0, 0, 1-DaysShown), today.Day.AddDate(0, 0, -1))
	if err != nil {
		return nil, fmt.Errorf("read the counts of days: %w", err)
	}
	return append(days, today), nil
}

func (s *Service) today(ctx context.Context, now time.Time, live Count) (DayCount, error) {
	day := now.UTC().Truncate(24 * time.Hour)
	count, err := s.store.SignIns(ctx, day)
	return DayCount{Day: day, Live: live, SignIns: count}, during("count sign-ins", err)
}

// Dismiss records that an admin dismissed a hint of the overview.
func (s *Service) Dismiss(ctx context.Context, who Principal, kind string) error {
	by := who.Caller()
	_, err := s.commit(ctx, by, func(ctx context.Context) (Effect, error) {
		event := by.Event(s.now(), audit.HintDismissed, "organization", map[string]any{"kind": kind})
		return Effect{}, s.store.Dismiss(ctx, by, member.Requirement{Administers: true}, event)
	})
	return during("dismiss a hint", err)
}
