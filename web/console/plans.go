package console

import (
	"net/http"
	"slices"
	"time"

	"mingbai/office"
)

// planScope gives the place of the plan that the address names.
func planScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.o.Office.Plan(c.r.Context(), id)
	return []string{p.Path()}, err
}

type plansPage struct {
	Form      *form
	Plans     []planRow
	Stop      string // by whom and why all is stopped
	Ready     []office.Piece
	Chosen    map[int64]bool
	Holiday   []Option
	Weekend   []Option
	CatchUp   []Option
	Next      []slotRow // of what was typed
	Tried     bool
	Campaigns []campaignRow
	Quiet     []quietRow
	Sinks     []sinkRow
	Duties    []Option
}

type planRow struct {
	office.Plan
	StateName, Class string
	Next5            []slotRow
	To               string
	May              bool
}

type slotRow struct{ When, Note string }

type campaignRow struct{ Day, Name, Topic string }

type quietRow struct{ Day, Why string }

type sinkRow struct {
	Key, Name string
	Chosen    bool
}

func slotRows(list []office.Slot) (rows []slotRow) {
	for _, s := range list {
		r := slotRow{When: s.At.In(china).Format("2006-01-02 15:04") + " 周" + string([]rune("日一二三四五六")[s.At.In(china).Weekday()]), Note: s.Mark}
		if !s.From.IsZero() {
			r.Note = "从 " + s.From.In(china).Format("1月2日") + " 顺延"
		}
		rows = append(rows, r)
	}
	return rows
}

// upcoming is how many times of a plan are shown.
const upcoming = 5

func (c *call) plansPage(f *form) (p plansPage, err error) {
	ctx, db := c.r.Context(), c.o.Office
	p = plansPage{Form: f, Chosen: map[int64]bool{}}
	if p.Stop, _, err = db.Stopped(ctx); err != nil {
		return p, err
	}
	list, err := db.Plans(ctx)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if !c.me.Covers(x.Path(), publishers...) {
			continue
		}
		row, err := c.planRow(x)
		if err != nil {
			return p, err
		}
		p.Plans = append(p.Plans, row)
	}
	if p.Ready, _, err = db.Pieces(ctx, office.PieceFilter{States: []office.PieceState{office.PieceApproved, office.PiecePlanned}, For: &c.me, Limit: perPage}); err != nil {
		return p, err
	}
	for _, id := range f.Values["piece"] {
		p.Chosen[(&form{Values: map[string][]string{"n": {id}}}).number("n")] = true
	}
	if p.Duties, err = c.dutyOptions("照每条内容自己记的", 0); err != nil {
		return p, err
	}
	p.Holiday, p.Weekend = ruleOptions(office.DayNext, office.DaySkip, office.DayAnyway), ruleOptions(office.DayAnyway, office.DaySkip, office.DayNext)
	p.CatchUp = ruleOptions(office.CatchOnce, office.CatchLate, office.CatchSkip)
	for _, s := range office.Sinks {
		p.Sinks = append(p.Sinks, sinkRow{s.Key, s.Name, !f.Has("sink") || slices.Contains(f.Values["sink"], s.Key)})
	}
	for _, x := range office.Campaigns {
		if s, err := office.ParseSpec(x.Name, c.o.Now()); err == nil {
			p.Campaigns = append(p.Campaigns, campaignRow{s.Next(c.o.Now()).In(china).Format(time.DateOnly), x.Name, x.Topic})
		}
	}
	slices.SortFunc(p.Campaigns, func(a, b campaignRow) int { return compare(a.Day, b.Day) })
	days, err := db.QuietDays(ctx)
	for day, why := range days {
		p.Quiet = append(p.Quiet, quietRow{day, why})
	}
	slices.SortFunc(p.Quiet, func(a, b quietRow) int { return compare(a.Day, b.Day) })
	return p, err
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func ruleOptions(words ...string) (list []Option) {
	for _, w := range words {
		list = append(list, Option{Value: w, Label: office.RuleName(w)})
	}
	return list
}

func (c *call) planRow(x office.Plan) (planRow, error) {
	row := planRow{Plan: x, May: x.State != office.PlanDone,
		StateName: map[string]string{office.PlanOn: "进行中", office.PlanPaused: "已停", office.PlanDone: "已发完"}[x.State],
		Class:     map[string]string{office.PlanOn: "fine", office.PlanPaused: "soon"}[x.State]}
	for i, s := range x.Sinks {
		if i > 0 {
			row.To += "、"
		}
		row.To += office.SinkName(s)
	}
	if x.State == office.PlanDone {
		return row, nil
	}
	list, err := c.o.Office.Upcoming(c.r.Context(), x, upcoming)
	row.Next5 = slotRows(list)
	return row, err
}

// plans lists the plans with their next times, and has the form for a new one.
func plans(c *call) error {
	page, err := c.plansPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "plans", page)
}

// plan reads what was typed.
func (f *form) plan() office.Plan {
	p := office.Plan{Name: f.Get("name"), Spec: f.Get("spec"), Pool: f.Get("pool"), Sinks: f.Values["sink"],
		Holiday: f.Get("holiday"), Weekend: f.Get("weekend"), CatchUp: f.Get("catchup"), Duty: f.number("duty")}
	for _, id := range f.Values["piece"] {
		if n := (&form{Values: map[string][]string{"n": {id}}}).number("n"); n > 0 {
			p.Pieces = append(p.Pieces, n)
		}
	}
	return p
}

// addPlan keeps a plan, or shows when it would come due.
func addPlan(c *call) error {
	f := c.form()
	p := f.plan()
	next, err := c.o.Office.Preview(c.r.Context(), p, upcoming)
	if err == nil && f.Get("act") != "preview" {
		_, err = c.o.Office.AddPlan(c.r.Context(), c.me, p)
		if err == nil {
			return c.done("/console/plans", "计划已定，到点自动发布。")
		}
	}
	page, fault := c.plansPage(f)
	if fault != nil {
		return fault
	}
	page.Next, page.Tried = slotRows(next), err == nil
	if err != nil {
		return c.again(err, "plans", f, page)
	}
	return c.show(http.StatusOK, "plans", page)
}

func pausePlan(pause bool, said string) func(*call) error {
	return func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		if _, err := c.o.Office.PausePlan(c.r.Context(), c.me, id, pause); err != nil {
			return err
		}
		return c.done("/console/plans", said)
	}
}

func stopAll(stop bool, said string) func(*call) error {
	return func(c *call) error {
		f := c.form()
		if err := c.o.Office.StopAll(c.r.Context(), c.me, stop, f.Get("why")); err != nil {
			page, fault := c.plansPage(f)
			if fault != nil {
				return fault
			}
			return c.again(err, "plans", f, page)
		}
		return c.done("/console/plans", said)
	}
}

func setQuiet(c *call) error {
	f := c.form()
	if err := c.o.Office.SetQuiet(c.r.Context(), c.me, f.Get("day"), f.Get("quiet")); err != nil {
		page, fault := c.plansPage(f)
		if fault != nil {
			return fault
		}
		return c.again(err, "plans", f, page)
	}
	return c.done("/console/plans", "静默日改好了。")
}

type monthPage struct {
	Title         string
	Before, After string
	Weeks         [][]dayCell
	Known         bool
}

type dayCell struct {
	Day, Mark string
	Today, In bool
	Slots     []cellSlot
}

type cellSlot struct{ Time, Name, State, Class, To string }

// maxPlanned bounds how many coming times of a plan a month shows.
const maxPlanned = 62

// month shows the slots of a month: what was fired, and what will be.
func month(c *call) error {
	now := c.o.Now().In(china)
	first, err := time.ParseInLocation("2006-01", c.form().Get("month"), china)
	if err != nil || first.Year() < 2020 || first.Year() > 2100 {
		first = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, china)
	}
	end := first.AddDate(0, 1, 0)
	cells, err := c.slotsOf(first, end)
	if err != nil {
		return err
	}
	page := monthPage{Title: first.Format("2006年1月"), Before: first.AddDate(0, -1, 0).Format("2006-01"), After: end.Format("2006-01")}
	days, err := c.o.Office.QuietDays(c.r.Context())
	if err != nil {
		return err
	}
	day := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
	for day.Before(end) {
		var week []dayCell
		for range 7 {
			key := day.Format(time.DateOnly)
			mark := office.DayMark(day)
			if why := days[key]; why != "" {
				mark = "静默：" + why
			}
			week = append(week, dayCell{Day: day.Format("2"), Mark: mark, Today: key == now.Format(time.DateOnly), In: day.Month() == first.Month(), Slots: cells[key]})
			day = day.AddDate(0, 0, 1)
		}
		page.Weeks = append(page.Weeks, week)
	}
	return c.show(http.StatusOK, "month", page)
}

func (c *call) slotsOf(first, end time.Time) (map[string][]cellSlot, error) {
	ctx, db := c.r.Context(), c.o.Office
	cells := map[string][]cellSlot{}
	fired, err := db.Slots(ctx, first, end, 1000)
	if err != nil {
		return nil, err
	}
	list, err := db.Plans(ctx)
	if err != nil {
		return nil, err
	}
	own := map[int64]bool{}
	for _, p := range list {
		own[p.ID] = c.me.Covers(p.Path(), publishers...)
		if !own[p.ID] || p.State != office.PlanOn {
			continue
		}
		next, err := db.Upcoming(ctx, p, maxPlanned)
		if err != nil {
			return nil, err
		}
		for _, s := range next {
			if at := s.At.In(china); !at.Before(first) && at.Before(end) {
				cells[at.Format(time.DateOnly)] = append(cells[at.Format(time.DateOnly)], cellSlot{Time: at.Format("15:04"), Name: p.Name, State: "待发"})
			}
		}
	}
	class := map[string]string{office.SlotFired: "fine", office.SlotLate: "soon", office.SlotMissed: "late", office.SlotBlocked: "late", office.SlotEmpty: "soon"}
	for _, f := range fired {
		if !own[f.Plan] {
			continue
		}
		at, to := f.At.In(china), ""
		name := f.Name
		if f.Piece != 0 {
			name, to = "《"+f.Title+"》", addressOf("content", f.Piece)
		}
		cells[at.Format(time.DateOnly)] = append(cells[at.Format(time.DateOnly)], cellSlot{at.Format("15:04"), name, office.SlotName(f.State), class[f.State], to})
	}
	for _, list := range cells {
		slices.SortStableFunc(list, func(a, b cellSlot) int { return compare(a.Time, b.Time) })
	}
	return cells, nil
}

type jobsPage struct{ Runs []runRow }

type runRow struct {
	Job, Process, State, Class, Note, Took string
	Started                                time.Time
}

// shownRuns is how many runs of each job are shown.
const shownRuns = 10

// lastRuns shows what was done by the clock.
func lastRuns(c *call) error {
	list, err := c.o.Office.LastRuns(c.r.Context(), "", shownRuns)
	if err != nil {
		return err
	}
	var page jobsPage
	for _, r := range list {
		row := runRow{Job: r.Job, Process: r.Process, Started: r.Started, Note: r.Note, Took: "—",
			State: map[string]string{"running": "没有结束", "ok": "好", "failed": "失败", "panicked": "程序出错", "timeout": "超时"}[r.State],
			Class: map[string]string{"ok": "fine", "running": "soon"}[r.State]}
		if row.Class == "" {
			row.Class = "late"
		}
		if !r.Ended.IsZero() {
			row.Took = r.Ended.Sub(r.Started).Round(time.Millisecond).String()
		}
		page.Runs = append(page.Runs, row)
	}
	return c.show(http.StatusOK, "jobs", page)
}
