// Package live wakes listeners when something that they show has changed.
//
// A hub carries no data. A listener that is woken re-reads what it shows, with its own rights at
// that moment. A listener that never reads costs one flag.
package live

import (
	"errors"
	"sync"
)

// ErrTooMany is returned if a topic has reached its limit of listeners.
var ErrTooMany = errors.New("too many listeners")

// Hub holds the listeners of each topic. It is safe for concurrent use.
type Hub struct {
	// limits is the limit of listeners for the first topic of each, the second and so on.
	limits []int

	// mu guards the fields below it. No other lock is held when it is taken.
	mu     sync.Mutex
	topics map[string]map[*Listener]struct{}
	closed bool
}

// NewHub returns a hub with a limit of listeners for the first topic of each, the second and so on.
// Further topics have no limit.
func NewHub(limits ...int) *Hub {
	return &Hub{limits: limits, topics: map[string]map[*Listener]struct{}{}}
}

// Listener listens to topics until it is closed.
type Listener struct {
	// Woken receives once after one or more calls of [Hub.Wake]. It is closed with the hub.
	Woken <-chan struct{}

	hub    *Hub
	topics []string
	woken  chan struct{}
}

// Listen returns a listener of the topics. It returns ErrTooMany if one of the first topics has
// reached its limit.
func (h *Hub) Listen(topics ...string) (*Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, limit := range h.limits {
		if len(h.topics[topics[i]]) >= limit {
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

// Close removes the listener.
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

// Wake wakes the listeners of the topics.
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
			default: // it is already woken
			}
		}
	}
}

// Count returns the number of listeners of a topic.
func (h *Hub) Count(topic string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics[topic])
}

// Close ends all listeners, and those that come later: the server is about to stop.
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
