package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// fixed is a deployment whose secrets are always the same, so that a seed can be one of its tokens.
func fixed(f *testing.F) *deployment {
	f.Helper()
	return deploymentWith(f, Secrets{
		AccessTokens: []Key{{ID: "FIXED", Secret: bytes.Repeat([]byte{7}, secretSize)}, {ID: "OLDER", Secret: bytes.Repeat([]byte{8}, secretSize)}},
		Root:         bytes.Repeat([]byte{9}, secretSize),
	})
}

// FuzzGate holds that what is let in is, byte for byte, a token that was minted; that what was
// minted is let in; and that nothing else is ever told to have been right once (J4, J10).
func FuzzGate(f *testing.F) {
	d := fixed(f)
	minted := map[string]error{
		d.signed(d.header(), d.claims()):                                                                                          nil,
		d.signed(d.header(), strings.Replace(d.claims(), `"gen":3`, `"gen":4`, 1)):                                                nil,
		signedBy(d.secrets.AccessTokens[1].Secret, strings.Replace(d.header(), "FIXED", "OLDER", 1), d.claims()):                  nil,
		d.signed(d.header(), strings.ReplaceAll(d.claims(), strconv.FormatInt(noon.Unix(), 10), strconv.FormatInt(1, 10))):        nil,
		d.signed(d.header(), strings.Replace(d.claims(), strconv.FormatInt(noon.Add(5*time.Minute).Unix(), 10), "1700000000", 1)): ErrExpired,
	}
	for text := range minted {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, ours := minted[text]
		if !ours {
			want = ErrInvalid
		}
		for range 2 { // the second time, what was right is remembered
			claims, err := d.Verify(text)
			require.ErrorIs(t, err, want)
			if !ours {
				require.NotErrorIs(t, err, ErrExpired)
			}
			require.Equal(t, err == nil, claims != Claims{})
		}
	})
}

// FuzzClaims holds what is let in of what our own key has signed against another reading of it: by
// another library, that is told nothing of the gate, and by the nine claims as RFC 9068 and the
// design have them (J5, J6, J11, J12).
func FuzzClaims(f *testing.F) {
	d := fixed(f)
	f.Add(d.header(), d.claims())
	f.Fuzz(func(t *testing.T, header, claims string) {
		got, err := d.Verify(d.signed(header, claims))
		want, right := readAgain(claims)
		right = right && header == d.header() && len(d.signed(header, claims)) <= longest
		switch {
		case !right:
			require.ErrorIs(t, err, ErrInvalid)
		case !noon.Before(want.ExpiresAt):
			require.ErrorIs(t, err, ErrExpired)
			require.NotErrorIs(t, err, ErrInvalid)
		default:
			require.NoError(t, err)
			require.True(t, want.ExpiresAt.Equal(got.ExpiresAt))
			got.ExpiresAt = want.ExpiresAt
			require.Equal(t, want, got)
		}
	})
}

var (
	canonicalID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	whole       = regexp.MustCompile(`^[1-9][0-9]*$`) // no generation and no time of ours is zero
)

// readAgain reads claims member by member, and reports whether they are valid, though maybe
// expired.
func readAgain(text string) (claims Claims, right bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return claims, false
	}
	read := map[string]any{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return claims, false
		}
		var value any
		if _, twice := read[name.(string)]; twice || decoder.Decode(&value) != nil {
			return claims, false
		}
		read[name.(string)] = value
	}
	if last, err := decoder.Token(); err != nil || last != json.Delim('}') {
		return claims, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return claims, false
	}
	audience, list := read["aud"].([]any)
	if len(read) != 9 || read["iss"] != issuer || !list || len(audience) != 1 || audience[0] != "curfew-api" {
		return claims, false
	}
	ids := map[string]uuid.UUID{}
	for _, name := range []string{"sub", "sid", "jti"} {
		id, ok := read[name].(string)
		if !ok || !canonicalID.MatchString(id) {
			return claims, false
		}
		ids[name] = uuid.MustParse(id)
	}
	numbers := map[string]uint64{}
	for _, name := range []string{"gen", "iat", "nbf", "exp"} {
		number, ok := read[name].(json.Number)
		if !ok || !whole.MatchString(number.String()) {
			return claims, false
		}
		n, err := strconv.ParseUint(number.String(), 10, 64)
		if err != nil || name != "gen" && time.Unix(int64(min(n, 1<<40)), 0).UTC().Year() > 9999 {
			return claims, false
		}
		numbers[name] = n
	}
	if max(numbers["iat"], numbers["nbf"]) > uint64(noon.Unix()) {
		return claims, false
	}
	return Claims{Session: ids["sid"], Member: ids["sub"], Generation: numbers["gen"], ExpiresAt: time.Unix(int64(numbers["exp"]), 0)}, true
}
