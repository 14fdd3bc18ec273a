package httpapi

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/session"
)

func (a *API) listAudit(c echo.Context, _ session.Principal) error {
	filter, err := auditFilter(c)
	if err != nil {
		return err
	}
	switch format := c.QueryParam("format"); format {
	case "":
		return a.answerEntries(c, filter)
	case "csv":
		return a.exportEntries(c, filter, "text/csv; charset=utf-8", "audit.csv", newCSVExport(c.Response()))
	case "jsonl":
		return a.exportEntries(c, filter, "application/jsonl", "audit.jsonl", jsonlExport{json.NewEncoder(c.Response())})
	}
	return &inputError{[]FieldError{{Field: "format", Code: "oneof", Message: "Choose one of: csv, jsonl."}}}
}

func auditFilter(c echo.Context) (audit.Filter, error) {
	filter := audit.Filter{Concerning: c.QueryParam("member"), Action: audit.Action(c.QueryParam("action"))}
	for name, bound := range map[string]*time.Time{"since": &filter.Since, "until": &filter.Until} {
		text := c.QueryParam(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return filter, &inputError{[]FieldError{{Field: name, Code: "datetime", Message: "Use a time as in 2026-11-23T00:00:00Z."}}}
		}
		*bound = at
	}
	return filter, nil
}

// answerEntries answers one page of what the filter picks.
func (a *API) answerEntries(c echo.Context, filter audit.Filter) error {
	limit, err := pageLimit(c)
	if err != nil {
		return err
	}
	cursor, err := a.readCursor(c, "audit")
	if err != nil {
		return err
	}
	if cursor != nil {
		filter.Before = int64(binary.BigEndian.Uint64(cursor))
	}
	filter.Limit = limit + 1
	entries, err := a.Audit.Entries(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	page := AuditPage{Items: []AuditEntry{}}
	if len(entries) > limit {
		entries = entries[:limit]
		page.NextCursor = a.writeCursor("audit", binary.BigEndian.AppendUint64(nil, uint64(entries[limit-1].Sequence)))
	}
	for _, entry := range entries {
		page.Items = append(page.Items, wireAuditEntry(entry))
	}
	return c.JSON(http.StatusOK, page)
}

// export writes entries as one kind of file.
type export interface {
	write(entry AuditEntry) error
	// flush hands on what was written so far.
	flush() error
}

// exportEntries streams all that the filter picks, some hundred entries at a time: an export of a million takes no more memory
// than one of a thousand, and as long as it needs.
func (a *API) exportEntries(c echo.Context, filter audit.Filter, contentType, name string, file export) error {
	filter.Limit = 500
	entries, err := a.Audit.Entries(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Response().WriteHeader(http.StatusOK)
	for ; len(entries) > 0; entries, err = a.entriesAfter(c.Request().Context(), &filter, entries) {
		if err != nil {
			return err
		}
		// The server's limit is for an answer that stands still, and this one moves.
		err := http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(time.Minute)) //nolint:forbidigo // the connection's own clock
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, entry := range entries {
			if err := file.write(wireAuditEntry(entry)); err != nil {
				return err
			}
		}
		if err := file.flush(); err != nil {
			return err
		}
	}
	return err
}

func (a *API) entriesAfter(ctx context.Context, filter *audit.Filter, entries []audit.Entry) ([]audit.Entry, error) {
	filter.Before = entries[len(entries)-1].Sequence
	return a.Audit.Entries(ctx, *filter)
}

type jsonlExport struct{ *json.Encoder }

func (e jsonlExport) write(entry AuditEntry) error { return e.Encode(entry) }
func (e jsonlExport) flush() error                 { return nil }

type csvExport struct {
	*csv.Writer
	begun bool
}

func newCSVExport(w io.Writer) *csvExport { return &csvExport{Writer: csv.NewWriter(w)} }

func (e *csvExport) write(entry AuditEntry) error {
	if !e.begun {
		e.begun = true
		if err := e.Write([]string{"sequence", "at", "action", "actorId", "actorName", "target", "address", "details", "hash"}); err != nil {
			return err
		}
	}
	details, err := json.Marshal(entry.Details)
	if err != nil {
		return err
	}
	return e.Write([]string{
		strconv.FormatInt(entry.Sequence, 10), entry.At.Format(time.RFC3339Nano), entry.Action, entry.Actor.Id, cell(entry.Actor.Name),
		entry.Target, entry.Address, cell(string(details)), entry.Hash,
	})
}

func (e *csvExport) flush() error {
	e.Flush()
	return e.Error()
}

// cell keeps a text that people chose from being taken for a formula by the program that opens the file.
func cell(text string) string {
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
