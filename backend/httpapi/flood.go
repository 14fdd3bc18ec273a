package httpapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"curfew/backend/session"
	"curfew/backend/token"
)

// The refusal of a token that this deployment did not sign costs as much as one to three answers to
// members, so a flood of them would take most of the CPU. Its clients wait for each answer, so
// delaying the answers slows the flood down. It delays no member: a token that has expired or whose
// session has ended is a token of ours, and no token at all is not delayed either.
const (
	refusedAtOnce    = 1000
	refusedPerSecond = 250
	longestDelay     = time.Second
)

// delayRefusal returns the refusal, after a delay if it is of a token that this deployment did not
// sign and there are many of them.
func (a *API) delayRefusal(ctx context.Context, refusal error) error {
	foreign := slices.ContainsFunc([]error{token.ErrInvalid, session.ErrNoSession, session.ErrTokenNewer, session.ErrRefreshTokenInvalid},
		func(e error) bool { return errors.Is(refusal, e) })
	if !foreign || errors.Is(refusal, errNoToken) {
		return refusal
	}
	now := a.Now()
	turn := a.refusals.ReserveN(now, 1)
	delay := turn.DelayFrom(now)
	if delay > longestDelay {
		turn.CancelAt(now)
		delay = longestDelay
	}
	if delay > 0 {
		a.Sleep(ctx, delay)
	}
	return refusal
}

// Sleep waits until the time has passed or the context is done.
func Sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
