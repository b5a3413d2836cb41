package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Everyone is the audience of a lecture or duty that is for all of Audiences.
const Everyone = "不限"

// oneAudience refuses an audience that is not known.
func oneAudience(a string) error {
	if a != Everyone && !slices.Contains(Audiences, a) {
		return invalid("对象“%s”不认识；可以是：%s、%s。", a, strings.Join(Audiences, "、"), Everyone)
	}
	return nil
}

// Lecture is one row of the menu.
type Lecture struct {
	ID        int64    `json:"id"`
	Topic     string   `json:"topic"`
	Audience  []string `json:"audience"` // of Audiences, or Everyone
	Minutes   int      `json:"minutes"`
	Org       Org      `json:"org"`      // the department that answers for it
	Lecturer  int64    `json:"lecturer"` // 0: the department names one
	By        string   `json:"by"`       // lecturer's name, "" if none is fixed
	Languages []string `json:"languages"`
	Extra     bool     `json:"extra"` // also in the evening and at weekends
	Duty      int64    `json:"duty"`  // 0: none
	Ended     bool     `json:"ended"`
}

// Line describes a lecture in one line of a menu.
func (l Lecture) Line() string {
	by := l.By
	if by == "" {
		by = l.Org.Name
	}
	s := fmt.Sprintf("%s（%d分钟，%s，%s", l.Topic, l.Minutes, strings.Join(l.Audience, "、"), by)
	if len(l.Languages) > 0 && !slices.Equal(l.Languages, []string{"普通话"}) {
		s += "，" + strings.Join(l.Languages, "、")
	}
	if l.Extra {
		s += "，晚上周末也行"
	}
	return s + "）"
}

// Lecturer is somebody of the 普法讲师团 (法治宣传教育法 第四十七条).
type Lecturer struct {
	ID        int64    `json:"id"`
	Name      string   `json:"name"`
	Org       Org      `json:"org"`
	Person    int64    `json:"person"` // 0: has no part in the chat
	Phone     string   `json:"phone"`
	Fields    []string `json:"fields"`
	Languages []string `json:"languages"`
	Away      bool     `json:"away"`
	Booked    int      `json:"booked"` // lectures still to come
	Held      int      `json:"held"`   // lectures held
}

// Headings of the tables of lecturers and lectures.
var (
	lecturerHeading = []string{"姓名", "部门", "电话", "专长", "语言", "停讲"}
	lectureHeading  = []string{"主题", "部门", "时长", "对象", "讲师", "语言", "晚上周末", "责任编号", "下架"}
)

func listed(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("、;；,，", r) })
}

func saysYes(s string) bool {
	return slices.Contains([]string{"是", "有", "可以", "1", "√", "Y", "y"}, s)
}

// ImportLecturers adds the lecturers of a table or changes those of the same
// name and department. Somebody with a post there is taken to be the lecturer.
func (db *DB) ImportLecturers(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importRows(ctx, rows, lecturerHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		o, err := orgNamed(ctx, tx, row["部门"])
		if err != nil {
			return err
		}
		name, fields, languages := row["姓名"], joined(listed(row["专长"])), joined(listed(row["语言"]))
		switch {
		case name == "" || utf8.RuneCountInString(name) > maxName || hasControl(name):
			return invalid("讲师姓名要写 1 到 %d 个字。", maxName)
		case row["电话"] != "" && !personPhone.MatchString(row["电话"]):
			return invalid("“%s”的电话看不懂。", name)
		case utf8.RuneCountInString(fields+languages) > maxList || hasControl(fields+languages):
			return invalid("“%s”的专长或语言太长。", name)
		}
		var person, id int64
		err = tx.QueryRowContext(ctx, `SELECT p.id FROM people p JOIN posts s ON s.person = p.id WHERE p.name = $1 AND s.org = $2 ORDER BY p.id LIMIT 1`, name, o.ID).Scan(&person)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("import lecturers: %w", err)
		}
		if err := tx.QueryRowContext(ctx, `INSERT INTO lecturers (name, org, person, phone, fields, languages, away, booked) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
			ON CONFLICT (name, org) DO UPDATE SET person = excluded.person, phone = excluded.phone, fields = excluded.fields, languages = excluded.languages, away = excluded.away RETURNING id`,
			name, o.ID, person, row["电话"], fields, languages, number(saysYes(row["停讲"]))).Scan(&id); err != nil {
			return fmt.Errorf("import lecturers: %w", err)
		}
		return db.audit(ctx, tx, by, "set lecturer", "lecturer "+strconv.FormatInt(id, 10), o.Name)
	})
}

// Lecturers lists the pool by name, with what they have before them.
func (db *DB) Lecturers(ctx context.Context) ([]Lecturer, error) { return lecturers(ctx, db.read, 0) }

func lecturers(ctx context.Context, q querier, id int64) ([]Lecturer, error) {
	rows, err := q.QueryContext(ctx, `SELECT l.id, l.name, l.person, l.phone, l.fields, l.languages, l.away, o.id, o.parent, o.kind, o.name, o.short, o.path,
		(SELECT COUNT(*) FROM orders x WHERE x.lecturer = l.id AND x.state IN ('dispatched', 'accepted', 'proposed')),
		(SELECT COUNT(*) FROM orders x WHERE x.lecturer = l.id AND x.state IN ('done', 'rated'))
		FROM lecturers l JOIN orgs o ON o.id = l.org WHERE CAST($1 AS BIGINT) = 0 OR l.id = CAST($1 AS BIGINT) ORDER BY l.name, l.id`, id)
	if err != nil {
		return nil, fmt.Errorf("lecturers: %w", err)
	}
	defer rows.Close()
	var list []Lecturer
	for rows.Next() {
		var l Lecturer
		var fields, languages string
		var away int
		if err := rows.Scan(&l.ID, &l.Name, &l.Person, &l.Phone, &fields, &languages, &away, &l.Org.ID, &l.Org.Parent, &l.Org.Kind, &l.Org.Name, &l.Org.Short, &l.Org.Path, &l.Booked, &l.Held); err != nil {
			return nil, fmt.Errorf("lecturers: %w", err)
		}
		l.Fields, l.Languages, l.Away = parted(fields), parted(languages), away != 0
		list = append(list, l)
	}
	return list, rows.Err()
}

func lecturerByID(ctx context.Context, q querier, id int64) (Lecturer, error) {
	list, err := lecturers(ctx, q, id)
	if err != nil {
		return Lecturer{}, err
	}
	if id == 0 || len(list) == 0 {
		return Lecturer{}, notFound("没有这位讲师。")
	}
	return list[0], nil
}

// LecturerNamed finds a lecturer by name, or by id when the text is a number.
func (db *DB) LecturerNamed(ctx context.Context, name string) (Lecturer, error) {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		return lecturerByID(ctx, db.read, id)
	}
	return lecturerNamed(ctx, db.read, name, 0)
}

// lecturerNamed finds the one lecturer of that name, of a department if org is
// not 0.
func lecturerNamed(ctx context.Context, q querier, name string, org int64) (Lecturer, error) {
	list, err := lecturers(ctx, q, 0)
	if err != nil {
		return Lecturer{}, err
	}
	list = slices.DeleteFunc(list, func(l Lecturer) bool { return l.Name != name || org != 0 && l.Org.ID != org })
	switch len(list) {
	case 0:
		return Lecturer{}, notFound("讲师库里没有“%s”。", name)
	case 1:
		return list[0], nil
	}
	return Lecturer{}, invalid("讲师库里有 %d 位“%s”，请用编号，例如 %d（%s）。", len(list), name, list[0].ID, list[0].Org.Name)
}

// LecturerTable gives lecturers as ImportLecturers reads them.
func LecturerTable(list []Lecturer, orgs []Org) [][]string {
	rows := [][]string{lecturerHeading}
	for _, l := range list {
		rows = append(rows, []string{l.Name, fullName(l.Org, orgs), l.Phone, strings.Join(l.Fields, "、"), strings.Join(l.Languages, "、"), yesNo(l.Away)})
	}
	return rows
}

func yesNo(b bool) string {
	if b {
		return "是"
	}
	return ""
}

var minutesPattern = regexp.MustCompile(`^([0-9]{2,3})(分钟|分)?$`)

// ImportLectures adds the lectures of a table to the menu, or changes those of
// the same topic.
func (db *DB) ImportLectures(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importRows(ctx, rows, lectureHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		l, err := readLecture(ctx, tx, row)
		if err != nil {
			return err
		}
		var id int64
		if err := tx.QueryRowContext(ctx, `INSERT INTO lectures (topic, audience, minutes, org, lecturer, languages, extra, duty, ended) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (topic) DO UPDATE SET audience = excluded.audience, minutes = excluded.minutes, org = excluded.org, lecturer = excluded.lecturer,
			languages = excluded.languages, extra = excluded.extra, duty = excluded.duty, ended = excluded.ended RETURNING id`,
			l.Topic, joined(l.Audience), l.Minutes, l.Org.ID, l.Lecturer, joined(l.Languages), number(l.Extra), l.Duty, ended(l.Ended, db.now().Unix())).Scan(&id); err != nil {
			return fmt.Errorf("import lectures: %w", err)
		}
		return db.audit(ctx, tx, by, "set lecture", "lecture "+strconv.FormatInt(id, 10), l.Topic)
	})
}

func ended(yes bool, now int64) int64 {
	if yes {
		return now
	}
	return 0
}

// maxTopic bounds the name of a lecture, in runes: it has to fit a menu.
const maxTopic = 30

func readLecture(ctx context.Context, q querier, row map[string]string) (Lecture, error) {
	l := Lecture{Topic: row["主题"], Audience: listed(row["对象"]), Languages: listed(row["语言"]), Extra: saysYes(row["晚上周末"]), Ended: saysYes(row["下架"])}
	m := minutesPattern.FindStringSubmatch(row["时长"])
	if len(l.Audience) == 0 {
		l.Audience = []string{Everyone}
	}
	for _, a := range l.Audience {
		if err := oneAudience(a); err != nil {
			return l, err
		}
	}
	switch {
	case l.Topic == "" || utf8.RuneCountInString(l.Topic) > maxTopic || hasControl(l.Topic):
		return l, invalid("主题要写 1 到 %d 个字。", maxTopic)
	case m == nil:
		return l, invalid("“%s”的时长要写分钟数，例如 60。", l.Topic)
	case utf8.RuneCountInString(row["语言"]) > maxName || hasControl(row["语言"]):
		return l, invalid("“%s”的语言太长。", l.Topic)
	}
	if l.Minutes, _ = strconv.Atoi(m[1]); l.Minutes < 10 || l.Minutes > 240 {
		return l, invalid("“%s”的时长要在 10 到 240 分钟之间。", l.Topic)
	}
	var err error
	if l.Org, err = orgNamed(ctx, q, row["部门"]); err != nil {
		return l, err
	}
	if row["讲师"] != "" {
		who, err := lecturerNamed(ctx, q, row["讲师"], l.Org.ID)
		if err != nil {
			return l, err
		}
		l.Lecturer = who.ID
	}
	if row["责任编号"] != "" {
		id, err := strconv.ParseInt(row["责任编号"], 10, 64)
		if err != nil {
			return l, invalid("责任编号“%s”不是数字。", row["责任编号"])
		}
		d, err := dutyByID(ctx, q, id)
		if err != nil {
			return l, err
		}
		if d.Org.ID != l.Org.ID {
			return l, invalid("责任 %d 是%s的，不是%s的。", id, d.Org.Name, l.Org.Name)
		}
		l.Duty = id
	}
	return l, nil
}

// Menu lists the lectures that can be ordered; for an audience if it is not
// empty. all gives those taken off too.
func (db *DB) Menu(ctx context.Context, audience string, all bool) ([]Lecture, error) {
	list, err := menu(ctx, db.read, 0)
	return slices.DeleteFunc(list, func(l Lecture) bool {
		return l.Ended && !all || audience != "" && !slices.Contains(l.Audience, audience) && !slices.Contains(l.Audience, Everyone)
	}), err
}

func menu(ctx context.Context, q querier, id int64) ([]Lecture, error) {
	rows, err := q.QueryContext(ctx, `SELECT l.id, l.topic, l.audience, l.minutes, l.lecturer, COALESCE(w.name, ''), l.languages, l.extra, l.duty, l.ended,
		o.id, o.parent, o.kind, o.name, o.short, o.path FROM lectures l JOIN orgs o ON o.id = l.org LEFT JOIN lecturers w ON w.id = l.lecturer
		WHERE CAST($1 AS BIGINT) = 0 OR l.id = CAST($1 AS BIGINT) ORDER BY l.id`, id)
	if err != nil {
		return nil, fmt.Errorf("menu: %w", err)
	}
	defer rows.Close()
	var list []Lecture
	for rows.Next() {
		var l Lecture
		var audience, languages string
		var extra int
		var ended int64
		if err := rows.Scan(&l.ID, &l.Topic, &audience, &l.Minutes, &l.Lecturer, &l.By, &languages, &extra, &l.Duty, &ended,
			&l.Org.ID, &l.Org.Parent, &l.Org.Kind, &l.Org.Name, &l.Org.Short, &l.Org.Path); err != nil {
			return nil, fmt.Errorf("menu: %w", err)
		}
		l.Audience, l.Languages, l.Extra, l.Ended = parted(audience), parted(languages), extra != 0, ended != 0
		list = append(list, l)
	}
	return list, rows.Err()
}

func lectureByID(ctx context.Context, q querier, id int64) (Lecture, error) {
	list, err := menu(ctx, q, id)
	if err != nil {
		return Lecture{}, err
	}
	if id == 0 || len(list) == 0 || list[0].Ended {
		return Lecture{}, notFound("菜单里没有这一项，请再看一遍菜单。")
	}
	return list[0], nil
}

// LectureTable gives the menu as ImportLectures reads it.
func LectureTable(list []Lecture, orgs []Org) [][]string {
	rows := [][]string{lectureHeading}
	for _, l := range list {
		duty := ""
		if l.Duty != 0 {
			duty = strconv.FormatInt(l.Duty, 10)
		}
		rows = append(rows, []string{l.Topic, fullName(l.Org, orgs), strconv.Itoa(l.Minutes), strings.Join(l.Audience, "、"), l.By, strings.Join(l.Languages, "、"), yesNo(l.Extra), duty, yesNo(l.Ended)})
	}
	return rows
}
