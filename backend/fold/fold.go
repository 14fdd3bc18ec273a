// Package fold turns text that people type or paste into the one form in which it is stored and
// compared. There is one function for each kind of text, used by every edge:
//
//	Address  e-mail addresses; ShowAddress is the inverse, for people
//	Name     names and other short lines: organization, member, passkey, reason
//	Host     the host of a URL, as browsers write it
//	Code     one-time codes, recovery codes, set-up tokens
//	Key      sort keys and search text; Words is a search typed by a person
//
// Each folds first and validates afterwards, and is idempotent. Nothing else in the program folds
// text, migrations in SQL included: SQLite's lower() knows ASCII alone.
package fold

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Error describes why a text was refused. Message is a sentence for the person who typed it.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Message }

// Name folds a name, or another text of one line: NFC, without white space and invisible characters
// at the ends. It returns an [*Error] for a text of more than limit characters, one without a visible
// character, and one that holds control characters or changes the direction of the text around it.
func Name(text string, limit int) (string, error) {
	if !utf8.ValidString(text) {
		return "", &Error{"characters", "This is not valid UTF-8. Type it again."}
	}
	name := trim(norm.NFC.String(text))
	switch {
	case !strings.ContainsFunc(name, visible):
		return "", &Error{"required", "Enter at least one visible character."}
	case utf8.RuneCountInString(name) > limit:
		return "", &Error{"max", fmt.Sprintf("Use at most %d characters.", limit)}
	case strings.ContainsFunc(name, control):
		return "", &Error{"characters", "Remove line breaks, tabs and other control characters."}
	case strings.ContainsFunc(name, redirects):
		return "", &Error{"characters", "Remove the invisible characters that change the direction of text."}
	}
	return name, nil
}

// Code folds a code to upper-case letters and ASCII digits: NFKC, digits of any script, and nothing
// of what people and apps put in between to make it readable.
func Code(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '0' + digit(r)
		case unicode.IsLetter(r):
			return unicode.ToUpper(r)
		}
		return -1
	}, norm.NFKC.String(text))
}

// digit returns the value of a decimal digit. Unicode keeps those of a script together, in order, so
// every range of its table begins with a zero and holds a multiple of ten.
func digit(r rune) rune {
	for _, run := range unicode.Nd.R16 {
		if r <= rune(run.Hi) {
			return (r - rune(run.Lo)) % 10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if r <= rune(run.Hi) {
			return (r - rune(run.Lo)) % 10
		}
	}
	return 0
}

// Key folds a text for sorting and searching: NFKD without marks, lower case, words apart by one
// space.
func Key(text string) string {
	var key strings.Builder
	key.Grow(len(text))
	apart := false
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.IsSpace(r):
			apart = key.Len() > 0
		case unicode.IsControl(r), r >= utf8.RuneSelf && (unicode.Is(unicode.Mn, r) || ignorable(r)):
		default:
			if apart {
				key.WriteByte(' ')
			}
			apart = false
			key.WriteRune(unicode.ToLower(r))
		}
	}
	return key.String()
}

// Words splits a search into the words that must all be found in a [Key], in any order. It returns none
// for a blank search alone: one that is made of marks finds nothing, instead of everything.
func Words(search string) []string {
	words := strings.Fields(Key(search))
	if len(words) == 0 && trim(search) != "" {
		return []string{search}
	}
	return words
}

// trim removes white space and invisible characters at both ends.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || ignorable(r) })
}

// ignorable reports whether a character is a Default_Ignorable_Code_Point, which is derived as in
// Unicode's DerivedCoreProperties.txt.
func ignorable(r rune) bool {
	if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
		(r < 0xFFF9 || r > 0xFFFB) && (r < 0x13430 || r > 0x13440)
}

// visible reports whether a character leaves ink by itself. Braille's blank pattern is a symbol that
// leaves none.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !ignorable(r) && r != '\u2800'
}

// Printable returns a text that others chose without what would move a terminal's cursor, colour it or
// turn the direction of the text around it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if control(r) || redirects(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func control(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

// redirects reports whether a character embeds, overrides or isolates a direction. The marks that
// Hebrew and Arabic names need (LRM, RLM, ALM) do not.
func redirects(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
