package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Month names a month of a year: "2026-11".
type Month string

// MonthOf is the month a time falls in, in China.
func MonthOf(t time.Time) Month { return Month(t.In(china).Format("2006-01")) }

// ParseMonth reads "2026-11" or "2026年11月".
func ParseMonth(s string) (Month, error) {
	s = strings.TrimSuffix(strings.ReplaceAll(strings.TrimSpace(s), "年", "-"), "月")
	t, err := time.Parse("2006-1", s)
	if err != nil || t.Year() < 2000 || t.Year() > 2100 {
		return "", invalid("月份请写成 2026-11 这样。")
	}
	return Month(t.Format("2006-01")), nil
}

// first is the month's first day, midnight UTC.
func (m Month) first() time.Time {
	t, _ := time.Parse("2006-01", string(m)) // it was parsed before
	return t
}

// Add gives the month n months later.
func (m Month) Add(n int) Month { return Month(m.first().AddDate(0, n, 0).Format("2006-01")) }

// Quarter is the quarter the month is in.
func (m Month) Quarter() Quarter { return QuarterOf(m.first()) }

// Name is what people read: 2026年11月.
func (m Month) Name() string { return m.first().Format("2006年1月") }

// Amount is a count, or a rate of N out of Of.
type Amount struct {
	N    int  `json:"n"`
	Of   int  `json:"of,omitempty"`
	Rate bool `json:"rate,omitempty"`
}

// Text is what people read; a rate is never said without its n, and what is not
// known is a dash.
func (a *Amount) Text() string {
	switch {
	case a == nil:
		return "—"
	case a.Rate:
		return rate(a.N, a.Of, "—（n=0）")
	}
	return strconv.Itoa(a.N)
}

// bigEnough is from which earlier count on a change is also said in per cent.
const bigEnough = 10

// change says how an amount stands to an earlier one, in words that no
// spreadsheet takes for a formula.
func (a *Amount) change(then *Amount) string {
	if a == nil || then == nil || a.Rate && (a.Of == 0 || then.Of == 0) {
		return "—"
	}
	if a.Rate {
		tenths := (a.N*2000+a.Of)/(2*a.Of) - (then.N*2000+then.Of)/(2*then.Of)
		switch {
		case tenths == 0:
			return "持平"
		case tenths < 0:
			return fmt.Sprintf("降 %d.%d 个百分点", -tenths/10, -tenths%10)
		}
		return fmt.Sprintf("升 %d.%d 个百分点", tenths/10, tenths%10)
	}
	word, n := "增", a.N-then.N
	if n == 0 {
		return "持平"
	}
	if n < 0 {
		word, n = "减", -n
	}
	if then.N < bigEnough {
		return fmt.Sprintf("%s %d", word, n)
	}
	tenths := (n*2000 + then.N) / (2 * then.N)
	return fmt.Sprintf("%s %d（%d.%d%%）", word, n, tenths/10, tenths%10)
}

// CaseRows names the cases that a figure counts, for lists of them.
type CaseRows struct {
	Set    string `json:"set"` // CaseSet.Key
	Matter string `json:"matter,omitempty"`
	Lane   string `json:"lane,omitempty"`
	Via    string `json:"via,omitempty"`
}

// Figure is one figure of a bulletin with what it means.
type Figure struct {
	Key     string    `json:"key"` // stays the same over months: "opened", "topic.LB01"
	Name    string    `json:"name"`
	Unit    string    `json:"unit"` // 件, 次 …; "" for a rate
	Now     Amount    `json:"now"`
	Before  *Amount   `json:"before"`   // the month before; nil: not known
	YearAgo *Amount   `json:"year_ago"` // the same month of last year
	Means   string    `json:"means"`
	Rows    *CaseRows `json:"rows,omitempty"`
}

// Change says how the figure stands to the month before, and SinceYear to the
// same month of last year.
func (f Figure) Change() string    { return f.Now.change(f.Before) }
func (f Figure) SinceYear() string { return f.Now.change(f.YearAgo) }

// Section is a part of a bulletin.
type Section struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
}

// Overdue is a case that had no answer when its time was over: its number alone.
type Overdue struct {
	No       string `json:"no"`
	Promised string `json:"promised"` // ISO date
	Days     int    `json:"days"`     // over, at the end of the month
}

// UnitRow is one township in the county's bulletin.
type UnitRow struct {
	Name      string `json:"name"`
	Opened    int    `json:"opened"`
	Answered  int    `json:"answered"`
	Open      int    `json:"open"`
	Overdue   int    `json:"overdue"`
	InTime    Amount `json:"in_time"`
	Satisfied Amount `json:"satisfied"`
}

// Bulletin is 月通报: the figures of one month and unit. Nobody is named in it.
type Bulletin struct {
	Month    Month     `json:"month"`
	Org      int64     `json:"org"`
	Unit     string    `json:"unit"`
	Until    string    `json:"until"` // last day that is counted; ISO date
	Over     bool      `json:"over"`  // the month is
	Since    string    `json:"since"` // first day that there are records of; "" none
	Sections []Section `json:"sections"`
	Overdue  []Overdue `json:"overdue"` // the longest first, up to maxOverdue
	Late     int       `json:"late"`    // how many there are in all
	Units    []UnitRow `json:"units,omitempty"`

	Kept time.Time `json:"kept,omitzero"` // when it was closed; zero: counted just now
}

// maxOverdue bounds the list of overdue cases.
const maxOverdue = 200

// reporting are the kinds of organisations that have a bulletin. A village is
// too small for one: who asked what could be guessed.
var reporting = []string{"县", "乡镇街道", "部门", "法援中心", "公证处"}

// Reporters see bulletins of their places.
var Reporters = []Role{Clerk, Officer, Admin}

// ReportUnits lists the organisations whose bulletins a person may see.
func (db *DB) ReportUnits(ctx context.Context, p Person) ([]Org, error) {
	list, err := db.OrgsFor(ctx, p, Reporters)
	return slices.DeleteFunc(list, func(o Org) bool { return !slices.Contains(reporting, o.Kind) }), err
}

// ReportUnit finds one of them; id 0 is the first. NotFound if there is none that
// the person may see.
func (db *DB) ReportUnit(ctx context.Context, p Person, id int64) (Org, error) {
	list, err := db.ReportUnits(ctx, p)
	if err != nil {
		return Org{}, err
	}
	i := slices.IndexFunc(list, func(o Org) bool { return id == 0 || o.ID == id })
	if i < 0 {
		return Org{}, notFound("没有您能看的单位。月通报按县、乡镇街道、部门编，归经办人、普法干部、管理员看。")
	}
	return list[i], nil
}

// Bulletin gives the bulletin of a unit for a month: as it was closed, or if it
// was not, or if fresh is set, as the records say now. Invalid if the month has
// not begun.
func (db *DB) Bulletin(ctx context.Context, o Org, m Month, fresh bool) (Bulletin, error) {
	if !fresh {
		if b, ok, err := db.kept(ctx, o, m); err != nil || ok {
			return b, err
		}
	}
	if m > MonthOf(db.now()) {
		return Bulletin{}, invalid("%s还没有到。", m.Name())
	}
	b, err := db.counted(ctx, o, m)
	if err != nil {
		return b, fmt.Errorf("bulletin: %w", err)
	}
	for _, then := range []struct {
		month Month
		into  func(f *Figure) **Amount
	}{{m.Add(-1), func(f *Figure) **Amount { return &f.Before }}, {m.Add(-12), func(f *Figure) **Amount { return &f.YearAgo }}} {
		if b.Since == "" || then.month.Add(1).first().Format(time.DateOnly) <= b.Since {
			continue // nothing was on record
		}
		old, ok, err := db.kept(ctx, o, then.month)
		if err == nil && !ok {
			old, err = db.counted(ctx, o, then.month)
		}
		if err != nil {
			return b, fmt.Errorf("bulletin: %w", err)
		}
		b.compare(old, then.into)
	}
	return b, nil
}

// compare puts the amounts of an earlier bulletin beside those of this one.
func (b *Bulletin) compare(old Bulletin, into func(f *Figure) **Amount) {
	was := map[string]Amount{}
	for _, s := range old.Sections {
		for _, f := range s.Figures {
			was[f.Key] = f.Now
		}
	}
	for _, s := range b.Sections {
		for i := range s.Figures {
			if a, ok := was[s.Figures[i].Key]; ok {
				*into(&s.Figures[i]) = &a
			}
		}
	}
}

// month makes the span of a month for a unit.
func (db *DB) month(o Org, m Month) span {
	s := db.period(m.first(), m.Add(1).first().AddDate(0, 0, -1))
	if o.Parent != 0 {
		s.path = o.Path
	}
	return s
}

// counted counts a bulletin, without what it is compared with.
func (db *DB) counted(ctx context.Context, o Org, m Month) (Bulletin, error) {
	s := db.month(o, m)
	b := Bulletin{Month: m, Org: o.ID, Unit: withoutNumbers(o.Name), Until: s.until().Format(time.DateOnly), Over: s.at == s.b}
	var err error
	if b.Since, err = db.recordedSince(ctx); err != nil {
		return b, err
	}
	for _, part := range []struct {
		name  string
		count func(context.Context, span) ([]Figure, error)
	}{
		{"办件", db.casePart}, {"事项", db.matterPart}, {"调解", db.mediationPart}, {"涉企、投诉和工单", db.specialPart},
		{"咨询", db.consultPart}, {"问到的专题", db.topicPart}, {"普法内容", db.contentPart}, {"讲座和活动", db.lecturePart}, {"值班、普法责任和台账", db.dutyPart},
	} {
		list, err := part.count(ctx, s)
		if err != nil {
			return b, fmt.Errorf("%s: %w", part.name, err)
		}
		b.Sections = append(b.Sections, Section{part.name, list})
	}
	if err := db.overdue(ctx, s, &b); err != nil {
		return b, err
	}
	b.Units, err = db.unitRows(ctx, o, s)
	return b, err
}

// recordedSince is the day of the oldest record; "" if there is none.
func (db *DB) recordedSince(ctx context.Context) (string, error) {
	var first int64
	for _, q := range []string{`SELECT COALESCE(MIN(at), 0) FROM audit`, `SELECT COALESCE(MIN(at), 0) FROM consults`, `SELECT COALESCE(MIN(opened), 0) FROM cases`} {
		var at int64
		if err := db.read.QueryRowContext(ctx, q).Scan(&at); err != nil {
			return "", fmt.Errorf("first record: %w", err)
		}
		if at > 0 && (first == 0 || at < first) {
			first = at
		}
	}
	if first == 0 {
		return "", nil
	}
	return fromUnix(first).Format(time.DateOnly), nil
}

// overdue lists the cases that were overdue at the end of a span.
func (db *DB) overdue(ctx context.Context, s span, b *Bulletin) error {
	n, err := db.countCases(ctx, s, []string{"overdue"}, "1 = 1")
	if err != nil {
		return err
	}
	b.Late = n["overdue"]
	return db.each(ctx, func(rows *sql.Rows) error {
		var x Overdue
		var promised int64
		err := rows.Scan(&x.No, &promised)
		x.Promised, x.Days = fromUnix(promised).Format(time.DateOnly), int((s.at-promised+86399)/86400)
		b.Overdue = append(b.Overdue, x)
		return err
	}, `SELECT no, promised FROM cases WHERE path LIKE $1 AND `+caseIn("overdue", s)+` ORDER BY promised, id LIMIT $2`, s.within(), maxOverdue)
}

// unitRows counts the townships below a unit, and what belongs to none of them.
func (db *DB) unitRows(ctx context.Context, o Org, s span) ([]UnitRow, error) {
	all, err := db.Orgs(ctx)
	if err != nil {
		return nil, err
	}
	keys := []string{"opened", "answered", "open", "overdue", "in_time", "due", "satisfied", "rated"}
	row := func(name string, n map[string]int) UnitRow {
		return UnitRow{Name: withoutNumbers(name), Opened: n["opened"], Answered: n["answered"], Open: n["open"], Overdue: n["overdue"],
			InTime: Amount{n["in_time"], n["due"], true}, Satisfied: Amount{n["satisfied"], n["rated"], true}}
	}
	rest, err := db.countCases(ctx, s, keys, "1 = 1")
	if err != nil {
		return nil, err
	}
	var list []UnitRow
	for _, u := range all {
		if u.Kind != "乡镇街道" || u.ID == o.ID || !strings.HasPrefix(u.Path, o.Path) {
			continue
		}
		s.path = u.Path
		n, err := db.countCases(ctx, s, keys, "1 = 1")
		if err != nil {
			return nil, err
		}
		for k := range rest {
			rest[k] -= n[k]
		}
		list = append(list, row(u.Name, n))
	}
	if other := row("县本级和其他机构", rest); list != nil && other != (UnitRow{Name: other.Name, InTime: Amount{Rate: true}, Satisfied: Amount{Rate: true}}) {
		list = append(list, other)
	}
	return list, nil
}
