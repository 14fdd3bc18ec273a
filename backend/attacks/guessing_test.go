package attacks

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

const (
	guessing    kind = "parallel guessing"
	enumeration kind = "enumeration"
	floods      kind = "floods"
)

func guess(email string) request {
	return sending(http.MethodPost, "/api/sessions", map[string]string{"email": email, "password": "a guess that is wrong"})
}

// inParallel sends n requests over many connections at once, and gives the answers.
func (h *deployment) inParallel(n, connections int, request func(i int) request) []reply {
	answers := make([]reply, n)
	var all sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range connections {
		l := h.dial()
		all.Go(func() {
			defer l.close()
			for i := range next {
				r := request(i)
				l.say(r.String())
				answers[i] = l.hear(r.method)
			}
		})
	}
	all.Wait()
	return answers
}

func withStatus(answers []reply, status int) (n int) {
	for _, a := range answers {
		if a.status == status {
			n++
		}
	}
	return n
}

// Ten thousand guesses at once get as many verifications as the throttle says, and not one more
// (T631, I16; Wazuh CVE-2026-93346, Keycloak CVE-2024-4629), whether they go to one account or to
// many; and the owner of the account still gets in.
//
// ASVS 2.4.1, 6.1.1, 6.3.1
func TestTenThousandGuessesAtOnceGetTheCapAndNoMore(t *testing.T) {
	n := some(10_000, 200)
	for name, c := range map[string]struct {
		email func(i int) string
		burst int
		every time.Duration
	}{
		"one account": {func(int) string { return account(0) }, 10, 15 * time.Second},
		"one account in many spelling": {func(i int) string {
			return []string{account(0), " " + account(0), strings.ToUpper(account(0)), account(0) + "\t"}[i%4]
		}, 10, 15 * time.Second},
		"an account each": {account, 60, 2 * time.Second},
	} {
		h := open(t, options{accounts: min(n, 1000)})
		known := h.browser(account(1))
		h.exec("UPDATE sessions SET address = '203.0.113.9'") // so that it is the device that is known, and not the address
		begun := time.Now()
		answers := h.inParallel(n, 200, func(i int) request {
			email := c.email(i % 1000)
			if email == account(1) {
				email = account(2)
			}
			return guess(email)
		})
		took := time.Since(begun)
		verified := h.refused()
		most := c.burst + int(took/c.every) // a bucket fills again while it is emptied
		for i, a := range answers {
			guessing.note(t, textf("%s: guess %d", name, i), a, unless(a.status == http.StatusUnauthorized || a.status == http.StatusTooManyRequests && a.header.Get("Retry-After") != "", "want 401, or 429 with Retry-After"))
		}
		guessing.note(t, textf("%s: %d guesses in %s", name, n, took.Round(time.Millisecond)), textf("%d verified, %d answered 401", verified, withStatus(answers, http.StatusUnauthorized)), first(
			unless(verified >= c.burst && verified <= most, "want from %d to %d", c.burst, most), unless(withStatus(answers, http.StatusUnauthorized) == verified, "want as many 401"),
		))
		in := h.ask(sending(http.MethodPost, "/api/sessions", map[string]string{"email": account(1), "password": password}).with("Cookie: " + deviceCookie + "=" + known.device))
		guessing.note(t, textf("%s: afterwards, the right password on a known device", name), in, unless(in.status == http.StatusCreated, "the guesser has locked a member out"))
	}
}

// realHash costs what a password in the product costs.
var realHash = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		panic(err)
	}
	return hash
})

// A client does not learn whether there is such a member (T638): not from the answer, nor from the
// work done for it. A hash takes 19 MiB, so the memory that was allocated meanwhile shows how many
// there were.
//
// ASVS 6.3.8
func TestAnAnswerDoesNotTellWhoIsThere(t *testing.T) {
	h := open(t, options{accounts: 2, hash: realHash()})
	h.exec("UPDATE members SET deactivated_at = 1 WHERE email = ?", account(1))
	invited := h.ask(sending(http.MethodPost, "/api/members", map[string]any{"email": "invited@example.org", "role": "member"}).with(h.signIn(email(member.Owner)).bearer()))
	require.Equal(t, http.StatusCreated, invited.status)
	asked := map[string]request{
		"a wrong password":              guess(account(0)),
		"an unknown address":            guess("nobody@example.org"),
		"no address at all":             guess("nobody"),
		"a deactivated member":          guess(account(1)),
		"a deactivated one's password":  sending(http.MethodPost, "/api/sessions", map[string]string{"email": account(1), "password": password}),
		"one who has not accepted yet":  guess("invited@example.org"),
		"that one with an empty secret": sending(http.MethodPost, "/api/sessions", map[string]string{"email": "invited@example.org", "password": " "}),
	}
	want := h.ask(guess("somebody-else@example.org"))
	require.Equal(t, http.StatusUnauthorized, want.status)
	for name, r := range asked {
		answer, hashes := h.countHashes(r)
		enumeration.note(t, text(name), textf("%s, and %.2f hashes", answer, hashes), first(
			unless(alike(answer) == alike(want), "it differs from %s", want), unless(hashes >= 1 && hashes < 1.5, "want one hash"),
		))
	}
	owner, plain := h.signIn(email(member.Owner)), h.signIn(email(member.Plain))
	// One who is throttled is told nothing either.
	h.exec("UPDATE attempts SET empty_at = ?", time.Now().Add(time.Hour).UnixMilli())
	known, unknown := h.ask(guess(account(0))), h.ask(guess("nobody@example.org"))
	enumeration.note(t, text("an address that was guessed at too often, known and not"), exchange{known, unknown}, first(known.is(429, "too_many_attempts"), unless(alike(known) == alike(unknown), "they differ")))
	for _, target := range []string{"/api/sessions/018f0000-0000-7000-8000-000000000000", "/api/sessions/" + owner.session} {
		answer := h.ask(request{method: http.MethodDelete, target: target, headers: []string{plain.bearer()}})
		enumeration.note(t, text("a member revokes "+target), answer, answer.is(http.StatusNotFound, "not_found"))
	}
	for _, token := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 256)} {
		for _, call := range []request{
			sending(http.MethodPost, "/api/invitations/accept", map[string]string{"token": token, "password": password}),
			sending(http.MethodPost, "/api/invitations/look", map[string]string{"token": token}),
		} {
			answer := h.ask(call)
			enumeration.note(t, call, answer, unless(answer.status == http.StatusGone || token == "" && answer.status == 422, "want 410"))
		}
	}
}

// countHashes returns how many passwords were hashed for an answer: nothing else takes memory by
// the 19 MiB.
func (h *deployment) countHashes(r request) (answer reply, hashes float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer = h.ask(r)
	runtime.ReadMemStats(&after)
	return answer, float64(after.TotalAlloc-before.TotalAlloc) / (19 << 20)
}

// A client cannot make the server hash for nothing: a request that is refused for another reason is
// refused before.
func TestWhatIsRefusedAnywayCostsNoHash(t *testing.T) {
	h := open(t, options{accounts: 1, hash: realHash()})
	who := h.signIn(email(member.Plain))
	h.exec("INSERT OR REPLACE INTO attempts VALUES ('address 127.0.0.1', ?)", time.Now().Add(time.Hour).UnixMilli())
	long := strings.Repeat("a", 1025)
	for name, r := range map[string]request{
		"a sign-in that comes too early":     guess(account(0)),
		"one without an account":             guess("nobody@example.org"),
		"a password of 1,025 bytes":          sending(http.MethodPost, "/api/sessions", map[string]string{"email": account(0), "password": long}),
		"a wrong link":                       sending(http.MethodPost, "/api/invitations/accept", map[string]string{"token": strings.Repeat("A", 43), "password": password}),
		"a set-up when all is set up":        sending(http.MethodPost, "/api/setup", map[string]string{"setupToken": "x", "name": "M", "email": "m@example.org", "password": password, "organization": "M"}),
		"a short new password, wrong old":    sending(http.MethodPut, "/api/account/password", map[string]string{"currentPassword": long, "newPassword": "short"}).with(who.bearer()),
		"a proof without a session":          sending(http.MethodPost, "/api/session/reauthenticate", map[string]string{"password": password}),
		"a sign-in from another site's page": guess(account(0)).with("Sec-Fetch-Site: cross-site"),
		"a sign-in as a form":                {method: http.MethodPost, target: "/api/sessions", headers: []string{"Content-Type: application/x-www-form-urlencoded"}, body: "email=a&password=b"},
	} {
		answer, hashes := h.countHashes(r)
		floods.note(t, text(name), textf("%s, and %.2f hashes", answer, hashes), unless(answer.status >= 400 && answer.status < 500 && hashes < 0.5, "want a refusal and no hash"))
	}
}

// alike is an answer without what differs from one to the next by itself.
func alike(r reply) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(r.body), &body)
	delete(body, "requestId")
	header := r.header.Clone()
	for _, name := range []string{"X-Request-Id", "Date", "Content-Length", "Retry-After"} {
		header.Del(name)
	}
	return fmt.Sprint(r.status, header, body)
}

// Nor from the time that it takes (T638). The two kinds take turns, each address is asked once, and
// a rank test (Mann-Whitney) judges. One that finds a difference where there is none, as one in a
// hundred does, does not find it again and again.
//
// ASVS 6.3.8
func TestTimeDoesNotTellWhoIsThere(t *testing.T) {
	n := some(400, 5)
	var told string
	for range 3 {
		known, unknown := timings(t, n)
		p, gap := mannWhitney(known, unknown), median(known)/median(unknown)-1
		told = fmt.Sprintf("medians %.1f and %.1f ms (%+.1f %%), p = %.3f", median(known), median(unknown), 100*gap, p)
		differ := p <= 0.01 || math.Abs(gap) >= 0.05 && !testing.Short() // of few, only a hash that is missing shows
		enumeration.note(t, textf("%d wrong passwords and %d unknown addresses", n, n), text(told), "")
		if !differ {
			return
		}
	}
	enumeration.note(t, text("the same, three times"), text(told), "they take another time")
}

// timings is how many milliseconds sign-ins with a wrong password take, and such with an unknown
// address.
func timings(t *testing.T, n int) (known, unknown []float64) {
	t.Helper()
	h := open(t, options{accounts: n + 1, hash: realHash(), proxies: []string{"127.0.0.1/32"}})
	measure := func(i int, email string) float64 {
		r := guess(email).with(fmt.Sprintf("X-Forwarded-For: 2001:db8:%x::1", i)) // each from a network of its own, which has attempts of its own
		begun := time.Now()
		answer := h.ask(r)
		took := time.Since(begun)
		require.Equal(t, http.StatusUnauthorized, answer.status, answer)
		return float64(took.Microseconds()) / 1000
	}
	measure(0, account(n))
	for i := range n {
		known = append(known, measure(2*i+1, account(i)))
		unknown = append(unknown, measure(2*i+2, fmt.Sprintf("nobody%d@example.org", i)))
	}
	return known, unknown
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// mannWhitney is the probability that two samples of one distribution are as far apart as these, by
// the normal approximation.
func mannWhitney(a, b []float64) float64 {
	u := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x < y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	z := math.Abs(u-n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(z / math.Sqrt2)
}

func TestTheRankTestTellsADifference(t *testing.T) {
	var a, same, shifted []float64
	for i := range 400 {
		noise := float64(i*7919%400) / 100 // from 0 to 4, in no order
		a, same, shifted = append(a, 50+noise), append(same, 50+float64(i*7907%400)/100), append(shifted, 50.4+noise)
	}
	require.Greater(t, mannWhitney(a, same), 0.5)
	require.Less(t, mannWhitney(a, shifted), 0.01, "a tenth of the spread")
	require.Less(t, mannWhitney(a[:5], []float64{1, 2, 3, 1, 2}), 0.01, "five are enough where nothing overlaps")
}

// A thousand sign-ins at once, each for an account and from an address of its own, so that no
// throttle stands before the hash (I17): as many are hashed as may wait, the others are told to
// come back, and what they took is given back.
func TestAFloodOfSignInsIsBounded(t *testing.T) {
	n := some(1000, 100)
	hash := realHash()
	if testing.Short() {
		hash = cheapHash() // what is bounded is how many wait, not what they wait for
	}
	h := open(t, options{accounts: n, hash: hash, proxies: []string{"127.0.0.1/32"}})
	h.signIn(account(0), "X-Forwarded-For: 203.0.113.1")
	baseMemory, baseFiles, baseGoroutines := resident(), openFiles(t), runtime.NumGoroutine()
	peak := make(chan float64)
	over := make(chan struct{})
	go func() {
		most := 0.0
		for {
			most = max(most, resident())
			select {
			case <-over:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	answers := h.inParallel(n, n, func(i int) request {
		return guess(account(i)).with(fmt.Sprintf("X-Forwarded-For: 2001:db8:%x::1", i))
	})
	close(over)
	most := <-peak
	for i, a := range answers {
		floods.note(t, textf("sign-in %d of %d at once", i, n), a, first(
			unless(a.status == http.StatusUnauthorized || a.status == http.StatusServiceUnavailable && a.code() == "busy" && a.header.Get("Retry-After") != "", "want 401, or 503 busy with Retry-After"),
		))
	}
	if !testing.Short() { // a hundred cheap ones may all be done in time
		require.Positive(t, withStatus(answers, http.StatusServiceUnavailable), "no more than 64 may wait")
	}
	// A hash takes 19 MiB, and only as many as there are processors are worked out at once; what
	// the garbage collector lets lie doubles it, and each of the connections has its buffers on
	// both ends, which are in this process.
	budget := baseMemory + 2*float64(runtime.GOMAXPROCS(0)+1)*19 + 0.06*float64(n) + 64
	floods.note(t, textf("%d sign-ins at once", n), textf("%d hashed, %d told to come back; %.0f MiB before and at most %.0f MiB", withStatus(answers, 401), withStatus(answers, 503), baseMemory, most), unless(most < budget, "at most %.0f MiB", budget))
	h.comesBack(floods, "goroutines", runtime.NumGoroutine, baseGoroutines)
	h.comesBack(floods, "open files", func() int { return openFiles(t) }, baseFiles)
	h.signIn(account(0), "X-Forwarded-For: 203.0.113.1")
}

// Clients that begin and never finish hold up no other, and when they leave nothing of them is left
// (F15).
func TestClientsThatNeverFinishHoldUpNobody(t *testing.T) {
	n := some(1000, 100)
	h := open(t, options{})
	who := h.signIn(email(member.Plain))
	baseGoroutines, baseFiles := runtime.NumGoroutine(), openFiles(t)
	var slow []*line
	for i := range n {
		l := h.dial()
		l.say([]string{
			"GET /api/session HT", "GET /api/session HTTP/1.1\r\nHost: x\r\nX: ", "POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", "", "POST /api/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
		}[i%5])
		slow = append(slow, l)
	}
	begun := time.Now()
	for range 100 {
		answer := h.ask(request{target: "/api/session", headers: []string{who.bearer(), "Curfew-Passive: true"}})
		floods.note(t, textf("a check beside %d clients that never finish", n), answer, unless(answer.status == http.StatusOK, "want 200"))
	}
	floods.note(t, textf("100 checks beside %d clients that never finish", n), textf("%s", time.Since(begun).Round(time.Millisecond)), unless(time.Since(begun) < 10*time.Second, "they are held up"))
	for _, l := range slow {
		l.close()
	}
	h.comesBack(floods, "goroutines", runtime.NumGoroutine, baseGoroutines)
	h.comesBack(floods, "open files", func() int { return openFiles(t) }, baseFiles)
	h.requireLive(who)
}

// comesBack waits for a count to return to its base, give or take what the deployment has by
// itself: the store opens more of its connections when it is busy, each with two files.
func (h *deployment) comesBack(k kind, name string, count func() int, base int) {
	h.t.Helper()
	const own = 12
	now := count()
	for until := time.Now().Add(10 * time.Second); now > base+own && time.Now().Before(until); now = count() {
		time.Sleep(5 * time.Millisecond)
	}
	k.note(h.t, text("afterwards, "+name), textf("%d, and %d before", now, base), unless(now <= base+own, "there are some left"))
}

// resident is how many MiB of memory Go has for this process.
func resident() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	require.NoError(t, err)
	return len(entries)
}

// Who knows a password begins no more sessions than the pace allows, however many they ask for at
// once (T631).
//
// ASVS 2.4.1
func TestAFloodOfRightPasswordsIsPaced(t *testing.T) {
	h := open(t, options{})
	n, begun := some(2000, 300), time.Now()
	answers := h.inParallel(n, 30, func(int) request {
		return sending(http.MethodPost, "/api/sessions", map[string]string{"email": email(member.Plain), "password": password, "transport": "bearer"})
	})
	for i, a := range answers {
		floods.note(t, textf("right password %d of %d", i, n), a, unless(a.status == http.StatusCreated || a.is(http.StatusTooManyRequests, "too_many_attempts") == "" || a.is(http.StatusServiceUnavailable, "busy") == "", "want 201, 429 or 503"))
	}
	most := 100 + int(time.Since(begun)/(30*time.Second))
	sessions := h.number("SELECT count(*) FROM sessions")
	floods.note(t, textf("%d right passwords", n), textf("%d sessions, %d answered 201", sessions, withStatus(answers, http.StatusCreated)), unless(sessions <= most && sessions >= 50, "want 50 to %d", most))
	h.requireLive(h.signIn(email(member.Owner)))
}
