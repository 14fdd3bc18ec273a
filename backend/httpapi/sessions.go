package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) signIn(c echo.Context, in SignInRequest) error {
	transport, err := a.transportOf(c, in.Transport)
	if err != nil {
		return err
	}
	proof, err := a.Members.Authenticate(c.Request().Context(), in.Email, in.Password, orZero(in.Code), a.origin(c))
	if err != nil {
		return err
	}
	return a.startSession(c, proof, transport)
}

// transportOf returns the transport that a sign-in asks for. Cookies are set on our own hosts
// alone.
func (a *API) transportOf(c echo.Context, wanted *Transport) (Transport, error) {
	switch {
	case wanted == nil, *wanted == TransportCookie:
		return TransportCookie, a.onOwnHost(c.Request())
	case *wanted == TransportBearer:
		return TransportBearer, nil
	}
	return "", invalid("transport", "oneof", "Choose one of: cookie, bearer.")
}

// startSession starts a session for a proof of identity.
func (a *API) startSession(c echo.Context, proof member.Proof, transport Transport) error {
	ctx, origin := c.Request().Context(), a.origin(c)
	who, refresh, err := a.Sessions.Start(ctx, proof, session.Client{Address: session.ParseAddress(origin.Address), UserAgent: origin.UserAgent})
	if err != nil {
		return err
	}
	if transport == TransportCookie {
		// Only now: a sign-in that fails leaves the old session.
		if left, err := onlyCookie(c.Request(), refreshCookie); err == nil {
			if err := a.Sessions.Abandon(ctx, left); err != nil {
				return err
			}
		}
		a.rememberDevice(c, who.Member.ID)
	}
	return a.writeTokens(c, http.StatusCreated, who, refresh, transport)
}

func (a *API) refreshSession(c echo.Context) error {
	var in RefreshRequest
	if err := bindOptional(c, &in); err != nil {
		return err
	}
	kind, err := accessKind(c.Request())
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	transport, presented := TransportBearer, orZero(in.RefreshToken)
	if in.RefreshToken == nil {
		transport = TransportCookie
		if err := a.onOwnHost(c.Request()); err != nil {
			return err
		}
		if presented, err = onlyCookie(c.Request(), refreshCookie); err != nil {
			return a.delayRefusal(ctx, err)
		}
	}
	who, successor, err := a.Sessions.Refresh(ctx, presented, kind)
	if err != nil {
		return a.delayRefusal(ctx, err)
	}
	return a.writeTokens(c, http.StatusOK, who, successor, transport)
}

// writeTokens answers a new access token and the refresh token, by the transport of the client.
func (a *API) writeTokens(c echo.Context, status int, who session.Principal, refresh string, transport Transport) error {
	access, lifetime, err := a.Tokens.Issue(uuid.UUID(who.Session.ID), uuid.UUID(who.Member.ID), who.Session.Generation, who.ExpiresAt)
	if err != nil {
		return err
	}
	out := SignedIn{Session: wireSession(who, who.Session.ID), Member: wireMember(who.Member), ExpiresIn: seconds(lifetime)}
	if transport == TransportBearer {
		out.AccessToken, out.RefreshToken = &access, &refresh
	} else {
		setCookie(c, accessCookie, access)
		setCookie(c, refreshCookie, refresh)
	}
	return c.JSON(status, out)
}

// listSessions answers a page of the caller's own sessions, which takes no filter, or of all. The
// operator has none of their own.
func (a *API) listSessions(c echo.Context, who session.Principal) error {
	switch scope := c.QueryParam("scope"); {
	case scope == "all", scope == "" && who.IsOperator():
		if c.QueryParam("format") != "" {
			return a.exportSessions(c, who)
		}
		return a.walking(a.findSessions)(c, who)
	case who.IsOperator():
		return invalid("scope", "invalid", "The operator has no sessions. Use scope=all.")
	}
	if err := refuseParameters(c, "This needs scope=all.", "member", "q", "device", "signedInSince", "signedInBefore", "endsBefore", "endsUnder", "format", "sort", "order"); err != nil {
		return err
	}
	after, err := readCursor[session.Mark](a, c, ownList)
	if err != nil {
		return err
	}
	found, next, err := a.Sessions.List(c.Request().Context(), who, after, pageLimit(c))
	if err != nil {
		return err
	}
	activity, err := a.Sessions.ActivityOf(c.Request().Context(), who.Member.ID)
	if err != nil {
		return err
	}
	page := SessionPage{Total: int64(activity[who.Member.ID].Sessions)}
	page.Items = each(found, func(p session.Principal) Session { return wireSession(p, who.Session.ID) })
	return a.answerPage(c, page, ownList, next)
}

// ownList is the name of the caller's own sessions in cursors.
const ownList = "walk of own sessions"

// answerPage answers a page of sessions, with the cursor for the page after next.
func (a *API) answerPage(c echo.Context, page SessionPage, list string, next *session.Mark) (err error) {
	if next != nil {
		if page.NextCursor, err = a.writeCursor(list, next); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, page)
}

func (a *API) getSessionSummary(c echo.Context, _ session.Principal) error {
	figures, err := a.Sessions.Figures(c.Request().Context(), timeParam(c, "since", a.Now().Add(-24*time.Hour)))
	if err != nil {
		return err
	}
	open, err := a.Members.OpenLinks(c.Request().Context())
	return answer(c, SessionFigures{
		Sessions: int64(figures.Live.Sessions), Members: int64(figures.Live.Members),
		NewToday: int64(figures.New), EndingWithinHour: int64(figures.EndingWithinHour),
		OpenLinks: int64(open),
	}, err)
}

func (a *API) revokeSession(c echo.Context, who session.Principal) error {
	id, err := session.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	if err := a.Sessions.Revoke(c.Request().Context(), who, id); err != nil {
		return err
	}
	if id == who.Session.ID {
		forgetSession(c)
	}
	return c.NoContent(http.StatusNoContent)
}

func (a *API) revokeSessions(c echo.Context, who session.Principal, in RevokeRequest) error {
	ids := make([]session.ID, len(in.Ids))
	for i, text := range in.Ids {
		var err error
		if ids[i], err = session.ParseID(text); err != nil {
			return invalid(fmt.Sprintf("ids.%d", i), "invalid", "This is no session's id.")
		}
	}
	n, skipped, err := a.Sessions.RevokeNamed(c.Request().Context(), who, ids)
	if err != nil {
		return err
	}
	if slices.Contains(ids, who.Session.ID) {
		forgetSession(c)
	}
	counted := int64(skipped)
	return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(n), SessionsSkipped: &counted})
}

func (a *API) revokeOtherSessions(c echo.Context, who session.Principal) error {
	n, err := a.Sessions.RevokeOthers(c.Request().Context(), who)
	return answer(c, SessionsEnded{SessionsEnded: int64(n)}, err)
}

func (a *API) revokeAllSessions(c echo.Context, who session.Principal) error {
	var in RevokeAllRequest
	if err := bindOptional(c, &in); err != nil {
		return err
	}
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	receipt, err := a.Sessions.RevokeAll(c.Request().Context(), who, orZero(in.Reason), key)
	if err != nil {
		return err
	}
	if !receipt.Repeated {
		forgetSession(c)
	}
	return c.JSON(http.StatusOK, wireReceipt(receipt, who))
}

// idempotencyKey returns the key of a request; "" for none.
func idempotencyKey(c echo.Context) (string, error) {
	const field = "Idempotency-Key"
	keys := c.Request().Header[field]
	switch {
	case len(keys) == 0:
		return "", nil
	case len(keys) > 1:
		return "", invalid(field, "invalid", "Send this once.")
	case len(keys[0]) > 128:
		return "", invalid(field, "max", "Use at most 128 characters.")
	case strings.TrimSpace(keys[0]) == "" || strings.ContainsFunc(keys[0], func(r rune) bool { return r < ' ' || r > '~' }):
		return "", invalid(field, "invalid", "Use 1 to 128 printable ASCII characters.")
	}
	return keys[0], nil
}

// origin returns where an attempt to prove an identity comes from.
func (a *API) origin(c echo.Context) member.Origin {
	agent := c.Request().UserAgent()
	device, known := a.knownDevice(c.Request())
	return member.Origin{Address: c.RealIP(), UserAgent: agent[:min(len(agent), longestUserAgent)], Device: device, Known: known}
}

// longestUserAgent is how many bytes of a User-Agent are kept.
const longestUserAgent = 512
