package httpapi

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"curfew/backend/session"
)

// errBusy is returned while a gate and its queue are full.
var errBusy = errors.New("too many walks at once")

// gate limits how many callers run at once. Some of the others wait, the rest are refused.
type gate struct{ places, waiting chan struct{} }

func newGate(places, waiting int) gate {
	return gate{make(chan struct{}, places), make(chan struct{}, waiting)}
}

// A walk through memory is short and keeps a CPU busy, so one CPU is left free, and others wait for
// their turn. Exports and checks of the chain may last minutes, so they have places of their own,
// and no queue.
const (
	walksWaiting   = 32
	readingsAtOnce = 4
)

// enter waits for a place, which the caller must leave. It returns [errBusy], or the context's
// error if the client leaves first. The operator needs no place.
func (g gate) enter(ctx context.Context, who session.Principal) (leave func(), err error) {
	if who.IsOperator() {
		return func() {}, nil
	}
	leave = func() { <-g.places }
	select {
	case g.places <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return nil, errBusy
	}
	select {
	case g.places <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// walking runs a handler that reads all sessions or members in a place of the gate.
func (a *API) walking(next principalHandler) principalHandler {
	return func(c echo.Context, who session.Principal) error {
		leave, err := a.walks.enter(c.Request().Context(), who)
		if err != nil {
			return err
		}
		defer leave()
		return next(c, who)
	}
}
