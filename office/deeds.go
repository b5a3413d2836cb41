package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// DeedKinds are what helpers and advisers note in their ledgers.
var DeedKinds = []string{"走访", "宣讲", "咨询", "调解", "审合同", "代办", "学习", "其他"}

// Deed is one thing a helper or adviser did.
type Deed struct {
	Person  Person `json:"person"`
	Day     string `json:"day"`  // "2026-11-22"
	Kind    string `json:"kind"` // of DeedKinds
	People  int    `json:"people"`
	Minutes int    `json:"minutes"`
	Note    string `json:"note"`
}

// Bounds of a deed.
const (
	maxDeedPeople  = 5000
	maxDeedMinutes = 24 * 60
)

// AddDeed notes what somebody did; the same once counts once. Forbidden for who
// keeps no ledger.
func (db *DB) AddDeed(ctx context.Context, d Deed, once string) error {
	d.Note = strings.TrimSpace(cleanText(d.Note))
	if d.Day == "" {
		d.Day = db.now().In(china).Format(time.DateOnly)
	}
	switch {
	case !d.Person.Has(Helper) && !d.Person.Has(Grid) && !d.Person.Has(Adviser) && !d.Person.Has(Mediator):
		return forbidden("台账是法律明白人、网格员、调解员和法律顾问记的。")
	case !slices.Contains(DeedKinds, d.Kind):
		return invalid("类别写其中一个：%s。", strings.Join(DeedKinds, "、"))
	case !validDay(d.Day) || d.Day > db.now().In(china).Format(time.DateOnly):
		return invalid("日期要写成 2026-11-22 的样子，不能是以后。")
	case d.People < 0 || d.People > maxDeedPeople || d.Minutes < 0 || d.Minutes > maxDeedMinutes:
		return invalid("人数最多 %d，时间最多 %d 分钟。", maxDeedPeople, maxDeedMinutes)
	case utf8.RuneCountInString(d.Note) > maxReason:
		return invalid("说明最多 %d 个字。", maxReason)
	}
	if once == "" {
		once = randomCode(26)
	}
	return db.update(ctx, func(tx *sql.Tx) error { return db.deed(ctx, tx, d, once) })
}

func (db *DB) deed(ctx context.Context, tx *sql.Tx, d Deed, once string) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO deeds (person, day, kind, people, minutes, note, once) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (once) DO NOTHING`,
		d.Person.ID, d.Day, d.Kind, d.People, d.Minutes, d.Note, once); err != nil {
		return fmt.Errorf("deed: %w", err)
	}
	return nil
}

// Ledger sums up what a person did in the days from to to.
type Ledger struct {
	Filed   int            `json:"filed"`   // cases handed in for others
	Handled int            `json:"handled"` // cases answered
	Lessons int            `json:"lessons"` // weeks learnt
	Kinds   map[string]int `json:"kinds"`   // deeds, by kind
	People  int            `json:"people"`  // whom they reached
	Minutes int            `json:"minutes"`
	Latest  []Deed         `json:"latest"`
}

// Ledger gives a person's own sums.
func (db *DB) Ledger(ctx context.Context, p Person, from, to time.Time) (Ledger, error) {
	l := Ledger{Kinds: map[string]int{}}
	a := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, china)
	b := time.Date(to.Year(), to.Month(), to.Day()+1, 0, 0, 0, 0, china)
	first, last := from.Format(time.DateOnly), to.Format(time.DateOnly)
	for _, q := range []struct {
		into  *int
		query string
	}{
		{&l.Filed, `SELECT COUNT(*) FROM cases WHERE filer = $1 AND opened >= $2 AND opened < $3`},
		{&l.Handled, `SELECT COUNT(*) FROM case_events WHERE person = $1 AND at >= $2 AND at < $3 AND verb = 'answer'`},
		{&l.Lessons, `SELECT COUNT(*) FROM lessons WHERE person = $1 AND at >= $2 AND at < $3`},
	} {
		if err := db.read.QueryRowContext(ctx, q.query, p.ID, a.Unix(), b.Unix()).Scan(q.into); err != nil {
			return l, fmt.Errorf("ledger: %w", err)
		}
	}
	err := db.each(ctx, func(rows *sql.Rows) error {
		d := Deed{Person: p}
		if err := rows.Scan(&d.Day, &d.Kind, &d.People, &d.Minutes, &d.Note); err != nil {
			return err
		}
		l.Kinds[d.Kind]++
		l.People += d.People
		l.Minutes += d.Minutes
		if len(l.Latest) < 5 {
			l.Latest = append(l.Latest, d)
		}
		return nil
	}, `SELECT day, kind, people, minutes, note FROM deeds WHERE person = $1 AND day >= $2 AND day <= $3 ORDER BY day DESC, id DESC LIMIT $4`, p.ID, first, last, maxRows)
	if err != nil {
		return l, fmt.Errorf("ledger: %w", err)
	}
	return l, nil
}

// LedgerTable gives everybody's deeds of the days from to to, with a row of sums
// for each person.
func (db *DB) LedgerTable(ctx context.Context, from, to time.Time) ([][]string, error) {
	table := [][]string{{"姓名", "机构", "日期", "类别", "人数", "分钟", "说明"}}
	var who []Person
	for _, r := range []Role{Helper, Grid, Adviser, Mediator} {
		list, err := db.People(ctx, PeopleFilter{Role: r})
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if !slices.ContainsFunc(who, func(q Person) bool { return q.ID == p.ID }) {
				who = append(who, p)
			}
		}
	}
	for _, p := range who {
		org := p.Posts[0].Org.Name
		n := len(table)
		err := db.each(ctx, func(rows *sql.Rows) error {
			var day, kind, note string
			var people, minutes int
			err := rows.Scan(&day, &kind, &people, &minutes, &note)
			table = append(table, []string{p.Name, org, day, kind, strconv.Itoa(people), strconv.Itoa(minutes), note})
			return err
		}, `SELECT day, kind, people, minutes, note FROM deeds WHERE person = $1 AND day >= $2 AND day <= $3 ORDER BY day, id LIMIT $4`, p.ID, from.Format(time.DateOnly), to.Format(time.DateOnly), maxRows)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		l, err := db.Ledger(ctx, p, from, to)
		if err != nil {
			return nil, err
		}
		if len(table) > n || l.Filed+l.Handled+l.Lessons > 0 {
			table = append(table, []string{p.Name, org, "合计", fmt.Sprintf("%d 次", len(table)-n), strconv.Itoa(l.People), strconv.Itoa(l.Minutes), fmt.Sprintf("代办 %d 件，答复 %d 件，学习 %d 周", l.Filed, l.Handled, l.Lessons)})
		}
	}
	return table, nil
}

// Week names the ISO week of a time of China: "2026-W48".
func Week(t time.Time) string {
	y, w := t.In(china).ISOWeek()
	return fmt.Sprintf("%d-W%02d", y, w)
}

// SaveLesson keeps how many of a week's questions somebody answered rightly, the
// best time counts; the first time goes into their ledger.
func (db *DB) SaveLesson(ctx context.Context, p Person, week string, good, asked int) error {
	switch {
	case !p.Has(Helper) && !p.Has(Grid):
		return forbidden("本周一学是给法律明白人和网格员的。")
	case asked < 1 || good < 0 || good > asked:
		return invalid("成绩不对。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO lessons (week, person, good, asked, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (week, person) DO UPDATE SET good = CASE WHEN excluded.good > lessons.good THEN excluded.good ELSE lessons.good END`, week, p.ID, good, asked, db.now().Unix()); err != nil {
			return fmt.Errorf("lesson: %w", err)
		}
		return db.deed(ctx, tx, Deed{Person: p, Day: db.now().In(china).Format(time.DateOnly), Kind: "学习", Minutes: 10, Note: "本周一学 " + week}, fmt.Sprintf("lesson %s %d", week, p.ID))
	})
}

// Lesson is the best result of a week; ok is false if it was not taken.
func (db *DB) Lesson(ctx context.Context, p Person, week string) (good, asked int, ok bool, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT good, asked FROM lessons WHERE week = $1 AND person = $2`, week, p.ID).Scan(&good, &asked)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, false, nil
	}
	if err != nil {
		return 0, 0, false, fmt.Errorf("lesson: %w", err)
	}
	return good, asked, true, nil
}

// TrainingFigures says how far the weekly lessons reach.
type TrainingFigures struct {
	Helpers int            `json:"helpers"` // not suspended
	Learnt  int            `json:"learnt"`  // took a lesson in the period
	Lessons int            `json:"lessons"`
	Good    int            `json:"good"` // right answers
	Asked   int            `json:"asked"`
	Deeds   map[string]int `json:"deeds"`   // by kind
	Reached int            `json:"reached"` // people they reached, added up
}

// Coverage is the share of helpers who learnt.
func (f TrainingFigures) Coverage() string {
	return rate(f.Learnt, f.Helpers, "没有法律明白人（n=0）")
}

// Right is the share of right answers.
func (f TrainingFigures) Right() string { return rate(f.Good, f.Asked, "没有人答题（n=0）") }

// TrainingFigures counts the days from to to, both inclusive.
func (db *DB) TrainingFigures(ctx context.Context, from, to time.Time) (TrainingFigures, error) {
	return db.trainingFigures(ctx, db.period(from, to))
}

func (db *DB) trainingFigures(ctx context.Context, s span) (TrainingFigures, error) {
	f := TrainingFigures{Deeds: map[string]int{}}
	helpers := `SELECT DISTINCT p.id FROM people p JOIN posts s ON s.person = p.id JOIN orgs o ON o.id = s.org WHERE p.suspended = 0 AND s.role = $1 AND o.path LIKE $4`
	if err := db.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM (`+helpers+`) h), COUNT(DISTINCT l.person), COUNT(*), COALESCE(SUM(l.good), 0), COALESCE(SUM(l.asked), 0)
		FROM lessons l WHERE l.at >= $2 AND l.at < $3 AND l.person IN (`+helpers+`)`, Helper.String(), s.a, s.b, s.within()).
		Scan(&f.Helpers, &f.Learnt, &f.Lessons, &f.Good, &f.Asked); err != nil {
		return f, fmt.Errorf("training figures: %w", err)
	}
	return f, db.each(ctx, func(rows *sql.Rows) error {
		var kind string
		var n, reached int
		err := rows.Scan(&kind, &n, &reached)
		f.Deeds[kind], f.Reached = n, f.Reached+reached
		return err
	}, `SELECT d.kind, COUNT(*), COALESCE(SUM(d.people), 0) FROM deeds d WHERE d.day >= $1 AND d.day <= $2
		AND EXISTS (SELECT 1 FROM posts s JOIN orgs o ON o.id = s.org WHERE s.person = d.person AND o.path LIKE $3) GROUP BY d.kind`, s.first, s.last, s.within())
}
