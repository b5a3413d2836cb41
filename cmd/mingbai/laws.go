package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"mingbai/knowledge"
)

func laws(ctx context.Context, a *app, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "import":
			return lawsImport(ctx, a, args[1:])
		case "list":
			return lawsList(ctx, a, args[1:])
		case "show":
			return lawsShow(ctx, a, args[1:])
		case "diff":
			return lawsDiff(ctx, a, args[1:])
		}
	}
	return fmt.Errorf("%w: laws 后面写 import、list、show 或 diff", errUsage)
}

// progress shows how far an import has come, on one line of a terminal, or
// every few seconds otherwise.
func (a *app) progress() func(knowledge.ImportProgress) {
	w, terminal := a.err, false
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	var last time.Time
	every := 5 * time.Second
	if terminal {
		every = 100 * time.Millisecond
	}
	return func(p knowledge.ImportProgress) {
		if now := a.now(); now.Sub(last) >= every {
			last = now
			end := "\n"
			if terminal {
				end = "\r"
			}
			fmt.Fprintf(w, "  %d 个文件，%d 条%s", p.Documents, p.Articles, end)
		}
	}
}

func lawsImport(ctx context.Context, a *app, args []string) (err error) {
	f := a.flags("laws import", "[--json] 来源…")
	asJSON := f.Bool("json", false, "输出 JSON")
	quiet := f.Bool("quiet", false, "不显示进度")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 请写来源：网址（https）、目录、zip、tar.gz 或单个文件", errUsage)
	}
	open := a.openBase
	if slices.ContainsFunc(rest, isAddress) { // refusals go into the records
		open = a.openParts
	}
	p, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	var progress func(knowledge.ImportProgress)
	if !*quiet {
		progress = a.progress()
	}
	if *asJSON {
		rep, err := p.takeLaws(ctx, rest, progress)
		return errors.Join(err, writeJSON(a.out, rep))
	}
	if err := p.importLaws(ctx, rest, progress, a.out); err != nil {
		return err
	}
	if _, err := p.base.Reload(); err != nil {
		return err
	}
	for _, s := range p.base.Stale() {
		fmt.Fprintf(a.out, "%s（%s）%s\n", s.Entry.ID, s.Entry.Title, s.Why)
	}
	return nil
}

// isAddress says whether a source of laws is an address and no file.
func isAddress(source string) bool { return strings.Contains(source, "://") }

// takeLaws imports law texts. An address that is refused is put into the audit.
func (p *parts) takeLaws(ctx context.Context, sources []string, progress func(knowledge.ImportProgress)) (knowledge.ImportReport, error) {
	o := knowledge.ImportOptions{Fetch: knowledge.FetchOptions{Hosts: p.app.config.Knowledge.Hosts}, Now: p.app.now, Progress: progress}
	rep, err := knowledge.Import(ctx, p.base.Library(), sources, o)
	if i := slices.IndexFunc(sources, isAddress); i >= 0 && (err != nil || rep.Documents == 0) && p.records != nil {
		err = errors.Join(err, p.records.Note(ctx, "operator", "laws.import.refused", clipRunes(sources[i], 200)))
	}
	return rep, err
}

// importLaws imports law texts and writes what came of it.
func (p *parts) importLaws(ctx context.Context, sources []string, progress func(knowledge.ImportProgress), w io.Writer) error {
	rep, err := p.takeLaws(ctx, sources, progress)
	if err != nil && rep.Documents == 0 {
		return err
	}
	writeImport(w, rep)
	return err
}

func writeImport(w io.Writer, r knowledge.ImportReport) {
	fmt.Fprintf(w, "读了 %d 个文件，用时 %.1f 秒：新增 %d 个版本，更新 %d 个，没有变化 %d 个。\n", r.Documents, r.Took.Seconds(), r.Added, r.Updated, r.Unchanged)
	fmt.Fprintf(w, "现在共有 %d 部法律法规和司法解释、%d 个版本、%d 条。\n", r.Laws, r.Versions, r.Articles)
	if len(r.Skipped) > 0 {
		fmt.Fprintf(w, "跳过 %d 个文件：\n", len(r.Skipped))
		const most = 30
		for i, s := range r.Skipped {
			if i == most {
				fmt.Fprintf(w, "  … 还有 %d 个，用 --json 看全部\n", len(r.Skipped)-most)
				break
			}
			fmt.Fprintf(w, "  %s：%s\n", s.File, s.Why)
		}
	}
}

func lawsList(ctx context.Context, a *app, args []string) error {
	f := a.flags("laws list", "[--json] [名称里的字]")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	type row struct {
		Law       string `json:"law"`
		Version   string `json:"version"`
		Effective string `json:"effective"`
		Status    string `json:"status"`
		Articles  int    `json:"articles"`
		Imported  bool   `json:"imported"`
	}
	rows := []row{}
	word := strings.Join(rest, "")
	for _, l := range p.base.Registry().Laws() {
		if !strings.Contains(l.Title, word) {
			continue
		}
		held, _ := p.base.Library().Law(l.Title)
		for _, v := range l.Versions {
			r := row{Law: l.Title, Version: iso(v.Published), Effective: iso(v.Effective), Status: string(v.Status(p.base.Today())), Articles: v.Articles}
			if held != nil {
				for _, h := range held.Versions {
					r.Imported = r.Imported || h.Published.Equal(v.Published)
				}
			}
			rows = append(rows, r)
		}
	}
	if *asJSON {
		return writeJSON(a.out, rows)
	}
	held := 0
	for _, r := range rows {
		mark := ""
		if r.Imported {
			mark = "有原文"
			held++
		}
		fmt.Fprintf(a.out, "%s  %s公布  %s施行  %s  %d条  %s\n", r.Law, r.Version, r.Effective, r.Status, r.Articles, mark)
	}
	fmt.Fprintf(a.err, "%d 个版本，其中导入了原文的 %d 个（标“有原文”）\n", len(rows), held)
	return nil
}

func iso(d time.Time) string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

func lawsShow(ctx context.Context, a *app, args []string) error {
	f := a.flags("laws show", "[--on 日期] 法律名称 [条号…]")
	on := f.String("on", "", "哪一天有效的文本（默认今天）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	day, err := parseDay(*on)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 请写法律名称", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	if day.IsZero() {
		day = p.base.Today()
	}
	var list []*knowledge.Article
	if len(rest) == 1 {
		if list, err = p.base.Library().Text(rest[0], day); err != nil {
			return err
		}
	}
	for _, s := range rest[1:] {
		no, err := knowledge.ParseArticleNo(s)
		if err != nil {
			return fmt.Errorf("条号“%s”看不懂，应写成 42 或 276之一", s)
		}
		art, err := p.base.Library().Article(rest[0], no, day)
		if err != nil {
			return err
		}
		list = append(list, art)
	}
	for i, x := range list {
		if i == 0 {
			fmt.Fprintf(a.out, "《%s》 %s公布 %s施行\n", x.Law, iso(x.Published), iso(x.Effective))
		}
		fmt.Fprintf(a.out, "\n%s　%s\n", x.No.Han(), strings.ReplaceAll(x.Text, "\n", "\n　　"))
	}
	return nil
}

// lawsDiff shows what changed between the versions of a law on two days.
func lawsDiff(ctx context.Context, a *app, args []string) error {
	f := a.flags("laws diff", "[--from 日期] [--to 日期] 法律名称")
	from := f.String("from", "", "旧文本有效的某一天（默认现行文本的前一版）")
	to := f.String("to", "", "新文本有效的某一天（默认今天）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 请写法律名称", errUsage)
	}
	first, err := parseDay(*from)
	if err != nil {
		return err
	}
	last, err := parseDay(*to)
	if err != nil {
		return err
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	if last.IsZero() {
		last = p.base.Today()
	}
	if first.IsZero() {
		l, ok := p.base.Library().Law(rest[0])
		if !ok {
			return fmt.Errorf("没有导入《%s》的原文，先用 mingbai laws import 导入", rest[0])
		}
		v, _ := l.On(last)
		first = v.Effective.AddDate(0, 0, -1)
	}
	d, err := p.base.Library().Diff(rest[0], first, last)
	if err != nil {
		return err
	}
	return d.Write(a.out)
}
