package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"
)

// addressOf finds the client's address: the peer's own, or what a trusted proxy says it is in
// X-Forwarded-For. Headers from anybody else are not read. Where a trusted proxy says it in a way
// that cannot be read, the nearest proxy's address counts, which all clients then share in the
// throttle; so that is logged, once for each form. Forwarded (RFC 7239) is not read, because a
// proxy that does not know it passes on what a client made up.
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

// readAddress reads an address as proxies write it: alone or with a port, in brackets, in quotes,
// with a zone.
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

// unreadForms tells of each form in which a trusted proxy named a client in vain, once. Clients may
// have a hand in them, so there is an end to how many are told.
type unreadForms struct {
	log   *slog.Logger
	told  sync.Map // forms
	count atomic.Int64
}

const mostUnreadForms = 10

func (u *unreadForms) tell(proxy netip.Addr, header, text string) {
	if u.count.Load() >= mostUnreadForms {
		return
	}
	if _, told := u.told.LoadOrStore(header+": "+formOf(text), true); told || u.count.Add(1) > mostUnreadForms {
		return
	}
	u.log.Warn("a trusted proxy names its clients in a form that is not read; they all count as the proxy", "proxy", proxy, "header", header, "form", formOf(text))
}

// formOf is a short text with each run of letters, and of digits, as one of them.
func formOf(text string) string {
	var form []byte
	for i := 0; i < len(text) && len(form) < 40; i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c = '0'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			c = 'a'
		}
		if (c == '0' || c == 'a') && len(form) > 0 && form[len(form)-1] == c {
			continue
		}
		form = append(form, c)
	}
	return strings.TrimSpace(string(form))
}
