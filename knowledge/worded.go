package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Worder has a model word what reviewed entries say, and lets nothing of it
// through but what the gates pass. The answer without a model is always there
// first, and is what is given whenever the model or a gate fails.
type Worder struct {
	base  *Base
	model LLM
	gates *Gates
	tasks map[string]instruction
}

// NewWorder joins a base, a model and the gates.
func NewWorder(b *Base, m LLM, g *Gates) (*Worder, error) {
	tasks, err := loadInstructions()
	if err != nil {
		return nil, err
	}
	return &Worder{base: b, model: m, gates: g, tasks: tasks}, nil
}

// Asking is one person's request to be answered with a model.
type Asking struct {
	Question
	Person string       // whose budget it is, and
	Bot    string       // which bot's
	Answer string       // id of the consultation, for the list of drops; may be empty
	Show   func(string) // shows a piece that has passed the gates and is never taken back; nil: nothing is shown before the end
	// Private: the reply goes to the person alone, so their own data may stand in it.
	Private bool
}

// longStory is from how many characters on a question is a story, in which a
// model finds what matters better than words do.
const longStory = 60

// severalMatters is from how many characters on a question that further entries
// fit too may be about several matters.
const severalMatters = 30

// Wants says whether a model would help: not where a reviewed entry fits a
// short question exactly.
func (w *Worder) Wants(q Question, a Answer) bool {
	n := utf8.RuneCountInString(q.Text)
	return a.Kind == KindAnswer && (n >= longStory || n >= severalMatters && len(a.Also) > 0 || a.Fit < fitPlain)
}

// Word has the model word the answer a for the person. The second result is
// false when a is given as it is.
func (w *Worder) Word(ctx context.Context, q Asking, a Answer) (Answer, bool) {
	a, err := w.word(ctx, TaskAnswer, q, a)
	return a, err == nil
}

// Draft is Word for somebody who edits the text before it is sent. When a is
// given as it is, the error says why: a *Drop if what the model wrote could not
// stand, else ErrBudget, ErrBreaker or ErrModel.
func (w *Worder) Draft(ctx context.Context, q Asking, a Answer) (Answer, error) {
	q.Show = nil
	return w.word(ctx, TaskAnswer, q, a)
}

// Plain has the model say the answer a more simply.
func (w *Worder) Plain(ctx context.Context, q Asking, a Answer) (Answer, bool) {
	a, err := w.word(ctx, TaskPlain, q, a)
	return a, err == nil
}

// wordingTime bounds how long a person waits for a model's words, both drafts
// together (reliability: F1, R8).
const wordingTime = 20 * time.Second

func (w *Worder) word(ctx context.Context, task string, q Asking, a Answer) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, wordingTime)
	defer cancel()
	body, foot := splitFoot(a.Text)
	ev := evidenceOf(a, body)
	ev.Said = strings.Join(append(slices.Clone(q.Context), q.Text), "\n")
	reason := ""
	var failed *Drop
	for range 2 { // once more, with the reason, when the draft could not stand
		d := &draft{gates: w.gates, ev: ev, task: task, prompt: w.tasks[task].name(), answer: q.Answer, show: q.Show, private: q.Private}
		p := w.prompt(task, q, ev, reason)
		p.Masked = func(m Masked) { d.masked = m }
		c, err := w.model.Stream(ctx, p, d.add)
		if err == nil {
			err = d.close()
		}
		if err == nil {
			a.Text, a.By = d.said()+foot, c.Model
			return a, nil
		}
		if len(d.shown) > 0 && q.Show != nil { // what was shown stands; the reviewed answer completes it
			a.Text, a.By = d.said()+interrupted+a.Text, w.name()
			return a, nil
		}
		failed = nil
		if !errors.As(err, &failed) {
			return a, err
		}
		reason = failed.Reason()
	}
	return a, failed
}

// Resume completes what a person has read of a model's words, when the process
// that asked the model has gone: the words stand, and the reviewed answer a
// follows. The model is not asked again, for it would say something else.
func (w *Worder) Resume(shown string, a Answer) Answer {
	a.Text, a.By = shown+interrupted+a.Text, w.name()
	return a
}

// name is the model's, for a text that it did not finish.
func (w *Worder) name() string {
	if m, ok := w.model.(interface{ Name() string }); ok {
		return m.Name()
	}
	return "model"
}

// Reason says why a model's draft could not stand, to the model and to people.
func (d *Drop) Reason() string {
	switch d.Gate {
	case "G1":
		return "有一句的法条、数字、机关或说法在资料里找不到依据"
	case "G2":
		return "写了资料里没有的电话、链接或账号"
	case "G3":
		return "写了别人的个人信息"
	case "G5":
		return "下了不该下的断言，或教人做不该做的事"
	case "G6":
		return "说已经替他办了事"
	}
	return "写法不合规矩"
}

// interrupted joins what a model had said with the reviewed answer.
const interrupted = "\n\n（AI 的回答到这里中断了。下面是经过复核的答案，以它为准。）\n\n"

// footPattern is the beginning of the list of what an answer rests on.
var footPattern = regexp.MustCompile(`\n\n依据\n〔1〕`)

func splitFoot(text string) (body, foot string) {
	if i := footPattern.FindStringIndex(text); i != nil {
		return text[:i[0]], text[i[0]:]
	}
	return text, ""
}

// evidenceOf makes the numbered passages of a reviewed answer: each line counts
// for every source it is marked with, lines without a mark for all.
func evidenceOf(a Answer, body string) *Evidence {
	ev := &Evidence{Sources: make([]Source, len(a.Citations))}
	for i, c := range a.Citations {
		ev.Sources[i] = Source{Cited: c, Text: strings.Join(c.Proof, "\n") + "\n" + c.Text}
	}
	for line := range strings.Lines(body) {
		marks := sourceMark.FindAllStringSubmatch(line, -1)
		if len(marks) == 0 {
			ev.Common += line
		}
		for _, m := range marks {
			if n := atoi(m[1]); n >= 1 && n <= len(ev.Sources) {
				ev.Sources[n-1].Text += "\n" + line
			}
		}
	}
	return ev
}

// prompt makes the request: the instructions, the passages, what was said.
func (w *Worder) prompt(task string, q Asking, ev *Evidence, reason string) Prompt {
	system := w.tasks[task].system(w.gates.Marker())
	before, question := newest(q.Context, maxPromptSaid/2), clipRunes(q.Text, maxPromptSaid)
	var docs strings.Builder
	budget := maxPromptIn - promptMarks - EstimateTokens(system) - EstimateTokens(before) - EstimateTokens(question)
	add := func(line string) {
		if n := EstimateTokens(line); n <= budget {
			budget -= n
			docs.WriteString(line)
		}
	}
	seen := map[string]bool{}
	for i, s := range ev.Sources {
		add("〔" + strconv.Itoa(i+1) + "〕" + s.Cited.Name() + "\n")
		for line := range strings.Lines(s.Text) {
			// A law's own text is long and the entry says it plainly; it is
			// evidence for the gates, not reading for the model.
			if line = strings.TrimSpace(line); line != "" && !seen[line] && !strings.Contains(s.Cited.Text, line) {
				seen[line] = true
				add(line + "\n")
			}
		}
	}
	for line := range strings.Lines(ev.Common) {
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			add(line + "\n")
		}
	}
	p := Prompt{Task: task, System: system, Person: q.Person, Bot: q.Bot}
	p.User = append(p.User, tagged("资料", docs.String(), true)...)
	if before != "" {
		p.User = append(p.User, tagged("前面说过的话", before, false)...)
	}
	p.User = append(p.User, tagged("问题", question, false)...)
	if reason != "" {
		p.User = append(p.User, Part{Text: "上一稿没有通过检查（" + reason + "）。请严格按规矩重写。\n", Document: true})
	}
	return p
}

// newest joins turns, the oldest left out first when they are too long.
func newest(turns []string, n int) string {
	var kept []string
	for _, t := range slices.Backward(turns) {
		if n -= utf8.RuneCountInString(t); n < 0 {
			break
		}
		kept = append([]string{t}, kept...)
	}
	return strings.Join(kept, "\n")
}

// clipRunes keeps the beginning and the end of a long text: a story tells who
// it is about first and what is wanted last.
func clipRunes(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n/2]) + "……" + string(r[len(r)-n/2:])
}

// draft is a model's text on its way through the gates, sentence by sentence.
type draft struct {
	gates   *Gates
	ev      *Evidence
	task    string
	prompt  string
	answer  string // id of the consultation
	show    func(string)
	private bool
	masked  Masked

	rest   string   // of the last sentence, not ended yet
	shown  []string // passed and shown, or kept for the end
	length int
	full   bool
	drops  int
}

// add takes a piece; it fails when the draft cannot stand.
func (d *draft) add(piece string) error {
	d.rest += piece
	if len(d.rest) > 4*maxWorded*utf8.UTFMax {
		return &Drop{"G7", "too long"}
	}
	for {
		s, rest, ok := cutSentence(d.rest, false)
		if !ok {
			return nil
		}
		d.rest = rest
		if err := d.sentence(s); err != nil {
			return err
		}
	}
}

// close deals with what is left, and says whether the draft stands.
func (d *draft) close() error {
	for d.rest != "" {
		s, rest, _ := cutSentence(d.rest, true)
		d.rest = rest
		if err := d.sentence(s); err != nil {
			return err
		}
	}
	if len(d.shown) == 0 {
		return &Drop{"G7", "nothing is left"}
	}
	if !sourceMark.MatchString(d.whole()) {
		return &Drop{"G1", "an answer without a source"}
	}
	if d.drops > len(d.shown) {
		return &Drop{"G1", "more was dropped than is left"}
	}
	return nil
}

func (d *draft) sentence(s string) error {
	text := strings.TrimSpace(s)
	if text == "" || d.full {
		return nil
	}
	if d.length += utf8.RuneCountInString(text); d.length > maxWorded {
		d.full = true // what came before stands by itself
		return nil
	}
	if drop := d.gates.Check(text, d.ev); drop != nil {
		d.gates.note(d.task, d.prompt, d.answer, text, drop)
		if len(d.shown) == 0 || drop.Gate == "G4" || drop.Gate == "G5" || drop.Gate == "G6" {
			return drop // the conclusion, or a model that obeys somebody else
		}
		d.drops++
		return nil
	}
	piece := s
	if len(d.shown) == 0 {
		piece = Label + strings.TrimLeft(s, "\n ")
	}
	d.shown = append(d.shown, piece)
	if d.show != nil {
		if d.private {
			piece = d.masked.Restore(piece)
		}
		d.show(piece)
	}
	return nil
}

// said is what passed, as the person may see it.
func (d *draft) said() string {
	if d.private {
		return d.masked.Restore(d.whole())
	}
	return d.whole()
}

// whole is what passed.
func (d *draft) whole() string { return strings.TrimRight(strings.Join(d.shown, ""), "\n ") }

// cutSentence takes the first sentence with its marks and line end off text; ok
// is false while it may go on. Cut and rest together are text.
func cutSentence(text string, last bool) (s, rest string, ok bool) {
	runes := []rune(text)
	for i, r := range runes {
		if !strings.ContainsRune("。！？!?；;\n", r) {
			continue
		}
		j := i + 1
		for j < len(runes) {
			switch {
			case strings.ContainsRune("”’」』）)。！？\n ", runes[j]):
				j++
				continue
			case runes[j] == '〔':
				k := slices.Index(runes[j:], '〕')
				if k < 0 && !last {
					return "", text, false
				}
				if k > 0 && sourceMark.MatchString(string(runes[j:j+k+1])) {
					j += k + 1
					continue
				}
			}
			break
		}
		if j == len(runes) && !last {
			return "", text, false // marks may follow
		}
		return string(runes[:j]), string(runes[j:]), true
	}
	return text, "", last && text != ""
}

// rewriteSchema is what the rewriting task has to answer with.
var rewriteSchema = json.RawMessage(`{"type":"object","properties":{"question":{"type":"string"},"topics":{"type":"array","items":{"type":"string"}}},"required":["question","topics"],"additionalProperties":false}`)

// Rewrite has the model make a question that stands alone out of what the
// person said, and name topics it may be about. ok is false when it did not, or
// made up something that was not said.
func (w *Worder) Rewrite(ctx context.Context, q Asking) (question string, topics []string, ok bool) {
	p := Prompt{Task: TaskRewrite, System: w.tasks[TaskRewrite].system(w.gates.Marker()), Person: q.Person, Bot: q.Bot, Schema: rewriteSchema, MaxTokens: 200}
	p.User = append(p.User, tagged("专题", w.topicList(ctx, q.Question), true)...)
	p.User = append(p.User, tagged("前面说过的话", newest(q.Context, maxPromptSaid/2), false)...)
	p.User = append(p.User, tagged("问题", clipRunes(q.Text, maxPromptSaid), false)...)
	c, err := w.model.Complete(ctx, p)
	if err != nil {
		return "", nil, false
	}
	var out struct {
		Question string   `json:"question"`
		Topics   []string `json:"topics"`
	}
	text := strings.TrimSpace(c.Text)
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "```json"), "```"), "```")
	if json.Unmarshal([]byte(text), &out) != nil || out.Question == "" || utf8.RuneCountInString(out.Question) > 120 {
		return "", nil, false
	}
	said := ProvedFigures(strings.Join(append(slices.Clone(q.Context), q.Text), "\n"))
	for _, f := range Figures(out.Question) {
		if !slices.Contains(said, f) {
			return "", nil, false
		}
	}
	for _, t := range out.Topics {
		if w.base.Topic(t) != "" && len(topics) < 3 {
			topics = append(topics, t)
		}
	}
	return out.Question, topics, true
}

// topicsOffered is how many topics a rewriting request names.
const topicsOffered = 25

// topicList names the topics nearest to the question: the model picks, it does
// not recall.
func (w *Worder) topicList(ctx context.Context, q Question) string {
	var b strings.Builder
	seen := map[string]bool{}
	text := strings.Join(append(slices.Clone(q.Context), q.Text), "，")
	for _, h := range w.base.near(ctx, Query{Text: text, Kind: KindEntry, On: q.On}, 60) {
		t := h.Doc.Entry.Topic
		if !seen[t] && len(seen) < topicsOffered {
			seen[t] = true
			b.WriteString(t + " " + w.base.Topic(t) + "\n")
		}
	}
	return b.String()
}

// Summarise has the model list the facts a person said, for those who take the
// matter over. Each line is marked as said by the person; lines that are not, or
// that hold a figure or a name nobody said, are left out.
func (w *Worder) Summarise(ctx context.Context, person string, turns []string) (lines []string, ok bool) {
	p := Prompt{Task: TaskSummary, System: w.tasks[TaskSummary].system(w.gates.Marker()), Person: person}
	p.User = tagged("对话", newest(turns, 2*maxPromptSaid), false)
	c, err := w.model.Complete(ctx, p)
	if err != nil {
		return nil, false
	}
	said := strings.Join(turns, "\n")
	figures := ProvedFigures(said)
	for line := range strings.Lines(c.Text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "当事人说：") && !strings.HasPrefix(line, "想要：") || len(lines) == 12 {
			continue
		}
		bad := slices.ContainsFunc(Figures(line), func(f Figure) bool { return !slices.Contains(figures, f) })
		ev := &Evidence{Said: said}
		view := gateView(line)
		for _, gate := range []func(string, string, *Evidence) *Drop{w.gates.form, w.gates.claimed, w.gates.secrets, w.gates.personal} {
			if d := gate(line, view, ev); d != nil {
				w.gates.note(TaskSummary, w.tasks[TaskSummary].name(), "", line, d)
				bad = true
				break
			}
		}
		if !bad {
			lines = append(lines, c.Restore(line))
		}
	}
	return lines, len(lines) > 0
}
