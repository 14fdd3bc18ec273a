package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"curfew/backend/config"
	"curfew/backend/failpoint"
	"curfew/backend/httpapi"
	"curfew/backend/live"
	"curfew/backend/mail"
	"curfew/backend/member"
	"curfew/backend/metrics"
	"curfew/backend/session"
	"curfew/backend/spa"
	"curfew/backend/store"
	"curfew/backend/token"
)

// App is one running deployment.
type App struct {
	config config.Config
	log    *slog.Logger
	limits *lineLimits
	folder *DataFolder
	db     *store.DB
	// kept is the secret that a backup carries, see [token.Secrets].
	kept []byte
	// clock is the time that sessions are judged by.
	clock    *session.Clock
	sessions *session.Service
	tokens   *token.Keys
	live     *live.Hub
	members  *member.Service
	metrics  *metrics.Metrics
	// server is for the network, and operator for the command line; see operator.go.
	server, operator *http.Server
	// SetupURL is the page that sets the organization up, with the one-time token; empty
	// afterwards.
	SetupURL string
}

// New opens the data folder and builds the server on it. Its errors are for the operator: one line
// that says what to do.
func New(ctx context.Context, cfg config.Config, web fs.FS, log *slog.Logger) (*App, error) {
	return newApp(ctx, cfg, web, log, store.Open)
}

// errStopped replaces a library's error for a context that was cancelled.
var errStopped = errors.New("told to stop before it had begun; nothing was changed")

func newApp(ctx context.Context, cfg config.Config, web fs.FS, log *slog.Logger, open openStore) (*App, error) {
	folder, err := OpenDataFolder(cfg.Data)
	if err != nil {
		return nil, err
	}
	log, limits := limitLog(log)
	a := &App{config: cfg, log: log, limits: limits, folder: folder, metrics: metrics.New()}
	if others := folder.writableBy(); others != "" {
		a.log.Warn("the data folder can be written by others than its owner", "path", cfg.Data, "by", others)
	}
	if err := a.build(ctx, web, open); err != nil {
		var said *store.UnusableError
		if ctx.Err() != nil && !errors.As(err, &said) {
			err = errStopped
		}
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// openStore is [store.Open], or [store.OpenCurrent].
type openStore func(ctx context.Context, path string, log *slog.Logger) (*store.DB, error)

// build creates the services and mounts them. Without web, the built pages, it mounts nothing for
// the network.
func (a *App) build(ctx context.Context, web fs.FS, openStore openStore) (err error) {
	if a.db, err = openStore(ctx, a.folder.database(), a.log); err != nil {
		return err
	}
	secrets, err := token.LoadSecrets(a.folder.secrets(), time.Now())
	if err != nil {
		return err
	}
	a.kept = secrets.Kept
	newest, err := a.db.NewestTime(ctx)
	if err != nil {
		return err
	}
	wall := failpoint.Wall()
	a.clock = session.SystemClock(wall, newest)
	a.watchClock()
	if a.tokens, err = token.NewKeys(secrets.Access(a.config.AccessTokenLifetime), a.clock.Now); err != nil {
		return err
	}
	if a.sessions, err = session.New(ctx, a.db, a.clock.Now, secrets.Derive("refresh tokens")); err != nil {
		return err
	}
	if a.members, err = a.openMembers(ctx, a.clock.Now, wall, secrets.DeriveKept("second factors")); err != nil {
		return err
	}
	a.live = live.NewHub(httpapi.ListenersPerSession, httpapi.ListenersPerMember)
	var mailer *mail.Sender
	if a.config.Mail != nil {
		mailer = mail.New(*a.config.Mail)
	}
	api := httpapi.New(httpapi.Deps{
		Sessions:         a.sessions,
		Members:          a.members,
		Tokens:           a.tokens,
		Audit:            a.db,
		Live:             a.live,
		Mail:             mailer,
		DeviceKey:        secrets.Derive("known devices"),
		CursorKey:        secrets.Derive("cursors"),
		Ready:            a.db.Ready,
		SetUp:            a.setUp,
		Backup:           a.backup,
		ClockAhead:       a.clock.Ahead,
		AcceptTime:       a.acceptTime,
		FolderWritableBy: a.folder.writableBy,
		PublicURL:        a.config.PublicURL,
		TrustedProxies:   a.config.TrustedProxies,
		Now:              a.clock.Now,
		Sleep:            httpapi.Sleep,
		Stream:           httpapi.DefaultStreamTimes,
		Log:              a.log,
		Metrics:          a.metrics,
		MetricsToken:     a.config.MetricsToken,
	})
	a.operator = a.newServer(api.MountOperator)
	if web == nil {
		return nil
	}
	return a.mount(api, web)
}

// mount creates the server for the network.
func (a *App) mount(api *httpapi.API, web fs.FS) error {
	pages, err := spa.New(web)
	if err != nil {
		return err
	}
	a.server = a.newServer(func(e *echo.Echo) {
		api.Mount(e)
		e.GET("/*", pages.Serve)
		e.HEAD("/*", pages.Serve)
	})
	return nil
}

func (a *App) newServer(mount func(*echo.Echo)) *http.Server {
	e := echo.New()
	e.Logger.SetOutput(io.Discard) // everything that matters goes to slog
	mount(e)
	return &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// betweenClockWarnings is the time between warnings that the machine's clock is behind.
const betweenClockWarnings = 5 * time.Minute

// watchClock warns if the machine's clock is more than a minute behind the clock that sessions are
// judged by.
func (a *App) watchClock() {
	if ahead := a.clock.Ahead(); ahead > time.Minute {
		a.log.Warn("the machine's clock is behind the newest time on record, by which sessions live", "behind", ahead.Round(time.Second))
	}
}

// acceptTime makes the clock follow the machine's again.
func (a *App) acceptTime(ctx context.Context) (session.Receipt, error) {
	return a.sessions.AcceptTime(ctx, a.clock)
}

// openMembers opens the member service. Until the organization is set up, it creates a one-time
// token for that.
func (a *App) openMembers(ctx context.Context, now, wall func() time.Time, key [32]byte) (*member.Service, error) {
	done, err := a.db.HasMembers(ctx)
	if err != nil {
		return nil, err
	}
	if done {
		if err := a.folder.forgetSetupToken(); err != nil {
			return nil, fmt.Errorf("remove the used set-up token: %w", err)
		}
		return member.New(a.db, a.sessions, member.Options{Now: now, Wall: wall, Key: key, PublicURL: a.config.PublicURL})
	}
	setupToken, err := a.folder.ensureSetupToken()
	if err != nil {
		return nil, err
	}
	link := *a.config.PublicURL
	link.Path = "/setup"
	link.Fragment = url.Values{"token": {setupToken}}.Encode() // a fragment reaches no server and no log
	a.SetupURL = link.String()
	return member.New(a.db, a.sessions, member.Options{Now: now, Wall: wall, SetupToken: setupToken, Key: key, PublicURL: a.config.PublicURL})
}

// setUp runs once the organization has its first owner.
func (a *App) setUp(ctx context.Context) error {
	return errors.Join(a.folder.forgetSetupToken(), a.sessions.Reload(ctx))
}

// betweenCheckpoints is how long the write-ahead log grows. A page that is written every second is
// folded in once in that time.
const betweenCheckpoints = 4 * time.Second

// Serve runs until the context is done. Then it lets requests finish, and writes what is only in
// memory.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	defer runtime.KeepAlive(make([]byte, heapFloor))
	work, ctx := errgroup.WithContext(ctx)
	if operator := a.listenOperator(ctx); operator != nil {
		work.Go(func() error { return serve(a.operator, operator) })
	}
	work.Go(func() error { return serve(a.server, listener) })
	work.Go(func() error {
		<-ctx.Done()
		return a.shutDown(context.WithoutCancel(ctx))
	})
	background := func(interval time.Duration, name string, job func(context.Context) error) {
		work.Go(func() error { a.repeat(ctx, interval, name, job); return nil })
	}
	background(time.Second, "writing touches", a.sessions.Flush)
	background(time.Second, "the sweep", a.sweep)
	background(time.Minute, "counts of the day", a.sessions.CountDay)
	background(time.Minute, "counts of refusals", a.members.WriteRefusals)
	background(betweenCheckpoints, "the checkpoint", a.db.Checkpoint)
	background(betweenClockWarnings, "watching the clock", func(context.Context) error { a.watchClock(); return nil })
	background(betweenCounts, "telling of lines left out", func(context.Context) error { a.limits.report(); return nil })
	if _, chosen := os.LookupEnv("GOGC"); !chosen {
		background(time.Second, "pacing the garbage collector", a.paceCollector)
	}
	err := work.Wait()
	if err := a.sessions.Flush(context.WithoutCancel(ctx)); err != nil {
		a.log.Error("the last touches could not be written; these sessions may end a little early", "error", err)
	}
	return err
}

func serve(server *http.Server, listener net.Listener) error {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// farewell is how long requests may take to finish once the server is told to stop.
const farewell = 10 * time.Second

func (a *App) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	a.live.Close() // streams would run for as long as their listeners like
	return errors.Join(stop(ctx, a.server), stop(ctx, a.operator))
}

func stop(ctx context.Context, server *http.Server) error {
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still running: %w", err), server.Close())
	}
	return nil
}

// sweep runs batches of the sweep until none is left. After each batch it rests for 39 times as
// long as that took, so that it uses at most one fortieth of one processor: to close the rows of a
// million revoked sessions takes about four minutes.
func (a *App) sweep(ctx context.Context) error {
	for {
		began := time.Now()
		more, err := a.sessions.Sweep(ctx)
		if !more || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(39 * time.Since(began)):
		}
	}
}

// repeat runs the work at every interval until the context is done. It logs the first failure of a
// row.
func (a *App) repeat(ctx context.Context, interval time.Duration, name string, work func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := work(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			a.log.Error("work in the background failed; nothing is lost, and it is tried again", "work", name, "error", err)
		}
		failing = err != nil
		a.metrics.Failing(name, failing)
	}
}

// Close closes the database and unlocks the data folder.
func (a *App) Close() error {
	var errs []error
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	a.limits.report()
	return errors.Join(append(errs, a.folder.Close())...)
}
