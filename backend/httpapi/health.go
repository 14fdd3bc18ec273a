package httpapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

func (a *API) getHealth(c echo.Context) error {
	return c.JSON(http.StatusOK, Health{Status: HealthStatusOk})
}

// readiness holds when the database was last found to be writable.
type readiness struct {
	// mu is held while the database is probed, so that one probe answers all who wait. It is taken
	// first of all locks.
	mu   sync.Mutex
	last time.Time
}

// getReadiness answers whether the database can be written. To find out takes a durable commit, and
// every client may ask, so the answer holds for a second.
func (a *API) getReadiness(c echo.Context) error {
	a.readiness.mu.Lock()
	defer a.readiness.mu.Unlock()
	now := a.Now()
	if now.Sub(a.readiness.last).Abs() >= time.Second {
		if err := a.Ready(c.Request().Context()); err != nil {
			return err
		}
		a.readiness.last = now
	}
	return a.getHealth(c)
}
