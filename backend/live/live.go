// Package live is who is listening, and how they are woken.
//
// A hub carries no news. Whoever is woken looks for themselves what has changed, so that nothing is told that was not checked at that
// moment, and a listener who never reads costs one flag.
package live

import (
	"errors"
	"sync"
)

// ErrTooMany is returned where a topic has as many listeners as it may have.
var ErrTooMany = errors.New("too many listeners")

// Hub knows who is listening to what. It is safe for concurrent use.
type Hub struct {
	// most is how many may listen to the same first topic, second topic and so on.
	most []int

	// mu guards the fields below it. It is taken in a goroutine that holds no other lock, or by a
	// listener.
	mu     sync.Mutex
	topics map[string]map[*Listener]struct{}
	closed bool
}

// NewHub returns a hub with a limit of listeners for the first topic of each, the second and so on.
// The topics after those have none.
func NewHub(most ...int) *Hub {
	return &Hub{most: most, topics: map[string]map[*Listener]struct{}{}}
}

// Listener is one who listens, until it is closed.
type Listener struct {
	// Woken receives once after one or many wakings; it is closed with the hub.
	Woken <-chan struct{}

	hub    *Hub
	topics []string
	woken  chan struct{}
}

// Listen returns a listener that is woken with any of the topics. It returns ErrTooMany where one
// of the first topics has its limit of listeners.
func (h *Hub) Listen(topics ...string) (*Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, most := range h.most {
		if len(h.topics[topics[i]]) >= most {
			return nil, ErrTooMany
		}
	}
	woken := make(chan struct{}, 1)
	l := &Listener{Woken: woken, hub: h, topics: topics, woken: woken}
	if h.closed {
		close(woken)
		return l, nil
	}
	for _, topic := range l.topics {
		if h.topics[topic] == nil {
			h.topics[topic] = map[*Listener]struct{}{}
		}
		h.topics[topic][l] = struct{}{}
	}
	return l, nil
}

// Close ends the listening.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	for _, topic := range l.topics {
		delete(l.hub.topics[topic], l)
		if len(l.hub.topics[topic]) == 0 {
			delete(l.hub.topics, topic)
		}
	}
}

// Wake wakes those who listen to any of the topics.
func (h *Hub) Wake(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	for _, topic := range topics {
		for l := range h.topics[topic] {
			select {
			case l.woken <- struct{}{}:
			default: // it has not looked since the last time, and will
			}
		}
	}
}

// Count is how many listen to a topic.
func (h *Hub) Count(topic string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics[topic])
}

// Close ends all listening, now and later: the server is about to stop.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	ended := map[*Listener]struct{}{}
	for _, listeners := range h.topics {
		for l := range listeners {
			if _, again := ended[l]; !again {
				ended[l] = struct{}{}
				close(l.woken)
			}
		}
	}
	h.topics = map[string]map[*Listener]struct{}{}
}
