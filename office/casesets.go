package office

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
)

// span is a period that figures are counted over, and where.
type span struct {
	a, b        int64  // first second, and the one after the last
	at          int64  // as of when what stands open is counted: b, or now if that is earlier
	first, last string // ISO days
	path        string // of the Org whose subtree counts; "": everything
}

// period makes a span of the days from to to, both inclusive, for everything.
func (db *DB) period(from, to time.Time) span {
	s := span{a: time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, china).Unix(), b: time.Date(to.Year(), to.Month(), to.Day()+1, 0, 0, 0, 0, china).Unix(),
		first: from.Format(time.DateOnly), last: to.Format(time.DateOnly)}
	s.at = min(s.b, db.now().Unix())
	return s
}

// within is the pattern that the paths of the span's organisations are like.
func (s span) within() string { return s.path + "%" }

// until is the last day that has begun, midnight UTC.
func (s span) until() time.Time { return calendar.Day(time.Unix(s.at-1, 0)) }

// standing are the states in which somebody still has to do something, for SQL;
// owing, those in which that is the office.
var (
	standing = stateList(func(s State) bool { return s.Open() })
	owing    = stateList(func(s State) bool { return s.Open() && s != Returned })
)

func stateList(which func(State) bool) string {
	var list []string
	for _, s := range States {
		if which(s) {
			list = append(list, "'"+string(s)+"'")
		}
	}
	return strings.Join(list, ", ")
}

// Sets of cases that reports count; the same condition counts them and lists
// them. {a}, {b} and {at} are those of a span.
const (
	setDue    = `state NOT IN ('merged', 'withdrawn', 'returned') AND promised >= {a} AND promised < {b} AND promised <= {at}`
	setOpen   = `opened < {at} AND (closed = 0 OR closed >= {at}) AND (SELECT e.state FROM case_events e WHERE e.case_id = cases.id AND e.at < {at} ORDER BY e.id DESC LIMIT 1) IN ({standing})`
	setRated  = `EXISTS (SELECT 1 FROM ratings r WHERE r.case_id = cases.id AND r.at >= {a} AND r.at < {b})`
	setOfVerb = `id IN (SELECT e.case_id FROM case_events e WHERE e.verb = '{verb}' AND e.at >= {a} AND e.at < {b})`
)

// CaseSet is a set of cases with the words that lists of it are headed by.
type CaseSet struct{ Key, Name, where string }

// caseSets are all of them. Merged, withdrawn and returned cases owe no answer
// of their own.
var caseSets = []CaseSet{
	{"opened", "登记的", `opened >= {a} AND opened < {b}`},
	{"answered", "第一次答复的", `answered >= {a} AND answered < {b}`},
	{"closed", "办结的", `closed >= {a} AND closed < {b}`},
	{"open", "月末在办的", setOpen},
	{"overdue", "月末超期没有答复的", strings.Replace(setOpen, "{standing}", "{owing}", 1) + ` AND (answered = 0 OR answered >= {at}) AND promised > 0 AND promised < {at}`},
	{"due", "答复期限在这个月的", setDue},
	{"in_time", "按期答复的", setDue + ` AND answered > 0 AND answered <= promised`},
	{"rated", "评价过的", setRated},
	{"satisfied", "评 4、5 分的", strings.TrimSuffix(setRated, ")") + fmt.Sprintf(` AND r.score >= %d)`, satisfied)},
	{"urged", "督办过的", strings.Replace(setOfVerb, "{verb}", "urge", 1)},
	{"redone", "重办的", strings.Replace(setOfVerb, "{verb}", "redo", 1)},
	{"advised", "派给值班法律顾问的", `id IN (SELECT t.case_id FROM turns t WHERE t.asked >= {a} AND t.asked < {b})`},
	outcomeSet(0), outcomeSet(1), outcomeSet(2), outcomeSet(3), outcomeSet(4),
}

// outcomeSet has the mediations that ended in one of Outcomes; an outcome that was
// put right counts on the day of that.
func outcomeSet(i int) CaseSet {
	return CaseSet{"outcome" + strconv.Itoa(i), "调解结果是“" + Outcomes[i] + "”的",
		strings.Replace(setOfVerb, "{verb}", "outcome", 1) + ` AND id NOT IN (SELECT e.case_id FROM case_events e WHERE e.verb = 'outcome' AND e.at >= {b}) AND id IN (SELECT m.case_id FROM mediations m WHERE m.outcome = '` + Outcomes[i] + `')`}
}

// CaseSetOf finds a set by its key.
func CaseSetOf(key string) (CaseSet, bool) {
	i := slices.IndexFunc(caseSets, func(c CaseSet) bool { return c.Key == key })
	if i < 0 {
		return CaseSet{}, false
	}
	return caseSets[i], true
}

// in is the condition of a case's being in the set over a span.
func (c CaseSet) in(s span) string {
	return strings.NewReplacer("{a}", strconv.FormatInt(s.a, 10), "{b}", strconv.FormatInt(s.b, 10), "{at}", strconv.FormatInt(s.at, 10), "{standing}", standing, "{owing}", owing).Replace(c.where)
}

// caseIn is the condition of a set by its key, which is in the table.
func caseIn(key string, s span) string {
	c, _ := CaseSetOf(key)
	return "(" + c.in(s) + ")"
}

// countCases counts sets of the cases of a span's places for which where holds,
// in the order of keys. $1 is in use, arguments of where are $2 and on.
func (db *DB) countCases(ctx context.Context, s span, keys []string, where string, args ...any) (map[string]int, error) {
	var columns []string
	counts := make([]int, len(keys))
	into := make([]any, len(keys))
	for i, key := range keys {
		columns = append(columns, `COALESCE(SUM(CASE WHEN `+caseIn(key, s)+` THEN 1 ELSE 0 END), 0)`)
		into[i] = &counts[i]
	}
	if err := db.read.QueryRowContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM cases WHERE path LIKE $1 AND `+where, append([]any{s.within()}, args...)...).Scan(into...); err != nil {
		return nil, fmt.Errorf("count cases: %w", err)
	}
	out := map[string]int{}
	for i, key := range keys {
		out[key] = counts[i]
	}
	return out, nil
}
