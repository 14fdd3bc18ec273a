package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) challengePasskey(c echo.Context) error {
	challenge, err := a.Members.BeginPasskey()
	if err != nil {
		return err
	}
	return answerChallenge(c, challenge)
}

func answerChallenge(c echo.Context, challenge member.Challenge) error {
	return c.JSON(http.StatusOK, PasskeyChallenge{Ceremony: challenge.Ceremony, Options: json.RawMessage(challenge.Options)})
}

func (a *API) signInByPasskey(c echo.Context, in PasskeySignInRequest) error {
	transport, err := a.transportOf(c, in.Transport)
	if err != nil {
		return err
	}
	proof, err := a.Members.AuthenticateByPasskey(c.Request().Context(), in.Ceremony, in.Credential, a.origin(c))
	if err != nil {
		return err
	}
	return a.startSession(c, proof, transport)
}

func (a *API) reauthenticateByPasskey(c echo.Context, who session.Principal, in PasskeyRequest) error {
	proof, err := a.Members.ReauthenticateByPasskey(c.Request().Context(), who.Member, in.Ceremony, in.Credential, a.origin(c))
	if err != nil {
		return a.inSession(c, who, err)
	}
	proved, err := a.Sessions.Prove(c.Request().Context(), who, proof)
	if errors.Is(err, session.ErrCredentialStale) {
		return errWrongPasskey // it was removed in the meantime
	}
	return answer(c, wireSession(proved, who.Session.ID), err)
}

func (a *API) listPasskeys(c echo.Context, who session.Principal) error {
	found, err := a.Members.Passkeys(c.Request().Context(), who.Member.ID)
	return answer(c, PasskeyList{Items: each(found, wirePasskey)}, err)
}

func wirePasskey(p member.Passkey) Passkey {
	return Passkey{Id: base64.RawURLEncoding.EncodeToString(p.ID), Name: p.Name, CreatedAt: p.CreatedAt, UsedAt: p.UsedAt}
}

func (a *API) beginPasskeyRegistration(c echo.Context, who session.Principal) error {
	if err := a.Sessions.RequireFreshProof(who); err != nil {
		return err
	}
	challenge, err := a.Members.BeginRegistration(c.Request().Context(), who.Member)
	if err != nil {
		return err
	}
	return answerChallenge(c, challenge)
}

func (a *API) registerPasskey(c echo.Context, who session.Principal, in PasskeyRegistration) error {
	change, err := a.Members.Register(who.Member, in.Ceremony, in.Name, in.Credential)
	if errors.Is(err, member.ErrBadPasskey) {
		return errWrongPasskey
	}
	if err != nil {
		return err
	}
	if _, err := a.Sessions.ChangeCredential(c.Request().Context(), who, change, false); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, wirePasskey(change.Passkey))
}

func (a *API) removePasskey(c echo.Context, who session.Principal) error {
	id, err := base64.RawURLEncoding.Strict().DecodeString(c.Param("id"))
	if err != nil {
		return member.ErrNoPasskey
	}
	return a.removeCredential(c, who, member.PasskeyRemoval{ID: id})
}
