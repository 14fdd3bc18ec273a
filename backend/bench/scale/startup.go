package scale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"curfew/backend/bench/population"
	"curfew/backend/token"
)

// startUp starts the program on a data folder and stops it again. It tells how long it took from the one until a session of the population
// had its first request answered, once the program had said that it was ready.
func startUp(ctx context.Context, program, folder string, size int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	bearer, err := tokenOf(folder, 1+size/2, membersOf(size))
	if err != nil {
		return 0, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	var complaint bytes.Buffer
	server := exec.Command(program, "serve", "--data", folder, "--listen", address) //nolint:gosec,noctx // whoever measures names it; it is stopped below
	server.Env, server.Stderr = []string{}, &complaint                              // with no settings but these
	began := time.Now()
	if err := server.Start(); err != nil {
		return 0, fmt.Errorf("%w; build it with: make build", err)
	}
	exited := make(chan error, 1)
	go func() {
		exited <- server.Wait()
		cancel() // whoever still waits for an answer waits in vain
	}()
	took, err := firstAnswer(ctx, "http://"+address, bearer, began)
	stopped := server.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, stopped, <-exited); err != nil {
		return 0, fmt.Errorf("%w %s", err, strings.TrimSpace(complaint.String()))
	}
	return took, nil
}

// firstAnswer waits for the server to be ready and makes one request.
func firstAnswer(ctx context.Context, server, bearer string, began time.Time) (time.Duration, error) {
	for {
		err := ask(ctx, server+"/readyz", "")
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the server does not become ready: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
	if err := ask(ctx, server+"/api/session", bearer); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func ask(ctx context.Context, url, bearer string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return nil
}

// tokenOf makes a token for a session of a population of so many members.
func tokenOf(folder string, number, members int) (string, error) {
	secrets, err := token.LoadSecrets(population.Secrets(folder), time.Now())
	if err != nil {
		return "", err
	}
	keys, err := token.NewKeys(secrets, token.LongestLifetime, time.Now)
	if err != nil {
		return "", err
	}
	text, _, err := keys.Issue(
		population.SessionID(number), population.MemberID(population.MemberOf(number, members)), 1, time.Now().Add(time.Hour))
	return text, err
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
