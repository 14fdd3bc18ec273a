package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/labstack/echo/v4"
)

// jsonSerializer writes answers for Echo. Requests are read by bind, which is strict.
type jsonSerializer struct{ echo.DefaultJSONSerializer }

// Serialize implements [echo.JSONSerializer].
func (jsonSerializer) Serialize(c echo.Context, answer any, _ string) error {
	return writeJSON(c.Response(), answer)
}

// answer sends a value, unless there is an error, which it returns.
func answer(c echo.Context, value any, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, value)
}

// answerNothing is answer without a value.
func answerNothing(c echo.Context, err error) error {
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// written are the options for all JSON that is written: as encoding/json writes it, but for times.
var written = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithMarshalers(jsonv2.JoinMarshalers(
	jsonv2.MarshalToFunc(func(to *jsontext.Encoder, at time.Time) error {
		return to.WriteValue(append(appendTime(append(to.AvailableBuffer(), '"'), at), '"'))
	}),
	// The numbers in details of audit entries, which the library would write as strings.
	jsonv2.MarshalToFunc(func(to *jsontext.Encoder, n json.Number) error { return to.WriteValue(jsontext.Value(n)) }),
)))

// writeJSON writes a value and a line break in one call.
func writeJSON(to io.Writer, value any) error {
	text := texts.Get().(*bytes.Buffer)
	defer texts.Put(text)
	text.Reset()
	if err := jsonv2.MarshalWrite(text, value, written); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err := to.Write(text.Bytes())
	return err
}

// texts holds the buffers of answers that were sent.
var texts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// appendTime appends a time in RFC 3339 with milliseconds, so that times sort as texts. A layout
// with milliseconds takes four times as long as the one without.
func appendTime(b []byte, at time.Time) []byte {
	b = at.UTC().AppendFormat(b, time.RFC3339)
	millis := at.Nanosecond() / 1e6
	return append(b[:len(b)-1], '.', byte('0'+millis/100), byte('0'+millis/10%10), byte('0'+millis%10), 'Z')
}
