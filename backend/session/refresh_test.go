package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRefreshTokenText(t *testing.T) {
	key := refreshKey{1}
	id := NewID()
	first := key.first(id)
	text := key.issue(first)

	read, err := key.read(text)
	require.NoError(t, err)
	require.Equal(t, first, read)

	tried := 0
	refused := func(text, why string) {
		tried++
		_, err := key.read(text)
		require.ErrorIs(t, err, ErrRefreshTokenInvalid, why)
	}
	for i := range text {
		refused(text[:i], "a prefix")
		changed := []byte(text)
		changed[i] = "BA"[b2i(changed[i] == 'B')]
		refused(string(changed), "a changed character")
		refused(text[:i]+"\n"+text[i+1:], "a line break")
	}
	refused(text+"A", "an extension")
	refused(text+"=", "padding")
	refused((refreshKey{2}).issue(first), "another deployment's")
	require.Equal(t, 3*len(text)+3, tried)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestASuccessorIsAlwaysTheSame(t *testing.T) {
	key, other := refreshKey{1}, refreshKey{2}
	id := NewID()
	first := key.first(id)
	require.Equal(t, key.successor(first), key.successor(first))
	require.NotEqual(t, key.successor(first).secret, other.successor(first).secret, "the key matters")
	require.NotEqual(t, first.secret, key.successor(first).secret)
	require.Equal(t, first.counter+1, key.successor(first).counter)
	require.NotEqual(t, key.first(id).secret, first.secret, "the first secret is random")
	require.Equal(t, key.successor(first).hash(), key.presentation(first).NextHash)
}
