package knowledge

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of sentences a mixed draft holds. Those of citing name a basis that is
// none; those of stating give a true basis and say what it does not.
const (
	mixedTrue     = "true"
	mixedArticle  = "an article in force that was not retrieved"
	mixedRepealed = "a law that no longer holds"
	mixedNoSuch   = "an article that its law does not have"
	mixedInvented = "a law that does not exist"
	mixedFigure   = "a figure changed"
	mixedForeign  = "a statement of another matter"
	mixedDenied   = "a statement denied"
)

// mixedKinds is every kind, true first.
var mixedKinds = []string{mixedTrue, mixedArticle, mixedRepealed, mixedNoSuch, mixedInvented, mixedFigure, mixedForeign, mixedDenied}

// citing says whether a kind of falsehood is in what is cited, rather than in
// what is stated.
func citing(kind string) bool {
	return slices.Contains([]string{mixedArticle, mixedRepealed, mixedNoSuch, mixedInvented}, kind)
}

// GateFigures is what came of answers by a model that mixes true sentences with
// false ones.
type GateFigures struct {
	Questions int            // asked
	Answered  int            // by a reviewed entry, which the model was to word
	Wanted    int            // of those the model would be asked for; the others fit exactly
	Worded    int            // given in the model's words; the others as reviewed
	Given     map[string]int // sentences by kind
	Out       map[string]int // those that got out
	Citations int            // marks and articles named in what got out
	Invalid   int            // those that do not exist, are not in force on the day, or were not retrieved
}

// Dropped is the share of true sentences that did not pass.
func (f GateFigures) Dropped() float64 {
	if f.Given[mixedTrue] == 0 {
		return 0
	}
	return 1 - float64(f.Out[mixedTrue])/float64(f.Given[mixedTrue])
}

// False counts sentences of a false basis (cited) and of a false statement that
// got out.
func (f GateFigures) False() (cited, stated int) {
	for _, k := range mixedKinds[1:] {
		if citing(k) {
			cited += f.Out[k]
		} else {
			stated += f.Out[k]
		}
	}
	return cited, stated
}

// Write prints the figures for people.
func (f GateFigures) Write(w io.Writer) error {
	cited, _ := f.False()
	_, err := fmt.Fprintf(w, "%d 题，其中 %d 题由条目回答（平时只有 %d 题会请模型帮忙，这里都交给模型改写），%d 题用了模型的话，其余用复核过的原文\n"+
		"放出的引用 %d 处，无效 %d 处，依据造假的句子放出 %d 句；真话被误删 %.2f %%（%d 句里的 %d 句）\n",
		f.Questions, f.Answered, f.Wanted, f.Worded, f.Citations, f.Invalid, cited, 100*f.Dropped(), f.Given[mixedTrue], f.Given[mixedTrue]-f.Out[mixedTrue])
	for _, k := range mixedKinds[1:] {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %-45s 给了 %5d 句，放出 %d 句\n", k, f.Given[k], f.Out[k])
		}
	}
	return err
}

// EvalGates has each question answered by a model that mixes true sentences with
// wrong, repealed and invented ones, and looks at what gets out. on: the day
// asked about.
func EvalGates(ctx context.Context, b *Base, g *Gates, questions []string, on time.Time) (GateFigures, error) {
	f := GateFigures{Given: map[string]int{}, Out: map[string]int{}}
	a := NewAnswerer(b)
	m := &mixer{base: b, on: on}
	w, err := NewWorder(b, m, g)
	if err != nil {
		return f, err
	}
	m.gather()
	for _, text := range questions {
		q := Question{Text: text, On: on}
		answer, err := a.Answer(ctx, q)
		if err != nil {
			return f, err
		}
		f.Questions++
		if answer.Kind != KindAnswer || len(answer.Citations) == 0 {
			continue
		}
		f.Answered++
		if w.Wants(q, answer) {
			f.Wanted++
		}
		m.about(text, answer)
		worded, used := w.Word(ctx, Asking{Question: q, Private: true}, answer)
		if used {
			f.Worded++
		}
		f.count(g, m, answer, worded, text)
	}
	return f, nil
}

// count looks at one answer. Sentences are judged one by one, and what the whole
// way let out is looked at by its text.
func (f *GateFigures) count(g *Gates, m *mixer, answer, worded Answer, question string) {
	body, _ := splitFoot(answer.Text)
	ev := evidenceOf(answer, body)
	ev.Said = question
	out, _ := splitFoot(worded.Text)
	for _, s := range m.draft {
		f.Given[s.kind]++
		passes := g.Check(s.text, ev) == nil
		if passes || s.kind != mixedTrue && worded.By != answer.By && strings.Contains(out, s.text) {
			f.Out[s.kind]++
		}
	}
	n, invalid := citationsIn(m.base, out, answer)
	f.Citations += n
	f.Invalid += invalid
}

// namedArticle is how an article is named in a text: its law, in 《》, and number.
var namedArticle = regexp.MustCompile(`《([^《》]{2,60})》(第[零一二三四五六七八九十百千\d]+条(?:之[一二三四五六七八九十]+)?)?`)

// CountCitations counts the marks and the articles named in a text that was
// worded from the reviewed answer a, and those of them that do not exist, are not
// in force on the answer's day, or are none of its sources. The list of sources
// under the text is left out.
func (b *Base) CountCitations(text string, a Answer) (n, invalid int) {
	body, _ := splitFoot(text)
	return citationsIn(b, body, a)
}

// citationsIn counts the marks and the articles named in a text, and those that
// are no good. It asks the registry, not the gates.
func citationsIn(b *Base, text string, a Answer) (n, invalid int) {
	for _, m := range sourceMark.FindAllStringSubmatch(text, -1) {
		n++
		if k := atoi(m[1]); k < 1 || k > len(a.Citations) || !inForce(a.Citations[k-1]) {
			invalid++
		}
	}
	reviewed, _ := splitFoot(a.Text)
	for _, m := range namedArticle.FindAllStringSubmatch(text, -1) {
		if strings.Contains(reviewed, m[0]) || m[2] == "" && !lawNoun.MatchString(m[1]) {
			continue // a reviewed entry's own words, as of what the old law said; a paper that is no law
		}
		n++
		l, ok := b.Registry().Find(m[1])
		if !ok {
			invalid++
			continue
		}
		if m[2] == "" {
			continue
		}
		no, err := ParseArticleNo(m[2])
		if err != nil || !slices.ContainsFunc(a.Citations, func(c Cited) bool { return c.Title == l.Title && c.Article == no && inForce(c) }) {
			invalid++
		}
	}
	return n, invalid
}

// mixed is one sentence of a draft.
type mixed struct{ kind, text string }

// mixer is a model that mixes true sentences with false ones.
type mixer struct {
	base    *Base
	on      time.Time
	laws    []*Law // in force, with numbered articles
	old     []*Law // that no longer hold
	foreign []mixedLine
	draft   []mixed
}

// mixedLine is a marked sentence of an entry.
type mixedLine struct{ domain, text string }

var errMixer = errors.New("knowledge: the mixing model only streams")

// Complete implements LLM.
func (m *mixer) Complete(context.Context, Prompt) (Completion, error) {
	return Completion{}, errMixer
}

// Stream implements LLM: it says the draft.
func (m *mixer) Stream(_ context.Context, _ Prompt, on func(string) error) (Completion, error) {
	var b strings.Builder
	for _, s := range m.draft {
		b.WriteString(s.text)
		if err := on(s.text); err != nil {
			return Completion{}, err
		}
	}
	return Completion{Text: b.String(), Model: "mixer"}, nil
}

// gather finds the laws and statements that false sentences are made of.
func (m *mixer) gather() {
	for _, l := range m.base.Registry().Laws() {
		v, status := l.On(m.on)
		switch {
		case !strings.HasPrefix(l.Title, "中华人民共和国"):
		case status == StatusInForce && v.Articles > 20:
			m.laws = append(m.laws, l)
		case status == StatusRepealed:
			m.old = append(m.old, l)
		}
	}
	for _, e := range m.base.Entries() {
		for line := range strings.Lines(e.Conclusion) {
			if bare := strings.TrimSpace(markPattern.ReplaceAllString(line, "")); bare != line && states.MatchString(bare) {
				m.foreign = append(m.foreign, mixedLine{e.Topic[:2], strings.TrimRight(bare, "。；")})
			}
		}
	}
}

// reword are ways in which a model says a reviewed sentence in other words and
// means the same.
var reword = []func(string) string{
	func(s string) string { return s },
	strings.NewReplacer("可以", "能", "应当", "要", "不得", "不能", "用人单位", "单位", "支付", "给", "人民法院", "法院").Replace,
	func(s string) string { return "也就是说，" + s },
	strings.NewReplacer("你", "您", "必须", "一定要", "提出", "提", "但是", "不过", "或者", "或").Replace,
	func(s string) string {
		return counted.ReplaceAllStringFunc(s, func(d string) string {
			number := digits.FindString(d)
			return hanNumber(atoi(number)) + strings.TrimPrefix(d, number)
		})
	},
}

var (
	digits = regexp.MustCompile(`\d+`)
	// figureDigits is a number in digits with its unit.
	figureDigits = regexp.MustCompile(`\d+(?:个工作日|天|日|个月|年|小时|元|倍|岁|%)`)
	counted      = regexp.MustCompile(`\b[1-9]\d{0,2}(?:天|日|个月|倍)`)
)

// about makes the draft for an answer: it depends on the question alone.
func (m *mixer) about(question string, a Answer) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(question)) // never fails
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	m.draft = nil
	var truths []mixed
	body, _ := splitFoot(a.Text)
	for rest := body; rest != "" && len(truths) < 8; {
		var s string
		s, rest, _ = cutSentence(rest, true)
		s = strings.TrimSpace(s)
		marks := sourceMark.FindAllString(s, -1)
		bare := strings.TrimLeft(sourceMark.ReplaceAllString(s, ""), "-0123456789. ")
		if len(marks) == 0 || len([]rune(bare)) < 8 || datePattern.MatchString(s) {
			continue
		}
		text := reword[r.IntN(len(reword))](strings.TrimRight(bare, "。；"))
		if n := atoi(sourceMark.FindStringSubmatch(marks[0])[1]); r.IntN(4) == 0 && n <= len(a.Citations) && a.Citations[n-1].External == "" && !strings.Contains(bare, "《") {
			text = "根据" + a.Citations[n-1].Name() + "，" + text
		}
		truths = append(truths, mixed{mixedTrue, text + "。" + strings.Join(marks, "")})
	}
	for i, t := range truths {
		m.draft = append(m.draft, t)
		if i%2 != 0 {
			continue
		}
		for _, k := range r.Perm(len(mixedKinds) - 1) {
			if f, ok := m.falsehood(r, mixedKinds[1+k], t.text, a); ok {
				m.draft = append(m.draft, f)
				break
			}
		}
	}
	if len(m.draft) > 1 && r.IntN(3) == 0 { // the conclusion itself is false
		m.draft[0], m.draft[1] = m.draft[1], m.draft[0]
	}
}

var datePattern = regexp.MustCompile(`\d{4}年|\d{4}-\d`)

// falsehood makes a false sentence out of a true one.
func (m *mixer) falsehood(r *rand.Rand, kind, truth string, a Answer) (mixed, bool) {
	bare := strings.TrimRight(sourceMark.ReplaceAllString(truth, ""), "。")
	marks := strings.Join(sourceMark.FindAllString(truth, -1), "")
	if i := strings.Index(bare, "，"); strings.HasPrefix(bare, "根据《") && i > 0 {
		bare = bare[i+len("，"):]
	}
	per := func(law, article string) string {
		return "根据《" + law + "》" + article + "，" + bare + "。" + marks
	}
	switch kind {
	case mixedArticle:
		l := m.laws[r.IntN(len(m.laws))]
		v, _ := l.On(m.on)
		no := ArticleNo{N: 1 + r.IntN(v.Articles)}
		if slices.ContainsFunc(a.Citations, func(c Cited) bool { return c.Title == l.Title && c.Article == no }) {
			return mixed{}, false
		}
		return mixed{kind, per(shortTitle(l.Title), no.Han())}, true
	case mixedRepealed:
		return mixed{kind, per(shortTitle(m.old[r.IntN(len(m.old))].Title), ArticleNo{N: 1 + r.IntN(60)}.Han())}, true
	case mixedNoSuch:
		c := a.Citations[r.IntN(len(a.Citations))]
		return mixed{kind, per(shortTitle(c.Title), ArticleNo{N: 2000 + r.IntN(900)}.Han())}, true
	case mixedInvented:
		names := []string{"农民工权益特别保护法", "婚姻自由促进法", "消费维权实施条例", "民间借贷管理办法", "基层治理促进条例"}
		return mixed{kind, per(names[r.IntN(len(names))], ArticleNo{N: 1 + r.IntN(60)}.Han())}, true
	case mixedFigure:
		list := Figures(gateView(bare))
		i := figureDigits.FindStringIndex(bare)
		if len(list) == 0 || i == nil {
			return mixed{}, false
		}
		i = []int{i[0], i[0] + len(digits.FindString(bare[i[0]:]))}
		changed := bare[:i[0]] + strconv.Itoa(atoi(bare[i[0]:i[1]])*3+17) + bare[i[1]:]
		if slices.Equal(Figures(gateView(changed)), list) {
			return mixed{}, false
		}
		return mixed{kind, changed + "。" + marks}, true
	case mixedForeign:
		f := m.foreign[r.IntN(len(m.foreign))]
		if f.domain == a.Entry.Topic[:2] {
			return mixed{}, false
		}
		return mixed{kind, f.text + "。" + marks}, true
	case mixedDenied:
		for _, w := range polar {
			if i := strings.Index(bare, w); i > 0 && !denial.MatchString(bare[:i]) {
				return mixed{kind, bare[:i] + "不" + bare[i:] + "。" + marks}, true
			}
		}
	}
	return mixed{}, false
}
