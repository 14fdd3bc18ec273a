package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
)

// The browser's cookies. The __Host- prefix ties them to this very host.
const (
	accessCookie  = "__Host-curfew_access"
	refreshCookie = "__Host-curfew_refresh"
	deviceCookie  = "__Host-curfew_device"
)

// cookieLifetime is as long as browsers keep a cookie at all. It ends no session: that is the policy's to say, which may be
// changed in both directions after a cookie was set (rule R3).
const cookieLifetime = 400 * 24 * time.Hour

func setCookie(c echo.Context, name, value string) {
	c.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(cookieLifetime.Seconds()),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
}

// forgetSession clears what a browser keeps of a session that has ended. Clear-Site-Data does not name "cookies": browsers extend
// that to every host of the registrable domain, and to the device cookie.
func forgetSession(c echo.Context) {
	for _, name := range []string{accessCookie, refreshCookie} {
		c.SetCookie(&http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// A device cookie names a browser on which a member has signed in, so that strangers who guess at the member's password do not
// slow that browser down. It admits nobody. Its value is the base64url of
//
//	member id (16 bytes) ‖ random name (16 bytes) ‖ MAC (32 bytes)

// knownDevice reads the device cookie: the device's name, and the member who is known on it.
func (a *API) knownDevice(r *http.Request) (device string, known member.ID) {
	value, err := onlyCookie(r, deviceCookie)
	if err != nil {
		return "", member.ID{}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != 64 || !hmac.Equal(raw[32:], a.deviceMAC(raw[:32])) {
		return "", member.ID{}
	}
	return base64.RawURLEncoding.EncodeToString(raw[16:32]), member.ID(raw[:16])
}

// rememberDevice makes the browser a known one of the member.
func (a *API) rememberDevice(c echo.Context, id member.ID) {
	if _, known := a.knownDevice(c.Request()); known == id {
		return
	}
	raw := make([]byte, 32, 64)
	copy(raw, id[:])
	rand.Read(raw[16:]) // never fails: it ends the program first
	setCookie(c, deviceCookie, base64.RawURLEncoding.EncodeToString(append(raw, a.deviceMAC(raw)...)))
}

func (a *API) deviceMAC(name []byte) []byte {
	mac := hmac.New(sha256.New, a.DeviceKey[:])
	mac.Write(name)
	return mac.Sum(nil)
}
