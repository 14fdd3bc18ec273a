package app

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLocalhostIsLookedUpNowhere checks the address, because a test has no image without
// /etc/hosts.
func TestLocalhostIsLookedUpNowhere(t *testing.T) {
	for address, numbered := range map[string]string{
		"localhost:8080":           "127.0.0.1:8080",
		"LocalHost:0":              "127.0.0.1:0",
		":8080":                    ":8080",
		"[::1]:8080":               "[::1]:8080",
		"curfew.example.org:8080":  "curfew.example.org:8080",
		"localhost.example.org:80": "localhost.example.org:80",
	} {
		require.Equal(t, numbered, loopbackByNumber(address))
	}
}

// TestAPortThatIsNotForEverybody makes the error, because tests may run as root.
func TestAPortThatIsNotForEverybody(t *testing.T) {
	refused := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	require.Contains(t, wayOut(refused), "put a proxy before it")
}
