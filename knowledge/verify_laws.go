package knowledge

import (
	"errors"
	"hash/maphash"
	"iter"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

var sourceDate = regexp.MustCompile(`(?:19|20)\d\d(?:-\d\d|年)`)
var orderNumber = regexp.MustCompile(`令|〔|号`)

// citation checks the i-th citation, counting from 0.
func (v *verifier) citation(i int) {
	c := v.entry.Citations[i]
	line := v.citationLine(i)
	if c.Law == "" {
		return // Check says so
	}
	if c.External != "" {
		v.external(i, line)
		return
	}
	if c.Article == (ArticleNo{}) {
		if l, ok := v.lib.Law(c.Law); ok && len(l.Versions) > 0 && l.Versions[len(l.Versions)-1].Articles > 0 {
			v.fault(line, "第 %d 条依据没有写条号（《%s》）", i+1, c.Law)
			return
		}
	}
	articles := v.inForce(i, line)
	for _, p := range c.Proof {
		v.proof(i, p, articles)
	}
}

// external checks a source whose text cannot be held.
func (v *verifier) external(i, line int) {
	c := v.entry.Citations[i]
	if utf8.RuneCountInString(c.External) < 6 || !sourceDate.MatchString(c.External) {
		v.fault(line, "第 %d 条依据的 external 要写清来源和日期，如“司法部令第148号，2023-07-11公布，2023-09-01施行”", i+1)
	}
	if c.Article == (ArticleNo{}) || orderNumber.MatchString(c.External) {
		return
	}
	if _, err := v.lib.Article(c.Law, c.Article, v.lastDay()); err == nil {
		v.fault(line, "库里有《%s》%s的原文，请去掉 external，改写 proof", c.Law, c.Article.Han())
	}
}

// lastDay is the last day the entry must be true on.
func (v *verifier) lastDay() time.Time {
	today := calendarDay(v.opts.Today)
	if !v.entry.To.IsZero() && v.entry.To.Before(today) {
		return v.entry.To
	}
	return today
}

// inForce gives the cited article in every version that holds while the entry
// does, and faults days on which there is none.
func (v *verifier) inForce(i, line int) []*Article {
	c := v.entry.Citations[i]
	last := v.lastDay()
	a, err := v.lib.Article(c.Law, c.Article, last)
	if err != nil {
		advice := "请核对法名、条号和日期"
		if errors.Is(err, ErrNoText) {
			advice = "请核对法名，或把原文加进 --laws"
		}
		v.fault(line, "第 %d 条依据：%v；%s", i+1, err, advice)
		return nil
	}
	articles := []*Article{a}
	for from := a.Effective; v.entry.From.Before(from); {
		before := from.AddDate(0, 0, -1)
		old, err := v.lib.Article(c.Law, c.Article, before)
		if err != nil || !provedBy(old, c) {
			if v.since == nil || v.since.Effective.Before(from) {
				v.since = articles[len(articles)-1]
			}
			break
		}
		articles = append(articles, old)
		from = old.Effective
	}
	if !v.entry.To.IsZero() && !a.Until.IsZero() && !v.entry.To.Before(a.Until) && a.Until.After(last) {
		v.fault(v.field("effective_to"), "《%s》这一版只用到 %s，effective_to 不能更晚", c.Law, isoDate(a.Until.AddDate(0, 0, -1)))
	}
	return articles
}

// provedBy says that every proof of the citation stands in the article.
func provedBy(a *Article, c Citation) bool {
	text := foldFigures(paragraphOf(a.Text, c.Paragraph))
	for _, p := range c.Proof {
		if !strings.Contains(text, foldFigures(p)) {
			return false
		}
	}
	return text != ""
}

// proof checks one phrase against the article, in every version that counts.
func (v *verifier) proof(i int, phrase string, articles []*Article) {
	c := v.entry.Citations[i]
	at := v.citationLine(i)
	if found := v.lineWith(max(at-1, 0), func(l string) bool { return strings.Contains(l, phrase) }); at > 0 && found > 0 {
		at = found
	}
	folded := foldFigures(phrase)
	n := utf8.RuneCountInString(folded)
	switch {
	case n < minProof && len(allFigures(phrase)) == 0 && !fractionOnly.MatchString(folded):
		v.fault(at, "第 %d 条依据的短语“%s”太短，至少 %d 个字，或是带单位的数", i+1, phrase, minProof)
	case n > maxProof:
		v.fault(at, "第 %d 条依据的短语有 %d 个字，像在抄法条；请只留 %d 个字以内的关键短语", i+1, n, maxProof)
	}
	for _, a := range articles {
		whole := paragraphOf(a.Text, c.Paragraph)
		if whole == "" {
			v.fault(at, "《%s》%s没有第 %d 款（共 %d 款）", c.Law, c.Article.Han(), c.Paragraph, len(paragraphsOf(a.Text)))
			return
		}
		text := foldFigures(whole)
		if !strings.Contains(text, folded) {
			where := c.Article.Han()
			if c.Paragraph > 0 {
				where += "第" + hanNumber(c.Paragraph) + "款"
			}
			v.fault(at, "《%s》%s（%s 起施行）里没有“%s”，请对照原文改短语或条号", c.Law, where, isoDate(a.Effective), clip(phrase, 40))
			return
		}
		if size := utf8.RuneCountInString(text); size > 20 && n*10 >= size*8 {
			v.fault(at, "第 %d 条依据的短语几乎是整条法条，请只留关键短语", i+1)
		}
	}
}

// workingDays collects which day figures a law says mean working days: “三日”“五
// 日”的规定是指工作日, or 十日以内期限. Nothing if the law does not say so.
func workingDays(articles []*Article) func(float64) bool {
	days, below := map[float64]bool{}, 0.0
	for _, a := range articles {
		for _, sentence := range sentencePattern.FindAllString(a.Text, -1) {
			if !strings.Contains(sentence, "指工作日") {
				continue
			}
			for _, f := range allFigures(strings.NewReplacer("“", " ", "”", " ").Replace(sentence)) {
				if f.Unit != "日" {
					continue
				}
				days[f.Value] = true
				if strings.Contains(sentence, "以内") {
					below = max(below, f.Value)
				}
			}
		}
	}
	return func(n float64) bool { return days[n] || n <= below }
}

var itemLine = regexp.MustCompile(`^[（(](?:[零一二三四五六七八九十]{1,3}|\d{1,2})[）)]|^\d{1,2}[.．、]`)

// paragraphsOf parts an article into its 款. Items （一）（二） belong to the
// paragraph that lists them.
func paragraphsOf(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case len(list) > 0 && itemLine.MatchString(line):
			list[len(list)-1] += "\n" + line
		default:
			list = append(list, line)
		}
	}
	return list
}

// paragraphOf gives 款 n of an article, the whole for 0, "" if there is none.
func paragraphOf(text string, n int) string {
	if n == 0 {
		return text
	}
	if list := paragraphsOf(text); n >= 1 && n <= len(list) {
		return list[n-1]
	}
	return ""
}

// copied faults lines that repeat the wording of a cited law, be it of the cited
// article or of another.
func (v *verifier) copied() {
	var laws []map[uint64]struct{}
	for _, c := range v.entry.Citations {
		if c.External == "" {
			laws = append(laws, v.runsOf(c.Law))
		}
	}
	for _, part := range append([]Section{{Text: v.entry.Conclusion}}, v.entry.Sections...) {
		for line := range strings.Lines(part.Text) {
			plain := foldText(namedLawPattern.ReplaceAllString(markPattern.ReplaceAllString(line, ""), ""))
			for run := range runs(plain) {
				if v.hasRun(laws, run) {
					v.fault(v.bodyLine(strings.TrimSpace(line)), "“%s”和法条原文一样，请换成自己的大白话", run)
					break
				}
			}
		}
	}
}

// runsOf gives hashes of every run of copiedRun characters of the law's text.
func (v *verifier) runsOf(law string) map[uint64]struct{} {
	text, err := v.lib.Text(law, v.lastDay())
	if err != nil {
		return nil // faulted with its citation
	}
	key := text[0].Law + isoDate(text[0].Effective)
	if v.runs[key] == nil {
		v.runs[key] = map[uint64]struct{}{}
		for _, a := range text {
			for run := range runs(foldText(a.Text)) {
				v.runs[key][maphash.String(v.seed, run)] = struct{}{}
			}
		}
	}
	return v.runs[key]
}

// runs yields each run of copiedRun characters of s.
func runs(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var starts []int // byte offsets of characters
		for i := range s {
			starts = append(starts, i)
		}
		starts = append(starts, len(s))
		for i := 0; i+copiedRun < len(starts); i++ {
			if !yield(s[starts[i]:starts[i+copiedRun]]) {
				return
			}
		}
	}
}

func (v *verifier) hasRun(list []map[uint64]struct{}, run string) bool {
	sum := maphash.String(v.seed, run)
	for _, set := range list {
		if _, ok := set[sum]; ok {
			return true
		}
	}
	return false
}
