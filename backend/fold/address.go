package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The limits of RFC 5321 in octets (4.5.3.1 and, for the address, erratum 1690 of RFC 3696).
const (
	longestLocal   = 64
	longestAddress = 254
)

// domains is UTS #46, non-transitional, with STD3's letters, digits and hyphens. Hyphens in the
// third and fourth place are allowed, because such names are in use.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.BidiRule(), idna.VerifyDNSLength(true), idna.CheckHyphens(false))

// Address folds an e-mail address to the form in which it is stored, compared and mailed to: lower
// case, NFKC, the domain as A-labels. It returns an [*Error] if the text is not such an address.
func Address(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", &Error{"email", "This is not valid UTF-8. Type it again."}
	}
	address := norm.NFKC.String(strings.ToLower(norm.NFKC.String(trim(text))))
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", &Error{"email", "Enter an e-mail address, as in ana@example.org."}
	}
	local, domain := address[:at], address[at+1:]
	if err := checkLocal(local); err != nil {
		return "", err
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !isHost(ascii) {
		return "", &Error{"email", "Check the part behind the @: it is not the name of a domain, as in example.org."}
	}
	unicoded, err := domains.ToUnicode(ascii)
	switch {
	case err != nil:
		return "", &Error{"email", "Check the part behind the @: it is not the name of a domain, as in example.org."}
	case len(local)+1+len(ascii) > longestAddress:
		return "", &Error{"max", "Use at most 254 bytes. A letter that is not a plain Latin one takes several."}
	case lookAlikes(local) || lookAlikes(unicoded):
		return "", &Error{"email", "Type it in one alphabet: letters of several that look alike are mixed in one word."}
	}
	return local + "@" + ascii, nil
}

// checkLocal checks that the part before the @ is a dot-atom (RFC 5322, 3.2.3) with letters of any
// script (RFC 6532).
func checkLocal(local string) error {
	if len(local) > longestLocal {
		return &Error{"max", "Use at most 64 bytes in front of the @. A letter that is not a plain Latin one takes several."}
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return &Error{"email", "Enter an e-mail address, as in ana@example.org. A dot stands between other characters."}
		}
	}
	for _, r := range local {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r)):
		case r >= utf8.RuneSelf && unicode.IsGraphic(r) && !unicode.IsSpace(r) && !ignorable(r):
		case ignorable(r) || control(r):
			return &Error{"email", "There is an invisible character in it. Type the address instead of pasting it."}
		default:
			return &Error{"email", "Enter an e-mail address, as in ana@example.org, without spaces, quotes and brackets."}
		}
	}
	return nil
}

// isHost reports whether a domain of A-labels has a dot, no hyphen at the end of a label, and a
// last label that is not a number.
func isHost(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(labels) > 1 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// lookAlikes reports whether a word of the text mixes Latin, Greek and Cyrillic letters (UTS #39,
// 5.2).
func lookAlikes(text string) bool {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M) }) {
		scripts := 0
		for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(script, r) }) {
				scripts++
			}
		}
		if scripts > 1 {
			return true
		}
	}
	return false
}

// ShowAddress returns a stored address for people, with the domain as U-labels.
func ShowAddress(stored string) string {
	local, domain, found := strings.Cut(stored, "@")
	if !found || !strings.Contains(domain, "xn--") {
		return stored
	}
	shown, err := domains.ToUnicode(domain)
	if err != nil {
		return stored
	}
	return local + "@" + shown
}

// OldAddress folds an address as versions before this package did. It finds members whose address
// could not be folded to the new form.
func OldAddress(text string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(text)))
}

// AddressSpelling checks an address that is looked up, and returns it as typed, because it may be
// in an old spelling. It returns an [*Error] if it is too long.
func AddressSpelling(text string) (string, error) {
	if utf8.RuneCountInString(AddressKey(text)) > longestAddress {
		return "", &Error{"max", "Use at most 254 characters."}
	}
	return text, nil
}

// AddressKey returns the key for an address: the folded address or, if the text cannot be folded,
// its old spelling.
func AddressKey(text string) string {
	old := OldAddress(text)
	if !strings.ContainsFunc(old, beyondASCII) && !strings.Contains(old, "xn--") {
		return old // as Address would, and faster
	}
	if address, err := Address(text); err == nil {
		return address
	}
	return old
}

func beyondASCII(r rune) bool { return r >= utf8.RuneSelf }
