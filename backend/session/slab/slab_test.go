package slab

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const golden = 0x9e3779b97f4a7c15

// rowsOf is a table of keys and an index on it.
func rowsOf() (*Table[uint64], *Index[uint64]) {
	var rows Table[uint64]
	return &rows, &Index[uint64]{Keys: &Keys[uint64]{
		Hash: func(key uint64) uint64 { return key * golden },
		Has:  func(place int32, key uint64) bool { return *rows.At(place) == key },
	}}
}

// TestTheIndexFindsWhatAMapFinds, also if nearly all keys collide.
func TestTheIndexFindsWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, x := rowsOf()
		model := map[uint64]int32{}
		near := rapid.Bool().Draw(t, "near")
		keys := make([]uint64, 60)
		for i := range keys {
			keys[i] = uint64(i)
			if near && i > 0 {
				keys[i] = nextAtTheEnd(keys[i-1])
			}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			place, known := model[key]
			found, ok := x.Find(key)
			require.Equal(t, known, ok)
			if known {
				require.Equal(t, place, found)
				x.Remove(key)
				rows.Release(place)
				delete(model, key)
			} else {
				model[key] = rows.Take()
				*rows.At(model[key]) = key
				x.Add(key, model[key])
			}
			require.Equal(t, len(model), x.used)
			for key, place := range model {
				found, known := x.Find(key)
				require.True(t, known)
				require.Equal(t, place, found)
			}
		}
		require.LessOrEqual(t, int(rows.Len()), len(keys))
	})
}

// nextAtTheEnd is the next key whose home is in the last quarter of the slots, however many there
// are.
func nextAtTheEnd(key uint64) uint64 {
	for {
		if key++; key*golden>>62 == 3 {
			return key
		}
	}
}

// TestRowsStayWhereTheyAre while the table grows and places are used again.
func TestRowsStayWhereTheyAre(t *testing.T) {
	var table Table[int]
	at := map[int32]*int{}
	for n := range 3 * ChunkSize {
		place := table.Take()
		*table.At(place), at[place] = n, table.At(place)
		if n%3 == 0 {
			table.Release(place)
			require.Equal(t, place, table.Take(), "a released place is used again")
		}
	}
	require.Len(t, at, 3*ChunkSize)
	require.EqualValues(t, 3*ChunkSize, table.Len())
	for place, row := range at {
		require.Same(t, row, table.At(place))
		require.EqualValues(t, place, *row)
	}
}

func TestAnArenaKeepsTexts(t *testing.T) {
	var arena Arena
	var kept, want []string
	for n := range 5000 {
		text := []byte(strings.Repeat(strconv.Itoa(n), n%40))
		want = append(want, string(text))
		kept = append(kept, arena.Keep(string(text)))
		clear(text)
	}
	long := strings.Repeat("x", arenaChunk+1)
	kept, want = append(kept, arena.Keep(long)), append(want, long)
	require.Equal(t, want, kept)
}

// BenchmarkIndexDoubles is how long checks of the sessions of one index wait while it doubles, by
// the number of sessions in all 64 of them.
func BenchmarkIndexDoubles(b *testing.B) {
	for _, live := range []int{1_000, 100_000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(live)+" live", func(b *testing.B) {
			_, full := rowsOf()
			full.Keys.Has = func(int32, uint64) bool { return false }
			for place := range live / 64 {
				full.Add(rand.Uint64(), int32(place))
			}
			for b.Loop() {
				x := *full
				x.grow()
			}
		})
	}
}
