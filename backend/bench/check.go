package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"curfew/backend/bench/population"
	"curfew/backend/bench/program"
	"curfew/backend/httpapi"
)

// answer is what references repeat, because Curfew answers it.
type answer struct {
	Headers []program.Header `json:"headers"`
	Body    json.RawMessage  `json:"body"`
}

// standard are headers that net/http and Echo send by themselves.
var standard = []string{"Content-Length", "Content-Type", "Date"}

// record returns what a server answers, for references to repeat.
func record(ctx context.Context, address string, r program.Request) (answer, error) {
	got, err := program.Want(ctx, address, r, http.StatusOK)
	if err != nil {
		return answer{}, err
	}
	model := answer{Body: got.Body}
	for name, values := range got.Header {
		if len(values) != 1 {
			return answer{}, fmt.Errorf("%s: %d headers %s, and a reference repeats one", r.Path, len(values), name)
		}
		if !slices.Contains(standard, name) {
			model.Headers = append(model.Headers, program.Header{name, values[0]})
		}
	}
	return model, nil
}

// check makes sure that the contender's server does what it is measured for: it answers what Curfew
// answers, and refuses a credential that it did not issue.
func check(ctx context.Context, c contender) error {
	good := c.load.first
	got, err := program.Want(ctx, c.server.Address, good, http.StatusOK)
	if err != nil {
		return err
	}
	if err := isSession(got.Body); err != nil || c.open {
		return err
	}
	for _, bad := range []program.Request{spoilt(good), {Method: good.Method, Path: good.Path}} {
		if _, err := program.Want(ctx, c.server.Address, bad, http.StatusUnauthorized); err != nil {
			return fmt.Errorf("with a bad credential: %w", err)
		}
	}
	return nil
}

// isSession returns an error unless the body has the fields of Curfew's answer, and no others.
func isSession(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	var current httpapi.CurrentSession
	if err := decoder.Decode(&current); err != nil {
		return fmt.Errorf("the answer is no session: %w", err)
	}
	if current.Session.Id == "" || current.Member.Email == "" || current.ExpiresAt.IsZero() {
		return fmt.Errorf("the answer is no session: %s", body)
	}
	return nil
}

// spoilt returns the request with another character near the end of its credential: in the
// signature, where there is one.
func spoilt(r program.Request) program.Request {
	r.Headers = slices.Clone(r.Headers)
	for i, h := range r.Headers {
		text := []byte(h[1])
		at := len(text) - 10
		if text[at] == 'A' {
			text[at] = 'B'
		} else {
			text[at] = 'A'
		}
		r.Headers[i][1] = string(text)
	}
	return r
}

// checkRevocation signs the owner in and out, and makes sure that the session is admitted in
// between and refused afterwards.
func checkRevocation(ctx context.Context, address string) error {
	in, err := program.Want(ctx, address, signIn(population.OwnerEmail, `,"transport":"bearer"`), http.StatusCreated)
	if err != nil {
		return err
	}
	var given struct{ AccessToken string }
	if err := json.Unmarshal(in.Body, &given); err != nil {
		return err
	}
	for _, step := range []struct {
		method string
		want   int
	}{{http.MethodGet, http.StatusOK}, {http.MethodDelete, http.StatusNoContent}, {http.MethodGet, http.StatusUnauthorized}} {
		r := program.Bearer(step.method, sessionPath, given.AccessToken)
		if _, err := program.Want(ctx, address, r, step.want); err != nil {
			return err
		}
	}
	return nil
}

// signIn is a sign-in with the password that all members of a population have.
func signIn(email, more string) program.Request {
	return program.JSON(signInPath, fmt.Sprintf(`{"email":%q,"password":%q%s}`, email, population.OwnerPassword, more))
}
