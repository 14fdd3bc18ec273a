package token

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refuse holds that none of these is ever a token of the deployment: not now, not a second time,
// and not when it would have run out as well. "Expired" would tell a forger that everything else
// was right (CVE-2024-51744).
func refuse(t *testing.T, d *deployment, attacks map[string]string) {
	t.Helper()
	require.NotEmpty(t, attacks)
	for name, text := range attacks {
		t.Run(name, func(t *testing.T) {
			defer func() { d.now = noon }()
			for _, at := range []time.Time{noon, noon, noon.Add(time.Hour)} {
				d.now = at
				claims, err := d.Verify(text)
				require.ErrorIs(t, err, ErrInvalid)
				require.NotErrorIs(t, err, ErrExpired)
				require.Zero(t, claims)
			}
		})
	}
}

// Every attack below is this token with one change. Were it not accepted, they would all be refused
// for the wrong reason.
func TestTheTokenThatAttacksStartFromIsGood(t *testing.T) {
	d := newDeployment(t)
	claims, err := d.Verify(d.signed(d.header(), d.claims()))
	require.NoError(t, err)
	require.Equal(t, aSession, claims.Session.String())
}

// Rules J1, J2, J3, J7, J9, J11 and J12, on the header. All but the first few carry a right
// signature of our own key.
//
// ASVS 9.1.2
func TestVerifyRefusesForgedHeaders(t *testing.T) {
	d := newDeployment(t)
	kid := d.secrets.AccessTokens[0].ID
	with := func(old, replacement string) string {
		return d.signed(replaced(t, d.header(), old, replacement), d.claims())
	}
	also := func(member string) string { return with(`{`, `{`+member+`,`) }
	// Our own key and another algorithm of its family: a key is for one algorithm (RFC 8725, 3.2).
	otherwise := func(hash func() hash.Hash, algorithm string) string {
		header := replaced(t, d.header(), "HS256", algorithm)
		return sealed(hash, d.secrets.AccessTokens[0].Secret, base64URL(header)+"."+base64URL(d.claims()))
	}
	attacks := map[string]string{
		"HS384": otherwise(sha512.New384, "HS384"),
		"HS512": otherwise(sha512.New, "HS512"),

		"signed by another key":       signedBy(random(), d.header(), d.claims()),
		"signed by the kid's text":    signedBy([]byte(kid), d.header(), d.claims()),
		"signed by the empty key":     signedBy(nil, d.header(), d.claims()),
		"signed by the key in base64": signedBy([]byte(base64.StdEncoding.EncodeToString(d.secrets.AccessTokens[0].Secret)), d.header(), d.claims()),

		// What an unknown kid finds in the map of keys is the empty key.
		"signed by the empty key, unknown kid": signedBy(nil, replaced(t, d.header(), kid, "other"), d.claims()),
		"signed by the empty key, no kid":      signedBy(nil, `{"alg":"HS256","typ":"at+jwt"}`, d.claims()),

		"RS256":            with("HS256", "RS256"),
		"ES384":            with("HS256", "ES384"),
		"alg in lowercase": with("HS256", "hs256"),
		"alg array":        with(`"HS256"`, `["HS256"]`),
		"alg null":         with(`"HS256"`, `null`),
		"alg number":       with(`"HS256"`, `256`),
		"alg missing":      with(`"alg":"HS256",`, ``),

		"typ missing":       with(`,"typ":"at+jwt"`, ``),
		"typ null":          with(`"at+jwt"`, `null`),
		"typ JWT":           with("at+jwt", "JWT"),
		"typ at+JWT":        with("at+jwt", "at+JWT"),
		"typ with its tree": with("at+jwt", "application/at+jwt"),
		"logout token":      with("at+jwt", "logout+jwt"),
		"event token":       with("at+jwt", "secevent+jwt"),
		"refresh token":     with("at+jwt", "rt+jwt"),

		"kid missing":   with(`"kid":"`+kid+`",`, ``),
		"kid empty":     with(kid, ``),
		"kid path":      with(kid, `../../etc/passwd`),
		"kid SQL":       with(kid, `' OR 1=1 --`),
		"kid NUL":       with(kid, kid+`\u0000`),
		"kid of 10 KB":  with(kid, strings.Repeat("k", 10<<10)),
		"kid lowercase": with(kid, strings.ToLower(kid)),

		"crit known":   also(`"crit":["exp"]`),
		"crit unknown": also(`"crit":["curfew"]`),
		"crit empty":   also(`"crit":[]`),
		"crit null":    also(`"crit":null`),
		"b64 false":    also(`"b64":false,"crit":["b64"]`),
		"zip":          also(`"zip":"DEF"`),

		"duplicate alg, bad one first":   also(`"alg":"none"`),
		"duplicate alg, bad one last":    with(`}`, `,"alg":"none"}`),
		"duplicate alg, both right":      also(`"alg":"HS256"`),
		"duplicate alg by an escape":     also(`"\u0061lg":"HS256"`),
		"duplicate kid":                  also(`"kid":"other"`),
		"Alg instead of alg":             with(`"alg"`, `"Alg"`),
		"ALG beside alg":                 also(`"ALG":"none"`),
		"TYP instead of typ":             with(`"typ"`, `"TYP"`),
		"kid with the Kelvin sign":       with(`"kid"`, `"`+"\u212a"+`id"`), // which folds to k
		"header is an array":             d.signed(`[`+d.header()+`]`, d.claims()),
		"header is null":                 d.signed(`null`, d.claims()),
		"header is empty":                d.signed(``, d.claims()),
		"header followed by more":        d.signed(d.header()+`{}`, d.claims()),
		"header after a byte order mark": d.signed("\ufeff"+d.header(), d.claims()),
		"header is no UTF-8":             with(kid, "\xff"),
	}
	for _, none := range []string{"none", "None", "nOnE", ""} {
		forged := with("HS256", none)
		attacks[fmt.Sprintf("alg %q, signed", none)] = forged
		attacks[fmt.Sprintf("alg %q, unsigned", none)] = forged[:strings.LastIndex(forged, ".")+1]
	}
	refuse(t, d, attacks)
}

// Rule J8: a token does not say where its key is. Nothing is fetched for it.
//
// ASVS 9.1.3
func TestVerifyFollowsNoLinks(t *testing.T) {
	var fetched atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	defer server.Close()
	d := newDeployment(t)
	attacks := map[string]string{}
	for name, value := range map[string]string{
		"jku": fmt.Sprintf("%q", server.URL),
		"x5u": fmt.Sprintf("%q", server.URL),
		"x5c": `["MIIB"]`,
		"x5t": `"AAAA"`,
		"jwk": `{"kty":"oct","k":"AAAA"}`,
	} {
		attacks[name] = d.signed(replaced(t, d.header(), `{`, fmt.Sprintf(`{%q:%s,`, name, value)), d.claims())
		attacks[name+" instead of kid"] = d.signed(fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt",%q:%s}`, name, value), d.claims())
	}
	refuse(t, d, attacks)
	require.Zero(t, fetched.Load())

	// The server would have noticed.
	answer, err := http.Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.EqualValues(t, 1, fetched.Load())
}

// Rules J5, J6 and J12, on the claims. All carry a right signature of our own key.
//
// ASVS 9.2.1, 9.2.3
func TestVerifyRefusesForgedClaims(t *testing.T) {
	d := newDeployment(t)
	with := func(old, replacement string) string {
		return d.signed(d.header(), replaced(t, d.claims(), old, replacement))
	}
	also := func(member string) string { return with(`{`, `{`+member+`,`) }
	seconds := func(at time.Time) string { return fmt.Sprint(at.Unix()) }
	var (
		begins   = seconds(noon)
		expires  = seconds(noon.Add(5 * time.Minute))
		tomorrow = seconds(noon.Add(24 * time.Hour))
	)
	attacks := map[string]string{
		"exp string":             with(`"exp":`+expires, `"exp":"`+expires+`"`),
		"exp float":              with(`"exp":`+expires, `"exp":`+expires+`.5`),
		"exp with an exponent":   with(`"exp":`+expires, `"exp":2e9`),
		"exp 1e30":               with(`"exp":`+expires, `"exp":1e30`),
		"exp beyond 64 bits":     with(`"exp":`+expires, `"exp":99999999999999999999`),
		"exp negative":           with(`"exp":`+expires, `"exp":-1`),
		"exp array":              with(`"exp":`+expires, `"exp":[`+expires+`]`),
		"nbf in the future":      with(`"nbf":`+begins, `"nbf":`+tomorrow),
		"nbf string":             with(`"nbf":`+begins, `"nbf":"`+begins+`"`),
		"iat in the future":      with(`"iat":`+begins, `"iat":`+tomorrow),
		"iat float":              with(`"iat":`+begins, `"iat":`+begins+`.0`),
		"gen negative":           with(`"gen":3`, `"gen":-3`),
		"gen float":              with(`"gen":3`, `"gen":3.0`),
		"gen string":             with(`"gen":3`, `"gen":"3"`),
		"gen beyond 64 bits":     with(`"gen":3`, `"gen":18446744073709551616`),
		"iss of another issuer":  with(`"curfew"`, `"https://evil.example"`),
		"iss in capitals":        with(`"curfew"`, `"Curfew"`),
		"iss empty":              with(`"curfew"`, `""`),
		"iss array":              with(`"curfew"`, `["curfew"]`),
		"aud of another API":     with(`"curfew-api"`, `"other-api"`),
		"aud empty":              with(`"curfew-api"`, `""`),
		"aud empty array":        with(`["curfew-api"]`, `[]`),
		"aud of two":             with(`["curfew-api"]`, `["curfew-api","other-api"]`),
		"aud twice the same":     with(`["curfew-api"]`, `["curfew-api","curfew-api"]`),
		"aud plain string":       with(`["curfew-api"]`, `"curfew-api"`),
		"aud of null":            with(`["curfew-api"]`, `[null]`),
		"unknown claim":          also(`"role":"owner"`),
		"claim with no name":     also(`"":1`),
		"duplicate exp":          also(`"exp":` + expires),
		"duplicate exp, later":   with(`"jti"`, `"exp":`+tomorrow+`,"jti"`),
		"duplicate exp, escaped": also(`"\u0065xp":` + tomorrow),
		"duplicate sid":          also(`"sid":"` + aMember + `"`),
		"duplicate sub":          also(`"sub":"` + aSession + `"`),
		"EXP beside exp":         also(`"EXP":` + tomorrow),
		"Sid beside sid":         also(`"Sid":"` + aMember + `"`),
		"claims are an array":    d.signed(d.header(), `[`+d.claims()+`]`),
		"claims are null":        d.signed(d.header(), `null`),
		"claims are empty":       d.signed(d.header(), ``),
		"claims are cut short":   d.signed(d.header(), strings.TrimSuffix(d.claims(), `}`)),
		"claims twice":           d.signed(d.header(), d.claims()+d.claims()),
	}
	for _, name := range []string{"iss", "aud", "sub", "sid", "gen", "iat", "nbf", "exp", "jti"} {
		folded := strings.ToUpper(name[:1]) + name[1:]
		attacks[name+" missing"] = d.signed(d.header(), without(t, d.claims(), name))
		attacks[name+" null"] = d.signed(d.header(), replaced(t, without(t, d.claims(), name), `{`, `{"`+name+`":null,`))
		attacks[folded+" instead of "+name] = with(`"`+name+`":`, `"`+folded+`":`)
		attacks[strings.ToUpper(name)+" instead of "+name] = with(`"`+name+`":`, `"`+strings.ToUpper(name)+`":`)
	}
	for claim, id := range map[string]string{"sub": aMember, "sid": aSession, "jti": aTokenID} {
		for name, forged := range map[string]string{
			"no UUID":       "' OR 1=1 --",
			"empty":         "",
			"in capitals":   strings.ToUpper(id),
			"as a URN":      "urn:uuid:" + id,
			"in braces":     "{" + id + "}",
			"with no lines": strings.ReplaceAll(id, "-", ""),
			"with a space":  id + " ",
		} {
			attacks[claim+" "+name] = with(id, forged)
		}
	}
	refuse(t, d, attacks)
}

// without is the claims less one of them.
func without(t *testing.T, claims, name string) string {
	t.Helper()
	start := strings.Index(claims, `"`+name+`":`)
	require.Positive(t, start)
	end := strings.Index(claims[start:], `,"`)
	if end < 0 { // the last one
		return claims[:start-1] + `}`
	}
	return claims[:start] + claims[start+end+1:]
}

// Rules J4 and J10: a token is good as it was issued, to the letter.
func TestVerifyRefusesOtherShapes(t *testing.T) {
	secrets := newDeployment(t).secrets
	secrets.AccessTokens[0].ID = "?????" // which the two alphabets of base64 write differently
	d := deploymentWith(t, secrets)
	text := d.signed(d.header(), d.claims())
	_, err := d.Verify(text)
	require.NoError(t, err)

	header, rest, _ := strings.Cut(text, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	encoded := func(header, claims string) string { // with a right signature, over what is wrong
		return sealed(sha256.New, secrets.AccessTokens[0].Secret, header+"."+claims)
	}
	standard := base64.RawStdEncoding.EncodeToString([]byte(d.header()))
	require.NotEqual(t, header, standard)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	require.Zero(t, last%4, "the last character's last two bits are beyond the signature's 32 bytes")

	refuse(t, d, map[string]string{
		"empty":            "",
		"dots":             "..",
		"one part":         header,
		"two parts":        header + "." + claims,
		"four parts":       text + ".",
		"five parts":       strings.Join([]string{header, claims, signature, claims, signature}, "."), // a JWE
		"header missing":   encoded("", claims),
		"claims missing":   encoded(header, ""),
		"no signature":     header + "." + claims + ".",
		"half a signature": header + "." + claims + "." + signature[:len(signature)/2],
		"parts swapped":    encoded(claims, header),

		"standard base64":           encoded(standard, claims),
		"padded header":             encoded(header+"=", claims),
		"padded signature":          text + "=",
		"non-canonical signature":   text[:len(text)-1] + alphabet[last+1:last+2],
		"extended by a letter":      text + "A",
		"extended by four":          text + "AAAA",
		"space in front":            " " + text,
		"space behind":              text + " ",
		"space in the header":       encoded(header[:8]+" "+header[8:], claims),
		"newline in the header":     encoded(header[:8]+"\n"+header[8:], claims),
		"newline in the claims":     encoded(header, claims[:8]+"\r\n"+claims[8:]),
		"newline in the signature":  header + "." + claims + "." + signature[:8] + "\n" + signature[8:],
		"newline behind":            text + "\n",
		"NUL behind":                text + "\x00",
		"the scheme still in front": "Bearer " + text,

		"64 KB of dots":            strings.Repeat(".", 64<<10),
		"64 KB of dots in a token": header + strings.Repeat(".", 64<<10) + signature,
		"64 KB of spaces":          d.signed(replaced(t, d.header(), `{`, `{`+strings.Repeat(" ", 64<<10)), d.claims()),

		"issued by another deployment": newDeployment(t).issued(t),
	})
}

func TestVerifyRefusesEveryPrefix(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	for end := range len(text) {
		_, err := d.Verify(text[:end])
		require.ErrorIs(t, err, ErrInvalid, "the first %d bytes", end)
	}
	_, err := d.Verify(text)
	require.NoError(t, err, "the whole")
}

// Every single bit of a token matters (T911), in the text as in the bytes that the text stands for.
//
// ASVS 9.1.1
func TestVerifyRefusesEveryFlippedBit(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	flips := 0
	for position := range len(text) {
		for bit := range 8 {
			_, err := d.Verify(flipped(text, position, bit))
			require.ErrorIs(t, err, ErrInvalid, "bit %d of byte %d of the text", bit, position)
			flips++
		}
	}
	require.Equal(t, 8*len(text), flips)

	parts := strings.Split(text, ".")
	require.Len(t, parts, 3)
	flips, total := 0, 0
	for i, part := range parts {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		require.NoError(t, err)
		total += len(raw)
		for position := range len(raw) {
			for bit := range 8 {
				forged := append([]string{}, parts...)
				forged[i] = base64URL(flipped(string(raw), position, bit))
				_, err := d.Verify(strings.Join(forged, "."))
				require.ErrorIs(t, err, ErrInvalid, "bit %d of byte %d of part %d", bit, position, i+1)
				flips++
			}
		}
	}
	require.Equal(t, 8*total, flips)
	require.Greater(t, total, 250, "three parts of a real token")
}

func flipped(text string, position, bit int) string {
	raw := []byte(text)
	raw[position] ^= 1 << bit
	return string(raw)
}

// A hostile token costs next to nothing to refuse (CVE-2025-30204): the gate does not even split
// it.
func TestRefusalIsCheap(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	for name, attack := range map[string]string{
		"64 KB of dots":   strings.Repeat(".", 64<<10),
		"64 KB in front":  strings.Repeat("A", 64<<10) + text,
		"64 KB behind":    text + strings.Repeat("A", 64<<10),
		"as long as goes": strings.Repeat(".", longest),
	} {
		t.Run(name, func(t *testing.T) {
			const runs = 100
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				_, err := d.Verify(attack)
				if err == nil {
					t.Fatal("accepted")
				}
			}
			runtime.ReadMemStats(&after)
			require.Less(t, (after.TotalAlloc-before.TotalAlloc)/runs, uint64(1<<10), "bytes for one refusal")
		})
	}
}
