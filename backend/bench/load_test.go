package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/bench/program"
)

// testStage is a stage with a generator, but without servers.
func testStage(t *testing.T) *stage {
	t.Helper()
	program, err := exec.LookPath("true")
	require.NoError(t, err)
	s, err := newStage(program, program, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.strike()) })
	return s
}

// recorder is a server that records its requests, and refuses every third.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, got *http.Request) {
	body, err := io.ReadAll(got.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%s %s %s %s", got.Method, got.URL.Path, got.Header.Get("X-Number"), body))
	if len(r.seen)%3 == 0 {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// TestGenerate: the generator sends the given requests in turn, and counts what was answered.
func TestGenerate(t *testing.T) {
	s := testStage(t)
	var r recorder
	server := httptest.NewServer(&r)
	defer server.Close()

	l, err := s.load([]string{"0", "1", "2", "3", "4"}, func(number string) program.Request {
		return program.Request{
			Method: http.MethodPost, Path: "/path/" + number, Body: `{"a":"b"}`,
			Headers: []program.Header{{"X-Number", number}},
		}
	})
	require.NoError(t, err)
	l.connections, l.pause = 1, 10*time.Millisecond
	m, err := s.generate(t.Context(), l, strings.TrimPrefix(server.URL, "http://"), 0.6)
	require.NoError(t, err)

	require.Greater(t, m.Requests, 20)
	require.Less(t, m.Requests, 120, "it paused")
	require.InDelta(t, m.Requests/3, m.Refused, 1)
	require.Zero(t, m.Failed)
	require.InDelta(t, 1e6, m.Microseconds, 3e5)
	require.Positive(t, m.P99)

	server.Close() // waits for the last request
	require.InDelta(t, m.Requests, len(r.seen), 1)
	first := r.seen[0]
	for i, got := range r.seen {
		number := (int(first[len("POST /path/")]-'0') + i) % 5
		require.Equal(t, fmt.Sprintf(`POST /path/%d %d {"a":"b"}`, number, number), got)
	}
	// wrk asks the script for one request before it begins.
	require.Contains(t, []string{`POST /path/3 3 {"a":"b"}`, `POST /path/4 4 {"a":"b"}`}, first)
}

func TestGenerateWithoutAServer(t *testing.T) {
	s := testStage(t)
	l, err := s.load([]string{"token"}, byCookie)
	require.NoError(t, err)
	closed := httptest.NewServer(nil)
	closed.Close()
	address := strings.TrimPrefix(closed.URL, "http://")
	_, err = s.generate(t.Context(), l, address, 0)
	require.Error(t, err)
	l.requests = filepath.Join(t.TempDir(), "missing")
	_, err = s.generate(t.Context(), l, address, 0)
	require.Error(t, err)
}
