// Package mailtest is a mail server for tests. It implements enough SMTP to receive a message, and
// keeps it.
package mailtest

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Options configure the server. The zero Options accept any mail.
type Options struct {
	// Password is the password of the user "curfew"; empty for no authentication.
	Password string
	// Refusal is the answer to a message, with %s for its text; empty to accept it.
	Refusal string
	// Certificate is for STARTTLS or, with Implicit, for TLS from the first byte; nil for neither.
	Certificate *tls.Certificate
	Implicit    bool
	// UTF8 accepts addresses that are not ASCII (RFC 6531). Without it, the server closes the
	// connection at one.
	UTF8 bool
}

// Server is a mail server on a free port of 127.0.0.1.
type Server struct {
	Port    int
	options Options
	mu      sync.Mutex
	taken   []Message
}

// Message is a mail that was received.
type Message struct {
	From, To  string // of the envelope
	Encrypted bool
	Header    netmail.Header
	Text      string
	Raw       string
}

// Subject returns the decoded subject.
func (m Message) Subject(t *testing.T) string {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	return subject
}

// Start starts a server. It ends with the test.
func Start(t *testing.T, options Options) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	require.NoError(t, err)
	s := &Server{Port: listener.Addr().(*net.TCPAddr).Port, options: options}
	if options.Implicit {
		listener = tls.NewListener(listener, s.tls())
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(connection) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return s
}

// Taken returns the messages so far.
func (s *Server) Taken() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.taken...)
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*s.options.Certificate}, MinVersion: tls.VersionTLS12}
}

// serve holds one conversation (RFC 5321).
func (s *Server) serve(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	text := textproto.NewConn(connection)
	say := func(line string) { _ = text.PrintfLine("%s", line) }
	var message Message
	_, message.Encrypted = connection.(*tls.Conn)
	allowed := s.options.Password == ""
	say("220 mail.test")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-mail.test")
			if s.options.Certificate != nil && !message.Encrypted {
				say("250-STARTTLS")
			}
			if s.options.Password != "" {
				say("250-AUTH PLAIN")
			}
			if s.options.UTF8 {
				say("250-SMTPUTF8")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			connection = tls.Server(connection, s.tls())
			text, message.Encrypted = textproto.NewConn(connection), true
		case "AUTH":
			sent, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if allowed = string(sent) == "\x00curfew\x00"+s.options.Password; !allowed {
				say("535 5.7.8 wrong user or password")
				continue
			}
			say("235 welcome")
		case "MAIL", "RCPT":
			if !allowed {
				say("530 5.7.0 sign in first")
				continue
			}
			if !s.options.UTF8 && strings.ContainsFunc(rest, func(r rune) bool { return r > 127 }) {
				return
			}
			address := rest[strings.Index(rest, "<")+1 : strings.Index(rest, ">")]
			if verb == "MAIL" {
				message.From = address
			} else {
				message.To = address
			}
			say("250 fine")
		case "DATA":
			say("354 go on")
			raw, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			say(s.take(message, raw))
		case "QUIT":
			say("221 bye")
			return
		default: // NOOP, RSET
			say("250 fine")
		}
	}
}

func (s *Server) take(message Message, raw []byte) string {
	message.Raw = string(raw)
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "554 no message: " + err.Error()
	}
	body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body)) // as go-mail encodes it
	if err != nil {
		return "554 no text: " + err.Error()
	}
	message.Header, message.Text = parsed.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
	if s.options.Refusal != "" {
		return strings.ReplaceAll(s.options.Refusal, "%s", strings.Join(strings.Fields(message.Text), " "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, message)
	return "250 taken"
}
