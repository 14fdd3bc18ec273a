package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"
)

// defaultPage is how many items a page has if the request has no limit.
const defaultPage = 50

// pageLimit returns how many items a page has.
func pageLimit(c echo.Context) int {
	limit, err := strconv.Atoi(c.QueryParam("limit"))
	if err != nil {
		return defaultPage // the request has none
	}
	return limit
}

// descending reports whether a list is in descending order.
func descending(c echo.Context, usual bool) bool {
	order := c.QueryParam("order")
	return order == "desc" || order == "" && usual
}

// A cursor is the base64url of a place in a list, as JSON, and of a MAC over that and the list's
// name. So it comes back as it was given, and to the same list.

var errCursor = invalid("cursor", "invalid", "Use the nextCursor of the page before, as it was.")

// placed lets places carry texts that are not valid UTF-8, and leaves out what is zero.
var placed = json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.OmitZeroStructFields(true))

func (a *API) writeCursor(list string, place any) (*string, error) {
	raw, err := json.Marshal(place, placed)
	if err != nil {
		return nil, err
	}
	cursor := base64.RawURLEncoding.EncodeToString(append(raw, a.cursorMAC(list, raw)...))
	return &cursor, nil
}

// readCursor reads the place at which the request resumes a list; nil at the list's beginning.
func readCursor[Place any](a *API, c echo.Context, list string) (*Place, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is no place
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	size := len(raw) - sha256.Size
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != text || size <= 0 || !hmac.Equal(raw[size:], a.cursorMAC(list, raw[:size])) {
		return nil, errCursor
	}
	place := new(Place)
	return place, json.Unmarshal(raw[:size], place, placed)
}

func (a *API) cursorMAC(list string, place []byte) []byte {
	return mac(a.CursorKey, []byte(list), []byte{0}, place)
}
