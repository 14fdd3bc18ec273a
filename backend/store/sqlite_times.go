package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"curfew/backend/session"
)

// Every access moves the times of a session, so they are written most. They are stored apart from
// the rest of the session, in pages that fill a page of the file each. No index moves with them.

const (
	// timesPerPage is the number of sessions in a page. It is part of the schema.
	timesPerPage = 250
	// timesSize is the number of bytes for a session: its start and its last access, in
	// milliseconds since the epoch, big-endian.
	timesSize = 16
)

// timesPage holds the times of the sessions whose numbers, divided by timesPerPage, are the page's.
// They are zero for a session that was not touched since its sign-in. The page is nil if none was.
type timesPage []byte

// of returns the session's times.
func (p timesPage) of(number int64) (startedAt, lastSeenAt int64) {
	at := int(number%timesPerPage) * timesSize
	if len(p) < at+timesSize {
		return 0, 0
	}
	return int64(binary.BigEndian.Uint64(p[at:])), int64(binary.BigEndian.Uint64(p[at+8:]))
}

// advance moves the session's times forward, never back.
func (p timesPage) advance(touch session.Touch) {
	started, seen := p.of(touch.Number)
	at := int(touch.Number%timesPerPage) * timesSize
	binary.BigEndian.PutUint64(p[at:], uint64(max(started, millis(touch.StartedAt))))
	binary.BigEndian.PutUint64(p[at+8:], uint64(max(seen, millis(touch.LastSeenAt))))
}

// Touch implements [session.Store].
func (db *DB) Touch(ctx context.Context, touches []session.Touch, now time.Time, generation uint64) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		same, err := changed(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1 AND generation = ?", millis(now), generation)
		if err != nil || same == 0 {
			return err
		}
		return advanceTimes(tx, touches)
	})
}

// advanceTimes moves times forward in the pages of the touched sessions.
func advanceTimes(tx *gorm.DB, touches []session.Touch) error {
	pages := map[int64]timesPage{}
	for _, touch := range touches {
		pages[touch.Number/timesPerPage] = nil
	}
	numbers := slices.Sorted(maps.Keys(pages)) // in the order in which they are in the file
	if err := readTimes(tx, pages, " WHERE page IN (SELECT value FROM json_each(?))", list(numbers)); err != nil {
		return err
	}
	for _, touch := range touches {
		number := touch.Number / timesPerPage
		if pages[number] == nil {
			pages[number] = make(timesPage, timesPerPage*timesSize)
		}
		pages[number].advance(touch)
	}
	for _, number := range numbers {
		const replace = "INSERT INTO session_times (page, times) VALUES (?1, ?2) ON CONFLICT (page) DO UPDATE SET times = ?2"
		if err := exec(tx, replace, number, []byte(pages[number])); err != nil {
			return err
		}
	}
	return nil
}

// readTimes adds the pages that the condition selects to pages, by their numbers.
func readTimes(tx *gorm.DB, pages map[int64]timesPage, condition string, args ...any) error {
	return eachRow(tx, func(scan func(...any) error) error {
		var (
			number int64
			page   []byte
		)
		err := scan(&number, &page)
		pages[number] = page
		return err
	}, "SELECT page, times FROM session_times"+condition, args...)
}

// timesOf returns the times to which accesses have moved the session's; zero if none has.
func timesOf(tx *gorm.DB, number int64) (startedAt, lastSeenAt int64, err error) {
	var page timesPage
	err = queryRow(tx, "SELECT times FROM session_times WHERE page = ?", number/timesPerPage).Scan((*[]byte)(&page))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	startedAt, lastSeenAt = page.of(number)
	return startedAt, lastSeenAt, err
}

// purgeTimes deletes the pages before the first session that is left. A session that lives very
// long keeps those after it, at 16 bytes a session.
func purgeTimes(tx *gorm.DB) error {
	return exec(tx, "DELETE FROM session_times WHERE page < (SELECT min(number) FROM sessions) / ?", timesPerPage)
}
