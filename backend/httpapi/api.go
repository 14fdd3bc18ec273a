package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"sync/atomic"
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

// Deps are what the API is made of.
type Deps struct {
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
	// Ready returns nil if the database can be written.
	Ready func(context.Context) error
	// SetUp is called once the organization has its first owner.
	SetUp func(context.Context) error
	// Backup writes a copy of the database to a file on the server's host, records the event, and
	// returns what is in the copy. It returns a [*FileError] for a file that it cannot write.
	Backup func(ctx context.Context, file string, replace bool, event audit.Event) (Backup, audit.Finding, error)
	// ClockAhead returns how far the clock of sessions is ahead of the machine's.
	ClockAhead func() time.Duration
	// AcceptTime sets the clock of sessions back to the machine's.
	AcceptTime func(context.Context) (session.Receipt, error)
	// FolderWritableBy reports who else than its owner can write the data folder: "group",
	// "everyone", or "" for no other.
	FolderWritableBy func() string
	// PublicURL is where browsers reach the server. Links are made from it, never from a request.
	PublicURL *url.URL
	// TrustedProxies are the networks whose forwarding headers are read.
	TrustedProxies []*net.IPNet
	Now            func() time.Time
	// Sleep is [Sleep], but in tests.
	Sleep func(context.Context, time.Duration)
	// Stream holds the times of a stream of events. Its patience is for exports too.
	Stream StreamTimes
	Log    *slog.Logger
	// Metrics are for a monitoring system that sends MetricsToken. If that is empty, they are only
	// for members who oversee others.
	Metrics      *metrics.Metrics
	MetricsToken string
}

// API answers the calls of openapi.yaml.
type API struct {
	Deps
	readiness readiness
	requests  map[call]*metrics.Requests
	refusals  *rate.Limiter
	// walks and readings limit what reads all sessions, or the whole audit log: see busy.go.
	walks, readings gate
	// began is when the API was made, and checked the last check of the chain since then.
	began   time.Time
	checked atomic.Pointer[AuditChain]
}

// New returns the API, ready to be mounted.
func New(deps Deps) *API {
	a := &API{
		Deps:     deps,
		began:    deps.Now(),
		refusals: rate.NewLimiter(refusedPerSecond, refusedAtOnce),
		walks:    newGate(max(1, runtime.GOMAXPROCS(0)-1), walksWaiting),
		readings: newGate(readingsAtOnce, 0),
	}
	a.Sessions.OnChange(a.announce)
	a.registerMetrics()
	return a
}

// Mount puts the API on the server that browsers and programs reach.
func (a *API) Mount(e *echo.Echo) {
	e.IPExtractor = addressOf(a.TrustedProxies, a.Log)
	e.Use(identify, a.observe, recoverPanics, secureHeaders, a.refuseOtherHosts, refuseCrossOrigin)
	if failpoint.Injected {
		e.Use(beforeAnswer)
	}
	a.mount(e, tcp, a.guarded)
}

// MountOperator puts the operator's calls on a server of their own. A caller who reaches it is the
// operator, so only the user who runs Curfew may reach it.
//
// No request over TCP becomes the operator's: which of the two guards a route has is decided here,
// when it is mounted, and by nothing in a request. A test calls every route at both doors.
func (a *API) MountOperator(e *echo.Echo) {
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(identify, a.observe, recoverPanics, secureHeaders)
	a.mount(e, socket, a.operated)
}
