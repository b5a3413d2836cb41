package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/office"
)

type dutiesPage struct {
	Form       *form
	Quarter    office.Quarter
	Name       string
	States     []office.DutyState
	Gaps       int
	Prompts    []promptRow
	Counts     []office.ActivityCount
	Times      int
	Heads      int
	Kinds      []Option
	Orgs       []Option
	Duties     []Option
	May, Write bool // sees to all of it; writes what is published
}

type promptRow struct {
	office.DutyPrompt
	StateName, Class string
	Lines            []string // of the body
	MaySend, MayTell bool
}

func (c *call) dutiesPage(f *form) (p dutiesPage, err error) {
	ctx, db, now := c.r.Context(), c.o.Office, c.o.Now()
	p = dutiesPage{Form: f, Quarter: office.QuarterOf(now), May: c.me.CoversAll(publishers...), Write: c.me.MayPublish()}
	if q, err := office.ParseQuarter(f.Get("quarter")); err == nil {
		p.Quarter = q
	}
	p.Name = p.Quarter.Name()
	f.Set("quarter", string(p.Quarter))
	states, err := db.DutyStates(ctx, p.Quarter)
	if err != nil {
		return p, err
	}
	for _, s := range states {
		if !p.May && !c.me.Covers(s.Duty.Org.Path, lecturing...) {
			continue
		}
		if s.Gap {
			p.Gaps++
		}
		p.States = append(p.States, s)
		p.Duties = append(p.Duties, dutyOption(s.Duty))
	}
	p.Duties = append([]Option{{Value: "", Label: "不对应责任"}}, p.Duties...)
	prompts, err := db.DutyPrompts(ctx, "")
	if err != nil {
		return p, err
	}
	for _, x := range prompts {
		r := promptRow{DutyPrompt: x, StateName: x.State(now), MaySend: p.May && x.Sent.IsZero(), MayTell: !x.Sent.IsZero() && x.Answered.IsZero()}
		r.Lines = strings.FieldsFunc(x.Body, func(c rune) bool { return c == '\n' })
		r.Class = map[string]string{"草稿": "soon", "待反馈": "soon", "超期未反馈": "late", "已反馈": "fine"}[r.StateName]
		if p.May || !x.Sent.IsZero() && c.me.Covers(x.Org.Path, lecturing...) {
			p.Prompts = append(p.Prompts, r)
		}
	}
	year := now.In(china).Year()
	if p.Counts, err = db.ActivityCounts(ctx, time.Date(year, 1, 1, 0, 0, 0, 0, china), now); err != nil {
		return p, err
	}
	for _, n := range p.Counts {
		p.Times, p.Heads = p.Times+n.Times, p.Heads+n.Heads
	}
	for _, k := range office.ActivityKinds[1:] {
		p.Kinds = append(p.Kinds, Option{Value: k, Label: k})
	}
	orgs, err := db.OrgsFor(ctx, c.me, lecturing)
	for _, o := range orgs {
		p.Orgs = append(p.Orgs, Option{Value: strconv.FormatInt(o.ID, 10), Label: o.Name})
	}
	return p, err
}

func dutyOption(d office.Duty) Option {
	return Option{Value: strconv.FormatInt(d.ID, 10), Label: d.Line()}
}

// dutyOptions are the duties in force, of one department if org is not 0, below
// a first choice; nil if there are none.
func (c *call) dutyOptions(first string, org int64) (options []Option, err error) {
	list, err := c.o.Office.Duties(c.r.Context(), false)
	for _, d := range list {
		if org == 0 || d.Org.ID == org {
			options = append(options, dutyOption(d))
		}
	}
	if options == nil {
		return nil, err
	}
	return append([]Option{{Value: "", Label: first}}, options...), err
}

// duties shows what the departments owe, what was done for it and the prompts.
func duties(c *call) error {
	page, err := c.dutiesPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "duties", page)
}

// draftPrompts writes drafts to the departments with gaps.
func draftPrompts(c *call) error {
	q, err := office.ParseQuarter(c.form().Get("quarter"))
	if err != nil {
		q = office.QuarterOf(c.o.Now())
	}
	list, err := c.o.Office.DraftPrompts(c.r.Context(), c.me.Actor(), q)
	if err != nil {
		return err
	}
	return c.done("/console/duties?quarter="+string(q), "起草了 "+strconv.Itoa(len(list))+" 份，看过再发。")
}

// actPrompt sends a prompt or keeps the answer to it.
func actPrompt(c *call) error {
	f := c.form()
	id, err := c.id()
	if err != nil {
		return err
	}
	said := "已发出，部门里绑定了聊天的人会收到。"
	switch f.Get("verb") {
	case "send":
		_, err = c.o.Office.SendPrompt(c.r.Context(), c.me, id)
	case "answer":
		_, err = c.o.Office.AnswerPrompt(c.r.Context(), c.me, id, f.Get("answer"))
		said = "已记下反馈。"
	default:
		err = &office.Error{Kind: office.Invalid, Msg: "没有选做什么。"}
	}
	if err == nil {
		return c.done("/console/duties", said)
	}
	page, fault := c.dutiesPage(f)
	if fault != nil {
		return fault
	}
	return c.again(err, "duties", f, page)
}

// addActivity writes an activity down.
func addActivity(c *call) error {
	f := c.form()
	page, err := c.dutiesPage(f)
	if err != nil {
		return err
	}
	org := f.number("org")
	if !slices.ContainsFunc(page.Orgs, func(o Option) bool { return o.Value == f.Get("org") }) {
		return c.again(&office.Error{Kind: office.Invalid, Msg: "请选办这次活动的部门。"}, "duties", f, page)
	}
	if err := c.o.Office.AddActivity(c.r.Context(), c.me.Actor(), office.Activity{Day: f.Get("day"), Kind: f.Get("kind"), Title: f.Get("title"), Org: office.Org{ID: org},
		Place: f.Get("place"), Heads: int(f.number("heads")), Photo: f.Get("photo"), Duty: f.number("duty")}); err != nil {
		return c.again(err, "duties", f, page)
	}
	return c.done("/console/duties", "已登记。")
}

// exportActivities sends the register of this year, or counts by month and kind.
func exportActivities(c *call) error {
	ctx, now := c.r.Context(), c.o.Now()
	from := time.Date(now.In(china).Year(), 1, 1, 0, 0, 0, 0, china)
	if c.form().Get("counts") != "" {
		list, err := c.o.Office.ActivityCounts(ctx, from, now)
		if err != nil {
			return err
		}
		return c.sheet("activities", "普法活动统计", office.ActivityCountTable(list))
	}
	list, err := c.o.Office.Activities(ctx, from, now)
	if err != nil {
		return err
	}
	return c.sheet("activities", "普法活动", office.ActivityTable(list))
}

func exportDuties(c *call) error {
	list, err := c.o.Office.Duties(c.r.Context(), true)
	if err != nil {
		return err
	}
	orgs, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return err
	}
	return c.sheet("duties", "普法责任清单", office.DutyTable(list, orgs))
}
