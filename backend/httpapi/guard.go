package httpapi

import (
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/session"
	"curfew/backend/token"
)

// principalHandler is a handler that can only be mounted behind the guard, because it takes what the guard finds.
type principalHandler func(c echo.Context, who session.Principal) error

// open lets in every request that has nothing in it which the call does not know, as do all others.
func (a *API) open(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := a.refuseUnknown(c); err != nil {
			return err
		}
		return next(c)
	}
}

// member lets in whoever has a live session that is not restricted.
func (a *API) member(next principalHandler) echo.HandlerFunc {
	return a.anySession(func(c echo.Context, who session.Principal) error {
		if who.Restricted() {
			return session.ErrRestricted
		}
		return next(c, who)
	})
}

// anySession lets in whoever has a live session, a restricted one too: it is for proving a second factor, or setting one up.
func (a *API) anySession(next principalHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := a.admit(c, session.Active)
		if err != nil {
			return err
		}
		if err := a.refuseUnknown(c); err != nil {
			return err
		}
		return next(c, who)
	}
}

// listener lets in whoever has a live session, without counting as an access (rule R2).
func (a *API) listener(next principalHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := a.admit(c, session.Passive)
		if err != nil {
			return err
		}
		if err := a.refuseUnknown(c); err != nil {
			return err
		}
		return next(c, who)
	}
}

// overseer lets in members who may see what concerns others: owners, admins and auditors.
func (a *API) overseer(next principalHandler) echo.HandlerFunc {
	return a.member(func(c echo.Context, who session.Principal) error {
		if !who.Member.Role.Oversees() {
			return session.ErrForbidden
		}
		return next(c, who)
	})
}

// admin lets in members who may change what concerns others: owners and admins.
func (a *API) admin(next principalHandler) echo.HandlerFunc {
	return a.member(func(c echo.Context, who session.Principal) error {
		if !who.Member.Role.Administers() {
			return session.ErrForbidden
		}
		return next(c, who)
	})
}

// admit is the one way in: from the request's token to a principal whose session is alive at this moment. Every request passes here, so the
// headers that it reads and sets are named as [http.Header] keeps them: Get and Set would work that out anew each time.
func (a *API) admit(c echo.Context, kind session.Access) (session.Principal, error) {
	ctx := c.Request().Context()
	asked, err := accessKind(c.Request())
	if err != nil {
		return session.Principal{}, err
	}
	text, err := accessToken(c.Request())
	if err != nil {
		return session.Principal{}, a.withoutToken(ctx, err)
	}
	claims, err := a.Tokens.Verify(text)
	if err != nil {
		return session.Principal{}, a.turnAway(ctx, err)
	}
	if newest := a.Sessions.Organization().Generation; claims.Generation > newest {
		// The database is older than the token: somebody restored a backup (I13). What it knows of revocations is not to be trusted.
		a.Log.Error("a token is newer than the database", "token_generation", claims.Generation, "generation", newest)
		return session.Principal{}, a.turnAway(ctx, token.ErrInvalid)
	}
	who, err := a.Sessions.Admit(ctx, session.ID(claims.Session), kind && asked)
	if err != nil {
		return session.Principal{}, a.turnAway(ctx, err)
	}
	left := who.ExpiresAt.Sub(who.AdmittedAt).Seconds()
	c.Response().Header()["Curfew-Session-Expires-In"] = []string{strconv.FormatInt(int64(math.Ceil(max(0, left))), 10)}
	return who, nil
}

// accessToken returns the one token that the request carries. A bearer token goes before a cookie, and two of a kind are no token at all.
// A credential of another scheme is meant for somebody else, such as a proxy with an authentication of its own, and hides no cookie.
func accessToken(r *http.Request) (string, error) {
	text, bearers := bearerToken(r.Header)
	switch bearers {
	case 0:
		return onlyCookie(r, accessCookie)
	case 1:
		return text, nil
	default:
		return "", token.ErrInvalid
	}
}

// bearerToken returns the last bearer token of the header, and how many there are.
func bearerToken(h http.Header) (text string, bearers int) {
	for _, header := range h["Authorization"] {
		scheme, rest := header, ""
		if at := strings.IndexAny(header, " \t"); at >= 0 {
			scheme, rest = header[:at], header[at:]
		}
		if strings.EqualFold(scheme, "Bearer") {
			text = strings.TrimPrefix(rest, " ")
			bearers++
		}
	}
	return text, bearers
}

// onlyCookie returns the cookie's value as it came. A name that comes twice may have been planted by a neighbouring host. Every request
// passes here, so it makes no [http.Cookie] of what it reads (RFC 6265, 4.2.1).
func onlyCookie(r *http.Request, name string) (string, error) {
	value, times := "", 0
	for _, header := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(header, ";") {
			if key, found, _ := strings.Cut(textproto.TrimString(pair), "="); key == name {
				value = found
				times++
			}
		}
	}
	switch times {
	case 0:
		return "", session.ErrNoSession
	case 1:
		return value, nil
	default:
		return "", token.ErrInvalid
	}
}

// accessKind reports whether the request asks to count as an access (rule R2). It reads Curfew-Passive strictly: what was meant as passive
// and counted would keep a session alive.
func accessKind(r *http.Request) (session.Access, error) {
	switch passive := r.Header["Curfew-Passive"]; {
	case len(passive) == 0, len(passive) == 1 && strings.EqualFold(passive[0], "false"):
		return session.Active, nil
	case len(passive) == 1 && strings.EqualFold(passive[0], "true"):
		return session.Passive, nil
	}
	return session.Passive, errPassive
}

var errPassive = &inputError{[]FieldError{{Field: "Curfew-Passive", Code: "oneof", Message: "Send this header once, as true or false."}}}
