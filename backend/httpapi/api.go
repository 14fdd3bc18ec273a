package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"curfew/backend/audit"
	"curfew/backend/failpoint"
	"curfew/backend/live"
	"curfew/backend/mail"
	"curfew/backend/member"
	"curfew/backend/metrics"
	"curfew/backend/session"
	"curfew/backend/token"
)

// API answers the calls of openapi.yaml.
type API struct {
	Sessions *session.Service
	Members  *member.Service
	Tokens   *token.Keys
	Audit    audit.Store
	Live     *live.Hub
	// Mail sends one-time links; nil where no mail server is configured.
	Mail *mail.Sender
	// DeviceKey and CursorKey are secrets of the deployment.
	DeviceKey [32]byte
	CursorKey [32]byte
	// Ready returns nil when the database can be written.
	Ready func(context.Context) error
	// SetUp is called once the organization has its first owner.
	SetUp func(context.Context) error
	// Backup writes a copy of the database to a file on the server's host, records the event, and tells what is in the copy. It refuses a
	// file that it cannot write with a [*FileError].
	Backup func(ctx context.Context, file string, replace bool, event audit.Event) (Backup, audit.Finding, error)
	// ClockAhead returns how far the clock that sessions live by is ahead of the machine's, and AcceptTime has it follow that again.
	ClockAhead func() time.Duration
	AcceptTime func(context.Context) (session.Receipt, error)
	// FolderWritableBy reports who else than its owner can write the data folder: "group", "everyone", or "" for no other.
	FolderWritableBy func() string
	// PublicURL is where browsers reach the server. Links come from it alone, and never from a request's headers.
	PublicURL *url.URL
	// TrustedProxies are the networks whose forwarding headers are believed; none by default.
	TrustedProxies []*net.IPNet
	Now            func() time.Time
	// Hold lets time pass: [Hold].
	Hold func(context.Context, time.Duration)
	// Stream is the times of a stream of events. Its patience holds for an export too.
	Stream StreamTimes
	Log    *slog.Logger
	// Metrics are what a monitoring system is told that shows the MetricsToken; where that is empty, only people are.
	Metrics      *metrics.Metrics
	MetricsToken string

	readiness readiness
	counted   counted
	inputs    map[route]input
	floodgate *rate.Limiter
	// walks and readings hold what walks through everything: see busy.go.
	walks, readings gate
}

// Mount puts the API and what every answer has in common on the server.
func (a *API) Mount(e *echo.Echo) {
	e.HTTPErrorHandler = a.answerError
	e.JSONSerializer = jsonSerializer{}
	e.IPExtractor = addressOf(a.TrustedProxies, a.Log)
	a.Sessions.OnChange(a.announce)
	a.floodgate = newFloodgate()
	a.walks, a.readings = newWalks(), newReadings()
	e.Use(identify, a.observe, recoverPanics, secureHeaders, a.refuseOtherHosts, refuseCrossOrigin)
	if failpoint.Injected {
		e.Use(beforeAnswer)
	}

	// HEAD is GET without the body (RFC 9110, 9.3.2), which net/http leaves out.
	get := func(path string, handler echo.HandlerFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
	}

	// Open to anybody.
	get("/healthz", a.open(a.getHealth))
	get("/readyz", a.open(a.getReadiness))
	get("/api/openapi.json", a.open(a.getOpenAPI))
	get("/api/docs", a.open(a.getDocs))
	get("/api/setup", a.open(a.getSetup))
	e.POST("/api/setup", a.open(a.setUp))
	e.POST("/api/sessions", a.open(a.signIn))
	e.POST("/api/sessions/refresh", a.open(a.refreshSession))
	e.POST("/api/sessions/passkey", a.open(a.signInByPasskey))
	e.POST("/api/passkeys/challenge", a.open(a.challengePasskey))
	e.POST("/api/invitations/accept", a.open(a.acceptInvitation))

	// Any session, one that lacks a second factor which the organization demands too.
	get("/api/session", a.anySession(a.getSession))
	e.DELETE("/api/session", a.anySession(a.signOut))
	e.POST("/api/session/reauthenticate", a.anySession(a.reauthenticate))
	e.POST("/api/session/reauthenticate/passkey", a.anySession(a.reauthenticateByPasskey))
	get("/api/account/second-factor", a.anySession(a.getSecondFactor))
	e.PUT("/api/account/second-factor", a.anySession(a.putSecondFactor))
	e.POST("/api/account/second-factor/enrolment", a.anySession(a.enrolSecondFactor))
	e.POST("/api/account/passkeys", a.anySession(a.registerPasskey))
	e.POST("/api/account/passkey-challenge", a.anySession(a.beginPasskeyRegistration))
	e.GET(streamPath, a.listener(a.listenToEvents))

	// Any member.
	get("/api/sessions", a.member(a.listSessions))
	e.DELETE("/api/sessions/:id", a.member(a.revokeSession))
	e.POST("/api/sessions/revoke-others", a.member(a.revokeOtherSessions))
	e.PATCH("/api/account", a.member(a.renameAccount))
	e.PUT("/api/account/password", a.member(a.changePassword))
	e.DELETE("/api/account/second-factor", a.member(a.removeSecondFactor))
	e.POST("/api/account/second-factor/recovery-codes", a.member(a.renewRecoveryCodes))
	get("/api/account/passkeys", a.member(a.listPasskeys))
	e.DELETE("/api/account/passkeys/:id", a.member(a.removePasskey))
	get("/api/account/activity", a.member(a.listActivity))
	get("/api/account/notices", a.member(a.listNotices))
	e.POST("/api/account/notices/dismiss", a.member(a.dismissNotices))

	// Who may see what concerns others.
	get("/api/sessions/summary", a.overseer(a.walking(a.getSessionSummary)))
	get("/api/members", a.overseer(a.walking(a.listMembers)))
	get("/api/members/:id", a.overseer(a.getMember))
	get("/api/audit", a.overseer(a.listAudit))
	get("/api/audit/chain", a.overseer(a.getAuditChain))
	get("/api/settings/security", a.overseer(a.getSecuritySettings))
	e.POST("/api/settings/security/preview", a.overseer(a.walking(a.previewSecuritySettings)))
	get("/api/settings/sign-in", a.overseer(a.getSignInSettings))
	get("/metrics", a.scraper(a.getMetrics)) // and a monitoring system

	// Who may change it.
	e.PUT("/api/settings/security", a.admin(a.putSecuritySettings))
	e.PUT("/api/settings/sign-in", a.admin(a.putSignInSettings))
	e.PUT("/api/settings/organization", a.admin(a.putOrganization))
	e.POST("/api/sessions/revoke", a.admin(a.revokeSessions))
	e.POST("/api/sessions/revoke-all", a.admin(a.revokeAllSessions))
	e.POST("/api/members", a.admin(a.inviteMember))
	e.PATCH("/api/members/:id", a.admin(a.changeMember))
	e.DELETE("/api/members/:id", a.admin(a.removeMember))
	e.POST("/api/members/:id/revoke-sessions", a.admin(a.revokeMemberSessions))
	e.POST("/api/members/:id/link", a.admin(a.issueMemberLink))
	e.DELETE("/api/members/:id/second-factor", a.admin(a.removeMemberFactors))

	a.expectInputs(e)
	a.countSessions()
	a.countRequests(e)
}

func (a *API) getHealth(c echo.Context) error {
	return c.JSON(http.StatusOK, Health{Status: HealthStatusOk})
}

func (a *API) getReadiness(c echo.Context) error {
	if err := a.writable(c.Request().Context()); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, Health{Status: HealthStatusOk})
}

// readiness is when the database was last found to be writable.
type readiness struct {
	// mu is held while the database is probed, so that one probe answers all who wait. It is taken
	// first of all locks.
	mu   sync.Mutex
	last time.Time
}

// writable returns nil when the database can be written. To find out takes a durable commit, and anybody may ask: so the answer holds for a
// second, or the probes of strangers would stand in line before a revocation.
func (a *API) writable(ctx context.Context) error {
	a.readiness.mu.Lock()
	defer a.readiness.mu.Unlock()
	now := a.Now()
	if now.Sub(a.readiness.last).Abs() < time.Second {
		return nil
	}
	if err := a.Ready(ctx); err != nil {
		return err
	}
	a.readiness.last = now
	return nil
}
