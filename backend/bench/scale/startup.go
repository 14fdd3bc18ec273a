package scale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"curfew/backend/bench/loopback"
	"curfew/backend/bench/population"
	"curfew/backend/token"
)

// program is the product, serving a data folder.
type program struct {
	address   string
	command   *exec.Cmd
	complaint bytes.Buffer
	exited    chan error
}

// startProgram starts it. The context that it returns ends with the program: whoever still waits for an answer then waits in vain.
func startProgram(ctx context.Context, path, folder string) (*program, context.Context, error) {
	address, err := loopback.FreeAddress(ctx)
	if err != nil {
		return nil, nil, err
	}
	running, ended := context.WithTimeout(ctx, 10*time.Minute)
	p := &program{address: address, exited: make(chan error, 1)}
	p.command = exec.Command(path, "serve", "--data", folder, "--listen", address) //nolint:gosec,noctx // whoever measures names it; it is stopped by stop
	p.command.Env, p.command.Stderr = []string{}, &p.complaint                     // with no settings but these
	if err := p.command.Start(); err != nil {
		ended()
		return nil, nil, fmt.Errorf("%w; build it with: make build", err)
	}
	go func() {
		p.exited <- p.command.Wait()
		ended()
	}()
	return p, running, nil
}

// stop ends the program as an operator would, and adds its last words to the error that it is stopped for.
func (p *program) stop(err error) error {
	stopped := p.command.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, stopped, <-p.exited); err != nil {
		return fmt.Errorf("%w %s", err, strings.TrimSpace(p.complaint.String()))
	}
	return nil
}

// startUp starts the program on a data folder and stops it again. It tells how long it took from the one until a session of the population
// had its first request answered, once the program had said that it was ready; and until it had its first list, which waits until all are read.
func startUp(ctx context.Context, path, folder string, size int) (answer, list time.Duration, err error) {
	tokens, err := openTokens(folder, membersOf(size))
	if err != nil {
		return 0, 0, err
	}
	bearer, err := tokens.of(1 + size/2)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	p, ctx, err := startProgram(ctx, path, folder)
	if err != nil {
		return 0, 0, err
	}
	if answer, err = p.firstAnswer(ctx, bearer, began); err == nil {
		err = p.ask(ctx, http.MethodGet, "/api/sessions", bearer)
	}
	return answer, time.Since(began), p.stop(err)
}

// firstAnswer waits for the program to be ready and makes one request.
func (p *program) firstAnswer(ctx context.Context, bearer string, began time.Time) (time.Duration, error) {
	for {
		err := p.ask(ctx, http.MethodGet, "/readyz", "")
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the server does not become ready: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
	if err := p.ask(ctx, http.MethodGet, "/api/session", bearer); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func (p *program) ask(ctx context.Context, method, path, bearer string) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, nil)
	if err != nil {
		return err
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return nil
}

// tokens issues what the sessions of a population come by.
type tokens struct {
	keys    *token.Keys
	members int
}

func openTokens(folder string, members int) (tokens, error) {
	secrets, err := token.LoadSecrets(population.Secrets(folder), time.Now())
	if err != nil {
		return tokens{}, err
	}
	keys, err := token.NewKeys(secrets.Access(token.LongestLifetime), time.Now)
	return tokens{keys, members}, err
}

func (t tokens) of(number int) (string, error) {
	text, _, err := t.keys.Issue(
		population.SessionID(number), population.MemberID(population.MemberOf(number, t.members)), 1, time.Now().Add(time.Hour))
	return text, err
}
