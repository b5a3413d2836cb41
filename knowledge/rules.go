package knowledge

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"mingbai/calendar"
)

// Rule is one period of the rule table corpus/rules/clocks.yaml.
type Rule struct {
	Key   string         `yaml:"key"`
	Title string         `yaml:"title"`
	Span  string         `yaml:"span"` // "15日", "3个工作日"; or words when no period runs
	From  string         `yaml:"from"` // what starts it
	Mine  bool           `yaml:"mine"` // the person must act within it, not an authority
	Cues  []string       `yaml:"cues"` // words beside a date that mean the period runs from it
	More  []string       `yaml:"more"` // further periods of the same row
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
}

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
			if from, ok := eventDay(text, r.Cues, on); ok {
				c.From = from
				c.Due, c.Exact = calendar.Due(from, r.Period, r.Period.Unit != calendar.WorkDays)
			}
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

// eventDay finds the day a person names together with one of the cues, within
// the same clause. The day must not lie after on.
func eventDay(text string, cues []string, on time.Time) (time.Time, bool) {
	if len(cues) == 0 {
		return time.Time{}, false
	}
	for _, clause := range clausePattern.Split(Normalize(text), -1) {
		for _, cue := range cues {
			if !strings.Contains(clause, cue) {
				continue
			}
			if d, ok := findDay(clause, on); ok && !d.After(on) {
				return d, true
			}
			break
		}
	}
	return time.Time{}, false
}

var clausePattern = regexp.MustCompile(`[,，。;；!！?？\n]`)
