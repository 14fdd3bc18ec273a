package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/token"
)

// API answers the calls of openapi.yaml.
type API struct {
	Sessions *session.Service
	Members  *member.Service
	Tokens   *token.Keys
	// DeviceKey and CursorKey are secrets of the deployment.
	DeviceKey [32]byte
	CursorKey [32]byte
	// Ready returns nil when the database can be written.
	Ready func(context.Context) error
	// SetUp is called once the organization has its first owner.
	SetUp func(context.Context) error
	// TrustedProxies are the networks whose forwarding headers are believed; none by default.
	TrustedProxies []*net.IPNet
	Now            func() time.Time
	Log            *slog.Logger
}

// Mount puts the API and what every answer has in common on the server.
func (a *API) Mount(e *echo.Echo) {
	e.HTTPErrorHandler = a.answerError
	e.IPExtractor = addressOf(a.TrustedProxies)
	e.Use(identify, a.logRequests, a.recoverPanics, secureHeaders, echo.WrapMiddleware(refuseCrossOrigin))

	// Open to anybody.
	e.GET("/healthz", a.getHealth)
	e.GET("/readyz", a.getReadiness)
	e.GET("/api/openapi.json", a.getOpenAPI)
	e.GET("/api/docs", a.getDocs)
	e.GET("/api/setup", a.getSetup)
	e.POST("/api/setup", a.setUp)
	e.POST("/api/sessions", a.signIn)
	e.POST("/api/sessions/refresh", a.refreshSession)

	// Any member.
	e.GET("/api/session", a.member(a.getSession))
	e.DELETE("/api/session", a.member(a.signOut))
	e.POST("/api/session/reauthenticate", a.member(a.reauthenticate))
	e.GET("/api/sessions", a.member(a.listSessions))
	e.DELETE("/api/sessions/:id", a.member(a.revokeSession))
	e.POST("/api/sessions/revoke-others", a.member(a.revokeOtherSessions))

	// Who may see what concerns others.
	e.GET("/api/sessions/summary", a.overseer(a.getSessionSummary))
	e.GET("/api/settings/security", a.overseer(a.getSecuritySettings))

	// Who may change it.
	e.PUT("/api/settings/security", a.admin(a.putSecuritySettings))
	e.POST("/api/sessions/revoke-all", a.admin(a.revokeAllSessions))
}

func (a *API) getHealth(c echo.Context) error {
	return c.JSON(http.StatusOK, Health{Status: HealthStatusOk})
}

func (a *API) getReadiness(c echo.Context) error {
	if err := a.Ready(c.Request().Context()); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, Health{Status: HealthStatusOk})
}
