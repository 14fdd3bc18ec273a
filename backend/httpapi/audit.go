package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
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

// exportEntries streams every entry of the filter, the newest first. The file does not contain the
// record of its own export.
func (a *API) exportEntries(c echo.Context, who session.Principal, filter audit.Filter, format string) error {
	filter.Limit = partOfFile
	f := file[audit.Entry]{name: "audit", format: format, action: audit.Exported, writer: jsonWriter(wireAuditEntry)}
	f.next = func(ctx context.Context) ([]audit.Entry, error) {
		entries, err := a.Audit.Entries(ctx, filter)
		if len(entries) > 0 {
			last := entries[len(entries)-1]
			filter.Before = audit.Place{At: last.At, Sequence: last.Sequence}
		}
		return entries, err
	}
	if format == "csv" {
		f.writer = csvWriter(entryColumns, entryCells)
	}
	return stream(a, c, who, f)
}

var entryColumns = []string{"sequence", "at", "action", "actorId", "actorName", "target", "address", "userAgent", "details", "hash"}

func entryCells(e audit.Entry) ([]string, error) {
	entry, agent := wireAuditEntry(e), ""
	details, err := json.Marshal(entry.Details, written)
	if entry.Client != nil {
		agent = entry.Client.UserAgent
	}
	return []string{
		strconv.FormatInt(entry.Sequence, 10), timeCell(entry.At), entry.Action, entry.Actor.Id, cell(entry.Actor.Name),
		entry.Target, entry.Address, cell(agent), cell(string(details)), entry.Hash,
	}, err
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
