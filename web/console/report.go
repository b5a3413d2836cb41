package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"mingbai/office"
)

// reportMonths is how many months back a bulletin is offered.
const reportMonths = 24

type reportPage struct {
	Form     *form
	B        office.Bulletin
	Sections []reportSection
	Months   []Option
	Units    []Option
	Files    []Option // addresses of the bulletin as a file
	Rows     []Option // of the rows of cases
	Fresh    bool
	CasePage bool
}

type reportSection struct {
	Name    string
	Figures []reportFigure
}

type reportFigure struct {
	office.Figure
	To string // the rows behind it; "": there is no such list
}

// bulletin reads which bulletin is asked for: last month's of the person's first
// unit, unless the form says otherwise.
func (c *call) bulletin(f *form) (b office.Bulletin, o office.Org, err error) {
	m := office.MonthOf(c.o.Now()).Add(-1)
	if f.Get("month") != "" {
		if m, err = office.ParseMonth(f.Get("month")); err != nil {
			return b, o, err
		}
	}
	if o, err = c.o.Office.ReportUnit(c.r.Context(), c.me, f.number("unit")); err != nil {
		return b, o, err
	}
	b, err = c.o.Office.Bulletin(c.r.Context(), o, m, f.Get("fresh") != "")
	names := c.topics()
	return b.Topics(func(id string) string { return names[id] }), o, err
}

// report shows the figures of a month, each with what it means and where its rows
// are.
func report(c *call) error {
	f := c.form()
	p := reportPage{Form: f, CasePage: c.may("GET /console/cases/{no}"), Fresh: f.Get("fresh") != ""}
	b, o, fault := c.bulletin(f)
	if office.KindOf(fault) == office.Invalid && fault != nil {
		var err error
		if b, o, err = c.bulletin(&form{Values: url.Values{}}); err != nil {
			return err
		}
	} else if fault != nil {
		return fault
	}
	p.B = b
	p.downloads(c, o)
	towns, err := c.townships()
	if err != nil {
		return err
	}
	for _, s := range p.B.Sections {
		part := reportSection{Name: s.Name}
		for _, x := range s.Figures {
			part.Figures = append(part.Figures, reportFigure{x, c.rowsOf(x, p.B, o, towns)})
		}
		p.Sections = append(p.Sections, part)
	}
	if err := p.choices(c, o); err != nil {
		return err
	}
	if fault != nil {
		return c.again(fault, "report", f, &p)
	}
	return c.show(http.StatusOK, "report", &p)
}

// downloads offers the same bulletin as files, and the rows of cases to who may
// have them.
func (p *reportPage) downloads(c *call, o office.Org) {
	to := func(pattern, as string) string {
		q := url.Values{"month": {string(p.B.Month)}, "unit": {itoa(int(o.ID))}, "as": {as}}
		if p.Fresh {
			q.Set("fresh", "1")
		}
		return c.link(pattern, "?"+q.Encode())
	}
	for _, as := range []Option{{Value: "xlsx", Label: "XLSX"}, {Value: "csv", Label: "CSV"}, {Value: "md", Label: "Markdown"}} {
		p.Files = append(p.Files, Option{Value: to("GET /console/report/export", as.Value), Label: as.Label})
		if rows := to("GET /console/report/cases/export", as.Value); rows != "" && as.Value != "md" {
			p.Rows = append(p.Rows, Option{Value: rows, Label: as.Label})
		}
	}
}

// choices offers the other months and units.
func (p *reportPage) choices(c *call, o office.Org) error {
	now := office.MonthOf(c.o.Now())
	for i := range reportMonths {
		m := now.Add(-i)
		p.Months = append(p.Months, Option{string(m), m.Name(), m == p.B.Month})
	}
	units, err := c.o.Office.ReportUnits(c.r.Context(), c.me)
	for _, u := range units {
		p.Units = append(p.Units, Option{itoa(int(u.ID)), u.Name, u.ID == o.ID})
	}
	return err
}

// rowsOf gives the address of the list that a figure counts, "" if there is none
// or it is not the reader's.
func (c *call) rowsOf(x office.Figure, b office.Bulletin, o office.Org, towns []Option) string {
	q := url.Values{}
	town := slices.ContainsFunc(towns, func(t Option) bool { return t.Value == itoa(int(o.ID)) })
	switch {
	case x.Rows != nil && (town || o.Parent == 0) && c.may("GET /console/cases"):
		q = url.Values{"state": {showAll}, "set": {x.Rows.Set}, "month": {string(b.Month)}}
		for name, value := range map[string]string{"matter": x.Rows.Matter, "lane": x.Rows.Lane, "via": x.Rows.Via} {
			if value != "" {
				q.Set(name, value)
			}
		}
		if town {
			q.Set("org", itoa(int(o.ID)))
		}
		return "/console/cases?" + q.Encode()
	case o.Parent == 0 && slices.Contains([]string{"published", "delivered", "undelivered", "page_opened", "pulled"}, x.Key) && c.may("GET /console/effect"):
		q.Set("from", string(b.Month)+"-01")
		q.Set("to", b.Until)
		return "/console/effect?" + q.Encode()
	case slices.Contains([]string{"duties_owed", "duty_gaps"}, x.Key) && c.may("GET /console/duties"):
		q.Set("quarter", string(b.Month.Quarter()))
		return "/console/duties?" + q.Encode()
	}
	return ""
}

// exportReport sends a bulletin as CSV, XLSX or Markdown.
func exportReport(c *call) error {
	f := c.form()
	b, o, err := c.bulletin(f)
	if err != nil {
		return err
	}
	object, name, rows := fmt.Sprintf("report %s unit %d", b.Month, o.ID), b.Title(), b.Table()
	if f.Get("as") != "md" {
		return c.sheet(object, name, rows)
	}
	if err := c.taken(object, len(rows)-1); err != nil {
		return err
	}
	return c.file(name+".md", "text/markdown; charset=utf-8", b.WriteMarkdown)
}

// exportReportCases sends the cases behind a bulletin, without anybody's name or
// words.
func exportReportCases(c *call) error {
	b, o, err := c.bulletin(c.form())
	if err != nil {
		return err
	}
	rows, err := c.o.Office.CaseRowsTable(c.r.Context(), c.me, o, b.Month)
	if err != nil {
		return err
	}
	return c.sheet(fmt.Sprintf("report cases %s unit %d", b.Month, o.ID), b.Title()+"明细", rows)
}
