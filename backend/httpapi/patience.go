package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// patientWriter waits for a client who reads slowly, write by write, but not for one who has stopped reading.
type patientWriter struct {
	io.Writer
	control  *http.ResponseController
	patience time.Duration
}

func (a *API) patient(c echo.Context) patientWriter {
	return patientWriter{c.Response(), http.NewResponseController(c.Response()), a.Stream.Patience}
}

func (w patientWriter) Write(p []byte) (int, error) {
	if err := w.putOff(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// putOff moves the server's limit for the answer as far away as one write may take.
func (w patientWriter) putOff() error {
	err := w.control.SetWriteDeadline(time.Now().Add(w.patience)) //nolint:forbidigo // the connection's own clock
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
