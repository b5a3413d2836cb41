package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mingbai/office"
)

// openRecords opens the records alone, for commands that need no knowledge.
func (a *app) openRecords(ctx context.Context) (*office.DB, error) {
	c := a.config
	return office.Open(ctx, office.Options{Dir: c.DataDir, DatabaseURL: c.Store.DatabaseURL.Reveal(), Now: a.now, Publishing: a.publishing()})
}

// operator names who runs a command, for the audit.
func operator() string { return "命令行 " + os.Getenv("USER") }

// sub is one row of a table of subcommands.
type sub struct {
	name, args, doc string
	run             func(ctx context.Context, a *app, db *office.DB, args []string) error
}

// subcommand opens the records and runs the row that args name.
func (a *app) subcommand(ctx context.Context, of string, rows []sub, args []string) error {
	if len(args) == 0 {
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "\n  mingbai %s %s %s\n      %s", of, r.name, r.args, r.doc)
		}
		return fmt.Errorf("%w: 要写一个子命令：%s", errUsage, b.String())
	}
	for _, r := range rows {
		if r.name != args[0] {
			continue
		}
		db, err := a.openRecords(ctx)
		if err != nil {
			return err
		}
		return errors.Join(r.run(ctx, a, db, args[1:]), db.Close())
	}
	return fmt.Errorf("%w: 没有“%s %s”这个子命令", errUsage, of, args[0])
}

func orgCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "org", []sub{
		{"add", "类别 名称 [--under 上级] [--short 简称]", "加一个机构；类别：" + strings.Join(office.OrgKinds, "、"), orgAdd},
		{"list", "[--json]", "列出机构", orgList},
		{"import", "[--dry-run] [--json] 文件.csv|文件.xlsx|-", "导入机构：上级、类别、名称、简称", orgImport},
		{"export", "文件.csv|文件.xlsx|-", "导出机构", orgExport},
		{"items", "import [--dry-run] 文件|export 文件", "行政调解事项和管它的部门（换掉整张表）", orgItems},
		{"coverage", "[--json]", "法律明白人不足 3 人的村（社区）", orgCoverage},
	}, args)
}

func personCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "person", []sub{
		{"add", "姓名 --role 角色 --org 机构 [--phone 电话] [--field 专长] [--language 语言] [--conflict 回避]", "加一个人；同名机构写成“上级/机构”", personAdd},
		{"list", "[--role 角色] [--org 机构] [--json]", "列出人员", personList},
		{"invite", "编号|姓名 [--json]", "发一个一次性邀请码，本人在聊天里发“绑定 邀请码”", personInvite},
		{"email", "编号|姓名 邮箱|-", "登记收提醒邮件的邮箱，- 去掉", personEmail},
		{"clear", "编号|姓名 --reason 原因", "可以看限看件：未成年人、人身安全", personClear},
		{"unclear", "编号|姓名 --reason 原因", "不能再看限看件", personUnclear},
		{"suspend", "编号|姓名", "马上停用", personSuspend},
		{"resume", "编号|姓名", "恢复", personResume},
		{"import", "[--dry-run] [--json] 文件.csv|文件.xlsx|-", "导入人员：姓名、角色、机构、电话、专长、语言、回避、邮箱", personImport},
		{"export", "文件.csv|文件.xlsx|-", "导出人员", personExport},
	}, args)
}

func orgAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("org add", "类别 名称 [--under 上级] [--short 简称]")
	under := f.String("under", "", "上级机构")
	short := f.String("short", "", "简称，写在编号里，如“城东”")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写类别和名称", errUsage)
	}
	o := office.Org{Kind: rest[0], Name: rest[1], Short: *short}
	if *under != "" {
		above, err := db.OrgNamed(ctx, *under)
		if err != nil {
			return err
		}
		o.Parent = above.ID
	}
	if o, err = db.AddOrg(ctx, operator(), o); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已加：%d %s %s（简称 %s）\n", o.ID, o.Kind, o.Name, o.Short)
	return nil
}

func orgList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("org list", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.Orgs(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "还没有机构。先加县：mingbai org add 县 名称")
	}
	for _, o := range list {
		fmt.Fprintf(a.out, "%s%d %s %s\n", strings.Repeat("  ", strings.Count(o.Path, "/")-2), o.ID, o.Kind, o.Name)
	}
	return nil
}

func orgCoverage(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("org coverage", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.HelperCoverage(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, c := range list {
		fmt.Fprintf(a.out, "%s：%d 人，还差 %d 人\n", c.Org.Name, c.Helpers, c.Missing)
	}
	fmt.Fprintf(a.out, "法律明白人不足 3 人的村（社区）共 %d 个\n", len(list))
	return nil
}

func personAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("person add", "姓名 --role 角色 --org 机构 …")
	role := f.String("role", "", "角色：法律明白人、网格员、经办人、调解员、法律顾问、普法干部、管理员")
	org := f.String("org", "", "机构")
	p := office.Person{}
	f.StringVar(&p.Phone, "phone", "", "电话")
	f.StringVar(&p.Email, "email", "", "收提醒邮件的邮箱")
	for name, into := range map[string]*[]string{"field": &p.Fields, "language": &p.Languages, "conflict": &p.Conflicts} {
		f.Func(name, map[string]string{"field": "专长", "language": "语言", "conflict": "要回避的当事人或地方"}[name]+"，可写多次", func(s string) error {
			*into = append(*into, s)
			return nil
		})
	}
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || *role == "" || *org == "" {
		return fmt.Errorf("%w: 要写姓名、--role 和 --org", errUsage)
	}
	p.Name = rest[0]
	r, err := office.ParseRole(*role)
	if err != nil {
		return err
	}
	o, err := db.OrgNamed(ctx, *org)
	if err != nil {
		return err
	}
	p.Posts = []office.Post{{Role: r, Org: o}}
	if p, err = db.AddPerson(ctx, operator(), p); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已加：%d %s，%s %s。发邀请码：mingbai person invite %d\n", p.ID, p.Name, o.Name, r, p.ID)
	return nil
}

func personList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("person list", "[--role 角色] [--org 机构] [--json]")
	role := f.String("role", "", "只列这个角色")
	org := f.String("org", "", "只列这个机构和它下面的")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	var filter office.PeopleFilter
	var err error
	if *role != "" {
		if filter.Role, err = office.ParseRole(*role); err != nil {
			return err
		}
	}
	if *org != "" {
		o, err := db.OrgNamed(ctx, *org)
		if err != nil {
			return err
		}
		filter.Org = o.ID
	}
	list, err := db.People(ctx, filter)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "没有这样的人。加人：mingbai person add 姓名 --role 角色 --org 机构")
	}
	for _, p := range list {
		state := fmt.Sprintf("绑定 %d 个", p.Bound)
		if p.Cleared {
			state += "，可看限看件"
		}
		if p.Suspended {
			state = "已停用"
		}
		for _, q := range p.Posts {
			fmt.Fprintf(a.out, "%4d %s  %s  %s  %s\n", p.ID, p.Name, q.Name, q.Org.Name, state)
		}
	}
	return nil
}

func personInvite(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("person invite", "编号|姓名 [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := personID(ctx, db, rest)
	if err != nil {
		return err
	}
	code, until, err := db.Invite(ctx, operator(), id)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, map[string]any{"code": code, "expires": until})
	}
	fmt.Fprintf(a.out, "邀请码：%s（只显示这一次，%s 前有效，用一次作废）\n请本人在聊天里发：绑定 %s\n", code, until.Format("1月2日 15:04"), code)
	return nil
}

// personID finds the person a command line names: by number, or by name if only
// one is called that.
func personID(ctx context.Context, db *office.DB, args []string) (int64, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("%w: 要写人员编号（mingbai person list 里第一列）或姓名", errUsage)
	}
	if id, err := strconv.ParseInt(args[0], 10, 64); err == nil {
		return id, nil
	}
	p, err := db.PersonNamed(ctx, args[0])
	return p.ID, err
}

// actingPerson finds who acts, whom a flag names by number or name.
func actingPerson(ctx context.Context, db *office.DB, flag, who string) (office.Person, error) {
	if who == "" {
		return office.Person{}, fmt.Errorf("%w: 要写 %s，后面是人员编号（mingbai person list 里第一列）或姓名", errUsage, flag)
	}
	id, err := personID(ctx, db, []string{who})
	if err != nil {
		return office.Person{}, err
	}
	return db.Person(ctx, id)
}

func personEmail(ctx context.Context, a *app, db *office.DB, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%w: 要写人员和邮箱", errUsage)
	}
	id, err := personID(ctx, db, args[:1])
	if err != nil {
		return err
	}
	if err := db.SetEmail(ctx, operator(), id, strings.TrimPrefix(args[1], "-")); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "好了。")
	return nil
}

func personSuspend(ctx context.Context, a *app, db *office.DB, args []string) error {
	return setSuspended(ctx, a, db, args, true, "已停用，马上生效。他手里没办完的件请改派。")
}

func personResume(ctx context.Context, a *app, db *office.DB, args []string) error {
	return setSuspended(ctx, a, db, args, false, "已恢复。")
}

func setSuspended(ctx context.Context, a *app, db *office.DB, args []string, suspend bool, done string) error {
	id, err := personID(ctx, db, args)
	if err != nil {
		return err
	}
	if err := db.Suspend(ctx, operator(), id, suspend); err != nil {
		return err
	}
	fmt.Fprintln(a.out, done)
	return nil
}

func personClear(ctx context.Context, a *app, db *office.DB, args []string) error {
	return setCleared(ctx, a, db, args, true, "他现在可以看管辖范围内的限看件（未成年人、人身安全）。")
}

func personUnclear(ctx context.Context, a *app, db *office.DB, args []string) error {
	return setCleared(ctx, a, db, args, false, "他不能再看限看件了，正在他手里的除外。")
}

func setCleared(ctx context.Context, a *app, db *office.DB, args []string, cleared bool, done string) error {
	f := a.flags("person clear|unclear", "编号|姓名 --reason 原因")
	why := f.String("reason", "", "原因，记在审计里；不要写群众的姓名和事情")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := personID(ctx, db, rest)
	if err != nil {
		return err
	}
	if err := db.Clear(ctx, operator(), id, cleared, *why); err != nil {
		return err
	}
	fmt.Fprintln(a.out, done)
	return nil
}

type importer func(ctx context.Context, by string, rows [][]string, dry bool) (office.Import, error)

func orgImport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return importTable(ctx, a, "org import", db.ImportOrgs, args)
}

func personImport(ctx context.Context, a *app, db *office.DB, args []string) error {
	return importTable(ctx, a, "person import", db.ImportPeople, args)
}

// importTable reads a table and says what became of each row.
func importTable(ctx context.Context, a *app, name string, run importer, args []string) error {
	f := a.flags(name, "[--dry-run] [--json] 文件|-")
	dry := f.Bool("dry-run", false, "只检查，不保存")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个文件", errUsage)
	}
	in := a.in
	if rest[0] != "-" {
		file, err := os.Open(rest[0])
		if err != nil {
			return fmt.Errorf("打不开文件：%w", err)
		}
		defer file.Close()
		in = file
	}
	rows, err := office.ReadTable(in)
	if err != nil {
		return err
	}
	rep, err := run(ctx, operator(), rows, *dry)
	if err != nil {
		return err
	}
	if *asJSON {
		if err := writeJSON(a.out, rep); err != nil {
			return err
		}
	} else {
		for _, e := range rep.Errors {
			fmt.Fprintf(a.out, "第 %d 行：%s\n", e.Row, e.Msg)
		}
		fmt.Fprintf(a.out, "共 %d 行，导入 %d 行。\n", rep.Rows, rep.Kept)
	}
	if len(rep.Errors) > 0 {
		return fmt.Errorf("有 %d 行不对，一行也没有导入；改好再来", len(rep.Errors))
	}
	if *dry && !*asJSON {
		fmt.Fprintln(a.out, "只是检查，没有保存。")
	}
	return nil
}

// orgItems replaces or writes the table of departments' matters.
func orgItems(ctx context.Context, a *app, db *office.DB, args []string) error {
	if len(args) > 0 && args[0] == "import" {
		return importTable(ctx, a, "org items import", db.ImportItems, args[1:])
	}
	if len(args) == 0 || args[0] != "export" {
		return fmt.Errorf("%w: org items import 文件，或 org items export 文件", errUsage)
	}
	list, err := db.Items(ctx)
	if err != nil {
		return err
	}
	return a.exportTable("org items export", office.ItemTable(list), args[1:])
}

func orgExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	list, err := db.Orgs(ctx)
	if err != nil {
		return err
	}
	return a.exportTable("org export", office.OrgTable(list), args)
}

func personExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	list, err := db.People(ctx, office.PeopleFilter{})
	if err != nil {
		return err
	}
	orgs, err := db.Orgs(ctx)
	if err != nil {
		return err
	}
	return a.exportTable("person export", office.PeopleTable(list, orgs), args)
}

// exportTable writes rows as the file's name asks, CSV to standard output for -.
func (a *app) exportTable(name string, rows [][]string, args []string) error {
	f := a.flags(name, "文件.csv|文件.xlsx|-")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个文件，- 写到标准输出", errUsage)
	}
	write := office.WriteCSV
	if strings.EqualFold(filepath.Ext(rest[0]), ".xlsx") {
		write = office.WriteXLSX
	}
	if rest[0] == "-" {
		return write(a.out, rows)
	}
	return writeFile(rest[0], func(w io.Writer) error { return write(w, rows) })
}

// writeFile makes a file that only its owner may read.
func writeFile(name string, write func(io.Writer) error) error {
	w, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("写不了文件：%w", err)
	}
	return errors.Join(write(w), w.Close())
}
