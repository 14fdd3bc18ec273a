package httpapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// badInput is a body that is refused, with what it is refused for.
type badInput struct {
	name, body string
	status     int
	code       string
	fields     []string
}

// requireRefused holds that each of the bodies gets exactly its problem and that all of them
// together changed nothing.
func (c *client) requireRefused(method, target string, inputs []badInput) {
	h := c.h
	h.t.Helper()
	before := h.everythingDecided()
	for _, in := range inputs {
		h.run(in.name, func(*testing.T) {
			a := c.do(method, target, nil, raw(in.body))
			a.requireProblem(in.status, in.code)
			if in.fields != nil {
				a.requireFields(in.fields...)
			}
		})
	}
	require.Equal(h.t, before, h.everythingDecided())
}

// notJSON are bodies that no call takes.
var notJSON = []badInput{
	{"nothing", "", 400, "invalid_json", nil},
	{"cut off", `{`, 400, "invalid_json", nil},
	{"no JSON", `value=1`, 400, "invalid_json", nil},
	{"single quotes", `{'email':'a'}`, 400, "invalid_json", nil},
	{"a comma too many", `{,}`, 400, "invalid_json", nil},
	{"a comment", `{/* */}`, 400, "invalid_json", nil},
	{"NaN", `NaN`, 400, "invalid_json", nil},
	{"two documents", `{} {}`, 400, "invalid_json", nil},
	{"invalid UTF-8", "{\"\xff\":1}", 400, "invalid_json", nil},
	{"half a surrogate pair", `{"\ud800":1}`, 400, "invalid_json", nil},
	{"a byte order mark alone", "\ufeff", 400, "invalid_json", nil},
	{"two byte order marks", "\ufeff\ufeff{}", 400, "invalid_json", nil},
	{"an array", `[]`, 422, "invalid_input", []string{" type"}},
	{"a number", `1`, 422, "invalid_input", []string{" type"}},
	{"more than 64 kB", `{"email":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "body_too_large", nil},
}

// ASVS 2.2.1, 15.3.3
func TestBadSettings(t *testing.T) {
	settings := func(length, rest string) string {
		return `{"sessionLength":` + length + `,"refreshAutomatically":true` + rest + `}`
	}
	value := func(value string) string { return settings(`{"value":`+value+`,"unit":"days"}`, "") }
	h := open(t, options{})
	admin := h.browser(member.Admin)
	saved := admin.savePolicy(policy(13, "days", true))
	admin.requireRefused(http.MethodPut, "/api/settings/security", []badInput{
		{"zero", value("0"), 422, "invalid_input", []string{"sessionLength.value min"}},
		{"negative", value("-1"), 422, "invalid_input", []string{"sessionLength.value min"}},
		{"a fraction", value("1.5"), 422, "invalid_input", []string{"sessionLength.value type"}},
		{"a fraction by an exponent", value("15e-1"), 422, "invalid_input", []string{"sessionLength.value type"}},
		{"nearly nothing", value("1e-999999999999999999999"), 422, "invalid_input", []string{"sessionLength.value type"}},
		{"a fraction that is zero", value("0.0e5"), 422, "invalid_input", []string{"sessionLength.value min"}},
		{"ten to the 400th", value("1e400"), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"minus ten to the 400th", value("-1e400"), 422, "invalid_input", []string{"sessionLength.value min"}},
		{"more zeros than memory", value("1e999999999999999999999"), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"ten to the 18th", value("1000000000000000000"), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"more than an int64", value("9223372036854775808"), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"less than an int64", value("-9223372036854775809"), 422, "invalid_input", []string{"sessionLength.value min"}},
		{"one day more than allowed", value("366"), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"a number in quotes", value(`"1"`), 422, "invalid_input", []string{"sessionLength.value type"}},
		{"true for a number", value("true"), 422, "invalid_input", []string{"sessionLength.value type"}},
		{"null for a number", value("null"), 422, "invalid_input", []string{"sessionLength.value required"}},
		{"a leading zero", value("01"), 400, "invalid_json", nil},
		{"weeks that are too many", settings(`{"value":53,"unit":"weeks"}`, ""), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"weeks that overflow", settings(`{"value":30500568905,"unit":"weeks"}`, ""), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"minutes that are too many", settings(`{"value":525601,"unit":"minutes"}`, ""), 422, "invalid_input", []string{"sessionLength.value max"}},
		{"an unknown unit", settings(`{"value":1,"unit":"seconds"}`, ""), 422, "invalid_input", []string{"sessionLength.unit oneof"}},
		{"a unit in capitals", settings(`{"value":1,"unit":"Days"}`, ""), 422, "invalid_input", []string{"sessionLength.unit oneof"}},
		{"an empty unit", settings(`{"value":1,"unit":""}`, ""), 422, "invalid_input", []string{"sessionLength.unit oneof"}},
		{"no unit", settings(`{"value":1}`, ""), 422, "invalid_input", []string{"sessionLength.unit required"}},
		{"a unit that is a number", settings(`{"value":1,"unit":3}`, ""), 422, "invalid_input", []string{"sessionLength.unit type"}},
		{"a length that is a number", settings(`14`, ""), 422, "invalid_input", []string{"sessionLength type"}},
		{"a length that is null", settings(`null`, ""), 422, "invalid_input", []string{"sessionLength required"}},
		{"an empty length", settings(`{}`, ""), 422, "invalid_input", []string{"sessionLength.unit required", "sessionLength.value required"}},
		{"no length", `{"refreshAutomatically":true}`, 422, "invalid_input", []string{"sessionLength required"}},
		{"nothing in it", `{}`, 422, "invalid_input", []string{"refreshAutomatically required", "sessionLength required"}},
		{"null", `null`, 422, "invalid_input", []string{"refreshAutomatically required", "sessionLength required"}},
		{"a text for true", `{"sessionLength":{"value":1,"unit":"days"},"refreshAutomatically":"true"}`, 422, "invalid_input", []string{"refreshAutomatically type"}},
		{"one for true", `{"sessionLength":{"value":1,"unit":"days"},"refreshAutomatically":1}`, 422, "invalid_input", []string{"refreshAutomatically type"}},
		{"a maximum of zero", settings(`{"value":1,"unit":"days"}`, `,"maximumLifetime":{"value":0,"unit":"days"}`), 422, "invalid_input", []string{"maximumLifetime.value min"}},
		{"a maximum of too much", settings(`{"value":1,"unit":"days"}`, `,"maximumLifetime":{"value":366,"unit":"days"}`), 422, "invalid_input", []string{"maximumLifetime.value max"}},
		{"an empty maximum", settings(`{"value":1,"unit":"days"}`, `,"maximumLifetime":{}`), 422, "invalid_input", []string{"maximumLifetime.unit required", "maximumLifetime.value required"}},
		{"both out of bounds", settings(`{"value":366,"unit":"days"}`, `,"maximumLifetime":{"value":366,"unit":"days"}`), 422, "invalid_input", []string{"sessionLength.value max", "maximumLifetime.value max"}},
		{"more than the maximum", settings(`{"value":14,"unit":"days"}`, `,"maximumLifetime":{"value":1,"unit":"hours"}`), 422, "invalid_input", []string{"sessionLength max"}},
		{"a minute more than the maximum", settings(`{"value":61,"unit":"minutes"}`, `,"maximumLifetime":{"value":1,"unit":"hours"}`), 422, "invalid_input", []string{"sessionLength max"}},
		{"an unknown field", settings(`{"value":1,"unit":"days"}`, `,"note":"x"`), 422, "unknown_field", []string{"note unknown_field"}},
		{"an unknown field inside", settings(`{"value":1,"unit":"days","per":"member"}`, ""), 422, "unknown_field", []string{"sessionLength.per unknown_field"}},
		{"a field of the answer", settings(`{"value":1,"unit":"days"}`, `,"version":1`), 422, "unknown_field", []string{"version unknown_field"}},
		{"other capitals", `{"SessionLength":{"value":1,"unit":"days"},"refreshAutomatically":true}`, 422, "unknown_field", []string{"SessionLength unknown_field"}},
		{"a name twice", settings(`{"value":1,"unit":"days"}`, `,"refreshAutomatically":false`), 400, "invalid_json", nil},
		{"a name twice inside", settings(`{"value":1,"value":2,"unit":"days"}`, ""), 400, "invalid_json", nil},
	})
	admin.requireRefused(http.MethodPut, "/api/settings/security", notJSON)

	var now httpapi.SecuritySettings
	admin.get("/api/settings/security").into(http.StatusOK, &now)
	require.Equal(t, saved, now)
}

// What is sent differently and means the same is the same.
func TestABodyIsReadAsItsStandardsSay(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	for text, days := range map[string]int64{"14.0": 14, "1.4e1": 14, "1300E-2": 13, "1e+1": 10, "2": 2} {
		var saved httpapi.SecuritySettings
		body := `{"sessionLength":{"value":` + text + `,"unit":"days"},"refreshAutomatically":true,"maximumLifetime":null}`
		admin.put("/api/settings/security", nil, raw("\ufeff"+body)).into(http.StatusOK, &saved)
		require.Equal(t, days, saved.SessionLength.Value, text)
	}
	admin.post("/api/sessions/revoke-others", nil, raw("\ufeff{}")).requireStatus(http.StatusOK)
	body := `{"sessionLength":{"value":3,"unit":"days"},"refreshAutomatically":true}`
	for _, coding := range []string{"gzip", "br", "zstd", "deflate", "compress", "x-gzip", "GZIP", "identity, gzip", "utf-8"} {
		a := admin.put("/api/settings/security", nil, raw(body), header("Content-Encoding", coding))
		a.requireProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
		require.Equal(t, "identity", a.Header.Get("Accept-Encoding"))
	}
	for _, coding := range []string{"identity", "Identity", ""} {
		admin.put("/api/settings/security", nil, raw(body), header("Content-Encoding", coding)).requireStatus(http.StatusOK)
	}
	h.stranger().post("/api/sessions", nil, raw("\x1f\x8b\x08"), header("Content-Encoding", "gzip")).requireStatus(http.StatusUnsupportedMediaType)
}

// A policy that an earlier program took, longer than its maximum, stays in force and can be
// tightened or shown.
func TestAStoredLengthThatIsLongerThanItsMaximumKeepsWorking(t *testing.T) {
	h := open(t, options{})
	h.exec("UPDATE organization SET length_value = 14, length_unit = 'days', maximum_value = 1, maximum_unit = 'hours'")
	h.restart()
	admin := h.browser(member.Admin)
	var settings httpapi.SecuritySettings
	admin.get("/api/settings/security").into(http.StatusOK, &settings)
	require.EqualValues(t, 14, settings.SessionLength.Value)
	admin.put("/api/settings/security", capped(policy(13, "days", true), length(1, "hours"))).requireFields("sessionLength max")
	admin.post("/api/settings/security/preview", capped(policy(14, "days", true), length(1, "hours"))).requireFields("sessionLength max")
	admin.savePolicy(capped(policy(60, "minutes", true), length(1, "hours")))
	h.clock.advance(time.Hour)
	admin.renew().requireProblem(http.StatusUnauthorized, "session_expired")
}

// ASVS 2.2.3
func TestTheBoundsOfASessionLength(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	for _, unit := range []struct {
		unit httpapi.Unit
		most int64
	}{{"weeks", 52}, {"days", 365}, {"hours", 8_760}, {"minutes", 525_600}} {
		require.Equal(t, unit.most, admin.savePolicy(policy(unit.most, unit.unit, true)).SessionLength.Value)
		admin.put("/api/settings/security", policy(unit.most+1, unit.unit, true)).requireFields("sessionLength.value max")
		admin.put("/api/settings/security", capped(policy(1, "days", true), length(unit.most+1, unit.unit))).requireFields("maximumLifetime.value max")
	}
	require.EqualValues(t, 1, admin.savePolicy(policy(1, "minutes", true)).SessionLength.Value)
}

// ASVS 2.2.1
func TestBadSignIns(t *testing.T) {
	h := open(t, options{})
	who := `"email":"admin@example.org","password":"` + password + `"`
	b := h.browser(member.Admin)
	attempts := h.text("SELECT * FROM attempts")
	b.requireRefused(http.MethodPost, "/api/sessions", slices.Concat(notJSON, []badInput{
		{"no address", `{"password":"x"}`, 422, "invalid_input", []string{"email required"}},
		{"no password", `{"email":"a@example.org"}`, 422, "invalid_input", []string{"password required"}},
		{"neither", `{}`, 422, "invalid_input", []string{"email required", "password required"}},
		{"an address that is too long", `{"email":"` + strings.Repeat("a", 255) + `","password":"x"}`, 422, "invalid_input", []string{"email max"}},
		{"a password that is a number", `{"email":"admin@example.org","password":1}`, 422, "invalid_input", []string{"password type"}},
		{"a password that is a list", `{"email":"admin@example.org","password":["` + password + `"]}`, 422, "invalid_input", []string{"password type"}},
		{"an address that is a list", `{"email":["admin@example.org"],"password":"x"}`, 422, "invalid_input", []string{"email type"}},
		{"an unknown transport", `{` + who + `,"transport":"carrier pigeon"}`, 422, "invalid_input", []string{"transport oneof"}},
		{"an empty transport", `{` + who + `,"transport":""}`, 422, "invalid_input", []string{"transport oneof"}},
		{"an unknown field", `{` + who + `,"role":"owner"}`, 422, "unknown_field", []string{"role unknown_field"}},
		{"a name twice", `{` + who + `,"email":"owner@example.org"}`, 400, "invalid_json", nil},
		{"a password of 1025 bytes", `{"email":"admin@example.org","password":"` + strings.Repeat("a", 1025) + `"}`, 422, "invalid_input", []string{"password max"}},
		{"a password of 1026 bytes in few characters", `{"email":"admin@example.org","password":"` + strings.Repeat("€", 342) + `"}`, 422, "invalid_input", []string{"password max"}},
	}))
	require.Equal(t, attempts, h.text("SELECT * FROM attempts"), "no password was looked at")
	b.requireLive()
	b.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{Password: strings.Repeat("€", 342)}).requireFields("password max")
	b.post("/api/session/reauthenticate", httpapi.ReauthenticateRequest{}).requireFields("password required")
}

func TestDeepNestingIsRefused(t *testing.T) {
	h := open(t, options{})
	for _, body := range []string{strings.Repeat("[", 20_000), strings.Repeat(`{"sessionLength":`, 2_000)} {
		a := h.browser(member.Admin).put("/api/settings/security", nil, raw(body))
		require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.StatusCode, "%s", a)
	}
}

// What a form or a plain-text POST can send needs no preflight, so no call takes it (ASVS 3.5.2).
//
// ASVS 3.5.2
func TestOnlyJSONIsTaken(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Admin)
	before, refused := h.everythingDecided(), 0
	body := `{"sessionLength":{"value":1,"unit":"days"},"refreshAutomatically":true}`
	for _, media := range []string{
		"text/plain", "text/plain; charset=application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
		"application/jsonx", "application/json, text/plain", "text/json", "nonsense", "",
	} {
		for _, call := range []string{
			"PUT /api/settings/security", "POST /api/sessions", "POST /api/session/reauthenticate", "POST /api/setup",
			"POST /api/sessions/refresh", "POST /api/sessions/revoke-all",
		} {
			method, path, _ := strings.Cut(call, " ")
			b.do(method, path, nil, raw(body), func(r *request) { r.header.Set("Content-Type", media) }).
				requireProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
			refused++
		}
	}
	require.Equal(t, 54, refused)
	require.Equal(t, before, h.everythingDecided())
	for _, media := range []string{"application/json; charset=utf-8", "Application/JSON"} {
		b.put("/api/settings/security", nil, raw(body), func(r *request) { r.header.Set("Content-Type", media) }).requireStatus(http.StatusOK)
	}
}

// Over a real connection: a server that stops reading must still get its answer through.
func TestABodyOf10MBIsRefusedAndAnswered(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	server := httptest.NewServer(h.echo)
	defer server.Close()
	before := h.everythingDecided()
	for _, call := range []string{"PUT /api/settings/security", "POST /api/sessions", "POST /api/sessions/revoke-all"} {
		method, path, _ := strings.Cut(call, " ")
		body := strings.NewReader(`{"reason":"` + strings.Repeat("a", 10<<20) + `"}`)
		sent, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, body)
		require.NoError(t, err)
		sent.Header.Set("Content-Type", "application/json")
		sent.Header.Set("Authorization", "Bearer "+admin.access)
		response, err := server.Client().Do(sent)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode, call)
	}
	require.Equal(t, before, h.everythingDecided())
	admin.requireLive()
}

func TestACookieThatComesTwiceIsNone(t *testing.T) {
	h := open(t, options{})
	b, other := h.browser(member.Admin), h.browser(member.Plain)
	for name, second := range map[string]string{
		"the same":     b.cookies[accessCookie],
		"another":      other.cookies[accessCookie],
		"an empty one": "",
	} {
		h.run(name, func(*testing.T) {
			b.get("/api/session", header("Cookie", accessCookie+"="+second)).requireProblem(http.StatusUnauthorized, "token_invalid")
		})
	}
	b.requireLive()
}

// Browsers compare the prefix without regard to case, and so can be made to keep a cookie of nearly
// the same name.
func TestOnlyTheExactCookieCounts(t *testing.T) {
	h := open(t, options{})
	b := h.browser(member.Admin)
	for _, name := range []string{"__host-curfew_access", "__HOST-curfew_access", "curfew_access", "__Secure-curfew_access"} {
		c := h.stranger()
		c.cookies[name] = b.cookies[accessCookie]
		c.get("/api/session").requireProblem(http.StatusUnauthorized, "no_session")
	}
}

// forge signs any claims with the deployment's own key.
func (h *deployment) forge(head, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(head)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, h.secrets.AccessTokens[0].Secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// The attacks on tokens are package token's; this holds that nothing gets around it.
//
// ASVS 9.2.2
func TestAnotherKindOfTokenOpensNothing(t *testing.T) {
	h := open(t, options{})
	p := h.program(member.Admin)
	kid, session := h.secrets.AccessTokens[0].ID, p.id()
	head := func(algorithm, kind string) string {
		return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%q}`, algorithm, kid, kind)
	}
	claims := func(issuer, audience, session string) string {
		now := h.clock.Now().Unix()
		return fmt.Sprintf(`{"iss":%q,"aud":[%q],"sub":%q,"sid":%q,"gen":1,"iat":%d,"nbf":%d,"exp":%d,"jti":%q}`,
			issuer, audience, session, session, now, now, now+60, session)
	}
	attack := p.clone()
	attack.access = h.forge(head("HS256", "at+jwt"), claims("curfew", "curfew-api", session))
	attack.requireLive() // what all of these start from

	for name, text := range map[string]string{
		"another kind":        h.forge(head("HS256", "JWT"), claims("curfew", "curfew-api", session)),
		"another algorithm":   h.forge(head("HS512", "at+jwt"), claims("curfew", "curfew-api", session)),
		"no algorithm":        h.forge(head("none", "at+jwt"), claims("curfew", "curfew-api", session)),
		"another issuer":      h.forge(head("HS256", "at+jwt"), claims("mallory", "curfew-api", session)),
		"another audience":    h.forge(head("HS256", "at+jwt"), claims("curfew", "intranet", session)),
		"a session of no id":  h.forge(head("HS256", "at+jwt"), claims("curfew", "curfew-api", "everybody")),
		"without a signature": strings.TrimRight(attack.access, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
		"a device cookie":     h.browser(member.Admin).cookies[deviceCookie],
		"garbage":             "garbage",
	} {
		h.run(name, func(*testing.T) {
			attack.access = text
			attack.get("/api/session").requireProblem(http.StatusUnauthorized, "token_invalid")
		})
	}
	attack.access = h.forge(head("HS256", "at+jwt"), claims("curfew", "curfew-api", "018f0000-0000-7000-8000-000000000000"))
	attack.get("/api/session").requireProblem(http.StatusUnauthorized, "no_session")
	p.requireLive()
}

// forged are headers by which clients say where they come from (ASVS 4.1.3).
var forged = []string{
	"X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Original-Forwarded-For", "X_Forwarded_For",
}

// ASVS 4.1.3
func TestAStrangersForwardingHeadersAreNotRead(t *testing.T) {
	for name, proxies := range map[string][]string{"no proxy is trusted": nil, "another one is": {"198.51.100.0/24"}} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{trustedProxies: proxies})
			for _, name := range forged {
				c := h.stranger()
				c.post("/api/sessions", credentials(member.Plain, "cookie"), header(name, "203.0.113.7")).requireStatus(http.StatusCreated)
				require.Equal(t, "192.0.2.10", c.requireLive().Session.Client.Address, name)
			}
			require.Zero(t, h.number("SELECT count(*) FROM audit_entries WHERE address != '192.0.2.10'"))
		})
	}
}

func TestATrustedProxysForwardingHeaderIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		forwarded []string
		want      string
	}{
		"one address":               {[]string{"203.0.113.7"}, "203.0.113.7"},
		"the nearest that is not":   {[]string{"203.0.113.66, 203.0.113.7, 198.51.100.9"}, "203.0.113.7"},
		"in two headers":            {[]string{"203.0.113.66", "203.0.113.7"}, "203.0.113.7"},
		"IPv6":                      {[]string{"2001:DB8::7"}, "2001:db8::7"},
		"IPv6 in brackets":          {[]string{"[2001:db8::7]"}, "2001:db8::7"},
		"only proxies":              {[]string{"198.51.100.8, 198.51.100.9"}, "198.51.100.8"},
		"none":                      {nil, "198.51.100.1"},
		"an empty one":              {[]string{""}, "198.51.100.1"},
		"garbage":                   {[]string{"unknown"}, "198.51.100.1"},
		"garbage next to the proxy": {[]string{"203.0.113.7, <script>"}, "198.51.100.1"},
		"with a port":               {[]string{"203.0.113.7:1234"}, "203.0.113.7"},
		"IPv6 with a port":          {[]string{"[2001:db8::7]:1234"}, "2001:db8::7"},
		"in quotes":                 {[]string{`"203.0.113.7"`}, "203.0.113.7"},
		"a port in quotes":          {[]string{`"[2001:db8::7]:1234"`}, "2001:db8::7"},
		"with a zone":               {[]string{"fe80::7%eth0"}, "fe80::7"},
		"a zone and a port":         {[]string{"[fe80::7%eth0]:1234"}, "fe80::7"},
		"IPv4 in IPv6":              {[]string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"IPv4 in IPv6 with a port":  {[]string{"[::ffff:203.0.113.7]:1234"}, "203.0.113.7"},
		"white space":               {[]string{" \t203.0.113.7:1 \t"}, "203.0.113.7"},
		"a proxy with a port":       {[]string{"203.0.113.7:1, 198.51.100.9:2"}, "203.0.113.7"},
		"garbage behind a proxy":    {[]string{"unknown, 198.51.100.9"}, "198.51.100.9"},
		"a proxy's name":            {[]string{"_hidden"}, "198.51.100.1"},
		"as in Forwarded":           {[]string{"for=203.0.113.7"}, "198.51.100.1"},
		"a host's name":             {[]string{"client.example"}, "198.51.100.1"},
		"a port that is none":       {[]string{"203.0.113.7:99999"}, "198.51.100.1"},
		"much too long":             {[]string{strings.Repeat("9", 5_000)}, "198.51.100.1"},
		"private, and not trusted":  {[]string{"203.0.113.66, 10.0.0.7"}, "10.0.0.7"},
		"loopback, and not trusted": {[]string{"203.0.113.66, 127.0.0.1"}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{trustedProxies: []string{"198.51.100.0/24"}})
			b := h.stranger()
			b.peer = "198.51.100.1"
			var changes []change
			for _, value := range c.forwarded {
				changes = append(changes, header("X-Forwarded-For", value))
			}
			b.post("/api/sessions", credentials(member.Plain, "cookie"), changes...).requireStatus(http.StatusCreated)
			require.Equal(t, c.want, b.requireLive().Session.Client.Address)
			unread := c.forwarded != nil && slices.Contains([]string{"198.51.100.1", "198.51.100.9"}, c.want)
			require.Equal(t, unread, strings.Contains(h.log.String(), notRead), "it is never silent: %s", h.log)
		})
	}
}

const notRead = "a trusted proxy names its clients in a form that is not read"

// TestAFormThatIsNotReadIsLoggedOnce: for each form, and for no more forms than a person reads.
func TestAFormThatIsNotReadIsLoggedOnce(t *testing.T) {
	h := open(t, options{trustedProxies: []string{"198.51.100.0/24"}})
	b := h.stranger()
	b.peer = "198.51.100.1"
	told := func() int { return strings.Count(h.log.String(), notRead) }
	call := func(changes ...change) { // which logs the address
		b.post("/api/sessions", nil, append(changes, header("Sec-Fetch-Site", "cross-site"), malformed)...).requireStatus(http.StatusForbidden)
	}
	for range 3 {
		for i := range 20 {
			call(header("X-Forwarded-For", fmt.Sprintf("_client%d", i)))
			call(header("Forwarded", fmt.Sprintf("for=192.0.2.%d", i)))
			call(header("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i)))
		}
	}
	require.Equal(t, 2, told(), "%s", h.log)
	require.Contains(t, h.log.String(), `"header":"Forwarded","form":"a=0.0.0.0"`)

	b.peer = "192.0.2.10" // who is not trusted is not read, and causes no line
	call(header("X-Forwarded-For", "!!!"), header("Forwarded", "!!!"))
	require.Equal(t, 2, told())
	b.peer = "198.51.100.1"
	for i := range 1000 {
		call(header("X-Forwarded-For", strings.Repeat("?", i+1)))
	}
	require.Equal(t, 10, told())
}

func TestWhatAClientSaysOfItselfIsKeptShort(t *testing.T) {
	h := open(t, options{})
	c := h.stranger()
	c.agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	client := c.signIn(member.Plain).requireLive().Session.Client
	require.Equal(t, []string{"Firefox", "Linux", "desktop"}, []string{client.Browser, client.Os, string(client.Device)})

	for _, agent := range []string{strings.Repeat("é", 4_000), "\xff\xfe not UTF-8", "<img src=x onerror=alert(1)>", ""} {
		c := h.stranger()
		c.agent = agent
		kept := c.signIn(member.Plain).requireLive().Session.Client.UserAgent
		require.LessOrEqual(t, len(kept), 512+3)
	}
}
