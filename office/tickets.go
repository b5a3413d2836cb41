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

// ticketHeading is that of a table of work orders (12345 and the like) that come
// in; the first three columns must be there.
var ticketHeading = []string{"工单编号", "诉求内容", "事发地点", "来电人", "联系电话", "诉求类型", "受理时间", "答复时限"}

// ticketTimes are the ways times are written in such tables.
var ticketTimes = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006-01-02", "2006/1/2", "2006年1月2日"}

// ticketTime reads a time of China; a day alone means its end if end is set.
func ticketTime(s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range ticketTimes {
		if t, err := time.ParseInLocation(layout, s, china); err == nil {
			if end && !strings.Contains(layout, "15") {
				t = endOfDay(t)
			}
			return t, nil
		}
	}
	return time.Time{}, invalid("时间“%s”要写成 2026-11-22 09:30 的样子。", s)
}

// ImportTickets opens a case for each work order of a table, once for each number
// of theirs; one that is there already is left as it is.
func (db *DB) ImportTickets(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importTickets(ctx, by, rows, dry, func(Case) error { return nil })
}

// ImportTicketsFor is ImportTickets for a clerk or administrator: each work order
// must be of a place that is theirs.
func (db *DB) ImportTicketsFor(ctx context.Context, by Person, rows [][]string, dry bool) (Import, error) {
	return db.importTickets(ctx, actor(by), rows, dry, func(c Case) error {
		if !by.Covers(c.path, Clerk, Admin) {
			return notFound("“%s”不归您管。", c.Place)
		}
		return nil
	})
}

func (db *DB) importTickets(ctx context.Context, by string, rows [][]string, dry bool, may func(Case) error) (Import, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return Import{}, err
	}
	same := 0
	rep, err := db.importRows(ctx, rows, ticketHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		again, err := db.importTicket(ctx, tx, key, by, row, may)
		if again {
			same++
		}
		return err
	})
	rep.Same = same
	return rep, err
}

func (db *DB) importTicket(ctx context.Context, tx *sql.Tx, key []byte, by string, row map[string]string, may func(Case) error) (again bool, err error) {
	no := row["工单编号"]
	if no == "" || utf8.RuneCountInString(no) > 60 || hasControl(no) {
		return false, invalid("工单编号要写 1 到 60 个字。")
	}
	var there int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tickets WHERE no = $1`, no).Scan(&there); err != nil || there > 0 {
		return there > 0, err
	}
	d := Draft{Request: "ticket#" + no, Via: ViaTicket, Matter: row["诉求类型"], Name: row["来电人"], Phone: strings.ReplaceAll(row["联系电话"], " ", ""), Place: row["事发地点"], Story: row["诉求内容"]}
	received, err := ticketTime(row["受理时间"], false)
	if err != nil {
		return false, err
	}
	if d.Promise, err = ticketTime(row["答复时限"], true); err != nil {
		return false, err
	}
	if !d.Promise.IsZero() && d.Promise.Before(received) {
		return false, invalid("答复时限早于受理时间。")
	}
	if err := d.check(); err != nil {
		return false, err
	}
	o := opening{db: db, key: key, by: Person{Name: "工单导入"}, d: d}
	if err := o.run(ctx, tx); err != nil {
		return false, err
	}
	if err := may(o.c); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO tickets (no, case_id, received, due, at) VALUES ($1, $2, $3, $4, $5)`, no, o.out.Case.ID, unix(received), unix(d.Promise), db.now().Unix()); err != nil {
		return false, fmt.Errorf("import work order: %w", err)
	}
	return false, db.audit(ctx, tx, by, "import ticket", o.out.Case.No, no)
}

// Ticket is what became of one work order.
type Ticket struct {
	No, Case               string // theirs, and ours
	State                  State
	At, Promised, Answered time.Time // At: imported; Answered is zero until it is
	Answer, Approver       string
	Score                  int // 1 to 5; 0: not rated
}

// InTime says whether it was answered by the promised time: 是, 否 or 未到期.
func (t Ticket) InTime(now time.Time) string {
	switch {
	case !t.Answered.IsZero() && !t.Answered.After(t.Promised):
		return "是"
	case !t.Answered.IsZero() || t.Promised.Before(now):
		return "否"
	}
	return "未到期"
}

// Tickets lists the work orders imported in the days from to to whose cases by
// works on or leads, the oldest first. A restricted case's answer stays here.
func (db *DB) Tickets(ctx context.Context, by Person, from, to time.Time) (list []Ticket, err error) {
	var w clause
	w.visible(by, false)
	a := w.arg(time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, china).Unix())
	b := w.arg(time.Date(to.Year(), to.Month(), to.Day()+1, 0, 0, 0, 0, china).Unix())
	err = db.each(ctx, func(rows *sql.Rows) error {
		t, mine, err := scanTicket(rows, by)
		if mine {
			list = append(list, t)
		}
		return err
	}, `SELECT t.no, c.no, c.state, t.at, c.promised, c.answered, c.answer, c.approver, c.restricted, c.path, c.holder, c.cleared_only, COALESCE(r.score, 0)
		FROM tickets t JOIN cases c ON c.id = t.case_id LEFT JOIN ratings r ON r.case_id = c.id
		WHERE t.case_id IN (SELECT id FROM cases WHERE `+w.where()+`) AND t.at >= `+a+` AND t.at < `+b+` ORDER BY t.at, t.no LIMIT `+w.arg(maxRows), w.args...)
	if err != nil {
		return nil, fmt.Errorf("work orders: %w", err)
	}
	return list, nil
}

// scanTicket reads a work order, and says whether by works on its case or leads
// there: who only handed a case in sees no answer.
func scanTicket(rows *sql.Rows, by Person) (t Ticket, mine bool, err error) {
	var c Case
	var at, promised, answered int64
	var restricted, guarded int
	if err := rows.Scan(&t.No, &t.Case, &t.State, &at, &promised, &answered, &t.Answer, &t.Approver, &restricted, &c.path, &c.Holder, &guarded, &t.Score); err != nil {
		return t, false, err
	}
	t.At, t.Promised, t.Answered = fromUnix(at), fromUnix(promised), fromUnix(answered)
	if restricted != 0 && t.Answer != "" {
		t.Answer = "已答复本人（涉及隐私，不在此列出）"
	}
	c.guarded = guarded != 0
	return t, hats(by, c)&inside != 0, nil
}

// TicketTable gives work orders as the other system reads them.
func TicketTable(list []Ticket, now time.Time) [][]string {
	table := [][]string{{"工单编号", "办件编号", "状态", "导入时间", "答复时限", "答复时间", "是否按期", "答复内容", "答复单位", "评价"}}
	for _, t := range list {
		rating := ""
		if t.Score > 0 {
			rating = fmt.Sprintf("%d分", t.Score)
		}
		table = append(table, []string{t.No, t.Case, t.State.Name(), minute(t.At), minute(t.Promised), minute(t.Answered), t.InTime(now), t.Answer, t.Approver, rating})
	}
	return table
}

func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(china).Format("2006-01-02 15:04")
}

// TicketOf gives the number of the work order that a case came from; "" if it
// came from none.
func (db *DB) TicketOf(ctx context.Context, c Case) (no string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT no FROM tickets WHERE case_id = $1 ORDER BY at LIMIT 1`, c.ID).Scan(&no)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("work order: %w", err)
	}
	return no, nil
}

// MatterFigures counts the cases of one matter over a period.
type MatterFigures struct {
	Opened    int `json:"opened"`
	Open      int `json:"open"` // now
	Overdue   int `json:"overdue"`
	Due       int `json:"due"`
	InTime    int `json:"in_time"`
	Rated     int `json:"rated"`
	Satisfied int `json:"satisfied"`
}

// OnTime and Satisfaction are as those of CaseFigures.
func (f MatterFigures) OnTime() string { return CaseFigures{Due: f.Due, InTime: f.InTime}.OnTime() }

// Satisfaction is 满意率 of the matter, with its n.
func (f MatterFigures) Satisfaction() string {
	return CaseFigures{Rated: f.Rated, Satisfied: f.Satisfied}.Satisfaction()
}

// MatterFigures counts the cases of a matter (Matter.Key), or those that came in
// as work orders if it is ViaTicket, of the days from to to.
func (db *DB) MatterFigures(ctx context.Context, matter string, from, to time.Time) (f MatterFigures, err error) {
	return db.matterFigures(ctx, db.period(from, to), matter)
}

func (db *DB) matterFigures(ctx context.Context, s span, matter string) (f MatterFigures, err error) {
	column := "matter"
	if matter == ViaTicket {
		column = "via"
	}
	c, err := db.caseFigures(ctx, s, column+" = $2", matter)
	return MatterFigures{Opened: c.Opened, Open: c.Open, Overdue: c.Overdue, Due: c.Due, InTime: c.InTime, Rated: c.Rated, Satisfied: c.Satisfied}, err
}
