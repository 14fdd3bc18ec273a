package httpapi

import (
	"context"
	"encoding/binary"
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
	if format == "csv" {
		file := csv.NewWriter(a.deadlineWriter(c))
		file.UseCRLF = true // RFC 4180
		return a.exportEntries(c, who, filter, "text/csv; charset=utf-8", "audit.csv", csvExport{file})
	}
	return a.exportEntries(c, who, filter, "application/jsonl", "audit.jsonl", jsonlExport{a.deadlineWriter(c)})
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
	// The longer the log, the longer that took, and the server's limit for an answer may be over before this one begins.
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

// pageOfEntries is the page of what the filter picks that the request asks for.
func (a *API) pageOfEntries(c echo.Context, filter audit.Filter) (AuditPage, error) {
	page := AuditPage{Items: []AuditEntry{}}
	limit := pageLimit(c)
	cursor, err := a.readCursor(c, "audit")
	if err != nil {
		return page, err
	}
	if cursor != nil {
		filter.Before = audit.Place{
			At:       time.UnixMilli(int64(binary.BigEndian.Uint64(cursor))).UTC(),
			Sequence: int64(binary.BigEndian.Uint64(cursor[8:])),
		}
	}
	filter.Limit = limit + 1
	entries, err := a.Audit.Entries(c.Request().Context(), filter)
	if err != nil {
		return page, err
	}
	if len(entries) > limit {
		entries = entries[:limit]
		place := binary.BigEndian.AppendUint64(nil, uint64(entries[limit-1].At.UnixMilli()))
		page.NextCursor = a.writeCursor("audit", binary.BigEndian.AppendUint64(place, uint64(entries[limit-1].Sequence)))
	}
	for _, entry := range entries {
		page.Items = append(page.Items, wireAuditEntry(entry))
	}
	return page, nil
}

// export writes entries as one kind of file.
type export interface {
	begin() error
	write(entry AuditEntry) error
	// flush hands on what was written so far.
	flush() error
}

// exportEntries streams all that the filter picks, some hundred entries at a time: an export of a million takes no more memory
// than one of a thousand, and as long as it needs. It is recorded before anything of it
// goes out, and has what there was before.
func (a *API) exportEntries(c echo.Context, who session.Principal, filter audit.Filter, contentType, name string, file export) error {
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
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	c.Response().WriteHeader(http.StatusOK)
	if head {
		return nil
	}
	if err := a.writeEntries(ctx, who, filter, entries, file); err != nil {
		if ctx.Err() == nil { // otherwise the client has left
			level := slog.LevelError
			if problemFor(err).Status < http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			a.Log.Log(ctx, level, "an export broke off", "error", err, "request", requestID(c))
		}
		panic(http.ErrAbortHandler) // a file that ends early must not look whole: the client is cut off in the middle of a chunk
	}
	return nil
}

// exported is what is recorded of an export: its format and what it picks. That stands in a part of its own, because an entry with a "member"
// concerns them.
func exported(c echo.Context, who session.Principal, now time.Time) audit.Event {
	filters := map[string]any{}
	for name, values := range c.QueryParams() {
		filters[name] = values[0]
	}
	delete(filters, "format")
	details, by := map[string]any{"format": c.QueryParam("format"), "filters": filters}, who.Caller()
	return audit.Event{At: now, Action: audit.Exported, Actor: by.Actor, Target: "organization", Address: by.Address, Details: details}
}

// stillOversees returns an error if the caller's session has ended meanwhile, or no longer sees what concerns others. It is for answers that
// take long, and is no access.
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

// writeEntries writes the given entries and all that come after them, for as long as the caller may see them.
func (a *API) writeEntries(ctx context.Context, who session.Principal, filter audit.Filter, entries []audit.Entry, file export) error {
	if err := file.begin(); err != nil {
		return err
	}
	for len(entries) > 0 {
		for _, entry := range entries {
			if err := file.write(wireAuditEntry(entry)); err != nil {
				return err
			}
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
	return file.flush()
}

type jsonlExport struct{ io.Writer }

func (e jsonlExport) begin() error                 { return nil }
func (e jsonlExport) write(entry AuditEntry) error { return writeJSON(e, entry) }
func (e jsonlExport) flush() error                 { return nil }

type csvExport struct{ *csv.Writer }

// begin writes the names of the columns, after a byte order mark: without one, spreadsheets take UTF-8 for another encoding.
func (e csvExport) begin() error {
	return e.Write([]string{"\ufeffsequence", "at", "action", "actorId", "actorName", "target", "address", "userAgent", "details", "hash"})
}

func (e csvExport) write(entry AuditEntry) error {
	details, err := json.Marshal(entry.Details, written)
	if err != nil {
		return err
	}
	agent := ""
	if entry.Client != nil {
		agent = entry.Client.UserAgent
	}
	return e.Write([]string{
		strconv.FormatInt(entry.Sequence, 10), entry.At.UTC().Format(timeForm), entry.Action, entry.Actor.Id, cell(entry.Actor.Name),
		entry.Target, entry.Address, cell(agent), cell(string(details)), entry.Hash,
	})
}

func (e csvExport) flush() error {
	e.Flush()
	return e.Error()
}

// cell keeps a text that people chose from being taken for a formula by the program that opens the file, and from steering a terminal.
func cell(text string) string {
	text = fold.Printable(text)
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
