package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// A browser that was led to this server under another name (DNS rebinding, a proxy that serves any
// host) takes what it is sent for that name's. So pages, and calls by cookie, are served under the
// public URL's host and the loopback's alone (RFC 9110, 7.4).

// onAnyHost is the whole list of what is served whatever Host says. The operator's socket is
// another router, which does not ask.
var onAnyHost = []struct {
	what string
	is   func(method, route string, h http.Header) bool
}{
	{"probes and monitoring, which come by address or by a name inside a cluster", func(_, route string, _ http.Header) bool {
		return route == "/healthz" || route == "/readyz" || route == "/metrics"
	}},
	{"calls with a bearer token, which no browser adds by itself", func(_, route string, h http.Header) bool {
		_, bearers := bearerToken(h)
		return bearers > 0 && strings.HasPrefix(route, "/api/")
	}},
	// What they are asked for is in their bodies, so they refuse cookies themselves.
	{"calls that give a program its tokens", func(method, route string, _ http.Header) bool {
		return method == http.MethodPost && (route == "/api/sessions" || route == "/api/sessions/refresh")
	}},
}

// misdirectedError says that a request came under a host that is not ours.
type misdirectedError struct{ url string }

func (e *misdirectedError) Error() string { return "the host is not the one of " + e.url }

// refuseOtherHosts keeps pages, and calls by cookie, to our own hosts.
func (a *API) refuseOtherHosts(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if err := a.onOwnHost(r); err != nil {
			for _, exempt := range onAnyHost {
				if exempt.is(r.Method, c.Path(), r.Header) {
					return next(c)
				}
			}
			return err
		}
		return next(c)
	}
}

// onOwnHost returns an error unless the request's host is the public URL's or the loopback's. Ports
// count for nothing: a proxy may leave them out, and cookies know none. X-Forwarded-Host is not
// read.
func (a *API) onOwnHost(r *http.Request) error {
	if r.Host == a.PublicURL.Host {
		return nil
	}
	if host := hostname(r.Host); host != "" && (host == hostname(a.PublicURL.Host) || isLoopback(host)) {
		return nil
	}
	return &misdirectedError{a.PublicURL.String()}
}

// hostname returns the host in lower case, without its port, brackets and final dot.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// isLoopback reports whether the host is this machine's own, by name (RFC 6761, 6.3) or by number.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
