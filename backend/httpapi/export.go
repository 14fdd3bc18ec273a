package httpapi

import (
	"context"
	"encoding/csv"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/session"
)

// partOfFile is how many items of a list are read at a time, so that an export of a million takes
// no more memory than one of a thousand.
const partOfFile = 500

const notInFiles = "A file has no pages. Leave this out, or leave format out."

// file is a list that is streamed as a file, part by part.
type file[Item any] struct {
	name, format string
	action       audit.Action
	// next returns the next part; empty at the end of the list.
	next func(context.Context) ([]Item, error)
	// writer returns the function that writes a part. It is called before the first part, which
	// may be empty.
	writer func(io.Writer) func([]Item) error
}

var exportTypes = map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}

// stream answers with the file. The export is recorded before it begins.
func stream[Item any](a *API, c echo.Context, who session.Principal, f file[Item]) error {
	ctx, head := c.Request().Context(), c.Request().Method == http.MethodHead
	leave, err := a.readings.enter(ctx, who)
	if err != nil {
		return err
	}
	defer leave()
	part, err := f.next(ctx)
	if err != nil {
		return err
	}
	if !head {
		if err := a.Audit.Record(ctx, exported(c, who, f.action, a.Now())); err != nil {
			return err
		}
	}
	h := c.Response().Header()
	h.Set("Content-Type", exportTypes[f.format])
	h.Set("Content-Disposition", `attachment; filename="`+f.name+"."+f.format+`"`)
	c.Response().WriteHeader(http.StatusOK)
	if head {
		return nil
	}
	if err := f.write(ctx, a, who, part, f.writer(a.deadlineWriter(c))); err != nil {
		if ctx.Err() == nil { // otherwise the client has left
			level := slog.LevelError
			if problemFor(err).Status < http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			a.Log.Log(ctx, level, "an export broke off", "error", err, "request", requestID(c))
		}
		// Cut the client off within a chunk: a file that ends early must not look whole.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// write writes the part and all that come after it, for as long as the caller may see them.
func (f file[Item]) write(ctx context.Context, a *API, who session.Principal, part []Item, write func([]Item) error) error {
	for {
		if err := write(part); err != nil || len(part) == 0 {
			return err
		}
		err := a.stillOversees(ctx, who)
		if err != nil {
			return err
		}
		if part, err = f.next(ctx); err != nil {
			return err
		}
	}
}

// exported returns the record of an export, with its format and filters.
func exported(c echo.Context, who session.Principal, action audit.Action, now time.Time) audit.Event {
	return who.Caller().Event(now, action, "organization", map[string]any{"format": c.QueryParam("format"), "filters": filtersOf(c)})
}

// filtersOf returns the filters of a request, for an audit entry. They are nested there, because an
// entry with a "member" among its details concerns that member.
func filtersOf(c echo.Context) map[string]any {
	filters := map[string]any{}
	for name, values := range c.QueryParams() {
		filters[name] = values[0]
	}
	delete(filters, "format")
	delete(filters, "scope")
	return filters
}

// jsonWriter writes an item a line, as the contract has it.
func jsonWriter[Item, Wire any](wire func(Item) Wire) func(io.Writer) func([]Item) error {
	return func(to io.Writer) func([]Item) error {
		return func(items []Item) error {
			for _, item := range items {
				if err := writeJSON(to, wire(item)); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// csvWriter writes a row for each item (RFC 4180), and the columns' names first, after a byte order
// mark, without which spreadsheets do not read the file as UTF-8.
func csvWriter[Item any](columns []string, cells func(Item) ([]string, error)) func(io.Writer) func([]Item) error {
	return func(to io.Writer) func([]Item) error {
		rows := csv.NewWriter(to)
		rows.UseCRLF = true
		_ = rows.Write(append([]string{"\ufeff" + columns[0]}, columns[1:]...)) // its error comes from Flush
		return func(items []Item) error {
			for _, item := range items {
				row, err := cells(item)
				if err != nil {
					return err
				}
				_ = rows.Write(row)
			}
			rows.Flush()
			return rows.Error()
		}
	}
}

// cell keeps a text that a person chose from being read as a formula by a spreadsheet, or as
// control characters by a terminal.
func cell(text string) string {
	text = fold.Printable(text)
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// timeCell writes a time as the API does; empty for the zero time.
func timeCell(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return string(appendTime(nil, at))
}
