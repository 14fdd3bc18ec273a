package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) getSecuritySettings(c echo.Context, who session.Principal) error {
	return a.answerSettings(c, *who.Organization)
}

func (a *API) putSecuritySettings(c echo.Context, who session.Principal) error {
	var in PolicyRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	saved, err := a.Sessions.SavePolicy(c.Request().Context(), who, in.policy(), versionToMatch(c.Request()))
	if err != nil {
		return err
	}
	return a.answerSettings(c, saved)
}

func (a *API) previewSecuritySettings(c echo.Context, who session.Principal) error {
	var in PolicyRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	next := in.policy()
	preview, err := a.Sessions.Preview(who, next)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, wirePreview(preview, next))
}

func (a *API) answerSettings(c echo.Context, org session.Organization) error {
	settings := wireSettings(org)
	if others := SecuritySettingsDataFolderWritableBy(a.FolderWritableBy()); others != "" {
		settings.DataFolderWritableBy = &others
	}
	c.Response().Header().Set("ETag", versionTag(org.Version))
	return c.JSON(http.StatusOK, settings)
}

func versionTag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

// versionToMatch reads If-Match (RFC 9110, 13.1.1). It is nil where any version will do. A tag that is none of ours matches
// no version.
func versionToMatch(r *http.Request) *int64 {
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return nil
	}
	version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || tag != versionTag(version) {
		version = -1
	}
	return &version
}

func (a *API) getSignInSettings(c echo.Context, who session.Principal) error {
	return a.answerSignInSettings(c, who, *who.Organization)
}

func (a *API) putSignInSettings(c echo.Context, who session.Principal) error {
	var in SignInSettingsRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	saved, err := a.Sessions.RequireSecondFactor(c.Request().Context(), who, *in.RequireSecondFactor)
	if err != nil {
		return err
	}
	return a.answerSignInSettings(c, who, saved)
}

func (a *API) answerSignInSettings(c echo.Context, who session.Principal, org session.Organization) error {
	members, without, err := a.Members.Factors(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, SignInSettings{
		RequireSecondFactor: org.RequireSecondFactor, Members: int64(members), WithoutSecondFactor: int64(without),
		Yours: !who.IsOperator() && !member.TwoFactors(who.Session.Methods),
	})
}
