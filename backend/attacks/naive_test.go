package attacks

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// naive is a proxy as bad as proxies were: it goes by Content-Length alone, passes everything on as
// it came, and has one connection to the server for all of its clients. Where the server ends a
// message elsewhere, the rest of one client's message begins the next one's.
type naive struct {
	listener net.Listener
	upstream string

	mu     sync.Mutex
	server *line // nil until a client asks, and after the server has hung up
	// patience is how long the server may take to answer. It may wait for more, where the proxy
	// sees an end.
	patience time.Duration
}

func startNaive(t *testing.T, upstream string) *naive {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &naive{listener: listener, upstream: upstream, patience: 10 * time.Second}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.forget()
		clients.Wait()
	})
	return p
}

func (p *naive) dial() (net.Conn, error) {
	conn, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(10 * time.Second))
}

// forget gives up the connection to the server.
func (p *naive) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		p.server.close()
		p.server = nil
	}
}

func (p *naive) hurry(patience time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patience = patience
}

func (p *naive) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // nobody is told
	_ = client.SetDeadline(time.Now().Add(10 * time.Second))
	from := bufio.NewReader(client)
	for {
		message, method, err := readNaively(from)
		if err != nil || !p.pass(client, message, method) {
			return
		}
	}
}

// readNaively reads a message: lines up to an empty one, and as many bytes as the last
// Content-Length says that is a number.
func readNaively(from *bufio.Reader) (message, method string, err error) {
	var head strings.Builder
	length := 0
	for {
		text, err := from.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		head.WriteString(text)
		name, value, _ := strings.Cut(text, ":")
		if strings.EqualFold(name, "Content-Length") {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n >= 0 {
				length = n
			}
		}
		if strings.TrimRight(text, "\r\n") == "" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(from, body); err != nil {
		return "", "", err
	}
	method, _, _ = strings.Cut(head.String(), " ")
	return head.String() + string(body), method, nil
}

// pass sends a message on, and one answer back. It reports whether more may follow.
func (p *naive) pass(client net.Conn, message, method string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		conn, err := net.Dial("tcp", p.upstream)
		if err != nil {
			return false
		}
		p.server = &line{conn, bufio.NewReader(conn)}
	}
	p.server.say(message)
	_ = p.server.conn.SetReadDeadline(time.Now().Add(p.patience))
	answer, err := http.ReadResponse(p.server.from, &http.Request{Method: method})
	if err == nil {
		err = answer.Write(client)
	}
	if err != nil || answer.Close {
		p.server.close()
		p.server = nil
	}
	return err == nil && !answer.Close
}

// hiddenRequests are what is hidden in a message: a whole request, and one that would swallow the
// next client's, cookies and all.
var hiddenRequests = []string{
	"GET /hidden HTTP/1.1\r\nHost: curfew.example.org\r\n\r\n",
	"DELETE /api/session HTTP/1.1\r\nHost: curfew.example.org\r\nX-Swallowed: ",
}

// Even behind a proxy that reads messages apart from Curfew, no client gets the answer to what
// another has hidden: Curfew ends a connection after any message that another reader may end
// elsewhere (RFC 9112, 6.1).
//
// ASVS 4.2.1
func TestBehindANaiveProxyNothingHiddenIsAnswered(t *testing.T) {
	h := open(t, options{})
	attacker, victim := h.signIn(email(member.Admin)), h.browser(email(member.Plain))
	p := startNaive(t, h.address)
	h.hangUp()
	h.reach = p.dial
	defer h.hangUp()
	for _, hidden := range hiddenRequests {
		rows := messages(hidden, attacker.access)
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			h.hangUp() // the next client is another one each time
			p.attack(rows[name].sent)
			own := h.ask(request{target: "/api/session", headers: []string{victim.cookie(), "Curfew-Passive: true"}})
			var current httpapi.CurrentSession
			_ = json.Unmarshal([]byte(own.body), &current) // what is no session has no id
			smuggling.note(t, textf("the next client of a naive proxy after %s: %s", name, rows[name].sent), own,
				unless(own.status == http.StatusOK && current.Session.Id == victim.session, "want their own session"))
		}
	}
}

// attack sends a message on a connection of its own, after all that came before, and waits until it
// has been passed on.
func (p *naive) attack(message string) {
	p.forget()
	p.hurry(40 * time.Millisecond)
	defer p.hurry(10 * time.Second)
	conn, err := p.dial()
	if err != nil {
		return
	}
	l := line{conn, bufio.NewReader(conn)}
	defer l.close()
	l.say(message)
	l.finish()
	_, _ = io.Copy(io.Discard, l.from) // what comes back is the attacker's
}

// The proxy is as bad as it says: a server that goes on after such a message answers the next
// client what the last one had hidden.
func TestANaiveProxyMixesUpClientsOfAServerThatGoesOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer server.Close()
	p := startNaive(t, server.Listener.Addr().String())
	mixed := 0
	for _, hidden := range hiddenRequests {
		for _, row := range messages(hidden, "") {
			p.attack(row.sent)
			conn, err := p.dial()
			require.NoError(t, err)
			l := line{conn, bufio.NewReader(conn)}
			l.say("GET /mine HTTP/1.1\r\nHost: curfew.example.org\r\n\r\n")
			if answer := l.hear(http.MethodGet); answer.body != "/mine" {
				mixed++
			}
			l.close()
		}
	}
	require.GreaterOrEqual(t, mixed, 2, "clients got another client's answer")
}
