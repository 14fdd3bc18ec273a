package fold

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAddresses(t *testing.T) {
	long := strings.Repeat("l", 64) + "@" + strings.Repeat(strings.Repeat("d", 45)+".", 4)
	for text, want := range map[string]string{
		"ana@example.org": "ana@example.org",
		" \t\u00a0\u200bAna@Example.ORG\u200d\ufeff\u3164": "ana@example.org",
		"ana@example.org\r\n":                              "ana@example.org",
		"ａｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ":                                  "ana@example.org",
		"kim@straße.example":                               "kim@xn--strae-oqa.example",
		"KIM@STRASSE.example":                              "kim@strasse.example",
		"kim@xn--strae-oqa.example":                        "kim@xn--strae-oqa.example",
		"Kim@XN--STRAE-OQA.EXAMPLE":                        "kim@xn--strae-oqa.example",
		"kim@stra\u00adße.example":                         "kim@xn--strae-oqa.example",
		"kim@bu\u0308cher.example":                         "kim@xn--bcher-kva.example",
		"jörg@example.org":                                 "jörg@example.org",
		"JO\u0308RG@example.org":                           "jörg@example.org",
		"иван+shop@почта.рф":                               "иван+shop@xn--80a1acny.xn--p1ai",
		"花子@例え。jp":                                         "花子@xn--r8jz45g.jp",
		"o'neil+x_y@a--b.example":                          "o'neil+x_y@a--b.example",
		long + "example":                                   long + "example"[:254-len(long)],
	} {
		if len(want) == 254 {
			text = want
		}
		got, err := Address(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got, "%q", text)
	}
	for text, say := range map[string]string{
		"":                    "Enter an e-mail address",
		" \u200b":             "Enter an e-mail address",
		"ana":                 "Enter an e-mail address",
		"@example.org":        "Enter an e-mail address",
		"ana@":                "behind the @",
		"ana@localhost":       "behind the @",
		"ana@192.0.2.1":       "behind the @",
		"ana@[192.0.2.1]":     "behind the @",
		"ana@my_host.example": "behind the @",
		"ana@-a.example":      "behind the @",
		"ana@example..org":    "behind the @",
		"ana@example.org.":    "behind the @",
		"ana@xn--a.example":   "behind the @",
		"ana@" + strings.Repeat("a", 64) + ".xyz": "behind the @",
		"ana@" + strings.Repeat("ü", 60) + ".xyz": "behind the @", // 66 as an A-label
		"ana@exa\x00mple.org":                     "behind the @",
		"ana@example.org\nbcc:x@example.org":      "without spaces",
		"a\u200bna@example.org":                   "invisible character",
		"a\x00na@example.org":                     "invisible character",
		"a\u202ena@example.org":                   "invisible character",
		"a na@example.org":                        "without spaces",
		`"ana"@example.org`:                       "without spaces",
		"ana@home@example.org":                    "without spaces",
		".ana@example.org":                        "A dot stands",
		"a..na@example.org":                       "A dot stands",
		"аna@example.org":                         "one alphabet", // a Cyrillic а
		"ana@ехample.org":                         "one alphabet",
		strings.Repeat("a", 65) + "@example.org":  "64 bytes",
		strings.Repeat("ö", 33) + "@example.org":  "64 bytes",
		long + "example1":                         "254 bytes",
		"ana@\xff.org":                            "UTF-8",
	} {
		_, err := Address(text)
		require.ErrorContains(t, err, say, "%q", text)
	}
}

func TestAddressesAreShownInTheirOwnScript(t *testing.T) {
	for stored, shown := range map[string]string{
		"kim@xn--strae-oqa.example": "kim@straße.example",
		"ana@example.org":           "ana@example.org",
		"ana@xn--a.example":         "ana@xn--a.example", // no A-label at all
		"an old spelling":           "an old spelling",
	} {
		require.Equal(t, shown, ShowAddress(stored))
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"Zoe\u0308":                    "Zoë",
		"\u200b Ana Lima\n\u00a0":      "Ana Lima",
		"Zoë Иванова":                  "Zoë Иванова",
		"שרה\u200f כהן":                "שרה\u200f כהן",
		"नव\u200dीन":                   "नव\u200dीन",
		"👩🏽\u200d🚀":                    "👩🏽\u200d🚀",
		strings.Repeat("e\u0308", 200): strings.Repeat("ë", 200),
	} {
		got, err := Name(text, 200)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got)
	}
	for text, say := range map[string]string{
		"":                          "visible",
		" \u200b\u3164\u2800\ufe0f": "visible",
		"\u0308":                    "visible",
		"Ana\x00Lima":               "control",
		"Ana\nLima":                 "control",
		"Ana\u2028Lima":             "control",
		"\x1b[31mAna":               "control",
		"A\u202ean":                 "direction",
		"Ana \u2067Lima":            "direction",
		strings.Repeat("a", 10_000): "200 characters",
		"Ana\xff":                   "UTF-8",
	} {
		_, err := Name(text, 200)
		require.ErrorContains(t, err, say, "%q", text)
	}
}

func TestCodes(t *testing.T) {
	for text, want := range map[string]string{
		"123456":               "123456",
		"１２３　４５６":              "123456",
		"123\u00a0456\u200b\n": "123456",
		"١٢٣٤٥٦":               "123456",
		"𝟙𝟚𝟛-𝟰𝟱𝟲":              "123456",
		"abcdef-ghijkl":        "ABCDEFGHIJKL",
		"ａｂ 7":                 "AB7",
		"":                     "",
	} {
		require.Equal(t, want, Code(text), "%q", text)
	}
}

func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		"Zoë":                       "zoe",
		"ZOE\u0308":                 "zoe",
		"  Ana\u00a0\t Lima\u200b ": "ana lima",
		"Ｅｌ Ｎｉñｏ":                   "el nino",
		"Þórður":                    "þorður",
		"İstanbul":                  "istanbul",
		"\u0308":                    "",
	} {
		require.Equal(t, want, Key(text), "%q", text)
	}
	require.Equal(t, []string{"lima", "zoe"}, Words(" LIMA \u00a0 Zoë"))
	require.Empty(t, Words(" \u200b"))
	for _, nothing := range []string{"\u0308", "\x00"} {
		require.Len(t, Words(nothing), 1)
		require.NotContains(t, Key("a"+nothing), Words(nothing)[0])
	}
}

func TestHosts(t *testing.T) {
	for text, want := range map[string]string{
		"Curfew.Example.ORG": "curfew.example.org", "curfew.example.org.": "curfew.example.org", "localhost": "localhost", "my_host": "my_host",
		"Straße.example": "xn--strae-oqa.example", "XN--STRAE-OQA.example": "xn--strae-oqa.example", "例え。テスト。": "xn--r8jz45g.xn--zckzah", "①②⑦.0.0.1": "127.0.0.1",
		"192.0.2.1": "192.0.2.1", "2001:DB8:0:0::1": "2001:db8::1", "::ffff:192.0.2.1": "::ffff:c000:201", "::FFFF:7f00:1": "::ffff:7f00:1",
	} {
		got, err := Host(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", ".", "a..b", ".a", "a..", "*.example", "a b", "a/b", "a@b", "1.2.3", "256.1.1.1", "0x7f.1", "a.0x", "fe80::1%eth0", "xn--a", "a\u200db"} {
		_, err := Host(text)
		require.Error(t, err, text)
	}
}

// A folded text may be folded again.
func TestFoldsAreIdempotent(t *testing.T) {
	again := func(t require.TestingT, text string) {
		require.Equal(t, Key(text), Key(Key(text)), "%q", text)
		require.Equal(t, Code(text), Code(Code(text)), "%q", text)
		if host, err := Host(text); err == nil {
			twice, err := Host(host)
			require.NoError(t, err, "%q", text)
			require.Equal(t, host, twice)
		}
		if name, err := Name(text, 1000); err == nil {
			twice, err := Name(name, 1000)
			require.NoError(t, err, "%q", text)
			require.Equal(t, name, twice)
		}
		for _, typed := range []string{text, text + "@example.org", "ana@" + text + ".example"} {
			address, err := Address(typed)
			if err != nil {
				continue
			}
			require.Equal(t, address, OldAddress(address), "%q", typed)
			require.Equal(t, address, AddressKey(typed), "%q", typed)
			for _, spelling := range []string{address, ShowAddress(address), "\u200b" + address + " "} {
				twice, err := Address(spelling)
				require.NoError(t, err, "%q %q", typed, spelling)
				require.Equal(t, address, twice, "%q", typed)
			}
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.IsGraphic(r) && !unicode.In(r, unicode.Han, unicode.Hangul) || ignorable(r) || control(r) {
			again(t, "a"+string(r)+"b")
		}
	}
	rapid.Check(t, func(t *rapid.T) { again(t, rapid.String().Draw(t, "text")) })
}

// Each range of decimal digits holds whole sets of digits, from zero to nine.
func TestDigits(t *testing.T) {
	for _, run := range unicode.Nd.R16 {
		require.EqualValues(t, 1, run.Stride)
		require.Zero(t, (run.Hi-run.Lo+1)%10)
	}
	for _, run := range unicode.Nd.R32 {
		require.EqualValues(t, 1, run.Stride)
		require.Zero(t, (run.Hi-run.Lo+1)%10)
	}
}
