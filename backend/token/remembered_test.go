package token

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// numbered returns a token of these tests and its claims.
func numbered(number uint64) (text string, claims Claims) {
	claims = Claims{Session: uuid.UUID{0: 1, 15: byte(number)}, Member: uuid.UUID{0: 2, 15: byte(number)}, Generation: number, ExpiresAt: noon.Add(time.Duration(number) * time.Second)}
	return fmt.Sprintf("token %s %016d", strings.Repeat("x", 400), number), claims
}

func (r *remembered) count() (tokens int) { return r.memory() / bytesPerToken }

// TestATokenIsRememberedByItsWholeBytes: a remembered token is not verified again, so no other text
// may pass for it.
func TestATokenIsRememberedByItsWholeBytes(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	want, err := d.Verify(text)
	require.NoError(t, err)
	found, known := d.remembered.find(text)
	require.True(t, known)
	require.Equal(t, want, found)
	for i := range len(text) {
		for _, other := range []string{text[:i] + "~" + text[i+1:], text[:i], text[i+1:]} {
			_, known := d.remembered.find(other)
			require.False(t, known, other)
		}
	}
	_, known = d.remembered.find(text + "=")
	require.False(t, known)
}

// TestForgedTokensAreNotRemembered: they push out no token of a member. A valid token takes one
// place however often it comes.
func TestForgedTokensAreNotRemembered(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	for i := range text {
		for bit := range 8 {
			_, err := d.Verify(flipped(text, i, bit))
			require.Error(t, err)
		}
	}
	require.Zero(t, d.remembered.count())
	for range 3 {
		_, err := d.Verify(text)
		require.NoError(t, err)
	}
	require.Equal(t, 1, d.remembered.count())
}

// TestRememberedTokensAreBounded: a shard holds two generations, and drops the older one.
func TestRememberedTokensAreBounded(t *testing.T) {
	r := newRemembered()
	const many = 2 * rememberedTokens
	for number := range uint64(many) {
		text, claims := numbered(number)
		r.add(text, claims, noon)
		found, known := r.find(text)
		require.True(t, known)
		require.Equal(t, claims, found)
	}
	require.LessOrEqual(t, r.count(), rememberedTokens)
	require.Greater(t, r.count(), rememberedTokens/2)
	first, _ := numbered(0)
	_, known := r.find(first)
	require.False(t, known, "the oldest is forgotten")
}

// TestRememberedTokensAreForgottenInTime: they outlive the longest lifetime by one more at most,
// where new ones come.
func TestRememberedTokensAreForgottenInTime(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	_, err := d.Verify(text)
	require.NoError(t, err)
	for number := range uint64(10_000) {
		other, claims := numbered(number)
		d.remembered.add(other, claims, noon.Add(time.Duration(number/2_000)*LongestLifetime))
	}
	_, known := d.remembered.find(text)
	require.False(t, known)
	require.InDelta(t, 4_000, d.remembered.count(), 1_000)
}

// TestTokensAreRememberedConcurrently is for the race detector.
func TestTokensAreRememberedConcurrently(t *testing.T) {
	r := newRemembered()
	const many = 2000
	var work sync.WaitGroup
	for worker := range uint64(4) {
		work.Go(func() {
			for i := range uint64(many) {
				number := i / 2 * (1 + worker%2)
				text, claims := numbered(number)
				if found, known := r.find(text); known && found != claims {
					t.Error("another token's claims")
				}
				r.add(text, claims, noon)
			}
		})
	}
	work.Wait()
}
