package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// deadlineWriter extends the server's deadline for an answer with each write. So it waits for a
// client that reads slowly, but not for one that has stopped reading.
type deadlineWriter struct {
	io.Writer
	control  *http.ResponseController
	patience time.Duration
}

func (a *API) deadlineWriter(c echo.Context) deadlineWriter {
	return deadlineWriter{c.Response(), http.NewResponseController(c.Response()), a.Stream.Patience}
}

func (w deadlineWriter) Write(p []byte) (int, error) {
	if err := w.extendDeadline(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// extendDeadline moves the server's deadline for the answer to where one write may take it.
func (w deadlineWriter) extendDeadline() error {
	err := w.control.SetWriteDeadline(time.Now().Add(w.patience)) //nolint:forbidigo // the connection's own clock
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
