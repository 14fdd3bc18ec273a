package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"curfew/backend/session"
)

// Every access moves the times of a session, so they are what is written most. They stand apart from the rest of the session, packed into
// pages that fill a page of the file each: many touches are few writes, and no index moves with them.

const (
	// timesPerPage is how many sessions' times stand in a page. It is part of the schema.
	timesPerPage = 250
	// timesSize is how long one session's times are: its start and its last access, in milliseconds since the epoch, the highest byte first.
	timesSize = 16
)

// timesPage is the times of the sessions whose numbers, divided by timesPerPage, are the page's; zero for those that were not touched since
// their sign-in. A page that nobody was touched in is not there: nil.
type timesPage []byte

// of are the session's times.
func (p timesPage) of(number int64) (startedAt, lastSeenAt int64) {
	at := int(number%timesPerPage) * timesSize
	if len(p) < at+timesSize {
		return 0, 0
	}
	return int64(binary.BigEndian.Uint64(p[at:])), int64(binary.BigEndian.Uint64(p[at+8:]))
}

// advance moves the session's times forward, never back.
func (p timesPage) advance(number, startedAt, lastSeenAt int64) {
	started, seen := p.of(number)
	at := int(number%timesPerPage) * timesSize
	binary.BigEndian.PutUint64(p[at:], uint64(max(started, startedAt)))
	binary.BigEndian.PutUint64(p[at+8:], uint64(max(seen, lastSeenAt)))
}

// merge moves the page's times forward to those of another state of it.
func (p timesPage) merge(other timesPage) {
	for at := 0; at+8 <= min(len(p), len(other)); at += 8 {
		if known := binary.BigEndian.Uint64(other[at:]); known > binary.BigEndian.Uint64(p[at:]) {
			binary.BigEndian.PutUint64(p[at:], known)
		}
	}
}

// Touch implements [session.Store]. Calls must not overlap. Nobody waits for it, so it works in short stretches and gives way to requests behind
// each: one that was made in one piece would hold up a server with one processor for many milliseconds.
func (db *DB) Touch(ctx context.Context, touches []session.Touch, now time.Time) error {
	pages, work := map[int64]timesPage{}, 0
	for _, touch := range touches {
		number := touch.Number / timesPerPage
		page, begun := pages[number]
		if !begun {
			page = make(timesPage, timesPerPage*timesSize)
			pages[number] = page
			work += touchesPerBegin
		}
		page.advance(touch.Number, millis(touch.StartedAt), millis(touch.LastSeenAt))
		if work++; work >= touchesAtOnce {
			db.giveWay()
			work = 0
		}
	}
	numbers := slices.Sorted(maps.Keys(pages)) // in the order in which they are in the file
	// Nobody else writes these pages, so they are read before the transaction, for which others wait.
	for stretch := range slices.Chunk(numbers, pagesAtOnce) {
		if err := db.mergeKnown(ctx, pages, stretch); err != nil {
			return unavailable(err)
		}
		db.giveWay()
	}
	return db.write(ctx, func(tx *gorm.DB) error {
		tx = tx.WithContext(context.WithoutCancel(ctx)) // or else the driver starts a goroutine for each statement, to watch for a cancellation
		if len(numbers) > cachedPages {
			// What does not fit is written as it comes, and not all at the commit, for which requests would wait.
			if err := exec(tx, "PRAGMA cache_size = "+strconv.Itoa(cachedPages)); err != nil {
				return err
			}
			defer func() { _ = exec(tx, "PRAGMA cache_size = "+usualCache) }() // the next flush does it if this one cannot
		}
		waited := db.waitedForWriter()
		for stretch := range slices.Chunk(numbers, pagesAtOnce) {
			for _, number := range stretch {
				const replace = "INSERT INTO session_times (page, times) VALUES (?1, ?2) ON CONFLICT (page) DO UPDATE SET times = ?2"
				if err := exec(tx, replace, number, []byte(pages[number])); err != nil {
					return err
				}
			}
			if db.waitedForWriter() == waited { // or else a sign-in or a revocation waits for the end of this
				db.giveWay()
			}
		}
		return exec(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1", millis(now))
	})
}

// What is done in one stretch: 0.1 to 0.2 ms of work. To begin a page takes as long as so many touches do.
const (
	touchesAtOnce   = 512
	touchesPerBegin = 8
	pagesAtOnce     = 16
)

// cachedPages is how many pages SQLite keeps of a flush before it writes them; usualCache is its default otherwise, in KiB
// (https://www.sqlite.org/pragma.html#pragma_cache_size).
const (
	cachedPages = 32
	usualCache  = "-2000"
)

// waitedForWriter is how many times somebody has had to wait for the connection that writes.
func (db *DB) waitedForWriter() int64 {
	pool, err := db.writer.DB()
	if err != nil {
		return 0
	}
	return pool.Stats().WaitCount
}

// mergeKnown merges into those of the pages that have these numbers what the file has of them.
func (db *DB) mergeKnown(ctx context.Context, pages map[int64]timesPage, numbers []int64) error {
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	const selectPages = "SELECT page, times FROM session_times WHERE page IN (SELECT value FROM json_each(?))"
	return db.eachRow(context.WithoutCancel(ctx), selectPages, []any{string(list)}, func(row []driver.Value) error {
		pages[row[0].(int64)].merge(row[1].([]byte))
		return nil
	})
}

// allTimes reads every page, by its number.
func (db *DB) allTimes(ctx context.Context) (map[int64]timesPage, error) {
	pages := map[int64]timesPage{}
	err := db.eachRow(ctx, "SELECT page, times FROM session_times", nil, func(row []driver.Value) error {
		pages[row[0].(int64)] = row[1].([]byte)
		return nil
	})
	return pages, err
}

// purgeTimes deletes the pages before the first session that there still is. One that lives very long keeps those after it, at 16 bytes a
// session.
func purgeTimes(tx *gorm.DB) error {
	return tx.Exec("DELETE FROM session_times WHERE page < (SELECT min(number) FROM sessions) / ?", timesPerPage).Error
}
