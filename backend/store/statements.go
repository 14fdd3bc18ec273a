package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"
)

// read returns a connection for reading. Its errors want wrapping by unavailable.
func (db *DB) read(ctx context.Context) *gorm.DB { return db.reader.WithContext(ctx) }

// exec runs a statement.
func exec(tx *gorm.DB, statement string, args ...any) error {
	_, err := changed(tx, statement, args...)
	return err
}

// changed runs a statement, and counts the rows that it changed.
func changed(tx *gorm.DB, statement string, args ...any) (int, error) {
	defer tx.Logger.Trace(tx.Statement.Context, time.Now(), func() (string, int64) { return statement, -1 }, nil) //nolint:forbidigo // how long it takes
	result, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
	if err != nil {
		return 0, err
	}
	rows, err := result.RowsAffected()
	return int(rows), err
}

// changeOne runs a statement. It returns the given error if that changed nothing.
func changeOne(tx *gorm.DB, none error, statement string, args ...any) error {
	rows, err := changed(tx, statement, args...)
	if err == nil && rows == 0 {
		return none
	}
	return err
}

// queryRow runs a query of one row.
func queryRow(tx *gorm.DB, query string, args ...any) *sql.Row {
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
}

// eachRow calls f with the scan function of each row that the query finds. A context that cannot be
// cancelled spares the driver a goroutine for each row.
func eachRow(tx *gorm.DB, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := tx.Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one returns the row that the query finds, or the given error if there is none. The function names
// where to put the columns.
func one[T any](tx *gorm.DB, none error, into func(*T) []any, query string, args ...any) (found T, err error) {
	err = queryRow(tx, query, args...).Scan(into(&found)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = none
	}
	return found, err
}

// all returns the rows that the query finds.
func all[T any](tx *gorm.DB, into func(*T) []any, query string, args ...any) (found []T, err error) {
	err = eachRow(tx, func(scan func(...any) error) error {
		var row T
		if err := scan(into(&row)...); err != nil {
			return err
		}
		found = append(found, row)
		return nil
	}, query, args...)
	return found, err
}

// list is the values as JSON, for json_each: there may be more than a statement may have
// parameters.
func list[T any](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		panic(err) // neither texts nor numbers fail
	}
	return string(encoded)
}

// column converts the value of a column.
type column func(value any) error

// Scan implements [sql.Scanner].
func (c column) Scan(value any) error { return c(value) }

// moment puts milliseconds into a time. NULL is the zero time.
func moment(into *time.Time) column {
	return func(value any) error {
		ms, _ := value.(int64)
		*into = instant(ms)
		return nil
	}
}

// digest puts as many bytes as there are in into. Other lengths become zeros, which fit no hash.
func digest(into []byte) column {
	return func(value any) error {
		clear(into)
		if stored, _ := value.([]byte); len(stored) == len(into) {
			copy(into, stored)
		}
		return nil
	}
}

// parsed puts a text into what parse makes of it.
func parsed[T any](into *T, parse func(string) (T, error)) column {
	return func(value any) (err error) {
		text, _ := value.(string)
		*into, err = parse(text)
		return err
	}
}

// text is parsed for what never fails.
func text[T any](into *T, convert func(string) T) column {
	return parsed(into, func(s string) (T, error) { return convert(s), nil })
}

// millis and instant convert times: the database has whole milliseconds since the epoch, the domain
// UTC. The zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
