package store

import (
	"context"
	"encoding/binary"
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

// TestManyTouches holds many flushes against a plain model: the latest of each time is stored, in
// the open database and after a kill.
func TestManyTouches(t *testing.T) {
	db := newDB(t)
	random := rand.New(rand.NewPCG(4, 2))
	want := map[int64][2]int64{}
	for range 100 {
		touches := randomTouches(random, want)
		require.NoError(t, db.Touch(t.Context(), touches, noon, 1))
	}
	require.True(t, maps.Equal(want, timesIn(t, db)))
	require.True(t, maps.Equal(want, timesIn(t, openAt(t, killed(t, db)))))
}

// randomTouches makes up to 100 touches of half a million sessions, and moves the model's times.
func randomTouches(random *rand.Rand, model map[int64][2]int64) []session.Touch {
	touches := make([]session.Touch, random.IntN(100))
	for i := range touches {
		number := random.Int64N(2000 * timesPerPage)
		started := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
		seen := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
		touches[i] = session.Touch{Number: number, StartedAt: started, LastSeenAt: seen}
		before := model[number]
		model[number] = [2]int64{max(before[0], millis(started)), max(before[1], millis(seen))}
	}
	return touches
}

// timesIn returns the times of all sessions that were ever touched, by their numbers.
func timesIn(t *testing.T, db *DB) map[int64][2]int64 {
	pages := map[int64]timesPage{}
	require.NoError(t, readTimes(db.read(t.Context()), pages, ""))
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

// killed returns the path of a copy of the file as a kill would leave it now.
func killed(t *testing.T, db *DB) string {
	path := filepath.Join(t.TempDir(), "curfew.db")
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(db.path + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+end, content, 0o600))
	}
	return path
}

// TestTimesNeverGoBack for readers that run next to flushes.
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
	for i := range 400 {
		at := noon.Add(time.Duration(i) * time.Second)
		require.NoError(t, db.Touch(t.Context(), []session.Touch{touchOf(record, at, at)}, at, 1))
		flushed.Store(millis(at))
	}
	stop()
	require.NoError(t, readers.Wait())
}

// TestAFlushThatFails leaves nothing of itself in the file.
func TestAFlushThatFails(t *testing.T) {
	db := newDB(t)
	touches := make([]session.Touch, 3)
	for i := range touches {
		touches[i] = session.Touch{Number: int64(i * timesPerPage), StartedAt: noon, LastSeenAt: noon}
	}
	require.NoError(t, db.Touch(t.Context(), touches, noon, 1))
	before := timesIn(t, openAt(t, killed(t, db)))
	for i := range touches {
		touches[i].LastSeenAt = noon.Add(time.Minute)
	}
	// The second page cannot be written. This error by itself leaves what the transaction has done.
	require.NoError(t, db.writer.Exec("CREATE TRIGGER broken BEFORE INSERT ON session_times WHEN NEW.page = 1 BEGIN SELECT RAISE(FAIL, 'broken'); END").Error)
	require.ErrorContains(t, db.Touch(t.Context(), touches, noon, 1), "broken")
	require.NoError(t, db.writer.Exec("DROP TRIGGER broken").Error)
	require.Equal(t, before, timesIn(t, openAt(t, killed(t, db))))

	require.NoError(t, db.Touch(t.Context(), touches, noon, 1))
	for number, times := range timesIn(t, openAt(t, killed(t, db))) {
		require.Equal(t, millis(noon.Add(time.Minute)), times[1], "%d", number)
	}
}

// ofBefore makes a database as the program with a touch log left it: schema 15, some times in the
// pages, and rows of the log.
func ofBefore(t *testing.T, pages []session.Touch, rows ...[]byte) (path string) {
	path = filepath.Join(t.TempDir(), "curfew.db")
	db, err := open(t.Context(), path, slog.New(slog.DiscardHandler), opening{version: 15})
	require.NoError(t, err)
	require.NoError(t, advanceTimes(db.writer.WithContext(t.Context()), pages))
	for i, row := range rows {
		require.NoError(t, db.writer.Exec("INSERT INTO touch_log VALUES (?, ?)", i+7, row).Error)
	}
	require.NoError(t, db.Close())
	return path
}

// logRow writes a row of the touch log, as the program of before did.
func logRow(touches []session.Touch) (row []byte) {
	var number, seen int64
	for _, touch := range touches {
		row = binary.AppendVarint(row, touch.Number-number)
		row = binary.AppendVarint(row, millis(touch.LastSeenAt)-seen)
		row = binary.AppendVarint(row, millis(touch.StartedAt)-millis(touch.LastSeenAt))
		number, seen = touch.Number, millis(touch.LastSeenAt)
	}
	return row
}

// TestMigration16KeepsEveryTime: the times of the log and those of the pages are all there
// afterwards, the latest of each, and the log's table is not.
func TestMigration16KeepsEveryTime(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	want := map[int64][2]int64{}
	var pages []session.Touch
	for range 10 {
		pages = append(pages, randomTouches(random, want)...)
	}
	var rows [][]byte
	for range 100 {
		if touches := randomTouches(random, want); len(touches) > 0 {
			rows = append(rows, logRow(touches))
		}
	}
	db := openAt(t, ofBefore(t, pages, rows...))
	require.True(t, maps.Equal(want, timesIn(t, db)))
	var tables int
	require.NoError(t, queryRow(db.read(t.Context()), "SELECT count(*) FROM sqlite_schema WHERE name = 'touch_log'").Scan(&tables))
	require.Zero(t, tables)
}

// TestADamagedTouchLogIsRefused, because sessions would end early without it.
func TestADamagedTouchLogIsRefused(t *testing.T) {
	for _, row := range [][]byte{{1}, {0x80}, {2, 2, 2, 2}, {1, 2, 2}} {
		path := ofBefore(t, nil, row)
		_, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
		var unusable *UnusableError
		require.ErrorAs(t, err, &unusable, "%v", row)
		require.ErrorContains(t, err, "is damaged (row 7 of touch_log). Keep a copy of it")
	}
}
