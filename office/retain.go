package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// retainBatch is how many cases one transaction of Retain erases, so that others
// need not wait long.
const retainBatch = 100

// Retain erases what was kept for its time, and returns how many rows of what.
// It puts the counts into the audit if there were any. In a dry run nothing
// changes. Two processes may call it at once.
func (db *DB) Retain(ctx context.Context, by string, keep Keep, dry bool) (map[string]int, error) {
	done := map[string]int{}
	if err := db.retainCases(ctx, by, keep, dry, done); err != nil {
		return done, err
	}
	if err := db.retainOrders(ctx, keep, dry, done); err != nil {
		return done, err
	}
	if err := db.retainRows(ctx, keep, dry, done); err != nil {
		return done, err
	}
	if dry || len(done) == 0 {
		return done, nil
	}
	var parts []string
	for what, n := range done {
		parts = append(parts, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(parts)
	return done, db.update(ctx, func(tx *sql.Tx) error {
		return db.audit(ctx, tx, by, "retention", "records", strings.Join(parts, ", "))
	})
}

func (db *DB) retainCases(ctx context.Context, by string, keep Keep, dry bool, done map[string]int) error {
	if keep.Cases == 0 {
		return nil
	}
	limit := db.now().AddDate(0, 0, -keep.Cases).Unix()
	if dry {
		return db.tally(ctx, done, "事项", `SELECT COUNT(*) FROM cases WHERE closed > 0 AND closed <= $1 AND erased = 0`, limit)
	}
	return db.batches(ctx, done, "事项", func(tx *sql.Tx) (int, error) {
		rows, err := tx.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE closed > 0 AND closed <= $1 AND erased = 0 ORDER BY id LIMIT $2`, limit, retainBatch)
		if err != nil {
			return 0, err
		}
		list, err := scanCases(rows)
		if err != nil {
			return 0, err
		}
		for _, c := range list {
			if err := db.eraseCase(ctx, tx, by, c); err != nil {
				return 0, err
			}
		}
		return len(list), nil
	})
}

// retainOrders takes who ordered out of lectures that are as long over as cases
// are kept.
func (db *DB) retainOrders(ctx context.Context, keep Keep, dry bool, done map[string]int) error {
	if keep.Cases == 0 {
		return nil
	}
	limit := db.now().AddDate(0, 0, -keep.Cases).Unix()
	if dry {
		return db.tally(ctx, done, "讲座订单", `SELECT COUNT(*) FROM orders WHERE ends <= $1 AND phone <> ''`, limit)
	}
	return db.batches(ctx, done, "讲座订单", func(tx *sql.Tx) (int, error) {
		ids, err := numbers(ctx, tx, `SELECT id FROM orders WHERE ends <= $1 AND phone <> '' ORDER BY id LIMIT $2`, limit, retainBatch)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			if err := db.eraseOrder(ctx, tx, id); err != nil {
				return 0, err
			}
		}
		return len(ids), nil
	})
}

// batches runs f, each time in a transaction of its own, until it has done nothing.
func (db *DB) batches(ctx context.Context, done map[string]int, what string, f func(tx *sql.Tx) (int, error)) error {
	for {
		n := 0
		err := db.update(ctx, func(tx *sql.Tx) (err error) {
			n, err = f(tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("retain %s: %w", what, err)
		}
		if n == 0 {
			return nil
		}
		done[what] += n
	}
}

func (db *DB) tally(ctx context.Context, into map[string]int, what, query string, args ...any) error {
	var n int
	if err := db.read.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return fmt.Errorf("count %s: %w", what, err)
	}
	if n > 0 {
		into[what] += n
	}
	return nil
}

// codesFor is how long codes that are used or out of date are kept, so that it
// can be seen that they were used.
const codesFor = 30 * 24 * time.Hour

// retainRows does the tables whose rows go, or lose their text, by age alone.
func (db *DB) retainRows(ctx context.Context, keep Keep, dry bool, done map[string]int) error {
	before := func(days int) int64 {
		if days == 0 {
			return 0
		}
		return db.now().AddDate(0, 0, -days).Unix()
	}
	codes := db.now().Add(-codesFor).Unix()
	rows := []struct {
		what, table, where, change string
		limit                      int64
	}{
		{"通知", "notices", `body <> '' AND created < $1 AND (case_id IS NULL OR case_id IN (SELECT id FROM cases WHERE closed > 0))`, db.emptyNotices(), before(keep.Notices)},
		{"咨询记录", "consults", `at < $1 AND person NOT LIKE 'x%'`, `UPDATE consults SET person = 'x' || id, session = 'x' || id, reason = ''`, before(keep.Consults)},
		{"查看记录", "reads", `at < $1`, `DELETE FROM reads`, before(keep.Reads)},
		{"邀请码", "invites", `expires < $1`, `DELETE FROM invites`, codes},
		{"同意码", "consents", `expires < $1`, `DELETE FROM consents`, codes},
	}
	if dry {
		for _, r := range rows {
			if err := db.tally(ctx, done, r.what, `SELECT COUNT(*) FROM `+r.table+` WHERE `+r.where, r.limit); err != nil {
				return err
			}
		}
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, r := range rows {
			got, err := tx.ExecContext(ctx, r.change+` WHERE `+r.where, r.limit)
			if err != nil {
				return fmt.Errorf("retain %s: %w", r.what, err)
			}
			if n, err := got.RowsAffected(); err == nil && n > 0 {
				done[r.what] += int(n)
			}
		}
		return nil
	})
}

// RetainDaily calls Retain once a day of China, whichever process comes first.
func (db *DB) RetainDaily(ctx context.Context, keep Keep) (map[string]int, error) {
	day := db.now().In(china).Format(time.DateOnly)
	err := db.update(ctx, func(tx *sql.Tx) error {
		var mine string
		err := tx.QueryRowContext(ctx, `INSERT INTO properties (name, value) VALUES ('retained', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE properties.value < excluded.value RETURNING value`, day).Scan(&mine)
		if errors.Is(err, sql.ErrNoRows) {
			return errDryRun
		}
		return err
	})
	if errors.Is(err, errDryRun) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("retain: %w", err)
	}
	return db.Retain(ctx, "system", keep, false)
}
