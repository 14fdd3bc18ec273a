package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"
)

// addressOf returns a function that finds the client's address: the peer's own, or what a trusted
// proxy says in X-Forwarded-For. Headers of other peers are not read. If a trusted proxy's header
// cannot be read, the nearest proxy's address counts, which all clients then share in the throttle.
// That is logged, once for each form. Forwarded (RFC 7239) is not read, because a proxy that does
// not know it passes on what a client made up.
func addressOf(trusted []*net.IPNet, log *slog.Logger) echo.IPExtractor {
	direct := echo.ExtractIPDirect()
	if len(trusted) == 0 {
		return direct
	}
	trusts := func(address netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(network *net.IPNet) bool { return network.Contains(address.AsSlice()) })
	}
	unread := unreadForms{log: log}
	return func(r *http.Request) string {
		nearest, known := readAddress(r.RemoteAddr)
		if !known || !trusts(nearest) {
			return direct(r)
		}
		headers := r.Header["X-Forwarded-For"]
		if len(headers) == 0 {
			if others := r.Header["Forwarded"]; len(others) > 0 {
				unread.tell(nearest, "Forwarded", others[0])
			}
			return nearest.String()
		}
		hops := strings.Split(strings.Join(headers, ","), ",")
		for _, hop := range slices.Backward(hops) {
			address, known := readAddress(hop)
			if !known {
				unread.tell(nearest, "X-Forwarded-For", hop)
				break
			}
			if nearest = address; !trusts(address) {
				break
			}
		}
		return nearest.String()
	}
}

// readAddress reads an address in the forms of proxies: alone or with a port, in brackets, in
// quotes, with a zone.
func readAddress(text string) (address netip.Addr, known bool) {
	text = strings.TrimSpace(text)
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	if whole, err := netip.ParseAddrPort(text); err == nil {
		address = whole.Addr()
	} else {
		if len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']' {
			text = text[1 : len(text)-1]
		}
		if address, err = netip.ParseAddr(text); err != nil {
			return netip.Addr{}, false
		}
	}
	return address.Unmap().WithZone(""), true
}

// unreadForms logs each form in which a trusted proxy named a client in vain, once. Clients may
// choose the form, so at most mostUnreadForms are logged.
type unreadForms struct {
	log    *slog.Logger
	logged sync.Map
	count  atomic.Int64
}

const mostUnreadForms = 10

func (u *unreadForms) tell(proxy netip.Addr, header, text string) {
	form := formOf(text)
	if u.count.Load() >= mostUnreadForms {
		return
	}
	if _, logged := u.logged.LoadOrStore(header+": "+form, true); logged || u.count.Add(1) > mostUnreadForms {
		return
	}
	u.log.Warn("a trusted proxy names its clients in a form that is not read; they all count as the proxy", "proxy", proxy, "header", header, "form", form)
}

// formOf returns a text with each run of digits as 0 and of letters as a, cut to 40 bytes.
func formOf(text string) string {
	text = runOfLetters.ReplaceAllString(runOfDigits.ReplaceAllString(text[:min(len(text), 200)], "0"), "a")
	return strings.TrimSpace(text[:min(len(text), 40)])
}

var runOfDigits, runOfLetters = regexp.MustCompile(`[0-9]+`), regexp.MustCompile(`[A-Za-z]+`)
