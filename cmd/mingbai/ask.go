package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
)

// maxStdin bounds a question read from standard input, in bytes.
const maxStdin = 64 << 10

// askJSON is what `mingbai ask --json` and the API's ask give.
type askJSON struct {
	Text      string         `json:"text"`
	Kind      string         `json:"kind"`
	Topic     string         `json:"topic"`
	Citations []bot.Citation `json:"citations"`
	AsOf      string         `json:"as_of"`
	By        string         `json:"by"`
	Grounded  bool           `json:"grounded"`
	Clocks    []bot.Clock    `json:"clocks"`
	Urgent    bool           `json:"urgent"`
	Choices   []string       `json:"choices,omitempty"`
}

func ask(ctx context.Context, a *app, args []string) error {
	f := a.flags("ask", "[--json] [--on 日期] 问题|-")
	asJSON := f.Bool("json", false, "输出 JSON")
	on := f.String("on", "", "按哪一天的法律回答，如 2025-12-01（默认今天）")
	area := f.String("area", "", "所在乡镇或省份")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	text := strings.Join(rest, " ")
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(a.in, maxStdin+1))
		if err != nil {
			return fmt.Errorf("读标准输入：%w", err)
		}
		if len(b) > maxStdin {
			return fmt.Errorf("问题太长，最多 %d KB", maxStdin>>10)
		}
		text = strings.ToValidUTF8(string(b), "")
	}
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%w: 请写上要问的问题", errUsage)
	}
	day, err := parseDay(*on)
	if err != nil {
		return err
	}
	p, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	const chat = bot.Address("terminal/user/ask")
	reply, err := p.router.Handle(ctx, bot.Message{ID: "1", Chat: chat, From: chat, Text: text, On: *on, At: a.now()}, &bot.Session{Key: string(chat), Area: *area})
	if err = errors.Join(err, p.close()); err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, flat(reply, day, p.base))
	}
	fmt.Fprintln(a.out, reply.Text)
	for i, c := range reply.Choices {
		fmt.Fprintf(a.out, "%d. %s\n", i+1, c)
	}
	return nil
}

// flat gives a reply as one JSON object.
func flat(r bot.Reply, day time.Time, b *knowledge.Base) askJSON {
	out := askJSON{Text: r.Text, Kind: "talk", Citations: []bot.Citation{}, Clocks: []bot.Clock{}, Choices: r.Choices, By: "reviewed"}
	if day.IsZero() {
		day = b.Today()
	}
	out.AsOf = day.Format(time.DateOnly)
	if n := r.Answer; n != nil {
		out.Kind, out.Topic, out.Citations, out.AsOf, out.By = n.Kind, n.Topic, n.Citations, n.AsOf, n.By
		out.Grounded, out.Clocks, out.Urgent = n.Grounded, n.Clocks, n.Urgent
	}
	return out
}

func parseDay(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	d, err := knowledge.ParseDate(s)
	if err != nil {
		return d, fmt.Errorf("%w: 日期“%s”应写成 2025-12-01", errUsage, s)
	}
	return d, nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
