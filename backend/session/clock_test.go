package session

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// machine is the two clocks of a computer.
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

// TestSleepIsElapsedTime, if the computer sleeps after its wall clock was set back, or wakes with
// one that is behind.
func TestSleepIsElapsedTime(t *testing.T) {
	var wall, awake, slept time.Duration
	calls := 0
	elapsed := machineClocks{
		wallAndAwake: func() (time.Duration, time.Duration) { return wall, awake },
		withSleep:    func() time.Duration { calls++; return awake + slept },
	}.elapsed()
	c := NewClock(func() time.Time { return noon.Add(wall) }, elapsed, time.Time{})
	pass := func(d time.Duration) { wall, awake = wall+d, awake+d }
	sleep := func(d time.Duration) { wall, slept = wall+d, slept+d }
	require.Equal(t, noon, c.Now())
	pass(time.Minute)
	require.Equal(t, noon.Add(time.Minute), c.Now())
	require.Zero(t, calls, "while the machine is awake and its clock is right, no call is spent")
	sleep(8 * time.Hour)
	require.Equal(t, noon.Add(8*time.Hour+time.Minute), c.Now())
	wall -= time.Hour
	require.Equal(t, noon.Add(8*time.Hour+time.Minute), c.Now())
	sleep(2 * time.Hour)
	require.Equal(t, noon.Add(10*time.Hour+time.Minute), c.Now())
	sleep(2 * time.Hour)
	wall -= 3 * time.Hour
	pass(time.Minute)
	require.Equal(t, noon.Add(12*time.Hour+2*time.Minute), c.Now())
	made := calls
	pass(time.Minute)
	require.Equal(t, noon.Add(12*time.Hour+3*time.Minute), c.Now())
	require.Equal(t, made, calls)
}

func TestElapsedTimeOfThisMachine(t *testing.T) {
	clocks := systemClocks()
	before := clocks.withSleep()
	_, awake := clocks.wallAndAwake()
	require.GreaterOrEqual(t, awake+time.Millisecond, before)
	require.GreaterOrEqual(t, clocks.withSleep(), before)
	require.InDelta(t, awake, clocks.elapsed()(), float64(time.Second))
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
