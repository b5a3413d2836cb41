package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// NoticeRow is how a message to somebody stands. What it says is not in it.
type NoticeRow struct {
	ID                   int64
	Case                 string // number
	Kind                 string
	To                   string // a person's name; "" for the applicant
	Created, Sent, Taken time.Time
}

// State is how the message stands, in one word.
func (n NoticeRow) State() string {
	switch {
	case !n.Taken.IsZero():
		return "已取"
	case !n.Sent.IsZero():
		return "已发，没取"
	}
	return "等着"
}

// noticeNames are what people read of a notice's kind; those of steps are
// Event's.
var noticeNames = map[string]string{"open": "新件", "late": "催办", "call": "请打电话回访", "back": "回访", "alert": "预警", "low": "低分评价", "confirm": "司法确认提醒", "unclaimed": "没人取"}

// Name is what people read of the message's kind.
func (n NoticeRow) Name() string {
	if s := noticeNames[n.Kind]; s != "" {
		return s
	}
	return Event{Verb: n.Kind}.Name()
}

// NoticeFilter narrows a list of messages. Zero fields do not.
type NoticeFilter struct {
	Waiting bool // nobody took them yet
	Answers bool // to applicants, with an answer
	Limit   int  // 0: 50
	Offset  int
}

// NoticeList lists the messages about cases that p may know of, the newest
// first, and how many there are.
func (db *DB) NoticeList(ctx context.Context, p Person, f NoticeFilter) ([]NoticeRow, int, error) {
	var w clause
	w.visible(p, false)
	visible := "1 = 1"
	if len(w.and) > 0 {
		visible = "n.case_id IN (SELECT id FROM cases WHERE " + w.and[0] + ")"
	}
	where := "n.case_id IS NOT NULL AND " + visible
	if f.Waiting {
		where += " AND n.taken = 0"
	}
	if f.Answers {
		where += " AND n.kind = 'answer' AND n.person = 0"
	}
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM notices n WHERE `+where, w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("notices: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT n.id, COALESCE(c.no, ''), n.kind, COALESCE(p.name, ''), n.created, n.sent, n.taken FROM notices n
		LEFT JOIN cases c ON c.id = n.case_id LEFT JOIN people p ON p.id = n.person WHERE `+where+
		` ORDER BY n.id DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("notices: %w", err)
	}
	defer rows.Close()
	var list []NoticeRow
	for rows.Next() {
		var n NoticeRow
		var created, sent, taken int64
		if err := rows.Scan(&n.ID, &n.Case, &n.Kind, &n.To, &created, &sent, &taken); err != nil {
			return nil, 0, fmt.Errorf("notices: %w", err)
		}
		n.Created, n.Sent, n.Taken = fromUnix(created), fromUnix(sent), fromUnix(taken)
		list = append(list, n)
	}
	return list, total, rows.Err()
}

// OwnNotice is a message to somebody with a duty.
type OwnNotice struct {
	ID      int64
	Case    string // number; "" if it is about none
	Body    string
	Created time.Time
}

// OwnNotices lists up to n messages to a person that they have not taken yet, the
// newest first.
func (db *DB) OwnNotices(ctx context.Context, p Person, n int) ([]OwnNotice, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT n.id, COALESCE(c.no, ''), n.body, n.created FROM notices n LEFT JOIN cases c ON c.id = n.case_id
		WHERE n.person = $1 AND n.taken = 0 ORDER BY n.id DESC LIMIT $2`, p.ID, n)
	if err != nil {
		return nil, fmt.Errorf("own notices: %w", err)
	}
	defer rows.Close()
	var list []OwnNotice
	for rows.Next() {
		var x OwnNotice
		var created int64
		if err := rows.Scan(&x.ID, &x.Case, &x.Body, &created); err != nil {
			return nil, fmt.Errorf("own notices: %w", err)
		}
		x.Created = fromUnix(created)
		list = append(list, x)
	}
	return list, rows.Err()
}

// TakeOwnNotices notes that a person has read the messages to them up to the one
// with this id; what was not sent yet need not be sent any more.
func (db *DB) TakeOwnNotices(ctx context.Context, p Person, last int64) error {
	if p.ID == 0 {
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE notices SET taken = $1, sent = CASE WHEN sent = 0 THEN $1 ELSE sent END WHERE person = $2 AND taken = 0 AND id <= $3`,
			db.now().Unix(), p.ID, last); err != nil {
			return fmt.Errorf("take own notices: %w", err)
		}
		return nil
	})
}

// Rating is what an applicant thought of how a case was dealt with.
type Rating struct {
	Case   string // number
	Matter string // Matter.Key
	Score  int    // 1 to 5
	Reason string // the applicant's words
	At     time.Time
}

// RatingList is a page of ratings with the figures of all that fit.
type RatingList struct {
	Ratings []Rating
	Figures CaseFigures // Rated and Satisfied alone
	Low     int         // of these, 1 or 2
}

// RatingFilter narrows a list of ratings.
type RatingFilter struct {
	From, To time.Time // days, both inclusive
	Low      bool      // list 1 and 2 alone; the figures stay those of all
	Limit    int       // 0: 50
	Offset   int
}

// Ratings lists the ratings of cases that p may know of, the newest first.
func (db *DB) Ratings(ctx context.Context, p Person, f RatingFilter) (RatingList, error) {
	var w clause
	w.visible(p, false)
	a := time.Date(f.From.Year(), f.From.Month(), f.From.Day(), 0, 0, 0, 0, china).Unix()
	b := time.Date(f.To.Year(), f.To.Month(), f.To.Day()+1, 0, 0, 0, 0, china).Unix()
	where := "r.at >= " + w.arg(a) + " AND r.at < " + w.arg(b)
	if len(w.and) > 0 {
		where += " AND r.case_id IN (SELECT id FROM cases WHERE " + w.and[0] + ")"
	}
	var l RatingList
	if err := db.read.QueryRowContext(ctx, fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN score >= %d THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN score < 3 THEN 1 ELSE 0 END), 0) FROM ratings r WHERE `, satisfied)+where, w.args...).Scan(&l.Figures.Rated, &l.Figures.Satisfied, &l.Low); err != nil {
		return l, fmt.Errorf("ratings: %w", err)
	}
	if f.Low {
		where += " AND r.score < 3"
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT c.no, c.matter, r.score, r.reason, r.at FROM ratings r JOIN cases c ON c.id = r.case_id WHERE `+where+
		` ORDER BY r.at DESC, r.case_id DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return l, fmt.Errorf("ratings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Rating
		var at int64
		if err := rows.Scan(&r.Case, &r.Matter, &r.Score, &r.Reason, &at); err != nil {
			return l, fmt.Errorf("ratings: %w", err)
		}
		r.At = fromUnix(at)
		l.Ratings = append(l.Ratings, r)
	}
	return l, rows.Err()
}
