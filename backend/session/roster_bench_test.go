package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// spread is a crowd whose sessions started at different times.
func spread(b *testing.B, n int) (*Service, Principal) {
	s, ids := crowd(b, n)
	r, org := s.roster.Load(), s.organization.Load()
	for place := range int32(n) {
		age := rand.Int64N(org.Policy.Length.Duration().Milliseconds() * 9 / 10)
		r.rows.At(place).startedAt.Add(-age)
	}
	who, known := r.find(ids[0], org)
	require.True(b, known)
	return s, who
}

func preview(b *testing.B, s *Service, who Principal) {
	p, err := s.Preview(b.Context(), who, Policy{Length: Length{6, Days}})
	require.NoError(b, err)
	require.Positive(b, p.AtOnce.Sessions)
}

// BenchmarkPreview is how long a preview takes, without 10,000,000 sessions if -short is set.
func BenchmarkPreview(b *testing.B) {
	sizes := []int{100_000, 1_000_000, 10_000_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint("sessions=", n), func(b *testing.B) {
			s, who := spread(b, n)
			for b.Loop() {
				preview(b, s, who)
			}
		})
	}
}

// BenchmarkSignInBesidePreview prints how long memory takes to add a session and to drop it, while
// one preview follows the other.
func BenchmarkSignInBesidePreview(b *testing.B) {
	s, who := spread(b, 1_000_000)
	r := s.roster.Load()
	var done atomic.Bool
	var previews sync.WaitGroup
	previews.Go(func() {
		for !done.Load() {
			preview(b, s, who)
		}
	})
	var took []time.Duration
	for b.Loop() {
		time.Sleep(time.Millisecond)
		began := time.Now()
		r.add(Record{Member: who.Member, Session: Session{ID: ID{9}, Generation: 1, MemberGeneration: 1, StartedAt: noon}})
		r.drop(ID{9})
		took = append(took, time.Since(began))
	}
	done.Store(true)
	previews.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "µs/longest")
	b.ReportMetric(0, "ns/op")
}
