package knowledge

import (
	"fmt"
	"hash/maphash"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
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
	lines   []string                       // of the entry's file; nil: unknown
	working map[string]func(float64) bool  // by law as cited: which days it counts as working days
	runs    map[string]map[uint64]struct{} // by law and version: hashes of its runs of characters
	seed    maphash.Seed
	since   *Article // article of the current entry that came into force after the entry's From
	faults  []Fault
}

// Verify checks entries against the texts of the law, beyond what Check sees
// without them: every cited article is there on every day the entry holds, every
// proof phrase stands in it, every figure is proved, nothing is copied. Faults name file and line and say in
// Chinese what to do. It returns none for a sound base.
func Verify(entries []*Entry, lib *Library, opts VerifyOptions) []Fault {
	v := &verifier{lib: lib, opts: opts, working: map[string]func(float64) bool{}, runs: map[string]map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	for _, e := range entries {
		v.open(e)
		v.markup()
		for i := range e.Citations {
			v.citation(i)
		}
		if a := v.since; a != nil {
			v.fault(v.field("effective_from"), "effective_from 是 %s，但依据的《%s》%s现在的内容 %s 才施行；请改成这一天，旧文本要答的另写一条", isoDate(e.From), a.Short, a.No.Han(), isoDate(a.Effective))
		}
		v.figures()
		v.days()
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

var markupPattern = regexp.MustCompile(`(?m)^#\s|^###|\*\*|\|.*\||<[a-zA-Z!/]|https?://`)

// markup faults what a chat cannot show.
func (v *verifier) markup() {
	if m := markupPattern.FindString(entryText(v.entry)); m != "" {
		v.fault(v.bodyLine(m), "正文里不能用“%s”（不用粗体、表格、链接、HTML 和其他级别的标题）", clip(m, 20))
	}
}

// figures checks that each figure in the text is proved by a citation or a rule,
// or listed as an example, and that a line marked [n] has its figures from
// there and not from another article.
func (v *verifier) figures() {
	covered := v.covered(v.entry.Citations)
	for line := range strings.Lines(entryText(v.entry)) {
		figures := Figures(line)
		if len(figures) == 0 {
			continue
		}
		at := strings.TrimSpace(line)
		if missing := without(figures, covered); missing != "" {
			v.fault(v.bodyLine(at), "%s 没有依据：请把法条里带这个数的词写进 proof，或在 rules 里写上规则，举例的数写进 figures", missing)
			continue
		}
		if marked := v.marked(line); len(marked) > 0 {
			if missing := without(figures, v.stated(marked)); missing != "" {
				v.fault(v.bodyLine(at), "%s 不在这一行所标的依据里，请把写着它的那条依据也标上 [n]", missing)
			}
		}
	}
}

// without lists the figures that are not in the set, "" if all are.
func without(figures []Figure, set map[Figure]bool) string {
	var missing []string
	for _, f := range figures {
		if !set[f] && !slices.Contains(missing, f.String()) {
			missing = append(missing, f.String())
		}
	}
	return strings.Join(missing, "、")
}

// marked gives the citations that a line names by [n].
func (v *verifier) marked(line string) []Citation {
	var list []Citation
	for _, m := range markPattern.FindAllStringSubmatch(line, -1) {
		if n, ok := parseNumber(m[1]); ok && n >= 1 && n <= len(v.entry.Citations) {
			list = append(list, v.entry.Citations[n-1])
		}
	}
	return list
}

// stated collects the figures that the whole articles of the citations state, with
// those of rules and examples.
func (v *verifier) stated(list []Citation) map[Figure]bool {
	all := v.covered(list)
	for _, c := range list {
		a, err := v.lib.Article(c.Law, c.Article, v.lastDay())
		if err != nil {
			continue // faulted with the citation
		}
		figures := ProvedFigures(a.Text)
		for _, f := range append(figures, v.asWorkingDays(c.Law, figures)...) {
			all[f] = true
		}
	}
	return all
}

// covered collects the figures that proofs of the citations, rules and examples
// stand for.
func (v *verifier) covered(list []Citation) map[Figure]bool {
	all := map[Figure]bool{}
	add := func(list []Figure) {
		for _, f := range list {
			all[f] = true
		}
	}
	for _, c := range list {
		proved := ProvedFigures(strings.Join(c.Proof, " ；"))
		add(proved)
		if c.External == "" {
			add(v.asWorkingDays(c.Law, proved))
		}
		add(ProvedFigures(c.External))
	}
	add(ProvedFigures(strings.Join(v.entry.Figures, " ；")))
	for _, key := range v.entry.Rules {
		if v.opts.FiguresOf == nil {
			continue
		}
		list, _ := v.opts.FiguresOf(key) // Check faults unknown keys
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

// days checks that each full date in the text is a day on which a cited law
// changed (or the day before), or stands in the entry's proofs and dates.
func (v *verifier) days() {
	known := map[time.Time]bool{v.entry.From: true, v.entry.To: true, v.entry.To.AddDate(0, 0, 1): true}
	for _, c := range v.entry.Citations {
		if l, ok := v.lib.Law(c.Law); ok {
			for _, version := range l.Versions {
				known[version.Published], known[version.Effective], known[version.Until] = true, true, true
			}
		}
		for _, d := range datesIn(c.External + " " + strings.Join(c.Proof, " ")) {
			known[d] = true
		}
	}
	for _, d := range datesIn(strings.Join(v.entry.Figures, " ")) {
		known[d] = true
	}
	for line := range strings.Lines(entryText(v.entry)) {
		for _, d := range datesIn(line) {
			if d.IsZero() || !known[d] && !known[d.AddDate(0, 0, 1)] {
				v.fault(v.bodyLine(strings.TrimSpace(line)), "日期“%s”没有依据：不是所引法律公布、施行或失效的日子，请核对；举例的日期写进 figures", clip(strings.TrimSpace(line), 30))
			}
		}
	}
}

var isoDatePattern = regexp.MustCompile(`(?:19|20)\d\d-\d\d-\d\d`)

// datesIn reads the full dates in s, 2026年1月1日 and 2026-01-01.
func datesIn(s string) []time.Time {
	var list []time.Time
	for _, m := range fullDatePattern.FindAllStringSubmatch(foldDigits(s), -1) {
		list = append(list, chineseDate(m[1], m[2], m[3]))
	}
	for _, m := range isoDatePattern.FindAllString(s, -1) {
		if d, err := ParseDate(m); err == nil {
			list = append(list, d)
		}
	}
	return list
}
