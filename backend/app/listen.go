package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Listen opens the configured address.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopbackByNumber(a.config.Listen))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; %s", a.config.Listen, errors.Unwrap(err), wayOut(err))
	}
	return listener, nil
}

// loopbackByNumber replaces localhost by its number (RFC 6761, 6.3). Small images have no
// /etc/hosts, and Go would ask the network for the name.
func loopbackByNumber(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !strings.EqualFold(host, "localhost") {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// wayOut says what to do if the address cannot be opened.
func wayOut(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "stop what uses that port, or name another with --listen"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 are not for everybody: name another with --listen, and put a proxy before it"
	default:
		return "name an address of this machine with --listen"
	}
}
