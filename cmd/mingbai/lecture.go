package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"mingbai/office"
)

func lectureCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "lecture", []sub{
		{"menu", "[--audience 对象] [--all] [--json] | import [--dry-run] 文件 | export 文件", "点单普法的菜单：主题、部门、时长、对象、讲师、语言、晚上周末、责任编号、下架", lectureMenu},
		{"lecturers", "[--json] | import [--dry-run] 文件 | export 文件", "讲师库：姓名、部门、电话、专长、语言、停讲", lectureLecturers},
		{"order", "菜单编号 --at 时间 --heads 人数 --unit 单位和地点 --contact 联系人 --phone 电话 [--wish 要求] [--json]", "代为下单", lectureOrder},
		{"list", "[--open] [--from 日期] [--to 日期] [--json]", "列出订单", lectureList},
		{"show", "编号 [--photo 存到的文件] [--json]", "看一张订单和它的经过；--photo 把现场照片存成文件", lectureShow},
		{"act", "编号 动作 --as 编号|姓名 [--lecturer 姓名] [--org 部门] [--at 时间] [--came 人数] [--photo 照片文件] [--score 分] [--note 说明]", "办一步：派讲、改派讲师、接单、改期、同意改期、谢绝、完成讲座、补照片、删照片、取消讲座", lectureAct},
		{"figures", "[--from 日期] [--to 日期] [--json]", "下单、接单、完成、人次、满意率", lectureFigures},
		{"activity", "list|counts|export|import …", "普法活动登记：场次、人次，按类型和月份", lectureActivity},
	}, args)
}

// clerk is the command line as a person who sees all of the county; it changes
// nothing.
func clerk(ctx context.Context, db *office.DB) (office.Person, error) {
	list, err := db.Orgs(ctx)
	if err != nil || len(list) == 0 {
		return office.Person{}, err
	}
	return office.Person{ID: -1, Name: operator(), Posts: []office.Post{{Role: office.Admin, Org: list[0]}}}, nil
}

// table is a command that lists, imports or exports by its first word.
func table(ctx context.Context, a *app, name string, args []string, in importer, rows func() ([][]string, error), list func([]string) error) error {
	if len(args) > 0 && args[0] == "import" {
		return importTable(ctx, a, name+" import", in, args[1:])
	}
	if len(args) > 0 && args[0] == "export" {
		out, err := rows()
		if err != nil {
			return err
		}
		return a.exportTable(name+" export", out, args[1:])
	}
	return list(args)
}

func lectureMenu(ctx context.Context, a *app, db *office.DB, args []string) error {
	return table(ctx, a, "lecture menu", args, db.ImportLectures, func() ([][]string, error) {
		list, err := db.Menu(ctx, "", true)
		if err != nil {
			return nil, err
		}
		orgs, err := db.Orgs(ctx)
		return office.LectureTable(list, orgs), err
	}, func(args []string) error {
		f := a.flags("lecture menu", "[--audience 对象] [--all] [--json]")
		audience := f.String("audience", "", "只列适合这类人的："+strings.Join(office.Audiences, "、"))
		all := f.Bool("all", false, "下架的也列")
		asJSON := f.Bool("json", false, "输出 JSON")
		if _, err := parse(f, args); err != nil {
			return err
		}
		list, err := db.Menu(ctx, *audience, *all)
		if err != nil || *asJSON {
			return orJSON(a, list, err)
		}
		for _, l := range list {
			fmt.Fprintf(a.out, "%4d %s\n", l.ID, l.Line())
		}
		return nil
	})
}

// orJSON writes v unless there was an error.
func orJSON(a *app, v any, err error) error {
	if err != nil {
		return err
	}
	return writeJSON(a.out, v)
}

func lectureLecturers(ctx context.Context, a *app, db *office.DB, args []string) error {
	return table(ctx, a, "lecture lecturers", args, db.ImportLecturers, func() ([][]string, error) {
		list, err := db.Lecturers(ctx)
		if err != nil {
			return nil, err
		}
		orgs, err := db.Orgs(ctx)
		return office.LecturerTable(list, orgs), err
	}, func(args []string) error {
		f := a.flags("lecture lecturers", "[--json]")
		asJSON := f.Bool("json", false, "输出 JSON")
		if _, err := parse(f, args); err != nil {
			return err
		}
		list, err := db.Lecturers(ctx)
		if err != nil || *asJSON {
			return orJSON(a, list, err)
		}
		for _, l := range list {
			note := ""
			if l.Away {
				note = "  停讲"
			}
			fmt.Fprintf(a.out, "%4d %s  %s  %s  待讲 %d 场，讲过 %d 场%s\n", l.ID, l.Name, l.Org.Name, strings.Join(l.Fields, "、"), l.Booked, l.Held, note)
		}
		return nil
	})
}

func lectureOrder(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("lecture order", "菜单编号 --at 时间 …")
	d := office.OrderDraft{}
	at := f.String("at", "", "时间，例如“12月8日上午9点”")
	f.IntVar(&d.Heads, "heads", 0, "大约多少人听")
	f.StringVar(&d.Unit, "unit", "", "哪个单位、在哪里")
	f.StringVar(&d.Contact, "contact", "", "联系人")
	f.StringVar(&d.Phone, "phone", "", "联系电话")
	f.StringVar(&d.Wish, "wish", "", "要求：方言、大字、投影 …")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写菜单编号（mingbai lecture menu 里第一列）", errUsage)
	}
	if d.Lecture, err = strconv.ParseInt(rest[0], 10, 64); err != nil {
		return fmt.Errorf("%w: “%s”不是编号", errUsage, rest[0])
	}
	if d.At, err = office.ParseWhen(*at, a.now()); err != nil {
		return err
	}
	out, err := db.PlaceOrder(ctx, office.Person{Name: operator()}, d)
	if err != nil || *asJSON {
		return orJSON(a, map[string]any{"order": out.Order, "code": out.Code, "exact": out.Exact}, err)
	}
	fmt.Fprintf(a.out, "已下单：%s %s，%s。查询码 %s\n", out.Order.No, out.Order.Topic, when(out.Order.At), out.Code)
	return nil
}

func when(t time.Time) string { return t.Format("2006-01-02 15:04") }

// period reads --from and --to, by default from the first day of the year.
func (a *app) period(f *flag.FlagSet) func() (from, to time.Time, err error) {
	from := f.String("from", "", "从哪天起，默认今年1月1日")
	to := f.String("to", "", "到哪天止，默认今天")
	return func() (x, y time.Time, err error) {
		now := a.now()
		x, y = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, now.Location()), now
		for _, v := range []struct {
			s    string
			into *time.Time
		}{{*from, &x}, {*to, &y}} {
			if v.s == "" {
				continue
			}
			if *v.into, err = time.Parse(time.DateOnly, v.s); err != nil {
				return x, y, fmt.Errorf("%w: 日期“%s”要写成 2026-12-04 这样", errUsage, v.s)
			}
		}
		return x, y, nil
	}
}

func lectureList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("lecture list", "[--open] [--from 日期] [--to 日期] [--json]")
	filter := office.OrderFilter{Limit: 500}
	f.BoolVar(&filter.Open, "open", false, "只列还没讲的")
	asJSON := f.Bool("json", false, "输出 JSON")
	days := a.period(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	if flagged(f, "from") || flagged(f, "to") {
		var err error
		if filter.From, filter.To, err = days(); err != nil {
			return err
		}
	}
	p, err := clerk(ctx, db)
	if err != nil {
		return err
	}
	list, n, err := db.Orders(ctx, p, filter)
	if err != nil || *asJSON {
		return orJSON(a, list, err)
	}
	for _, o := range list {
		fmt.Fprintf(a.out, "%s  %s  %s  %s  %s %s  %s\n", o.No, o.State.Name(), when(o.At), o.Topic, o.OrgName, o.By, o.Unit)
	}
	fmt.Fprintf(a.out, "共 %d 张\n", n)
	return nil
}

func flagged(f *flag.FlagSet, name string) (set bool) {
	f.Visit(func(x *flag.Flag) { set = set || x.Name == name })
	return set
}

func lectureShow(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("lecture show", "编号 [--photo 存到的文件] [--json]")
	photo := f.String("photo", "", "把现场照片存成这个文件")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写订单编号", errUsage)
	}
	p, err := clerk(ctx, db)
	if err != nil {
		return err
	}
	o, err := db.Order(ctx, p, rest[0])
	if err != nil {
		return err
	}
	if *photo != "" {
		if err := savePhoto(ctx, db, p, o.ID, *photo); err != nil {
			return err
		}
	}
	events, err := db.OrderEvents(ctx, o)
	if err != nil || *asJSON {
		return orJSON(a, map[string]any{"order": o, "events": events}, err)
	}
	fmt.Fprintf(a.out, "%s %s：%s\n%s，约 %d 人，%s，联系人 %s %s\n%s %s\n", o.No, o.Topic, o.State.Name(), when(o.At), o.Heads, o.Unit, o.Contact, o.Phone, o.OrgName, o.By)
	for _, e := range events {
		fmt.Fprintf(a.out, "- %s %s %s %s\n", when(e.At), e.Name(), e.Actor, e.Note)
	}
	return nil
}

// savePhoto writes the photo of a lecture to a new file.
func savePhoto(ctx context.Context, db *office.DB, p office.Person, order int64, name string) error {
	m, err := db.Photo(ctx, p, order)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("写不了照片：%w", err)
	}
	_, err = file.Write(m.Data)
	return errors.Join(err, file.Close())
}

// readPicture reads a picture's file, no more of it than is taken.
func readPicture(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("打不开图片：%w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, office.MaxPhoto+1))
	if err == nil && len(b) == 0 {
		return nil, fmt.Errorf("图片 %s 是空的", name)
	}
	return b, err
}

func lectureAct(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("lecture act", "编号 动作 --as 编号|姓名 …")
	x := office.OrderAction{}
	as := f.String("as", "", "谁办的：编号或姓名")
	who := f.String("lecturer", "", "讲师姓名或编号")
	org := f.String("org", "", "部门")
	at := f.String("at", "", "新的时间")
	f.IntVar(&x.Came, "came", 0, "签到人数")
	f.Int64Var(&x.Duty, "duty", 0, "讲完的算承接部门的哪项普法责任：编号；不写照菜单")
	photo := f.String("photo", "", "现场照片的文件：JPG 或 PNG，8 MB 以内")
	f.IntVar(&x.Score, "score", 0, "评分 1–5")
	f.StringVar(&x.Note, "note", "", "说明")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写订单编号和动作", errUsage)
	}
	by, err := actingPerson(ctx, db, "--as", *as)
	if err != nil {
		return err
	}
	x.Verb = rest[1]
	if *photo != "" {
		if x.File, err = readPicture(*photo); err != nil {
			return err
		}
	}
	if *who != "" {
		l, err := db.LecturerNamed(ctx, *who)
		if err != nil {
			return err
		}
		x.Lecturer = l.ID
	}
	if *org != "" {
		o, err := db.OrgNamed(ctx, *org)
		if err != nil {
			return err
		}
		x.Org = o.ID
	}
	if *at != "" {
		if x.At, err = office.ParseWhen(*at, a.now()); err != nil {
			return err
		}
	}
	o, err := db.ActOrder(ctx, by, rest[0], x)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s 现在是“%s”。\n", o.No, o.State.Name())
	return nil
}

func lectureFigures(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("lecture figures", "[--from 日期] [--to 日期] [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	days := a.period(f)
	if _, err := parse(f, args); err != nil {
		return err
	}
	from, to, err := days()
	if err != nil {
		return err
	}
	g, err := db.LectureFigures(ctx, from, to)
	if err != nil || *asJSON {
		return orJSON(a, g, err)
	}
	fmt.Fprintf(a.out, "下单 %d，接单 %d，完成 %d 场，%d 人次，取消 %d，满意率 %s\n", g.Ordered, g.Accepted, g.Held, g.Heads, g.Cancelled, g.Satisfaction())
	return nil
}

func lectureActivity(ctx context.Context, a *app, db *office.DB, args []string) error {
	if len(args) > 0 && args[0] == "import" {
		return importTable(ctx, a, "lecture activity import", db.ImportActivities, args[1:])
	}
	f := a.flags("lecture activity", "list|counts|export 文件|import 文件 [--from 日期] [--to 日期] [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	counts := f.Bool("counts", false, "导出按月份和类型的场次、人次，不导明细")
	days := a.period(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: 要写 list、counts、export 或 import", errUsage)
	}
	from, to, err := days()
	if err != nil {
		return err
	}
	if rest[0] == "counts" || *counts {
		list, err := db.ActivityCounts(ctx, from, to)
		if err != nil || *asJSON {
			return orJSON(a, list, err)
		}
		return a.show("lecture activity export", office.ActivityCountTable(list), rest)
	}
	list, err := db.Activities(ctx, from, to)
	if err != nil || *asJSON {
		return orJSON(a, list, err)
	}
	return a.show("lecture activity export", office.ActivityTable(list), rest)
}

// show writes rows to the terminal, or to a file when the first word is export.
func (a *app) show(name string, rows [][]string, rest []string) error {
	if rest[0] == "export" {
		return a.exportTable(name, rows, rest[1:])
	}
	for _, r := range rows {
		fmt.Fprintln(a.out, strings.Join(r, "  "))
	}
	return nil
}

func idArg(args []string) (int64, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("%w: 要写编号", errUsage)
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: “%s”不是编号", errUsage, args[0])
	}
	return id, nil
}
