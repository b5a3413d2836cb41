package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// keptSpent is how many days the spent tokens are kept, to be looked at.
const keptSpent = 62

// Spend takes n tokens from today's budget (a day of China) and says whether it
// held them; limit is what it holds in all. A negative n gives tokens back and
// always succeeds; what was taken before midnight and given back after it makes
// the new day's budget at most that much larger, never its use negative. It is
// one statement, so that processes that share the records share the budget.
// budget is kept only as a keyed hash.
func (db *DB) Spend(ctx context.Context, budget string, n, limit int) (bool, error) {
	if n > limit {
		return false, nil
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return false, err
	}
	now := db.now().In(china)
	day := now.Format(time.DateOnly)
	held := true
	err = db.update(ctx, func(tx *sql.Tx) error {
		var used int
		err := tx.QueryRowContext(ctx, `INSERT INTO spent (day, budget, tokens) VALUES ($1, $2, CASE WHEN CAST($3 AS BIGINT) > 0 THEN CAST($3 AS BIGINT) ELSE 0 END)
			ON CONFLICT (day, budget) DO UPDATE SET tokens = CASE WHEN spent.tokens + CAST($3 AS BIGINT) > 0 THEN spent.tokens + CAST($3 AS BIGINT) ELSE 0 END
			WHERE CAST($3 AS BIGINT) <= 0 OR spent.tokens + CAST($3 AS BIGINT) <= CAST($4 AS BIGINT) RETURNING tokens`,
			day, keyed(key, "budget", budget), n, limit).Scan(&used)
		if errors.Is(err, sql.ErrNoRows) {
			held = false
			return nil
		}
		if err != nil || used != n {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM spent WHERE day < $1`, now.AddDate(0, 0, -keptSpent).Format(time.DateOnly))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("spend tokens: %w", err)
	}
	return held, nil
}

// Spent gives how many tokens of a budget were used on a day of China.
func (db *DB) Spent(ctx context.Context, budget string, day time.Time) (int, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return 0, err
	}
	var n int
	err = db.read.QueryRowContext(ctx, `SELECT tokens FROM spent WHERE day = $1 AND budget = $2`,
		day.In(china).Format(time.DateOnly), keyed(key, "budget", budget)).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("spent tokens: %w", err)
	}
	return n, nil
}
