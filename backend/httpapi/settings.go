package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/session"
)

func (a *API) getSecuritySettings(c echo.Context, who session.Principal) error {
	return answerSettings(c, *who.Organization)
}

func (a *API) putSecuritySettings(c echo.Context, who session.Principal) error {
	var in PolicyRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	saved, err := a.Sessions.SavePolicy(c.Request().Context(), who, session.Policy{
		Length:               in.SessionLength.length(),
		RefreshAutomatically: *in.RefreshAutomatically,
		MaximumLifetime:      in.MaximumLifetime.length(),
	}, versionToMatch(c.Request()))
	if err != nil {
		return err
	}
	return answerSettings(c, saved)
}

func answerSettings(c echo.Context, org session.Organization) error {
	c.Response().Header().Set("ETag", strconv.Quote(strconv.FormatInt(org.Version, 10)))
	return c.JSON(http.StatusOK, wireSettings(org))
}

// versionToMatch reads If-Match (RFC 9110, 13.1.1). It is nil where any version will do. A tag that is none of ours matches
// no version.
func versionToMatch(r *http.Request) *int64 {
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return nil
	}
	version := int64(-1)
	if text, err := strconv.Unquote(tag); err == nil {
		if parsed, err := strconv.ParseInt(text, 10, 64); err == nil {
			version = parsed
		}
	}
	return &version
}
