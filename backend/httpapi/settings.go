package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/etag"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) getSecuritySettings(c echo.Context, who session.Principal) error {
	conditions, err := etag.ReadConditions(c.Request().Header)
	if err != nil {
		return err
	}
	modified, err := conditions.Modified(versionTag(who.Organization.Version))
	if err != nil {
		return err
	}
	if !modified {
		c.Response().Header().Set("ETag", versionTag(who.Organization.Version))
		return c.NoContent(http.StatusNotModified)
	}
	return a.answerSettings(c, *who.Organization)
}

func (a *API) putSecuritySettings(c echo.Context, who session.Principal, in PolicyRequest) error {
	conditions, err := etag.ReadConditions(c.Request().Header)
	if err != nil {
		return err
	}
	saved, err := a.Sessions.SavePolicy(c.Request().Context(), who, in.policy(), func(version int64) bool { return conditions.Allow(versionTag(version)) })
	var stale *session.StaleVersionError
	if errors.As(err, &stale) && !wereInForce(conditions.Matching(), stale.Current.Version) {
		return &unmatchedError{stale}
	}
	if err != nil {
		return err
	}
	return a.answerSettings(c, saved)
}

func (a *API) previewSecuritySettings(c echo.Context, who session.Principal, in PolicyRequest) error {
	next := in.policy()
	preview, err := a.Sessions.Preview(c.Request().Context(), who, next)
	return answer(c, wirePreview(preview, next), err)
}

func (a *API) answerSettings(c echo.Context, org session.Organization) error {
	settings := wireSettings(org)
	settings.DataFolderWritableBy = optional(SecuritySettingsDataFolderWritableBy(a.FolderWritableBy()))
	c.Response().Header().Set("ETag", versionTag(org.Version))
	return c.JSON(http.StatusOK, settings)
}

// unmatchedError is returned if a condition names no earlier version either, so that nothing was
// saved in the meantime.
type unmatchedError struct{ *session.StaleVersionError }

// wereInForce reports whether one of the tags is of a version before the current one.
func wereInForce(tags []string, current int64) bool {
	return slices.ContainsFunc(tags, func(tag string) bool {
		version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		return err == nil && tag == versionTag(version) && version > 0 && version < current
	})
}

func versionTag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

func (a *API) putGuidelines(c echo.Context, who session.Principal, in GuidelinesRequest) error {
	saved, err := a.Sessions.ChooseGuidelines(c.Request().Context(), who, in.Applies)
	if err != nil {
		return err
	}
	return a.answerSettings(c, saved)
}

func (a *API) getSignInSettings(c echo.Context, who session.Principal) error {
	return a.answerSignInSettings(c, who, *who.Organization)
}

func (a *API) putSignInSettings(c echo.Context, who session.Principal, in SignInSettingsRequest) error {
	saved, err := a.Sessions.RequireSecondFactor(c.Request().Context(), who, *in.RequireSecondFactor)
	if err != nil {
		return err
	}
	return a.answerSignInSettings(c, who, saved)
}

func (a *API) answerSignInSettings(c echo.Context, who session.Principal, org session.Organization) error {
	factors, err := a.Members.Factors(c.Request().Context())
	return answer(c, SignInSettings{
		RequireSecondFactor: org.RequireSecondFactor, Members: int64(factors.Members), WithoutSecondFactor: int64(factors.Without),
		Yours: !who.IsOperator() && !member.TwoFactors(who.Session.Methods),
	}, err)
}
