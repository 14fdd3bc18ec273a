// Package mail sends one-time links to the members that they are for.
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
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// patience is how long a mail may take in all, until the server has taken it.
const patience = 10 * time.Second

// Encryption is how the connection to the mail server is kept private.
type Encryption int

// The kinds of encryption. Nothing is sent where the one that was asked for cannot be had.
const (
	// StartTLS begins in the clear and is encrypted before anything that matters.
	StartTLS Encryption = iota
	// ImplicitTLS is encrypted from the first byte.
	ImplicitTLS
	// Unencrypted is for a server on the same machine.
	Unencrypted
)

// Server is the mail server, and in whose name mail goes out.
type Server struct {
	Host       string
	Port       int
	Encryption Encryption
	// User and Password are empty for a server that takes mail without.
	User     string
	Password string
	From     netmail.Address
}

// String is the server's address as a URL, with the password masked.
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
type Sender struct{ server Server }

// New makes a sender. It does not connect: a mail server that is down must not keep Curfew from starting.
func New(server Server) *Sender { return &Sender{server} }

// Send delivers a letter to the mail server. It takes ten seconds at most, and less where the context ends before. Its error does not
// tell the letter's link.
func (s *Sender) Send(ctx context.Context, letter Letter) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return fmt.Errorf("prepare mail: %w", err)
	}
	if err := s.deliver(ctx, client, letter); err != nil {
		return fmt.Errorf("send mail: %w", letter.redact(errors.Join(ctx.Err(), err)))
	}
	return nil
}

// errNoUTF8 is returned where the server cannot take an address: one that is not ASCII needs SMTPUTF8
// (RFC 6531), and go-mail would send it all the same.
var errNoUTF8 = errors.New("the mail server takes no addresses with letters beyond ASCII (it lacks SMTPUTF8)")

func (s *Sender) deliver(ctx context.Context, client *gomail.Client, letter Letter) (err error) {
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// It is cut where the context has ended. What was delivered stays so.
		err = errors.Join(err, client.CloseWithSMTPClient(connection))
	}()
	if able, _ := connection.Extension("SMTPUTF8"); !able && strings.ContainsFunc(letter.Email+s.server.From.Address, beyondASCII) {
		return errNoUTF8
	}
	return client.SendWithSMTPClient(connection, s.message(letter))
}

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

// client is for one mail: its connection is cut when the context ends, which go-mail heeds only while it dials.
func (s *Sender) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.server.Port),
		gomail.WithTimeout(patience),
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

func (s *Sender) message(letter Letter) *gomail.Msg {
	from := s.server.From
	domain := from.Address[strings.LastIndexByte(from.Address, '@'):]
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent()) // which would tell the library and its version
	message.FromMailAddress(&from)
	message.ToMailAddress(&netmail.Address{Name: oneLine(letter.Name), Address: letter.Email})
	message.Subject(letter.subject())
	message.SetDate()
	message.SetMessageIDWithValue(rand.Text() + domain)      // go-mail's own would tell the machine's name
	message.SetGenHeader("Auto-Submitted", "auto-generated") // so that no one's absence is reported back (RFC 3834)
	message.SetBodyString(gomail.TypeTextPlain, letter.text())
	return message
}
