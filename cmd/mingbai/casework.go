package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mingbai/office"
)

func rosterCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "roster", []sub{
		{"import", "[--dry-run] [--json] 文件|-", "导入村居法律顾问值班表：机构、顾问、顺序、星期、开始、结束（换掉表里写到的机构的）", rosterImport},
		{"export", "文件.csv|文件.xlsx|-", "导出值班表", rosterExport},
		{"now", "[机构]", "现在谁值班", rosterNow},
		{"off", "编号|姓名 [开始 结束]", "请假；不写日期是销假", rosterOff},
	}, args)
}

func rosterImport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return importTable(ctx, a, "roster import", db.ImportRoster, args)
}

func rosterExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	list, err := db.Roster(ctx, 0)
	if err != nil {
		return err
	}
	orgs, err := db.Orgs(ctx)
	if err != nil {
		return err
	}
	return a.exportTable("roster export", office.RosterTable(list, orgs), args)
}

func rosterNow(ctx context.Context, a *app, db *office.DB, args []string) error {
	rest, err := parse(a.flags("roster now", "[机构]"), args)
	if err != nil {
		return err
	}
	var org int64
	if len(rest) > 0 {
		o, err := db.OrgNamed(ctx, rest[0])
		if err != nil {
			return err
		}
		org = o.ID
	}
	list, err := db.Roster(ctx, org)
	if err != nil {
		return err
	}
	on := 0
	for _, t := range list {
		if t.Now {
			on++
			fmt.Fprintf(a.out, "%s：%s %s\n", t.Org.Name, t.Person.Name, t.Person.Phone)
		}
	}
	if on == 0 {
		fmt.Fprintln(a.out, "现在没有人值班。")
	}
	return nil
}

func rosterOff(ctx context.Context, a *app, db *office.DB, args []string) error {
	if len(args) != 1 && len(args) != 3 {
		return fmt.Errorf("%w: 要写人员，请假再写开始和结束的日期", errUsage)
	}
	id, err := personID(ctx, db, args[:1])
	if err != nil {
		return err
	}
	since, until := "", ""
	if len(args) == 3 {
		since, until = args[1], args[2]
	}
	if err := db.Leave(ctx, operator(), id, since, until); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "记好了。")
	return nil
}

func ticketCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "ticket", []sub{
		{"import", "[--dry-run] [--json] 文件|-", "导入 12345 等工单：工单编号、诉求内容、事发地点、来电人、联系电话、诉求类型、受理时间、答复时限；同一编号只收一次", ticketImport},
		{"export", "[--from 日期] [--to 日期] 文件.csv|文件.xlsx|-", "导出工单的办理结果，回传用", ticketExport},
	}, args)
}

func ticketImport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return importTable(ctx, a, "ticket import", func(ctx context.Context, by string, rows [][]string, dry bool) (office.Import, error) {
		rep, err := db.ImportTickets(ctx, by, rows, dry)
		if err == nil && rep.Same > 0 {
			fmt.Fprintf(a.err, "其中 %d 件以前导入过，没有动。\n", rep.Same)
		}
		return rep, err
	}, args)
}

// days reads --from and --to, this month so far by default.
func (a *app) days(from, to string) (first, last time.Time, err error) {
	if first, err = parseDay(from); err != nil {
		return first, last, err
	}
	if last, err = parseDay(to); err != nil {
		return first, last, err
	}
	if last.IsZero() {
		now := a.now().In(time.FixedZone("Asia/Shanghai", 8*60*60))
		last = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	}
	if first.IsZero() {
		first = last.AddDate(0, 0, 1-last.Day())
	}
	if first.After(last) {
		return first, last, fmt.Errorf("%w: --from 晚于 --to", errUsage)
	}
	return first, last, nil
}

// exportPeriod writes a table of a period.
func (a *app) exportPeriod(ctx context.Context, name string, args []string, table func(ctx context.Context, from, to time.Time) ([][]string, error)) error {
	f := a.flags(name, "[--from 日期] [--to 日期] 文件|-")
	from := f.String("from", "", "第一天（默认本月1日）")
	to := f.String("to", "", "最后一天（默认今天）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	first, last, err := a.days(*from, *to)
	if err != nil {
		return err
	}
	rows, err := table(ctx, first, last)
	if err != nil {
		return err
	}
	return a.exportTable(name, rows, rest)
}

func ticketExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return a.exportPeriod(ctx, "ticket export", args, func(ctx context.Context, from, to time.Time) ([][]string, error) {
		p, err := db.Operator(ctx)
		if err != nil {
			return nil, err
		}
		list, err := db.Tickets(ctx, p, from, to)
		return office.TicketTable(list, a.now()), err
	})
}

func ledgerCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "ledger", []sub{
		{"add", "编号|姓名 --kind 类别 [--day 日期] [--people 人数] [--minutes 分钟] 说明", "替法律明白人、法律顾问记一笔（服务记录）", ledgerAdd},
		{"export", "[--from 日期] [--to 日期] 文件.csv|文件.xlsx|-", "导出所有人的台账，每人一行合计", ledgerExport},
	}, args)
}

func ledgerAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("ledger add", "编号|姓名 --kind 类别 … 说明")
	d := office.Deed{}
	f.StringVar(&d.Kind, "kind", "", fmt.Sprint("类别：", office.DeedKinds))
	f.StringVar(&d.Day, "day", "", "哪一天（默认今天）")
	f.IntVar(&d.People, "people", 0, "多少人")
	f.IntVar(&d.Minutes, "minutes", 0, "多少分钟")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 要写是谁", errUsage)
	}
	id, err := personID(ctx, db, rest[:1])
	if err != nil {
		return err
	}
	if d.Person, err = db.Person(ctx, id); err != nil {
		return err
	}
	if len(rest) > 1 {
		d.Note = rest[1]
	}
	if err := db.AddDeed(ctx, d, ""); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "记好了。")
	return nil
}

func ledgerExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return a.exportPeriod(ctx, "ledger export", args, db.LedgerTable)
}

func caseCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "case", []sub{
		{"list", "[--open] [--overdue] [--matter 类别] [-n 条数]", "列出件，急的在前；只有编号和状态", caseList},
		{"calls", "[--after 24h]", "答复了没人取的，要打电话的", caseCalls},
		{"alerts", "", "纠纷预警：同一地点、同一对象反复，或者话里要激化", caseAlerts},
	}, args)
}

func caseList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("case list", "[--open] [--overdue] [--matter 类别] [-n 条数]")
	var c office.CaseFilter
	f.BoolVar(&c.Open, "open", false, "只看没办完的")
	f.BoolVar(&c.Overdue, "overdue", false, "只看超期的")
	matter := f.String("matter", "", "只看这一类，如 涉企")
	f.IntVar(&c.Limit, "n", 50, "最多几条")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *matter != "" {
		if c.Matter = office.MatterOf(*matter).Key; office.MatterOf(*matter).Name != *matter && c.Matter != *matter {
			return fmt.Errorf("没有“%s”这一类", *matter)
		}
	}
	p, err := db.Operator(ctx)
	if err != nil {
		return err
	}
	list, n, err := db.Cases(ctx, p, c)
	if err != nil {
		return err
	}
	a.printCases(list)
	fmt.Fprintf(a.out, "共 %d 件\n", n)
	return nil
}

func (a *app) printCases(list []office.Case) {
	for _, c := range list {
		due := ""
		if !c.Due.IsZero() {
			due = c.Due.Format("1月2日 15:04") + " 前"
		}
		fmt.Fprintf(a.out, "%s  %s  %s  %s  %s\n", c.No, office.MatterOf(c.Matter).Name, c.State.Name(), c.Urgency.Name(), due)
	}
}

func caseCalls(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("case calls", "[--after 24h]")
	after := f.Duration("after", 24*time.Hour, "答复多久没人取")
	if _, err := parse(f, args); err != nil {
		return err
	}
	p, err := db.Operator(ctx)
	if err != nil {
		return err
	}
	list, err := db.CallList(ctx, p, *after)
	if err != nil {
		return err
	}
	a.printCases(list)
	fmt.Fprintf(a.out, "要打电话的共 %d 件\n", len(list))
	return nil
}

func caseAlerts(ctx context.Context, a *app, db *office.DB, args []string) error {
	if _, err := parse(a.flags("case alerts", ""), args); err != nil {
		return err
	}
	p, err := db.Operator(ctx)
	if err != nil {
		return err
	}
	list, err := db.Alerts(ctx, p)
	if err != nil {
		return err
	}
	for _, x := range list {
		fmt.Fprintln(a.out, x.Text())
	}
	fmt.Fprintf(a.out, "预警共 %d 条\n", len(list))
	return nil
}

// officeFigures is the part of figures that is about cases and people.
type officeFigures struct {
	Cases      office.CaseFigures      `json:"cases"`
	OnTime     string                  `json:"on_time"`
	Satisfied  string                  `json:"satisfaction"`
	Mediation  office.MediationFigures `json:"mediation"`
	Success    string                  `json:"mediation_success"`
	Firm       office.MatterFigures    `json:"firm"`
	Complaints office.MatterFigures    `json:"complaints"`
	Tickets    office.MatterFigures    `json:"tickets"`
	Turns      office.TurnFigures      `json:"turns"`
	Training   office.TrainingFigures  `json:"training"`
}

func readOfficeFigures(ctx context.Context, db *office.DB, from, to time.Time) (f officeFigures, err error) {
	var faults [7]error
	f.Cases, faults[0] = db.CaseFigures(ctx, from, to)
	f.Mediation, faults[1] = db.MediationFigures(ctx, from, to)
	f.Firm, faults[2] = db.MatterFigures(ctx, "firm", from, to)
	f.Complaints, faults[3] = db.MatterFigures(ctx, "complaint", from, to)
	f.Tickets, faults[4] = db.MatterFigures(ctx, office.ViaTicket, from, to)
	f.Turns, faults[5] = db.TurnFigures(ctx, from, to)
	f.Training, faults[6] = db.TrainingFigures(ctx, from, to)
	f.OnTime, f.Satisfied, f.Success = f.Cases.OnTime(), f.Cases.Satisfaction(), f.Mediation.Success()
	return f, errors.Join(faults[:]...)
}

// print says each figure with what it is counted from.
func (a *app) printOfficeFigures(f officeFigures) {
	w := a.out
	fmt.Fprintf(w, "事项：受理 %d，办结 %d，在办 %d，超期 %d；按期答复率 %s，满意率 %s\n", f.Cases.Opened, f.Cases.Closed, f.Cases.Open, f.Cases.Overdue, f.OnTime, f.Satisfied)
	for _, k := range slices.Sorted(maps.Keys(f.Cases.ByMatter)) {
		fmt.Fprintf(w, "  %5d  %s\n", f.Cases.ByMatter[k], office.MatterOf(k).Name)
	}
	fmt.Fprintf(w, "调解：成功率 %s", f.Success)
	for _, k := range slices.Sorted(maps.Keys(f.Mediation.Outcomes)) {
		fmt.Fprintf(w, "，%s %d", k, f.Mediation.Outcomes[k])
	}
	fmt.Fprintln(w)
	for _, k := range slices.Sorted(maps.Keys(f.Mediation.Lanes)) {
		fmt.Fprintf(w, "  %5d  %s\n", f.Mediation.Lanes[k], office.LaneName(k))
	}
	for _, m := range []struct {
		name string
		f    office.MatterFigures
	}{{"涉企", f.Firm}, {"对本服务的投诉", f.Complaints}, {"12345 等工单", f.Tickets}} {
		fmt.Fprintf(w, "%s：受理 %d，在办 %d，超期 %d；按期答复率 %s，满意率 %s\n", m.name, m.f.Opened, m.f.Open, m.f.Overdue, m.f.OnTime(), m.f.Satisfaction())
	}
	fmt.Fprintf(w, "值班法律顾问：派 %d 次，按时响应率 %s，转给下一位 %d 次\n", f.Turns.Asked, f.Turns.Response(), f.Turns.Passed)
	fmt.Fprintf(w, "法律明白人：%d 人，学习覆盖 %s，答对率 %s\n", f.Training.Helpers, f.Training.Coverage(), f.Training.Right())
	for _, k := range slices.Sorted(maps.Keys(f.Training.Deeds)) {
		fmt.Fprintf(w, "  %5d  %s\n", f.Training.Deeds[k], k)
	}
}
