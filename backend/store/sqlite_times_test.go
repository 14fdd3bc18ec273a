package store

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"curfew/backend/session"
)

// TestManyTouches: whatever is touched, and how often, in which order and in which flush, the latest of each time is what is kept: in the log,
// half-way through a round of folding, and in the pages, here and wherever the file is opened.
func TestManyTouches(t *testing.T) {
	db := newDB(t)
	random := rand.New(rand.NewPCG(4, 2))
	want := map[int64][2]int64{}
	for flush := range 4 * flushesPerRound {
		touches := make([]session.Touch, random.IntN(100))
		for i := range touches {
			number := random.Int64N(2000 * timesPerPage)
			started := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
			seen := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
			touches[i] = session.Touch{Number: number, StartedAt: started, LastSeenAt: seen}
			before := want[number]
			want[number] = [2]int64{max(before[0], millis(started)), max(before[1], millis(seen))}
		}
		require.NoError(t, db.Touch(t.Context(), touches, noon))
		if flush == 3*flushesPerRound/2 || flush == 5*flushesPerRound/2+4 { // half-way through a round, and as soon as its rows are gone
			require.True(t, maps.Equal(want, timesIn(t, db)), "after flush %d", flush)
			require.True(t, maps.Equal(want, timesIn(t, openAt(t, killed(t, db)))), "after flush %d and a kill", flush)
		}
	}
	var rows int
	require.NoError(t, queryRow(db.read(t.Context()), "SELECT count(*) FROM touch_log").Scan(&rows))
	require.Less(t, rows, 2*flushesPerRound+5, "what is folded goes")
	for range 3 * flushesPerRound {
		require.NoError(t, db.Touch(t.Context(), nil, noon))
	}
	require.NoError(t, queryRow(db.read(t.Context()), "SELECT count(*) FROM touch_log").Scan(&rows))
	require.Zero(t, rows)
	require.Empty(t, db.touchLog.pages)
	require.True(t, maps.Equal(want, timesIn(t, db)), "when all is folded in")
}

// timesIn are the times of all sessions that were ever touched, by their numbers.
func timesIn(t *testing.T, db *DB) map[int64][2]int64 {
	pages, err := db.allTimes(t.Context())
	require.NoError(t, err)
	kept := map[int64][2]int64{}
	for number, page := range pages {
		for nth := range int64(timesPerPage) {
			if started, seen := page.of(nth); started != 0 {
				kept[number*timesPerPage+nth] = [2]int64{started, seen}
			}
		}
	}
	return kept
}

// killed is the file as a kill would leave it now.
func killed(t *testing.T, db *DB) string {
	path := filepath.Join(t.TempDir(), "curfew.db")
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(db.path + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+end, content, 0o600))
	}
	return path
}

// TestTimesNeverGoBack, for whoever reads them while they move from the log into the pages.
func TestTimesNeverGoBack(t *testing.T) {
	db := newDB(t)
	record := signIn(t, db, ana(t, db))
	var flushed atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var readers errgroup.Group
	never := func(read func() (time.Time, error)) {
		readers.Go(func() error {
			for ctx.Err() == nil {
				least := flushed.Load()
				seen, err := read()
				if err != nil {
					return err
				}
				if millis(seen) < least {
					return fmt.Errorf("%s after %s", seen, instant(least))
				}
			}
			return nil
		})
	}
	never(func() (time.Time, error) {
		found, err := db.Session(t.Context(), record.Session.ID)
		return found.Session.LastSeenAt, err
	})
	never(func() (seen time.Time, err error) {
		err = db.EachLive(t.Context(), 1, func(_ int64, found *session.Session) { seen = found.LastSeenAt })
		return seen, err
	})
	for i := range 6 * flushesPerRound {
		at := noon.Add(time.Duration(i) * time.Second)
		db.touchLog.last += flushesPerRound // so each folds in the one before
		require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(record, at, at)}, at))
		flushed.Store(millis(at))
	}
	stop()
	require.NoError(t, readers.Wait())
}

// TestADamagedTouchLogIsRefused: what it does not tell would be sessions that end early, without a word.
func TestADamagedTouchLogIsRefused(t *testing.T) {
	for _, row := range [][]byte{{1}, {0x80}, {2, 2, 2, 2}, {1, 2, 2}} {
		db := newDB(t)
		require.NoError(t, exec(db.writer.WithContext(t.Context()), "INSERT INTO touch_log VALUES (7, ?)", row))
		_, err := Open(t.Context(), killed(t, db), slog.New(slog.DiscardHandler))
		var unusable *UnusableError
		require.ErrorAs(t, err, &unusable, "%v", row)
		require.ErrorContains(t, err, "is damaged (row 7 of touch_log). Keep a copy of it")
	}
}

// TestAFlushWritesLittle, however many pages the busy sessions are spread over: a sync of a thousand takes milliseconds, in which a server with
// one processor answers nobody.
func TestAFlushWritesLittle(t *testing.T) {
	db := newDB(t)
	size := func() int64 {
		file, err := os.Stat(db.path + "-wal")
		require.NoError(t, err)
		return file.Size()
	}
	touches := make([]session.Touch, 1000)
	most := int64(0)
	for flush := range 3 * flushesPerRound {
		for i := range touches {
			at := noon.Add(time.Duration(flush) * time.Second)
			touches[i] = session.Touch{Number: int64(i * timesPerPage), StartedAt: at, LastSeenAt: at}
		}
		before := size()
		require.NoError(t, db.Touch(t.Context(), touches, noon))
		most = max(most, size()-before)
	}
	require.Less(t, most, int64(40*4096), "bytes")
}

// TestAFlushThatFails leaves nothing of itself in the file, and nothing of it is lost: it may have reached the disk all the same, so what it told
// is told again by the pages.
func TestAFlushThatFails(t *testing.T) {
	db := newDB(t)
	touches := make([]session.Touch, 2*flushesPerRound)
	for i := range touches {
		touches[i] = session.Touch{Number: int64(i * timesPerPage), StartedAt: noon, LastSeenAt: noon}
	}
	for range flushesPerRound {
		require.NoError(t, db.Touch(t.Context(), touches, noon))
	}
	before := timesIn(t, openAt(t, killed(t, db)))
	for i := range touches {
		touches[i].LastSeenAt = noon.Add(time.Minute)
	}
	// The second page cannot be written. This error by itself leaves what the transaction has done.
	require.NoError(t, db.writer.Exec("CREATE TRIGGER broken BEFORE INSERT ON session_times WHEN NEW.page = 1 BEGIN SELECT RAISE(FAIL, 'broken'); END").Error)
	require.ErrorContains(t, db.Touch(t.Context(), touches, noon), "broken")
	require.NoError(t, db.writer.Exec("DROP TRIGGER broken").Error)
	require.Equal(t, before, timesIn(t, openAt(t, killed(t, db))))

	for range 3 * flushesPerRound {
		require.NoError(t, db.Touch(t.Context(), nil, noon))
	}
	require.Empty(t, db.touchLog.pages)
	after := timesIn(t, openAt(t, killed(t, db)))
	require.Len(t, after, len(touches))
	for number, times := range after {
		require.Equal(t, millis(noon.Add(time.Minute)), times[1], "%d", number)
	}
}
