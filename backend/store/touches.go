package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"

	"github.com/pressly/goose/v3"

	"curfew/backend/session"
)

// foldTouches is migration 16. It moves what the touch log still holds into the pages of times, and
// drops the table.
var foldTouches = goose.NewGoMigration(16, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
	var touches []session.Touch
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
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
	if err := advanceTimes(ctx, tx, touches); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DROP TABLE touch_log")
	return err
}}, nil)

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
