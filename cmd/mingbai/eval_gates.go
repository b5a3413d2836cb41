package main

import (
	"context"
	"fmt"
	"time"

	"mingbai/knowledge"
)

// evalGates has the questions of files answered by a model that lies, and says
// what of it got out.
func evalGates(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval gates", "题库.jsonl… [--json]")
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
	gates, err := p.openGates()
	if err != nil {
		return err
	}
	for _, name := range rest {
		questions, err := readQuestions(name)
		if err != nil {
			return err
		}
		start := time.Now()
		figures, err := knowledge.EvalGates(ctx, p.base, gates, questions, p.base.Today())
		if err != nil {
			return err
		}
		if *asJSON {
			if err := writeJSON(a.out, figures); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.out, "%s：", name)
		if err := figures.Write(a.out); err != nil {
			return err
		}
		fmt.Fprintf(a.err, "用时 %.1f 秒\n", time.Since(start).Seconds())
		if cited, _ := figures.False(); cited+figures.Invalid > 0 {
			return fmt.Errorf("放出了 %d 处无效的引用", cited+figures.Invalid)
		}
	}
	return nil
}
