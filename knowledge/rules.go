package knowledge

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"mingbai/calendar"
)

// Rule is one period of the rule table corpus/rules/clocks.yaml.
type Rule struct {
	Key   string         `yaml:"key"`
	Title string         `yaml:"title"`
	Span  string         `yaml:"span"`  // "15日", "3个工作日"; or words when no period runs
	From  string         `yaml:"from"`  // what starts it
	Mine  bool           `yaml:"mine"`  // the person must act within it, not an authority
	Cues  []string       `yaml:"cues"`  // words beside a date that mean the period runs from it
	Not   []string       `yaml:"not"`   // words that mean another paper or event than those of cues
	Again []string       `yaml:"again"` // words beside a date that mean "the period begins anew here"
	More  []string       `yaml:"more"`  // further periods of the same row
	Note  string         `yaml:"note"`
	Basis []ruleCitation `yaml:"basis"`

	Period calendar.Span `yaml:"-"` // of Span; zero if it is words
}

type ruleCitation struct {
	Law      string   `yaml:"law"`
	Article  string   `yaml:"article"`
	Proof    []string `yaml:"proof"`
	External string   `yaml:"external"`
}

// Rules are the rows of the table by key.
type Rules map[string]*Rule

// ParseRules reads corpus/rules/clocks.yaml.
func ParseRules(text []byte) (Rules, error) {
	var rows []*Rule
	if err := unmarshalYAML(text, &rows); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	rules := Rules{}
	for _, r := range rows {
		if rules[r.Key] != nil {
			return nil, fmt.Errorf("rules: %s stands twice", r.Key)
		}
		for _, c := range r.Basis {
			if _, err := ParseArticleNo(c.Article); err != nil {
				return nil, fmt.Errorf("rules: %s: %w", r.Key, err)
			}
		}
		r.Period, _ = parseSpan(r.Span)
		rules[r.Key] = r
	}
	return rules, nil
}

// Citations gives what the row rests on.
func (r *Rule) Citations() []Citation {
	list := make([]Citation, 0, len(r.Basis))
	for _, b := range r.Basis {
		no, _ := ParseArticleNo(b.Article) // checked when read
		list = append(list, Citation{Law: b.Law, Article: no, Proof: b.Proof, External: b.External})
	}
	return list
}

var spanPattern = regexp.MustCompile(`^(\d{1,4})(日|天|个工作日|小时|个月|年)$`)

func parseSpan(s string) (calendar.Span, bool) {
	m := spanPattern.FindStringSubmatch(s)
	if m == nil {
		return calendar.Span{}, false
	}
	n, _ := parseNumber(m[1])
	unit := map[string]calendar.Unit{"日": calendar.Days, "天": calendar.Days, "个工作日": calendar.WorkDays, "小时": calendar.Hours, "个月": calendar.Months, "年": calendar.Years}[m[2]]
	return calendar.Span{N: n, Unit: unit}, true
}

// Clock is a period that runs for somebody.
type Clock struct {
	Rule  *Rule
	From  time.Time // the day it runs from; zero if the person named none
	Due   time.Time // its last day; zero without From
	Exact bool      // false: a holiday not announced yet could move Due

	// If the person said only about when it was, From and Due are the earliest
	// that may be, and these the latest; else zero.
	LatestFrom, LatestDue time.Time

	Again bool // it began anew on From: a claim was made, or acknowledged
}

// About says that From and Due are not known to the day.
func (c Clock) About() bool { return !c.LatestDue.IsZero() }

// Clocks gives the periods of the named rows, those the person must keep first,
// then the soonest. If text names the day of the event that starts one, its last
// day is computed; on is the day the person asks.
func (rules Rules) Clocks(keys []string, text string, on time.Time) []Clock {
	var list []Clock
	for _, key := range keys {
		r := rules[key]
		if r == nil {
			continue
		}
		c := Clock{Rule: r}
		if r.Mine && r.Period.N > 0 {
			c.start(text, on)
		}
		list = append(list, c)
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Due.IsZero() != b.Due.IsZero() {
			return b.Due.IsZero()
		}
		if !a.Due.Equal(b.Due) {
			return a.Due.Before(b.Due)
		}
		return a.Rule.Mine && !b.Rule.Mine
	})
	return list
}

// start computes the last day, if text says when the period began.
func (c *Clock) start(text string, on time.Time) {
	r := c.Rule
	due := func(day time.Time) (time.Time, bool) {
		return calendar.Due(day, r.Period, r.Period.Unit != calendar.WorkDays)
	}
	e, ok := event(text, r.Cues, r.Not, on)
	if again, anew := event(text, r.Again, nil, on); anew && (!ok || again.from.After(e.to)) {
		if first, _ := due(e.to); !ok || !again.to.After(first) { // else it had passed before
			e, ok, c.Again = again, true, true
		}
	}
	if !ok {
		return
	}
	c.From = e.from
	c.Due, c.Exact = due(e.from)
	if !e.exact() {
		c.LatestFrom = e.to
		c.LatestDue, _ = due(e.to)
	}
}

// event finds when that was which starts a period: the time a person names in the
// same clause as one of the cues, and none of the words of another event.
func event(text string, cues, not []string, on time.Time) (dayRange, bool) {
	for _, clause := range clausePattern.Split(Normalize(text), -1) {
		if slices.ContainsFunc(not, func(w string) bool { return strings.Contains(clause, w) }) {
			continue
		}
		for _, cue := range cues {
			if !strings.Contains(clause, cue) {
				continue
			}
			if e, ok := happened(clause, cue, on); ok {
				return e, true
			}
		}
	}
	return dayRange{}, false
}

var clausePattern = regexp.MustCompile(`[,，。;；!！?？\n]`)
