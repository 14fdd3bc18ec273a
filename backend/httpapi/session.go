package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/session"
)

func (a *API) getSession(c echo.Context, who session.Principal) error {
	current := currentSession(who)
	return c.JSON(http.StatusOK, &current)
}

func currentSession(who session.Principal) CurrentSession {
	return CurrentSession{
		Session: wireSession(who, who.Session.ID), Member: wireMember(who.Member), Organization: wireOrganization(who.Organization),
		Policy: wirePolicy(who.Organization.Policy), ExpiresAt: who.ExpiresAt,
		SecondFactor: who.Member.SecondFactor, HasPasskey: who.Member.HasPasskey, Restricted: who.Restricted(),
	}
}

func (a *API) signOut(c echo.Context, who session.Principal) error {
	if err := a.Sessions.SignOut(c.Request().Context(), who); err != nil {
		return err
	}
	forgetSession(c)
	return c.NoContent(http.StatusNoContent)
}
