package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mingbai/calendar"
)

// KindOrdered is the kind of an activity that was ordered from the menu; those
// come into the register by themselves when the lecture is done.
const KindOrdered = "点单普法"

// ActivityKinds are the kinds that reports count.
var ActivityKinds = []string{KindOrdered, "讲师团宣讲", "送法下乡入企", "法治跑团", "主题宣传", "以案释法", "咨询服务", "青少年法治课", "其他"}

// Activity is one thing that was done to spread the law.
type Activity struct {
	ID    int64  `json:"id"`
	Day   string `json:"day"` // ISO date
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Org   Org    `json:"org"` // who did it
	Place string `json:"place"`
	Heads int    `json:"heads"`
	Photo string `json:"photo"`
	Duty  int64  `json:"duty"`  // 0: none
	Order int64  `json:"order"` // 0: was not ordered
	Actor string `json:"actor"`
}

var activityHeading = []string{"日期", "类型", "名称", "部门", "地点", "人次", "照片", "责任编号"}

// addHeld puts a lecture that was held into the register.
func (db *DB) addHeld(ctx context.Context, tx *sql.Tx, by Person, o Order) error {
	return db.insertActivity(ctx, tx, Activity{Day: o.At.In(china).Format(time.DateOnly), Kind: KindOrdered, Title: o.Topic + "（" + o.No + "）",
		Org: Org{ID: o.Org}, Place: o.Unit, Heads: o.Came, Photo: o.Photo, Duty: o.Duty, Order: o.ID, Actor: by.label()})
}

func (db *DB) insertActivity(ctx context.Context, tx *sql.Tx, a Activity) error {
	r, err := tx.ExecContext(ctx, `INSERT INTO activities (day, kind, title, org, place, heads, photo, duty, order_id, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (day, kind, title, org, place) DO NOTHING`, a.Day, a.Kind, a.Title, a.Org.ID, a.Place, a.Heads, a.Photo, a.Duty, a.Order, a.Actor)
	if err != nil {
		return fmt.Errorf("activity: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return conflict("%s 在%s的“%s”已经登记过了。", a.Day, a.Place, a.Title)
	}
	return nil
}

// AddActivity writes an activity down; Org.ID, Day, Kind, Title and Heads count.
// by is for the audit.
func (db *DB) AddActivity(ctx context.Context, by string, a Activity) error {
	return db.update(ctx, func(tx *sql.Tx) error { return db.addActivity(ctx, tx, by, a) })
}

func (db *DB) addActivity(ctx context.Context, tx *sql.Tx, by string, a Activity) error {
	a.Title, a.Place, a.Photo, a.Actor, a.Order = strings.TrimSpace(cleanText(a.Title)), strings.TrimSpace(cleanText(a.Place)), strings.TrimSpace(cleanText(a.Photo)), by, 0
	day, err := time.Parse(time.DateOnly, a.Day)
	switch {
	case err != nil:
		return invalid("日期“%s”要写成 2026-12-04 这样。", a.Day)
	case day.After(calendar.Day(db.now())):
		return invalid("%s 还没到，办完再登记。", a.Day)
	case !slices.Contains(ActivityKinds, a.Kind) || a.Kind == KindOrdered:
		return invalid("类型“%s”不认识；可以是：%s。点单普法由订单自动登记。", a.Kind, strings.Join(ActivityKinds[1:], "、"))
	case a.Title == "" || utf8.RuneCountInString(a.Title) > maxField:
		return invalid("名称要写 1 到 %d 个字。", maxField)
	case utf8.RuneCountInString(a.Place) > maxField || utf8.RuneCountInString(a.Photo) > maxReason:
		return invalid("地点或照片的位置太长。")
	case a.Heads < 0 || a.Heads > 1000000:
		return invalid("人次要写 0 到 1000000 的数字。")
	}
	if _, err := orgByID(ctx, tx, a.Org.ID); err != nil {
		return err
	}
	if a.Duty != 0 {
		d, err := dutyByID(ctx, tx, a.Duty)
		if err != nil {
			return err
		}
		if d.Org.ID != a.Org.ID {
			return invalid("责任 %d 是%s的，请核对。", a.Duty, d.Org.Name)
		}
	}
	if err := db.insertActivity(ctx, tx, a); err != nil {
		return err
	}
	return db.audit(ctx, tx, by, "add activity", a.Day, a.Kind)
}

// ImportActivities adds the activities of a table.
func (db *DB) ImportActivities(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importRows(ctx, rows, activityHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		o, err := orgNamed(ctx, tx, row["部门"])
		if err != nil {
			return err
		}
		a := Activity{Day: row["日期"], Kind: row["类型"], Title: row["名称"], Org: o, Place: row["地点"], Photo: row["照片"]}
		if a.Heads, err = strconv.Atoi(row["人次"]); err != nil {
			return invalid("人次“%s”不是数字。", row["人次"])
		}
		if row["责任编号"] != "" {
			if a.Duty, err = strconv.ParseInt(row["责任编号"], 10, 64); err != nil {
				return invalid("责任编号“%s”不是数字。", row["责任编号"])
			}
		}
		return db.addActivity(ctx, tx, by, a)
	})
}

// Activities lists the register of the days from to to, both inclusive, at most
// 5,000 rows.
func (db *DB) Activities(ctx context.Context, from, to time.Time) ([]Activity, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT a.id, a.day, a.kind, a.title, o.id, o.parent, o.kind, o.name, o.short, o.path, a.place, a.heads, a.photo, a.duty, a.order_id, a.actor
		FROM activities a JOIN orgs o ON o.id = a.org WHERE a.day >= $1 AND a.day <= $2 ORDER BY a.day, a.id LIMIT 5000`,
		calendar.Day(from).Format(time.DateOnly), calendar.Day(to).Format(time.DateOnly))
	if err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	defer rows.Close()
	var list []Activity
	for rows.Next() {
		var a Activity
		if err := rows.Scan(&a.ID, &a.Day, &a.Kind, &a.Title, &a.Org.ID, &a.Org.Parent, &a.Org.Kind, &a.Org.Name, &a.Org.Short, &a.Org.Path, &a.Place, &a.Heads, &a.Photo, &a.Duty, &a.Order, &a.Actor); err != nil {
			return nil, fmt.Errorf("activities: %w", err)
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// ActivityCount is 场次 and 人次 of one kind in one month.
type ActivityCount struct {
	Month string `json:"month"` // 2026-11
	Kind  string `json:"kind"`
	Times int    `json:"times"`
	Heads int    `json:"heads"`
}

// ActivityCounts counts the register by month and kind.
func (db *DB) ActivityCounts(ctx context.Context, from, to time.Time) ([]ActivityCount, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT SUBSTR(day, 1, 7) AS month, kind, COUNT(*), COALESCE(SUM(heads), 0) FROM activities
		WHERE day >= $1 AND day <= $2 GROUP BY SUBSTR(day, 1, 7), kind ORDER BY month, kind`,
		calendar.Day(from).Format(time.DateOnly), calendar.Day(to).Format(time.DateOnly))
	if err != nil {
		return nil, fmt.Errorf("activity counts: %w", err)
	}
	defer rows.Close()
	var list []ActivityCount
	for rows.Next() {
		var c ActivityCount
		if err := rows.Scan(&c.Month, &c.Kind, &c.Times, &c.Heads); err != nil {
			return nil, fmt.Errorf("activity counts: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// ActivityTable gives the register as a table for a report.
func ActivityTable(list []Activity) [][]string {
	rows := [][]string{activityHeading}
	for _, a := range list {
		duty := ""
		if a.Duty != 0 {
			duty = strconv.FormatInt(a.Duty, 10)
		}
		rows = append(rows, []string{a.Day, a.Kind, a.Title, a.Org.Name, a.Place, strconv.Itoa(a.Heads), a.Photo, duty})
	}
	return rows
}

// ActivityCountTable gives counts as a table for a report, with the sum last.
func ActivityCountTable(list []ActivityCount) [][]string {
	rows := [][]string{{"月份", "类型", "场次", "人次"}}
	times, heads := 0, 0
	for _, c := range list {
		times, heads = times+c.Times, heads+c.Heads
		rows = append(rows, []string{c.Month, c.Kind, strconv.Itoa(c.Times), strconv.Itoa(c.Heads)})
	}
	return append(rows, []string{"合计", "", strconv.Itoa(times), strconv.Itoa(heads)})
}

// LectureFigures are counts of ordered lectures. Held counts orders in the
// states 已完成 and 已评价 whose day lies in the period.
type LectureFigures struct {
	Ordered   int            `json:"ordered"` // orders that came in
	Accepted  int            `json:"accepted"`
	Held      int            `json:"held"`
	Heads     int            `json:"heads"` // who signed in
	Cancelled int            `json:"cancelled"`
	Rated     int            `json:"rated"`
	Satisfied int            `json:"satisfied"` // 4 or 5
	ByMonth   map[string]int `json:"by_month"`  // held, by month
	ByTopic   map[string]int `json:"by_topic"`  // held
	ByPlace   map[string]int `json:"by_place"`  // held, by organisation's name
}

// Satisfaction is 满意率 of the lectures, never without how many rated.
func (f LectureFigures) Satisfaction() string {
	return rate(f.Satisfied, f.Rated, "暂无评价（n=0）")
}

// LectureFigures counts the days from to to, both inclusive.
func (db *DB) LectureFigures(ctx context.Context, from, to time.Time) (LectureFigures, error) {
	return db.lectureFigures(ctx, db.period(calendar.Day(from), calendar.Day(to)))
}

func (db *DB) lectureFigures(ctx context.Context, s span) (LectureFigures, error) {
	f := LectureFigures{ByMonth: map[string]int{}, ByTopic: map[string]int{}, ByPlace: map[string]int{}}
	sum := func(when, what string) string {
		return `COALESCE(SUM(CASE WHEN ` + when + ` THEN ` + what + ` ELSE 0 END), 0)`
	}
	held := `x.state IN ('done', 'rated') AND x.at >= $1 AND x.at < $2`
	if err := db.read.QueryRowContext(ctx, `SELECT `+sum(`x.ordered >= $1 AND x.ordered < $2`, "1")+`, `+sum(held, "1")+`, `+sum(held, "x.came")+`,
		`+sum(`x.state = 'cancelled' AND x.ordered >= $1 AND x.ordered < $2`, "1")+`, `+sum(held+` AND x.score > 0`, "1")+`, `+sum(held+fmt.Sprintf(` AND x.score >= %d`, satisfied), "1")+`
		FROM orders x WHERE x.path LIKE $3`, s.a, s.b, s.within()).
		Scan(&f.Ordered, &f.Held, &f.Heads, &f.Cancelled, &f.Rated, &f.Satisfied); err != nil {
		return f, fmt.Errorf("lecture figures: %w", err)
	}
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(DISTINCT e.order_id) FROM order_events e JOIN orders x ON x.id = e.order_id
		WHERE e.verb = 'accept' AND e.at >= $1 AND e.at < $2 AND x.path LIKE $3`, s.a, s.b, s.within()).Scan(&f.Accepted); err != nil {
		return f, fmt.Errorf("lecture figures: %w", err)
	}
	rows, err := db.read.QueryContext(ctx, `SELECT x.at, x.topic, COALESCE(o.name, '') FROM orders x LEFT JOIN orgs o ON o.id = x.place_org WHERE x.path LIKE $3 AND `+held, s.a, s.b, s.within())
	if err != nil {
		return f, fmt.Errorf("lecture figures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var topic, place string
		if err := rows.Scan(&at, &topic, &place); err != nil {
			return f, fmt.Errorf("lecture figures: %w", err)
		}
		f.ByMonth[fromUnix(at).Format("2006-01")]++
		f.ByTopic[topic]++
		f.ByPlace[place]++
	}
	return f, rows.Err()
}
