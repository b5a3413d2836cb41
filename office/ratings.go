package office

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// satisfied is the lowest of the scores 1 to 5 that counts as 满意.
const satisfied = 4

// RateCase keeps what the applicant thinks of how a case was dealt with: a score
// of 1 to 5 and a reason. The last rating counts. c was read for the applicant
// or with its code.
func (db *DB) RateCase(ctx context.Context, c Case, score int, reason string) error {
	reason = strings.TrimSpace(cleanText(reason))
	switch {
	case c.Hats&Applicant == 0:
		return errNoCase
	case score < 1 || score > 5:
		return invalid("请打 1 到 5 分，例如“评价 %s 5”。", c.No)
	case utf8.RuneCountInString(reason) > maxReason:
		return invalid("原因最多写 %d 个字。", maxReason)
	case c.Answered.IsZero():
		return conflict("这件事还没有答复，答复以后再评价。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO ratings (case_id, at, score, reason) VALUES ($1, $2, $3, $4)
			ON CONFLICT (case_id) DO UPDATE SET at = excluded.at, score = excluded.score, reason = excluded.reason`, c.ID, db.now().Unix(), score, reason); err != nil {
			return fmt.Errorf("rate case: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET taken = $1 WHERE id = $2 AND taken = 0`, db.now().Unix(), c.ID); err != nil {
			return fmt.Errorf("rate case: %w", err)
		}
		if score < 3 {
			if err := db.tellDesk(ctx, tx, c, "low", fmt.Sprintf("%s 得了 %d 分。请看原因，需要时回复“重办 %s 原因”。", c.No, score, c.No)); err != nil {
				return err
			}
		}
		return db.audit(ctx, tx, "resident", "rate", c.No, fmt.Sprint(score))
	})
}

// CaseFigures are counts of cases over a period.
type CaseFigures struct {
	Opened    int            `json:"opened"`    // handed in
	Closed    int            `json:"closed"`    // archived, merged or withdrawn
	Open      int            `json:"open"`      // now
	Overdue   int            `json:"overdue"`   // now
	Due       int            `json:"due"`       // answers that were promised for a day of the period
	InTime    int            `json:"in_time"`   // of these, answered by then
	Rated     int            `json:"rated"`     // ratings given
	Satisfied int            `json:"satisfied"` // of these, 4 or 5
	ByMatter  map[string]int `json:"by_matter"` // handed in, by Matter.Key
}

// Satisfaction is 满意率, which is never said without how many rated.
func (f CaseFigures) Satisfaction() string {
	return rate(f.Satisfied, f.Rated, "暂无评价（n=0）")
}

// OnTime is 按期答复率: of the answers promised for a day of the period by the
// calendar of working days, those given by then.
func (f CaseFigures) OnTime() string { return rate(f.InTime, f.Due, "没有到期的（n=0）") }

// rate is rounded half up to one decimal place.
func rate(part, whole int, none string) string {
	if whole == 0 {
		return none
	}
	tenths := (part*2000 + whole) / (2 * whole)
	return fmt.Sprintf("%d.%d%%（n=%d）", tenths/10, tenths%10, whole)
}

// CaseFigures counts the cases of the days from to to, both inclusive.
func (db *DB) CaseFigures(ctx context.Context, from, to time.Time) (CaseFigures, error) {
	return db.caseFigures(ctx, db.period(from, to), "1 = 1")
}

// caseFigures counts the cases of a span for which where holds; its arguments
// are $2 and on.
func (db *DB) caseFigures(ctx context.Context, s span, where string, args ...any) (f CaseFigures, err error) {
	n, err := db.countCases(ctx, s, []string{"opened", "closed", "due", "in_time", "rated", "satisfied"}, where, args...)
	if err != nil {
		return f, fmt.Errorf("case figures: %w", err)
	}
	f = CaseFigures{Opened: n["opened"], Closed: n["closed"], Due: n["due"], InTime: n["in_time"], Rated: n["rated"], Satisfied: n["satisfied"], ByMatter: map[string]int{}}
	all := append([]any{s.within()}, args...)
	if err := db.read.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN state IN (`+standing+`) THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN due > 0 AND due < `+strconv.FormatInt(db.now().Unix(), 10)+` THEN 1 ELSE 0 END), 0) FROM cases WHERE path LIKE $1 AND `+where, all...).Scan(&f.Open, &f.Overdue); err != nil {
		return f, fmt.Errorf("case figures: %w", err)
	}
	return f, db.count(ctx, f.ByMatter, `SELECT matter, COUNT(*) FROM cases WHERE path LIKE $1 AND `+where+` AND `+caseIn("opened", s)+` GROUP BY matter`, all...)
}
