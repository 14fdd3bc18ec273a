package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"curfew/backend/bench/population"
	"curfew/backend/httpapi"
)

// answered is what came back of one request.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func ask(ctx context.Context, address string, r request) (answered, error) {
	asked, err := http.NewRequestWithContext(ctx, r.method, "http://"+address+r.path, strings.NewReader(r.body))
	if err != nil {
		return answered{}, err
	}
	for _, h := range r.headers {
		asked.Header.Set(h[0], h[1])
	}
	response, err := http.DefaultTransport.RoundTrip(asked)
	if err != nil {
		return answered{}, err
	}
	body, err := io.ReadAll(response.Body)
	return answered{response.StatusCode, response.Header, body}, errors.Join(err, response.Body.Close())
}

// own are headers that every server of net/http and Echo gives by itself.
var own = []string{"Content-Length", "Content-Type", "Date"}

// record takes an answer down, for references to repeat.
func record(ctx context.Context, address string, r request) (answer, error) {
	got, err := ask(ctx, address, r)
	if err != nil {
		return answer{}, err
	}
	if got.status != http.StatusOK {
		return answer{}, fmt.Errorf("%s answers %d: %s", r.path, got.status, got.body)
	}
	model := answer{Body: got.body}
	for name, values := range got.header {
		if len(values) != 1 {
			return answer{}, fmt.Errorf("%s answers with %d headers %s; a reference repeats one", r.path, len(values), name)
		}
		if !slices.Contains(own, name) {
			model.Headers = append(model.Headers, header{name, values[0]})
		}
	}
	return model, nil
}

// check makes sure that the contender's server does what it is measured for: it answers what Curfew answers, and refuses a credential that
// it did not issue.
func (s *stage) check(ctx context.Context, c contender) error {
	good := c.load.first
	got, err := ask(ctx, c.server.address, good)
	if err != nil {
		return err
	}
	if got.status >= http.StatusBadRequest {
		return fmt.Errorf("its first request is answered %d: %s", got.status, got.body)
	}
	if good.path != sessionPath {
		return nil
	}
	if err := isSession(got.body); err != nil {
		return err
	}
	if c.open {
		return nil
	}
	for name, bad := range map[string]request{"a wrong credential": spoilt(good), "no credential": {method: good.method, path: good.path}} {
		got, err := ask(ctx, c.server.address, bad)
		if err != nil {
			return err
		}
		if got.status != http.StatusUnauthorized {
			return fmt.Errorf("it answers %d to %s", got.status, name)
		}
	}
	return nil
}

// isSession tells whether a body has the shape of what Curfew says of a session: all of it, and nothing else.
func isSession(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	var current httpapi.CurrentSession
	if err := decoder.Decode(&current); err != nil {
		return fmt.Errorf("it answers something else than a session: %w", err)
	}
	if current.Session.Id == "" || current.Member.Email == "" || current.ExpiresAt.IsZero() {
		return fmt.Errorf("it answers something else than a session: %s", body)
	}
	return nil
}

// spoilt is the request with another character in the middle of its credential's last part, which is the signature where there is one.
func spoilt(r request) request {
	bad := r
	bad.headers = slices.Clone(r.headers)
	for i, h := range bad.headers {
		at := len(h[1]) - 10
		other := byte('A')
		if h[1][at] == other {
			other = 'B'
		}
		bad.headers[i][1] = h[1][:at] + string(other) + h[1][at+1:]
	}
	return bad
}

// checkRevocation signs the owner in and out again, and makes sure that the session gets in between, and not after.
func checkRevocation(ctx context.Context, address string) error {
	token, err := signInOwner(ctx, address)
	if err != nil {
		return err
	}
	show := byBearer(token)
	signOut := show
	signOut.method = http.MethodDelete
	for _, step := range []struct {
		request
		want int
	}{{show, http.StatusOK}, {signOut, http.StatusNoContent}, {show, http.StatusUnauthorized}} {
		got, err := ask(ctx, address, step.request)
		if err != nil {
			return err
		}
		if got.status != step.want {
			return fmt.Errorf("%s is answered %d and not %d: %s", step.method, got.status, step.want, got.body)
		}
	}
	return nil
}

// signInOwner signs the owner in and returns the access token.
func signInOwner(ctx context.Context, address string) (token string, err error) {
	in, err := ask(ctx, address, signIn(population.OwnerEmail, `,"transport":"bearer"`))
	if err != nil {
		return "", err
	}
	var given struct{ AccessToken string }
	if err := json.Unmarshal(in.body, &given); err != nil || given.AccessToken == "" {
		return "", fmt.Errorf("the sign-in is answered %d: %s", in.status, in.body)
	}
	return given.AccessToken, nil
}

// revokeEverybody ends all sessions in the owner's name.
func revokeEverybody(ctx context.Context, address string) error {
	token, err := signInOwner(ctx, address)
	if err != nil {
		return err
	}
	revoke := byBearer(token)
	revoke.method, revoke.path = http.MethodPost, revokeAllPath
	got, err := ask(ctx, address, revoke)
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("the revocation is answered %d: %s", got.status, got.body)
	}
	return err
}

// signIn is a sign-in with the password that all members of a population have.
func signIn(email, more string) request {
	return request{
		method: http.MethodPost, path: signInPath, body: fmt.Sprintf(`{"email":%q,"password":%q%s}`, email, population.OwnerPassword, more),
		headers: []header{{"Content-Type", "application/json"}},
	}
}
