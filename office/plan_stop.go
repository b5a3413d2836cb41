package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// StopAll is the emergency stop: no plan fires and nothing more is sent to
// people, until it is taken back. Recalls still go out.
func (db *DB) StopAll(ctx context.Context, by Person, stop bool, why string) error {
	why = strings.TrimSpace(cleanText(why))
	switch {
	case !by.MayPublish():
		return forbidden("紧急停发由普法干部和管理员来按。")
	case stop && why == "":
		return invalid("写一句为什么停，别人才知道什么时候能恢复。")
	case utf8.RuneCountInString(why) > maxPieceNote:
		return invalid("原因最多 %d 个字。", maxPieceNote)
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		query, args, verb := `DELETE FROM properties WHERE name = $1`, []any{stopName}, "resume publishing"
		if stop {
			query, verb = `INSERT INTO properties (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, "stop publishing"
			args = append(args, by.label()+"："+why)
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("stop publishing: %w", err)
		}
		return db.audit(ctx, tx, actor(by), verb, "publishing", why)
	})
}

// Stopped says whether all publishing is stopped, by whom and why.
func (db *DB) Stopped(ctx context.Context) (why string, is bool, err error) {
	return stopped(ctx, db.read)
}

func stopped(ctx context.Context, q querier) (why string, is bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM properties WHERE name = $1`, stopName).Scan(&why)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("stopped: %w", err)
	}
	return why, true, nil
}

// SetQuiet makes a day (2026-12-13) one on which nothing is published, or, with an
// empty reason, a day like others.
func (db *DB) SetQuiet(ctx context.Context, by Person, day, why string) error {
	why = strings.TrimSpace(cleanText(why))
	d, err := time.Parse(time.DateOnly, day)
	switch {
	case !by.MayPublish():
		return forbidden("静默日由普法干部和管理员来设。")
	case err != nil:
		return invalid("日期写成 2026-12-13。")
	case utf8.RuneCountInString(why) > maxPieceNote:
		return invalid("原因最多 %d 个字。", maxPieceNote)
	}
	day = d.Format(time.DateOnly)
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM quiet_days WHERE day = $1`, day); err != nil {
			return fmt.Errorf("quiet day: %w", err)
		}
		if why != "" {
			if _, err := tx.ExecContext(ctx, `INSERT INTO quiet_days (day, why, by_name) VALUES ($1, $2, $3)`, day, why, by.label()); err != nil {
				return fmt.Errorf("quiet day: %w", err)
			}
		}
		return db.audit(ctx, tx, actor(by), "quiet day", day, why)
	})
}

// QuietDays lists the days on which nothing is published, with the reasons.
func (db *DB) QuietDays(ctx context.Context) (map[string]string, error) {
	return quietDays(ctx, db.read)
}

func quietDays(ctx context.Context, q querier) (quiet, error) {
	rows, err := q.QueryContext(ctx, `SELECT day, why FROM quiet_days ORDER BY day DESC LIMIT 400`)
	if err != nil {
		return nil, fmt.Errorf("quiet days: %w", err)
	}
	defer rows.Close()
	days := quiet{}
	for rows.Next() {
		var day, why string
		if err := rows.Scan(&day, &why); err != nil {
			return nil, fmt.Errorf("quiet days: %w", err)
		}
		days[day] = why
	}
	return days, rows.Err()
}
