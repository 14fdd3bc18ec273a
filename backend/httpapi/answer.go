package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
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

// timeForm is the form of all times in answers. It has milliseconds, so that times sort as texts.
const timeForm = "2006-01-02T15:04:05.000Z07:00"

// written are the options for all JSON that is written: as encoding/json writes it, but for times.
var written = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithMarshalers(jsonv2.JoinMarshalers(
	jsonv2.MarshalToFunc(func(to *jsontext.Encoder, at time.Time) error {
		return to.WriteValue(appendTime(to.AvailableBuffer(), at))
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

func appendTime(b []byte, at time.Time) []byte {
	return append(at.UTC().AppendFormat(append(b, '"'), timeForm), '"')
}
