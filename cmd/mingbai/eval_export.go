package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// exportPrompts writes the requests that the model would get for a question
// file, as far as they do not depend on answers that are not there yet.
func exportPrompts(ctx context.Context, a *app, args []string) (err error) {
	f := a.flags("eval export-prompts", "题库.jsonl [--out 请求.jsonl] [--answers 已有的回答.jsonl] [--batch]")
	out := f.String("out", "", "把请求写到哪个文件（默认标准输出）")
	have := f.String("answers", "", "已有的回答；只写还缺的请求")
	batch := f.Bool("batch", false, "写成各家批处理接口的格式（custom_id、method、url、body）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个题库文件", errUsage)
	}
	questions, err := readItems(rest[0])
	if err != nil {
		return err
	}
	answers := map[string]answered{}
	if *have != "" {
		if answers, err = readAnswers(*have); err != nil {
			return err
		}
	}
	x := newRecording(answers)
	r, err := a.rehearse(ctx, x)
	if err != nil {
		x.server.Close()
		return err
	}
	defer r.close()
	w := a.out
	if *out != "" {
		file, err := os.OpenFile(*out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("写不了请求文件：%w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		w = file
	}
	n, err := r.writeRequests(ctx, w, questions, *batch)
	if err != nil {
		return err
	}
	if err := a.keepQuestions(questions); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%d 题，%d 个请求要回答，已有回答 %d 个\n", len(questions), n, len(x.used))
	return nil
}

func (r *rehearsal) writeRequests(ctx context.Context, w io.Writer, questions []question, batch bool) (n int, err error) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, q := range questions {
		if _, err := r.play(ctx, q); err != nil {
			return n, fmt.Errorf("题 %s：%w", q.ID, err)
		}
		for _, open := range r.model.open[n:] {
			var line any = struct {
				ID      string          `json:"id"`
				Request json.RawMessage `json:"request"`
			}{open.id, open.body}
			if batch {
				line = struct {
					ID     string          `json:"custom_id"`
					Method string          `json:"method"`
					URL    string          `json:"url"`
					Body   json.RawMessage `json:"body"`
				}{open.id, "POST", "/v1/chat/completions", open.body}
			}
			if err := e.Encode(line); err != nil {
				return n, fmt.Errorf("写请求：%w", err)
			}
			n++
		}
	}
	return n, nil
}
