package token

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// saying is what the token of that number says in these tests.
func saying(number uint64) (text string, says Claims) {
	says = Claims{Session: uuid.UUID{0: 1, 15: byte(number)}, Member: uuid.UUID{0: 2, 15: byte(number)}, Generation: number, ExpiresAt: noon.Add(time.Duration(number) * time.Second)}
	return fmt.Sprintf("token %d %s", number, strings.Repeat("x", 400)), says
}

func requireSays(t *testing.T, want, got Claims) {
	t.Helper()
	require.True(t, want.ExpiresAt.Equal(got.ExpiresAt))
	got.ExpiresAt = want.ExpiresAt
	require.Equal(t, want, got)
}

// TestATokenIsRememberedByItsWholeBytes: what is remembered is not verified again, so nothing else may be taken for it.
func TestATokenIsRememberedByItsWholeBytes(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	want, err := d.Verify(text)
	require.NoError(t, err)
	found, known := d.remembered.find(text)
	require.True(t, known, "a token of ours is not too long to be remembered")
	requireSays(t, want, found)
	for i := range len(text) {
		for _, other := range []string{text[:i] + "~" + text[i+1:], text[:i], text[i+1:]} {
			_, known := d.remembered.find(other)
			require.False(t, known, other)
		}
	}
	_, known = d.remembered.find(text + "=")
	require.False(t, known)
}

// TestAFloodPushesNobodyOut: what is forged takes no place from the tokens of the living, and one that comes again and again takes one.
func TestAFloodPushesNobodyOut(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	for i := range text {
		for bit := range 8 {
			_, err := d.Verify(flipped(text, i, bit))
			require.Error(t, err)
		}
	}
	taken := func() (places int32) {
		for _, p := range d.remembered.parts {
			places += p.next
		}
		return places
	}
	require.Zero(t, taken())
	for range 3 {
		_, err := d.Verify(text)
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, taken())
}

// TestTheOldestTokenIsForgotten holds that memory is bounded, and that every place is given away in turn.
func TestTheOldestTokenIsForgotten(t *testing.T) {
	p := newPart()
	hashOf := func(number uint64) uint32 { return uint32(number * partCount / 3) } // so that lists have some three tokens
	for number := range uint64(3 * tokensPerPart) {
		text, says := saying(number)
		p.add(hashOf(number), text, says)
		if number < tokensPerPart {
			continue
		}
		oldest := number - tokensPerPart + 1
		text, says = saying(oldest)
		found, known := p.find(hashOf(oldest), text)
		require.True(t, known)
		requireSays(t, says, found)
		text, _ = saying(oldest - 1)
		_, known = p.find(hashOf(oldest-1), text)
		require.False(t, known, oldest-1)
	}
	require.Len(t, p.chunks, tokensPerPart/tokensPerChunk)
	listed := 0
	for _, place := range p.lists {
		for ; place != 0; place = p.at(place - 1).before {
			listed++
		}
	}
	require.Equal(t, tokensPerPart, listed)
}

// TestATokenTooLongIsNotRemembered: half of one would be any other that begins alike.
func TestATokenTooLongIsNotRemembered(t *testing.T) {
	r := newRemembered()
	longest := strings.Repeat("x", longestRemembered)
	r.add(longest, Claims{})
	r.add(longest+"x", Claims{})
	_, known := r.find(longest)
	require.True(t, known)
	_, known = r.find(longest + "x")
	require.False(t, known)
}

// TestTokensWithOneHashAreAllKnown: nobody's token may be taken for somebody else's, nor push it out.
func TestTokensWithOneHashAreAllKnown(t *testing.T) {
	p := newPart()
	for range 2 { // what is known is not added again
		for number := range uint64(3) {
			text, says := saying(number)
			p.add(7, text, says)
		}
	}
	require.EqualValues(t, 3, p.next)
	for number := range uint64(3) {
		text, says := saying(number)
		found, known := p.find(7, text)
		require.True(t, known)
		requireSays(t, says, found)
	}
	text, _ := saying(3)
	_, known := p.find(7, text)
	require.False(t, known)
}

// TestTokensAreRememberedSideBySide means most under the race detector.
func TestTokensAreRememberedSideBySide(t *testing.T) {
	r := newRemembered()
	const many = 2000
	var work sync.WaitGroup
	for worker := range uint64(4) {
		work.Go(func() {
			for i := range uint64(many) {
				number := i / 2 * (1 + worker%2)
				text, says := saying(number)
				if found, known := r.find(text); known {
					if found.Generation != says.Generation || found.Session != says.Session {
						t.Error("another token's claims")
					}
				}
				r.add(text, says)
			}
		})
	}
	work.Wait()
}

// TestMemoryOfRememberedTokens is taken by the chunk, and is as much as a token's is.
func TestMemoryOfRememberedTokens(t *testing.T) {
	require.EqualValues(t, bytesPerToken, unsafe.Sizeof(rememberedToken{}))
	r := newRemembered()
	require.Zero(t, r.memory())
	r.add("token", Claims{})
	require.Equal(t, tokensPerChunk*bytesPerToken, r.memory())
}
