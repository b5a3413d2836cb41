package console

import (
	"net/http"
	"time"

	"mingbai/office"
)

// desk are those who run an office and its cases.
var desk = []office.Role{office.Clerk, office.Admin}

// shownNotices is how many of one's own messages are shown at once.
const shownNotices = 50

type inboxPage struct {
	Notices  []office.OwnNotice
	Last     int64 // id of the newest shown
	CasePage bool
}

// inbox shows the messages to who is signed in that they have not read yet.
func inbox(c *call) error {
	list, err := c.o.Office.OwnNotices(c.r.Context(), c.me, shownNotices)
	if err != nil {
		return err
	}
	page := inboxPage{Notices: list, CasePage: c.may("GET /console/cases/{no}")}
	if len(list) > 0 {
		page.Last = list[0].ID
	}
	return c.show(http.StatusOK, "inbox", page)
}

func readInbox(c *call) error {
	if err := c.o.Office.TakeOwnNotices(c.r.Context(), c.me, c.form().number("last")); err != nil {
		return err
	}
	return c.done("/console/inbox", "都记为看过了。")
}

type noticesPage struct {
	Form     *form
	Which    []Option
	Notices  []office.NoticeRow
	Calls    []office.Case
	IsCalls  bool
	Pager    pager
	CasePage bool
	Hours    int
}

// notices shows of each message about a case whether it was taken, and whom to
// phone since nobody took the answer.
func notices(c *call) error {
	f := c.form()
	page := noticesPage{Form: f, CasePage: c.may("GET /console/cases/{no}"), Hours: int(callAfter.Hours()), Which: []Option{
		{Value: "", Label: "还没取的"}, {Value: "answers", Label: "没人取的答复"}, {Value: "all", Label: "全部"}, {Value: "calls", Label: "该打电话的"},
	}}
	if f.Get("which") == "calls" {
		page.IsCalls = true
		list, err := c.o.Office.CallList(c.r.Context(), c.me, callAfter)
		if err != nil {
			return err
		}
		page.Calls = list
		return c.show(http.StatusOK, "notices", page)
	}
	list, n, err := c.o.Office.NoticeList(c.r.Context(), c.me, office.NoticeFilter{
		Waiting: f.Get("which") != "all", Answers: f.Get("which") == "answers", Limit: perPage, Offset: c.paged(),
	})
	if err != nil {
		return err
	}
	page.Notices, page.Pager = list, c.pager(n)
	return c.show(http.StatusOK, "notices", page)
}

type ratingsPage struct {
	Form     *form
	Low      bool
	Ratings  []ratingRow
	Lows     int
	Rate     string
	Bot      string
	Pager    pager
	CasePage bool
}

type ratingRow struct {
	office.Rating
	Name string // of the matter
}

// ratings shows what people thought of how their cases were dealt with. The rate
// is never shown without how many gave one.
func ratings(c *call) error {
	f := c.form()
	from, to := c.period(f)
	filter := office.RatingFilter{From: from, To: to, Low: f.Get("low") != "", Limit: perPage, Offset: c.paged()}
	list, err := c.o.Office.Ratings(c.r.Context(), c.me, filter)
	if err != nil {
		return err
	}
	n := list.Figures.Rated
	if filter.Low {
		n = list.Low
	}
	page := ratingsPage{Form: f, Low: filter.Low, Lows: list.Low, Rate: list.Figures.Satisfaction(), Pager: c.pager(n), CasePage: c.may("GET /console/cases/{no}")}
	for _, r := range list.Ratings {
		page.Ratings = append(page.Ratings, ratingRow{r, office.MatterOf(r.Matter).Name})
	}
	return c.show(http.StatusOK, "ratings", page)
}

// period reads the days from and to, by default the last 90 days, and puts them
// into the form.
func (c *call) period(f *form) (from, to time.Time) {
	now := c.o.Now().In(china)
	to, err := time.ParseInLocation(time.DateOnly, f.Get("to"), china)
	if err != nil {
		to = now
	}
	if from, err = time.ParseInLocation(time.DateOnly, f.Get("from"), china); err != nil {
		from = to.AddDate(0, 0, -90)
	}
	f.Set("from", from.Format(time.DateOnly))
	f.Set("to", to.Format(time.DateOnly))
	return from, to
}

type alertsPage struct {
	Alerts   []office.Alert
	CasePage bool
}

// alerts shows where and between whom disputes come again.
func alerts(c *call) error {
	list, err := c.o.Office.Alerts(c.r.Context(), c.me)
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "alerts", alertsPage{list, c.may("GET /console/cases/{no}")})
}
