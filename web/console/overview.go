package console

import (
	"net/http"
	"strconv"
	"time"

	"mingbai/office"
)

// callAfter is how long an answer may lie before somebody should phone.
const callAfter = 48 * time.Hour

// shownCases is how many cases the overview lists.
const shownCases = 10

type overviewPage struct {
	Me       office.Person
	Counts   []count
	Cases    []caseRow
	More     int
	CasePage bool // there is a page of a case to go to
	Alerts   []office.Alert
	Now      time.Time
}

// count is one figure with where it leads.
type count struct {
	Label  string
	N      int
	To     string // "": nowhere
	Urgent bool
}

// caseRow is a case as lists show it.
type caseRow struct {
	office.Case
	Matter, Due, Color string
}

// overview shows what waits for who is signed in.
func overview(c *call) error {
	page := overviewPage{Me: c.me, Now: c.o.Now(), CasePage: c.may("GET /console/cases/{no}")}
	ctx, db := c.r.Context(), c.o.Office
	desk := c.me.Has(office.Clerk) || c.me.Has(office.Admin)
	filters := []struct {
		label  string
		filter office.CaseFilter
		query  string
		urgent bool
		show   bool
	}{
		{"等受理的新件", office.CaseFilter{States: []office.State{office.New}}, "?state=new", false, desk},
		{"我手里的件", office.CaseFilter{Open: true, Mine: true}, "?mine=1", false, true},
		{"过了时限的件", office.CaseFilter{Open: true, Overdue: true}, "?overdue=1", true, true},
	}
	for _, f := range filters {
		if !f.show {
			continue
		}
		f.filter.Limit = 1
		_, n, err := db.Cases(ctx, c.me, f.filter)
		if err != nil {
			return err
		}
		page.Counts = append(page.Counts, count{f.label, n, c.link("GET /console/cases", f.query), f.urgent && n > 0})
	}
	own, err := db.OwnNotices(ctx, c.me, shownNotices)
	if err != nil {
		return err
	}
	page.Counts = append(page.Counts, count{"没看过的通知", len(own), c.link("GET /console/inbox", ""), false})
	if desk {
		if err := page.deskCounts(c); err != nil {
			return err
		}
	}
	list, n, err := db.Cases(ctx, c.me, office.CaseFilter{Open: true, Limit: shownCases})
	if err != nil {
		return err
	}
	page.Cases, page.More = caseRows(list, c.o.Now()), max(0, n-len(list))
	return c.show(http.StatusOK, "overview", page)
}

// deskCounts adds what only those who run an office have to see to.
func (p *overviewPage) deskCounts(c *call) error {
	calls, err := c.o.Office.CallList(c.r.Context(), c.me, callAfter)
	if err != nil {
		return err
	}
	p.Counts = append(p.Counts, count{"答复没人取、该打电话的", len(calls), c.link("GET /console/notices", "?which=calls"), len(calls) > 0})
	if p.Alerts, err = c.o.Office.Alerts(c.r.Context(), c.me); err != nil {
		return err
	}
	if len(p.Alerts) > 5 {
		p.Alerts = p.Alerts[:5]
	}
	return nil
}

// link gives the address of a page with a query, "" if the person may not go there.
func (c *call) link(pattern, query string) string {
	if !c.may(pattern) {
		return ""
	}
	_, to, _ := cutPattern(pattern)
	return to + query
}

// caseRows says of each case how its time stands: late, due within a day, or in time.
func caseRows(list []office.Case, now time.Time) (rows []caseRow) {
	for _, k := range list {
		r := caseRow{Case: k, Matter: office.MatterOf(k.Matter).Name}
		switch {
		case k.Due.IsZero():
			r.Due, r.Color = "没有时限", "none"
		case k.DueNow(now):
			r.Due, r.Color = "超时 "+span(now.Sub(k.Due)), "late"
		case k.Due.Sub(now) < 24*time.Hour:
			r.Due, r.Color = "还剩 "+span(k.Due.Sub(now)), "soon"
		default:
			r.Due, r.Color = "还剩 "+span(k.Due.Sub(now)), "fine"
		}
		rows = append(rows, r)
	}
	return rows
}

// span says how long something is, roughly.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return strconv.Itoa(max(1, int(d.Minutes()))) + " 分钟"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " 小时"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " 天"
}

func itoa(n int) string { return strconv.Itoa(n) }
