package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"maps"
	"runtime"
	"slices"
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

// Touch implements [session.Store].
func (db *DB) Touch(ctx context.Context, touches []session.Touch, now time.Time) error {
	byPage := map[int64][]session.Touch{}
	for _, touch := range touches {
		page := touch.Number / timesPerPage
		byPage[page] = append(byPage[page], touch)
	}
	return db.write(ctx, func(tx *gorm.DB) error {
		for i, page := range slices.Sorted(maps.Keys(byPage)) { // in the order in which they are in the file
			if err := touchPage(tx, page, byPage[page]); err != nil {
				return err
			}
			if i%pagesAtOnce == 0 {
				runtime.Gosched()
			}
		}
		return exec(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1", millis(now))
	})
}

// pagesAtOnce is how many pages are written before requests that wait for a processor go first: some 0.3 ms of work. The scheduler by itself
// would let them wait for 10.
const pagesAtOnce = 32

func touchPage(tx *gorm.DB, page int64, touches []session.Touch) error {
	times := make(timesPage, timesPerPage*timesSize)
	var known []byte
	err := queryRow(tx, "SELECT times FROM session_times WHERE page = ?", page).Scan(&known)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	copy(times, known)
	for _, touch := range touches {
		times.advance(touch.Number, millis(touch.StartedAt), millis(touch.LastSeenAt))
	}
	return exec(tx, "INSERT INTO session_times (page, times) VALUES (?1, ?2) ON CONFLICT (page) DO UPDATE SET times = ?2", page, []byte(times))
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
