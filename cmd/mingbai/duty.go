package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"mingbai/office"
)

func dutyCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "duty", []sub{
		{"list", "[--all] [--json]", "普法责任清单（谁执法谁普法）", dutyList},
		{"import", "[--dry-run] [--json] 文件.csv|文件.xlsx|-", "导入责任清单：部门、法律法规、普法内容、对象、频次、停用", dutyImport},
		{"export", "文件.csv|文件.xlsx|-", "导出责任清单", dutyExport},
		{"gaps", "[--quarter 2026Q4] [--json]", "这个季度哪些责任没有开展", dutyGaps},
		{"prompts", "[--quarter 2026Q4] [--draft] [--json]", "普法提示；--draft 给没开展的部门起草", dutyPrompts},
		{"send", "编号 --as 编号|姓名", "发出一份普法提示", dutySend},
		{"answer", "编号 内容 --as 编号|姓名", "记下部门的反馈", dutyAnswer},
	}, args)
}

func dutyImport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return importTable(ctx, a, "duty import", db.ImportDuties, args)
}

func dutyExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	list, err := db.Duties(ctx, true)
	if err != nil {
		return err
	}
	orgs, err := db.Orgs(ctx)
	if err != nil {
		return err
	}
	return a.exportTable("duty export", office.DutyTable(list, orgs), args)
}

func dutyList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("duty list", "[--all] [--json]")
	all := f.Bool("all", false, "停用的也列")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.Duties(ctx, *all)
	if err != nil || *asJSON {
		return orJSON(a, list, err)
	}
	for _, d := range list {
		fmt.Fprintf(a.out, "%4d %s  《%s》 %s  %s  %s\n", d.ID, d.Org.Name, d.Law, d.Content, strings.Join(d.Audience, "、"), d.Every())
	}
	return nil
}

// quarter reads --quarter, by default the one that is now.
func (a *app) quarter(f *flag.FlagSet) func() (office.Quarter, error) {
	s := f.String("quarter", "", "季度，如 2026Q4，默认本季度")
	return func() (office.Quarter, error) {
		if *s == "" {
			return office.QuarterOf(a.now()), nil
		}
		return office.ParseQuarter(*s)
	}
}

func dutyGaps(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("duty gaps", "[--quarter 2026Q4] [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	quarter := a.quarter(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	q, err := quarter()
	if err != nil {
		return err
	}
	list, err := db.DutyStates(ctx, q)
	if err != nil || *asJSON {
		return orJSON(a, list, err)
	}
	gaps := 0
	for _, s := range list {
		mark := fmt.Sprintf("%d 次，%d 人次；推送 %d 次，送达 %d 人", s.Acts, s.Heads, s.Pushes, s.Reached)
		if s.Gap {
			gaps++
			mark = "没有开展"
		}
		fmt.Fprintf(a.out, "%4d %s  《%s》 %s（%s）：%s\n", s.Duty.ID, s.Duty.Org.Name, s.Duty.Law, s.Duty.Content, s.Duty.Every(), mark)
	}
	fmt.Fprintf(a.out, "%s：%d 项责任，%d 项没有开展\n", q.Name(), len(list), gaps)
	return nil
}

func dutyPrompts(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("duty prompts", "[--quarter 2026Q4] [--draft] [--json]")
	draft := f.Bool("draft", false, "给没开展的部门起草")
	asJSON := f.Bool("json", false, "输出 JSON")
	quarter := a.quarter(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	q, err := quarter()
	if err != nil {
		return err
	}
	if *draft {
		if _, err := db.DraftPrompts(ctx, operator(), q); err != nil {
			return err
		}
	}
	list, err := db.DutyPrompts(ctx, q)
	if err != nil || *asJSON {
		return orJSON(a, list, err)
	}
	for _, p := range list {
		fmt.Fprintf(a.out, "—— 编号 %d，%s，%s\n%s", p.ID, p.Org.Name, p.State(a.now()), p.Body)
		if p.Answer != "" {
			fmt.Fprintf(a.out, "反馈（%s）：%s\n", p.Answerer, p.Answer)
		}
	}
	fmt.Fprintf(a.out, "%s：%d 份\n", q.Name(), len(list))
	return nil
}

func dutySend(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("duty send", "编号 --as 编号|姓名")
	as := f.String("as", "", "谁发的：编号或姓名")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := idArg(rest)
	if err != nil {
		return err
	}
	by, err := actingPerson(ctx, db, "--as", *as)
	if err != nil {
		return err
	}
	p, err := db.SendPrompt(ctx, by, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已发给%s，%s 前反馈。\n", p.Org.Name, p.Due.Format("1月2日"))
	return nil
}

func dutyAnswer(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("duty answer", "编号 内容 --as 编号|姓名")
	as := f.String("as", "", "谁记的：编号或姓名")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写编号和反馈的内容", errUsage)
	}
	id, err := idArg(rest[:1])
	if err != nil {
		return err
	}
	by, err := actingPerson(ctx, db, "--as", *as)
	if err != nil {
		return err
	}
	p, err := db.AnswerPrompt(ctx, by, id, rest[1])
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已记下%s的反馈。\n", p.Org.Name)
	return nil
}
