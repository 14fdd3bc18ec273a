package httpapi

import (
	"context"
	"crypto/subtle"
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/metrics"
	"curfew/backend/session"
)

// hasMetricsToken reports whether a monitoring system made the request.
func (a *API) hasMetricsToken(r *http.Request) bool {
	presented, err := accessToken(r)
	return err == nil && a.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(presented), []byte(a.MetricsToken)) == 1
}

func (a *API) getMetrics(c echo.Context, _ session.Principal) error {
	c.Response().Header().Set(echo.HeaderContentType, metrics.ContentType)
	c.Response().WriteHeader(http.StatusOK)
	a.Metrics.Write(c.Response()) // an error means that the client left
	return nil
}

// registerMetrics registers the gauges.
func (a *API) registerMetrics() {
	live := func(count func(session.Count) int) func() float64 {
		return func() float64 {
			figures, err := a.Sessions.Figures(context.Background(), a.Now())
			if err != nil {
				return math.NaN()
			}
			return float64(count(figures.Live))
		}
	}
	a.Metrics.Gauge("curfew_sessions", live(func(c session.Count) int { return c.Sessions }))
	a.Metrics.Gauge("curfew_members_signed_in", live(func(c session.Count) int { return c.Members }))
	a.Metrics.Gauge("curfew_clock_ahead_seconds", func() float64 { return a.ClockAhead().Seconds() })
	a.Metrics.Gauge("curfew_generation", func() float64 { return float64(a.Sessions.Organization().Generation) })
	a.requests = map[call]*metrics.Requests{{}: a.Metrics.Requests("other", "other")}
}

// countRequests has the requests of a route counted, which both doors may have.
func (a *API) countRequests(c call) {
	if a.requests[c] == nil {
		a.requests[c] = a.Metrics.Requests(c.method, c.path)
	}
}

// requestsOf returns the metrics of a route's requests; nil for the stream, which lasts as long as
// the client listens. Pages, and what is not a route, are counted together.
func (a *API) requestsOf(method, path string) *metrics.Requests {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if requests, known := a.requests[call{method, path}]; known || path == streamPath {
		return requests
	}
	return a.requests[call{}]
}
