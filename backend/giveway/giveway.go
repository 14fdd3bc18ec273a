// Package giveway lets work that nobody waits for give way to requests, where there is more to do than there are processors.
//
// Go's scheduler asks the network for what has come only when it knows of nothing else to run. Who calls [runtime.Gosched] can be run again at
// once, and so keeps it from asking: on one processor requests wait until that work is done, or for 10 ms. A sleep lets it ask, and takes a
// millisecond where nothing else happens. So whoever gives way here waits for the network as well, as a request does.
package giveway

import (
	"os"
	"runtime"
	"sync"
)

// lane is a pipe to ourselves. Who waits for what is written to it is woken by the scheduler's look at the network.
type lane struct {
	mu             sync.Mutex
	reader, writer *os.File
}

var toRequests lane

// ToRequests returns when the requests that have come by now had their turn: within microseconds where there are none.
func ToRequests() { toRequests.wait() }

func (l *lane) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader == nil {
		reader, writer, err := os.Pipe()
		if err != nil { // no more files may be opened just now; the next best is what the scheduler does by itself
			runtime.Gosched()
			return
		}
		l.reader, l.writer = reader, writer
	}
	go l.writer.Write([]byte{0}) //nolint:errcheck // the reader waits by the same pipe, which nobody closes
	_, _ = l.reader.Read([]byte{0})
	runtime.Gosched() // what was found by the same look goes first
}
