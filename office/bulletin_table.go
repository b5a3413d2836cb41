package office

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longNumbers are identity and telephone numbers. None belongs into a bulletin,
// whatever somebody called a village.
var longNumbers = regexp.MustCompile(`[0-9０-９]{17}[0-9０-９XxＸ]|[1１][3-9３-９][0-9０-９]{9}`)

// withoutNumbers takes identity and telephone numbers out of a text.
func withoutNumbers(s string) string { return longNumbers.ReplaceAllString(s, "〔号码已遮〕") }

// harmless does that with a whole table.
func harmless(rows [][]string) [][]string {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = withoutNumbers(cell)
		}
	}
	return rows
}

// Topics gives topics their names where a bulletin has their ids.
func (b Bulletin) Topics(name func(id string) string) Bulletin {
	sections := make([]Section, len(b.Sections))
	for i, s := range b.Sections {
		sections[i] = Section{Name: s.Name}
		for _, f := range s.Figures {
			if topicCode.MatchString(f.Name) {
				of := strings.TrimSpace(f.Name + " " + name(f.Name))
				if strings.HasPrefix(f.Key, "miss.") {
					of = "没答上：" + of
				}
				f.Name = of
			}
			sections[i].Figures = append(sections[i].Figures, f)
		}
	}
	b.Sections = sections
	return b
}

// Title heads a bulletin.
func (b Bulletin) Title() string {
	return b.Unit + " " + b.Month.Name() + "公共法律服务月通报"
}

// Notes say how a bulletin is to be read.
func (b Bulletin) Notes() []string {
	var list []string
	switch {
	case !b.Over:
		list = append(list, "这个月还没有过完，数字统计到 "+b.Until+"。")
	case b.Kept.IsZero():
		list = append(list, "按现在的记录统计，还没有定稿；每月第一个工作日定上个月的稿。")
	default:
		list = append(list, b.Kept.Format(time.DateOnly)+" 定稿，以后记录改了，这里的数不变。")
	}
	list = append(list, "只有数，没有谁。上月、去年同月是“—”的：那时还没有记录（最早的记录是 "+orElse(b.Since, "无")+"），或者不足 "+strconv.Itoa(fewest)+" 件（人）没有单列。")
	return list
}

var bulletinHeading = []string{"部分", "指标", "单位", "本月", "上月", "比上月", "去年同月", "比去年", "怎么算的"}

// Table gives a bulletin as one table, its heading first, for CSV and XLSX.
func (b Bulletin) Table() [][]string {
	rows := [][]string{bulletinHeading}
	for _, s := range b.Sections {
		for _, f := range s.Figures {
			rows = append(rows, []string{s.Name, f.Name, f.Unit, f.Now.Text(), f.Before.Text(), f.Change(), f.YearAgo.Text(), f.SinceYear(), f.Means})
		}
	}
	for _, u := range b.Units {
		for _, f := range []struct{ name, unit, text string }{{"登记", "件", strconv.Itoa(u.Opened)}, {"答复", "件", strconv.Itoa(u.Answered)}, {"月末在办", "件", strconv.Itoa(u.Open)},
			{"月末超期", "件", strconv.Itoa(u.Overdue)}, {"按期答复率", "", u.InTime.Text()}, {"满意率", "", u.Satisfied.Text()}} {
			rows = append(rows, []string{"分乡镇：" + u.Name, f.name, f.unit, f.text, "", "", "", "", "和上面同名的指标一样算。"})
		}
	}
	for _, x := range b.Overdue {
		rows = append(rows, []string{"月末超期的件", x.No, "天", strconv.Itoa(x.Days), "", "", "", "", "答复期限 " + x.Promised})
	}
	for i, n := range append([]string{b.Title()}, b.Notes()...) {
		rows = append(rows, []string{"说明", strconv.Itoa(i + 1), "", "", "", "", "", "", n})
	}
	return harmless(rows)
}

// markdownCell keeps a text within a cell of a Markdown table.
var markdownCell = strings.NewReplacer("\n", " ", "\r", " ", "|", "\\|", "<", "&lt;", "&", "&amp;", "[", "\\[", "*", "\\*", "_", "\\_", "`", "\\`", "\\", "\\\\")

// WriteMarkdown writes a bulletin as a document.
func (b Bulletin) WriteMarkdown(w io.Writer) error {
	var t strings.Builder
	line := func(cells ...string) {
		for i, c := range harmless([][]string{cells})[0] {
			cells[i] = markdownCell.Replace(c)
		}
		t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	head := func(cells ...string) {
		line(cells...)
		t.WriteString("|" + strings.Repeat("---|", len(cells)) + "\n")
	}
	fmt.Fprintf(&t, "# %s\n\n", markdownCell.Replace(b.Title()))
	for _, n := range b.Notes() {
		t.WriteString(n + "\n\n")
	}
	for _, s := range b.Sections {
		if len(s.Figures) == 0 {
			continue
		}
		fmt.Fprintf(&t, "## %s\n\n", s.Name)
		head("指标", "本月", "上月", "比上月", "去年同月", "比去年")
		for _, f := range s.Figures {
			line(f.Name+withUnit(f.Unit), f.Now.Text(), f.Before.Text(), f.Change(), f.YearAgo.Text(), f.SinceYear())
		}
		t.WriteString("\n")
		for _, m := range s.meanings() {
			t.WriteString("- " + markdownCell.Replace(withoutNumbers(m)) + "\n")
		}
		t.WriteString("\n")
	}
	if len(b.Units) > 0 {
		t.WriteString("## 分乡镇\n\n")
		head("单位", "登记", "答复", "月末在办", "月末超期", "按期答复率", "满意率")
		for _, u := range b.Units {
			line(u.Name, strconv.Itoa(u.Opened), strconv.Itoa(u.Answered), strconv.Itoa(u.Open), strconv.Itoa(u.Overdue), u.InTime.Text(), u.Satisfied.Text())
		}
		t.WriteString("\n")
	}
	fmt.Fprintf(&t, "## 月末超期的件（%d）\n\n", b.Late)
	if len(b.Overdue) > 0 {
		head("编号", "答复期限", "超了几天")
		for _, x := range b.Overdue {
			line(x.No, x.Promised, strconv.Itoa(x.Days))
		}
	} else {
		t.WriteString("没有。\n")
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// meanings says what the figures mean, those that mean the same together.
func (s Section) meanings() []string {
	var order []string
	names := map[string][]string{}
	for _, f := range s.Figures {
		if names[f.Means] == nil {
			order = append(order, f.Means)
		}
		names[f.Means] = append(names[f.Means], f.Name)
	}
	for i, m := range order {
		order[i] = strings.Join(names[m], "、") + "：" + m
	}
	return order
}

func withUnit(unit string) string {
	if unit == "" {
		return ""
	}
	return "（" + unit + "）"
}

// caseRowSets are the sets whose columns a table of cases has.
var caseRowSets = []string{"opened", "answered", "closed", "due", "in_time", "open", "overdue", "rated"}

// CaseRowsTable lists the cases behind a bulletin that a person may see: those
// that were handed in, answered, closed, due, rated or open in the month. It has
// no name, number, place nor words of anybody; of restricted cases not even what
// they are about. At most maxRows.
func (db *DB) CaseRowsTable(ctx context.Context, p Person, o Org, m Month) ([][]string, error) {
	s := db.month(o, m)
	var w clause
	w.visible(p, false)
	w.and = append(w.and, "path LIKE "+w.arg(s.within()))
	var or, columns []string
	for _, key := range caseRowSets {
		or = append(or, caseIn(key, s))
		columns = append(columns, `CASE WHEN `+caseIn(key, s)+` THEN 1 ELSE 0 END`)
	}
	table := [][]string{{"编号", "机构", "事项", "怎么来的", "轻重", "调解通道", "专题", "状态", "登记", "答复期限", "第一次答复", "办结", "评分", "调解结果",
		"本月登记", "本月答复", "本月办结", "本月到期", "按期答复", "月末在办", "月末超期", "本月评价"}}
	ways := map[string]string{}
	for _, v := range Ways {
		ways[v.Key] = v.Name
	}
	err := db.each(ctx, func(rows *sql.Rows) error {
		row, err := caseRow(rows, ways)
		table = append(table, row)
		return err
	}, `SELECT no, COALESCE((SELECT name FROM orgs WHERE orgs.id = cases.org), ''), matter, via, urgency, lane, topic, state, opened, promised, answered, closed,
		COALESCE((SELECT r.score FROM ratings r WHERE r.case_id = cases.id), 0), COALESCE((SELECT m.outcome FROM mediations m WHERE m.case_id = cases.id), ''), restricted,
		`+strings.Join(columns, ", ")+` FROM cases WHERE `+w.where()+` AND (`+strings.Join(or, " OR ")+`) ORDER BY opened, id LIMIT `+w.arg(maxRows), w.args...)
	if err != nil {
		return nil, fmt.Errorf("case rows: %w", err)
	}
	return harmless(table), nil
}

// caseRow reads one row of a table of cases.
func caseRow(rows *sql.Rows, ways map[string]string) ([]string, error) {
	var no, org, matter, via, lane, topic, state, outcome string
	var urgency Urgency
	var opened, promised, answered, closed int64
	var score, restricted int
	sets := make([]int, len(caseRowSets))
	into := []any{&no, &org, &matter, &via, &urgency, &lane, &topic, &state, &opened, &promised, &answered, &closed, &score, &outcome, &restricted}
	for i := range sets {
		into = append(into, &sets[i])
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	day := func(at int64) string {
		if at == 0 {
			return ""
		}
		return fromUnix(at).Format(time.DateOnly)
	}
	about := []string{MatterOf(matter).Name, ways[via], urgency.Name(), LaneName(lane), "", State(state).Name()}
	if topicCode.MatchString(topic) {
		about[4] = topic
	}
	if restricted > 0 {
		about[0], about[2], about[3], about[4], outcome = "限看", "限看", "限看", "限看", ""
	}
	row := append([]string{no, org}, about...)
	row = append(row, day(opened), day(promised), day(answered), day(closed), "", outcome)
	if score > 0 {
		row[12] = strconv.Itoa(score)
	}
	for _, n := range sets {
		row = append(row, map[int]string{0: "否", 1: "是"}[n])
	}
	return row, nil
}
