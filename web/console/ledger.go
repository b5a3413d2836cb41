package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"mingbai/office"
)

type ledgerPage struct {
	Form      *form
	Rows      []ledgerRow
	Uncertain []ledgerRow
	States    []Option
	Sinks     []Option
	Pager     pager
	Fault     string
}

type ledgerRow struct {
	ID, Piece                    int64
	Title, Act, Sink, Target     string
	State, Class, Ref, Code, Who string
	Changed                      time.Time
	Attempts, Number             int
	Again                        bool // may be sent again on demand
}

func ledgerRows(list []office.Delivery) (rows []ledgerRow) {
	class := map[string]string{office.Sent: "fine", office.Refused: "soon", office.Uncertain: "late", office.Failed: "late", office.Expired: "soon"}
	for _, d := range list {
		rows = append(rows, ledgerRow{ID: d.ID, Piece: d.Piece, Title: d.Title, Number: d.Number, Act: actName(d.Act), Sink: office.SinkName(d.Sink), Target: shortTarget(d),
			State: office.DeliveryName(d.State), Class: class[d.State], Ref: d.Ref, Code: d.Reason(), Who: d.Settled, Changed: d.Changed, Attempts: d.Attempts, Again: d.State == office.Failed || d.State == office.Expired})
	}
	return rows
}

// shortTarget names a target without giving a chat address away: the end of it is
// enough to tell two apart.
func shortTarget(d office.Delivery) string {
	r := []rune(d.Target)
	if d.Sink != "chat" || len(r) <= 6 {
		return d.Target
	}
	kind, _, _ := strings.Cut(d.Target, "/")
	return kind + " …" + string(r[len(r)-6:])
}

// shownUncertain is how many uncertain deliveries stand above the ledger.
const shownUncertain = 100

// ledger lists deliveries, those that are uncertain first.
func ledger(c *call) error {
	f, ctx := c.form(), c.r.Context()
	filter := office.DeliveryFilter{Piece: f.number("piece"), Sink: f.Get("sink"), For: &c.me, Limit: perPage, Offset: c.paged()}
	if slices.Contains(office.DeliveryStates, f.Get("state")) {
		filter.States = []string{f.Get("state")}
	}
	list, total, err := c.o.Office.Deliveries(ctx, filter)
	if err != nil {
		return err
	}
	unsure, _, err := c.o.Office.Deliveries(ctx, office.DeliveryFilter{States: []string{office.Uncertain}, For: &c.me, Limit: shownUncertain})
	if err != nil {
		return err
	}
	page := ledgerPage{Form: f, Rows: ledgerRows(list), Uncertain: ledgerRows(unsure), Pager: c.pager(total)}
	page.States, page.Sinks = []Option{{Value: "", Label: "全部"}}, []Option{{Value: "", Label: "全部"}}
	for _, s := range office.DeliveryStates {
		page.States = append(page.States, Option{Value: s, Label: office.DeliveryName(s)})
	}
	for _, s := range office.Sinks {
		page.Sinks = append(page.Sinks, Option{Value: s.Key, Label: s.Name})
	}
	return c.show(http.StatusOK, "ledger", page)
}

// deliveryScope gives the place of the delivery that the address names.
func deliveryScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	path, err := c.o.Office.DeliveryPath(c.r.Context(), id)
	return []string{path}, err
}

// settle takes what an officer found out about an uncertain delivery.
func settle(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := c.o.Office.Settle(c.r.Context(), c.me, id, c.form().Get("what")); err != nil {
		return err
	}
	return c.done("/console/deliveries", "记下了。")
}
