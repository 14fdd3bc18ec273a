package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// locks lets another program lock the database that many times under load: mostly for a moment, and
// now and then for longer than the server waits.
func (s *stage) locks(ctx context.Context, n int) error {
	c, err := s.begin(ctx, s.curfew, "")
	if err != nil {
		return err
	}
	err = c.live(ctx, func(running *server) error {
		for i := 0; i < n && !s.late(); i++ {
			rest(ctx, 150*time.Millisecond)
			held := time.Duration(rand.Int64N(int64(700 * time.Millisecond)))
			if i%10 == 5 {
				held = 5500*time.Millisecond + time.Duration(rand.Int64N(int64(4500*time.Millisecond)))
			}
			if err := lock(ctx, c.folder, held); err != nil {
				return err
			}
			s.report.count("locked database")
			if err := c.writesAgain(ctx); err != nil {
				return err
			}
		}
		return running.stop()
	})
	return c.judged(ctx, "locked database", err)
}

// lock holds the database's one write lock for a while.
func lock(ctx context.Context, folder string, held time.Duration) (err error) {
	db, err := openDatabase(folder, "rw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	if _, err := connection.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("lock the database: %w", err)
	}
	rest(ctx, held)
	_, err = connection.ExecContext(ctx, "ROLLBACK")
	return err
}
