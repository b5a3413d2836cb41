package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"mingbai/office"
)

func reportCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "report", []sub{
		{"monthly", "[--month 2026-11] [--unit 机构] [--cases] [--fresh] [--format md|csv|xlsx] [--out 文件] [--json]", "月通报，默认全县、上个月；--cases 换成每件一行的明细（没有姓名、电话、地点和经过）", reportMonthly},
	}, args)
}

func reportMonthly(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("report monthly", "[--month 2026-11] [--unit 机构] [--cases] [--fresh] [--format md|csv|xlsx] [--out 文件] [--json]")
	month := f.String("month", string(office.MonthOf(a.now()).Add(-1)), "哪个月")
	unit := f.String("unit", "", "哪个单位的：乡镇、街道、部门的名称；不写是全县的")
	cases := f.Bool("cases", false, "写明细：这个月登记、答复、到期、办结、评价和在办的件，一件一行")
	fresh := f.Bool("fresh", false, "不用定稿，按现在的记录重新数")
	format := f.String("format", "", "md、csv 或 xlsx；不写看文件名，再不然是 md（明细是 csv）")
	out := f.String("out", "-", "写到哪个文件，- 是标准输出")
	asJSON := f.Bool("json", false, "输出 JSON")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		if err == nil {
			err = unexpected(rest)
		}
		return err
	}
	m, err := office.ParseMonth(*month)
	if err != nil {
		return err
	}
	o, err := reportUnit(ctx, db, *unit)
	if err != nil {
		return err
	}
	r := report{db: db, unit: o, month: m, object: fmt.Sprintf("report %s unit %d", m, o.ID)}
	if *cases {
		err = r.cases(ctx)
	} else if r.b, err = db.Bulletin(ctx, o, m, *fresh); err == nil {
		err = a.withTopics(ctx, &r.b)
		r.rows = r.b.Table()
	}
	if err != nil {
		return err
	}
	write, err := r.writer(*format, *out, *asJSON)
	if err != nil {
		return err
	}
	if err := db.NoteDetail(ctx, operator(), "export", r.object, fmt.Sprint(len(r.rows)-1)); err != nil {
		return err
	}
	if *out == "-" {
		return write(a.out)
	}
	return writeFile(*out, write)
}

// report is what is written out: a bulletin, or the cases behind one.
type report struct {
	db     *office.DB
	unit   office.Org
	month  office.Month
	object string
	b      office.Bulletin // of a report that is not of cases
	rows   [][]string
}

// reportUnit finds an organisation that has a bulletin; "": the county.
func reportUnit(ctx context.Context, db *office.DB, name string) (office.Org, error) {
	all, err := db.Operator(ctx)
	if err != nil {
		return office.Org{}, err
	}
	var o office.Org
	if name != "" {
		if o, err = db.OrgNamed(ctx, name); err != nil {
			return o, err
		}
	}
	return db.ReportUnit(ctx, all, o.ID)
}

func (r *report) cases(ctx context.Context) error {
	all, err := r.db.Operator(ctx)
	if err != nil {
		return err
	}
	r.object = strings.Replace(r.object, "report", "report cases", 1)
	r.rows, err = r.db.CaseRowsTable(ctx, all, r.unit, r.month)
	return err
}

// writer gives what writes the report in a format, or in that of a file's name.
func (r *report) writer(format, file string, asJSON bool) (func(io.Writer) error, error) {
	if format == "" {
		format = "md"
		if r.b.Month == "" {
			format = "csv"
		}
		if _, end, ok := strings.Cut(file[max(0, len(file)-5):], "."); ok && file != "-" {
			format = strings.ToLower(end)
		}
	}
	switch {
	case asJSON && r.b.Month == "":
		return func(w io.Writer) error { return writeJSON(w, r.rows) }, nil
	case asJSON:
		return func(w io.Writer) error { return writeJSON(w, r.b) }, nil
	case format == "csv":
		return func(w io.Writer) error { return office.WriteCSV(w, r.rows) }, nil
	case format == "xlsx":
		return func(w io.Writer) error { return office.WriteXLSX(w, r.rows) }, nil
	case format == "md" && r.b.Month != "":
		return r.b.WriteMarkdown, nil
	}
	return nil, fmt.Errorf("%w: 没有“%s”这种格式，通报写 md、csv 或 xlsx，明细写 csv 或 xlsx", errUsage, format)
}

// withTopics gives the topics of a bulletin their names.
func (a *app) withTopics(ctx context.Context, b *office.Bulletin) error {
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	*b = b.Topics(p.base.Topic)
	return nil
}
