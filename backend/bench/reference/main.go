// Command reference is what Curfew is measured against: small servers that answer GET /api/session
// as Curfew does, and that admit a request by other means, or by none. Each is as fast as its
// documentation shows how to make it.
//
// A reference that issues credentials of its own writes them to a file, one a line.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/httpapi"
)

// accessCookie carries the credential to every reference, so that all requests have one shape.
const accessCookie = "__Host-curfew_access"

// options are what a kind may need.
type options struct {
	kind, listen, answer string
	// secrets is the file with the keys that Curfew signs tokens with.
	secrets string
	// database, sessions and issued are for kinds with sessions of their own: the file that keeps
	// them, how many there are, and the file that lists their credentials.
	database string
	sessions int
	issued   string
}

// kinds are the references. Each returns the middleware in front of the answer.
var kinds = map[string]func(context.Context, options) (echo.MiddlewareFunc, error){
	"bare":  bare,
	"hs256": hs256,
	"scs":   scsOnSQLite,
	"gorm":  gormRead,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.kind, "kind", "bare", "which reference to be")
	flag.StringVar(&o.listen, "listen", "", "address to serve on")
	flag.StringVar(&o.answer, "answer", "", "file with the headers and the body to answer")
	flag.StringVar(&o.secrets, "secrets", "", "file with Curfew's keys")
	flag.StringVar(&o.database, "database", "", "file to keep sessions in")
	flag.IntVar(&o.sessions, "sessions", 0, "how many sessions to begin")
	flag.StringVar(&o.issued, "issued", "", "file to write credentials to")
	flag.Parse()

	handler, err := newHandler(ctx, o)
	if err != nil {
		return err
	}
	return serve(ctx, o.listen, handler)
}

// newHandler makes the reference.
func newHandler(ctx context.Context, o options) (http.Handler, error) {
	prepare, known := kinds[o.kind]
	if !known {
		return nil, fmt.Errorf("there is no reference %q", o.kind)
	}
	guard, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	handler, err := repeat(o.answer)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.GET("/api/session", handler, guard)
	return e, nil
}

// repeat is the handler of all references: it sets the headers that Curfew sets, and encodes the
// same value of the same type. The lists of headers are made once, as Curfew's are.
func repeat(file string) (echo.HandlerFunc, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var model struct {
		Headers [][2]string             `json:"headers"`
		Body    *httpapi.CurrentSession `json:"body"`
	}
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	type list struct {
		name   string
		values []string
	}
	lists := make([]list, len(model.Headers))
	for i, header := range model.Headers {
		lists[i] = list{http.CanonicalHeaderKey(header[0]), []string{header[1]}}
	}
	return func(c echo.Context) error {
		headers := c.Response().Header()
		for _, l := range lists {
			headers[l.name] = l.values
		}
		return c.JSON(http.StatusOK, model.Body)
	}, nil
}

// bare admits every request.
func bare(context.Context, options) (echo.MiddlewareFunc, error) {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return next }, nil
}

// heapFloor is what package app adds to the heap of its server, so that garbage is collected less
// often. Without it a reference would be slower for another reason than its check.
const heapFloor = 32 << 20

// serve runs a server with the settings of package app.
func serve(ctx context.Context, address string, handler http.Handler) error {
	defer runtime.KeepAlive(make([]byte, heapFloor))
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
