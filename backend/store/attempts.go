package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"curfew/backend/member"
)

// TakeAttempt implements [member.Store]. A bucket is kept as the time at which it would be empty
// again (the generic cell rate algorithm): an attempt fits when that is less than Burst times Every
// ahead, and moves it by Every.
func (db *DB) TakeAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) (taken []member.Bucket, retryAfter time.Duration, err error) {
	// A crowd that is refused must not wait for the writer, nor make others wait for it.
	if retryAfter, err = db.AwaitAttempt(ctx, sets, now); err != nil || retryAfter > 0 {
		return nil, retryAfter, err
	}
	err = db.write(ctx, func(tx *gorm.DB) (err error) {
		if taken, retryAfter, err = roomIn(tx, sets, now); err != nil || retryAfter > 0 {
			return err
		}
		return takeFrom(tx, taken, now)
	})
	return taken, retryAfter, err
}

// AwaitAttempt implements [member.Store].
func (db *DB) AwaitAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) (time.Duration, error) {
	_, retryAfter, err := roomIn(db.read(ctx), sets, now)
	return retryAfter, unavailable(err)
}

// roomIn returns the first set with room in each of its buckets, or how long the first one takes to
// have it.
func roomIn(tx *gorm.DB, sets [][]member.Bucket, now time.Time) (fits []member.Bucket, retryAfter time.Duration, err error) {
	var keys []string
	for _, bucket := range slices.Concat(sets...) {
		keys = append(keys, bucket.Key)
	}
	emptyAt := map[string]int64{}
	err = eachRow(tx, func(scan func(...any) error) error {
		var (
			bucket string
			at     int64
		)
		err := scan(&bucket, &at)
		emptyAt[bucket] = at
		return err
	}, "SELECT bucket, empty_at FROM attempts WHERE bucket IN ?", keys)
	if err != nil {
		return nil, 0, err
	}
	for i, set := range sets {
		var wait time.Duration
		for _, bucket := range set {
			if at, used := emptyAt[bucket.Key]; used {
				wait = max(wait, instant(at).Add(-time.Duration(bucket.Burst-1)*bucket.Every).Sub(now))
			}
		}
		if wait == 0 {
			return set, 0, nil
		}
		if i == 0 || wait < retryAfter {
			retryAfter = wait
		}
	}
	return nil, retryAfter, nil
}

// takeFrom takes an attempt from each of the buckets, which have room, and deletes some that are
// empty.
func takeFrom(tx *gorm.DB, buckets []member.Bucket, now time.Time) error {
	if err := exec(tx, "DELETE FROM attempts WHERE bucket IN (SELECT bucket FROM attempts WHERE empty_at < ? LIMIT 100)", millis(now)); err != nil {
		return err
	}
	for _, bucket := range buckets {
		err := exec(tx, `
			INSERT INTO attempts (bucket, empty_at) VALUES (?, ?)
			ON CONFLICT (bucket) DO UPDATE SET empty_at = max(empty_at, ?) + ?`,
			bucket.Key, millis(now.Add(bucket.Every)), millis(now), bucket.Every.Milliseconds())
		if err != nil {
			return err
		}
	}
	return nil
}

// ReturnAttempt implements [member.Store].
func (db *DB) ReturnAttempt(ctx context.Context, buckets []member.Bucket) error {
	return db.write(ctx, func(tx *gorm.DB) (err error) {
		for _, bucket := range buckets {
			if bucket.Own {
				err = exec(tx, "DELETE FROM attempts WHERE bucket = ?", bucket.Key)
			} else {
				err = exec(tx, "UPDATE attempts SET empty_at = empty_at - ? WHERE bucket = ?", bucket.Every.Milliseconds(), bucket.Key)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// SignedInFrom implements [member.Store].
func (db *DB) SignedInFrom(ctx context.Context, id member.ID, address string, since time.Time) (found bool, err error) {
	err = queryRow(db.read(ctx), "SELECT EXISTS (SELECT 1 FROM sessions WHERE member_id = ? AND address = ? AND authenticated_at >= ?)",
		id.String(), address, millis(since)).Scan(&found)
	return found, unavailable(err)
}
