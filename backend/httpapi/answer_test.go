package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAnswersReadAsTheStandardLibraryWritesThem, whatever people called themselves, and at whatever time.
func TestAnswersReadAsTheStandardLibraryWritesThem(t *testing.T) {
	e := echo.New()
	e.JSONSerializer = jsonSerializer{}
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"<script>&amp;", "\u2028\u2029", "\"\\/\b\f\n\r\t\x00\x7f", "\xff\xfe", "😀\U0010ffff", "Zoë 王"}))
	instants := rapid.Map(rapid.Int64Range(0, 250_000_000_000_000), func(millis int64) time.Time { return time.UnixMilli(millis).UTC() })
	rapid.Check(t, func(t *rapid.T) {
		word := func(name string) string { return text.Draw(t, name) }
		session := Session{
			Id: word("id"), MemberId: word("member"), Generation: rapid.Int64().Draw(t, "generation"), Current: rapid.Bool().Draw(t, "current"),
			AuthenticatedAt: instants.Draw(t, "authenticated"), StartedAt: instants.Draw(t, "started"), Methods: rapid.SliceOf(text).Draw(t, "methods"),
			Client: Client{Address: word("address"), UserAgent: word("agent"), Browser: word("browser")},
		}
		if rapid.Bool().Draw(t, "in a list of everybody's") {
			session.Member = &Member{Name: word("name")}
		}
		details := map[string]any{word("key"): word("value"), "after": map[string]any{"b": rapid.Float64().Draw(t, "float"), "a": []any{nil, true, 1}}}
		for _, answer := range []any{
			CurrentSession{ExpiresAt: instants.Draw(t, "expires"), Session: session, Organization: Organization{Name: word("organization")}},
			AuditEntry{At: instants.Draw(t, "at"), Details: details},
			[]Session{}, map[string]string{}, struct{}{},
		} {
			for address, marshal := range map[string]func(any) ([]byte, error){
				"/":        json.Marshal,
				"/?pretty": func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") },
			} {
				expected, err := marshal(answer)
				require.NoError(t, err)
				recorder := httptest.NewRecorder()
				require.NoError(t, e.NewContext(httptest.NewRequest(http.MethodGet, address, nil), recorder).JSON(http.StatusOK, answer))
				require.Equal(t, string(expected)+"\n", recorder.Body.String())
			}
		}
	})
}
