// Package loopback finds places on this machine for the servers that are measured.
package loopback

import (
	"context"
	"net"
)

// FreeAddress is an address of this machine that nobody listens on at the moment.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
