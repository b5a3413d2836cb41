package office

import (
	"slices"
	"strings"
)

// OrderState is where an ordered lecture is on its way.
type OrderState string

// States of an order. The stored words are English; people read Name.
const (
	Placed         OrderState = "placed"     // ordered, given to nobody yet
	Dispatched     OrderState = "dispatched" // given to a department or lecturer
	Booked         OrderState = "accepted"   // they will come
	Proposed       OrderState = "proposed"   // they asked for another time
	Declined       OrderState = "declined"   // they will not come: to be given to somebody else
	Done           OrderState = "done"
	RatedOrder     OrderState = "rated"
	CancelledOrder OrderState = "cancelled"
)

// OrderStates lists all, in the order of the way.
var OrderStates = []OrderState{Placed, Dispatched, Booked, Proposed, Declined, Done, RatedOrder, CancelledOrder}

// Name is what people read.
func (s OrderState) Name() string {
	return map[OrderState]string{Placed: "已下单", Dispatched: "已派单", Booked: "已接单", Proposed: "待同意改期", Declined: "已谢绝",
		Done: "已完成", RatedOrder: "已评价", CancelledOrder: "已取消"}[s]
}

// Open says whether somebody still has to do something before the lecture.
func (s OrderState) Open() bool {
	return s == Placed || s == Dispatched || s == Booked || s == Proposed || s == Declined
}

// Held says whether the lecture took place: those are what the figures count.
func (s OrderState) Held() bool { return s == Done || s == RatedOrder }

// OrderHat is what a person is to one order; they may wear several.
type OrderHat uint8

// Hats of an order.
const (
	Orderer  OrderHat = 1 << iota // who ordered
	Host                          // an officer or administrator in whose scope the place is
	Provider                      // the lecturer, or somebody of the department it was given to
)

func (h OrderHat) names() string {
	var list []string
	for _, n := range []struct {
		hat  OrderHat
		name string
	}{{Orderer, "下单的人"}, {Host, "普法干部"}, {Provider, "讲师或承接部门"}} {
		if h&n.hat != 0 {
			list = append(list, n.name)
		}
	}
	return strings.Join(list, "、")
}

// OrderNeed is what a move of an order cannot do without.
type OrderNeed uint8

// Needs of a move.
const (
	NeedWhy      OrderNeed = 1 << iota // OrderAction.Note says why
	NeedTime                           // OrderAction.At is the new time
	NeedProvider                       // OrderAction.Lecturer or Org says who
	NeedCount                          // OrderAction.Came is who signed in
	NeedScore                          // OrderAction.Score is 1 to 5
	NeedPhoto                          // OrderAction.File is a picture
)

// OrderMove is one row of the table of what may be done with an order.
type OrderMove struct {
	Verb  string // the stored name of the step
	Name  string // what people say
	Who   OrderHat
	From  []OrderState
	To    OrderState // "": it stays as it is
	Needs OrderNeed
}

// OrderMoves is the whole table: there is no other way for an order to change
// its state.
var OrderMoves = []OrderMove{
	{"dispatch", "派讲", Host, []OrderState{Placed, Declined}, Dispatched, NeedProvider},
	{"redispatch", "改派讲师", Host, []OrderState{Dispatched, Booked, Proposed}, Dispatched, NeedProvider | NeedWhy},
	{"accept", "接单", Provider | Host, []OrderState{Dispatched}, Booked, 0},
	{"reschedule", "改期", Provider | Host, []OrderState{Dispatched, Booked}, Proposed, NeedTime | NeedWhy},
	{"agree", "同意改期", Orderer | Host, []OrderState{Proposed}, Booked, 0},
	{"move", "改约", Orderer, []OrderState{Dispatched, Booked, Proposed}, Dispatched, NeedTime},
	{"decline", "谢绝", Provider | Host, []OrderState{Dispatched, Booked, Proposed}, Declined, NeedWhy},
	{"complete", "完成讲座", Provider | Host, []OrderState{Booked}, Done, NeedCount},
	{"photo", "补照片", Provider | Host, []OrderState{Done, RatedOrder}, "", NeedPhoto},
	{"unphoto", "删照片", Provider | Host, []OrderState{Done, RatedOrder}, "", NeedWhy},
	{"rate", "评讲座", Orderer, []OrderState{Done}, RatedOrder, NeedScore},
	{"cancel", "取消讲座", Orderer | Host, []OrderState{Placed, Dispatched, Booked, Proposed, Declined}, CancelledOrder, NeedWhy},
}

// orderMove finds the row for a verb, or says why there is none for this order
// and person.
func orderMove(verb string, from OrderState, hats OrderHat) (OrderMove, error) {
	i := slices.IndexFunc(OrderMoves, func(m OrderMove) bool { return m.Verb == verb || m.Name == verb })
	if i < 0 {
		return OrderMove{}, invalid("没有“%s”这个操作。", verb)
	}
	m := OrderMoves[i]
	if m.Who&hats == 0 {
		return m, forbidden("“%s”只能由%s来做。", m.Name, m.Who.names())
	}
	if !slices.Contains(m.From, from) {
		var names []string
		for _, s := range m.From {
			names = append(names, s.Name())
		}
		return m, conflict("这场讲座现在是“%s”，不能“%s”；%s时才可以。", from.Name(), m.Name, strings.Join(names, "、"))
	}
	return m, nil
}

// nextOrder lists the verbs that a person with these hats may use in a state.
func nextOrder(from OrderState, hats OrderHat) []string {
	var list []string
	for _, m := range OrderMoves {
		if m.Who&hats != 0 && slices.Contains(m.From, from) {
			list = append(list, m.Verb)
		}
	}
	return list
}
