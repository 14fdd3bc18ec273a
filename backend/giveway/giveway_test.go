package giveway

import (
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestARequestThatHasComeHasItsTurn on the only processor, while somebody works who does nothing but give way. It is the second turn, but for
// a few requests that the system takes longer to hand over. With runtime.Gosched each waits until 10 ms are over, some 100,000 turns later.
func TestARequestThatHasComeHasItsTurn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	server, err := listener.Accept()
	require.NoError(t, err)

	var served atomic.Int32
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for request := make([]byte, 1); ; served.Add(1) {
			if _, err := server.Read(request); err != nil {
				return
			}
		}
	}()
	connection, err := client.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	atOnce := 0
	for sent := range int32(100) {
		ToRequests() // the server waits for the next one
		var fault error
		require.NoError(t, connection.Control(func(fd uintptr) { _, fault = syscall.Write(int(fd), []byte{1}) })) // which no goroutine but this one has to run for
		require.NoError(t, fault)
		turns := 0
		for ; served.Load() == sent && turns < 5000; turns++ {
			ToRequests()
		}
		require.Equal(t, sent+1, served.Load())
		if turns <= 10 {
			atOnce++
		}
	}
	require.Greater(t, atOnce, 50)
	require.NoError(t, client.Close())
	<-gone
	require.NoError(t, server.Close())
}

// TestManyGiveWayAtOnce, and each of them goes on.
func TestManyGiveWayAtOnce(*testing.T) {
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 1000 {
				ToRequests()
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
}
