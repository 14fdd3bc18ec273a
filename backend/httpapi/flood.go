package httpapi

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"curfew/backend/session"
	"curfew/backend/token"
)

// A token that is none of ours is refused at the cost of one to three honest requests, so thousands of them a second take the time of many. But
// whoever sends them waits for the answers before sending more, so only so many of these are given in a second, and the others come later. It
// holds up nobody who was ever let in: a token that has expired, or whose session has ended, is one of ours; and none at all is no token.
const (
	refusedAtOnce    = 1000
	refusedPerSecond = 250
	longestHold      = time.Second
)

func newFloodgate() *rate.Limiter { return rate.NewLimiter(refusedPerSecond, refusedAtOnce) }

// turnAway returns the refusal. That of a token which is none of ours it holds back while there are too many.
func (a *API) turnAway(ctx context.Context, refusal error) error {
	switch {
	case errors.Is(refusal, token.ErrInvalid), errors.Is(refusal, session.ErrNoSession), errors.Is(refusal, session.ErrRefreshTokenInvalid):
		now := a.Now()
		turn := a.floodgate.ReserveN(now, 1)
		hold := turn.DelayFrom(now)
		if hold > longestHold {
			turn.CancelAt(now)
			hold = longestHold
		}
		if hold > 0 {
			a.Hold(ctx, hold)
		}
	}
	return refusal
}

// withoutToken returns the refusal of a request that no one token could be read from. That there is none at all is no flood.
func (a *API) withoutToken(ctx context.Context, refusal error) error {
	if errors.Is(refusal, session.ErrNoSession) {
		return refusal
	}
	return a.turnAway(ctx, refusal)
}

// Hold lets so much time pass, or less where the context is done before.
func Hold(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
