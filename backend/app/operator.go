package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"curfew/backend/config"
	"curfew/backend/httpapi"
	"curfew/backend/store"
)

// maxSocketPath is the longest path, in bytes, that fits into a Unix socket address on every
// supported system.
const maxSocketPath = 100

// listenOperator listens for the command line on a socket in the data folder. Only the user who
// runs the server can open it, so every caller is the operator. If it fails, the error is logged
// and the server runs without it.
func (a *App) listenOperator(ctx context.Context) net.Listener {
	path := a.folder.socket()
	if len(path) > maxSocketPath {
		a.log.Error("the command line cannot reach this server: the path of its socket is too long; name the data folder by a shorter path, or a relative one",
			"path", path, "bytes", len(path), "most", maxSocketPath)
		return nil
	}
	listener, err := listenPrivate(ctx, path)
	if err != nil {
		a.log.Error("the command line cannot reach this server", "error", err)
		return nil
	}
	return listener
}

// listenPrivate listens on a socket that only this user can open. It replaces an existing socket:
// the data folder is locked, so that one is left from a server that was killed.
func listenPrivate(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	before := syscall.Umask(0o177) // a chmod afterwards would leave a moment for others to connect
	defer syscall.Umask(before)
	return (&net.ListenConfig{}).Listen(ctx, "unix", path)
}

// OperatorClient calls the API as the operator: through the server that runs on the data folder or,
// if none does, through the same handlers in this process. It must be closed.
type OperatorClient struct {
	client *http.Client
	// app is nil if a server runs.
	app *App
}

// serverPatience is how long to wait for a server that is starting or stopping, or for another
// command.
const serverPatience = 5 * time.Second

// OpenOperatorClient connects to the server that runs on the data folder, or opens the folder
// itself. With readOnly, a folder of an older schema is refused and not upgraded. Its errors are
// for the operator.
func OpenOperatorClient(ctx context.Context, cfg config.Config, log *slog.Logger, readOnly bool) (*OperatorClient, error) {
	open := store.Open
	if readOnly {
		open = store.OpenCurrent
	}
	for begun := time.Now(); ; {
		client, err := dialServer(ctx, socketIn(cfg.Data))
		if client != nil || err != nil {
			return client, err
		}
		if !hasDatabase(cfg.Data) {
			return nil, fmt.Errorf("there is no database in %s; name the data folder of the deployment with --data", cfg.Data)
		}
		a, err := newApp(ctx, cfg, nil, log, open)
		if err == nil {
			return a.inProcess(), nil
		}
		if !errors.Is(err, errInUse) {
			return nil, err
		}
		if time.Since(begun) > serverPatience {
			return nil, fmt.Errorf("data folder %s %w, which does not answer at its socket, curfew.sock; see its log, or stop it first", cfg.Data, errInUse)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// hasDatabase reports whether the folder has a database, or a restored one that is not in its place
// yet.
func hasDatabase(folder string) bool {
	_, err := os.Stat(databaseIn(folder))
	if err != nil {
		_, err = os.Stat(databaseIn(restoredIn(folder)))
	}
	return err == nil
}

// dialServer returns a client of the running server, or nil if none answers at the socket.
func dialServer(ctx context.Context, path string) (*OperatorClient, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the server cannot be reached: %w; run this as the user that runs Curfew", err)
	}
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // any other error means that no server listens
	}
	if err := conn.Close(); err != nil {
		return nil, err
	}
	return &OperatorClient{client: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// inProcess returns a client of the handlers in this process. It owns the app.
func (a *App) inProcess() *OperatorClient {
	dial := func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go a.operator.Serve(&connListener{Conn: there}) //nolint:errcheck // it ends at once, its connection later
		return here, nil
	}
	return &OperatorClient{client: &http.Client{Transport: &http.Transport{DialContext: dial}}, app: a}
}

// connListener is a [net.Listener] that accepts one connection. [http.Server.Serve] returns after
// that, and the connection is still served.
type connListener struct {
	net.Conn
	accepted bool
}

// Accept implements [net.Listener].
func (l *connListener) Accept() (net.Conn, error) {
	if l.accepted {
		return nil, io.EOF
	}
	l.accepted = true
	return l.Conn, nil
}

// Close implements [net.Listener]. It leaves the connection open.
func (l *connListener) Close() error { return nil }

// Addr implements [net.Listener].
func (l *connListener) Addr() net.Addr { return l.LocalAddr() }

// UpgradedFrom returns the schema from which opening the folder upgraded it, or 0 if it did not.
func (c *OperatorClient) UpgradedFrom() int64 {
	if c.app == nil {
		return 0
	}
	return c.app.db.UpgradedFrom()
}

// Close closes the connection and, if no server runs, the data folder.
func (c *OperatorClient) Close() error {
	c.client.CloseIdleConnections()
	if c.app == nil {
		return nil
	}
	return errors.Join(c.app.operator.Close(), c.app.Close())
}

// RefusedError is the problem that a call was answered with.
type RefusedError struct{ Problem httpapi.Problem }

func (e *RefusedError) Error() string {
	if e.Problem.Errors == nil {
		return e.Problem.Detail
	}
	var advice []string
	for _, field := range *e.Problem.Errors {
		advice = append(advice, field.Field+": "+field.Message)
	}
	return strings.Join(advice, " ")
}

// Call sends a request, with the body as JSON if it is not nil, and ifMatch as the entity tags of
// If-Match. It returns the body of the answer, which must be closed, or a [*RefusedError] if the
// answer is a problem.
func (c *OperatorClient) Call(ctx context.Context, method, target string, body any, ifMatch ...string) (io.ReadCloser, error) {
	var encoded bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&encoded).Encode(body); err != nil {
			return nil, fmt.Errorf("encode the call: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://curfew"+target, &encoded)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, tag := range ifMatch {
		request.Header.Add("If-Match", tag)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the server did not answer: %w", err)
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer.Body, nil
	}
	refused := &RefusedError{}
	err = json.NewDecoder(answer.Body).Decode(&refused.Problem)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("the server answered %s, and this program cannot read the rest of the answer: %w", answer.Status, err)
	}
	return nil, refused
}
