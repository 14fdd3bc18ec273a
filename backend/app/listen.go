package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Listen takes the address to serve on.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopbackByNumber(a.config.Listen))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; %s", a.config.Listen, errors.Unwrap(err), wayOut(err))
	}
	return listener, nil
}

// loopbackByNumber is the address with localhost spelled out, which is this machine whatever anybody says (RFC 6761, 6.3). Small images have
// no /etc/hosts that says so, and Go would ask the network.
func loopbackByNumber(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !strings.EqualFold(host, "localhost") {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// wayOut is what to do when an address cannot be had.
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
