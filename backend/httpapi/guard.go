package httpapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/token"
)

// principalHandler is a handler that takes what the guard finds, so that it cannot be mounted
// without one.
type principalHandler func(c echo.Context, who session.Principal) error

// guard describes who may make a call over TCP.
type guard struct {
	access       session.Access         // whether the call may count as an access (rule R2)
	restricted   bool                   // sessions that lack a required second factor are let in
	role         func(member.Role) bool // nil for every role
	metricsToken bool                   // a monitoring system is let in by its token
}

var (
	anySession = guard{access: session.Active, restricted: true}
	listener   = guard{access: session.Passive, restricted: true}
	anyMember  = guard{access: session.Active}
	overseer   = guard{access: session.Active, role: member.Role.Oversees}
	admin      = guard{access: session.Active, role: member.Role.Administers}
	scraper    = guard{access: session.Active, role: member.Role.Oversees, metricsToken: true}
)

// guarded lets in the principals of a guard.
func (a *API) guarded(g guard, in input, next principalHandler) echo.HandlerFunc {
	scrape := in.checked(func(c echo.Context) error { return next(c, session.Principal{}) })
	return func(c echo.Context) error {
		if g.metricsToken && a.hasMetricsToken(c.Request()) {
			return scrape(c)
		}
		who, err := a.admit(c, g.access)
		if err != nil {
			return err
		}
		if err := in.check(c); err != nil {
			return err
		}
		if who.Restricted() && !g.restricted {
			return session.ErrRestricted
		}
		if g.role != nil && !g.role(who.Member.Role) {
			return session.ErrForbidden
		}
		return next(c, who)
	}
}

// operated lets in every caller as the operator, without a session.
func (a *API) operated(_ guard, in input, next principalHandler) echo.HandlerFunc {
	return in.checked(func(c echo.Context) error { return next(c, a.Sessions.Operator()) })
}

// admit authenticates a request. It delays refusals, and says in a header how long the session
// lasts. Headers are read and set by their canonical names, which spares each request to make them.
func (a *API) admit(c echo.Context, kind session.Access) (session.Principal, error) {
	who, err := a.authenticate(c.Request(), kind)
	if errors.Is(err, session.ErrTokenNewer) {
		a.Log.Error("a token is newer than the database", "generation", a.Sessions.Organization().Generation)
	}
	if err != nil {
		return who, a.delayRefusal(c.Request().Context(), err)
	}
	left := who.ExpiresAt.Sub(who.AdmittedAt).Seconds()
	c.Response().Header()["Curfew-Session-Expires-In"] = []string{strconv.FormatInt(int64(math.Ceil(max(0, left))), 10)}
	return who, nil
}

// authenticate returns the principal of a request, whose session is alive at this moment. It writes
// nothing.
func (a *API) authenticate(r *http.Request, kind session.Access) (session.Principal, error) {
	asked, err := accessKind(r)
	if err != nil {
		return session.Principal{}, err
	}
	text, err := accessToken(r)
	if err != nil {
		return session.Principal{}, err
	}
	claims, err := a.Tokens.Verify(text)
	if err != nil {
		return session.Principal{}, err
	}
	return a.Sessions.Admit(r.Context(), session.ID(claims.Session), claims.Generation, kind && asked)
}

// publicBody passes a request's body to a handler.
func publicBody[T any](next func(echo.Context, T) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		var in T
		if err := bind(c, &in); err != nil {
			return err
		}
		return next(c, in)
	}
}

// body passes a request's body to a handler.
func body[T any](next func(echo.Context, session.Principal, T) error) principalHandler {
	return func(c echo.Context, who session.Principal) error {
		var in T
		if err := bind(c, &in); err != nil {
			return err
		}
		return next(c, who, in)
	}
}

// onMember passes the id of a member in a request's path to a handler.
func onMember(next func(echo.Context, session.Principal, member.ID) error) principalHandler {
	return func(c echo.Context, who session.Principal) error {
		id, err := member.ParseID(c.Param("id"))
		if err != nil {
			return member.ErrNotFound
		}
		return next(c, who, id)
	}
}

// accessToken returns the one token of a request. A bearer token goes before a cookie, and two of
// the same kind are an error. A credential of another scheme is for another party, such as a proxy.
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

// onlyCookie returns a cookie's value as it came. A name that comes twice may have been set by a
// neighbouring host. It parses no other cookie, since it runs at every request (RFC 6265, 4.2.1).
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
		return "", errNoToken
	case 1:
		return value, nil
	default:
		return "", token.ErrInvalid
	}
}

// errNoToken is [session.ErrNoSession] for a request without a token, which is not delayed.
var errNoToken = fmt.Errorf("no token: %w", session.ErrNoSession)

// accessKind reads whether a request counts as an access (rule R2). Curfew-Passive is read
// strictly: a request meant as passive that counted would keep a session alive.
func accessKind(r *http.Request) (session.Access, error) {
	switch passive := r.Header["Curfew-Passive"]; {
	case len(passive) == 0, len(passive) == 1 && strings.EqualFold(passive[0], "false"):
		return session.Active, nil
	case len(passive) == 1 && strings.EqualFold(passive[0], "true"):
		return session.Passive, nil
	}
	return session.Passive, errPassive
}

var errPassive = invalid("Curfew-Passive", "oneof", "Send this header once, as true or false.")
