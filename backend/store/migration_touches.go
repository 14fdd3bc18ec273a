package store

import (
	"encoding/binary"
	"fmt"

	"gorm.io/gorm"

	"curfew/backend/session"
)

// foldTouches is migration 16. It moves what the touch log still holds into the pages of times, and
// drops the table.
func foldTouches(tx *gorm.DB) error {
	var touches []session.Touch
	err := eachRow(tx, func(scan func(...any) error) error {
		var (
			number int64
			row    []byte
		)
		if err := scan(&number, &row); err != nil {
			return err
		}
		found, ok := readTouches(row)
		if !ok {
			return &UnusableError{Advice: fmt.Sprintf("is damaged (row %d of touch_log). %s", number, restoreAdvice)}
		}
		touches = append(touches, found...)
		return nil
	}, "SELECT number, touches FROM touch_log")
	if err != nil {
		return err
	}
	if err := advanceTimes(tx, touches); err != nil {
		return err
	}
	return exec(tx, "DROP TABLE touch_log")
}

// readTouches reads a row of the touch log. Each touch is three varints: how far its session's
// number and its last access are from those of the touch before, and how far its start is from its
// last access.
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
