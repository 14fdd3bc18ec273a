//go:build proxies

package attacks

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// Curfew behind each proxy of OPERATING.md: the real programs over TLS, with the configurations
// from the folder proxies. Only the machine's owner installs them. So make attacks uses those that
// are installed and names the others, and make test uses none.

const (
	smugglingBehind     kind = "smuggling behind a proxy"
	forgedBehind        kind = "forged headers at a proxy"
	confusedPathsBehind kind = "confused paths at a proxy"
)

// proxy is a kind of proxy.
type proxy struct {
	program, sample string
	// here puts this machine's addresses and files into the sample.
	here func(where place) *strings.Replacer
	// start gives the whole configuration, with what there is around the sample on a machine of its
	// own, and how the program is run on it.
	start func(where place, sample string) (configuration string, args []string)
}

// place is what a proxy is given of this machine.
type place struct{ folder, port, upstream, certificate, configuration string }

var proxies = []proxy{
	{
		program: "nginx", sample: "nginx.conf",
		here: func(w place) *strings.Replacer {
			return strings.NewReplacer("127.0.0.1:8080", w.upstream, "listen 443", "listen 127.0.0.1:"+w.port, "/etc/ssl/curfew.pem", w.certificate)
		},
		start: func(w place, sample string) (string, []string) {
			var temporary strings.Builder
			for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
				fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", of, w.folder, of)
			}
			return fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n", w.folder, &temporary, sample),
				[]string{"-e", "stderr", "-c", w.configuration}
		},
	},
	{
		program: "haproxy", sample: "haproxy.cfg",
		here: func(w place) *strings.Replacer {
			return strings.NewReplacer("127.0.0.1:8080", w.upstream, "bind :443", "bind 127.0.0.1:"+w.port, "/etc/ssl/curfew.pem", w.certificate)
		},
		start: func(w place, sample string) (string, []string) { return sample, []string{"-db", "-f", w.configuration} },
	},
	{
		program: "caddy", sample: "Caddyfile",
		here: func(w place) *strings.Replacer {
			return strings.NewReplacer("127.0.0.1:8080", w.upstream, "\ncurfew.example.org {", "\ncurfew.example.org:"+w.port+" {\n\tbind 127.0.0.1\n\ttls "+w.certificate+" "+w.certificate)
		},
		start: func(w place, sample string) (string, []string) {
			return "{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system " + w.folder + "\n}\n" + sample, []string{"run", "--adapter", "caddyfile", "--config", w.configuration}
		},
	},
}

// behindEach runs a test behind each proxy that is installed, and says which one is not.
func behindEach(t *testing.T, of kind, test func(t *testing.T, h *deployment)) {
	for _, p := range proxies {
		t.Run(p.program, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(p.program)
			if err != nil {
				of.untried(t, p.program+" is not installed")
			}
			h := open(t, options{proxies: []string{"127.0.0.1/32"}})
			h.reach = p.serve(t, program, h.address)
			test(t, h)
		})
	}
}

// untried skips a test, and says so where the others are counted: what is missing must not pass for
// what is right.
func (k kind) untried(t *testing.T, what string) {
	t.Helper()
	rows.mu.Lock()
	defer rows.mu.Unlock()
	if rows.file != nil {
		if _, err := fmt.Fprintf(rows.file, "%s\t%s\t\tuntried\n", k, what); err != nil {
			t.Error(err)
		}
	}
	t.Skipf("NOT TRIED: %s, %s", k, what)
}

// serve runs the proxy in front of an address until the test ends, and returns a way to reach it.
// Its clients are at 127.0.0.2, so that they can be told from the proxy.
func (p proxy) serve(t *testing.T, program, upstream string) func() (net.Conn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	where := place{folder: t.TempDir(), upstream: upstream}
	where.certificate, where.configuration = filepath.Join(where.folder, "curfew.pem"), filepath.Join(where.folder, p.sample)
	_, where.port, err = net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(where.certificate, certificate(t), 0o600))
	sample, err := os.ReadFile(filepath.Join("proxies", p.sample))
	require.NoError(t, err)
	configuration, args := p.start(where, p.here(where).Replace(string(sample)))
	require.NotRegexp(t, `\b(443|8080)\b`, configuration, "the sample's ports are not replaced")
	require.NoError(t, os.WriteFile(where.configuration, []byte(configuration), 0o600))

	var said bytes.Buffer
	running := exec.Command(program, args...)
	running.Stdout, running.Stderr = &said, &said
	running.Env = []string{"HOME=" + where.folder}
	running.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, running.Start())
	t.Cleanup(func() {
		require.NoError(t, running.Process.Kill())
		_ = running.Wait() // it was killed
	})
	reach := func() (net.Conn, error) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		return tls.DialWithDialer(&dialer, "tcp", address, &tls.Config{ServerName: "curfew.example.org", InsecureSkipVerify: true})
	}
	require.Eventually(t, func() bool {
		conn, err := reach()
		return err == nil && conn.Close() == nil
	}, 10*time.Second, 10*time.Millisecond, "%s does not listen: %s", p.program, &said)
	return reach
}

// certificate returns a certificate with its key, as PEM. No client verifies it.
func certificate(t *testing.T) []byte {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	made := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	require.NoError(t, err)
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
}

var logged = regexp.MustCompile(`msg=request method=(\S+) path=(\S+) status=(\d+) latency=\S+ address=(\S+) request=(\S+)`)

// seen is one request that Curfew answered.
type seen struct{ method, path, status, address, id string }

func (s seen) String() string { return s.method + " " + s.path + " " + s.status }

// saw is what Curfew answered since it had logged so many bytes.
func (h *deployment) saw(since int) (all []seen) {
	for _, found := range logged.FindAllStringSubmatch(h.log.String()[since:], -1) {
		all = append(all, seen{found[1], found[2], found[3], found[4], found[5]})
	}
	return all
}

// ids are those of the answers that Curfew itself gave.
func (e exchange) ids() (all []string) {
	for _, r := range e {
		if id := r.header.Get("X-Request-Id"); id != "" {
			all = append(all, id)
		}
	}
	return all
}

// answered complains unless the answers are those to the requests, in their order. A request whose
// body was never whole is one that Curfew refuses and the proxy has given up, with a refusal of its
// own. HTTP/0.9, which nginx still speaks, has answers without a head.
func (e exchange) answered(requests []seen) string {
	ids := e.ids()
	if n := len(e); n > 0 && e[n-1].status == 0 && len(requests) > 0 {
		ids = append(ids, requests[len(requests)-1].id)
	}
	requests = slices.DeleteFunc(slices.Clone(requests), func(s seen) bool { return s.status == "400" && !slices.Contains(ids, s.id) })
	return unless(slices.EqualFunc(requests, ids, func(s seen, id string) bool { return s.id == id }), "the answers are not those to the requests that Curfew saw")
}

// Behind a proxy, two readers have to agree where a message ends. Each request that Curfew saw is
// answered to the client that sent it, in order, and the next client, on another connection to the
// same proxy, gets only the answer to its own request.
//
// ASVS 4.2.1
func TestBehindAProxyEachAnswerIsToWhoAsked(t *testing.T) {
	behindEach(t, smugglingBehind, func(t *testing.T, h *deployment) {
		attacker, victim := h.signIn(email(member.Admin)), h.browser(email(member.Plain))
		for _, hidden := range hiddenRequests {
			rows := messages(hidden, attacker.access)
			for _, name := range slices.Sorted(maps.Keys(rows)) {
				since := len(h.log.String())
				answers := h.exchange(rows[name].sent, since)
				requests := h.settled(since)
				smugglingBehind.note(t, textf("%s: %s", name, rows[name].sent), textf("%s; Curfew saw %v", answers, requests), answers.answered(requests))
				since = len(h.log.String())
				own := h.ask(request{target: "/api/session", headers: []string{victim.cookie(), "Curfew-Passive: true"}})
				var current httpapi.CurrentSession
				_ = json.Unmarshal([]byte(own.body), &current) // what is no session has no id
				next := h.saw(since)
				smugglingBehind.note(t, textf("the next client after %s", name), textf("%s; Curfew saw %v", own, next), first(
					unless(own.status == http.StatusOK && current.Session.Id == victim.session, "want their own session"),
					unless(len(next) == 1 && next[0].id == own.header.Get("X-Request-Id"), "want one request, and the answer to it"),
				))
			}
		}
		h.requireLive(attacker)
	})
}

// exchange says something on a connection of its own, and hears what comes back until the proxy
// hangs up, or falls silent having told everything that Curfew has answered since. A proxy that
// waits for more is left.
func (h *deployment) exchange(raw string, since int) (answers exchange) {
	h.t.Helper()
	l := h.dial()
	defer l.close()
	l.say(raw)
	for giveUp := time.Now().Add(3 * time.Second); ; {
		require.NoError(h.t, l.conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		begins, err := l.from.Peek(len("HTTP/"))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if len(answers.ids()) == len(h.saw(since)) || time.Now().After(giveUp) {
				return answers
			}
			continue
		case len(begins) == 0:
			return answers
		}
		if string(begins) != "HTTP/" { // HAProxy goes on in HTTP/2 with who begins like that
			headless, _ := io.ReadAll(l.from) // until it falls silent
			return append(answers, reply{body: string(headless), closes: true})
		}
		require.NoError(h.t, l.conn.SetReadDeadline(giveUp.Add(time.Second)))
		answers = append(answers, l.hear(""))
	}
}

// settled is what Curfew answered, once it has come to rest: what was left half said is over when
// its connection is.
func (h *deployment) settled(since int) []seen {
	for length := -1; length != len(h.log.String()); time.Sleep(20 * time.Millisecond) {
		length = len(h.log.String())
	}
	return h.saw(since)
}

// What a client says of itself in the headers that proxies speak by reaches Curfew from the proxy
// alone: the address is the client's.
//
// ASVS 4.1.3
func TestBehindAProxyNobodyChoosesTheirAddress(t *testing.T) {
	behindEach(t, forgedBehind, func(t *testing.T, h *deployment) {
		plain := h.signIn(email(member.Plain))
		for _, lie := range lies() {
			since := len(h.log.String())
			answer := h.ask(request{target: "/api/members", headers: append(slices.Clone(lie), plain.bearer())})
			requests := h.saw(since)
			if len(requests) == 0 { // the proxy itself refused it
				forgedBehind.note(t, text(strings.Join(lie, "; ")), answer, unless(answer.status >= 400 && answer.header.Get("X-Request-Id") == "", "want a refusal by the proxy"))
				continue
			}
			forgedBehind.note(t, text(strings.Join(lie, "; ")), textf("%s from %v", answer, requests[0].address), first(
				unless(len(requests) == 1 && requests[0].address == "127.0.0.2", "want one request, from the client's own address"),
				unless(requests[0].path == "/api/members" && requests[0].id == answer.header.Get("X-Request-Id"), "it is another request"),
				// A header that the proxy drops on the client's word may be the one that admits
				// them.
				unless(answer.is(http.StatusForbidden, "forbidden") == "" || answer.is(http.StatusUnauthorized, "no_session") == "", "want 403 or 401"),
				unmoved(answer),
			))
		}
		require.Equal(t, []string{"127.0.0.2"}, h.texts("SELECT DISTINCT address FROM sessions"))
	})
}

// However a path is spelled, the proxy and Curfew do not read it apart so that something is served
// that is behind the guard.
//
// ASVS 8.2.1
func TestBehindAProxyADisguisedPathGetsAroundNoGuard(t *testing.T) {
	behindEach(t, confusedPathsBehind, func(t *testing.T, h *deployment) {
		plain := h.signIn(email(member.Plain))
		for _, name := range slices.Sorted(maps.Keys(disguises)) {
			for _, target := range guarded {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
					disguised := disguises[name](target)
					answer := h.ask(request{method: method, target: disguised})
					confusedPathsBehind.note(t, textf("%s: %s %s", name, method, disguised), answer, harmless(method, disguised, answer))
				}
			}
		}
		h.requireLive(plain)
	})
}

// The samples do what they are for: a browser signs in, the secure cookies come back, and events
// arrive while they are news.
func TestBehindAProxyCurfewServes(t *testing.T) {
	behindEach(t, smugglingBehind, func(t *testing.T, h *deployment) {
		who, other := h.browser(email(member.Plain)), h.browser(email(member.Plain))
		listening := h.dial()
		defer listening.close()
		listening.say(request{target: "/api/events", headers: []string{who.cookie()}}.String())
		events, err := http.ReadResponse(listening.from, &http.Request{Method: http.MethodGet})
		require.NoError(t, err)
		defer events.Body.Close() //nolint:errcheck // it was only read
		require.Equal(t, http.StatusOK, events.StatusCode)
		revoked := h.ask(request{method: http.MethodDelete, target: "/api/sessions/" + who.session, headers: []string{other.cookie(), "Origin: " + publicURL, "Sec-Fetch-Site: same-origin"}})
		require.Equal(t, http.StatusNoContent, revoked.status, revoked)
		said := make([]byte, 0, 4096)
		require.NoError(t, listening.conn.SetReadDeadline(time.Now().Add(2*time.Second)))
		for !bytes.Contains(said, []byte("session.ended")) {
			n, err := events.Body.Read(said[len(said):cap(said)])
			said = said[:len(said)+n]
			require.True(t, n > 0 || err == nil, "%v, after %s", err, said)
		}
		require.Equal(t, http.StatusOK, h.ask(request{target: "/", headers: []string{other.cookie()}}).status)
	})
}
