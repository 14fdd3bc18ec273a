package httpapi

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

// What is wrong with a proof of identity in a session that lives on: 403, because a 401 would say that it is over.
var (
	errWrongPassword = errors.New("wrong password")
	errWrongCode     = errors.New("wrong code")
	errCodeNeeded    = errors.New("a code is needed")
	errWrongPasskey  = errors.New("wrong passkey")
)

func (a *API) getSession(c echo.Context, who session.Principal) error {
	current := currentSession(who)
	return c.JSON(http.StatusOK, &current)
}

func currentSession(who session.Principal) CurrentSession {
	return CurrentSession{
		Session: wireSession(who, who.Session.ID), Member: wireMember(who.Member), Organization: Organization{Name: who.Organization.Name},
		Policy: wirePolicy(who.Organization.Policy), ExpiresAt: who.ExpiresAt,
		SecondFactor: who.Member.SecondFactor, Restricted: who.Restricted(),
	}
}

func (a *API) signOut(c echo.Context, who session.Principal) error {
	if err := a.Sessions.SignOut(c.Request().Context(), who); err != nil {
		return err
	}
	forgetSession(c)
	return c.NoContent(http.StatusNoContent)
}

func (a *API) reauthenticate(c echo.Context, who session.Principal, in ReauthenticateRequest) error {
	proof, err := a.provedAgain(c, who, in.Password, orEmpty(in.Code))
	if err != nil {
		return err
	}
	proved, err := a.Sessions.Prove(c.Request().Context(), who, proof)
	if err != nil {
		return a.inSession(c, who, err)
	}
	return c.JSON(http.StatusOK, wireSession(proved, who.Session.ID))
}

// provedAgain is the proof of who a member is, in a session that lives on.
func (a *API) provedAgain(c echo.Context, who session.Principal, password, code string) (member.Proof, error) {
	proof, err := a.Members.Reauthenticate(c.Request().Context(), who.Member, password, code, a.origin(c))
	return proof, a.inSession(c, who, err)
}

// inSession returns what is wrong with a proof of identity as an error of a session that lives on. A session that does not
// is said to have ended: its member may have been deactivated meanwhile.
func (a *API) inSession(c echo.Context, who session.Principal, err error) error {
	var wrong error
	switch {
	case errors.Is(err, member.ErrBadCredentials), errors.Is(err, session.ErrCredentialStale):
		wrong = errWrongPassword
	case errors.Is(err, member.ErrBadPasskey):
		wrong = errWrongPasskey
	case errors.Is(err, member.ErrBadCode):
		wrong = errWrongCode
	case errors.Is(err, member.ErrSecondFactorRequired):
		wrong = errCodeNeeded
	default:
		return err
	}
	if _, ended := a.Sessions.Admit(c.Request().Context(), who.Session.ID, 0, session.Passive); ended != nil {
		return ended
	}
	return wrong
}
