package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// read returns a connection for reading. Its errors want wrapping by unavailable.
func (db *DB) read(ctx context.Context) *gorm.DB { return db.reader.WithContext(ctx) }

// exec runs a statement that returns no rows.
func exec(tx *gorm.DB, statement string, args ...any) error {
	_, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
	return err
}

// queryRow runs a query of one row.
func queryRow(tx *gorm.DB, query string, args ...any) *sql.Row {
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
}

// eachRow calls f with the scan function of each row that the query finds. A context that cannot be
// cancelled spares the driver a goroutine for each row.
func eachRow(ctx context.Context, tx gorm.ConnPool, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
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
