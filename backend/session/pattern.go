package session

import (
	"bytes"
	"net/netip"
	"strings"

	"curfew/backend/fold"
)

// pattern is the words of a search. Each member and each agent is searched once, at the first of
// their sessions.
type pattern struct {
	words     []string
	addresses []func(netip.Addr) bool // by word, or nil for one that is no part of an address
	members   []uint64                // by place: a bit for each word found, and searched
	agents    []agentWords            // by place
}

// agentWords remembers the agent because another one may get its place during a walk.
type agentWords struct {
	agent *agent
	found uint64
}

// searched is the bit of what was searched already. The others are those of words.
const searched = 1 << 63

// newPattern takes the first 63 words.
func newPattern(text string) *pattern {
	words := fold.Words(text)
	p := &pattern{words: words[:min(len(words), 63)]}
	for _, word := range p.words {
		p.addresses = append(p.addresses, addressPattern(word))
	}
	return p
}

// matches reports whether each word is found in the session's member, agent or address.
func (p *pattern) matches(r *roster, e *row) bool {
	if len(p.words) == 0 {
		return true
	}
	found := p.inMember(r, e) | p.inAgent(r, e)
	for n, matches := range p.addresses {
		if bit := uint64(1) << n; found&bit == 0 && (matches == nil || !matches(netip.AddrFrom16(e.address).Unmap())) {
			return false
		}
	}
	return true
}

func (p *pattern) inMember(r *roster, e *row) uint64 {
	p.members = reach(p.members, e.member)
	if p.members[e.member] == 0 {
		p.members[e.member] = searched | p.in(r.textOf(e.member, searchTextField))
	}
	return p.members[e.member]
}

func (p *pattern) inAgent(r *roster, e *row) uint64 {
	p.agents = reach(p.agents, e.agent)
	if shared := r.agentOf(e); p.agents[e.agent].agent != shared {
		p.agents[e.agent] = agentWords{shared, p.in(shared.words)}
	}
	return p.agents[e.agent].found
}

func (p *pattern) in(text string) (found uint64) {
	for n, word := range p.words {
		if strings.Contains(text, word) {
			found |= 1 << n
		}
	}
	return found
}

// addressPattern returns how a word is compared with an address: as a network, an address or a part
// of one.
func addressPattern(word string) func(netip.Addr) bool {
	if network, err := netip.ParsePrefix(word); err == nil {
		return network.Masked().Contains
	}
	if address, err := netip.ParseAddr(word); err == nil {
		return func(other netip.Addr) bool { return other == address.Unmap() }
	}
	if !strings.ContainsAny(word, ".:") || strings.Trim(word, "0123456789abcdef.:") != "" {
		return nil
	}
	part, text := []byte(word), make([]byte, 0, 64)
	return func(other netip.Addr) bool {
		text = other.AppendTo(text[:0])
		return bytes.Contains(text, part)
	}
}
