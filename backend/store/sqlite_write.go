package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"

	"curfew/backend/failpoint"
	"curfew/backend/session"
)

// write runs one transaction. It returns refusals as they are, and any other error as an
// [*UnavailableError], which wraps [session.ErrOutcomeUnknown] if the COMMIT failed. After any
// other error nothing was changed.
//
// The context bounds the wait for the connection. A transaction that has begun cannot be cancelled:
// database/sql and the driver start a goroutine for everything that can, and waking one takes a
// tenth of the time of a revocation. So the transaction is begun and ended by statements.
func (db *DB) write(ctx context.Context, f func(tx *gorm.DB) error) error {
	err := db.writer.WithContext(ctx).Connection(func(connection *gorm.DB) (err error) {
		tx := connection.WithContext(context.WithoutCancel(ctx))
		if err := exec(tx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		committed := false
		defer func() {
			if committed {
				return
			}
			if failed := rollBack(tx); failed != nil {
				err = errors.Join(err, failed)
			}
		}()
		if err := f(tx); err != nil {
			return err
		}
		failpoint.At("before the commit")
		if err := exec(tx, "COMMIT"); err != nil {
			return errors.Join(session.ErrOutcomeUnknown, err)
		}
		committed = true
		return nil
	})
	failpoint.At("after the commit")
	return unavailable(err)
}

// rollBack ends the transaction, unless an error has ended it already
// (https://www.sqlite.org/lang_transaction.html, 3). If it fails, the connection is not used again.
func rollBack(tx *gorm.DB) error {
	return tx.Statement.ConnPool.(*sql.Conn).Raw(func(raw any) error {
		connection := raw.(*sqlite3.SQLiteConn)
		if connection.AutoCommit() {
			return nil
		}
		if _, err := connection.Exec("ROLLBACK", nil); err != nil {
			return errors.Join(driver.ErrBadConn, err)
		}
		return nil
	})
}

// isDuplicate reports whether a row with the same key exists already.
func isDuplicate(err error) bool {
	var cause sqlite3.Error
	return errors.As(err, &cause) &&
		(cause.ExtendedCode == sqlite3.ErrConstraintUnique || cause.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}
