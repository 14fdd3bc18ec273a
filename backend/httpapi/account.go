package httpapi

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) changePassword(c echo.Context, who session.Principal, in PasswordRequest) error {
	ctx := c.Request().Context()
	proof, err := a.provedAgain(c, who, in.CurrentPassword, orEmpty(in.Code))
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
	if err != nil {
		return a.inSession(c, who, err)
	}
	return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(ended)})
}

func (a *API) renameAccount(c echo.Context, who session.Principal, in AccountRequest) error {
	if err := a.Members.Rename(c.Request().Context(), who.Caller(), who.Member.ID, in.Name); err != nil {
		return err
	}
	who.Member.Name = in.Name
	return c.JSON(http.StatusOK, wireMember(who.Member))
}

// listActivity answers what happened on the caller's account, by whoever's hand; an entry that was not theirs goes without the
// address that it came from, which is not theirs to know.
func (a *API) listActivity(c echo.Context, who session.Principal) error {
	own := who.Member.ID.String()
	page, err := a.pageOfEntries(c, audit.Filter{Concerning: own, WithEverybody: true})
	if err != nil {
		return err
	}
	withoutOthersAddresses(page.Items, own)
	return c.JSON(http.StatusOK, page)
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
	if err != nil {
		return err
	}
	page := AuditPage{Items: make([]AuditEntry, len(notices))}
	for i, entry := range notices {
		page.Items[i] = wireAuditEntry(entry)
	}
	withoutOthersAddresses(page.Items, who.Member.ID.String())
	return c.JSON(http.StatusOK, page)
}

func (a *API) dismissNotices(c echo.Context, who session.Principal, in DismissRequest) error {
	if err := a.Members.DismissNotices(c.Request().Context(), who.Caller(), *in.UpTo); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
