package session

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// machine is a machine's two clocks.
type machine struct {
	wall    time.Time
	elapsed time.Duration
}

func (m *machine) clock(floor time.Time) *Clock {
	return NewClock(func() time.Time { return m.wall }, func() time.Duration { return m.elapsed }, floor)
}

func (m *machine) pass(d time.Duration) { m.wall, m.elapsed = m.wall.Add(d), m.elapsed+d }

// TestClock holds rule R7: no step of the wall clock backwards lengthens a session.
func TestClock(t *testing.T) {
	t.Run("follows the machine", func(t *testing.T) {
		m := &machine{wall: noon}
		c := m.clock(time.Time{})
		require.Equal(t, noon, c.Now())
		m.pass(90 * time.Second)
		require.Equal(t, noon.Add(90*time.Second), c.Now())
	})
	t.Run("goes on while the wall clock steps back", func(t *testing.T) {
		m := &machine{wall: noon}
		c := m.clock(time.Time{})
		c.Now()
		m.wall = m.wall.Add(-time.Hour)
		m.pass(time.Minute)
		require.Equal(t, noon.Add(time.Minute), c.Now())
	})
	t.Run("follows the wall clock forward, as after the machine slept", func(t *testing.T) {
		m := &machine{wall: noon}
		c := m.clock(time.Time{})
		c.Now()
		m.wall = m.wall.Add(8 * time.Hour)
		require.Equal(t, noon.Add(8*time.Hour), c.Now())
		m.wall = m.wall.Add(-8 * time.Hour)
		m.pass(time.Second)
		require.Equal(t, noon.Add(8*time.Hour+time.Second), c.Now(), "and not back again")
	})
	t.Run("starts at the newest time on record", func(t *testing.T) {
		m := &machine{wall: noon.Add(-24 * time.Hour), elapsed: time.Minute}
		c := m.clock(noon)
		require.Equal(t, noon, c.Now())
		m.pass(time.Minute)
		require.Equal(t, noon.Add(time.Minute), c.Now())
	})
	t.Run("tells whole milliseconds, in UTC", func(t *testing.T) {
		m := &machine{wall: noon.Add(1_999_999).In(time.FixedZone("there", 3600))}
		require.Equal(t, noon.Add(time.Millisecond), m.clock(time.Time{}).Now())
	})
}

func TestClockNeverGoesBackAmongManyReaders(t *testing.T) {
	c := SystemClock(time.Now, time.Time{})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			last := c.Now()
			for range 20_000 {
				now := c.Now()
				if now.Before(last) {
					t.Errorf("%s after %s", now, last)
					return
				}
				last = now
			}
		})
	}
	wait.Wait()
}
