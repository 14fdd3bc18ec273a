package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"curfew/backend/mail/mailtest"
)

// certificate is the test server's. TestMain makes the system trust it, because Go reads the
// trusted certificates once.
var certificate tls.Certificate

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "curfew-mail-")
	if err != nil {
		panic(err)
	}
	authority := filepath.Join(folder, "authority.pem")
	certificate = selfSigned(authority)
	if err := os.Setenv("SSL_CERT_FILE", authority); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

func selfSigned(path string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

const secret = "s3cret-of-the-link"

var message = Message{
	Name: "Ben", Email: "ben@example.org", By: "Ana Lima", Organization: "Example Observatory",
	Link:      "https://curfew.example.org/accept-invitation#token=" + secret,
	ExpiresAt: time.Date(2026, time.December, 1, 14, 2, 59, 0, time.UTC),
}

// on returns a sender to a server on this machine.
func on(port int, change ...func(*Server)) *Sender {
	server := Server{
		Host: "127.0.0.1", Port: port, Encryption: Unencrypted,
		From: netmail.Address{Name: "Curfew", Address: "curfew@example.org"},
	}
	for _, f := range change {
		f(&server)
	}
	return New(server)
}

func signsIn(password string) func(*Server) {
	return func(s *Server) { s.User, s.Password = "curfew", password }
}

func encrypted(how Encryption) func(*Server) { return func(s *Server) { s.Encryption = how } }

func TestAnInvitationArrives(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	require.NoError(t, on(server.Port).Send(t.Context(), message))
	require.Len(t, server.Taken(), 1)
	got := server.Taken()[0]
	require.Equal(t, "curfew@example.org", got.From)
	require.Equal(t, "ben@example.org", got.To)
	require.Equal(t, `"Curfew" <curfew@example.org>`, got.Header.Get("From"))
	require.Equal(t, `"Ben" <ben@example.org>`, got.Header.Get("To"))
	require.Equal(t, "Ana Lima invites you to Example Observatory", got.Subject(t))
	require.Equal(t, "auto-generated", got.Header.Get("Auto-Submitted"))
	require.Regexp(t, `^<[A-Z2-7]{26}@example\.org>$`, got.Header.Get("Message-ID"))
	require.ElementsMatch(t, []string{
		"Date", "Message-Id", "Mime-Version", "Auto-Submitted", "Subject", "From", "To", "Content-Type", "Content-Transfer-Encoding",
	}, slices.Collect(maps.Keys(got.Header)), "a mail tells no program's name or version")
	require.NotContains(t, got.Raw, "go-mail")
	require.Equal(t, `Hello Ben,

Ana Lima invites you to join Example Observatory. To accept, open this link and choose a password:

https://curfew.example.org/accept-invitation#token=s3cret-of-the-link

The link works once, until 14:02 UTC on 1 December 2026.

If you did not expect this, ignore it: nothing happens unless the link is opened. Anyone with the link can join in your place, so do not forward it.
`, got.Text)
}

// The domain of a Message-ID is that of the sender's address.
func TestTheDomainOfAMessage(t *testing.T) {
	for text, want := range map[string]string{`"a@b"@example.org`: `^<[A-Z2-7]{26}@example\.org>$`, "curfew@[192.0.2.1]": `^<[A-Z2-7]{26}@\[192\.0\.2\.1\]>$`} {
		from, err := netmail.ParseAddress(text)
		require.NoError(t, err)
		server := mailtest.Start(t, mailtest.Options{})
		require.NoError(t, on(server.Port, func(s *Server) { s.From = *from }).Send(t.Context(), message))
		require.Regexp(t, want, server.Taken()[0].Header.Get("Message-ID"))
	}
}

func TestAResetArrives(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	reset := message
	reset.Reset, reset.Name = true, ""
	require.NoError(t, on(server.Port).Send(t.Context(), reset))
	got := server.Taken()[0]
	require.Equal(t, "Choose a new password for Example Observatory", got.Subject(t))
	require.Contains(t, got.Text, "Hello,\n\nAna Lima has made a link for you to choose a new password for Example Observatory:\n\n"+message.Link+"\n\n")
	require.Contains(t, got.Text, "ask Ana Lima about it.")
	require.NotContains(t, got.Text, "%!")
}

func TestThePasswordOpensTheServer(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Password: "right"})
	require.NoError(t, on(server.Port, signsIn("right")).Send(t.Context(), message))
	err := on(server.Port, signsIn("a wrong one")).Send(t.Context(), message)
	require.ErrorContains(t, err, `535 "5.7.8 wrong user or password"`)
	require.NotContains(t, err.Error(), "a wrong one")
	require.ErrorContains(t, on(server.Port).Send(t.Context(), message), `530 "5.7.0 sign in first"`)
	require.Len(t, server.Taken(), 1)
}

// ASVS 12.3.1
func TestEncryption(t *testing.T) {
	plain := mailtest.Start(t, mailtest.Options{})
	offering := mailtest.Start(t, mailtest.Options{Certificate: &certificate, Password: "right"})
	implicit := mailtest.Start(t, mailtest.Options{Certificate: &certificate, Implicit: true, Password: "right"})

	require.NoError(t, on(offering.Port, encrypted(StartTLS), signsIn("right")).Send(t.Context(), message))
	require.NoError(t, on(implicit.Port, encrypted(ImplicitTLS), signsIn("right")).Send(t.Context(), message))
	for _, server := range []*mailtest.Server{offering, implicit} {
		require.Len(t, server.Taken(), 1)
		require.True(t, server.Taken()[0].Encrypted)
	}

	require.ErrorContains(t, on(plain.Port, encrypted(StartTLS)).Send(t.Context(), message), "does not support STARTTLS")
	require.Error(t, on(plain.Port, encrypted(ImplicitTLS)).Send(t.Context(), message))
	elsewhere := func(s *Server) { s.Host = "localhost" } // the certificate is for 127.0.0.1
	for how, server := range map[Encryption]*mailtest.Server{StartTLS: offering, ImplicitTLS: implicit} {
		err := on(server.Port, encrypted(how), elsewhere).Send(t.Context(), message)
		require.ErrorContains(t, err, "certificate")
	}
	require.Empty(t, plain.Taken())
	require.Len(t, offering.Taken(), 1)
}

// A server may quote the mail that it refuses, and its answer goes to the log.
func TestARefusalIsToldWithoutTheSecret(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Refusal: "554 5.7.1 looks like spam: %s"})
	err := on(server.Port).Send(t.Context(), message)
	require.ErrorContains(t, err, `554 "5.7.1 looks like spam: Hello Ben`)
	require.ErrorContains(t, err, "https://curfew.example.org/accept-invitation#…")
	require.NotContains(t, err.Error(), secret)
}

func TestAServerThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.ErrorContains(t, on(listener.Addr().(*net.TCPAddr).Port).Send(t.Context(), message), "connection refused")
}

// A server that accepts the connection and never answers, or stops answering, delays the sender no
// longer than the context.
func TestAServerThatHangs(t *testing.T) {
	for name, greeting := range map[string]string{
		"from the start":     "",
		"after the greeting": "220 mail.test\r\n",
		"after the hello":    "220 mail.test\r\n250 fine\r\n",
		"before the text":    "220 mail.test\r\n250 fine\r\n250 noop\r\n250 from\r\n250 to\r\n354 go on\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = connection.Write([]byte(greeting))
				<-t.Context().Done()
				_ = connection.Close()
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began := time.Now()
			err = on(listener.Addr().(*net.TCPAddr).Port).Send(ctx, message)
			require.ErrorContains(t, err, "deadline exceeded")
			require.Less(t, time.Since(began), 2*time.Second)
		})
	}
}

// Names are what people have typed.
func TestNamesStayNames(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	for i, name := range []string{
		"Ben\r\nBcc: everybody@example.org", "Ben\nBcc: everybody@example.org\n\nHello", "Ben\r\n.\r\nMAIL FROM:<x@example.org>", "Ben\x00\x1b[31m\u0085\u2028Bcc: x",
		`Ben "the Boss" O'Neil <boss@example.org>`, `Ben\`, `"`, ", ;:@", "Zoë Þórðardóttir 佐藤 花子 👩🏽‍🚀", "שרה כהן", "\u202eneB", "=?utf-8?q?Ben?=", strings.Repeat("very ", 60) + "long", "",
	} {
		t.Run(name, func(t *testing.T) {
			named := message
			named.Name, named.By, named.Organization = name, name, name
			require.NoError(t, on(server.Port).Send(t.Context(), named))
			require.Len(t, server.Taken(), i+1)
			got := server.Taken()[i]
			require.Equal(t, "ben@example.org", got.To)
			require.Equal(t, "curfew@example.org", got.From)
			require.Empty(t, got.Header.Get("Bcc"))
			for line := range strings.Lines(got.Raw) {
				require.LessOrEqual(t, len(strings.TrimRight(line, "\r\n")), 998)
			}

			shown := oneLine(name)
			to, err := netmail.ParseAddressList(got.Header.Get("To"))
			require.NoError(t, err)
			require.Len(t, to, 1)
			require.Equal(t, "ben@example.org", to[0].Address)
			require.Equal(t, shown, to[0].Name)
			require.Equal(t, strings.TrimSpace(shown+" invites you to "+shown), strings.TrimSpace(got.Subject(t)))
			require.Len(t, strings.Split(got.Text, "\n"), 10, "as many lines as there are without a name")
			require.NotContains(t, strings.Map(controls, got.Text), "C")
			require.Contains(t, got.Text, "\n\n"+message.Link+"\n\n")
		})
	}
}

// controls returns the control characters of a text, except line breaks.
func controls(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return 'C'
	}
	return -1
}

func TestRightToLeftTextIsIsolated(t *testing.T) {
	require.Equal(t, "\u2068שרה\u2069", bidiIsolate("שרה"))
	require.Equal(t, "\u2068Ben ليلى\u2069", bidiIsolate("Ben\u202e ليلى\u2069"), "and cannot break out")
	require.Equal(t, "Ben", bidiIsolate("\u202eBen"))
}

func TestTheServerIsShownWithoutItsPassword(t *testing.T) {
	require.Equal(t, "smtps://curfew:xxxxx@mail.example.org:465", Server{Host: "mail.example.org", Port: 465, Encryption: ImplicitTLS, User: "curfew", Password: "s3cret"}.String())
	require.Equal(t, "smtp://[::1]:25", Server{Host: "::1", Port: 25, Encryption: Unencrypted}.String())
}

// Mail goes to the stored address. An A-label goes to any server, and a local part that is not
// ASCII only to one that supports it.
func TestAnAddressBeyondASCIINeedsAServerThatTakesIt(t *testing.T) {
	able, other := mailtest.Start(t, mailtest.Options{UTF8: true}), mailtest.Start(t, mailtest.Options{})
	abroad := message
	abroad.Email = "jörg@xn--bcher-kva.example"
	require.NoError(t, on(able.Port).Send(t.Context(), abroad))
	require.Equal(t, abroad.Email, able.Taken()[0].To)
	to, err := netmail.ParseAddress(able.Taken()[0].Header.Get("To"))
	require.NoError(t, err)
	require.Equal(t, abroad.Email, to.Address)
	require.ErrorContains(t, on(other.Port).Send(t.Context(), abroad), "SMTPUTF8")
	require.Empty(t, other.Taken())

	abroad.Email = "kim@xn--bcher-kva.example"
	require.NoError(t, on(other.Port).Send(t.Context(), abroad))
	require.Equal(t, abroad.Email, other.Taken()[0].To)
}
