package httpapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/labstack/echo/v4"
)

// defaultPage is how many items a page has unless the request says otherwise.
const defaultPage = 50

// pageLimit returns how many items a page has.
func pageLimit(c echo.Context) int {
	limit, err := strconv.Atoi(c.QueryParam("limit"))
	if err != nil {
		return defaultPage // it was left out
	}
	return limit
}

// descending returns in which direction to order a list.
func descending(c echo.Context, usual bool) bool {
	order := c.QueryParam("order")
	return order == "desc" || order == "" && usual
}

// A cursor is a place in a list, with a MAC over it and the list's name, so that it comes back as it was given, to the list that
// it is of.

var errCursor = &inputError{[]FieldError{{Field: "cursor", Code: "invalid", Message: "Use the nextCursor of the page before, as it was."}}}

func (a *API) writeCursor(list string, place ...[]byte) *string {
	raw := bytes.Join(place, nil)
	cursor := base64.RawURLEncoding.EncodeToString(append(raw, a.cursorMAC(list, raw)...))
	return &cursor
}

// readCursor reads the place that the request goes on from; nil for the beginning.
func (a *API) readCursor(c echo.Context, list string) ([]byte, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	size := len(raw) - sha256.Size
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != text || size <= 0 || !hmac.Equal(raw[size:], a.cursorMAC(list, raw[:size])) {
		return nil, errors.Join(errCursor, err)
	}
	return raw[:size], nil
}

func (a *API) cursorMAC(list string, place []byte) []byte {
	mac := hmac.New(sha256.New, a.CursorKey[:])
	mac.Write([]byte(list))
	mac.Write([]byte{0})
	mac.Write(place)
	return mac.Sum(nil)
}
