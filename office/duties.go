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

	"mingbai/calendar"
)

// lawPublicity is the law on legal education, in force since 2025-11-01.
const lawPublicity = "中华人民共和国法治宣传教育法"

// lectureBases are the articles that lectures, duties and prompts rest on.
func lectureBases() []Basis {
	return []Basis{
		{lawPublicity, "9", []string{"普法责任制"}},
		{lawPublicity, "47", []string{"普法讲师团"}},
		{lawPublicity, "57", []string{"应当及时发出普法提示", "应当及时采取改进措施并反馈相关情况"}},
		{lawPublicity, "59", []string{"未及时采取改进措施的，予以通报批评"}},
	}
}

// Duty is one row of a department's list: which law it has to spread, to whom
// and how often (谁执法谁普法).
type Duty struct {
	ID       int64     `json:"id"`
	Org      Org       `json:"org"`
	Law      string    `json:"law"`
	Content  string    `json:"content"`
	Audience []string  `json:"audience"`
	Months   int       `json:"months"` // an act is owed once in that many: 3, 6 or 12
	Since    time.Time `json:"since"`
	Ended    time.Time `json:"ended"` // zero: in force
}

var dutyHeading = []string{"部门", "法律法规", "普法内容", "对象", "频次", "停用"}

var dutyMonths = map[string]int{"每季度": 3, "每季": 3, "": 3, "每半年": 6, "半年": 6, "每年": 12, "一年": 12}

// Every is how often an act is owed, as people read it.
func (d Duty) Every() string {
	return map[int]string{3: "每季度", 6: "每半年", 12: "每年"}[d.Months]
}

// ImportDuties adds the duties of a table or changes those of the same
// department, law and content.
func (db *DB) ImportDuties(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	return db.importRows(ctx, rows, dutyHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		o, err := orgNamed(ctx, tx, row["部门"])
		if err != nil {
			return err
		}
		months, ok := dutyMonths[row["频次"]]
		audience := listed(row["对象"])
		switch {
		case row["法律法规"] == "" || utf8.RuneCountInString(row["法律法规"]) > maxField || hasControl(row["法律法规"]):
			return invalid("法律法规要写 1 到 %d 个字。", maxField)
		case row["普法内容"] == "" || utf8.RuneCountInString(row["普法内容"]) > 300 || hasControl(row["普法内容"]):
			return invalid("普法内容要写 1 到 300 个字，不带换行。")
		case !ok:
			return invalid("频次“%s”不认识；可以是：每季度、每半年、每年。", row["频次"])
		}
		for _, a := range audience {
			if err := oneAudience(a); err != nil {
				return err
			}
		}
		var id int64
		now := db.now().Unix()
		if err := tx.QueryRowContext(ctx, `INSERT INTO duties (org, law, content, audience, months, since, ended) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (org, law, content) DO UPDATE SET audience = excluded.audience, months = excluded.months,
			ended = CASE WHEN excluded.ended > 0 AND duties.ended > 0 THEN duties.ended ELSE excluded.ended END RETURNING id`,
			o.ID, row["法律法规"], row["普法内容"], joined(audience), months, now, ended(saysYes(row["停用"]), now)).Scan(&id); err != nil {
			return fmt.Errorf("import duties: %w", err)
		}
		return db.audit(ctx, tx, by, "set duty", "duty "+strconv.FormatInt(id, 10), o.Name)
	})
}

// Duties lists the duties by department; ended ones too if all is set.
func (db *DB) Duties(ctx context.Context, all bool) ([]Duty, error) {
	list, err := duties(ctx, db.read, 0)
	return slices.DeleteFunc(list, func(d Duty) bool { return !all && !d.Ended.IsZero() }), err
}

func duties(ctx context.Context, q querier, id int64) ([]Duty, error) {
	rows, err := q.QueryContext(ctx, `SELECT d.id, d.law, d.content, d.audience, d.months, d.since, d.ended, o.id, o.parent, o.kind, o.name, o.short, o.path
		FROM duties d JOIN orgs o ON o.id = d.org WHERE CAST($1 AS BIGINT) = 0 OR d.id = CAST($1 AS BIGINT) ORDER BY o.path, d.id`, id)
	if err != nil {
		return nil, fmt.Errorf("duties: %w", err)
	}
	defer rows.Close()
	var list []Duty
	for rows.Next() {
		var d Duty
		var audience string
		var since, ended int64
		if err := rows.Scan(&d.ID, &d.Law, &d.Content, &audience, &d.Months, &since, &ended, &d.Org.ID, &d.Org.Parent, &d.Org.Kind, &d.Org.Name, &d.Org.Short, &d.Org.Path); err != nil {
			return nil, fmt.Errorf("duties: %w", err)
		}
		d.Audience, d.Since, d.Ended = parted(audience), fromUnix(since), fromUnix(ended)
		list = append(list, d)
	}
	return list, rows.Err()
}

func dutyByID(ctx context.Context, q querier, id int64) (Duty, error) {
	list, err := duties(ctx, q, id)
	if err != nil {
		return Duty{}, err
	}
	if id == 0 || len(list) == 0 {
		return Duty{}, notFound("责任清单里没有编号 %d。", id)
	}
	return list[0], nil
}

// DutyTable gives duties as ImportDuties reads them.
func DutyTable(list []Duty, orgs []Org) [][]string {
	rows := [][]string{dutyHeading}
	for _, d := range list {
		rows = append(rows, []string{fullName(d.Org, orgs), d.Law, d.Content, strings.Join(d.Audience, "、"), d.Every(), yesNo(!d.Ended.IsZero())})
	}
	return rows
}

// Quarter names a quarter of a year: "2026Q4".
type Quarter string

// QuarterOf is the quarter a time falls in, in China.
func QuarterOf(t time.Time) Quarter {
	t = t.In(china)
	return Quarter(fmt.Sprintf("%dQ%d", t.Year(), (int(t.Month())+2)/3))
}

// ParseQuarter reads "2026Q4" or "2026年四季度".
func ParseQuarter(s string) (Quarter, error) {
	s = strings.NewReplacer("年", "Q", "第", "", "季度", "", "q", "Q", "一", "1", "二", "2", "三", "3", "四", "4", "QQ", "Q", " ", "").Replace(s)
	y, n, ok := strings.Cut(s, "Q")
	year, err1 := strconv.Atoi(y)
	quarter, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || year < 2000 || year > 2100 || quarter < 1 || quarter > 4 {
		return "", invalid("季度请写成 2026Q4 这样。")
	}
	return Quarter(fmt.Sprintf("%dQ%d", year, quarter)), nil
}

// Name is what people read: 2026年第4季度.
func (q Quarter) Name() string { return strings.Replace(string(q), "Q", "年第", 1) + "季度" }

// days gives the first day of the period of so many months that ends with the
// quarter, and its last day. owed is false if the period does not end with it: a
// half-yearly act is owed by June and December, a yearly one by December.
func (q Quarter) days(months int) (first, last time.Time, owed bool) {
	y, n, _ := strings.Cut(string(q), "Q")
	year, _ := strconv.Atoi(y)
	quarter, _ := strconv.Atoi(n)
	end := time.Date(year, time.Month(quarter*3+1), 1, 0, 0, 0, 0, time.UTC)
	return end.AddDate(0, -months, 0), end.AddDate(0, 0, -1), quarter*3%months == 0
}

// end is the last day of the quarter.
func (q Quarter) end() time.Time {
	_, last, _ := q.days(3)
	return last
}

// DutyPrompt is a 普法提示 to a department that did nothing for duties of its
// own (法治宣传教育法 第五十七条): drafted, sent, answered.
type DutyPrompt struct {
	ID       int64     `json:"id"`
	Org      Org       `json:"org"`
	Quarter  Quarter   `json:"quarter"`
	Body     string    `json:"body"`
	Drafted  time.Time `json:"drafted"`
	Due      time.Time `json:"due"` // until when the department is to answer
	Sent     time.Time `json:"sent"`
	SentBy   string    `json:"sent_by"`
	Answer   string    `json:"answer"`
	Answered time.Time `json:"answered"`
	Answerer string    `json:"answerer"`
}

// State is what people read of how a prompt stands.
func (p DutyPrompt) State(now time.Time) string {
	switch {
	case !p.Answered.IsZero():
		return "已反馈"
	case p.Sent.IsZero():
		return "草稿"
	case now.After(p.Due):
		return "超期未反馈"
	}
	return "待反馈"
}

// promptDays is how long a department has to answer, in working days: our own
// number, the law says 及时.
const promptDays = 15

// DraftPrompts writes a draft for each department with gaps in the quarter that
// has none yet, and gives all drafts of the quarter that were not sent.
func (db *DB) DraftPrompts(ctx context.Context, by string, q Quarter) ([]DutyPrompt, error) {
	err := db.update(ctx, func(tx *sql.Tx) error {
		states, err := dutyStates(ctx, tx, q, q.end())
		if err != nil {
			return err
		}
		gaps := map[int64][]Duty{}
		for _, s := range states {
			if s.Gap {
				gaps[s.Duty.Org.ID] = append(gaps[s.Duty.Org.ID], s.Duty)
			}
		}
		due, _ := calendar.Due(calendar.Day(db.now()), workdays(promptDays), false)
		for _, s := range states {
			list := gaps[s.Duty.Org.ID]
			if list == nil {
				continue
			}
			delete(gaps, s.Duty.Org.ID)
			if err := db.draftPrompt(ctx, tx, by, q, list, due); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all, err := db.DutyPrompts(ctx, q)
	return slices.DeleteFunc(all, func(p DutyPrompt) bool { return !p.Sent.IsZero() }), err
}

func (db *DB) draftPrompt(ctx context.Context, tx *sql.Tx, by string, q Quarter, list []Duty, due time.Time) error {
	o := list[0].Org
	// Drafts follow what is still missing; what was sent stays as it was.
	r, err := tx.ExecContext(ctx, `INSERT INTO duty_prompts (org, quarter, body, drafted, due, sent, sent_by, answer, answered, answerer) VALUES ($1, $2, $3, $4, $5, 0, '', '', 0, '')
		ON CONFLICT (org, quarter) DO UPDATE SET body = excluded.body, due = excluded.due WHERE duty_prompts.sent = 0 AND duty_prompts.body <> excluded.body`,
		o.ID, string(q), promptText(q, list, db.now(), due), db.now().Unix(), endOfDay(due).Unix())
	if err != nil {
		return fmt.Errorf("draft prompt: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return db.audit(ctx, tx, by, "draft prompt", string(q), o.Name)
}

func promptText(q Quarter, list []Duty, now, due time.Time) string {
	var b strings.Builder
	until := q.Name() + "末"
	if _, last, _ := q.days(3); calendar.Day(now).Before(last) {
		until = day(now)
	}
	fmt.Fprintf(&b, "普法提示\n\n%s：\n\n按照普法责任清单，截至%s，下列普法责任没有登记到已开展的活动、讲座或者推送：\n", list[0].Org.Name, until)
	for i, d := range list {
		fmt.Fprintf(&b, "%d. 《%s》：%s（%s一次", i+1, strings.Trim(d.Law, "《》"), d.Content, d.Every())
		if len(d.Audience) > 0 {
			fmt.Fprintf(&b, "，对象：%s", strings.Join(d.Audience, "、"))
		}
		b.WriteString("）\n")
	}
	fmt.Fprintf(&b, "\n根据《中华人民共和国法治宣传教育法》第五十七条，请及时采取改进措施，并在%d年%d月%d日前反馈相关情况。已经开展但没有登记的，请补登记活动的时间、地点、人次。\n", due.Year(), due.Month(), due.Day())
	return b.String()
}

// DutyPrompts lists the prompts of a quarter, or of all if it is empty, newest
// first.
func (db *DB) DutyPrompts(ctx context.Context, q Quarter) ([]DutyPrompt, error) {
	return prompts(ctx, db.read, q, 0)
}

func prompts(ctx context.Context, db querier, q Quarter, id int64) ([]DutyPrompt, error) {
	rows, err := db.QueryContext(ctx, `SELECT p.id, p.quarter, p.body, p.drafted, p.due, p.sent, p.sent_by, p.answer, p.answered, p.answerer, o.id, o.parent, o.kind, o.name, o.short, o.path
		FROM duty_prompts p JOIN orgs o ON o.id = p.org WHERE ($1 = '' OR p.quarter = $1) AND (CAST($2 AS BIGINT) = 0 OR p.id = CAST($2 AS BIGINT)) ORDER BY p.quarter DESC, o.path LIMIT 500`, string(q), id)
	if err != nil {
		return nil, fmt.Errorf("prompts: %w", err)
	}
	defer rows.Close()
	var list []DutyPrompt
	for rows.Next() {
		var p DutyPrompt
		var quarter string
		var drafted, due, sent, answered int64
		if err := rows.Scan(&p.ID, &quarter, &p.Body, &drafted, &due, &sent, &p.SentBy, &p.Answer, &answered, &p.Answerer, &p.Org.ID, &p.Org.Parent, &p.Org.Kind, &p.Org.Name, &p.Org.Short, &p.Org.Path); err != nil {
			return nil, fmt.Errorf("prompts: %w", err)
		}
		p.Quarter, p.Drafted, p.Due, p.Sent, p.Answered = Quarter(quarter), fromUnix(drafted), fromUnix(due), fromUnix(sent), fromUnix(answered)
		list = append(list, p)
	}
	return list, rows.Err()
}

func promptByID(ctx context.Context, q querier, id int64) (DutyPrompt, error) {
	list, err := prompts(ctx, q, "", id)
	if err == nil && (id == 0 || len(list) == 0) {
		err = notFound("没有编号 %d 的普法提示。", id)
	}
	if err != nil {
		return DutyPrompt{}, err
	}
	return list[0], nil
}

// SendPrompt marks a draft as sent and tells everybody of the department who has
// a post there. Only a person who answers for legal education may: an officer or
// administrator of the county.
func (db *DB) SendPrompt(ctx context.Context, by Person, id int64) (p DutyPrompt, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		if p, err = promptByID(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case !by.covers(Officer, p.Org.Path) && !by.covers(Admin, p.Org.Path):
			return forbidden("普法提示由县里的普法干部或管理员发。")
		case !p.Sent.IsZero():
			return conflict("这份普法提示 %s 已经发出了。", p.Sent.Format("1月2日"))
		}
		due, _ := calendar.Due(calendar.Day(db.now()), workdays(promptDays), false)
		p.Body = strings.Replace(p.Body, day(p.Due), day(due), 1)
		p.Due, p.Sent, p.SentBy = endOfDay(due), db.now(), by.label()
		if _, err := tx.ExecContext(ctx, `UPDATE duty_prompts SET sent = $1, sent_by = $2, due = $3, body = $4 WHERE id = $5`, p.Sent.Unix(), p.SentBy, p.Due.Unix(), p.Body, id); err != nil {
			return fmt.Errorf("send prompt: %w", err)
		}
		ids, err := providersOf(ctx, tx, Order{Org: p.Org.ID})
		if err != nil {
			return err
		}
		for _, who := range ids {
			if err := db.notify(ctx, tx, "prompt", fmt.Sprintf("prompt %d %d", id, who), "", who, p.Body+fmt.Sprintf("\n反馈请回“普法反馈 %d 内容”。", id)); err != nil {
				return err
			}
		}
		return db.audit(ctx, tx, actor(by), "send prompt", "prompt "+strconv.FormatInt(id, 10), p.Org.Name)
	})
	return p, err
}

// AnswerPrompt keeps what the department answers: by one of its people, or
// written down by an officer.
func (db *DB) AnswerPrompt(ctx context.Context, by Person, id int64, answer string) (p DutyPrompt, err error) {
	answer = strings.TrimSpace(cleanText(answer))
	if n := utf8.RuneCountInString(answer); n < 4 || n > maxStory {
		return p, invalid("反馈要写 4 到 %d 个字：做了什么、打算什么时候做。", maxStory)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		if p, err = promptByID(ctx, tx, id); err != nil {
			return err
		}
		own := by.ID != 0 && !by.Suspended && slices.ContainsFunc(by.Posts, func(q Post) bool { return q.Org.ID == p.Org.ID })
		host := by.covers(Officer, p.Org.Path) || by.covers(Admin, p.Org.Path)
		switch {
		case !own && !host:
			return notFound("没有编号 %d 的普法提示。", id)
		case p.Sent.IsZero():
			return conflict("这份普法提示还没有发出。")
		}
		p.Answer, p.Answered, p.Answerer = answer, db.now(), by.label()
		if _, err := tx.ExecContext(ctx, `UPDATE duty_prompts SET answer = $1, answered = $2, answerer = $3 WHERE id = $4`, answer, p.Answered.Unix(), p.Answerer, id); err != nil {
			return fmt.Errorf("answer prompt: %w", err)
		}
		ids, err := hosts(ctx, tx, p.Org.Path)
		if err != nil {
			return err
		}
		for _, who := range ids {
			if who == by.ID {
				continue
			}
			once := fmt.Sprintf("prompt %d answer %d %d", id, p.Answered.Unix(), who)
			if err := db.notify(ctx, tx, "prompt", once, "", who, fmt.Sprintf("%s反馈了%s的普法提示：%s", p.Org.Name, p.Quarter.Name(), answer)); err != nil {
				return err
			}
		}
		return db.audit(ctx, tx, actor(by), "answer prompt", "prompt "+strconv.FormatInt(id, 10), p.Org.Name)
	})
	return p, err
}

// RemindPrompts tells the officers once of each prompt that nobody answered in
// time.
func (db *DB) RemindPrompts(ctx context.Context) error {
	rows, err := db.read.QueryContext(ctx, `SELECT p.id FROM duty_prompts p WHERE p.sent > 0 AND p.answered = 0 AND p.due < $1
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.once LIKE 'prompt ' || CAST(p.id AS TEXT) || ' late %') LIMIT 100`, db.now().Unix())
	if err != nil {
		return fmt.Errorf("remind prompts: %w", err)
	}
	var late []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return errors.Join(err, rows.Close())
		}
		late = append(late, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || late == nil {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, id := range late {
			p, err := promptByID(ctx, tx, id)
			if err != nil {
				return err
			}
			ids, err := hosts(ctx, tx, p.Org.Path)
			if err != nil {
				return err
			}
			for _, who := range ids {
				if err := db.notify(ctx, tx, "prompt", fmt.Sprintf("prompt %d late %d", id, who), "", who,
					fmt.Sprintf("%s到期没有反馈%s的普法提示（编号 %d）。收到提示后没有及时改进的，予以通报批评（法治宣传教育法第五十九条），请跟进。", p.Org.Name, p.Quarter.Name(), id)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// DutyPrompt reads one prompt.
func (db *DB) DutyPrompt(ctx context.Context, id int64) (DutyPrompt, error) {
	return promptByID(ctx, db.read, id)
}
