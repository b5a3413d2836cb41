package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Rotate notes which advisers began, and hands cases of those who did not within
// their time to the next on the roster; when there is none, the desk is told.
func (db *DB) Rotate(ctx context.Context) error {
	now := db.now().Unix()
	var waiting int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM turns WHERE answered = 0 AND passed = 0`).Scan(&waiting); err != nil || waiting == 0 {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE turns SET answered = (SELECT MIN(e.at) FROM case_events e WHERE e.case_id = turns.case_id AND e.person = turns.person AND e.at >= turns.asked)
			WHERE answered = 0 AND passed = 0 AND EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = turns.case_id AND e.person = turns.person AND e.at >= turns.asked)`); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
		// Somebody else has the case by now, or it is over.
		if _, err := tx.ExecContext(ctx, `UPDATE turns SET passed = $1 WHERE answered = 0 AND passed = 0
			AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = turns.case_id AND c.holder = turns.person AND c.state = 'assigned')`, now); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
		late, err := lateTurns(ctx, tx, now)
		if err != nil {
			return err
		}
		for _, c := range late {
			if err := db.passOn(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func lateTurns(ctx context.Context, tx *sql.Tx, now int64) ([]Case, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE id IN (SELECT case_id FROM turns WHERE answered = 0 AND passed = 0 AND due < $1) ORDER BY id LIMIT 100`, now)
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	return scanCases(rows)
}

// passOn takes a case from an adviser who did not answer.
func (db *DB) passOn(ctx context.Context, tx *sql.Tx, c Case) error {
	next, ok, err := db.nextOnDuty(ctx, tx, c)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE turns SET passed = $1 WHERE case_id = $2 AND answered = 0 AND passed = 0`, db.now().Unix(), c.ID); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	if !ok {
		return db.tellDesk(ctx, tx, c, "unclaimed", fmt.Sprintf("%s 的值班法律顾问没有回应，值班表上也没有下一位了，请另派一位：回复“改派 %s 姓名 原因”。", c.No, c.No))
	}
	c.Holder = next.ID
	if err := save(ctx, tx, c); err != nil {
		return err
	}
	if err := db.event(ctx, tx, Person{Name: "值班轮转"}, &c, "reassign", c.State, "", "值班顾问没有回应，转给下一位"); err != nil {
		return err
	}
	if err := db.turn(ctx, tx, c, next); err != nil {
		return err
	}
	return db.audit(ctx, tx, "system", "reassign", c.No, "roster")
}

// unclaimedAfter is how long a new case may lie before those above the desk are
// told; our own measure.
const unclaimedAfter = 4 * time.Hour

// remindUnclaimed tells the administrators of new cases that nobody at the desk
// has even looked at: their notices were not taken, or there was nobody bound.
func (db *DB) remindUnclaimed(ctx context.Context, now time.Time) error {
	rows, err := db.read.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE state = 'new' AND closed = 0 AND opened < $1 AND opened > $2
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = cases.id AND n.kind = 'open' AND n.taken > 0)
		AND NOT EXISTS (SELECT 1 FROM reads r WHERE r.case_id = cases.id AND r.what <> 'log')
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = cases.id AND n.kind = 'unclaimed') ORDER BY id LIMIT 100`,
		now.Add(-unclaimedAfter).Unix(), now.AddDate(0, 0, -30).Unix())
	if err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	list, err := scanCases(rows)
	if err != nil || len(list) == 0 {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		leads, err := people(ctx, tx, PeopleFilter{Role: Admin})
		if err != nil {
			return err
		}
		for _, c := range list {
			for _, p := range leads {
				if !p.covers(Admin, c.path) {
					continue
				}
				body := fmt.Sprintf("%s（%s）来了 %d 小时还没有人看，请派人接手：回复“派单 %s 姓名”。", c.No, c.Urgency.Name(), int(now.Sub(c.Opened).Hours()), c.No)
				if err := db.tellOnce(ctx, tx, c, "unclaimed", fmt.Sprintf("unclaimed %d %d", c.ID, p.ID), "", p.ID, body); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// TurnFigures counts cases handed to advisers on duty over a period.
type TurnFigures struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"` // within the response clock
	Passed   int `json:"passed"`   // went on to the next
}

// Response is the share of turns that were answered in time.
func (f TurnFigures) Response() string { return rate(f.Answered, f.Asked, "没有派过（n=0）") }

// TurnFigures counts the days from to to, both inclusive.
func (db *DB) TurnFigures(ctx context.Context, from, to time.Time) (f TurnFigures, err error) {
	return db.turnFigures(ctx, db.period(from, to))
}

func (db *DB) turnFigures(ctx context.Context, s span) (f TurnFigures, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN t.answered > 0 AND t.answered <= t.due THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN t.passed > 0 THEN 1 ELSE 0 END), 0)
		FROM turns t JOIN cases c ON c.id = t.case_id WHERE t.asked >= $1 AND t.asked < $2 AND c.path LIKE $3`, s.a, s.b, s.within()).Scan(&f.Asked, &f.Answered, &f.Passed)
	if err != nil {
		return f, fmt.Errorf("turn figures: %w", err)
	}
	return f, nil
}
