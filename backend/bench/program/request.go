package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Request is one HTTP request.
type Request struct {
	Method, Path, Body string
	Headers            []Header
}

// Header is the name of an HTTP header and its value.
type Header [2]string

// Bearer returns a request that carries an access token, without a body.
func Bearer(method, path, token string) Request {
	return Request{Method: method, Path: path, Headers: []Header{{"Authorization", "Bearer " + token}}}
}

// JSON returns a POST request with a JSON body.
func JSON(path, body string) Request {
	return Request{
		Method: http.MethodPost, Path: path, Body: body,
		Headers: []Header{{"Content-Type", "application/json"}},
	}
}

// Write writes the request in the form in which it is sent. Every server is local, so its host name
// does not matter.
func (r Request) Write(w *bufio.Writer) error {
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: localhost\r\n", r.Method, r.Path)
	for _, h := range r.Headers {
		fmt.Fprintf(w, "%s: %s\r\n", h[0], h[1])
	}
	if r.Body != "" {
		fmt.Fprintf(w, "Content-Length: %d\r\n", len(r.Body))
	}
	_, err := fmt.Fprintf(w, "\r\n%s", r.Body) // a bufio.Writer repeats its first error
	return err
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask sends a request to a server.
func Ask(ctx context.Context, address string, r Request) (Answer, error) {
	asked, err := http.NewRequestWithContext(ctx, r.Method, "http://"+address+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, err
	}
	for _, h := range r.Headers {
		asked.Header.Set(h[0], h[1])
	}
	response, err := http.DefaultTransport.RoundTrip(asked)
	if err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, body}, errors.Join(err, response.Body.Close())
}

// Want sends a request and returns an error unless it is answered with the status.
func Want(ctx context.Context, address string, r Request, status int) (Answer, error) {
	got, err := Ask(ctx, address, r)
	if err == nil && got.Status != status {
		err = fmt.Errorf("%s %s: answered %d and not %d: %s", r.Method, r.Path, got.Status, status, got.Body)
	}
	return got, err
}
