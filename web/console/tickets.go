package console

import (
	"net/http"
	"time"

	"mingbai/office"
)

type ticketsPage struct {
	Form  *form
	Rows  []ticketRow
	Pager pager
	Which []Option
	Query string // of the export: the same list
}

// ticketRow is a work order as the list shows it.
type ticketRow struct {
	office.Ticket
	Late string // 是, 否 or 未到期
}

// Choices of which work orders are looked at.
const (
	ticketsOpen = "open" // not answered
	ticketsLate = "late" // not answered in time
)

// tickets lists the work orders of other systems, and what became of them.
func tickets(c *call) error {
	f := c.form()
	list, err := c.ticketsOf(f)
	if err != nil {
		return err
	}
	page := ticketsPage{Form: f, Pager: c.pager(len(list)), Query: c.r.URL.RawQuery, Which: []Option{{"", "全部", true}, {ticketsOpen, "还没有答复", false}, {ticketsLate, "没有按期", false}}}
	from := min(c.paged(), len(list))
	for _, t := range list[from:min(from+perPage, len(list))] {
		page.Rows = append(page.Rows, ticketRow{t, t.InTime(c.o.Now())})
	}
	return c.show(http.StatusOK, "tickets", page)
}

// ticketsOf is the list that the query asks for: those imported this month and
// the two before, unless it names days.
func (c *call) ticketsOf(f *form) ([]office.Ticket, error) {
	from, end := f.period()
	today := c.o.Now().In(china)
	if end.IsZero() {
		end = today.AddDate(0, 0, 1)
	}
	if from.IsZero() {
		from = time.Date(today.Year(), today.Month()-2, 1, 0, 0, 0, 0, china)
	}
	list, err := c.o.Office.Tickets(c.r.Context(), c.me, from, end.AddDate(0, 0, -1))
	if err != nil {
		return nil, err
	}
	var kept []office.Ticket
	for _, t := range list {
		open, late := t.Answered.IsZero(), t.InTime(c.o.Now()) == "否"
		if which := f.Get("which"); which == ticketsOpen && !open || which == ticketsLate && !late {
			continue
		}
		if no := f.Get("no"); no == "" || no == t.No || no == t.Case {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

// exportTickets gives what became of work orders as the other system reads it.
func exportTickets(c *call) error {
	list, err := c.ticketsOf(c.form())
	if err != nil {
		return err
	}
	return c.sheet("tickets", "工单", office.TicketTable(list, c.o.Now()))
}
