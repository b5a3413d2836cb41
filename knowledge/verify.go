package knowledge

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds that Verify holds entries to, in characters.
const (
	minProof  = 4  // a shorter phrase must be a figure with its unit
	maxProof  = 40 // a longer one copies the law
	copiedRun = 20 // identical characters in a row that count as copied
)

// VerifyOptions are what Verify needs besides entries and law texts.
type VerifyOptions struct {
	Today     time.Time                         // entries without an end must hold on this day
	FiguresOf func(key string) ([]Figure, bool) // figures of a rule row; false: no such row. nil: rules are not checked
	Files     fs.FS                             // where the entries' files are, to name lines; nil: line 0
}

// verifier checks one entry at a time.
type verifier struct {
	lib     *Library
	opts    VerifyOptions
	entry   *Entry
	lines   []string                      // of the entry's file; nil: unknown
	working map[string]func(float64) bool // by law as cited: which days it counts as working days
	since   *Article                      // article of the current entry that came into force after the entry's From
	faults  []Fault
}

// Verify checks entries against the texts of the law: every cited article is
// there on every day the entry holds, every proof phrase stands in it, every
// figure is proved, nothing is copied. Faults name file and line and say in
// Chinese what to do. It returns none for a sound base.
func Verify(entries []*Entry, lib *Library, opts VerifyOptions) []Fault {
	v := &verifier{lib: lib, opts: opts, working: map[string]func(float64) bool{}}
	ids := map[string]*Entry{}
	for _, e := range entries {
		v.open(e)
		if other := ids[e.ID]; other != nil {
			v.fault(v.field("id"), "编号 %s 和 %s 重复，请改一个", e.ID, other.File)
		}
		ids[e.ID] = e
	}
	questions := map[string]*Entry{}
	for _, e := range entries {
		v.open(e)
		v.form()
		v.links(ids)
		v.questions(questions)
		for i := range e.Citations {
			v.citation(i)
		}
		if a := v.since; a != nil {
			v.fault(v.field("effective_from"), "effective_from 是 %s，但依据的《%s》%s现在的内容 %s 才施行；请改成这一天，旧文本要答的另写一条", isoDate(e.From), a.Short, a.No.Han(), isoDate(a.Effective))
		}
		v.figures()
		v.copied()
	}
	slices.SortStableFunc(v.faults, func(a, b Fault) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return v.faults
}

func (v *verifier) open(e *Entry) {
	v.entry, v.lines, v.since = e, nil, nil
	if v.opts.Files == nil {
		return
	}
	if text, err := fs.ReadFile(v.opts.Files, e.File); err == nil {
		v.lines = strings.Split(string(text), "\n")
	}
}

func (v *verifier) fault(line int, format string, a ...any) {
	v.faults = append(v.faults, Fault{File: v.entry.File, Line: line, Msg: fmt.Sprintf(format, a...)})
}

// field gives the line of a field of the front matter, 0 if unknown.
func (v *verifier) field(name string) int {
	return v.lineWith(0, func(l string) bool { return strings.HasPrefix(l, name+":") })
}

func (v *verifier) lineWith(from int, is func(string) bool) int {
	for i := from; i < len(v.lines); i++ {
		if is(v.lines[i]) {
			return i + 1
		}
	}
	return 0
}

// citationLine gives the line of the i-th citation, counting from 0.
func (v *verifier) citationLine(i int) int {
	at := v.field("citations")
	for n := 0; at > 0; n++ {
		at = v.lineWith(at, func(l string) bool {
			return strings.HasPrefix(strings.TrimLeft(l, " "), "- ") && strings.Contains(l, "law:")
		})
		if n == i {
			return at
		}
	}
	return 0
}

// bodyLine gives the line of the text that holds s.
func (v *verifier) bodyLine(s string) int {
	start := v.lineWith(1, func(l string) bool { return strings.TrimSpace(l) == "---" })
	if start == 0 {
		return 0
	}
	return v.lineWith(start, func(l string) bool { return strings.Contains(l, s) })
}

var (
	markupPattern = regexp.MustCompile(`(?m)^#\s|^###|\*\*|\|.*\||<[a-zA-Z!/]|https?://`)
	promises      = []string{"包赢", "保证胜诉", "保证赢", "一定能赢", "稳赢", "百分之百能", "我是律师", "作为您的律师", "作为你的律师"}
)

// form checks what can be seen without the law: lengths, dates, wording.
func (v *verifier) form() {
	e := v.entry
	if n := utf8.RuneCountInString(e.Title); n > 24 {
		v.fault(v.field("title"), "标题有 %d 个字，请缩到 24 个以内", n)
	}
	if base := strings.TrimSuffix(path.Base(e.File), ".md"); base != e.ID {
		v.fault(v.field("id"), "编号 %s 应和文件名 %s 一样", e.ID, base)
	}
	if n := len(e.Questions); n < 8 || n > 20 {
		v.fault(v.field("questions"), "问法有 %d 条，请写 8～20 条", n)
	}
	if n := charsWithoutMarks(e.Conclusion); n > 150 {
		v.fault(v.bodyLine(firstLine(e.Conclusion)), "第一段结论有 %d 个字，请缩到 150 个以内，其余放到下面", n)
	}
	body := entryText(e)
	if n := charsWithoutMarks(body); n < 200 || n > 1300 {
		v.fault(0, "正文有 %d 个字，应在 200～1300 个之间", n)
	}
	if m := markupPattern.FindString(body); m != "" {
		v.fault(v.bodyLine(m), "正文里不能用“%s”（不用粗体、表格、链接、HTML 和其他级别的标题）", m)
	}
	for _, w := range promises {
		if strings.Contains(body, w) {
			v.fault(v.bodyLine(w), "不能说“%s”：不许诺结果，也不自称律师", w)
		}
	}
	v.dates()
}

func (v *verifier) dates() {
	e := v.entry
	if !e.To.IsZero() && e.To.Before(e.From) {
		v.fault(v.field("effective_to"), "effective_to 比 effective_from 还早")
	}
	if !e.ReviewDue.IsZero() && !e.ReviewDue.After(e.ReviewedAt) {
		v.fault(v.field("review_due"), "review_due 应晚于 reviewed_at")
	}
	if !e.ReviewDue.IsZero() && e.ReviewDue.Before(calendarDay(v.opts.Today)) {
		v.fault(v.field("review_due"), "复核日期 %s 已过，请对照现行法条复核后更新 reviewed_at 和 review_due", isoDate(e.ReviewDue))
	}
}

// links checks that the entries named in see exist.
func (v *verifier) links(ids map[string]*Entry) {
	for _, id := range v.entry.See {
		if ids[id] == nil {
			v.fault(v.field("see"), "see 里的 %s 不存在，请改成有的编号或删去", clip(id, 40))
		} else if id == v.entry.ID {
			v.fault(v.field("see"), "see 里不用写自己")
		}
	}
}

// questions checks that no phrasing is used twice.
func (v *verifier) questions(seen map[string]*Entry) {
	for _, q := range v.entry.Questions {
		key := foldText(q)
		if other := seen[key]; other != nil {
			line := v.lineWith(0, func(l string) bool { return strings.Contains(l, q) })
			v.fault(line, "问法“%s”在 %s 里已经有了，请换一个说法", clip(q, 30), other.ID)
			continue
		}
		seen[key] = v.entry
	}
}

func charsWithoutMarks(s string) int {
	return utf8.RuneCountInString(removeSpaces(markPattern.ReplaceAllString(s, "")))
}

// figures checks that each figure in the text is proved by a citation or a rule,
// or listed as an example.
func (v *verifier) figures() {
	covered := v.covered()
	for _, part := range append([]Section{{Text: v.entry.Conclusion}}, v.entry.Sections...) {
		for line := range strings.Lines(part.Text) {
			var missing []string
			for _, f := range Figures(line) {
				if !covered[f] && !slices.Contains(missing, f.String()) {
					missing = append(missing, f.String())
				}
			}
			if len(missing) > 0 {
				v.fault(v.bodyLine(strings.TrimSpace(line)), "%s 没有依据：请把法条里带这个数的词写进 proof，或在 rules 里写上规则，举例的数写进 figures", strings.Join(missing, "、"))
			}
		}
	}
}

// covered collects the figures that proofs, rules and examples stand for.
func (v *verifier) covered() map[Figure]bool {
	all := map[Figure]bool{}
	add := func(list []Figure) {
		for _, f := range list {
			all[f] = true
		}
	}
	for _, c := range v.entry.Citations {
		proved := Figures(strings.Join(c.Proof, " ；"))
		add(proved)
		if c.External == "" {
			add(v.asWorkingDays(c.Law, proved))
		}
		add(Figures(c.External))
	}
	add(Figures(strings.Join(v.entry.Figures, " ；")))
	for _, key := range v.entry.Rules {
		if v.opts.FiguresOf == nil {
			continue
		}
		list, ok := v.opts.FiguresOf(key)
		if !ok {
			v.fault(v.field("rules"), "规则表里没有 %s，请核对 rules", clip(key, 40))
		}
		add(list)
	}
	return all
}

// asWorkingDays gives the figures in days that the law counts in working days.
func (v *verifier) asWorkingDays(law string, proved []Figure) []Figure {
	var list []Figure
	for _, f := range proved {
		if f.Unit != "日" {
			continue
		}
		if v.working[law] == nil {
			text, _ := v.lib.Text(law, v.lastDay()) // a missing law is faulted with its citation
			v.working[law] = workingDays(text)
		}
		if v.working[law](f.Value) {
			list = append(list, Figure{Value: f.Value, Unit: "工作日"})
		}
	}
	return list
}
