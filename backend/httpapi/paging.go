package httpapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	defaultPage = 50
	longestPage = 200
)

func pageLimit(c echo.Context) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > longestPage {
		return 0, &inputError{[]FieldError{{Field: "limit", Code: "range", Message: "Use a whole number from 1 to 200."}}}
	}
	return limit, nil
}

// longestSearch is how many characters may be looked for in a list.
const longestSearch = 200

var errSearch = &inputError{[]FieldError{{Field: "q", Code: "max", Message: "Use at most 200 characters."}}}

// descending reads in which direction to order a list, which goes the usual way unless it is told.
func descending(c echo.Context, usual bool) (bool, error) {
	switch order := c.QueryParam("order"); order {
	case "":
		return usual, nil
	case "asc", "desc":
		return order == "desc", nil
	}
	return false, &inputError{[]FieldError{{Field: "order", Code: "oneof", Message: "Choose one of: asc, desc."}}}
}

// timeParam reads a time into at, which stays as it is where the request has none.
func timeParam(c echo.Context, name string, at *time.Time) error {
	text := c.QueryParam(name)
	if text == "" {
		return nil
	}
	read, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return &inputError{[]FieldError{{Field: name, Code: "datetime", Message: "Use a time as in 2026-11-23T00:00:00Z."}}}
	}
	*at = read
	return nil
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
