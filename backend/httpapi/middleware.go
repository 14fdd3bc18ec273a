package httpapi

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"curfew/backend/failpoint"
)

// Echo puts the chain together anew for every request: what a link needs is made outside of it.

// identify gives the request an id of our own making: one that a client sends could be anything.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header()[echo.HeaderXRequestID] = []string{rand.Text()}
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// observe tells the metrics how long the answer took, where a monitoring system asks for that, and writes one line for it when the log's level
// is debug. Query strings and headers stay out of that: they may hold secrets.
func (a *API) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		debugging := a.Log.Enabled(c.Request().Context(), slog.LevelDebug)
		if !debugging && a.MetricsToken == "" {
			return next(c) // to measure takes a thirtieth of the rate, for nobody
		}
		begun := time.Now() //nolint:forbidigo // how long it took, not when it was
		if err := next(c); err != nil {
			a.answerError(err, c)
		}
		took := time.Since(begun) //nolint:forbidigo // as above
		if requests := a.requestsOf(c.Request().Method, c.Path()); requests != nil {
			requests.Took(c.Response().Status, took)
		}
		if debugging {
			a.Log.Debug("request", "method", c.Request().Method, "path", c.Request().URL.Path, "status", c.Response().Status,
				"latency", took, "address", c.RealIP(), "request", requestID(c))
		}
		return nil
	}
}

// recoverPanics answers a panic as an error, with its stack in the log and not in the answer.
var recoverPanics = middleware.RecoverWithConfig(middleware.RecoverConfig{
	DisableStackAll: true,
	LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
		return fmt.Errorf("panic: %w\n%s", err, stack)
	},
})

// secure are the headers of every answer, made once in the form in which [http.Header] keeps them; what belongs to the API alone is kept off
// the pages by their own policy. Who sets one of them anew replaces its list, and leaves this one as it is.
var secure = []struct {
	name   string // in its canonical form
	values []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Strict-Transport-Security", []string{"max-age=31536000"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'; sandbox"}},
	{"Cache-Control", []string{"no-store"}},
}

func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for _, header := range secure {
			h[header.name] = header.values
		}
		if endsInDoubt(c.Request()) {
			h.Set("Connection", "close")
		}
		return next(c)
	}
}

// endsInDoubt tells that a proxy in front may have seen the request end elsewhere: it came in chunks, and might have had a Content-Length as
// well, or in HTTP/1.0, which knows no chunks and might have had them. Which it was cannot be known any more, because net/http keeps only the
// length that it went by. What follows on the connection could be a request that was hidden in this one, so the connection ends with its
// answer (RFC 9112, 6.1).
func endsInDoubt(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

var crossOrigin = http.NewCrossOriginProtection()

// refuseCrossOrigin keeps other sites' pages from using a browser's cookies (CSRF). Requests without a browser's headers pass.
func refuseCrossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := crossOrigin.Check(c.Request()); err != nil {
			return errors.Join(errCrossOrigin, err)
		}
		return next(c)
	}
}

// beforeAnswer is the point at which everything is done and the answer has not gone out: it waits in net/http's buffer until the handler
// returns. It is mounted for the harness of faults alone.
func beforeAnswer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		failpoint.At(c.Request().Method + " " + c.Path() + ", before the answer")
		return err
	}
}
