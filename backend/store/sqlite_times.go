package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"curfew/backend/session"
)

// Every access moves the times of a session, so they are what is written most. They stand apart from the rest of the session, packed into
// pages that fill a page of the file each, and no index moves with them. What a flush has to tell goes into the touch log, and from there
// into the pages, some at each flush.

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

// Touch implements [session.Store]. Calls must not overlap.
func (db *DB) Touch(ctx context.Context, touches []session.Touch, now time.Time) error {
	row, due := db.touchLog.begin()
	var told touchWriter
	for _, touch := range touches {
		told.add(touch)
	}
	db.touchLog.add(touches)
	// No other write changes these pages, so they are read before the transaction.
	if err := db.completePages(ctx, due); err != nil {
		return unavailable(err)
	}
	err := db.write(ctx, func(tx *gorm.DB) error {
		if len(touches) > 0 {
			if err := exec(tx, "INSERT INTO touch_log (number, touches) VALUES (?, ?)", row, told.row); err != nil {
				return err
			}
		}
		for _, number := range due {
			const replace = "INSERT INTO session_times (page, times) VALUES (?1, ?2) ON CONFLICT (page) DO UPDATE SET times = ?2"
			if err := exec(tx, replace, number, []byte(db.touchLog.pages[number])); err != nil {
				return err
			}
		}
		// Two, where one comes at a time: to delete all of a round at once would take as long as to read them.
		const folded = "DELETE FROM touch_log WHERE number IN (SELECT number FROM touch_log WHERE number <= ? ORDER BY number LIMIT 2)"
		if err := exec(tx, folded, db.touchLog.folded); err != nil {
			return err
		}
		return exec(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1", millis(now))
	})
	if err == nil {
		db.touchLog.forget(due)
	}
	return err
}

// completePages adds to pages of the touch log what the file has of them.
func (db *DB) completePages(ctx context.Context, numbers []int64) error {
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	const selectPages = "SELECT page, times FROM session_times WHERE page IN (SELECT value FROM json_each(?))"
	return db.eachRow(context.WithoutCancel(ctx), selectPages, []any{string(list)}, func(row []driver.Value) error {
		db.touchLog.complete(row[0].(int64), row[1].([]byte))
		return nil
	})
}

// timesOf are the times to which accesses have moved the session's; zero if none has. The log is asked before the file: it forgets only what
// is there.
func (db *DB) timesOf(tx *gorm.DB, number int64) (startedAt, lastSeenAt int64, err error) {
	startedAt, lastSeenAt = db.touchLog.of(number)
	var page timesPage
	err = queryRow(tx, "SELECT times FROM session_times WHERE page = ?", number/timesPerPage).Scan((*[]byte)(&page))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, 0, err
	}
	started, seen := page.of(number)
	return max(startedAt, started), max(lastSeenAt, seen), nil
}

// allTimes are all pages, by their numbers; the log is asked before the file, as above.
func (db *DB) allTimes(ctx context.Context) (map[int64]timesPage, error) {
	pages := db.touchLog.copy()
	err := db.eachRow(ctx, "SELECT page, times FROM session_times", nil, func(row []driver.Value) error {
		number, page := row[0].(int64), timesPage(row[1].([]byte))
		if newer, touched := pages[number]; touched {
			newer.merge(page)
		} else {
			pages[number] = page
		}
		return nil
	})
	return pages, err
}

// purgeTimes deletes the pages before the first session that there still is. One that lives very long keeps those after it, at 16 bytes a
// session.
func purgeTimes(tx *gorm.DB) error {
	return tx.Exec("DELETE FROM session_times WHERE page < (SELECT min(number) FROM sessions) / ?", timesPerPage).Error
}
