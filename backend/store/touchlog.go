package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"curfew/backend/session"
)

// A flush of touches is one row of the touch log. A thousand busy sessions among a million stand in a page of times each, so each flush would
// write a thousand pages, and again the same ones a second later; their row fills two. From the log they are folded into the pages in rounds: a
// round takes the pages of all rows that there are when it begins, and a part of them with each flush. At its end these rows have nothing to
// tell any more, and go.

// flushesPerRound is how many rows a round waits for, and over how many flushes it spreads its pages. So the log has twice as many rows, which a
// start reads.
const flushesPerRound = 64

// touchLog is what the touch log tells and the pages do not yet. The zero value is that of an empty log.
type touchLog struct {
	// mu is held while pages are changed, and while they are read by others than [DB.Touch], which alone changes them.
	mu sync.Mutex
	// pages have no more of a page than the log has, until [touchLog.complete] adds the rest.
	pages map[int64]timesPage
	// What follows is DB.Touch's alone.
	last   int64 // the newest row's number
	round  []int64
	share  int   // how many pages of the round a flush takes
	upTo   int64 // the newest row that the round folds in
	folded int64 // and the newest that the rounds before it have
}

// begin gives the number of the row that comes next, and the pages whose turn it is.
func (l *touchLog) begin() (row int64, due []int64) {
	if len(l.round) == 0 {
		l.folded = l.upTo
	}
	if len(l.round) == 0 && l.last-l.upTo >= flushesPerRound {
		l.upTo = l.last
		l.round = slices.Sorted(maps.Keys(l.pages)) // in the order in which they are in the file
		l.share = (len(l.round) + flushesPerRound - 1) / flushesPerRound
	}
	l.last++ // whether or not it is written: of a commit that failed, nobody knows
	return l.last, l.round[:min(l.share, len(l.round))]
}

// forget is told that pages are in the file as they are here.
func (l *touchLog) forget(pages []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, number := range pages {
		delete(l.pages, number)
	}
	l.round = l.round[len(pages):]
}

func (l *touchLog) add(touches []session.Touch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages == nil {
		l.pages = map[int64]timesPage{}
	}
	for _, touch := range touches {
		page, touched := l.pages[touch.Number/timesPerPage]
		if !touched {
			page = make(timesPage, timesPerPage*timesSize)
			l.pages[touch.Number/timesPerPage] = page
		}
		page.advance(touch.Number, millis(touch.StartedAt), millis(touch.LastSeenAt))
	}
}

// complete adds what the file has of a page.
func (l *touchLog) complete(number int64, kept timesPage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages[number].merge(kept)
}

// of are the session's times, as far as they are told here.
func (l *touchLog) of(number int64) (startedAt, lastSeenAt int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pages[number/timesPerPage].of(number)
}

// clear forgets what the log tells, where the file has no more of it either.
func (l *touchLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages, l.round = nil, nil
}

func (l *touchLog) copy() map[int64]timesPage {
	l.mu.Lock()
	defer l.mu.Unlock()
	pages := make(map[int64]timesPage, len(l.pages))
	for number, page := range l.pages {
		pages[number] = slices.Clone(page)
	}
	return pages
}

// readTouchLog is for the start.
func (db *DB) readTouchLog(ctx context.Context) error {
	return db.eachRow(ctx, "SELECT number, touches FROM touch_log ORDER BY number", nil, func(row []driver.Value) error {
		number := row[0].(int64)
		touches, ok := readTouches(row[1].([]byte))
		if !ok {
			return &UnusableError{Advice: fmt.Sprintf("is damaged (row %d of touch_log). %s", number, restoreAdvice)}
		}
		db.touchLog.add(touches)
		db.touchLog.last = number
		return nil
	})
}

// touchWriter writes a row of the touch log. Each touch is three numbers (https://protobuf.dev/programming-guides/encoding/#signed-ints): how far
// its session's number and its last access are from those of the touch before, and how far its start is from its last access.
type touchWriter struct {
	row              []byte
	number, lastSeen int64
}

func (w *touchWriter) add(touch session.Touch) {
	started, seen := millis(touch.StartedAt), millis(touch.LastSeenAt)
	w.row = binary.AppendVarint(w.row, touch.Number-w.number)
	w.row = binary.AppendVarint(w.row, seen-w.lastSeen)
	w.row = binary.AppendVarint(w.row, started-seen)
	w.number, w.lastSeen = touch.Number, seen
}

// readTouches reads a row; not ok is what is none. Whose touches they are is told by the sessions' numbers alone.
func readTouches(row []byte) (touches []session.Touch, ok bool) {
	var number, seen int64
	for len(row) > 0 {
		var differences [3]int64
		for i := range differences {
			difference, size := binary.Varint(row)
			if size <= 0 {
				return nil, false
			}
			differences[i], row = difference, row[size:]
		}
		number, seen = number+differences[0], seen+differences[1]
		if number < 0 {
			return nil, false
		}
		touches = append(touches, session.Touch{Number: number, StartedAt: instant(seen + differences[2]), LastSeenAt: instant(seen)})
	}
	return touches, true
}
