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

// The browser's cookies. The __Host- prefix ties them to this host.
const (
	accessCookie  = "__Host-curfew_access"
	refreshCookie = "__Host-curfew_refresh"
	deviceCookie  = "__Host-curfew_device"
)

// cookieLifetime is how long browsers keep any cookie at most. It ends no session: the policy does,
// which may change in both directions after a cookie was set (rule R3).
const cookieLifetime = 400 * 24 * time.Hour

func setCookie(c echo.Context, name, value string) {
	keepCookie(c, name, value, int(cookieLifetime.Seconds()))
}

func keepCookie(c echo.Context, name, value string, maxAge int) {
	c.SetCookie(&http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
}

// forgetSession clears what a browser keeps of an ended session. Clear-Site-Data does not list
// "cookies": browsers extend that to all hosts of the domain, and to the device cookie.
func forgetSession(c echo.Context) {
	keepCookie(c, accessCookie, "", -1)
	keepCookie(c, refreshCookie, "", -1)
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// A device cookie names a browser on which a member has signed in, so that attempts by strangers do
// not slow that browser's sign-ins down. It lets no one in. Its value is the base64url of
//
//	member id (16 bytes) ‖ random name (16 bytes) ‖ MAC (32 bytes)

// knownDevice reads the device cookie: the device's name, and the member known on it.
func (a *API) knownDevice(r *http.Request) (device string, known member.ID) {
	value, err := onlyCookie(r, deviceCookie)
	if err != nil {
		return "", member.ID{}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != 64 || !hmac.Equal(raw[32:], mac(a.DeviceKey, raw[:32])) {
		return "", member.ID{}
	}
	return base64.RawURLEncoding.EncodeToString(raw[16:32]), member.ID(raw[:16])
}

// rememberDevice sets a device cookie for the member.
func (a *API) rememberDevice(c echo.Context, id member.ID) {
	if _, known := a.knownDevice(c.Request()); known == id {
		return
	}
	raw := make([]byte, 32, 64)
	copy(raw, id[:])
	rand.Read(raw[16:]) // it never returns an error
	setCookie(c, deviceCookie, base64.RawURLEncoding.EncodeToString(append(raw, mac(a.DeviceKey, raw)...)))
}

func mac(key [32]byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key[:])
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
