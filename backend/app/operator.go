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
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"curfew/backend/config"
	"curfew/backend/httpapi"
	"curfew/backend/store"
)

// maxSocketPath is what fits into an address of the operating systems that Curfew runs on.
const maxSocketPath = 100

// listenOperator listens where the command line knocks: a socket in the data folder that only the user who runs the server can open. Nobody
// else is served by it, so whoever comes that way is the operator. Without it the server serves all the same, and the log says what is amiss.
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

// listenPrivate listens on a socket of the user's own. One that is there already is left from a server that was killed: the data folder is
// locked, so no other one runs.
func listenPrivate(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	before := syscall.Umask(0o177) // so that there is no moment at which others could connect
	defer syscall.Umask(before)
	return (&net.ListenConfig{}).Listen(ctx, "unix", path)
}

// OperatorClient is the operator's way to a deployment: through the server that runs on the data folder or, where none does, to the same handlers
// in this process. It must be closed.
type OperatorClient struct {
	client *http.Client
	// app is nil where a server runs.
	app *App
}

// serverPatience is how long to wait for a server that is starting or stopping, or for another command.
const serverPatience = 5 * time.Second

// OpenOperatorClient finds the server that runs on the data folder, or opens the folder itself. A caller that
// only reads upgrades no folder of an older schema: it is refused. Its errors are for the operator.
func OpenOperatorClient(ctx context.Context, cfg config.Config, log *slog.Logger, reads bool) (*OperatorClient, error) {
	open := store.Open
	if reads {
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
			return nil, fmt.Errorf("data folder %s %w, which does not answer at its socket, curfew.sock; its log says why, or stop it first", cfg.Data, errInUse)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// hasDatabase tells that there is a database in the folder, or one that is yet to take its place there.
func hasDatabase(folder string) bool {
	_, err := os.Stat(databaseIn(folder))
	if err != nil {
		_, err = os.Stat(databaseIn(restoredIn(folder)))
	}
	return err == nil
}

// dialServer is the way through a running server; nil where nobody answers.
func dialServer(ctx context.Context, path string) (*OperatorClient, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the server cannot be reached: %w; run this as the user that runs Curfew", err)
	}
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // whatever it is, there is no server behind it
	}
	if err := conn.Close(); err != nil {
		return nil, err
	}
	return &OperatorClient{client: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// inProcess is the way to the handlers of this process.
func (a *App) inProcess() *OperatorClient {
	pipe := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	go a.operator.Serve(pipe) //nolint:errcheck // it ends when the door is closed
	return &OperatorClient{client: &http.Client{Transport: &http.Transport{DialContext: pipe.dial}}, app: a}
}

// UpgradedFrom returns the schema that the folder had before the door was opened, or 0 where it was
// this program's.
func (c *OperatorClient) UpgradedFrom() int64 {
	if c.app == nil {
		return 0
	}
	return c.app.db.UpgradedFrom()
}

// Close ends what the door has open. Without a server, it gives the data folder free.
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

// Get reads. It gives the body of the answer, which must be closed, or a [*RefusedError] for an answer that is a problem, as do the others.
func (c *OperatorClient) Get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, nil)
}

// Post does something with the body, which is sent as JSON.
func (c *OperatorClient) Post(ctx context.Context, path string, body any) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodPost, path, nil, body)
}

// Patch changes a part of what is there.
func (c *OperatorClient) Patch(ctx context.Context, path string, body any) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodPatch, path, nil, body)
}

// Put replaces what is there.
func (c *OperatorClient) Put(ctx context.Context, path string, body any) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodPut, path, nil, body)
}

// PutOver replaces the given version of what is there, and no other.
func (c *OperatorClient) PutOver(ctx context.Context, path string, version int64, body any) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodPut, path, http.Header{"If-Match": {strconv.Quote(strconv.FormatInt(version, 10))}}, body)
}

// Delete removes what is there.
func (c *OperatorClient) Delete(ctx context.Context, path string) (io.ReadCloser, error) {
	return c.call(ctx, http.MethodDelete, path, nil, nil)
}

func (c *OperatorClient) call(ctx context.Context, method, target string, header http.Header, body any) (io.ReadCloser, error) {
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
	maps.Copy(request.Header, header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
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
		return nil, fmt.Errorf("the server answered %s, and nothing that this program understands: %w", answer.Status, err)
	}
	return nil, refused
}

// pipeListener is a listener within the process: who dials it talks to its server, and nobody else can.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements [net.Listener].
func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "within", Net: "pipe"} }
