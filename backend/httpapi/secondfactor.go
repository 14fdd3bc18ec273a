package httpapi

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) getSecondFactor(c echo.Context, who session.Principal) error {
	factor, err := a.Members.Factor(c.Request().Context(), who.Member.ID)
	if err != nil {
		return err
	}
	passkeys, err := a.Members.Passkeys(c.Request().Context(), who.Member.ID)
	return answer(c, SecondFactor{
		Passkeys: int64(len(passkeys)), Enrolled: len(factor.Sealed) > 0, Since: optional(factor.Since),
		RecoveryCodes: int64(factor.RecoveryCodes), Demanded: who.Organization.RequireSecondFactor,
	}, err)
}

func (a *API) enrolSecondFactor(c echo.Context, who session.Principal) error {
	if err := a.Sessions.RequireFreshProof(who); err != nil {
		return err
	}
	begun := a.Members.Enrol(who.Member, who.Organization.Name)
	picture, err := drawQRCode(begun.URI)
	return answer(c, Enrolment{
		Secret: begun.Secret, Uri: begun.URI, QrCode: picture, Enrolment: begun.Token, ExpiresAt: begun.ExpiresAt,
	}, err)
}

func (a *API) putSecondFactor(c echo.Context, who session.Principal, in SecondFactorRequest) error {
	change, codes, err := a.Members.Confirm(who.Member, in.Enrolment, in.Code)
	if errors.Is(err, member.ErrBadCode) {
		return invalid("code", "wrong", "This is not the code that the app shows now. Wait for the next one.")
	}
	if err != nil {
		return err
	}
	ended, err := a.Sessions.ChangeCredential(c.Request().Context(), who, change, orZero(in.EndOtherSessions))
	return answer(c, SecondFactorSetUp{RecoveryCodes: codes, SessionsEnded: int64(ended)}, err)
}

func (a *API) removeSecondFactor(c echo.Context, who session.Principal) error {
	return a.removeCredential(c, who, member.FactorRemoval{})
}

// removeCredential removes a credential, and ends the other sessions if the query asks for it.
func (a *API) removeCredential(c echo.Context, who session.Principal, removal member.CredentialChange) error {
	ended, err := a.Sessions.ChangeCredential(c.Request().Context(), who, removal, c.QueryParam("endOtherSessions") == "true")
	return answer(c, SessionsEnded{SessionsEnded: int64(ended)}, err)
}

func (a *API) renewRecoveryCodes(c echo.Context, who session.Principal) error {
	change, codes := a.Members.NewRecoveryCodes(who.Member)
	_, err := a.Sessions.ChangeCredential(c.Request().Context(), who, change, false)
	return answer(c, RecoveryCodes{RecoveryCodes: codes}, err)
}

// drawQRCode draws the dark squares row by row as an SVG path. Each run of them is one rectangle.
func drawQRCode(text string) (QRCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return QRCode{}, fmt.Errorf("draw a QR code: %w", err)
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := 0; x < size; x++ {
			begun := x
			for x < size && dark(code.At(x, y)) {
				x++
			}
			if run := x - begun; run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", begun, y, run, run)
			}
		}
	}
	return QRCode{Size: size, Path: path.String()}, nil
}

func dark(c color.Color) bool {
	red, _, _, _ := c.RGBA()
	return red == 0
}
