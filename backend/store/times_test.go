package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"curfew/backend/session"
)

// TestManyTouches: a flush takes its touches in stretches, and its pages too. Whatever is touched, and how often, in which order and in which
// flush, the latest of each time is what is kept.
func TestManyTouches(t *testing.T) {
	db := newDB(t)
	random := rand.New(rand.NewPCG(4, 2))
	want := map[int64][2]int64{}
	for range 3 {
		touches := make([]session.Touch, 3*touchesAtOnce+1)
		for i := range touches {
			number := random.Int64N(5 * pagesAtOnce * timesPerPage)
			started := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
			seen := noon.Add(time.Duration(random.IntN(1e6)) * time.Millisecond)
			touches[i] = session.Touch{Number: number, StartedAt: started, LastSeenAt: seen}
			before := want[number]
			want[number] = [2]int64{max(before[0], millis(started)), max(before[1], millis(seen))}
		}
		require.NoError(t, db.Touch(t.Context(), touches, noon))
	}
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
	require.Equal(t, want, kept)
}

// TestAFlushGivesWayToRequests all the time, and no more from when a revocation, say, waits for its end: as many requests as there are would go
// first behind each stretch.
func TestAFlushGivesWayToRequests(t *testing.T) {
	db := newDB(t)
	pool, err := db.writer.DB()
	require.NoError(t, err)
	touches := make([]session.Touch, 5*pagesAtOnce)
	for i := range touches {
		touches[i] = session.Touch{Number: int64(i * timesPerPage), StartedAt: noon, LastSeenAt: noon}
	}
	apart, within := 0, 0 // of the transaction
	db.giveWay = func() {
		if pool.Stats().InUse == 0 {
			apart++
		} else {
			within++
		}
	}
	require.NoError(t, db.Touch(t.Context(), touches, noon))
	require.Equal(t, 1+5, apart)
	require.Equal(t, 5, within)

	within = 0
	written := make(chan error)
	db.giveWay = func() {
		if pool.Stats().InUse == 0 {
			return
		}
		if within++; within > 1 {
			return
		}
		before := db.waitedForWriter()
		go func() { written <- db.write(t.Context(), func(*gorm.DB) error { return nil }) }()
		for db.waitedForWriter() == before {
			runtime.Gosched()
		}
	}
	require.NoError(t, db.Touch(t.Context(), touches, noon))
	require.NoError(t, <-written)
	require.Equal(t, 1, within)
}

// TestAFlushIsWrittenAsItGoes: a commit that had all of it to write would hold up requests for milliseconds. A flush that fails leaves nothing of
// what it has written; and after one that does not, whoever writes next has as much of the file in memory as before.
func TestAFlushIsWrittenAsItGoes(t *testing.T) {
	db := newDB(t)
	log := func() int64 {
		file, err := os.Stat(db.path + "-wal")
		require.NoError(t, err)
		return file.Size()
	}
	touches := make([]session.Touch, 20*pagesAtOnce)
	for i := range touches {
		touches[i] = session.Touch{Number: int64(i * timesPerPage), StartedAt: noon, LastSeenAt: noon}
	}
	before, atTheLast := log(), int64(0)
	db.giveWay = func() { atTheLast = log() }
	require.NoError(t, db.Touch(t.Context(), touches, noon))
	require.Greater(t, atTheLast-before, (log()-before)/2)
	var cache string
	require.NoError(t, queryRow(db.writer.WithContext(t.Context()), "PRAGMA cache_size").Scan(&cache))
	require.Equal(t, usualCache, cache)
	kept, err := db.allTimes(t.Context())
	require.NoError(t, err)
	require.Len(t, kept, len(touches))

	ctx, cancel := context.WithCancel(t.Context())
	before = log()
	db.giveWay = func() {
		if log() > before {
			cancel()
		}
	}
	for i := range touches {
		touches[i].LastSeenAt = noon.Add(time.Minute)
	}
	err = db.Touch(ctx, touches, noon)
	require.True(t, errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled), "whichever is found first: %v", err)
	pages, err := db.allTimes(t.Context())
	require.NoError(t, err)
	require.Equal(t, kept, pages)
}
