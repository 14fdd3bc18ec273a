package httpapi

import (
	"crypto/subtle"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/metrics"
	"curfew/backend/session"
)

// scraper lets in a monitoring system that shows the operator's token, which opens nothing else, and besides whoever may see what concerns
// others.
func (a *API) scraper(next echo.HandlerFunc) echo.HandlerFunc {
	person := a.overseer(func(c echo.Context, _ session.Principal) error { return next(c) })
	return func(c echo.Context) error {
		presented, err := accessToken(c.Request())
		if err == nil && a.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(presented), []byte(a.MetricsToken)) == 1 {
			return a.open(next)(c)
		}
		return person(c)
	}
}

func (a *API) getMetrics(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderContentType, metrics.ContentType)
	c.Response().WriteHeader(http.StatusOK)
	a.Metrics.Write(c.Response()) // whoever has gone meanwhile needs no error
	return nil
}

// countSessions adds what there is to tell of sessions, which is asked for whenever somebody looks.
func (a *API) countSessions() {
	a.Metrics.Gauge("curfew_sessions", func() float64 {
		return float64(a.Sessions.Figures(a.Now()).Live.Sessions)
	})
	a.Metrics.Gauge("curfew_members_signed_in", func() float64 {
		return float64(a.Sessions.Figures(a.Now()).Live.Members)
	})
	a.Metrics.Gauge("curfew_clock_ahead_seconds", func() float64 { return a.ClockAhead().Seconds() })
	a.Metrics.Gauge("curfew_generation", func() float64 { return float64(a.Sessions.Organization().Generation) })
}

// counted are the requests of each route that is mounted.
type counted struct {
	routes map[route]*metrics.Requests
	others *metrics.Requests // pages, and what is no route at all
}

type route struct{ method, path string }

// countRequests counts those of each route that is mounted by now.
func (a *API) countRequests(e *echo.Echo) {
	if a.counted.routes == nil {
		a.counted = counted{map[route]*metrics.Requests{}, a.Metrics.Requests("other", "other")}
	}
	for _, r := range e.Routes() {
		if r.Method == http.MethodHead {
			continue // counted as GET is
		}
		key := route{r.Method, r.Path}
		if _, known := a.counted.routes[key]; !known && r.Path != streamPath {
			a.counted.routes[key] = a.Metrics.Requests(r.Method, r.Path)
		}
	}
}

// requestsOf are those of a route; nil for those that are not counted, because they take as long as somebody listens.
func (a *API) requestsOf(method, path string) *metrics.Requests {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if requests, known := a.counted.routes[route{method, path}]; known {
		return requests
	}
	if path == streamPath {
		return nil
	}
	return a.counted.others
}
