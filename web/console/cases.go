package console

import (
	"net/http"
	"slices"
	"strings"

	"mingbai/office"
)

type queuePage struct {
	Form     *form
	Rows     []queueRow
	Pager    pager
	Filters  []choice
	Many     bool // a search found more than it lists
	MayOpen  bool
	Selected string // what is looked at, in words
	Counted  string // of which figure of a bulletin, in words; "": none
}

// queueRow is a case in the queue.
type queueRow struct {
	caseRow
	Who, Gist, Holder, Lane string
}

// Choices of which cases are looked at that are not one state.
const (
	showOpen = "open"
	showAll  = "all"
)

// queue lists cases, the most urgent first.
func queue(c *call) error {
	f := c.form()
	page := queuePage{Form: f, MayOpen: c.may("GET /console/cases/new"), Selected: "在办"}
	filter, err := c.caseFilter(f, &page)
	if err != nil {
		return err
	}
	list, n, err := c.o.Office.Cases(c.r.Context(), c.me, filter)
	if office.KindOf(err) == office.Invalid && err != nil {
		page.Pager = c.pager(0)
		return c.again(err, "cases", f, &page)
	}
	if err != nil {
		return err
	}
	page.Many = filter.Text != "" && n >= office.MaxFound
	page.Pager = c.pager(n)
	if page.Rows, err = c.queueRows(list); err != nil {
		return err
	}
	return c.show(http.StatusOK, "cases", &page)
}

// caseFilter reads what the form asks for and offers the other choices.
func (c *call) caseFilter(f *form, page *queuePage) (office.CaseFilter, error) {
	filter := office.CaseFilter{Text: f.Get("q"), Matter: f.Get("matter"), Lane: f.Get("lane"), Via: f.Get("via"), Org: f.number("org"),
		Mine: f.Get("mine") != "", Overdue: f.Get("overdue") != "", Limit: perPage, Offset: c.paged()}
	if m, err := office.ParseMonth(f.Get("month")); err == nil && f.Get("set") != "" {
		set, ok := office.CaseSetOf(f.Get("set"))
		if !ok {
			return filter, errNoPage
		}
		filter.Set, filter.Month, page.Counted = set.Key, m, m.Name()+set.Name
	}
	states := []Option{{showOpen, "在办的", true}, {showAll, "全部", false}}
	switch s := f.Get("state"); {
	case slices.Contains(office.States, office.State(s)):
		filter.States = []office.State{office.State(s)}
		page.Selected = office.State(s).Name()
	case s == showAll:
		page.Selected = "全部"
	default:
		filter.Open = true
	}
	for _, s := range office.States {
		states = append(states, Option{string(s), s.Name(), false})
	}
	matters, lanes := []Option{{"", "全部", true}}, []Option{{"", "全部", true}}
	for _, m := range office.Matters {
		matters = append(matters, Option{m.Key, m.Name, false})
	}
	for _, l := range office.Lanes {
		lanes = append(lanes, Option{l, office.LaneName(l), false})
	}
	ways := []Option{{"", "全部", true}}
	for _, w := range office.Ways {
		ways = append(ways, Option{w.Key, w.Name, false})
	}
	page.Filters = []choice{newChoice(f, "state", "状态", states), newChoice(f, "matter", "事项", matters), newChoice(f, "lane", "调解通道", lanes), newChoice(f, "via", "怎么来的", ways)}
	orgs, err := c.townships()
	if err != nil {
		return filter, err
	}
	if len(orgs) > 2 {
		page.Filters = append(page.Filters, newChoice(f, "org", "乡镇", orgs))
	}
	if filter.Org != 0 && !slices.ContainsFunc(orgs, func(o Option) bool { return o.Value == f.Get("org") }) {
		return filter, errNoPage
	}
	return filter, nil
}

// townships are those whose cases the person sees, as options.
func (c *call) townships() ([]Option, error) {
	all, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return nil, err
	}
	list := []Option{{"", "全部", true}}
	for _, o := range all {
		if o.Kind == "乡镇街道" && c.me.Covers(o.Path, office.Clerk, office.Admin) {
			list = append(list, Option{itoa(int(o.ID)), o.Name, false})
		}
	}
	return list, nil
}

func (c *call) queueRows(list []office.Case) (rows []queueRow, err error) {
	var holders []int64
	for _, k := range list {
		if k.Holder != 0 {
			holders = append(holders, k.Holder)
		}
	}
	names, err := c.o.Office.Names(c.r.Context(), holders...)
	if err != nil {
		return nil, err
	}
	for _, r := range caseRows(list, c.o.Now()) {
		q := queueRow{caseRow: r, Holder: names[r.Holder], Lane: office.LaneName(r.Lane)}
		if r.Hats&(office.Desk|office.Holder|office.Lead) != 0 && !r.Restricted {
			q.Who, q.Gist = join("·", r.Name, r.Place), clip(r.Story, 28)
		}
		rows = append(rows, q)
	}
	return rows, nil
}

func join(mark string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), mark)
}

// clip shortens a text to n runes.
func clip(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n]) + "…"
}

type newCasePage struct {
	Form    *form
	Matters []Option
	Request string
}

// newCase asks for what is said at the desk or the phone.
func newCase(c *call) error {
	return c.show(http.StatusOK, "case_new", newCaseForm(&form{Values: nil}))
}

func newCaseForm(f *form) newCasePage {
	page := newCasePage{Form: f, Request: f.Get("request")}
	if page.Request == "" {
		page.Request = reference() + reference()
	}
	for i, m := range office.Matters {
		page.Matters = append(page.Matters, Option{m.Key, m.Name, i == 0})
	}
	return page
}

// openCase takes on record what was said at the desk.
func openCase(c *call) error {
	f := c.form()
	o, err := c.o.Office.OpenCase(c.r.Context(), c.me, office.Draft{
		Request: "console " + f.Get("request"), Via: office.ViaDesk, Matter: f.Get("matter"), Name: f.Get("name"), Phone: f.Get("phone"), Place: f.Get("place"),
		Parties: f.Get("parties"), Story: f.Get("story"), Wish: f.Get("wish"),
		Danger: f.Get("danger") != "", Minor: f.Get("minor") != "", Guarded: f.Get("guarded") != "",
	})
	if err != nil {
		return c.again(err, "case_new", f, newCaseForm(f))
	}
	said := "已登记，编号 " + o.Case.No + "，取件码 " + o.Code + "。请把编号和取件码抄给来人。"
	if o.Repeat {
		said = "这件事之前登记过，就是这一件：" + o.Case.No + "。"
	}
	if o.Case.Hats == 0 {
		return c.done("/console/cases", said+"这件归别处办，您看不到它的内容。")
	}
	return c.done(addressOf("cases", o.Case.No), said)
}
