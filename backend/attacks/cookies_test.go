package attacks

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const oddHeaders kind = "odd headers and cookies"

// A cookie counts under its exact name, once, as it was set (6265bis): browsers take prefixes
// without regard to case, and a neighbouring host can plant a second cookie of the same name.
func TestACookieCountsUnderItsExactNameAndOnce(t *testing.T) {
	h := open(t, options{})
	who, other := h.signIn(email(member.Admin)), h.signIn(email(member.Plain))
	good := accessCookie + "=" + who.access
	admits := map[string]bool{}
	for _, cookies := range []string{
		good, good + ";", "; " + good, ";;;" + good, "  " + good + "  ", "a=b;" + good, good + "; a", good + "; =x", "a=" + accessCookie + "; " + good, `a="; ` + good,
	} {
		admits["Cookie: "+cookies] = true
	}
	// Spelled otherwise: every way to write the prefix with other capitals, and names that contain
	// the name.
	const prefix = "__Host-"
	for capitals := range 1 << 4 {
		name := []byte(accessCookie)
		for i := range 4 {
			if capitals>>i&1 == 1 {
				name[2+i] ^= 0x20
			}
		}
		admits["Cookie: "+string(name)+"="+who.access] = capitals == 0
	}
	for _, name := range []string{
		"curfew_access", "__Secure-curfew_access", "__Http-curfew_access", "__Host-Http-curfew_access", prefix + "CURFEW_ACCESS", prefix + "curfew-access", " " + accessCookie + " ", accessCookie + "\t",
		"$" + accessCookie, accessCookie + "[]", accessCookie + "[0]", accessCookie + ".", "." + accessCookie, prefix, "%5F%5FHost-curfew_access", "__Host%2Dcurfew_access", `"` + accessCookie + `"`, accessCookie + "%00",
	} {
		admits["Cookie: "+name+"="+who.access] = false
	}
	// Twice: side by side, apart, in two headers, and beside a dead one.
	for _, second := range []string{who.access, other.access, "", "x", `"` + who.access + `"`} {
		again := accessCookie + "=" + second
		for _, cookies := range []string{good + "; " + again, again + "; " + good, good + "; a=b; " + again, good + "\r\nCookie: " + again, again + "\r\ncookie: " + good, good + "\r\nCOOKIE: a=b; " + again} {
			admits["Cookie: "+cookies] = false
		}
	}
	// Written otherwise.
	for _, value := range []string{
		`"` + who.access + `"`, who.access + `"`, "'" + who.access + "'", who.access + ",", who.access + " x", "Bearer " + who.access, " " + who.access, "=" + who.access, who.access + "=", who.access + ", a=b",
		strings.ReplaceAll(who.access, ".", "%2E"), strings.ReplaceAll(who.access, ".", ". "), who.access[:20] + "\\" + who.access[20:],
	} {
		admits["Cookie: "+accessCookie+"="+value] = false
	}
	admits["Cookie2: "+good] = false
	admits["Set-Cookie: "+good] = false
	admits["Cookie_: "+good] = false
	admits["X-Cookie: "+good] = false
	for header, good := range admits {
		answer := h.ask(request{target: "/api/session", headers: []string{header, "Curfew-Passive: true"}})
		complaint := unless(answer.status == http.StatusUnauthorized, "want 401")
		if good {
			complaint = unless(answer.status == http.StatusOK, "it is the cookie as it was set")
		}
		oddHeaders.note(t, text(header), answer, complaint)
	}
	h.requireLive(who)
}

// What is too much is refused before it is read, in bounded memory (CVE-2025-58186,
// CVE-2025-30204); what just fits is read for what it is.
func TestTooMuchIsRefusedInBoundedMemory(t *testing.T) {
	h := open(t, options{})
	who := h.signIn(email(member.Admin))
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("a=b;", n), ";") }
	attacks := map[string]struct {
		headers []string
		status  int
	}{
		"10,000 cookies":                 {[]string{"Cookie: " + many(10_000)}, 431},
		"10,000 cookies, ours the last":  {[]string{"Cookie: " + many(10_000) + "; " + accessCookie + "=" + who.access}, 431},
		"3,000 cookies, ours the last":   {[]string{"Cookie: " + many(3_000) + "; " + accessCookie + "=" + who.access}, 200},
		"3,000 cookies":                  {[]string{"Cookie: " + many(3_000)}, 401},
		"1,000 cookie headers":           {strings.Split(strings.TrimSuffix(strings.Repeat("Cookie: a=b\n", 1000), "\n"), "\n"), 401},
		"1,000 cookies of our name":      {[]string{"Cookie: " + strings.TrimSuffix(strings.Repeat(accessCookie+"=;", 600), ";")}, 401},
		"64 KB of dots as a cookie":      {[]string{"Cookie: " + accessCookie + "=" + strings.Repeat(".", 64<<10)}, 431},
		"64 KB of dots as a token":       {[]string{"Authorization: Bearer " + strings.Repeat(".", 64<<10)}, 431},
		"15 KB of dots as a token":       {[]string{"Authorization: Bearer " + strings.Repeat(".", 15<<10)}, 401},
		"15 KB of dots as a cookie":      {[]string{"Cookie: " + accessCookie + "=" + strings.Repeat(".", 15<<10)}, 401},
		"15 KB of semicolons":            {[]string{"Cookie: " + strings.Repeat(";", 15<<10)}, 401},
		"15 KB of equals signs":          {[]string{"Cookie: " + strings.Repeat("=", 15<<10)}, 401},
		"a megabyte in one header":       {[]string{"X: " + strings.Repeat("x", 1<<20)}, 431},
		"a megabyte in a name":           {[]string{strings.Repeat("x", 1<<20) + ": x"}, 431},
		"a megabyte in many headers":     {strings.Split(strings.TrimSuffix(strings.Repeat("X: "+strings.Repeat("x", 1000)+"\n", 1000), "\n"), "\n"), 431},
		"a megabyte of user agent":       {[]string{"User-Agent: " + strings.Repeat("x", 1<<20)}, 431},
		"a megabyte in Host":             {[]string{"Host: " + strings.Repeat("x", 1<<20)}, 431},
		"a megabyte of forwarding":       {[]string{"X-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 100_000) + "1.1.1.1"}, 431},
		"15 KB of forwarding":            {[]string{"X-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 1_600) + "1.1.1.1"}, 401},
		"a long If-Match and a long key": {[]string{"If-Match: " + strings.Repeat(`"1",`, 2_000), "Idempotency-Key: " + strings.Repeat("k", 5_000)}, 401},
		"a line that is folded, which reads as one with a space (RFC 9112, 5.2)": {[]string{"Authorization:\r\n Bearer " + who.access}, 200},
		"a name with a space":                {[]string{"Authorization : Bearer " + who.access}, 400},
		"a line without a colon":             {[]string{"Authorization Bearer " + who.access}, 400},
		"no name":                            {[]string{": Bearer " + who.access}, 400},
		"NUL in a value":                     {[]string{"Authorization: Bearer \x00" + who.access}, 400},
		"a control character in a value":     {[]string{"Authorization: Bearer " + who.access + "\x01"}, 400},
		"a bare CR in a value":               {[]string{"Authorization: Bearer " + who.access + "\rX: y"}, 400},
		"two hosts":                          {[]string{"Host: curfew.example.org", "Host: evil.example"}, 400},
		"a host that is none":                {[]string{"Host: curfew.example.org/\\@evil.example"}, 400},
		"two Authorizations":                 {[]string{who.bearer(), who.bearer()}, 401},
		"two Authorizations, one in lower":   {[]string{who.bearer(), "authorization: Bearer x"}, 401},
		"Authorization with an underscore":   {[]string{"HTTP_AUTHORIZATION: Bearer " + who.access, "Authorization_: Bearer " + who.access}, 401},
		"Authorization listed as hop-by-hop": {[]string{who.bearer(), "Connection: Authorization"}, 200},
	}
	type written struct {
		raw    string
		status int
	}
	all, sent := map[string]written{}, 0
	for name, attack := range attacks {
		r := request{target: "/api/session", headers: append(attack.headers, "Curfew-Passive: true")}
		all[name] = written{r.String(), attack.status}
	}
	all["a megabyte of path"] = written{request{target: "/api/" + strings.Repeat("x", 1<<20)}.String(), 431}
	all["a megabyte of query"] = written{request{target: "/api/sessions?q=" + strings.Repeat("x", 1<<20)}.String(), 431}

	// Garbage is collected when the collector sees fit, so it is no measure of what the server
	// holds.
	var before, after, collected runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for name, m := range all {
		l := h.dial()
		l.say(m.raw)
		answer := l.hear(http.MethodGet)
		l.close()
		oddHeaders.note(t, textf("%s (%d bytes)", name, len(m.raw)), answer, unless(answer.status == m.status, "want %d", m.status))
		sent += len(m.raw)
	}
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.ReadMemStats(&collected)
	runtime.KeepAlive(all)
	// The client's copy of what it writes is one of the two.
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2*sent), "of %d bytes that were sent, so many were taken in", sent)
	require.Less(t, int64(collected.HeapAlloc)-int64(before.HeapAlloc), int64(2<<20), "of %d bytes that were sent, so many are still held", sent)
	h.requireLive(who)
}

// A search or a cursor may be as long as fits; what comes of it is an answer and no trouble.
func TestLongTargetsAreAnswered(t *testing.T) {
	h := open(t, options{})
	who := h.signIn(email(member.Admin))
	for _, target := range []string{
		"/api/sessions?" + strings.Repeat("q=a&", 3_000), "/api/sessions?" + strings.Repeat("&", 12_000), "/api/sessions?cursor=" + strings.Repeat("A", 12_000), "/api/sessions?q=" + strings.Repeat("%F0%9F%99%82", 1_000),
		"/api/members?q=" + strings.Repeat("%25", 4_000), "/api/audit?action=" + strings.Repeat("_", 12_000), "/api/sessions/" + strings.Repeat("a", 12_000), "/api/members/" + strings.Repeat("%2e", 4_000),
		"/api/sessions?" + strings.Repeat(";", 12_000), "/api/sessions?%", "/api/sessions?q=%zz", "/api/sessions?limit=" + strings.Repeat("9", 12_000), "/" + strings.Repeat("a/", 6_000), "/" + strings.Repeat("../", 4_000),
	} {
		answer := h.ask(request{target: target, headers: []string{who.bearer()}})
		oddHeaders.note(t, text(target), answer, unless(answer.status > 0 && answer.status < 500, "want an answer that is no failure"))
	}
	h.requireLive(who)
}

// A User-Agent is kept short and decides nothing (oauth2-proxy CVE-2026-34457).
func TestAUserAgentDecidesNothing(t *testing.T) {
	h := open(t, options{})
	for _, agent := range []string{
		"", "GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0", "curl/8", "Googlebot/2.1", "<script>alert(1)</script>", "() { :;}; echo x", "%0d%0aSet-Cookie: a=b", "${jndi:ldap://127.0.0.1:1/a}",
		strings.Repeat("A", 8_000), strings.Repeat("Mozilla/5.0 (", 800), "\xff\xfe\xfd", "Mozilla/5.0 (X11; Linux x86_64) \u202egnp.exe",
	} {
		for _, target := range []string{"/api/session", "/api/members", "/api/audit"} {
			answer := h.ask(request{target: target, headers: []string{"User-Agent: " + agent}})
			oddHeaders.note(t, textf("%s to %s", agent, target), answer, answer.is(http.StatusUnauthorized, "no_session"))
		}
		who := h.signIn(email(member.Plain), "User-Agent: "+agent)
		kept := h.texts("SELECT user_agent FROM sessions WHERE id = ?", who.session)[0]
		oddHeaders.note(t, textf("a sign-in by %s", agent), textf("%d bytes kept", len(kept)), unless(len(kept) <= 512 && strings.HasPrefix(agent, kept), "at most 512 bytes of it are to be kept"))
	}
	require.Zero(t, strings.Count(h.log.String(), "panic"), "the log has a panic")
}
