package knowledge

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Domain is one of the fields of law the base covers.
type Domain struct {
	ID     string            `yaml:"id"`   // two letters, "LA"
	Name   string            `yaml:"name"` // "法律援助"
	Topics map[string]string `yaml:"topics"`
}

// ParseDomains reads corpus/topics.yaml.
func ParseDomains(text []byte) ([]Domain, error) {
	var domains []Domain
	if err := unmarshalYAML(text, &domains); err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	return domains, nil
}

// Bounds on an entry that keep an answer readable on a phone.
const (
	maxTitle      = 24   // runes; a title is also a menu choice
	maxConclusion = 150  // runes without marks and spaces
	maxBody       = 1300 // runes
	minQuestions  = 8
	maxQuestions  = 20
)

// forbidden are words no answer may use: promises of an outcome, and claims to
// be a lawyer (律师法 第十三条, 法律援助法 第二十条; interim rules on advertising of
// legal services). A negated use ("不能包赢") is no fault.
var forbidden = []string{"包赢", "必胜", "保证胜诉", "保证赢", "一定能赢", "一定会赢", "稳赢", "百分之百能赢", "我是律师", "本律师", "作为您的律师", "作为你的律师", "打包票", "内部渠道", "找关系"}

// CheckOptions says what entries are checked against.
type CheckOptions struct {
	Domains []Domain
	// Law says whether a law is known, and how many articles its version in
	// force on the day has (0: unknown). Nil: not checked.
	Law func(name string, on time.Time) (articles int, ok bool)
	// Rule says whether a rule row exists. Nil: not checked.
	Rule func(key string) bool
	Now  time.Time
}

// Check finds what is wrong with the entries, each and together: missing
// fields, unknown topics, laws, rules and entries, dates out of order, overdue
// reviews, phrasings that two entries share, forbidden wording, lengths.
func Check(entries []*Entry, o CheckOptions) []Fault {
	c := checker{o: o, topics: map[string]bool{}, ids: map[string]*Entry{}, asked: map[string]*Entry{}}
	for _, d := range o.Domains {
		for id := range d.Topics {
			c.topics[id] = true
		}
	}
	for _, e := range entries {
		if first := c.ids[e.ID]; first != nil {
			c.fault(e, "id", "id “%s” 在 %s 里已经用过", e.ID, first.File)
			continue
		}
		c.ids[e.ID] = e
	}
	for _, e := range entries {
		c.fields(e)
		c.dates(e)
		c.citations(e)
		c.phrasings(e)
		c.wording(e)
	}
	sort.SliceStable(c.faults, func(i, j int) bool { return c.faults[i].File < c.faults[j].File })
	return c.faults
}

type checker struct {
	o      CheckOptions
	topics map[string]bool
	ids    map[string]*Entry
	asked  map[string]*Entry // normalised phrasing → entry
	faults []Fault
}

// fault notes what is wrong with a field of the front matter, or with the "text".
func (c *checker) fault(e *Entry, field, format string, a ...any) {
	c.faults = append(c.faults, Fault{File: e.File, Line: max(1, e.at[field]), Msg: fmt.Sprintf(format, a...)})
}

func (c *checker) fields(e *Entry) {
	if len(c.topics) > 0 && !c.topics[e.Topic] {
		c.fault(e, "topic", "没有专题 %s，全部专题见 topics.yaml", e.Topic)
	}
	if n := utf8.RuneCountInString(e.Title); n > maxTitle {
		c.fault(e, "title", "标题 %d 个字，最多 %d 个", n, maxTitle)
	}
	if n := runes(e.Conclusion); n > maxConclusion {
		c.fault(e, "text", "结论 %d 个字，最多 %d 个（手机上要一眼看完）", n, maxConclusion)
	}
	if n := runes(e.Body()); n > maxBody {
		c.fault(e, "text", "正文 %d 个字，最多 %d 个，太长就拆成两条", n, maxBody)
	}
	if len(e.Keywords) == 0 {
		c.fault(e, "keywords", "缺少 keywords")
	}
	for _, key := range e.Rules {
		if c.o.Rule != nil && !c.o.Rule(key) {
			c.fault(e, "rules", "rules 里的 %s 在规则表里没有", key)
		}
	}
	for _, id := range e.See {
		if c.ids[id] == nil {
			c.fault(e, "see", "see 里的 %s 没有这个条目", id)
		}
	}
}

func (c *checker) dates(e *Entry) {
	if !e.To.IsZero() && e.To.Before(e.From) {
		c.fault(e, "effective_to", "effective_to（%s）早于 effective_from（%s）", e.To.Format(time.DateOnly), e.From.Format(time.DateOnly))
	}
	if !e.ReviewDue.IsZero() && e.ReviewDue.Before(e.ReviewedAt) {
		c.fault(e, "review_due", "review_due 早于 reviewed_at")
	}
	if c.o.Now.IsZero() {
		return
	}
	if e.ReviewedAt.After(c.o.Now) {
		c.fault(e, "reviewed_at", "reviewed_at（%s）在今天之后", e.ReviewedAt.Format(time.DateOnly))
	}
	if e.Overdue(c.o.Now) {
		c.fault(e, "review_due", "复核已过期（%s），请重新核对后改 reviewed_at 和 review_due", e.ReviewDue.Format(time.DateOnly))
	}
}

func (c *checker) citations(e *Entry) {
	if len(e.Citations) == 0 {
		c.fault(e, "citations", "一条依据也没有")
	}
	for i, cit := range e.Citations {
		if cit.Law == "" {
			c.fault(e, "citations", "第 %d 条依据没有写 law", i+1)
			continue
		}
		if cit.External != "" {
			continue // its text is not held; the source is shown to the reader instead
		}
		if len(cit.Proof) == 0 {
			c.fault(e, "citations", "第 %d 条依据没有 proof（条文里能证明答案的词句）", i+1)
		}
		if c.o.Law == nil {
			continue
		}
		n, ok := c.o.Law(cit.Law, e.lastDay(c.o.Now))
		if !ok {
			c.fault(e, "citations", "第 %d 条依据：不认识法律“%s”；没有文本的请写 external 注明出处和日期", i+1, cit.Law)
		} else if n > 0 && cit.Article.N > n {
			c.fault(e, "citations", "第 %d 条依据：《%s》一共 %d 条，没有%s", i+1, cit.Law, n, cit.Article.Han())
		}
	}
}

func (c *checker) phrasings(e *Entry) {
	if n := len(e.Questions); n < minQuestions || n > maxQuestions {
		c.fault(e, "questions", "questions 有 %d 句，应有 %d 到 %d 句", n, minQuestions, maxQuestions)
	}
	for _, q := range e.Questions {
		key := Normalize(q)
		if key == "" {
			c.fault(e, "questions", "questions 里有空的一句")
			continue
		}
		if first := c.asked[key]; first != nil && overlap(first, e) {
			c.fault(e, "questions", "问法“%s”和 %s 重复", clip(q, 20), first.ID)
			continue
		}
		c.asked[key] = e
	}
}

// overlap says whether two entries can hold on the same day; phrasings of an
// old and a new text of the same law may be the same.
func overlap(a, b *Entry) bool {
	return (a.To.IsZero() || !a.To.Before(b.From)) && (b.To.IsZero() || !b.To.Before(a.From))
}

var negation = regexp.MustCompile(`[不没无非别勿]|谨防|小心|骗`)

func (c *checker) wording(e *Entry) {
	text := e.Title + "\n" + e.Conclusion + "\n" + e.Body()
	for _, w := range forbidden {
		for rest := text; ; {
			i := strings.Index(rest, w)
			if i < 0 {
				break
			}
			before, after := []rune(rest[:i]), []rune(rest[i+len(w):])
			around := string(before[max(0, len(before)-8):]) + string(after[:min(6, len(after))])
			if !negation.MatchString(around) {
				c.fault(e, "text", "不能写“%s”：不许诺结果，也不自称律师", w)
			}
			rest = rest[i+len(w):]
		}
	}
}

// runes counts the characters a person reads: no marks, no white space.
func runes(s string) int {
	n := 0
	for _, r := range markPattern.ReplaceAllString(s, "") {
		if r > ' ' && r != '　' {
			n++
		}
	}
	return n
}

// Body gives the whole text of the entry, conclusion first, with its marks.
func (e *Entry) Body() string {
	var b strings.Builder
	b.WriteString(e.Conclusion)
	for _, s := range e.Sections {
		b.WriteString("\n\n## " + s.Heading + "\n" + s.Text)
	}
	return b.String()
}

// Section gives the text under a heading, "" if the entry has none.
func (e *Entry) Section(heading string) string {
	for _, s := range e.Sections {
		if s.Heading == heading {
			return s.Text
		}
	}
	return ""
}

// Overdue says whether the entry's review was due before the day.
func (e *Entry) Overdue(on time.Time) bool {
	return !e.ReviewDue.IsZero() && e.ReviewDue.Before(on)
}

// lastDay is the day the entry is checked for: today, or its own last day.
func (e *Entry) lastDay(now time.Time) time.Time {
	if !e.To.IsZero() && e.To.Before(now) {
		return e.To
	}
	if e.From.After(now) {
		return e.From
	}
	return now
}
