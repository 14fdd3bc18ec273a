package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyText is what people call themselves, and what programs say of themselves.
var anyText = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	rapid.SampledFrom([]string{"<script>&amp;", "\u2028\u2029", "\"\\/\b\f\n\r\t\x00\x7f", "\xff\xfe", "😀\U0010ffff", "Zoë 王"}))

// instants are in milliseconds, as all times of sessions.
var instants = rapid.Map(rapid.Int64Range(0, 250_000_000_000_000), func(millis int64) time.Time { return time.UnixMilli(millis).UTC() })

// standard is what the standard library writes, with three digits in every time.
func standard(t *rapid.T, answer any) string {
	text, err := json.Marshal(answer)
	require.NoError(t, err)
	return timeInJSON.ReplaceAllStringFunc(strings.ReplaceAll(string(text), `\ufffd`, "\ufffd"), func(at string) string {
		seconds, fraction, _ := strings.Cut(strings.TrimSuffix(at, `Z"`), ".")
		return seconds + "." + (fraction + "000")[:3] + `Z"`
	})
}

var timeInJSON = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)

// TestAnswersReadAsTheStandardLibraryWritesThem, for all names and times.
func TestAnswersReadAsTheStandardLibraryWritesThem(t *testing.T) {
	e := echo.New()
	e.JSONSerializer = jsonSerializer{}
	rapid.Check(t, func(t *rapid.T) {
		word := func(name string) string { return anyText.Draw(t, name) }
		facts := Session{
			Id: word("id"), MemberId: word("member"), Generation: rapid.Int64().Draw(t, "generation"), Current: rapid.Bool().Draw(t, "current"),
			AuthenticatedAt: instants.Draw(t, "authenticated"), StartedAt: instants.Draw(t, "started"), Methods: rapid.SliceOf(anyText).Draw(t, "methods"),
			Client: SessionClient{Address: word("address"), UserAgent: word("agent"), Browser: word("browser")},
		}
		if rapid.Bool().Draw(t, "in a list of everybody's") {
			facts.Member = &Member{Name: word("name")}
		}
		details := map[string]any{word("key"): word("value"), "after": map[string]any{"b": rapid.Float64().Draw(t, "float"), "a": []any{nil, true, 1, json.Number("1.50")}}}
		for _, answer := range []any{
			CurrentSession{ExpiresAt: instants.Draw(t, "expires"), Session: facts, Organization: Organization{Name: word("organization")}},
			AuditEntry{At: instants.Draw(t, "at"), Details: details},
			[]Session{}, map[string]string{}, struct{}{},
		} {
			recorder := httptest.NewRecorder()
			require.NoError(t, e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), recorder).JSON(http.StatusOK, answer))
			require.Equal(t, standard(t, answer)+"\n", recorder.Body.String())
		}
	})
}
