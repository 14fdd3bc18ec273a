package attacks

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

const forgedTokens kind = "forged tokens"

// forger makes tokens that name a live session, and that would be good but for what an attack
// changes.
type forger struct {
	h   *deployment
	who tokens
	at  time.Time
}

func newForger(h *deployment) forger {
	h.t.Helper()
	return forger{h, h.signIn(email(member.Admin)), time.Now().Add(-2 * time.Second)}
}

func (f forger) header() string {
	return fmt.Sprintf(`{"alg":"HS256","kid":%q,"typ":"at+jwt"}`, f.h.secrets.AccessTokens[0].ID)
}

// claims are the members of a token's claims, in their order, as JSON.
func (f forger) claims() []claim {
	number := func(at time.Time) string { return fmt.Sprint(at.Unix()) }
	return []claim{
		{"iss", `"curfew"`}, {"aud", `["curfew-api"]`}, {"sub", fmt.Sprintf("%q", f.who.member)}, {"sid", fmt.Sprintf("%q", f.who.session)}, {"gen", "1"},
		{"iat", number(f.at)}, {"nbf", number(f.at)}, {"exp", number(f.at.Add(5 * time.Minute))}, {"jti", fmt.Sprintf("%q", f.who.session)},
	}
}

type claim struct{ name, value string }

func object(claims []claim) string {
	var members []string
	for _, c := range claims {
		members = append(members, fmt.Sprintf("%q:%s", c.name, c.value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func seal(hash func() hash.Hash, key []byte, unsigned string) string {
	mac := hmac.New(hash, key)
	mac.Write([]byte(unsigned))
	return unsigned + "." + encode(string(mac.Sum(nil)))
}

// sign seals any header and claims with the deployment's own key.
func (f forger) sign(header, claims string) string {
	return seal(sha256.New, f.h.secrets.AccessTokens[0].Secret, encode(header)+"."+encode(claims))
}

// try sends a token in both of the ways in which one travels. Neither admits, unless it is the one
// that is good.
func (f forger) try(name, text string, good bool) {
	f.h.t.Helper()
	for way, header := range map[string]string{"bearer": "Authorization: Bearer " + text, "cookie": "Cookie: " + accessCookie + "=" + text} {
		answer := f.h.ask(request{target: "/api/session", headers: []string{header, "Curfew-Passive: true"}})
		complaint := answer.is(http.StatusUnauthorized, "token_invalid")
		if good {
			complaint = unless(answer.status == http.StatusOK, "this is what all attacks start from, and has to be good")
		}
		forgedTokens.note(f.h.t, textf("%s, as %s: %s", name, way, text), answer, complaint)
	}
}

// Of all algorithms, keys and kinds of tokens there is one combination that is ours, and only that
// one is let in (T912, T922, J1, J2, J9, J13).
//
// ASVS 9.1.2, 9.2.2
func TestOnlyOurAlgorithmWithOurKeyAndOurKindIsLetIn(t *testing.T) {
	h := open(t, options{})
	f := newForger(h)
	own := h.secrets.AccessTokens[0]
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKeys := map[string]*ecdsa.PrivateKey{}
	for name, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		ecKeys[name], err = ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	keys := map[string][]byte{
		"our key": own.Secret, "our key in base64": []byte(base64.StdEncoding.EncodeToString(own.Secret)), "our key in hex": []byte(hex.EncodeToString(own.Secret)),
		"half of our key": own.Secret[:16], "the kid": []byte(own.ID), "the root secret": h.secrets.Root, "no key": nil, "a public key in PEM": public, "a public key in DER": der,
	}
	for _, sample := range []string{"secret", "changeme", "your-256-bit-secret", "supersecret", "jwt_secret", "password", "curfew", "key", "\x00"} {
		keys["the sample "+sample] = []byte(sample)
	}
	macs := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	types := []string{`"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"JWT"`, `"jwt"`, `"rt+jwt"`, `"logout+jwt"`, `"secevent+jwt"`, `null`, `["at+jwt"]`, ``}

	head := func(algorithm, kind string) string {
		if kind == "" {
			return fmt.Sprintf(`{"alg":%q,"kid":%q}`, algorithm, own.ID)
		}
		return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%s}`, algorithm, own.ID, kind)
	}
	for i, kind := range types {
		for algorithm, mac := range macs {
			for name, key := range keys {
				good := kind == `"at+jwt"` && algorithm == "HS256" && name == "our key"
				f.try(fmt.Sprintf("%s with %s, typ %s", algorithm, name, kind), seal(mac, key, encode(head(algorithm, kind))+"."+encode(object(f.claims()))), good)
			}
		}
		for _, none := range []string{"none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "Ed25519"} {
			unsigned := encode(head(none, kind)) + "." + encode(object(f.claims()))
			f.try(fmt.Sprintf("alg %q, unsigned, typ %s", none, kind), unsigned+".", false)
			f.try(fmt.Sprintf("alg %q, sealed with our key, typ %s", none, kind), seal(sha256.New, own.Secret, unsigned), false)
		}
		if i > 0 && testing.Short() {
			continue // signatures with private keys are costly to make, and what refuses them is what refuses the rest
		}
		for _, method := range []jwt.SigningMethod{
			jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512, jwt.SigningMethodPS256, jwt.SigningMethodES256, jwt.SigningMethodES384, jwt.SigningMethodES512, jwt.SigningMethodEdDSA,
		} {
			var key any = rsaKey
			if method == jwt.SigningMethodEdDSA {
				key = edKey
			} else if ec := ecKeys[method.Alg()]; ec != nil {
				key = ec
			}
			unsigned := encode(head(method.Alg(), kind)) + "." + encode(object(f.claims()))
			signature, err := method.Sign(unsigned, key)
			require.NoError(t, err)
			f.try(fmt.Sprintf("%s, typ %s", method.Alg(), kind), unsigned+"."+encode(string(signature)), false)
		}
	}
	h.requireLive(f.who)
}

// Every claim has one type, one spelling and one place (T921, T923, J5, J6, J11, J12). All of these
// carry a right signature of our own key.
//
// ASVS 9.2.1, 9.2.3
func TestRightlySignedTokensWithWrongContentAreRefused(t *testing.T) {
	h := open(t, options{})
	f := newForger(h)
	f.try("nothing changed", f.sign(f.header(), object(f.claims())), true)
	for i, c := range f.claims() {
		with := func(change string, claims ...claim) {
			all := slices.Concat(f.claims()[:i], claims, f.claims()[i+1:])
			f.try(c.name+" "+change, f.sign(f.header(), object(all)), false)
		}
		with("missing")
		with("twice", c, c)
		with("twice, null last", c, claim{c.name, "null"})
		with("in capitals", claim{strings.ToUpper(c.name), c.value})
		with("with a capital", claim{strings.ToUpper(c.name[:1]) + c.name[1:], c.value})
		with("in capitals beside it", c, claim{strings.ToUpper(c.name), c.value})
		for _, value := range []string{
			"null", "true", "{}", "[]", `""`, `"' OR 1=1 --"`, "-1", "1e30", "1.5", "99999999999999999999", "[" + c.value + "]", "{\"\":" + c.value + "}", `"\u0000"`, `"` + strings.Repeat("a", 900) + `"`,
		} {
			with("is "+value, claim{c.name, value})
		}
		switch c.value[0] {
		case '"': // a text: its other spellings
			for _, value := range []string{strings.ToUpper(c.value), c.value[:1] + " " + c.value[1:], strings.Trim(c.value, `"`), `"urn:uuid:` + c.value[1:]} {
				if value != c.value {
					with("is "+value, claim{c.name, value})
				}
			}
		case '[':
		default: // a number: as a text, and with a point
			with("as a text", claim{c.name, `"` + c.value + `"`})
			with("with a point", claim{c.name, c.value + ".0"})
		}
	}
	for _, header := range []string{
		`{"alg":"HS256","typ":"at+jwt"}`, `{}`, `[]`, `null`, ``, ` ` + f.header(), f.header() + ` `, f.header() + f.header(), "\ufeff" + f.header(),
	} {
		f.try("header "+header, f.sign(header, object(f.claims())), false)
	}
	for _, member := range []string{
		`"crit":["exp"]`, `"crit":["curfew"]`, `"crit":[]`, `"b64":false`, `"zip":"DEF"`, `"jku":"http://127.0.0.1:1/"`, `"x5u":"http://127.0.0.1:1/"`, `"jwk":{"kty":"oct","k":"AAAA"}`, `"x5c":["MIIB"]`,
		`"cty":"JWT"`, `"alg":"none"`, `"alg":"HS256"`, `"ALG":"none"`, `"kid":"../../../../dev/null"`, `"kid":"' UNION SELECT 'k"`, `"enc":"A128GCM"`, `"p2c":2147483647`,
	} {
		f.try("header with "+member, f.sign(strings.Replace(f.header(), "{", "{"+member+",", 1), object(f.claims())), false)
		f.try("header ending with "+member, f.sign(strings.Replace(f.header(), "}", ","+member+"}", 1), object(f.claims())), false)
	}
	for _, kid := range []string{"", "../../keys.json", "/dev/null", "' OR 1=1 --", "\\u0000", strings.Repeat("k", 1500)} {
		f.try("kid "+kid, f.sign(fmt.Sprintf(`{"alg":"HS256","kid":"%s","typ":"at+jwt"}`, kid), object(f.claims())), false)
	}
	h.requireLive(f.who)
}

// A token is good as it was minted, to the letter (J10, S11, T911): no part of it is, nor what
// continues it, nor what decodes to the same bytes.
//
// ASVS 7.2.1, 9.1.1
func TestNothingButTheWholeTokenIsLetIn(t *testing.T) {
	h := open(t, options{})
	f := newForger(h)
	good := f.who.access
	f.try("as it was minted", good, true)
	for end := range good {
		f.try(fmt.Sprintf("its first %d bytes", end), good[:end], false)
	}
	for i := range good {
		other := byte('A')
		if good[i] == 'A' {
			other = 'B'
		}
		f.try(fmt.Sprintf("with another letter at %d", i), good[:i]+string(other)+good[i+1:], false)
	}
	for _, text := range []string{
		good + "A", good + "=", good + ".", good + "." + good, "." + good, good + ".e30.", strings.ReplaceAll(good, ".", ".."), strings.ToLower(good), strings.ToUpper(good),
		strings.Repeat(".", 8<<10), strings.Repeat("A", 8<<10), "Bearer " + good, `"` + good + `"`, "%" + good, good + "%00", good + "\x80", "null", "undefined", "true", "1", "{}", "../keys.json",
	} {
		f.try("another shape", text, false)
	}

	refresh := func(name, text string) {
		answer := h.ask(sending(http.MethodPost, "/api/sessions/refresh", map[string]string{"refreshToken": text}))
		forgedTokens.note(t, textf("refresh token, %s: %s", name, text), answer, answer.is(http.StatusUnauthorized, "token_invalid"))
	}
	for end := range f.who.refresh {
		refresh("a part of it", f.who.refresh[:end])
		refresh("with another letter", f.who.refresh[:end]+string(f.who.refresh[end]^1)+f.who.refresh[end+1:])
	}
	for _, text := range []string{"A", "=", ".", "AAAA", " ", "\n"} {
		refresh("continued", f.who.refresh+text)
		refresh("preceded", text+f.who.refresh)
	}
	h.requireLive(f.who)
	fresh := h.ask(sending(http.MethodPost, "/api/sessions/refresh", map[string]string{"refreshToken": f.who.refresh}))
	require.Equal(t, http.StatusOK, fresh.status, "none of that has spent it: %s", fresh)
}

// Each secret opens the one door that it is for (T922).
//
// ASVS 9.2.2, 14.2.1
func TestEachSecretOpensOneDoor(t *testing.T) {
	const doorsAndSecrets kind = "secrets at other doors"
	h := open(t, options{accounts: 1})
	admin, browser := h.signIn(email(member.Admin)), h.browser(email(member.Auditor))
	invite := h.ask(sending(http.MethodPost, "/api/members", map[string]any{"email": "new@example.org", "role": "member", "name": "New"}).with(admin.bearer()))
	require.Equal(t, http.StatusCreated, invite.status, invite)
	var invitation httpapi.Invitation
	require.NoError(t, json.Unmarshal([]byte(invite.body), &invitation))
	link := invitation.Link[strings.LastIndex(invitation.Link, "=")+1:]
	page := h.ask(request{target: "/api/audit?limit=1", headers: []string{admin.bearer()}})
	var entries httpapi.AuditPage
	require.NoError(t, json.Unmarshal([]byte(page.body), &entries))
	require.NotNil(t, entries.NextCursor)

	secrets := map[string]string{
		"access token": admin.access, "access cookie": browser.access, "refresh token": admin.refresh, "refresh cookie": browser.refresh, "device cookie": browser.device,
		"invitation": link, "cursor": *entries.NextCursor, "session id": admin.session, "member id": admin.member, "audit hash": entries.Items[0].Hash,
	}
	doors := map[string]struct {
		try   func(secret string) request
		opens []string
	}{
		"Authorization": {func(s string) request {
			return request{target: "/api/session", headers: []string{"Authorization: Bearer " + s}}
		}, []string{"access token", "access cookie"}},
		"cookie": {func(s string) request {
			return request{target: "/api/session", headers: []string{"Cookie: " + accessCookie + "=" + s}}
		}, []string{"access token", "access cookie"}},
		"Basic": {func(s string) request {
			return request{target: "/api/session", headers: []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s+":"+s))}}
		}, nil},
		"in the query": {func(s string) request { return request{target: "/api/session?access_token=" + s + "&token=" + s} }, nil},
		"other cookies": {func(s string) request {
			return request{target: "/api/session", headers: []string{"Cookie: " + refreshCookie + "=" + s + "; " + deviceCookie + "=" + s + "; session=" + s}}
		}, nil},
		"other headers": {func(s string) request {
			return request{target: "/api/session", headers: []string{"X-Api-Key: " + s, "X-Auth-Token: " + s, "Proxy-Authorization: Bearer " + s}}
		}, nil},
		"refresh, in body": {func(s string) request {
			return sending("POST", "/api/sessions/refresh", map[string]string{"refreshToken": s})
		}, []string{"refresh token", "refresh cookie"}},
		"refresh, by cookie": {func(s string) request {
			return request{method: "POST", target: "/api/sessions/refresh", headers: []string{"Cookie: " + refreshCookie + "=" + s}}
		}, []string{"refresh token", "refresh cookie"}},
		"set-up": {func(s string) request {
			return sending("POST", "/api/setup", map[string]string{"setupToken": s, "name": "M", "email": "m@example.org", "password": password, "organization": "M"})
		}, nil},
		"cursor of the log": {func(s string) request {
			return request{target: "/api/audit?cursor=" + s, headers: []string{admin.bearer()}}
		}, []string{"cursor"}},
		"cursor of members": {func(s string) request {
			return request{target: "/api/members?cursor=" + s, headers: []string{admin.bearer()}}
		}, nil},
		"password": {func(s string) request {
			return sending("POST", "/api/session/reauthenticate", map[string]string{"password": s}).with(browser.bearer())
		}, nil},
		"accept": {func(s string) request {
			return sending("POST", "/api/invitations/accept", map[string]string{"token": s, "password": password})
		}, []string{"invitation"}},
		"look": {func(s string) request {
			return sending("POST", "/api/invitations/look", map[string]string{"token": s})
		}, []string{"invitation"}},
	}
	for door, d := range doors {
		for name, secret := range secrets {
			if slices.Contains(d.opens, name) && door == "accept" {
				continue // it is used up by that; below
			}
			answer := h.ask(d.try(secret))
			opened := answer.status < 300
			doorsAndSecrets.note(t, textf("%s at %s", name, door), answer, first(
				unless(opened == slices.Contains(d.opens, name), "it should open: %t", slices.Contains(d.opens, name)), unless(answer.status < 500, "it broke"),
			))
		}
	}
	accepted := h.ask(doors["accept"].try(link))
	doorsAndSecrets.note(t, text("invitation at accept"), accepted, unless(accepted.status == http.StatusCreated, "it should open"))
	again := h.ask(doors["accept"].try(link))
	doorsAndSecrets.note(t, text("invitation at accept, once more"), again, again.is(http.StatusGone, "link_used"))
}
