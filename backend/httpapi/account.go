package httpapi

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) changePassword(c echo.Context, who session.Principal) error {
	var in PasswordRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	proof, err := a.Members.Reauthenticate(ctx, who.Member, in.CurrentPassword, a.origin(c))
	if errors.Is(err, member.ErrBadCredentials) {
		return errWrongPassword
	}
	if err != nil {
		return err
	}
	hash, err := a.Members.HashNewPassword(ctx, in.NewPassword)
	var wrong *member.PasswordError
	if errors.As(err, &wrong) {
		return &inputError{[]FieldError{{Field: "newPassword", Code: wrong.Code, Message: wrong.Message}}}
	}
	if err != nil {
		return err
	}
	ended, err := a.Sessions.ReplaceCredential(ctx, who, proof, hash)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(ended)})
}

// listActivity answers what happened on the caller's account, by whoever's hand; an entry that was not theirs goes without the
// address that it came from, which is not theirs to know.
func (a *API) listActivity(c echo.Context, who session.Principal) error {
	own := who.Member.ID.String()
	page, err := a.pageOfEntries(c, audit.Filter{Concerning: own, WithEverybody: true})
	if err != nil {
		return err
	}
	for i := range page.Items {
		if actor := page.Items[i].Actor.Id; actor != "" && actor != own {
			page.Items[i].Address, page.Items[i].Client = "", nil
		}
	}
	return c.JSON(http.StatusOK, page)
}
