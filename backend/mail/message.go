package mail

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// Message is a mail with a one-time link.
type Message struct {
	// Reset is for a new password. Otherwise the message is an invitation.
	Reset bool
	// Name and Email are the recipient's. The name may be empty.
	Name  string
	Email string
	// By is the name of the member who sends the link, or of the operator.
	By           string
	Organization string
	Link         string
	ExpiresAt    time.Time
}

func (m Message) subject() string {
	if m.Reset {
		return "Choose a new password for " + oneLine(m.Organization)
	}
	return oneLine(m.By) + " invites you to " + oneLine(m.Organization)
}

const invitation = `Hello%s,

%s invites you to join %s. To accept, open this link and choose a password:

%s

The link works once, until %s.

If you did not expect this, ignore it: nothing happens unless the link is opened. Anyone with the link can join in your place, so do not forward it.
`

const reset = `Hello%s,

%s has made a link for you to choose a new password for %s:

%s

The link works once, until %s. Using it signs you out everywhere.

If you did not expect this, do not open the link, and ask %[2]s about it. Until it is used, your password stays as it is. Anyone with the link can then sign in as you, so do not forward it.
`

func (m Message) text() string {
	name, form := bidiIsolate(m.Name), invitation
	if name != "" {
		name = " " + name
	}
	if m.Reset {
		form = reset
	}
	return fmt.Sprintf(form, name, bidiIsolate(m.By), bidiIsolate(m.Organization), m.Link, m.ExpiresAt.UTC().Format("15:04 UTC on 2 January 2006"))
}

// redact removes the link's secret from an error, because a server may quote the mail that it
// refuses.
func (m Message) redact(err error) error {
	_, secret, found := strings.Cut(m.Link, "#")
	if !found || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "…"))
}

// oneLine returns a text that people chose without line breaks and other characters that affect the
// text around it. It breaks up what looks like an encoded word (RFC 2047), which a subject would
// decode.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "=?", "= ?")
}

// bidiIsolate is oneLine for the middle of a sentence: it isolates right-to-left text, so that the
// words around it keep their order.
func bidiIsolate(text string) string {
	const firstStrong, pop = "\u2068", "\u2069"
	text = oneLine(text)
	if strings.ContainsFunc(text, rightToLeft) {
		return firstStrong + text + pop
	}
	return text
}

func rightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.R || properties.Class() == bidi.AL
}
