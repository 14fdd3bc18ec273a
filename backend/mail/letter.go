package mail

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// Letter hands somebody a one-time link.
type Letter struct {
	// Reset tells that the member has a password already, and gets a link for a new one; otherwise they are invited.
	Reset bool
	// Name and Email are whom it goes to; the name may be empty.
	Name  string
	Email string
	// By is who sends it, and Organization where they are at home.
	By           string
	Organization string
	Link         string
	ExpiresAt    time.Time
}

func (l Letter) subject() string {
	if l.Reset {
		return "Choose a new password for " + oneLine(l.Organization)
	}
	return oneLine(l.By) + " invites you to " + oneLine(l.Organization)
}

const invitation = `Hello%s,

%s invites you to join %s. To accept, open this link and choose a password:

%s

The link works once, until %s.

If you did not expect this, ignore it: nothing happens unless the link is opened. Whoever has the link can join in your place, so do not pass it on.
`

const reset = `Hello%s,

%s has made a link by which you can choose a new password for %s:

%s

The link works once, until %s. Using it signs you out wherever you are signed in.

If you did not expect this, do not open the link, and ask %[2]s about it. Until it is used, your password stays as it is. Whoever has the link can sign in as you afterwards, so do not pass it on.
`

func (l Letter) text() string {
	name, form := isolate(l.Name), invitation
	if name != "" {
		name = " " + name
	}
	if l.Reset {
		form = reset
	}
	return fmt.Sprintf(form, name, isolate(l.By), isolate(l.Organization), l.Link, l.ExpiresAt.UTC().Format("15:04 UTC on 2 January 2006"))
}

// redact takes the link's secret out of an error: a server may quote what it refuses.
func (l Letter) redact(err error) error {
	_, secret, found := strings.Cut(l.Link, "#")
	if !found || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "…"))
}

// oneLine is a text that people have chosen, without line breaks and whatever else could change what stands around it. What looks
// like an encoded word (RFC 2047) is taken apart, because a subject would show what it decodes to.
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

// isolate is oneLine for the middle of a sentence: one that is written from right to left leaves the words around it in their order.
func isolate(text string) string {
	const firstStrong, pop = "\u2068", "\u2069"
	text = oneLine(text)
	if strings.ContainsFunc(text, fromRightToLeft) {
		return firstStrong + text + pop
	}
	return text
}

func fromRightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.R || properties.Class() == bidi.AL
}
