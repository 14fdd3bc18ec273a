package httpapi

import (
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/labstack/echo/v4"
	"github.com/segmentio/encoding/json"

	"curfew/backend/member"
	"curfew/backend/session"
)

// jsonSerializer is how Echo writes answers. What clients send is read strictly, by bind, and never by Echo.
type jsonSerializer struct{ echo.DefaultJSONSerializer }

// Serialize implements [echo.JSONSerializer].
func (jsonSerializer) Serialize(c echo.Context, answer any, _ string) error {
	return writeJSON(c.Response(), answer)
}

// timeForm is how every time is written, with three digits of a second: so that times sort as texts.
const timeForm = "2006-01-02T15:04:05.000Z07:00"

// written is how all JSON is written: as encoding/json writes it, but for times.
var written = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithMarshalers(jsonv2.JoinMarshalers(
	jsonv2.MarshalToFunc(func(to *jsontext.Encoder, at time.Time) error { return to.WriteValue(appendTime(nil, at)) }),
	// What audit entries tell in numbers, which the library takes for texts.
	jsonv2.MarshalToFunc(func(to *jsontext.Encoder, n json.Number) error { return to.WriteValue(jsontext.Value(n)) }),
)))

// writeJSON writes a value and a line break, at once.
func writeJSON(to io.Writer, value any) error {
	text, err := jsonv2.Marshal(value, written)
	if err != nil {
		return err
	}
	_, err = to.Write(append(text, '\n'))
	return err
}

// texts are the room of answers that have gone out.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// answerCurrentSession answers what c.JSON(currentSession(who)) would, to the byte. It is the answer that an app asks for at each of its own
// requests, and made as all others are it takes a twelfth of the whole request, more than the check itself (decision 12).
func answerCurrentSession(c echo.Context, who *session.Principal) error {
	text := texts.Get().(*[]byte)
	defer texts.Put(text)
	*text = append(appendCurrentSession((*text)[:0], who), '\n')
	return c.JSONBlob(http.StatusOK, *text)
}

func appendCurrentSession(b []byte, who *session.Principal) []byte {
	b = appendTime(append(b, `{"expiresAt":`...), who.ExpiresAt)
	b = appendMember(append(b, `,"member":`...), &who.Member)
	b = appendText(append(b, `,"organization":{"name":`...), who.Organization.Name)
	b = appendPolicy(append(b, `},"policy":`...), &who.Organization.Policy)
	b = strconv.AppendBool(append(b, `,"restricted":`...), who.Restricted())
	b = strconv.AppendBool(append(b, `,"secondFactor":`...), who.Member.SecondFactor)
	b = appendSession(append(b, `,"session":`...), &who.Session, who.ExpiresAt)
	return append(b, '}')
}

func appendMember(b []byte, m *member.Member) []byte {
	b = appendText(append(b, `{"email":`...), wireEmail(m.Email))
	b = appendID(append(b, `,"id":`...), m.ID)
	b = appendText(append(b, `,"name":`...), m.Name)
	b = appendText(append(b, `,"role":`...), string(m.Role))
	return append(b, '}')
}

func appendPolicy(b []byte, p *session.Policy) []byte {
	b = append(b, `{"maximumLifetime":`...)
	if p.MaximumLifetime.IsZero() {
		b = append(b, "null"...)
	} else {
		b = appendLength(b, p.MaximumLifetime)
	}
	b = strconv.AppendBool(append(b, `,"refreshAutomatically":`...), p.RefreshAutomatically)
	b = appendLength(append(b, `,"sessionLength":`...), p.Length)
	return append(b, '}')
}

func appendLength(b []byte, l session.Length) []byte {
	b = appendText(append(b, `{"unit":`...), string(l.Unit))
	b = strconv.AppendInt(append(b, `,"value":`...), l.Value, 10)
	return append(b, '}')
}

func appendSession(b []byte, s *session.Session, expiresAt time.Time) []byte {
	b = appendTime(append(b, `{"authenticatedAt":`...), s.AuthenticatedAt)
	b = appendClient(append(b, `,"client":`...), &s.Client)
	b = appendTime(append(b, `,"current":true,"expiresAt":`...), expiresAt)
	b = strconv.AppendUint(append(b, `,"generation":`...), s.Generation, 10)
	b = appendID(append(b, `,"id":`...), s.ID)
	b = appendTime(append(b, `,"lastSeenAt":`...), s.LastSeenAt)
	b = appendID(append(b, `,"memberId":`...), s.MemberID)
	b = append(b, `,"methods":[`...)
	for i, method := range s.Methods {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, method)
	}
	b = appendTime(append(b, `],"provedAt":`...), s.ProvedAt)
	b = appendTime(append(b, `,"startedAt":`...), s.StartedAt)
	return append(b, '}')
}

func appendClient(b []byte, client *session.Client) []byte {
	device := client.Device()
	b = append(b, `{"address":"`...)
	if client.Address.IsValid() {
		b = client.Address.AppendTo(b)
	}
	b = appendText(append(b, `","browser":`...), device.Browser)
	b = appendText(append(b, `,"device":`...), string(device.Kind))
	b = appendText(append(b, `,"os":`...), device.OS)
	b = appendText(append(b, `,"userAgent":`...), client.UserAgent)
	return append(b, '}')
}

func appendText(b []byte, text string) []byte { return json.AppendEscape(b, text, json.EscapeHTML) }

func appendTime(b []byte, at time.Time) []byte {
	return append(at.UTC().AppendFormat(append(b, '"'), timeForm), '"')
}

// appendID appends the canonical text of a UUID (RFC 9562, 4).
func appendID(b []byte, id [16]byte) []byte {
	b = hex.AppendEncode(append(b, '"'), id[:4])
	b = hex.AppendEncode(append(b, '-'), id[4:6])
	b = hex.AppendEncode(append(b, '-'), id[6:8])
	b = hex.AppendEncode(append(b, '-'), id[8:10])
	b = hex.AppendEncode(append(b, '-'), id[10:])
	return append(b, '"')
}
