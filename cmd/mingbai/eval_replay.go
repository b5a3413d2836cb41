package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"mingbai/knowledge"
)

// replayReport is the JSON of `mingbai eval replay --json`.
type replayReport struct {
	Questions int            `json:"questions"`
	Answers   int            `json:"answers"`   // recorded and used
	Missing   int            `json:"missing"`   // requests without an answer; only with --partial
	Worded    int            `json:"worded"`    // last answers in the model's words
	Fallen    int            `json:"fallen"`    // the model was asked and the reviewed answer was given
	Plain     int            `json:"plain"`     // the model was not asked
	Citations int            `json:"citations"` // marks and articles named in the model's words
	Invalid   int            `json:"invalid"`   // of them no good
	Unlabeled int            `json:"unlabeled"` // the model's words without their label
	Longest   int            `json:"longest"`   // characters of the longest answer in the model's words, without its sources
	Dropped   map[string]int `json:"dropped"`   // sentences by gate and rule
	Items     []replayItem   `json:"items"`
}

// replayItem is what came of one question.
type replayItem struct {
	ID      string    `json:"id"`
	By      string    `json:"by"` // "model", "reviewed" after a model that could not be used, "plain" without a model
	Answers int       `json:"answers"`
	Invalid int       `json:"invalid,omitempty"`
	Drops   []dropped `json:"drops,omitempty"`
	Answer  string    `json:"answer"`
}

// evalReplay feeds answers made elsewhere through the gates.
func evalReplay(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval replay", "模型的回答.jsonl [--questions 题库.jsonl] [--answers 回答.jsonl] [--partial] [--json]")
	from := f.String("questions", "", "题库（默认用上一次 export-prompts 的）")
	out := f.String("answers", "", "把过了关的回答写到哪个文件（每行 id 和 answer，给 score_questions.py 打分）")
	partial := f.Bool("partial", false, "缺的回答当作模型没答，给审核过的答案")
	asJSON := f.Bool("json", false, "输出 JSON，含每一题")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个放着模型回答的文件", errUsage)
	}
	answers, err := readAnswers(rest[0])
	if err != nil {
		return err
	}
	questions, err := readItems(cmp.Or(*from, filepath.Join(a.config.DataDir, exchangeFile)))
	if errors.Is(err, fs.ErrNotExist) && *from == "" {
		return fmt.Errorf("%w: 这个 DATA_DIR 里没有导出过请求，要写 --questions 题库.jsonl", errUsage)
	} else if err != nil {
		return err
	}
	x := newRecording(answers)
	r, err := a.rehearse(ctx, x)
	if err != nil {
		x.server.Close()
		return err
	}
	defer r.close()
	report, err := r.replay(ctx, questions)
	if err != nil {
		return err
	}
	if err := x.mismatch(*partial); err != nil {
		return err
	}
	if *out != "" {
		if err := report.writeAnswers(*out); err != nil {
			return err
		}
	}
	if *asJSON {
		return writeJSON(a.out, report)
	}
	return report.write(a.out)
}

// replay plays all questions. Where an answer is missing the turns that follow
// are played without the model.
func (r *rehearsal) replay(ctx context.Context, questions []question) (replayReport, error) {
	r.model.goOn = true
	report := replayReport{Dropped: map[string]int{}, Items: []replayItem{}}
	for _, q := range questions {
		before := len(r.model.used)
		missing := len(r.model.open)
		h, err := r.play(ctx, q)
		if err != nil {
			return report, fmt.Errorf("题 %s：%w", q.ID, err)
		}
		item := replayItem{ID: q.ID, By: "plain", Answers: len(r.model.used) - before, Drops: h.drops, Answer: h.text()}
		if item.Answers > 0 || len(r.model.open) > missing {
			item.By = "reviewed"
		}
		report.Missing += len(r.model.open) - missing
		for _, d := range h.drops {
			report.Dropped[d.Gate+" "+d.Rule]++
		}
		if h.byModel() {
			item.By = "model"
			if err := r.judge(ctx, q, h, &item, &report); err != nil {
				return report, err
			}
		}
		switch item.By {
		case "model":
			report.Worded++
		case "reviewed":
			report.Fallen++
		default:
			report.Plain++
		}
		report.Items = append(report.Items, item)
	}
	report.Questions, report.Answers = len(questions), len(r.model.used)
	return report, nil
}

// byModel says whether the last answer is in a model's words.
func (h heard) byModel() bool {
	return h.reply.Answer != nil && h.reply.Answer.By != "reviewed" && h.reply.Answer.Kind == knowledge.KindAnswer
}

// judge looks at an answer in the model's words beside the gates.
func (r *rehearsal) judge(ctx context.Context, q question, h heard, item *replayItem, report *replayReport) error {
	day, err := parseDay(q.AsOf)
	if err != nil {
		return err
	}
	if day.IsZero() {
		day = r.parts.base.Today()
	}
	reviewed, err := r.parts.answerer.Answer(ctx, knowledge.Question{Text: q.Turns[len(q.Turns)-1], Entry: h.entry, On: day})
	if err != nil {
		return err
	}
	n, invalid := r.parts.base.CountCitations(h.reply.Text, reviewed)
	report.Citations, report.Invalid, item.Invalid = report.Citations+n, report.Invalid+invalid, invalid
	body, _, _ := strings.Cut(h.reply.Text, "\n\n依据\n")
	report.Longest = max(report.Longest, utf8.RuneCountInString(body))
	if !knowledge.Labelled(h.reply.Text) {
		report.Unlabeled++
	}
	return nil
}

// mismatch says what is missing or too much among the recorded answers.
func (x *recording) mismatch(partial bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var missing, extra, changed []string
	for _, r := range x.open {
		missing = append(missing, r.id)
	}
	for _, id := range slices.Sorted(maps.Keys(x.answers)) {
		if x.used[id] {
			continue
		}
		bare := id[:max(0, strings.LastIndex(id, "-"))]
		if slices.ContainsFunc(missing, func(m string) bool { return strings.HasPrefix(m, bare+"-") }) {
			changed = append(changed, id)
		} else {
			extra = append(extra, id)
		}
	}
	var faults []error
	if len(changed) > 0 {
		faults = append(faults, fmt.Errorf("%d 个回答对应的请求已经变了（提示词、条目、题目或模型名改过），要重新导出：%s", len(changed), listed(changed)))
	}
	if len(extra) > 0 {
		faults = append(faults, fmt.Errorf("多出 %d 个回答，没有题目问过：%s", len(extra), listed(extra)))
	}
	if len(missing) > len(changed) && !partial {
		faults = append(faults, fmt.Errorf("缺 %d 个回答：%s。用 export-prompts --answers 导出还缺的请求，或加 --partial", len(missing), listed(missing)))
	}
	return errors.Join(faults...)
}

// listed names a few ids.
func listed(ids []string) string {
	const few = 5
	if len(ids) > few {
		return strings.Join(ids[:few], "、") + fmt.Sprintf(" 等 %d 个", len(ids))
	}
	return strings.Join(ids, "、")
}

func (r replayReport) writeAnswers(name string) (err error) {
	w, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("写不了回答文件：%w", err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, item := range r.Items {
		if err := e.Encode(map[string]string{"id": item.ID, "answer": item.Answer}); err != nil {
			return fmt.Errorf("写回答：%w", err)
		}
	}
	return nil
}

func (r replayReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d 题，用了 %d 个模型的回答，缺 %d 个\n用模型的话回答 %d 题，模型的话不能用、给审核过的答案 %d 题，不用问模型 %d 题\n"+
		"放出的引用 %d 处，无效 %d 处；没有标“AI生成”的 %d 题；最长 %d 字\n",
		r.Questions, r.Answers, r.Missing, r.Worded, r.Fallen, r.Plain, r.Citations, r.Invalid, r.Unlabeled, r.Longest)
	rules := slices.SortedFunc(maps.Keys(r.Dropped), func(a, b string) int { return cmp.Or(r.Dropped[b]-r.Dropped[a], strings.Compare(a, b)) })
	for _, rule := range rules {
		if err == nil {
			_, err = fmt.Fprintf(w, "  拦下 %d 句：%s\n", r.Dropped[rule], rule)
		}
	}
	return err
}
