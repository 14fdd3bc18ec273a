package token

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/google/uuid"
)

// remembered is the tokens whose signature was found right, by their whole bytes, and what they say. All tokens live equally long, so the one
// that came first is the first to be of no use, and is forgotten when room is needed. What is large in it has no pointers for the garbage
// collector to look for: a hundred thousand tokens cost it nothing.
type remembered struct {
	seed  maphash.Seed
	parts [partCount]*part
}

// part is the tokens whose hashes end alike.
type part struct {
	mu sync.RWMutex
	// lists are of tokens that share more of their hashes: where the last one that came is, plus one; 0 is none. Each says where the one before
	// it is. They stand apart from what has pointers.
	lists  *[listsPerPart]int32
	chunks []*[tokensPerChunk]rememberedToken
	// next is where the next token goes: behind the others, and once all places are taken, in that of the one that came first.
	next int32
	full bool
}

type rememberedToken struct {
	before          int32
	hash            uint32 // the half that part and list are chosen by
	session, member uuid.UUID
	generation      uint64
	expiresAt       int64 // in seconds, as in the token
	length          uint16
	text            [longestRemembered]byte
}

const (
	// rememberedTokens bounds the memory for them: half a kilobyte each, 100 MB when full.
	rememberedTokens = 200_704
	partCount        = 16 // each with a lock of its own
	tokensPerPart    = rememberedTokens / partCount
	listsPerPart     = 16_384
	tokensPerChunk   = 896
	bytesPerToken    = 512
	// longestRemembered is how long a token of ours is before its generation has eleven digits; a longer one is verified each time. It makes a
	// remembered one half a kilobyte, so that a chunk of them fills whole pages of Go's memory. There are few chunks, since after each garbage
	// collection requests wait until the runtime has gone through all there are.
	longestRemembered = 454
)

func newRemembered() *remembered {
	r := &remembered{seed: maphash.MakeSeed()}
	for i := range r.parts {
		r.parts[i] = newPart()
	}
	return r
}

func newPart() *part { return &part{lists: new([listsPerPart]int32)} }

// find tells what a token says that is remembered.
func (r *remembered) find(text string) (says Claims, known bool) {
	hash := uint32(maphash.String(r.seed, text))
	return r.parts[hash%partCount].find(hash, text)
}

// add remembers a token.
func (r *remembered) add(text string, says Claims) {
	hash := uint32(maphash.String(r.seed, text))
	r.parts[hash%partCount].add(hash, text, says)
}

// memory is how many bytes the tokens take.
func (r *remembered) memory() int {
	tokens := 0
	for _, p := range r.parts {
		p.mu.RLock()
		tokens += len(p.chunks) * tokensPerChunk
		p.mu.RUnlock()
	}
	return tokens * bytesPerToken
}

func (p *part) find(hash uint32, text string) (says Claims, known bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.token(hash, text)
	if t == nil {
		return Claims{}, false
	}
	return Claims{Session: t.session, Member: t.member, Generation: t.generation, ExpiresAt: time.Unix(t.expiresAt, 0)}, true
}

// token is nil where there is no such token.
func (p *part) token(hash uint32, text string) *rememberedToken {
	for place := *p.list(hash); place != 0; {
		t := p.at(place - 1)
		if t.hash == hash && string(t.text[:t.length]) == text {
			return t
		}
		place = t.before
	}
	return nil
}

func (p *part) list(hash uint32) *int32 { return &p.lists[hash/partCount%listsPerPart] }

func (p *part) at(place int32) *rememberedToken {
	return &p.chunks[place/tokensPerChunk][place%tokensPerChunk]
}

func (p *part) add(hash uint32, text string, says Claims) {
	if len(text) > longestRemembered {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token(hash, text) != nil {
		return // somebody was quicker
	}
	place, list := p.room(), p.list(hash)
	t := p.at(place)
	t.hash, t.session, t.member, t.generation, t.expiresAt = hash, says.Session, says.Member, says.Generation, says.ExpiresAt.Unix()
	t.length = uint16(copy(t.text[:], text))
	t.before, *list = *list, place+1
}

// room gives the place for one more.
func (p *part) room() int32 {
	place := p.next
	if p.full {
		p.forget(place)
	} else if place%tokensPerChunk == 0 {
		p.chunks = append(p.chunks, new([tokensPerChunk]rememberedToken))
	}
	if p.next++; p.next == tokensPerPart {
		p.next, p.full = 0, true
	}
	return place
}

// forget takes a token out of its list.
func (p *part) forget(place int32) {
	gone := p.at(place)
	link := p.list(gone.hash)
	for *link != place+1 {
		link = &p.at(*link - 1).before
	}
	*link = gone.before
}
