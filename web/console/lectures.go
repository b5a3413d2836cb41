package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/office"
)

// lecturing are those who give, hold or see to lectures.
var lecturing = []office.Role{office.Clerk, office.Mediator, office.Adviser, office.Officer, office.Admin}

// orderScope gives the places of the order that the address names.
func orderScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	return c.o.Office.OrderPlaces(c.r.Context(), id)
}

// promptScope gives the place of the department that a prompt is for.
func promptScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.o.Office.DutyPrompt(c.r.Context(), id)
	return []string{p.Org.Path}, err
}

type lecturesPage struct {
	Form     *form
	Rows     []orderRow
	Total    int
	Show     []Option
	Menu     []office.Lecture
	Lectures []Option
	Figures  office.LectureFigures
	Year     int
	May      bool // may order for somebody, and change the menu
}

type orderRow struct {
	office.Order
	When, StateName, Class, Who string
}

func rowOf(o office.Order) orderRow {
	return orderRow{Order: o, When: office.TimeName(o.At), StateName: o.State.Name(), Who: strings.TrimSpace(o.OrgName + " " + o.By),
		Class: map[office.OrderState]string{office.Placed: "soon", office.Proposed: "soon", office.Declined: "late", office.Booked: "fine", office.Done: "fine", office.RatedOrder: "fine"}[o.State]}
}

func (c *call) lecturesPage(f *form) (p lecturesPage, err error) {
	ctx, db := c.r.Context(), c.o.Office
	p = lecturesPage{Form: f, Year: c.o.Now().In(china).Year(), May: c.me.MayPublish()}
	filter := office.OrderFilter{Open: f.Get("show") == "", Limit: 200}
	if s := office.OrderState(f.Get("show")); slices.Contains(office.OrderStates, s) {
		filter.State = s
	}
	list, total, err := db.Orders(ctx, c.me, filter)
	if err != nil {
		return p, err
	}
	p.Total = total
	for _, o := range list {
		p.Rows = append(p.Rows, rowOf(o))
	}
	p.Show = []Option{{Value: "", Label: "还没讲的"}, {Value: "all", Label: "全部"}}
	for _, s := range office.OrderStates {
		p.Show = append(p.Show, Option{Value: string(s), Label: s.Name()})
	}
	if p.Menu, err = db.Menu(ctx, "", false); err != nil {
		return p, err
	}
	for _, l := range p.Menu {
		p.Lectures = append(p.Lectures, Option{Value: strconv.FormatInt(l.ID, 10), Label: l.Line()})
	}
	p.Figures, err = db.LectureFigures(ctx, time.Date(p.Year, 1, 1, 0, 0, 0, 0, china), c.o.Now())
	return p, err
}

// lectures lists the orders of one's places and department.
func lectures(c *call) error {
	page, err := c.lecturesPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "lectures", page)
}

// orderLecture orders for somebody who called or came.
func orderLecture(c *call) error {
	f := c.form()
	out, err := c.order(f)
	if err == nil {
		return c.done(addressOf("lectures", out.Order.ID), "已下单，编号 "+out.Order.No+"，查询码 "+out.Code+"（告诉对方，凭它查进度、评价）。")
	}
	page, fault := c.lecturesPage(f)
	if fault != nil {
		return fault
	}
	return c.again(err, "lectures", f, page)
}

func (c *call) order(f *form) (office.Ordered, error) {
	at, err := office.ParseWhen(f.Get("when"), c.o.Now())
	if err != nil {
		return office.Ordered{}, err
	}
	return c.o.Office.PlaceOrder(c.r.Context(), c.me, office.OrderDraft{Lecture: f.number("lecture"), At: at, Heads: int(f.number("heads")),
		Unit: f.Get("unit"), Contact: f.Get("contact"), Phone: f.Get("phone"), Wish: f.Get("wish")})
}

type lecturePage struct {
	Form      *form
	Order     orderRow
	Events    []office.OrderEvent
	May       map[string]bool
	Lecturers []Option
	Duties    []Option // of the department
	Version   int64
}

func (c *call) lecturePage(f *form) (p lecturePage, err error) {
	ctx, db := c.r.Context(), c.o.Office
	id, err := c.id()
	if err != nil {
		return p, err
	}
	o, err := db.OrderByID(ctx, c.me, id)
	if err != nil {
		return p, err
	}
	p = lecturePage{Form: f, Order: rowOf(o), May: map[string]bool{}, Version: o.Version}
	for _, v := range o.Next {
		p.May[v] = true
	}
	if p.Events, err = db.OrderEvents(ctx, o); err != nil {
		return p, err
	}
	if p.May["complete"] {
		if p.Duties, err = c.dutyOptions("不对应责任", o.Org); err != nil {
			return p, err
		}
		if o.Duty != 0 && !f.Has("duty") {
			f.Set("duty", strconv.FormatInt(o.Duty, 10))
		}
	}
	pool, err := db.Lecturers(ctx)
	p.Lecturers = []Option{{Value: "", Label: "按菜单"}}
	for _, l := range pool {
		if l.Away || !o.State.Open() || o.State == office.Dispatched && o.Hats&office.Host == 0 && l.Org.ID != o.Org {
			continue
		}
		p.Lecturers = append(p.Lecturers, Option{Value: strconv.FormatInt(l.ID, 10), Label: l.Name + "（" + l.Org.Name + "，待讲 " + strconv.Itoa(l.Booked) + " 场）", Chosen: l.ID == o.Lecturer})
	}
	return p, err
}

// lecture shows one order.
func lecture(c *call) error {
	page, err := c.lecturePage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "lecture", page)
}

// actLecture takes a step with an order.
func actLecture(c *call) error {
	f := c.form()
	page, err := c.lecturePage(f)
	if err != nil {
		return err
	}
	x := office.OrderAction{Verb: f.Get("verb"), Note: f.Get("note"), Lecturer: f.number("lecturer"), Came: int(f.number("came")), Duty: f.number("duty"), Version: f.number("version")}
	if x.File, err = c.uploaded("picture"); err != nil {
		return err
	}
	if f.Get("when") != "" {
		if x.At, err = office.ParseWhen(f.Get("when"), c.o.Now()); err != nil {
			return c.again(err, "lecture", f, page)
		}
	}
	o, err := c.o.Office.ActOrder(c.r.Context(), c.me, page.Order.No, x)
	if err != nil {
		return c.again(err, "lecture", f, page)
	}
	if o.Hats == 0 { // it is nothing of theirs any more
		return c.done("/console/lectures", o.No+" 现在是“"+o.State.Name()+"”。")
	}
	switch x.Verb {
	case "photo":
		return c.done(addressOf("lectures", o.ID), "照片已存好，拍摄地点这类信息没有留下。")
	case "unphoto":
		return c.done(addressOf("lectures", o.ID), "照片已删掉。")
	}
	return c.done(addressOf("lectures", o.ID), o.No+" 现在是“"+o.State.Name()+"”，对方会收到通知。")
}

// lecturePhoto sends the photo of a lecture that was held.
func lecturePhoto(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	m, err := c.o.Office.Photo(c.r.Context(), c.me, id)
	if err != nil {
		return err
	}
	return c.image(m)
}

type poolPage struct {
	Menu      []office.Lecture
	Lecturers []office.Lecturer
	May       bool
}

// lecturePool shows the menu and who lectures.
func lecturePool(c *call) error {
	p := poolPage{May: c.me.CoversAll(publishers...)}
	var err error
	if p.Menu, err = c.o.Office.Menu(c.r.Context(), "", true); err != nil {
		return err
	}
	if p.Lecturers, err = c.o.Office.Lecturers(c.r.Context()); err != nil {
		return err
	}
	return c.show(http.StatusOK, "lecture_pool", p)
}

func exportMenu(c *call) error {
	list, err := c.o.Office.Menu(c.r.Context(), "", true)
	if err != nil {
		return err
	}
	orgs, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return err
	}
	return c.sheet("lectures", "讲座菜单", office.LectureTable(list, orgs))
}

func exportLecturers(c *call) error {
	list, err := c.o.Office.Lecturers(c.r.Context())
	if err != nil {
		return err
	}
	orgs, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return err
	}
	return c.sheet("lecturers", "讲师", office.LecturerTable(list, orgs))
}
