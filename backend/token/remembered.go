package token

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// remembered holds verified tokens and their claims, by the tokens' whole bytes, so that each
// signature is verified once. It says nothing about whether a session is alive.
type remembered struct {
	seed   maphash.Seed
	shards *[shardCount]shard
}

// shard holds two generations of tokens. A new one begins when the newest is full or has lasted
// [LongestLifetime], and the older one is dropped.
type shard struct {
	// mu guards the tokens. No other lock is held when it is taken, and none is taken under it.
	mu            sync.RWMutex
	newest, older map[string]Claims
	newestEnds    time.Time
	_             [64]byte // keeps the locks of two shards off one cache line
}

// rememberedTokens bounds the memory for them, to some 120 MB.
const (
	rememberedTokens = 200_704
	shardCount       = 16
	perGeneration    = rememberedTokens / shardCount / 2
	bytesPerToken    = 448 // of text
)

func newRemembered() remembered { return remembered{maphash.MakeSeed(), new([shardCount]shard)} }

// shard returns the shard of a token. The end of its signature is as good as random.
func (r *remembered) shard(text string) *shard {
	return &r.shards[maphash.String(r.seed, text[max(0, len(text)-16):])%shardCount]
}

func (r *remembered) find(text string) (claims Claims, known bool) {
	s := r.shard(text)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if claims, known = s.newest[text]; !known {
		claims, known = s.older[text]
	}
	return claims, known
}

func (r *remembered) add(text string, claims Claims, now time.Time) {
	s := r.shard(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.newest) == perGeneration || !now.Before(s.newestEnds) {
		s.newest, s.older, s.newestEnds = map[string]Claims{}, s.newest, now.Add(LongestLifetime)
	}
	s.newest[strings.Clone(text)] = claims // the text is a part of the request's headers
}

// memory returns about how many bytes the texts of the tokens take.
func (r *remembered) memory() (bytes int) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		bytes += (len(s.newest) + len(s.older)) * bytesPerToken
		s.mu.RUnlock()
	}
	return bytes
}
