package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"curfew/backend/etag"
	"curfew/backend/session"
)

// The bounds of a logo: of what is sent, of its sides in pixels, and of what is stored.
const (
	longestLogoBody = 1 << 20
	longestLogoSide = 512
	longestLogo     = 64 << 10
)

var (
	errNoLogo       = errors.New("the organization has no logo")
	errLogoType     = errors.New("the logo is not image/png")
	errLogoTooLarge = errors.New("the logo's file is too large")
)

func wireOrganization(org *session.Organization) Organization {
	wire := Organization{Name: org.Name, HelpContact: optional(org.HelpContact)}
	if org.Logo != "" {
		wire.Logo = new("/api/logo?v=" + org.Logo)
	}
	return wire
}

func (a *API) getGeneralSettings(c echo.Context, who session.Principal) error {
	return answerGeneral(c, who.Organization)
}

func (a *API) putGeneralSettings(c echo.Context, who session.Principal, in GeneralSettingsRequest) error {
	conditions, err := etag.ReadConditions(c.Request().Header)
	if err != nil {
		return err
	}
	saved, err := a.Sessions.SaveGeneral(c.Request().Context(), who, in.Name, orZero(in.HelpContact), func(org session.Organization) error {
		if !conditions.Allow(generalTag(&org)) {
			return etag.ErrFailed
		}
		return nil
	})
	if err != nil {
		return err
	}
	return answerGeneral(c, &saved)
}

func answerGeneral(c echo.Context, org *session.Organization) error {
	c.Response().Header().Set("ETag", generalTag(org))
	return c.JSON(http.StatusOK, wireOrganization(org))
}

// generalTag is the tag of the settings that putGeneralSettings replaces, which the logo is not of.
func generalTag(org *session.Organization) string {
	sum := sha256.Sum256([]byte(org.Name + "\x00" + org.HelpContact))
	return strconv.Quote(hex.EncodeToString(sum[:8]))
}

// getLogo answers with the logo. An address that names its version never changes.
func (a *API) getLogo(c echo.Context) error {
	asked := c.QueryParam("v")
	if _, err := hex.DecodeString(asked); err != nil {
		return invalid("v", "invalid", "Use the address of the logo as other calls give it.")
	}
	version := a.Sessions.Organization().Logo
	if version == "" {
		return errNoLogo
	}
	conditions, err := etag.ReadConditions(c.Request().Header)
	if err != nil {
		return err
	}
	modified, err := conditions.Modified(strconv.Quote(version))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("ETag", strconv.Quote(version))
	h.Set("Cache-Control", "no-cache")
	if asked == version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if !modified {
		return c.NoContent(http.StatusNotModified)
	}
	image, err := a.Sessions.Logo(c.Request().Context(), version)
	if errors.Is(err, session.ErrNotFound) {
		err = errNoLogo // it was replaced meanwhile
	}
	if err != nil {
		h.Del("ETag")
		h.Set("Cache-Control", "no-store")
		return err
	}
	return c.Blob(http.StatusOK, "image/png", image)
}

func (a *API) putLogo(c echo.Context, who session.Principal) error {
	sent, err := readBody(c, "image/png", longestLogoBody)
	switch {
	case errors.Is(err, errMediaType):
		return errLogoType
	case errors.Is(err, errTooLarge):
		return errLogoTooLarge
	case err != nil:
		return err
	}
	image, err := reencoded(sent)
	if err != nil {
		return err
	}
	return a.saveLogo(c, who, image)
}

func (a *API) deleteLogo(c echo.Context, who session.Principal) error { return a.saveLogo(c, who, nil) }

func (a *API) saveLogo(c echo.Context, who session.Principal, image []byte) error {
	saved, err := a.Sessions.SaveLogo(c.Request().Context(), who, image)
	if err != nil {
		return err
	}
	return answerGeneral(c, &saved)
}

// reencoded decodes a PNG and encodes it again, so that nothing is stored but its pixels. It judges
// the size by the header, before it decodes.
func reencoded(sent []byte) ([]byte, error) {
	header, err := png.DecodeConfig(bytes.NewReader(sent))
	if err != nil {
		return nil, invalid("logo", "png", "This is not a PNG image. Save the logo as PNG and try again.")
	}
	if header.Width > longestLogoSide || header.Height > longestLogoSide {
		return nil, invalid("logo", "dimensions", fmt.Sprintf("This image has %d × %d pixels. Use one of at most %d × %d.",
			header.Width, header.Height, longestLogoSide, longestLogoSide))
	}
	image, err := png.Decode(bytes.NewReader(sent))
	if err != nil {
		return nil, invalid("logo", "png", "This PNG image is damaged or incomplete. Save it again and try again.")
	}
	var encoded bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&encoded, image); err != nil {
		return nil, err
	}
	if size := encoded.Len(); size > longestLogo {
		return nil, invalid("logo", "max", fmt.Sprintf("This image takes %d kB as PNG, and may take %d. Use fewer pixels or colors.",
			(size+1023)>>10, longestLogo>>10))
	}
	return encoded.Bytes(), nil
}
