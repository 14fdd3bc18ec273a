package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// Everybody's sessions: lists, counts, files and revocations take the same filters.

// findSessions answers a page of all sessions.
func (a *API) findSessions(c echo.Context, who session.Principal) error {
	query, err := sessionQuery(c)
	if err != nil {
		return err
	}
	query.Limit, query.Order = pageLimit(c), cmp.Or(session.Order(c.QueryParam("sort")), session.ByLastSeen)
	query.Reversed = descending(c, query.Order.Descends()) != query.Order.Descends()
	// A cursor is of one order: in another, its place has no meaning.
	list := fmt.Sprintf("walk of sessions by %s, %t", query.Order, query.Reversed)
	if query.After, err = readCursor[session.Mark](a, c, list); err != nil {
		return err
	}
	found, next, total, err := a.Sessions.Find(c.Request().Context(), who, query)
	if err != nil {
		return err
	}
	page := SessionPage{Total: int64(total)}
	page.Items = each(found, func(p session.Principal) Session {
		item := wireSession(p, who.Session.ID)
		item.Member = optional(wireMember(p.Member))
		return item
	})
	return a.answerPage(c, page, list, next)
}

// exportSessions streams all sessions that the filters select.
func (a *API) exportSessions(c echo.Context, who session.Principal) error {
	if err := refuseParameters(c, "A file has no pages and no order. Leave this out, or leave format out.", "limit", "cursor", "sort", "order"); err != nil {
		return err
	}
	query, err := sessionQuery(c)
	if err != nil {
		return err
	}
	next, err := a.Sessions.Export(who, query)
	if err != nil {
		return err
	}
	return stream(a, c, who, file[session.Principal]{
		name: "sessions", format: "csv", action: audit.SessionsExported, next: next, writer: csvWriter(sessionColumns, sessionCells),
	})
}

var sessionColumns = []string{
	"id", "memberId", "memberName", "memberEmail", "memberRole", "browser", "os", "device", "address", "userAgent", "methods",
	"signedInAt", "lastSeenAt", "expiresAt",
}

func sessionCells(p session.Principal) ([]string, error) {
	s, m := wireSession(p, session.ID{}), wireMember(p.Member)
	return []string{
		s.Id, s.MemberId, cell(m.Name), cell(m.Email), string(m.Role), cell(s.Client.Browser), cell(s.Client.Os), string(s.Client.Device), s.Client.Address,
		cell(s.Client.UserAgent), strings.Join(s.Methods, " "), timeCell(s.AuthenticatedAt), timeCell(s.LastSeenAt), timeCell(s.ExpiresAt),
	}, nil
}

// countSessions answers how many sessions each value of a filter would select.
func (a *API) countSessions(c echo.Context, who session.Principal) error {
	query, err := sessionQuery(c)
	if err != nil {
		return err
	}
	counted, err := a.Sessions.Facets(c.Request().Context(), who, query, timeParam(c, "since", a.Now().Add(-24*time.Hour)))
	if err != nil {
		return err
	}
	counts := SessionCounts{Devices: map[string]int64{}, SignedIn: SignInCounts(counted.SignedIn), Ends: EndCounts(counted.Ends)}
	for kind, n := range counted.Devices {
		counts.Devices[string(kind)] = n
	}
	return c.JSON(http.StatusOK, counts)
}

// revokeMatchingSessions ends the sessions that the filters select. It judges these before the
// body, as every call does with its parameters.
func (a *API) revokeMatchingSessions(c echo.Context, who session.Principal) error {
	query, err := sessionQuery(c)
	if err != nil {
		return err
	}
	var in RevokeMatchingRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	done, err := a.Sessions.RevokeMatching(c.Request().Context(), who, session.Matching{
		Query: query, Confirmed: int(*in.Confirmed), Filters: filtersOf(c),
	})
	if err != nil {
		return err
	}
	if done.Yours {
		forgetSession(c)
	}
	skipped := int64(done.Skipped)
	return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(done.Ended), SessionsSkipped: &skipped})
}

// sessionQuery reads which sessions a request selects.
func sessionQuery(c echo.Context) (query session.Query, err error) {
	query = session.Query{
		Text: c.QueryParam("q"), Device: session.DeviceKind(c.QueryParam("device")),
		SignedInSince: timeParam(c, "signedInSince", time.Time{}), SignedInBefore: timeParam(c, "signedInBefore", time.Time{}),
		EndsBefore: timeParam(c, "endsBefore", time.Time{}),
	}
	if query.EndsUnder, err = policyParam(c); err != nil {
		return query, err
	}
	query.Member, err = memberParam(c)
	return query, err
}

var (
	policyText = regexp.MustCompile(`^(\d{1,9})([mhdw]),(no)?refresh(?:,(\d{1,9})([mhdw]))?$`)
	policyUnit = map[string]session.Unit{"m": session.Minutes, "h": session.Hours, "d": session.Days, "w": session.Weeks}
)

// policyParam returns the policy in the parameter "endsUnder", as in 3d,refresh,30d; the zero
// Policy if the request has none.
func policyParam(c echo.Context) (policy session.Policy, err error) {
	text := c.QueryParam("endsUnder")
	if text == "" {
		return policy, nil
	}
	part := policyText.FindStringSubmatch(text)
	if part == nil {
		return policy, invalid("endsUnder", "invalid", "Use a session length, refresh or norefresh and, if there is one, a maximum lifetime, as in 3d,refresh,30d.")
	}
	length := func(value, unit string) session.Length {
		n, _ := strconv.ParseInt(value, 10, 64) // of at most nine digits, or none
		return session.Length{Value: n, Unit: policyUnit[unit]}
	}
	policy = session.Policy{Length: length(part[1], part[2]), RefreshAutomatically: part[3] == "", MaximumLifetime: length(part[4], part[5])}
	if invalidPolicy := new(session.InvalidError); errors.As(policy.Validate(), &invalidPolicy) {
		return policy, invalid("endsUnder", invalidPolicy.Fields[0].Code, invalidPolicy.Fields[0].Message)
	}
	return policy, nil
}

// memberParam returns the id in the parameter "member"; the zero ID if the request has none.
func memberParam(c echo.Context) (member.ID, error) {
	text := c.QueryParam("member")
	if text == "" {
		return member.ID{}, nil
	}
	id, err := member.ParseID(text)
	if err != nil || id == (member.ID{}) {
		return member.ID{}, invalid("member", "invalid", "Use a member's id.")
	}
	return id, nil
}
