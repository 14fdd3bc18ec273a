package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheLogIsLimited by the kind of line, and lines left out are counted.
func TestTheLogIsLimited(t *testing.T) {
	var written bytes.Buffer
	log, limits := limitLog(slog.New(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug})))
	now := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	say := func(level slog.Level, message string) {
		line := slog.NewRecord(now, level, message, 0)
		require.NoError(t, log.With("a", 1).WithGroup("g").Handler().Handle(context.Background(), line))
	}
	lines := func(of string) int { return strings.Count(written.String(), "msg="+of+" ") }
	const flood = 5000
	for i := range flood { // over a minute
		say(slog.LevelWarn, "refused")
		say(slog.LevelError, "refused")
		say(slog.LevelError, "broken")
		say(slog.LevelDebug, "debugging")
		if i == 10 {
			say(slog.LevelInfo, "rare")
		}
		now = now.Add(time.Minute / flood)
	}
	require.Equal(t, 1, lines("rare"), "a flood drowns no other line")
	require.Equal(t, flood, lines("debugging"))
	require.LessOrEqual(t, lines("refused")+lines("broken")+3, 100, "three kinds, and their counts")
	warnings := strings.Count(written.String(), "level=WARN msg=refused")
	require.GreaterOrEqual(t, warnings, 20)

	written.Reset()
	limits.report()
	require.Contains(t, written.String(), fmt.Sprintf("count=%d lines=refused of=WARN", flood-warnings))
	require.Equal(t, 3, strings.Count(written.String(), "lines were left out"))
	written.Reset()
	limits.report()
	require.Empty(t, written.String(), "each is told once")
}
