package knowledge

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Question is what a person wants to know.
type Question struct {
	Text    string    // in their words
	Context []string  // what they said before in this conversation, oldest first
	Last    string    // id of the entry that answered the turn before, "" if none
	Entry   string    // id of an entry they picked from a menu; skips the search
	Area    string    // "" for the whole country
	On      time.Time // the day the law is asked about; zero: today
}

// Kinds of outcome.
const (
	KindAnswer  = "answer"  // a reviewed entry fits
	KindClarify = "clarify" // two or more entries fit: which is meant?
	KindUnknown = "unknown" // nothing fits: say so, never guess
	KindOff     = "off"     // the topic is switched off
)

// Answer is what the base has to say to a question.
type Answer struct {
	Kind      string
	Text      string // Chinese, light Markdown; law and article in words, marks 〔n〕 for Citations[n-1]
	Entry     *Entry // the entry that answers; nil unless KindAnswer or KindOff
	Citations []Cited
	Clocks    []Clock
	AsOf      time.Time
	By        string   // "reviewed", "extract" or a model's name
	Grounded  bool     // every citation exists and is in force on AsOf
	Choices   []*Entry // for KindClarify and KindUnknown: what may be meant
	Also      []*Entry // entries whose conclusion the text adds
	Next      []*Entry // what a person usually needs next
	Fit       float64  // of the best entry, 0..1
}

// Cited is one citation with the version of its law that the answer uses.
type Cited struct {
	Citation
	Title     string    // full title of the law
	Published time.Time // zero if not known
	Effective time.Time // zero if not known
	Status    string    // 现行有效, 尚未施行, 已修改, 已废止, 外部来源
	Note      string    // e.g. where an external source is from
	Text      string    // the article itself, if law texts are imported
}

// Name gives "《法律援助法》第四十二条" as people cite it.
func (c Cited) Name() string {
	return "《" + strings.TrimPrefix(c.Title, "中华人民共和国") + "》" + c.Article.Han()
}

// facets are the sections a question can be after, by the words that ask for
// them; the section asked for comes right behind the conclusion.
var facets = []struct {
	heading string
	words   *regexp.Regexp
}{
	{"要多久", regexp.MustCompile(`多久|几天|多少天|几个月|多长时间|什么时候|啥时候|期限|时效|最晚|来得及|过期|几日|多少日`)},
	{"花多少钱", regexp.MustCompile(`多少钱|费用|收费|收钱|要钱|免费|几多钱|几钿|好多钱|诉讼费|公证费|交钱|花钱`)},
	{"要带什么", regexp.MustCompile(`材料|带什么|带啥|准备什么|准备啥|准备哪些|要准备|证件|手续|要哪些|啥证`)},
	{"去哪里", regexp.MustCompile(`去哪|哪里|哪儿|哪个法院|到哪|在哪|地址|哪个部门|边度|哪家`)},
	{"找谁帮忙", regexp.MustCompile(`找谁|谁管|打什么电话|电话|热线|求助`)},
	{"例外", regexp.MustCompile(`例外|特殊情况|除外|什么情况下不`)},
}

// facet gives the heading of the section a question asks for, "" if none.
func facet(text string) string {
	for _, f := range facets {
		if f.words.MatchString(text) {
			return f.heading
		}
	}
	return ""
}

// page puts an answer's text together: it renumbers the marks of several
// entries into one list of citations.
type page struct {
	b     strings.Builder
	cited []Cited
	cite  func(Citation) Cited
}

// maxAlso bounds how many further entries lend their conclusion to an answer.
const maxAlso = 2

// compose words the answer of entry e: first anything computed from the
// person's own figures, then the conclusion, then the section asked for, then
// the rest; then what other entries add, the periods, and what it rests on.
func (p *page) compose(e *Entry, asked string, computed []Computed, also []*Entry, clocks []Clock, asOf time.Time) string {
	p.add(e, e.Conclusion)
	for _, c := range computed {
		p.b.WriteString("\n\n")
		p.b.WriteString(c.Text + p.markFor(c.Basis))
	}
	p.clocks(clocks, asOf)
	first := e.Section(asked)
	if first != "" {
		p.section(e, asked, first)
	}
	for _, s := range e.Sections {
		if s.Heading != asked {
			p.section(e, s.Heading, s.Text)
		}
	}
	p.others("你可能还想知道：", also)
	p.foot(asOf)
	return p.b.String()
}

// follow words the answer to a question that goes on about entry e: only the
// section asked for.
func (p *page) follow(e *Entry, asked string, computed []Computed, clocks []Clock, asOf time.Time) string {
	p.b.WriteString("还是说“" + e.Title + "”：")
	p.add(e, e.Conclusion)
	p.section(e, asked, e.Section(asked))
	for _, c := range computed {
		p.b.WriteString("\n\n" + c.Text + p.markFor(c.Basis))
	}
	p.clocks(clocks, asOf)
	p.foot(asOf)
	return p.b.String()
}

// others writes the conclusions of further entries under a line.
func (p *page) others(line string, also []*Entry) {
	if len(also) > 0 {
		p.b.WriteString("\n\n" + line)
	}
	for _, e := range also {
		p.b.WriteString("\n- " + e.Title + "：")
		p.add(e, e.Conclusion)
	}
}

func (p *page) section(e *Entry, heading, text string) {
	p.b.WriteString("\n\n" + heading + "\n")
	p.add(e, text)
}

// add writes text of an entry with its marks renumbered.
func (p *page) add(e *Entry, text string) {
	p.b.WriteString(markPattern.ReplaceAllStringFunc(text, func(m string) string {
		n, err := strconv.Atoi(m[1 : len(m)-1])
		if err != nil || n < 1 || n > len(e.Citations) {
			return ""
		}
		return p.mark(e.Citations[n-1])
	}))
}

// mark gives the mark of a citation, adding it to the list when it is new.
func (p *page) mark(c Citation) string {
	cited := p.cite(c)
	for i, have := range p.cited {
		if have.Title == cited.Title && have.Article == cited.Article {
			return "〔" + strconv.Itoa(i+1) + "〕"
		}
	}
	p.cited = append(p.cited, cited)
	return "〔" + strconv.Itoa(len(p.cited)) + "〕"
}

func (p *page) markFor(basis []Citation) string {
	var marks string
	for _, c := range basis {
		marks += p.mark(c)
	}
	return marks
}

// clocks writes the periods whose last day could be computed, and how that day
// lies to the day asked about.
func (p *page) clocks(clocks []Clock, asOf time.Time) {
	for _, c := range clocks {
		if c.Due.IsZero() {
			continue
		}
		p.b.WriteString("\n\n" + c.text() + c.left(asOf) + "以你手里的文书和证据为准，宜早不宜晚。" + p.markFor(c.Rule.Citations()[:min(1, len(c.Rule.Basis))]))
	}
}

func (c Clock) text() string {
	begins := "起"
	if c.Again {
		begins = "催要或对方答应（留好证据）时起重新算"
	}
	if c.About() {
		return "按你说的大概时间算：" + c.Rule.Title + "，从" + aboutMonth(c.From, c.LatestFrom) + begins + c.Rule.Span + "，大约到" + aboutMonth(c.Due, c.LatestDue)
	}
	s := "按你说的日期算：" + c.Rule.Title + "，从" + hanDay(c.From) + begins + c.Rule.Span + "，最后一天是" + hanDay(c.Due)
	if !c.Exact {
		s += "（那一年的放假安排还没公布，遇节假日会顺延）"
	}
	return s
}

// fewDays is how many days before the last one a person is told the number left.
const fewDays = 15

// left says how many days there are to the last one, or that it has passed and
// what may have made it later.
func (c Clock) left(asOf time.Time) string {
	last := c.Due
	if c.About() {
		last = c.LatestDue
	}
	days := int(last.Sub(asOf).Hours() / 24)
	switch {
	case days < 0 && c.About():
		return "，多半已经过了。" + c.stillOpen()
	case days < 0:
		return "，到" + hanDay(asOf) + "已经过了" + strconv.Itoa(-days) + "天。" + c.stillOpen()
	case c.About() && !c.Due.After(asOf.AddDate(0, 0, fewDays)):
		return "：可能就在这几天，也可能刚过，马上去办。"
	case c.About():
		return "，应该还没过。"
	case days == 0:
		return "，就是今天，马上去办。"
	case days <= fewDays:
		return "，只剩" + strconv.Itoa(days) + "天。"
	}
	return "。"
}

// stillOpen says why a period that has passed by the count need not be over.
func (c Clock) stillOpen() string {
	s := "先别放弃：期限从“" + c.Rule.From + "”算起"
	if c.Rule.Note != "" {
		s += "；" + c.Rule.Note
	}
	return s + "。属于哪种情况，马上打 12348 问清楚。"
}

// aboutMonth names the months two days lie in.
func aboutMonth(from, to time.Time) string {
	month := func(d time.Time) string { return strconv.Itoa(d.Year()) + "年" + strconv.Itoa(int(d.Month())) + "月" }
	if a, b := month(from), month(to); a != b {
		return a + "至" + b
	}
	return month(from)
}

// foot writes the list of what the text rests on and the day it is stated for.
func (p *page) foot(asOf time.Time) {
	if len(p.cited) > 0 {
		p.b.WriteString("\n\n依据")
		for i, c := range p.cited {
			p.b.WriteString("\n〔" + strconv.Itoa(i+1) + "〕" + c.Name())
			switch {
			case c.External != "":
				p.b.WriteString("（外部来源：" + c.External + "，原文请向办理机关核对）")
			case c.Effective.IsZero():
				p.b.WriteString("（" + c.Status + "）")
			default:
				p.b.WriteString("（" + c.Effective.Format(time.DateOnly) + "起施行，" + c.Status + "）")
			}
			if c.Note != "" && c.External == "" {
				p.b.WriteString("【" + c.Note + "】")
			}
		}
	}
	p.b.WriteString("\n\n依据截至 " + asOf.Format(time.DateOnly) + "。这是普法信息，不是律师意见；拿不准就打 12348（免费）。")
}

func hanDay(d time.Time) string {
	return strconv.Itoa(d.Year()) + "年" + strconv.Itoa(int(d.Month())) + "月" + strconv.Itoa(d.Day()) + "日"
}

// elliptical says whether a text only makes sense after what was said before:
// "那要多久？", "材料呢", "去哪办".
func elliptical(text string) bool {
	t := strings.TrimSpace(text)
	n := utf8.RuneCountInString(t)
	return n <= 6 && facet(t) != "" || n <= 22 && leadsOn.MatchString(t)
}

var leadsOn = regexp.MustCompile(`^(那|那么|那我|那这|这个|这|它|还有|另外|如果|要是|万一|可是|但是|然后|接着|对方|他|她|需要|要不要|多久|几天|去哪|在哪|怎么|咋)|(呢|吗|嘛)[?？]?$`)

// briefSteps is how many lines of what to do a brief answer keeps.
const briefSteps = 3

// Brief is the answer's conclusion, the first things to do, and what they rest
// on.
func (a Answer) Brief() string {
	body, foot := splitFoot(a.Text)
	parts := strings.Split(body, "\n\n")
	out := parts[0]
	for _, p := range parts[1:] {
		if lines := strings.Split(p, "\n"); lines[0] == "怎么办" {
			out += "\n\n" + strings.Join(lines[:min(len(lines), briefSteps+1)], "\n")
		}
	}
	return out + foot
}
