package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"mingbai/knowledge"
)

func kb(ctx context.Context, a *app, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: kb 后面写 check、search、show、verify、impact、diff 或 coverage", errUsage)
	}
	switch args[0] {
	case "check":
		return kbCheck(ctx, a, args[1:])
	case "search":
		return kbSearch(ctx, a, args[1:])
	case "show":
		return kbShow(ctx, a, args[1:])
	case "verify":
		return kbVerify(ctx, a, args[1:])
	case "impact":
		return kbImpact(ctx, a, args[1:])
	case "diff":
		return kbDiff(ctx, a, args[1:])
	case "coverage":
		return kbCoverage(ctx, a, args[1:])
	}
	return fmt.Errorf("%w: 没有 kb %s", errUsage, args[0])
}

// report prints faults and fails if there are any.
func (a *app) report(faults []knowledge.Fault, asJSON bool, done string) error {
	if asJSON {
		if faults == nil {
			faults = []knowledge.Fault{}
		}
		if err := writeJSON(a.out, faults); err != nil {
			return err
		}
	} else {
		for _, f := range faults {
			fmt.Fprintln(a.out, f)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("有 %d 处问题", len(faults))
	}
	if !asJSON {
		fmt.Fprintln(a.out, done)
	}
	return nil
}

func kbCheck(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb check", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	entries, phrasings, _, _ := p.base.Size()
	return a.report(p.base.Check(), *asJSON, fmt.Sprintf("%d 条，%d 个问法，没有问题。", entries, phrasings))
}

func kbSearch(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb search", "[--explain|--models] [--on 日期] [--kind entry|article] [-n 条数] 要找的话")
	models := f.Bool("models", false, "用上向量模型（要先 mingbai knowledge embed）；得分是两种排名合起来的")
	explain := f.Bool("explain", false, "说明为什么排在这里")
	on := f.String("on", "", "按哪一天有效的内容找")
	kind := f.String("kind", "", "只找 entry（条目）或 article（法条）")
	area := f.String("area", "", "地区")
	n := f.Int("n", 5, "最多几条")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	day, err := parseDay(*on)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 请写上要找的话", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	q := knowledge.Query{Text: strings.Join(rest, " "), Kind: *kind, Area: *area, On: day, N: *n}
	hits := p.base.Search(q)
	switch {
	case *models && p.vectors == nil:
		return errors.New("没有设置向量模型：先设 EMBEDDING_MODEL 和 EMBEDDING_BASE_URL，见 docs/guide-model.md")
	case *models:
		p.base.Warm()
		hits = p.base.Retrieve(ctx, q)
	case *explain:
		hits = p.base.Explain(q)
	}
	if len(hits) == 0 {
		fmt.Fprintln(a.out, "没有找到。")
	}
	for i, h := range hits {
		fmt.Fprintf(a.out, "%d. %s  %s  得分 %.2f  把握 %.2f\n", i+1, h.Doc.ID, h.Doc.Title, h.Score, h.Fit)
		for _, w := range h.Why {
			fmt.Fprintf(a.out, "     %-18s %7.2f  %s\n", w.Name, w.Score, w.Note)
		}
	}
	return nil
}

func kbShow(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb show", "条目id")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 请写条目 id", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	e := p.base.Entry(rest[0])
	if e == nil {
		return fmt.Errorf("没有条目 %s", rest[0])
	}
	ans, err := p.answerer.Answer(ctx, knowledge.Question{Entry: e.ID})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s（%s，%s）\n文件 %s，%s 于 %s 复核，下次 %s\n\n%s\n\n问法：\n- %s\n", e.Title, e.ID, e.Topic, e.File,
		e.ReviewedBy, e.ReviewedAt.Format(time.DateOnly), e.ReviewDue.Format(time.DateOnly), ans.Text, strings.Join(e.Questions, "\n- "))
	return nil
}

// topic switches topics off and on.
func topic(ctx context.Context, a *app, args []string) error {
	f := a.flags("topic", "list | off 专题 [--why 说明] | on 专题")
	why := f.String("why", "这方面的内容正在复核，暂时不能自动回答。", "关闭期间给居民看的话")
	by := f.String("by", os.Getenv("USER"), "谁操作的")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	p, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // nothing is pending
	if len(rest) == 0 || rest[0] == "list" {
		off, err := p.records.TopicsOff(ctx)
		if err != nil {
			return err
		}
		if len(off) == 0 {
			fmt.Fprintln(a.out, "没有关闭的专题。")
		}
		for id, text := range off {
			fmt.Fprintf(a.out, "%s %s：%s\n", id, p.base.Topic(id), text)
		}
		return nil
	}
	if len(rest) != 2 || rest[0] != "off" && rest[0] != "on" {
		return fmt.Errorf("%w: 应写 topic off 专题 或 topic on 专题", errUsage)
	}
	id := strings.ToUpper(rest[1])
	if p.base.Topic(id) == "" {
		return fmt.Errorf("没有专题 %s，专题编号见 topics.yaml", id)
	}
	text := *why
	if rest[0] == "on" {
		text = ""
	}
	if err := p.records.SwitchTopic(ctx, id, text, *by); err != nil {
		return err
	}
	state := map[string]string{"off": "已关闭，各进程一分钟内生效", "on": "已恢复"}[rest[0]]
	fmt.Fprintf(a.out, "%s %s：%s。\n", id, p.base.Topic(id), state)
	return nil
}
