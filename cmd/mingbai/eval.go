package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
)

func evaluate(ctx context.Context, a *app, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "questions":
			return evalQuestions(ctx, a, args[1:])
		case "retrieval":
			return evalRetrieval(ctx, a, args[1:])
		case "overlap":
			return evalOverlap(ctx, a, args[1:])
		case "gates":
			return evalGates(ctx, a, args[1:])
		case "hostile":
			return evalHostile(ctx, a, args[1:])
		case "flood":
			return evalFlood(ctx, a, args[1:])
		case "safety":
			return evalSafety(ctx, a, args[1:])
		case "export-prompts":
			return exportPrompts(ctx, a, args[1:])
		case "replay":
			return evalReplay(ctx, a, args[1:])
		}
	}
	return fmt.Errorf("%w: eval 后面写 questions、retrieval、overlap、gates、safety、flood、hostile、export-prompts 或 replay", errUsage)
}

// evalQuestions plays each item's turns as one fresh conversation, as of its
// asof, reads nothing else of the item, and writes the last answer.
func evalQuestions(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval questions", "题库.jsonl --answers 回答.jsonl")
	out := f.String("answers", "", "把回答写到哪个文件（每行 id 和 answer）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || *out == "" {
		return fmt.Errorf("%w: 要写题库文件和 --answers", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	in, err := os.Open(rest[0])
	if err != nil {
		return fmt.Errorf("打不开题库：%w", err)
	}
	defer in.Close()
	w, err := os.Create(*out)
	if err != nil {
		return fmt.Errorf("写不了回答文件：%w", err)
	}
	defer w.Close()
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 1<<20)
	n, start := 0, time.Now()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for line := 1; sc.Scan(); line++ {
		var item struct {
			ID    string   `json:"id"`
			Turns []string `json:"turns"`
			AsOf  string   `json:"asof"`
		}
		if err := json.Unmarshal(sc.Bytes(), &item); err != nil {
			return fmt.Errorf("题库第 %d 行不是 JSON：%w", line, err)
		}
		answer, err := p.play(ctx, item.Turns, item.AsOf)
		if err != nil {
			return fmt.Errorf("题库第 %d 行：%w", line, err)
		}
		if err := enc.Encode(map[string]string{"id": item.ID, "answer": answer}); err != nil {
			return err
		}
		n++
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("读题库：%w", err)
	}
	fmt.Fprintf(a.err, "%d 题，用时 %.1f 秒，回答写在 %s\n", n, time.Since(start).Seconds(), *out)
	return w.Close()
}

// play has one conversation and gives the last answer, its menu included.
func (p *parts) play(ctx context.Context, turns []string, asof string) (string, error) {
	if _, err := parseDay(asof); err != nil {
		return "", err
	}
	const chat = bot.Address("terminal/user/eval")
	s := &bot.Session{Key: string(chat)}
	answer := ""
	for i, text := range turns {
		m := bot.Message{ID: fmt.Sprint(i), Chat: chat, From: chat, Text: text, On: asof, At: p.app.now()}
		r, err := p.router.Handle(ctx, m, s)
		if err != nil {
			return "", err
		}
		answer = r.Text
		for i, c := range r.Choices {
			answer += fmt.Sprintf("\n%d. %s", i+1, c)
		}
	}
	return answer, nil
}

// evalOverlap reports how much of the phrasings stands in question files.
func evalOverlap(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval overlap", "题库.jsonl… [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 请写题库文件", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	reports := map[string]knowledge.Overlap{}
	for _, name := range rest {
		questions, err := readQuestions(name)
		if err != nil {
			return err
		}
		o := knowledge.FindOverlap(questions, p.base.Phrasings())
		reports[name] = o
		if *asJSON {
			continue
		}
		fmt.Fprintf(a.out, "%s：%d 题，对 %d 句问法；有连续 8 字相同的 %d 题，整句相同的 %d 题，和最近问法的相似度平均 %.2f\n", name, o.Questions, o.Phrasings, o.SharedRun, o.Same, o.Nearest)
		for _, w := range o.Worst[:min(5, len(o.Worst))] {
			fmt.Fprintf(a.out, "  %.2f（连续 %d 字）%s ／ %s\n", w.Likeness, w.Run, w.Question, w.Phrasing)
		}
	}
	if *asJSON {
		return writeJSON(a.out, reports)
	}
	return nil
}

// readQuestions reads what people ask from a JSONL file: its fields query, q,
// question or turns.
func readQuestions(name string) ([]string, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("打不开题库：%w", err)
	}
	defer in.Close()
	var list []string
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		var item struct {
			Query    string   `json:"query"`
			Q        string   `json:"q"`
			Question string   `json:"question"`
			Turns    []string `json:"turns"`
		}
		if err := json.Unmarshal(sc.Bytes(), &item); err != nil {
			return nil, fmt.Errorf("%s 第 %d 行不是 JSON：%w", name, line, err)
		}
		for _, s := range append(item.Turns, item.Query, item.Q, item.Question) {
			if s != "" {
				list = append(list, s)
			}
		}
	}
	return list, sc.Err()
}
