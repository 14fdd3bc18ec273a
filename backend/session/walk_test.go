package session

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/member"
)

// between is a context that calls do before each slice of a walk.
type between struct {
	context.Context
	do func()
}

func (b between) Err() error {
	b.do()
	return nil
}

// churn replaces sessions of a crowd.
type churn struct {
	roster  *roster
	random  *rand.Rand
	staying map[ID]bool
	going   []ID
	added   int
}

func newChurn(t *testing.T, n int) (*Service, *churn) {
	s, ids := crowd(t, n)
	c := &churn{roster: s.roster.Load(), random: rand.New(rand.NewPCG(1, 2)), staying: map[ID]bool{}}
	for _, id := range ids {
		if c.random.IntN(3) == 0 {
			c.going = append(c.going, id)
		} else {
			c.staying[id] = true
		}
	}
	c.random.Shuffle(len(c.going), func(i, j int) { c.going[i], c.going[j] = c.going[j], c.going[i] })
	return s, c
}

// step drops some sessions, at any places, and adds others.
func (c *churn) step() {
	for range min(500, len(c.going)) {
		c.roster.drop(c.going[0])
		c.going = c.going[1:]
		if c.added++; c.added%3 != 0 {
			id := ID{2, byte(c.added >> 8), 15: byte(c.added)}
			c.roster.add(Record{Member: member.Member{ID: member.ID{1}, Active: true, Generation: 1}, Session: Session{
				ID: id, Generation: 1, MemberGeneration: 1, AuthenticatedAt: noon, ProvedAt: noon, StartedAt: noon, LastSeenAt: noon,
			}})
		}
	}
}

// TestAWalkSeesWhatStaysOnce in either direction, while sessions come and go between its slices.
func TestAWalkSeesWhatStaysOnce(t *testing.T) {
	for _, newestFirst := range []bool{false, true} {
		_, c := newChurn(t, 6*slice+100)
		seen := map[ID]int{}
		err := c.roster.walk(between{t.Context(), c.step}, newestFirst, func(e *row) {
			if e.startedAt.Load() != over {
				seen[e.id]++
			}
		})
		require.NoError(t, err)
		require.Greater(t, c.added, 2000)
		for id := range c.staying {
			require.Equal(t, 1, seen[id])
			delete(seen, id)
		}
		for _, times := range seen {
			require.Equal(t, 1, times)
		}
		require.NotEmpty(t, seen)
	}
}

// TestWhatIsCountedInSlicesIsThere holds lists, figures and previews to the sessions before and
// after, while some come and go between slices.
func TestWhatIsCountedInSlicesIsThere(t *testing.T) {
	s, c := newChurn(t, 6*slice+100)
	org, now := s.organization.Load(), noon.Add(time.Hour)
	s.now = func() time.Time { return now }
	between := between{t.Context(), c.step}
	holds := func(sessions int) {
		require.GreaterOrEqual(t, sessions, len(c.staying)+len(c.going))
		require.LessOrEqual(t, sessions, 6*slice+100+c.added)
	}
	_, _, total, err := c.roster.query(between, Query{Limit: 10}, org, now)
	require.NoError(t, err)
	holds(total)
	figures, err := c.roster.figures(between, org, now, now)
	require.NoError(t, err)
	holds(figures.Live.Sessions)

	who, known := c.roster.find(c.going[len(c.going)-1], org)
	require.True(t, known)
	preview, err := s.Preview(between, who, Policy{Length: Length{30, Minutes}})
	require.NoError(t, err)
	holds(preview.Live.Sessions)
	require.Equal(t, preview.Live, preview.AtOnce)
	require.Equal(t, preview.Live.Sessions, preview.Remaining[0].Before)
	require.Zero(t, preview.Remaining[0].After)
}

// TestASearchFollowsReusedAgents: another agent may get the place of one that was searched.
func TestASearchFollowsReusedAgents(t *testing.T) {
	s, ids := crowd(t, 2*slice)
	r, org := s.roster.Load(), s.organization.Load()
	add := func(id ID, userAgent string) {
		r.add(Record{Member: people()[0], Session: Session{
			ID: id, Generation: 1, MemberGeneration: 1, AuthenticatedAt: noon, StartedAt: noon, Client: Client{UserAgent: userAgent},
		}})
	}
	r.drop(ids[0])
	add(ID{3}, "Links (2.29)") // at the first place
	slices := 0
	_, _, total, err := r.query(between{t.Context(), func() {
		if slices++; slices == 2 {
			r.drop(ID{3}, ids[2*slice-1])
			add(ID{4}, "Lynx/2.9") // at the last place, with the agent's place
		}
	}}, Query{Order: ByMember, Limit: 10, Text: "links"}, org, noon)
	require.NoError(t, err)
	require.Equal(t, 1, total)
}

// TestCountsWaitForNoLock, so that *Revoke all* waits for its commit alone.
func TestCountsWaitForNoLock(t *testing.T) {
	s, ids := crowd(t, 40)
	r := s.roster.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.shards {
		r.shards[i].mu.Lock()
		defer r.shards[i].mu.Unlock()
	}
	sessions, members := r.count()
	require.Equal(t, []int{len(ids), 2}, []int{sessions, members})
}
