package httpapi

import (
	"context"
	"encoding/csv"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) listAudit(c echo.Context, who session.Principal) error {
	filter, err := auditFilter(c)
	if err != nil {
		return err
	}
	format := c.QueryParam("format")
	if format == "" {
		page, err := a.pageOfEntries(c, filter)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, page)
	}
	if err := refuseParameters(c, "A file has no pages. Leave this out, or leave format out.", "limit", "cursor"); err != nil {
		return err
	}
	return a.exportEntries(c, who, filter, format)
}

func (a *API) getAuditChain(c echo.Context, who session.Principal) error {
	ctx := c.Request().Context()
	leave, err := a.readings.enter(ctx, who)
	if err != nil {
		return err
	}
	defer leave()
	found, err := audit.Check(ctx, a.Audit)
	if err != nil {
		return err
	}
	if err := a.stillOversees(ctx, who); err != nil {
		return err
	}
	// A check of a long log may outlast the server's deadline for the answer.
	if err := a.deadlineWriter(c).extendDeadline(); err != nil {
		return err
	}
	if found.Broken != nil {
		a.Log.Error("the audit log is not what it was", "sequence", found.Broken.Sequence, "reason", found.Broken.Reason)
	}
	return c.JSON(http.StatusOK, wireFinding(found, a.Now()))
}

func auditFilter(c echo.Context) (audit.Filter, error) {
	filter := audit.Filter{
		Action: audit.Action(c.QueryParam("action")),
		Since:  timeParam(c, "since", time.Time{}), Until: timeParam(c, "until", time.Time{}),
	}
	id, err := memberParam(c)
	if id != (member.ID{}) {
		filter.Concerning = id.String()
	}
	return filter, err
}

// pageOfEntries returns the page of the filter's entries that the request asks for.
func (a *API) pageOfEntries(c echo.Context, filter audit.Filter) (AuditPage, error) {
	var page AuditPage
	limit := pageLimit(c)
	before, err := readCursor[audit.Place](a, c, "audit")
	if err != nil {
		return page, err
	}
	filter.Before, filter.Limit = orZero(before), limit+1
	entries, err := a.Audit.Entries(c.Request().Context(), filter)
	if err != nil {
		return page, err
	}
	if len(entries) > limit {
		entries = entries[:limit]
		last := entries[limit-1]
		if page.NextCursor, err = a.writeCursor("audit", audit.Place{At: last.At, Sequence: last.Sequence}); err != nil {
			return page, err
		}
	}
	page.Items = wireAuditEntries(entries)
	return page, nil
}

// exportEntries streams every entry of the filter, 500 at a time, so that an export of a million
// takes no more memory than one of a thousand. It is recorded before it begins, and does not
// contain its own record.
func (a *API) exportEntries(c echo.Context, who session.Principal, filter audit.Filter, format string) error {
	ctx, head := c.Request().Context(), c.Request().Method == http.MethodHead
	leave, err := a.readings.enter(ctx, who)
	if err != nil {
		return err
	}
	defer leave()
	filter.Limit = 500
	entries, err := a.Audit.Entries(ctx, filter)
	if err != nil {
		return err
	}
	if !head {
		if err := a.Audit.Record(ctx, exported(c, who, a.Now())); err != nil {
			return err
		}
	}
	h := c.Response().Header()
	h.Set("Content-Type", exportTypes[format])
	h.Set("Content-Disposition", `attachment; filename="audit.`+format+`"`)
	c.Response().WriteHeader(http.StatusOK)
	if head {
		return nil
	}
	if err := a.writeEntries(ctx, who, filter, entries, exporter(a.deadlineWriter(c), format)); err != nil {
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

var exportTypes = map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}

// exporter returns a function that writes entries in a format.
func exporter(to io.Writer, format string) func([]audit.Entry) error {
	if format == "csv" {
		return csvExporter(to)
	}
	return func(entries []audit.Entry) error {
		for _, entry := range entries {
			if err := writeJSON(to, wireAuditEntry(entry)); err != nil {
				return err
			}
		}
		return nil
	}
}

// exported returns the record of an export, with its format and filters. The filters are nested,
// because an entry with a "member" among its details concerns that member.
func exported(c echo.Context, who session.Principal, now time.Time) audit.Event {
	filters := map[string]any{}
	for name, values := range c.QueryParams() {
		filters[name] = values[0]
	}
	delete(filters, "format")
	details, by := map[string]any{"format": c.QueryParam("format"), "filters": filters}, who.Caller()
	return audit.Event{At: now, Action: audit.Exported, Actor: by.Actor, Target: "organization", Address: by.Address, Details: details}
}

// stillOversees returns an error if the caller's session has ended or may no longer see what
// concerns others. Answers that take long call it; it is not an access (rule R2).
func (a *API) stillOversees(ctx context.Context, who session.Principal) error {
	if who.IsOperator() {
		return nil
	}
	now, err := a.Sessions.Admit(ctx, who.Session.ID, 0, session.Passive)
	switch {
	case err != nil:
		return err
	case now.Restricted():
		return session.ErrRestricted
	case !now.Member.Role.Oversees():
		return session.ErrForbidden
	}
	return nil
}

// writeEntries writes the entries and all that come after them, for as long as the caller may see
// them.
func (a *API) writeEntries(ctx context.Context, who session.Principal, filter audit.Filter, entries []audit.Entry, write func([]audit.Entry) error) error {
	for {
		if err := write(entries); err != nil || len(entries) == 0 {
			return err
		}
		last := entries[len(entries)-1]
		filter.Before = audit.Place{At: last.At, Sequence: last.Sequence}
		err := a.stillOversees(ctx, who)
		if err != nil {
			return err
		}
		if entries, err = a.Audit.Entries(ctx, filter); err != nil {
			return err
		}
	}
}

// csvExporter writes the header of the columns first (RFC 4180), after a byte order mark, without
// which spreadsheets do not read the file as UTF-8.
func csvExporter(to io.Writer) func([]audit.Entry) error {
	file := csv.NewWriter(to)
	file.UseCRLF = true
	_ = file.Write([]string{"\ufeffsequence", "at", "action", "actorId", "actorName", "target", "address", "userAgent", "details", "hash"})
	return func(entries []audit.Entry) error {
		for _, e := range entries {
			entry, agent := wireAuditEntry(e), ""
			details, err := json.Marshal(entry.Details, written)
			if err != nil {
				return err
			}
			if entry.Client != nil {
				agent = entry.Client.UserAgent
			}
			_ = file.Write([]string{ // its error comes from Flush
				strconv.FormatInt(entry.Sequence, 10), string(appendTime(nil, entry.At)), entry.Action, entry.Actor.Id, cell(entry.Actor.Name),
				entry.Target, entry.Address, cell(agent), cell(string(details)), entry.Hash,
			})
		}
		file.Flush()
		return file.Error()
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
