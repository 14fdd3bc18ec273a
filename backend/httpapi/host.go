package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// A browser that reaches this server under another name (DNS rebinding, a proxy that serves any
// host) treats the answers as that name's. So pages, and calls by cookie, are served under the
// public URL's host and loopback hosts alone (RFC 9110, 7.4).

// onAnyHost reports whether a request is served under any host: probes and monitoring, which come
// by address; calls with a bearer token, which no browser adds by itself; and calls that give a
// program its tokens, which refuse cookies themselves. The operator's socket does not ask.
func onAnyHost(r *http.Request, route string) bool {
	switch route {
	case "/healthz", "/readyz", "/metrics":
		return true
	case "/api/sessions", "/api/sessions/refresh":
		if r.Method == http.MethodPost {
			return true
		}
	}
	_, bearers := bearerToken(r.Header)
	return bearers > 0 && strings.HasPrefix(route, "/api/")
}

// misdirectedError is returned for a request under another host.
type misdirectedError struct{ url string }

func (e *misdirectedError) Error() string { return "the host is not the one of " + e.url }

// refuseOtherHosts refuses pages, and calls by cookie, under other hosts.
func (a *API) refuseOtherHosts(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := a.onOwnHost(c.Request()); err != nil && !onAnyHost(c.Request(), c.Path()) {
			return err
		}
		return next(c)
	}
}

// onOwnHost returns an error unless the request's host is the public URL's or a loopback host.
// Ports are ignored: a proxy may leave them out, and cookies have none. X-Forwarded-Host is not
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

// hostname returns a host in lower case, without its port, brackets and final dot.
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
