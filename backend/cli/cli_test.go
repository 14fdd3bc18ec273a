package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"curfew": func() {
			os.Exit(Run(Environment{
				Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Web: fstest.MapFS{},
			}))
		},
	})
}

// TestScripts runs the program as an operator does. Each script has its own folder, with the data
// in "data", and its own address, $CURFEW_LISTEN.
func TestScripts(t *testing.T) { run(t, "testdata", nil) }

// TestOperatorScripts runs each of the operator's scripts twice: through a running server, and
// without one. The condition [server] tells them apart. The commands behave the same in both.
func TestOperatorScripts(t *testing.T) {
	for name, server := range map[string]bool{"through a server": true, "without a server": false} {
		t.Run(name, func(t *testing.T) {
			run(t, "testdata/operator", func(condition string) (bool, error) {
				if condition != "server" {
					return false, fmt.Errorf("there is no condition %q", condition)
				}
				return server, nil
			})
		})
	}
}

func run(t *testing.T, folder string, condition func(string) (bool, error)) {
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		Condition:           condition,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			schema1, err := filepath.Abs("../store/testdata/schema1")
			if err != nil {
				return err
			}
			env.Setenv("SCHEMA1", schema1)
			address, err := freeAddress()
			env.Setenv("CURFEW_LISTEN", address)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":     ready,
			"refused":   refused,
			"exits":     exits,
			"capture":   capture,
			"garbage":   garbage,
			"mode":      mode,
			"post":      post,
			"setup":     setUp,
			"signin":    signIn,
			"session":   answers("/api/session"),
			"activity":  answers("/api/account/activity"),
			"alter":     alter,
			"alterfile": alterFile,
			"sigterm":   sends(syscall.SIGTERM),
			"sighup":    sends(syscall.SIGHUP),
			"written":   written,
		},
	})
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// arguments checks the number of a command's arguments. No command can be negated.
func arguments(ts *testscript.TestScript, negated bool, args []string, usage string) {
	if negated || len(args) != len(strings.Fields(usage))-1 {
		ts.Fatalf("usage: %s", usage)
	}
}

// ready waits until the server of this script answers.
func ready(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "ready")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ts.Getenv("CURFEW_LISTEN")+"/readyz", nil)
		ts.Check(err)
		answer, err := http.DefaultClient.Do(request)
		if err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("the server never became ready: %v", err)
		case <-retry.C:
		}
	}
}

// refused checks a failure of the program: nothing on stdout, and one line on stderr that matches.
func refused(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "refused PATTERN")
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if stdout != "" {
		ts.Fatalf("an error belongs on stderr, but stdout has %q", stdout)
	}
	if !strings.HasPrefix(stderr, "curfew: ") || strings.Index(stderr, "\n") != len(stderr)-1 {
		ts.Fatalf("this is not one line of curfew's:\n%s", stderr)
	}
	if !regexp.MustCompile(args[0]).MatchString(stderr) {
		ts.Fatalf("%q does not match %s", stderr, args[0])
	}
}

// exits runs the program and checks its exit code.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	got := 0
	var exited *exec.ExitError
	if err := ts.Exec("curfew", args[1:]...); errors.As(err, &exited) {
		got = exited.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, and not %s", got, args[0])
	}
}

// setUp sets up the organization and its first owner.
func setUp(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "setup")
	token := strings.TrimSpace(ts.ReadFile("data/setup-token"))
	post(ts, false, []string{"/api/setup", "201", `{"organization":"Acme","name":"Ana","email":"ana@example.org","password":"correct horse battery","setupToken":"` + token + `"}`})
}

// signIn signs in: $ACCESS is the new session's token, and $SESSION its id.
func signIn(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "signin EMAIL PASSWORD")
	body := `{"transport":"bearer","email":"` + args[0] + `","password":"` + args[1] + `"}`
	answer, err := http.Post("http://"+ts.Getenv("CURFEW_LISTEN")+"/api/sessions", "application/json", strings.NewReader(body))
	ts.Check(err)
	var signedIn struct {
		AccessToken string
		Session     struct{ ID string }
	}
	ts.Check(json.NewDecoder(answer.Body).Decode(&signedIn))
	ts.Check(answer.Body.Close())
	if signedIn.AccessToken == "" {
		ts.Fatalf("%s", answer.Status)
	}
	ts.Setenv("ACCESS", signedIn.AccessToken)
	ts.Setenv("SESSION", signedIn.Session.ID)
}

// answers returns a command that checks the status of the server's answer to the session of
// $ACCESS. A restricted session may read itself, but not the account's activity.
func answers(path string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		arguments(ts, negated, args, path+" STATUS")
		request, err := http.NewRequest(http.MethodGet, "http://"+ts.Getenv("CURFEW_LISTEN")+path, nil)
		ts.Check(err)
		request.Header.Set("Authorization", "Bearer "+ts.Getenv("ACCESS"))
		answer, err := http.DefaultClient.Do(request)
		ts.Check(err)
		ts.Check(answer.Body.Close())
		if strconv.Itoa(answer.StatusCode) != args[0] {
			ts.Fatalf("%s", answer.Status)
		}
	}
}

// alter runs a statement on the database while the program does not know.
func alter(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "alter STATEMENT")
	alterFile(ts, negated, []string{"data/curfew.db", args[0]})
}

func alterFile(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "alterfile FILE STATEMENT")
	db, err := sql.Open("sqlite3", "file:"+ts.MkAbs(args[0])+"?_busy_timeout=5000")
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(errors.Join(err, db.Close()))
}

// capture sets a variable to what the pattern's group matches in a file, or in stdout.
func capture(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "capture VARIABLE FILE PATTERN")
	found := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s has no %s", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}

// garbage overwrites a file from an offset to its end; a negative offset counts from there.
func garbage(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "garbage FILE OFFSET")
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	content := []byte(ts.ReadFile(args[0]))
	if offset < 0 {
		offset += len(content)
	}
	if offset < 0 || len(content) <= offset {
		ts.Fatalf("%s has only %d bytes", args[0], len(content))
	}
	copy(content[offset:], bytes.Repeat([]byte{0xA5}, len(content)-offset))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
}

// sends returns a command that sends the servers in the background a signal which testscript's kill
// does not have.
func sends(signal syscall.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		arguments(ts, negated, args, "signal")
		for _, server := range ts.BackgroundCmds() {
			ts.Check(server.Process.Signal(signal))
		}
	}
}

// written checks the list of files in this script's folder, temporary ones included. It also checks
// that the servers in the background write to no open file outside of the data folder.
func written(ts *testscript.TestScript, _ bool, args []string) {
	var found []string
	work := ts.MkAbs(".")
	ts.Check(filepath.WalkDir(work, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(work, path)
			found = append(found, path)
		}
		return err
	}))
	if !slices.Equal(found, args) {
		ts.Fatalf("there are %q", found)
	}
	for _, server := range ts.BackgroundCmds() {
		open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", server.Process.Pid)) // none where the system has no such folder
		ts.Check(err)
		for _, descriptor := range open {
			how, closed := os.Lstat(descriptor) // its mode shows whether it is open for writing
			info, err := os.Stat(descriptor)
			path, unreadable := os.Readlink(descriptor)
			if errors.Join(closed, err, unreadable) != nil || !info.Mode().IsRegular() || how.Mode()&0o200 == 0 || !filepath.IsAbs(path) {
				continue
			}
			if !strings.HasPrefix(path, ts.MkAbs("data")+"/") {
				ts.Fatalf("%s is open", path)
			}
		}
	}
}

// mode checks a file's permissions, in octal.
func mode(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "mode PERMISSIONS FILE")
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// post sends JSON to the server of this script and checks the answer's status. Its body goes to
// stdout.
func post(ts *testscript.TestScript, negated bool, args []string) {
	arguments(ts, negated, args, "post PATH STATUS JSON")
	answer, err := http.Post("http://"+ts.Getenv("CURFEW_LISTEN")+args[0], "application/json", strings.NewReader(args[2]))
	ts.Check(err)
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if strconv.Itoa(answer.StatusCode) != args[1] {
		ts.Fatalf("%s: %s", answer.Status, body)
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}
