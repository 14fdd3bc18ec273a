package httpapi

import (
	"errors"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

// What is wrong with a proof of identity within a session. Its status is 403, because 401 would say
// that the session has ended.
var (
	errWrongPassword = errors.New("wrong password")
	errWrongCode     = errors.New("wrong code")
	errCodeNeeded    = errors.New("a code is needed")
	errWrongPasskey  = errors.New("wrong passkey")
)

func (a *API) changePassword(c echo.Context, who session.Principal, in PasswordRequest) error {
	ctx := c.Request().Context()
	proof, err := a.provedAgain(c, who, in.CurrentPassword, orZero(in.Code))
	if err != nil {
		return err
	}
	hash, err := a.Members.HashNewPassword(ctx, in.NewPassword, who.Organization.Name, who.Member.Name, fold.ShowAddress(who.Member.Email))
	var wrong *member.PasswordError
	if errors.As(err, &wrong) {
		return invalid("newPassword", wrong.Code, wrong.Message)
	}
	if err != nil {
		return err
	}
	ended, err := a.Sessions.ChangeCredential(ctx, who, member.PasswordChange{Proof: proof, Hash: hash}, true)
	return answer(c, SessionsEnded{SessionsEnded: int64(ended)}, a.inSession(c, who, err))
}

func (a *API) reauthenticate(c echo.Context, who session.Principal, in ReauthenticateRequest) error {
	proof, err := a.provedAgain(c, who, in.Password, orZero(in.Code))
	if err != nil {
		return err
	}
	proved, err := a.Sessions.Prove(c.Request().Context(), who, proof)
	return answer(c, wireSession(proved, who.Session.ID), a.inSession(c, who, err))
}

// provedAgain verifies a proof of identity within a session.
func (a *API) provedAgain(c echo.Context, who session.Principal, password, code string) (member.Proof, error) {
	proof, err := a.Members.Reauthenticate(c.Request().Context(), who.Member, password, code, a.origin(c))
	return proof, a.inSession(c, who, err)
}

// inSession returns what is wrong with a proof as an error of a session that lives on. If the
// session has ended, it returns that: the member may have been deactivated in the meantime.
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

func (a *API) renameAccount(c echo.Context, who session.Principal, in AccountRequest) error {
	who.Member.Name = in.Name
	return answer(c, wireMember(who.Member), a.Members.Rename(c.Request().Context(), who.Caller(), who.Member.ID, in.Name))
}

// listActivity answers what happened to the caller's account. Entries by others are without their
// address, which the caller may not know.
func (a *API) listActivity(c echo.Context, who session.Principal) error {
	own := who.Member.ID.String()
	page, err := a.pageOfEntries(c, audit.Filter{Concerning: own, WithGlobal: true})
	withoutOthersAddresses(page.Items, own)
	return answer(c, page, err)
}

func withoutOthersAddresses(entries []AuditEntry, own string) {
	for i := range entries {
		if actor := entries[i].Actor.Id; actor != "" && actor != own {
			entries[i].Address, entries[i].Client = "", nil
		}
	}
}

func (a *API) listNotices(c echo.Context, who session.Principal) error {
	notices, err := a.Members.Notices(c.Request().Context(), who.Member.ID)
	page := AuditPage{Items: each(notices, wireAuditEntry)}
	withoutOthersAddresses(page.Items, who.Member.ID.String())
	return answer(c, page, err)
}

func (a *API) dismissNotices(c echo.Context, who session.Principal, in DismissRequest) error {
	return answerNothing(c, a.Members.DismissNotices(c.Request().Context(), who.Caller(), *in.UpTo))
}
