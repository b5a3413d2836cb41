package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/jobs"
	"mingbai/office"
)

func planCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "plan", []sub{
		{"add", "名称 时间 --by 编号|姓名 [--item 编号,编号] [--duty 责任编号] [--pool 受众或专题] [--to cloud,hook,chat] [--holiday 顺延|跳过|照发] [--weekend …] [--catchup 补一次|跳过|补发并注明]",
			"加一个计划；时间写“每周一上午九点”“每月第一个工作日9:30”“2026-12-04 09:00”、cron 五段或普法节点的名字", planAdd},
		{"list", "[--json]", "列出计划和下一次", planList},
		{"next", "编号或时间 [-n 次数] [--holiday …] [--weekend …] [--json]", "看接下来几次，标出放假；写时间就只是试算", planNext},
		{"pause", "编号 --by 编号|姓名", "停一个计划", planPause(true)},
		{"resume", "编号 --by 编号|姓名", "恢复一个计划（停的时候错过的不补）", planPause(false)},
		{"quiet", "[日期 原因] --by 编号|姓名", "静默日：这一天什么都不发；原因写 - 取消；不写日期就列出", planQuiet},
		{"stop", "原因 --by 编号|姓名", "紧急停发：所有计划和推送都停", planStop(true)},
		{"go", "--by 编号|姓名", "解除紧急停发", planStop(false)},
		{"days", "", "普法节点：名字、日子、讲什么", planDays},
	}, args)
}

func commaList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，、 ", r) })
}

func planAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("plan add", "名称 时间 --by 编号|姓名 …")
	by := f.String("by", "", "谁定的：编号或姓名")
	items, pool := f.String("item", "", "发哪几条，按顺序，逗号分隔"), f.String("pool", "", "从通过的内容里轮着发给这类人或这个专题的")
	to := f.String("to", "", "发到哪里：cloud 云端网页，hook 推送接口，chat 订阅的人；不写都发")
	holiday, weekend, catchup := f.String("holiday", "", "节假日：顺延（默认）、跳过、照发"), f.String("weekend", "", "周末：照发（默认）、跳过、顺延"), f.String("catchup", "", "停机错过了：补一次（默认）、跳过（skip）、补发并注明")
	duty := f.Int64("duty", 0, "--item 这几条算哪项普法责任：编号")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写名称和时间", errUsage)
	}
	person, err := actingPerson(ctx, db, "--by", *by)
	if err != nil {
		return err
	}
	p := office.Plan{Name: rest[0], Spec: rest[1], Pool: *pool, Sinks: commaList(*to), Holiday: *holiday, Weekend: *weekend, CatchUp: *catchup, Duty: *duty}
	for _, s := range commaList(*items) {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: “%s”不是编号", errUsage, s)
		}
		p.Pieces = append(p.Pieces, id)
	}
	if p, err = db.AddPlan(ctx, person, p); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已加：计划 %d “%s”\n", p.ID, p.Name)
	return a.printNext(ctx, db, p, 5, false)
}

func (a *app) printNext(ctx context.Context, db *office.DB, p office.Plan, n int, asJSON bool) error {
	list, err := db.Preview(ctx, p, n)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "没有可以发布的时间（不在发布时段内，或者都过去了）。")
	}
	for _, s := range list {
		line := s.At.Format("2006-01-02 15:04 ") + "周" + string([]rune("日一二三四五六")[s.At.Weekday()])
		if s.Mark != "" {
			line += "（" + s.Mark + "）"
		}
		if !s.From.IsZero() {
			line += " 从 " + s.From.Format("01-02") + " 顺延"
		}
		fmt.Fprintln(a.out, line)
	}
	return nil
}

func planList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("plan list", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.Plans(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	if why, stop, err := db.Stopped(ctx); err != nil {
		return err
	} else if stop {
		fmt.Fprintf(a.out, "! 已紧急停发（%s）。解除：mingbai plan go --by 编号|姓名\n", why)
	}
	states := map[string]string{office.PlanOn: "进行中", office.PlanPaused: "已停", office.PlanDone: "已发完"}
	for _, p := range list {
		next := "—"
		if !p.Next.IsZero() {
			next = p.Next.Format("2006-01-02 15:04")
		}
		fmt.Fprintf(a.out, "%4d %s “%s” %s 下一次 %s → %s\n", p.ID, states[p.State], p.Name, p.Spec, next, strings.Join(p.Sinks, "、"))
	}
	return nil
}

func planNext(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("plan next", "编号或时间 [-n 次数]")
	n := f.Int("n", 5, "看几次，最多 50")
	holiday, weekend := f.String("holiday", "", "节假日：顺延、跳过、照发"), f.String("weekend", "", "周末：照发、跳过、顺延")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 要写计划的编号，或者一个时间", errUsage)
	}
	p := office.Plan{Spec: strings.Join(rest, " "), Holiday: *holiday, Weekend: *weekend}
	if id, err := strconv.ParseInt(rest[0], 10, 64); err == nil && len(rest) == 1 {
		if p, err = db.Plan(ctx, id); err != nil {
			return err
		}
	}
	return a.printNext(ctx, db, p, min(max(*n, 1), 50), *asJSON)
}

func planPause(pause bool) func(ctx context.Context, a *app, db *office.DB, args []string) error {
	return func(ctx context.Context, a *app, db *office.DB, args []string) error {
		f := a.flags("plan pause|resume", "编号 --by 编号|姓名")
		by := f.String("by", "", "编号或姓名")
		rest, err := parse(f, args)
		if err != nil {
			return err
		}
		id, err := pieceArg(rest)
		if err != nil {
			return err
		}
		person, err := actingPerson(ctx, db, "--by", *by)
		if err != nil {
			return err
		}
		p, err := db.PausePlan(ctx, person, id, pause)
		if err != nil {
			return err
		}
		if pause {
			fmt.Fprintf(a.out, "计划 %d “%s”已停。\n", p.ID, p.Name)
			return nil
		}
		fmt.Fprintf(a.out, "计划 %d “%s”已恢复，下一次 %s。\n", p.ID, p.Name, p.Next.Format("2006-01-02 15:04"))
		return nil
	}
}

func planQuiet(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("plan quiet", "[日期 原因|-] --by 编号|姓名")
	by := f.String("by", "", "编号或姓名")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 2 {
		person, err := actingPerson(ctx, db, "--by", *by)
		if err != nil {
			return err
		}
		why := rest[1]
		if why == "-" {
			why = ""
		}
		if err := db.SetQuiet(ctx, person, rest[0], why); err != nil {
			return err
		}
	} else if len(rest) != 0 {
		return fmt.Errorf("%w: 写日期和原因", errUsage)
	}
	days, err := db.QuietDays(ctx)
	if err != nil {
		return err
	}
	var list []string
	for day, why := range days {
		list = append(list, day+" "+why)
	}
	slices.Sort(list)
	fmt.Fprintf(a.out, "静默日 %d 天\n", len(list))
	for _, l := range list {
		fmt.Fprintln(a.out, l)
	}
	return nil
}

func planStop(stop bool) func(ctx context.Context, a *app, db *office.DB, args []string) error {
	return func(ctx context.Context, a *app, db *office.DB, args []string) error {
		f := a.flags("plan stop|go", "[原因] --by 编号|姓名")
		by := f.String("by", "", "编号或姓名")
		rest, err := parse(f, args)
		if err != nil {
			return err
		}
		person, err := actingPerson(ctx, db, "--by", *by)
		if err != nil {
			return err
		}
		if err := db.StopAll(ctx, person, stop, strings.Join(rest, " ")); err != nil {
			return err
		}
		fmt.Fprintln(a.out, map[bool]string{true: "全部停发了。撤回的更正仍会送出。", false: "已解除，计划照常。"}[stop])
		return nil
	}
}

func planDays(_ context.Context, a *app, _ *office.DB, _ []string) error {
	now := a.now()
	for _, c := range office.Campaigns {
		s, err := office.ParseSpec(c.Name, now)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s %s：%s\n", s.Next(now).Format("2006-01-02"), c.Name, c.Topic)
	}
	return nil
}

func deliveriesCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "deliveries", []sub{
		{"list", "[--item 编号] [--state 状态] [--to 去处] [-n 条数] [--json]", "送达台账，最近的在前", deliveriesList},
		{"settle", "台账号 arrived|lost|again --by 编号|姓名", "核实一条不确定的：送到了、没送到、再发一次", deliveriesSettle},
	}, args)
}

func deliveriesList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("deliveries list", "[--item 编号] [--state 状态] [--to 去处] [--json]")
	item, state, to := f.Int64("item", 0, "只看这条内容"), f.String("state", "", "只看这个状态，如 不确定"), f.String("to", "", "只看这个去处：cloud、hook、chat")
	n := f.Int("n", 50, "最多几条")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	filter := office.DeliveryFilter{Piece: *item, Sink: *to, Limit: *n}
	for _, s := range office.DeliveryStates {
		if *state == s || *state == office.DeliveryName(s) {
			filter.States = []string{s}
		}
	}
	if *state != "" && filter.States == nil {
		return fmt.Errorf("%w: 没有“%s”这个状态", errUsage, *state)
	}
	list, total, err := db.Deliveries(ctx, filter)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	acts := map[string]string{office.ActPublish: "发布", office.ActWithdraw: "下架", office.ActCorrect: "更正"}
	for _, d := range list {
		fmt.Fprintf(a.out, "%5d %s %s 《%s》v%d → %s %s %s %s %s\n", d.ID, d.Changed.Format("01-02 15:04:05"), acts[d.Act], d.Title, d.Number, office.SinkName(d.Sink), d.Target, office.DeliveryName(d.State), d.Ref, d.Reason())
	}
	fmt.Fprintf(a.out, "共 %d 条。\n", total)
	return nil
}

func deliveriesSettle(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("deliveries settle", "台账号 arrived|lost|again --by 编号|姓名")
	by := f.String("by", "", "编号或姓名")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := pieceArg(rest)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 写 arrived、lost 或 again", errUsage)
	}
	person, err := actingPerson(ctx, db, "--by", *by)
	if err != nil {
		return err
	}
	return db.Settle(ctx, person, id, rest[1])
}

func jobsCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "jobs", []sub{
		{"list", "[--json]", "有哪些活，什么时候跑", jobsList},
		{"run", "名称", "现在在这个进程里跑一次", jobsRun},
		{"last", "[名称] [-n 次数] [--json]", "最近几次跑得怎样（别的进程跑的也在）", jobsLast},
	}, args)
}

// scheduler has the jobs that need no running bot.
func (p *parts) scheduler(more ...jobs.Publisher) (*jobs.Scheduler, error) {
	s := jobs.NewScheduler(jobs.SchedulerOptions{Runs: p.records, Log: p.app.log, Metrics: p.metrics, Now: p.app.now})
	for _, j := range p.jobs(more...) {
		if err := s.Add(j); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// jobs lists them.
func (p *parts) jobs(more ...jobs.Publisher) []jobs.Job {
	every := max(p.app.config.Knowledge.Reload, time.Second)
	list := []jobs.Job{
		p.publisher(more...).Job(),
		{Name: "reload", Doc: "看知识条目、专题开关和本县资料有没有变化", Spec: "@every " + every.String(), Timeout: time.Minute, Run: func(ctx context.Context) error {
			err := p.refresh(ctx)
			p.base.Warm()
			return err
		}},
		{Name: "retention", Doc: "每天一次，删掉保留到期的资料", Spec: "7 * * * *", Timeout: 10 * time.Minute, Run: jobs.Retention{Office: p.records, Keep: keepOf(p.app.config), Log: p.app.log}.Once},
	}
	list = append(list, jobs.Bulletins{Office: p.records}.Job())
	if len(p.relayers) > 0 {
		list = append(list, jobs.Job{Name: "relays", Doc: "把给工作人员的通知转到群机器人和邮箱", Spec: "@every 10s", Timeout: 2 * time.Minute,
			Run: jobs.Relays{Office: p.records, To: p.relayers, Log: p.app.log}.Once})
	}
	return list
}

// notices is the job that brings messages to their readers; it needs a bot.
func noticesJob(n jobs.Notices) jobs.Job {
	return jobs.Job{Name: "notices", Doc: "把待取的通知、答复和催办送给能收到的人", Spec: "@every 5s", Timeout: 2 * time.Minute, Run: n.Once}
}

func jobsList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("jobs list", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	return a.withParts(ctx, func(p *parts) error {
		type row struct{ Name, Spec, Doc string }
		var rows []row
		for _, j := range append(p.jobs(), noticesJob(jobs.Notices{}), (&jobs.Opened{}).Job()) {
			rows = append(rows, row{j.Name, j.Spec, j.Doc})
		}
		if *asJSON {
			return writeJSON(a.out, rows)
		}
		for _, r := range rows {
			fmt.Fprintf(a.out, "%-10s %-14s %s\n", r.Name, r.Spec, r.Doc)
		}
		return nil
	})
}

func jobsRun(ctx context.Context, a *app, _ *office.DB, args []string) error {
	rest, err := parse(a.flags("jobs run", "名称"), args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写活的名称，mingbai jobs list 列出", errUsage)
	}
	if rest[0] == "notices" {
		return fmt.Errorf("送通知要连着聊天渠道，由运行着的 mingbai serve 来做")
	}
	return a.withParts(ctx, func(p *parts) error {
		s, err := p.scheduler()
		if err != nil {
			return err
		}
		r, err := s.Trigger(ctx, rest[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s：%s，用时 %s\n", r.Job, runState(r.State), r.Ended.Sub(r.Started).Round(time.Millisecond))
		return nil
	})
}

func runState(s string) string {
	return map[string]string{"running": "正在跑，或者进程中途没了", "ok": "好", "failed": "失败", "panicked": "程序出错", "timeout": "超时"}[s]
}

func jobsLast(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("jobs last", "[名称] [-n 次数] [--json]")
	n := f.Int("n", 3, "每项活看几次")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	list, err := db.LastRuns(ctx, strings.Join(rest, " "), *n)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, r := range list {
		took := "—"
		if !r.Ended.IsZero() {
			took = r.Ended.Sub(r.Started).Round(time.Millisecond).String()
		}
		fmt.Fprintf(a.out, "%-10s %s %s 用时 %s [%s] %s\n", r.Job, r.Started.In(chinaTime).Format("2006-01-02 15:04:05"), runState(r.State), took, r.Process, r.Note)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "还没有记录：先启动 mingbai serve，或 mingbai jobs run 名称。")
	}
	return nil
}
