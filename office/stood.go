package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// stood moves the day that an answer is promised for by the time in which the
// clock stood because the person was to correct something (公证法 第三十条 leaves
// that time out; for other matters it is our own promise). A day that another
// system set stays.
func (db *DB) stood(ctx context.Context, tx *sql.Tx, c *Case, now time.Time) error {
	var theirs int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tickets WHERE case_id = $1 AND due > 0`, c.ID).Scan(&theirs); err != nil || theirs > 0 {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT verb, at FROM case_events WHERE case_id = $1 AND verb IN ('return', 'correct') ORDER BY id`, c.ID)
	if err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	defer rows.Close()
	var waited time.Duration
	var since time.Time
	for rows.Next() {
		var verb string
		var at int64
		if err := rows.Scan(&verb, &at); err != nil {
			return fmt.Errorf("deadline: %w", err)
		}
		if verb == "return" {
			since = fromUnix(at)
		} else {
			waited += fromUnix(at).Sub(since)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	waited += now.Sub(since)
	c.Promised, _ = due(ClockAnswer, MatterOf(c.Matter), c.Urgency, c.Opened.Add(waited), now)
	return nil
}
