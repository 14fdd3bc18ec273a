package httpapi

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

var errWrongPassword = errors.New("wrong password")

func (a *API) getSession(c echo.Context, who session.Principal) error {
	return c.JSON(http.StatusOK, currentSession(who))
}

func currentSession(who session.Principal) CurrentSession {
	return CurrentSession{
		Session: wireSession(who, who.Session.ID), Member: wireMember(who.Member), Organization: Organization{Name: who.Organization.Name},
		Policy: wirePolicy(who.Organization.Policy), ExpiresAt: who.ExpiresAt,
	}
}

func (a *API) signOut(c echo.Context, who session.Principal) error {
	if err := a.Sessions.SignOut(c.Request().Context(), who); err != nil {
		return err
	}
	forgetSession(c)
	return c.NoContent(http.StatusNoContent)
}

func (a *API) reauthenticate(c echo.Context, who session.Principal) error {
	var in ReauthenticateRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	proof, err := a.Members.Reauthenticate(c.Request().Context(), who.Member, in.Password, a.origin(c))
	if errors.Is(err, member.ErrBadCredentials) {
		return errWrongPassword // 403: a 401 would say that the session is over
	}
	if err != nil {
		return err
	}
	who, err = a.Sessions.Prove(c.Request().Context(), who, proof)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, wireSession(who, who.Session.ID))
}
