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

// Echo links the chain of middleware for each request, so what a link needs is made outside of it.

// identify gives the request an id. A client's own id is not used: it could be anything.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header()[echo.HeaderXRequestID] = []string{rand.Text()}
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// observe measures answers for the metrics, if a monitoring system may read them, and logs a line
// for each at level debug. It logs no query strings and headers, which may hold secrets.
func (a *API) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		debugging := a.Log.Enabled(c.Request().Context(), slog.LevelDebug)
		if !debugging && a.MetricsToken == "" {
			return next(c)
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

// recoverPanics answers a panic as an error. Its stack is in the log, not in the answer.
var recoverPanics = middleware.RecoverWithConfig(middleware.RecoverConfig{
	DisableStackAll: true,
	LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
		return fmt.Errorf("panic: %w\n%s", err, stack)
	},
})

// secure are the headers of every answer, in the form of [http.Header]. Pages replace the policies
// that are for the API alone; replacing one leaves the list here as it is.
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

// endsInDoubt reports whether a proxy may have seen the request end elsewhere: it came in chunks,
// and may have had a Content-Length too, or in HTTP/1.0, which has no chunks. net/http does not
// keep which. What follows on the connection could be a smuggled request, so the connection is
// closed after the answer (RFC 9112, 6.1).
func endsInDoubt(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

var crossOrigin = http.NewCrossOriginProtection()

// refuseCrossOrigin keeps pages of other sites from using a browser's cookies (CSRF). It lets
// requests without a browser's headers pass.
func refuseCrossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := crossOrigin.Check(c.Request()); err != nil {
			return errors.Join(errCrossOrigin, err)
		}
		return next(c)
	}
}

// beforeAnswer is the failpoint where all is done and the answer is still in net/http's buffer. It
// is mounted for the harness of faults alone.
func beforeAnswer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		failpoint.At(c.Request().Method + " " + c.Path() + ", before the answer")
		return err
	}
}
