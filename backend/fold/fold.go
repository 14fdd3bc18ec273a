// Package fold normalizes text that people type or paste, to the form in which it is stored and
// compared. There is one function for each kind of text, used by every edge:
//
//	Address  e-mail addresses; ShowAddress is the inverse, for people
//	Name     names and other short lines: organization, member, passkey, reason
//	Host     the host of a URL, as browsers write it
//	Code     one-time codes, recovery codes, set-up tokens
//	Key      sort keys and search text; Words splits a search
//
// Each folds first, validates afterwards, and is idempotent. No other code folds text, migrations
// in SQL included: SQLite's lower() knows only ASCII.
package fold

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Error describes why a text is refused. Message is a sentence for the person who typed it.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Message }

// Name folds a name or another line of text: NFC, without white space and invisible characters at
// the ends. It returns an [*Error] if the text has more than limit characters, no visible
// character, a control character, or one that changes the direction of the text around it.
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

// Code folds a code to upper-case letters and ASCII digits: NFKC, digits of any script, without the
// separators that make it readable.
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

// digit returns the value of a decimal digit. Unicode encodes the digits of a script in order, so
// each run of digits begins with a zero and holds a multiple of ten.
func digit(r rune) rune {
	before := rune(0)
	for unicode.IsDigit(r - before - 1) {
		before++
	}
	return before % 10
}

// Key folds a text for sorting and searching: NFKD without marks, lower case, one space between
// words.
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

// Words splits a search into the words that a [Key] must contain, in any order. It returns none
// only for a blank search. A search of only marks is one word, so it finds nothing.
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

// visible reports whether a character is visible by itself. Braille's blank pattern is a symbol
// that is not.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !ignorable(r) && r != '\u2800'
}

// Printable returns a text that is safe to print in a terminal: characters that control the
// terminal or change the direction of text are replaced.
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
