package office

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CaseFilter narrows a list of cases. Zero fields do not.
type CaseFilter struct {
	States  []State
	Open    bool // somebody still has to do something
	Overdue bool
	Mine    bool   // held, filed or owned by the person
	Matter  string // Matter.Key
	Lane    string // LanePeople …
	Via     string // ViaDesk …
	Org     int64  // of this organisation and all below it
	Text    string // words that stand in number, name, place, parties, phone or story
	Since   time.Time
	Set     string // CaseSet.Key: those that the bulletin of Month counts in it
	Month   Month
	Limit   int // 0: 50
	Offset  int

	tail    string
	year    int
	untaken time.Time // answered before, and nobody took it
}

// MaxFound is how many cases a search by words finds at most; who gets that many
// should say more.
const MaxFound = 1000

// maxOffset bounds how far somebody may turn the pages of a list.
const maxOffset = 1_000_000

// Cases lists the cases a person may know of, the most urgent first, finished
// ones the latest first, and how many there are in all, MaxFound at most if
// Text is set.
func (db *DB) Cases(ctx context.Context, p Person, f CaseFilter) ([]Case, int, error) {
	return db.list(ctx, db.read, p, f)
}

// clause collects conditions with their arguments.
type clause struct {
	and  []string
	args []any
}

func (c *clause) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *clause) where() string {
	if c.and == nil {
		return "1 = 1"
	}
	return strings.Join(c.and, " AND ")
}

// visible limits a list to what the person is something to; the same rule as
// hats, in SQL.
func (c *clause) visible(p Person, mine bool) {
	var or []string
	before := len(c.args)
	if p.Account != "" {
		or = append(or, "account = "+c.arg(string(p.Account)))
	}
	if p.ID != 0 && !p.Suspended {
		or = append(or, "filer = "+c.arg(p.ID), "holder = "+c.arg(p.ID))
		for _, q := range p.Posts {
			if mine || q.Role != Clerk && q.Role != Admin {
				continue
			}
			in := c.under(q.Scope())
			if q.Role == Clerk && !p.Cleared {
				in = append(in, "cleared_only = 0")
			}
			if in == nil {
				c.args = c.args[:before] // all of the county's
				return
			}
			or = append(or, "("+strings.Join(in, " AND ")+")")
		}
	}
	if or == nil {
		or = []string{"1 = 0"}
	}
	c.and = append(c.and, "("+strings.Join(or, " OR ")+")")
}

// under is the condition of belonging to a subtree; none for the whole tree.
func (c *clause) under(path string) []string {
	if strings.Count(path, "/") == 2 {
		return nil // the county, of which there is one
	}
	return []string{"path LIKE " + c.arg(path+"%")}
}

// Orders of a list; the indexes of migration 0011 are in them.
const (
	byUrgency  = "urgency, (due = 0), due, id"
	byFinished = "closed DESC, id DESC"
)

// clause makes the conditions of a list and says in which order it is.
func (db *DB) clause(ctx context.Context, q querier, p Person, f CaseFilter) (w clause, order string, err error) {
	w.visible(p, f.Mine)
	if f.Open {
		f.States = slices.DeleteFunc(slices.Clone(States), func(s State) bool { return !s.Open() })
	}
	order = byUrgency
	if len(f.States) > 0 {
		var in []string
		closed := 0
		for _, s := range f.States {
			in = append(in, w.arg(string(s)))
			closed += number(s.Finished())
		}
		w.and = append(w.and, "state IN ("+strings.Join(in, ", ")+")")
		switch closed { // what names an index's condition lets it be used
		case 0:
			w.and = append(w.and, "closed = 0")
		case len(f.States):
			w.and = append(w.and, "closed > 0")
			order = byFinished
		}
	}
	if f.Overdue {
		w.and = append(w.and, "due > 0 AND due < "+w.arg(db.now().Unix()))
	}
	for _, is := range []struct{ column, value string }{{"matter", f.Matter}, {"lane", f.Lane}, {"via", f.Via}} {
		if is.value != "" {
			w.and = append(w.and, is.column+" = "+w.arg(is.value))
		}
	}
	if f.Org != 0 {
		o, err := orgByID(ctx, q, f.Org)
		if err != nil {
			return w, order, err
		}
		w.and = append(w.and, w.under(o.Path)...)
	}
	if f.Set != "" {
		set, ok := CaseSetOf(f.Set)
		if !ok {
			return w, order, invalid("没有“%s”这样的一组件。", f.Set)
		}
		w.and = append(w.and, "("+set.in(db.month(Org{}, f.Month))+")")
	}
	if !f.Since.IsZero() {
		w.and = append(w.and, "opened >= "+w.arg(f.Since.Unix()))
	}
	if !f.untaken.IsZero() {
		w.and = append(w.and, "taken = 0 AND answered <= "+w.arg(f.untaken.Unix()))
	}
	if f.tail != "" {
		w.and = append(w.and, "no LIKE "+w.arg(fmt.Sprintf("%d-%%%s", f.year, f.tail)))
	}
	return w, order, nil
}

func (db *DB) list(ctx context.Context, q querier, p Person, f CaseFilter) ([]Case, int, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Offset = min(max(f.Offset, 0), maxOffset)
	w, order, err := db.clause(ctx, q, p, f)
	if err != nil {
		return nil, 0, err
	}
	if strings.TrimSpace(f.Text) != "" {
		ids, err := search(ctx, q, w, order, f.Text)
		if err != nil {
			return nil, 0, err
		}
		from := min(f.Offset, len(ids))
		list, err := casesByID(ctx, q, p, ids[from:min(from+f.Limit, len(ids))])
		return list, len(ids), err
	}
	var total int
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM cases WHERE `+w.where(), w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("cases: %w", err)
	}
	ids, err := numbers(ctx, q, `SELECT id FROM cases WHERE `+w.where()+` ORDER BY `+order+` LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, err
	}
	list, err := casesByID(ctx, q, p, ids)
	return list, total, err
}

// numbers reads a column of whole numbers.
func numbers(ctx context.Context, q querier, query string, args ...any) ([]int64, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("cases: %w", err)
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// casesByID reads cases for a person, in the order of their ids in the list.
func casesByID(ctx context.Context, q querier, p Person, ids []int64) ([]Case, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := q.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE id IN (`+literals(ids)+`)`)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	defer rows.Close()
	byID := make(map[int64]Case, len(ids))
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, fmt.Errorf("cases: %w", err)
		}
		c.wear(p)
		byID[c.ID] = c
	}
	list := make([]Case, 0, len(ids))
	for _, id := range ids {
		if c, ok := byID[id]; ok {
			list = append(list, c)
		}
	}
	return list, rows.Err()
}

// literals writes whole numbers into a statement, which may have more of them
// than a statement may have arguments.
func literals(list []int64) string {
	b := make([]byte, 0, 8*len(list))
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}
