package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// RecordRefusal implements [member.Store].
func (db *DB) RecordRefusal(ctx context.Context, event audit.Event, buckets []member.Bucket) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		_, retryAfter, err := roomIn(tx, [][]member.Bucket{buckets}, event.At)
		if err != nil {
			return err
		}
		if retryAfter > 0 {
			wrong, _ := event.Details["wrong"].(string)
			return exec(tx, `
				INSERT INTO refusals (action, wrong, target, count, since, last) VALUES (?, ?, ?, 1, ?, ?)
				ON CONFLICT (action, wrong, target) DO UPDATE SET count = count + 1, last = excluded.last`,
				string(event.Action), wrong, event.Target, millis(event.At), millis(event.At))
		}
		if err := takeFrom(tx, buckets, event.At); err != nil {
			return err
		}
		return record(tx, event)
	})
}

// refusalsAtOnce is how many counts one transaction writes.
const refusalsAtOnce = 100

// WriteRefusals implements [member.Store]. A count that begins after now was begun by a clock that
// was ahead.
func (db *DB) WriteRefusals(ctx context.Context, until, now time.Time, entry func(member.RefusalCount) audit.Event) error {
	const due = "FROM refusals WHERE since <= ? OR since > ? LIMIT ?"
	for {
		var some bool
		if err := queryRow(db.read(ctx), "SELECT EXISTS (SELECT 1 "+due+")", millis(until), millis(now), 1).Scan(&some); err != nil || !some {
			return unavailable(err)
		}
		err := db.write(ctx, func(tx *gorm.DB) error {
			counts, err := all(tx, func(c *member.RefusalCount) []any {
				return []any{&c.Action, &c.Wrong, &c.Target, &c.Count, moment(&c.Since), moment(&c.Last)}
			}, "DELETE FROM refusals WHERE (action, wrong, target) IN (SELECT action, wrong, target "+due+") RETURNING action, wrong, target, count, since, last",
				millis(until), millis(now), refusalsAtOnce)
			if err != nil {
				return err
			}
			events := make([]audit.Event, len(counts))
			for i, count := range counts {
				events[i] = entry(count)
			}
			return record(tx, events...)
		})
		if err != nil {
			return err
		}
	}
}
