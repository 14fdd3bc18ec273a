package httpapi

import (
	"context"
	"errors"
	"runtime"

	"github.com/labstack/echo/v4"

	"curfew/backend/session"
)

// errBusy says that as much is being done already as is done at once.
var errBusy = errors.New("too much is walked through at once")

// gate lets in so many callers at once. Of the others some wait, and the rest are refused.
type gate struct{ places, waiting chan struct{} }

func newGate(places, waiting int) gate {
	return gate{make(chan struct{}, places), make(chan struct{}, waiting)}
}

// Walks through memory are short and keep a processor busy: one processor is left to everything
// else, and a page's next preview can wait for its turn. Exports and checks of the chain last as
// long as the log is long, so they have places of their own, and nothing waits for them.
func newWalks() gate    { return newGate(max(1, runtime.GOMAXPROCS(0)-1), walksWaiting) }
func newReadings() gate { return newGate(readingsAtOnce, 0) }

const (
	walksWaiting   = 32
	readingsAtOnce = 4
)

// enter waits for a place, which the caller has to leave. It returns [errBusy], or the context's
// error if the client leaves before. The operator needs none.
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

// walking is for handlers that walk through all sessions or members.
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
