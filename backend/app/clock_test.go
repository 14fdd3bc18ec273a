package app

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/session"
)

// TestAClockThatIsAheadIsLoggedAgainAndAgain, until the machine's clock has caught up.
func TestAClockThatIsAheadIsLoggedAgainAndAgain(t *testing.T) {
	wall, elapsed := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC), time.Duration(0)
	var said bytes.Buffer
	a := &App{
		log:   slog.New(slog.NewTextHandler(&said, nil)),
		clock: session.NewClock(func() time.Time { return wall }, func() time.Duration { return elapsed }, time.Time{}),
	}
	a.watchClock()
	require.Empty(t, said.String())
	wall = wall.Add(-time.Hour) // it was an hour ahead, and was corrected while the server ran
	for _, behind := range []string{"1h0m0s", "1h0m0s"} {
		said.Reset()
		a.watchClock()
		require.Contains(t, said.String(), "behind="+behind)
		wall, elapsed = wall.Add(betweenClockWarnings), elapsed+betweenClockWarnings
	}
	said.Reset()
	wall = wall.Add(time.Hour)
	a.watchClock()
	require.Empty(t, said.String())
}
