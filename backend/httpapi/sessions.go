package httpapi

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) signIn(c echo.Context) error {
	var in SignInRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	transport := TransportCookie
	if in.Transport != nil {
		transport = *in.Transport
	}
	if transport != TransportCookie && transport != TransportBearer {
		return &inputError{[]FieldError{{Field: "transport", Code: "oneof", Message: "Choose one of: cookie, bearer."}}}
	}
	ctx, origin := c.Request().Context(), a.origin(c)
	proof, err := a.Members.Authenticate(ctx, in.Email, in.Password, origin)
	if err != nil {
		return err
	}
	who, refresh, err := a.Sessions.Start(ctx, proof, session.Client{Address: origin.Address, UserAgent: origin.UserAgent})
	if err != nil {
		return err
	}
	if transport == TransportCookie {
		// Only now that there is a new session: a sign-in that fails leaves the old one.
		if left, err := onlyCookie(c.Request(), refreshCookie); err == nil {
			if err := a.Sessions.Abandon(ctx, left); err != nil {
				return err
			}
		}
		a.rememberDevice(c, who.Member.ID)
	}
	return a.handOver(c, http.StatusCreated, who, refresh, transport)
}

func (a *API) refreshSession(c echo.Context) error {
	var in RefreshRequest
	if err := bindOptional(c, &in); err != nil {
		return err
	}
	transport, presented := TransportBearer, ""
	if in.RefreshToken != nil {
		presented = *in.RefreshToken
	} else {
		cookie, err := onlyCookie(c.Request(), refreshCookie)
		if err != nil {
			return err
		}
		transport, presented = TransportCookie, cookie
	}
	who, successor, err := a.Sessions.Refresh(c.Request().Context(), presented, accessKind(c.Request()))
	if err != nil {
		return err
	}
	return a.handOver(c, http.StatusOK, who, successor, transport)
}

// handOver gives the client a new access token and the refresh token, by the transport that it asked for.
func (a *API) handOver(c echo.Context, status int, who session.Principal, refresh string, transport Transport) error {
	access, lifetime, err := a.Tokens.Issue(who.Session.ID.String(), who.Member.ID.String(), who.Session.Generation, who.ExpiresAt)
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

func (a *API) listSessions(c echo.Context, who session.Principal) error {
	limit, err := pageLimit(c)
	if err != nil {
		return err
	}
	after, err := a.placeAt(c)
	if err != nil {
		return err
	}
	found, next, err := a.Sessions.List(c.Request().Context(), who, after, limit)
	if err != nil {
		return err
	}
	page := SessionPage{Items: make([]Session, len(found))}
	for i, p := range found {
		page.Items[i] = wireSession(p, who.Session.ID)
	}
	if next != nil {
		page.NextCursor = a.writeCursor("sessions", binary.BigEndian.AppendUint64(nil, uint64(next.LastSeenAt.UnixMilli())), next.ID[:])
	}
	return c.JSON(http.StatusOK, page)
}

func (a *API) getSessionSummary(c echo.Context, _ session.Principal) error {
	sessions, members := a.Sessions.Summary()
	return c.JSON(http.StatusOK, SessionSummary{Sessions: int64(sessions), Members: int64(members)})
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

func (a *API) revokeOtherSessions(c echo.Context, who session.Principal) error {
	n, err := a.Sessions.RevokeOthers(c.Request().Context(), who)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(n)})
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
	receipt, err := a.Sessions.RevokeAll(c.Request().Context(), who, orEmpty(in.Reason), key)
	if err != nil {
		return err
	}
	if !receipt.Repeated {
		forgetSession(c)
	}
	return c.JSON(http.StatusOK, wireReceipt(receipt))
}

func idempotencyKey(c echo.Context) (string, error) {
	key := c.Request().Header.Get("Idempotency-Key")
	if len(key) > 128 {
		return "", &inputError{[]FieldError{{Field: "Idempotency-Key", Code: "max", Message: "Use at most 128 characters."}}}
	}
	return key, nil
}

// origin is where an attempt to prove one's identity comes from.
func (a *API) origin(c echo.Context) member.Origin {
	agent := c.Request().UserAgent()
	if len(agent) > longestUserAgent {
		agent = agent[:longestUserAgent]
	}
	device, known := a.knownDevice(c.Request())
	return member.Origin{Address: c.RealIP(), UserAgent: agent, Device: device, Known: known}
}

// longestUserAgent is how much of what a client says of itself is kept.
const longestUserAgent = 512

// placeAt is where the list goes on, as the last access in milliseconds and the id; nil for its beginning.
func (a *API) placeAt(c echo.Context) (*session.Place, error) {
	raw, err := a.readCursor(c, "sessions")
	if raw == nil || err != nil {
		return nil, err
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(raw))).UTC()
	return &session.Place{LastSeenAt: at, ID: session.ID(raw[8:])}, nil
}
