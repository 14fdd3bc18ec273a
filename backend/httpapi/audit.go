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

// listAudit answers a page or a file. A search keeps a CPU busy, as a walk through memory does.
func (a *API) listAudit(c echo.Context, who session.Principal) error {
	filter, err := auditFilter(c)
	if err != nil {
		return err
	}
	format := c.QueryParam("format")
	if format == "" {
		list := func(c echo.Context, _ session.Principal) error {
			page, err := a.pageOfEntries(c, filter)
			return answer(c, page, err)
		}
		if filter.Text != "" {
			list = a.walking(list)
		}
		return list(c, who)
	}
	if err := refuseParameters(c, notInFiles, "limit", "cursor"); err != nil {
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
	return c.JSON(http.StatusOK, a.remember(found))
}

// remember returns the outcome of a check of the chain, and keeps it for the overview.
func (a *API) remember(found audit.Finding) AuditChain {
	chain := wireFinding(found, a.Now())
	a.checked.Store(&chain)
	return chain
}

func auditFilter(c echo.Context) (audit.Filter, error) {
	filter := audit.Filter{
		Action: audit.Action(c.QueryParam("action")), Text: c.QueryParam("q"),
		Since: timeParam(c, "since", time.Time{}), Until: timeParam(c, "until", time.Time{}),
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
	filter.Before, filter.Limit = orZero(before), limit
	found, err := a.readEntries(c.Request().Context(), filter)
	if err != nil {
		return page, err
	}
	if found.Next != nil {
		page.NextCursor, err = a.writeCursor("audit", *found.Next)
	}
	page.Items = each(found.Entries, wireAuditEntry)
	return page, err
}

// readEntries returns a page of the log. Only a page of a search may be shorter than the limit and
// not the last.
func (a *API) readEntries(ctx context.Context, filter audit.Filter) (page audit.Page, err error) {
	if filter.Text != "" {
		return a.Audit.Search(ctx, filter)
	}
	limit := filter.Limit
	filter.Limit++
	if page.Entries, err = a.Audit.Entries(ctx, filter); len(page.Entries) > limit {
		page.Entries = page.Entries[:limit]
		page.Next = page.Entries[limit-1].Place()
	}
	return page, err
}

// exportEntries streams every entry of the filter, the newest first. The file does not contain the
// record of its own export.
func (a *API) exportEntries(c echo.Context, who session.Principal, filter audit.Filter, format string) error {
	filter.Limit = partOfFile
	f := file[audit.Entry]{name: "audit", format: format, action: audit.Exported, writer: jsonWriter(wireAuditEntry)}
	next := &audit.Place{}
	f.next = func(ctx context.Context) (part []audit.Entry, err error) {
		for next != nil && len(part) == 0 {
			filter.Before = *next
			page, err := a.readEntries(ctx, filter)
			if err != nil {
				return nil, err
			}
			part, next = page.Entries, page.Next
			// A search may have taken long to find these.
			if err := a.stillOversees(ctx, who); err != nil {
				return nil, err
			}
		}
		return part, nil
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
