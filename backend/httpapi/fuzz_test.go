package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// The deployment under a fuzzer is one for all inputs, and its time stands still. What a fuzzer
// could never guess, it is given: a placeholder in its input becomes the secret that was minted.

// serve answers one request without holding it against the contract, which would take most of the
// time.
func (h *deployment) serve(r *http.Request) (status int, body []byte, header http.Header) {
	recorder := httptest.NewRecorder()
	h.echo.ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.Bytes(), recorder.Header()
}

// refused holds what every refusal is: a problem document with the client's fault, and no cookie.
func refused(t *testing.T, status int, body []byte, header http.Header) (p httpapi.Problem) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, &p))
	require.Equal(t, status, p.Status)
	require.True(t, status >= 400 && status < 500, "%d %s", status, body)
	require.Equal(t, "application/problem+json", header.Get("Content-Type"))
	require.Empty(t, header.Values("Set-Cookie"))
	return p
}

// FuzzCookies holds that a Cookie header lets in when it has the session's cookie once, under its
// exact name and with exactly its value, and at no other time. NAME and TOKEN stand for these.
func FuzzCookies(f *testing.F) {
	h := open(f, options{})
	token := h.browser(member.Plain).cookies[accessCookie]
	minted := strings.NewReplacer("NAME", accessCookie, "TOKEN", token)
	f.Add("NAME=TOKEN", "")
	f.Fuzz(func(t *testing.T, first, second string) {
		r := httptest.NewRequest(http.MethodGet, "/api/session", nil)
		r.Host = publicURL.Host
		r.Header["Cookie"] = []string{minted.Replace(first), minted.Replace(second)}
		var values []string
		for _, pair := range strings.Split(strings.Join(r.Header["Cookie"], ";"), ";") {
			pair = strings.Trim(pair, " \t\r\n") // the latter two reach no handler over a connection
			if pair == accessCookie || strings.HasPrefix(pair, accessCookie+"=") {
				values = append(values, strings.TrimPrefix(strings.TrimPrefix(pair, accessCookie), "="))
			}
		}
		status, body, header := h.serve(r)
		if len(values) == 1 && values[0] == token {
			require.Equal(t, http.StatusOK, status)
			return
		}
		p := refused(t, status, body, header)
		want := "token_invalid"
		if len(values) == 0 {
			want = "no_session"
		}
		require.Equal(t, want, p.Code)
	})
}

// FuzzCursors holds that a list goes on from a cursor that it gave, to the letter, and from no
// other. {0}, {1} and so on stand for those of each list.
func FuzzCursors(f *testing.F) {
	h := open(f, options{})
	h.settle(member.Admin, 3)
	admin := h.program(member.Admin)
	lists := []string{"/api/sessions", "/api/sessions?scope=all", "/api/sessions?scope=all&sort=member", "/api/sessions?scope=all&order=asc", "/api/members", "/api/members?sort=email", "/api/audit"}
	given := make([]string, len(lists))
	var placeholders []string
	for i, list := range lists {
		target, err := url.Parse(list)
		require.NoError(f, err)
		query := target.Query()
		query.Set("limit", "1")
		var page struct{ NextCursor string }
		status, body, _ := h.serve(admin.reading(target.Path + "?" + query.Encode()))
		require.Equal(f, http.StatusOK, status)
		require.NoError(f, json.Unmarshal(body, &page))
		require.NotEmpty(f, page.NextCursor)
		given[i] = page.NextCursor
		placeholders = append(placeholders, fmt.Sprintf("{%d}", i), page.NextCursor)
		f.Add(uint8(i), fmt.Sprintf("{%d}", i))
	}
	minted := strings.NewReplacer(placeholders...)
	f.Fuzz(func(t *testing.T, list uint8, cursor string) {
		i := int(list) % len(lists)
		cursor = minted.Replace(cursor)
		target, err := url.Parse(lists[i])
		require.NoError(t, err)
		query := target.Query()
		query.Set("cursor", cursor)
		status, body, header := h.serve(admin.reading(target.Path + "?" + query.Encode()))
		if cursor == given[i] {
			require.Equal(t, http.StatusOK, status)
			return
		}
		p := refused(t, status, body, header)
		if !utf8.ValidString(cursor) {
			require.Equal(t, "invalid_query", p.Code)
			return
		}
		require.NotNil(t, p.Errors)
		require.Equal(t, "cursor", (*p.Errors)[0].Field)
	})
}

// reading is a request that keeps nothing alive.
func (c *client) reading(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = publicURL.Host
	r.Header.Set("Authorization", "Bearer "+c.access)
	r.Header.Set("Curfew-Passive", "true")
	return r
}

// FuzzPolicy holds that a policy that is taken is in force as it was sent, within its bounds; that
// one that is refused, by the client's fault, leaves what was; and that a preview takes and refuses
// the same, and changes nothing.
func FuzzPolicy(f *testing.F) {
	h := open(f, options{})
	owner := h.program(member.Owner)
	f.Add(`{"sessionLength":{"value":14,"unit":"days"},"refreshAutomatically":true,"maximumLifetime":{"value":52,"unit":"weeks"}}`)
	sent := func(method, target, body string) *http.Request {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Host = publicURL.Host
		r.Header.Set("Authorization", "Bearer "+owner.access)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Curfew-Passive", "true")
		return r
	}
	inForce := func(t *testing.T) (settings httpapi.SecuritySettings) {
		status, body, _ := h.serve(owner.reading("/api/settings/security"))
		require.Equal(t, http.StatusOK, status)
		require.NoError(t, json.Unmarshal(body, &settings))
		return settings
	}
	f.Fuzz(func(t *testing.T, body string) {
		before := inForce(t)
		previewed, answer, header := h.serve(sent(http.MethodPost, "/api/settings/security/preview", body))
		if previewed != http.StatusOK {
			refused(t, previewed, answer, header)
		}
		require.Equal(t, before, inForce(t), "a preview changes nothing")

		status, answer, header := h.serve(sent(http.MethodPut, "/api/settings/security", body))
		require.Equal(t, previewed, status, "a preview is of what can be saved: %s", answer)
		if status != http.StatusOK {
			refused(t, status, answer, header)
			require.Equal(t, before, inForce(t))
			return
		}
		type length struct {
			Value float64 // also as in 1.4e1
			Unit  httpapi.Unit
		}
		var asked struct {
			SessionLength        length
			RefreshAutomatically bool
			MaximumLifetime      *length
		}
		var saved httpapi.SecuritySettings
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &asked))
		require.NoError(t, json.Unmarshal(answer, &saved))
		require.Equal(t, saved, inForce(t))
		require.Equal(t, before.Version+1, saved.Version)
		require.Equal(t, asked.SessionLength, length{float64(saved.SessionLength.Value), saved.SessionLength.Unit})
		require.Equal(t, asked.RefreshAutomatically, saved.RefreshAutomatically)
		require.Equal(t, asked.MaximumLifetime == nil, saved.MaximumLifetime == nil)
		if saved.MaximumLifetime != nil {
			require.Equal(t, *asked.MaximumLifetime, length{float64(saved.MaximumLifetime.Value), saved.MaximumLifetime.Unit})
		}
		for _, length := range []*httpapi.Length{&saved.SessionLength, saved.MaximumLifetime} {
			if length != nil {
				units := map[httpapi.Unit]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour}
				require.True(t, length.Value >= 1 && length.Value <= int64(365*24*time.Hour/units[length.Unit]), "%+v", length)
			}
		}
	})
}
