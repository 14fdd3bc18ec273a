// Package mail sends one-time links to members.
package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// sendTimeout limits the delivery of one mail to the server.
const sendTimeout = 10 * time.Second

// Encryption is how the connection to the mail server is encrypted.
type Encryption int

// The kinds of encryption. If the server does not offer the configured one, nothing is sent.
const (
	// StartTLS upgrades the connection before credentials or mail are sent.
	StartTLS Encryption = iota
	// ImplicitTLS is encrypted from the first byte.
	ImplicitTLS
	// Unencrypted is only for a server on the same machine.
	Unencrypted
)

// Server holds the mail server and the sender of mail.
type Server struct {
	Host       string
	Port       int
	Encryption Encryption
	// User and Password are empty for a server without authentication.
	User     string
	Password string
	From     netmail.Address
}

// String returns the server's address as a URL, with the password masked.
func (s Server) String() string {
	address := url.URL{Scheme: "smtp", Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port))}
	if s.Encryption == ImplicitTLS {
		address.Scheme = "smtps"
	}
	if s.User != "" {
		address.User = url.UserPassword(s.User, s.Password)
	}
	return address.Redacted()
}

// Sender sends letters through a mail server. It is safe for concurrent use.
type Sender struct {
	server Server
	// outcome is that of the last delivery.
	outcome atomic.Int32
}

// Outcome is what came of a delivery.
type Outcome int32

// The outcomes. None is that of a sender that has not sent yet.
const (
	None Outcome = iota
	Delivered
	Refused
)

// LastOutcome returns what came of the last delivery.
func (s *Sender) LastOutcome() Outcome { return Outcome(s.outcome.Load()) }

// New returns a sender. It does not connect: Curfew must start while the mail server is down.
func New(server Server) *Sender { return &Sender{server: server} }

// Send delivers a message to the mail server. It takes at most ten seconds. Its error does not
// contain the message's link.
func (s *Sender) Send(ctx context.Context, message Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return fmt.Errorf("prepare mail: %w", err)
	}
	if err := s.deliver(ctx, client, message); err != nil {
		s.outcome.Store(int32(Refused))
		return fmt.Errorf("send mail: %w", message.redact(errors.Join(ctx.Err(), err)))
	}
	s.outcome.Store(int32(Delivered))
	return nil
}

// errNoUTF8 is returned if an address is not ASCII and the server does not support SMTPUTF8 (RFC
// 6531). go-mail would send it anyway.
var errNoUTF8 = errors.New("the mail server takes no addresses with letters beyond ASCII (it lacks SMTPUTF8)")

func (s *Sender) deliver(ctx context.Context, client *gomail.Client, message Message) (err error) {
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// The connection is already closed if the context has ended.
		err = errors.Join(err, client.CloseWithSMTPClient(connection))
	}()
	if able, _ := connection.Extension("SMTPUTF8"); !able && strings.ContainsFunc(message.Email+s.server.From.Address, beyondASCII) {
		return errNoUTF8
	}
	return client.SendWithSMTPClient(connection, s.encode(message))
}

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

// client returns a client for one mail. Its connection is closed when the context ends, because
// go-mail checks the context only while it dials.
func (s *Sender) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.server.Port),
		gomail.WithTimeout(sendTimeout),
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			connection, err := s.dial(dialing, network, address)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = connection.Close() })
			}
			return connection, err
		}),
	}
	switch s.server.Encryption {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case Unencrypted:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.server.User != "" {
		options = append(options,
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin),
			gomail.WithUsername(s.server.User), gomail.WithPassword(s.server.Password))
	}
	return gomail.NewClient(s.server.Host, options...)
}

func (s *Sender) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.server.Encryption == ImplicitTLS {
		return (&tls.Dialer{Config: &tls.Config{ServerName: s.server.Host, MinVersion: tls.VersionTLS12}}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (s *Sender) encode(message Message) *gomail.Msg {
	from := s.server.From
	domain := from.Address[strings.LastIndexByte(from.Address, '@'):]
	encoded := gomail.NewMsg(gomail.WithNoDefaultUserAgent()) // it would name the library and its version
	encoded.FromMailAddress(&from)
	encoded.ToMailAddress(&netmail.Address{Name: oneLine(message.Name), Address: message.Email})
	encoded.Subject(message.subject())
	encoded.SetDate()
	encoded.SetMessageIDWithValue(rand.Text() + domain)      // go-mail's own would contain the machine's name
	encoded.SetGenHeader("Auto-Submitted", "auto-generated") // prevents out-of-office replies (RFC 3834)
	encoded.SetBodyString(gomail.TypeTextPlain, message.text())
	return encoded
}
