package session

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTheIndexFindsWhatAMapWouldFind holds it against a map, with ids that nearly all want the same slots.
func TestTheIndexFindsWhatAMapWouldFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			rows  table[row]
			x     index
			model = map[ID]int32{}
			near  = rapid.Bool().Draw(t, "near")
		)
		ids := make([]ID, 60)
		for i := range ids {
			ids[i] = ID{7: byte(i)}
			if near && i > 0 {
				ids[i] = nextAtTheEnd(ids[i-1])
			}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "id")
			place, known := model[id]
			found, has := x.find(id, &rows)
			require.Equal(t, known, has)
			switch rapid.SampledFrom([]string{"add", "add", "remove", "move"}).Draw(t, "step") {
			case "add":
				if !known {
					model[id] = rows.grow()
					rows.at(model[id]).id = id
					x.add(id, model[id])
				}
			case "remove":
				if known {
					x.remove(id, &rows)
					delete(model, id)
				}
			case "move":
				if known {
					require.Equal(t, place, found)
					to := rows.grow()
					rows.at(to).id = id
					x.move(id, to, &rows)
					model[id] = to
				}
			}
			require.Equal(t, len(model), x.used)
			for id, place := range model {
				found, known := x.find(id, &rows)
				require.True(t, known)
				require.Equal(t, place, found)
			}
		}
	})
}

// nextAtTheEnd is the next id whose home is in the last quarter of the slots, however many there are.
func nextAtTheEnd(id ID) ID {
	for {
		binary.BigEndian.PutUint64(id[:8], binary.BigEndian.Uint64(id[:8])+1)
		if hash(id)>>62 == 3 {
			return id
		}
	}
}

// BenchmarkIndexDoubles is how long checks of the sessions of one index wait while it doubles, where so many are live in all of them.
func BenchmarkIndexDoubles(b *testing.B) {
	for _, live := range []int{1_000, 100_000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(live)+" live", func(b *testing.B) {
			var full index
			for place := range live / len(newRoster().shards) {
				full.add(ID(uuid.New()), int32(place))
			}
			for b.Loop() {
				x := full
				x.grow()
			}
		})
	}
}
