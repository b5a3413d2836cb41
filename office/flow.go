package office

import (
	"slices"
	"strings"
	"time"

	"mingbai/calendar"
)

// State is where a case is on its way.
type State string

// States. The stored words are English; people read State.Name.
const (
	New       State = "new"       // handed in, nobody has taken it on
	Accepted  State = "accepted"  // 受理
	Assigned  State = "assigned"  // 派单: somebody is to deal with it
	Working   State = "working"   // 办理
	Answered  State = "answered"  // 答复
	Followed  State = "followed"  // 回访
	Archived  State = "archived"  // 归档
	Returned  State = "returned"  // 退单: the person is to correct it
	Merged    State = "merged"    // 并单: goes on under another number
	Withdrawn State = "withdrawn" // 撤回
)

// States lists all, in the order of the way.
var States = []State{New, Accepted, Assigned, Working, Answered, Followed, Archived, Returned, Merged, Withdrawn}

// Name is what people read.
func (s State) Name() string {
	names := map[State]string{New: "待受理", Accepted: "已受理", Assigned: "已派单", Working: "办理中", Answered: "已答复",
		Followed: "已回访", Archived: "已归档", Returned: "待补正", Merged: "已并单", Withdrawn: "已撤回"}
	return names[s]
}

// Open says whether somebody still has to do something.
func (s State) Open() bool {
	return s == New || s == Accepted || s == Assigned || s == Working || s == Returned
}

// Finished says whether nothing more is done.
func (s State) Finished() bool { return s == Archived || s == Merged || s == Withdrawn }

// Hat is what a person is to one case; they may wear several.
type Hat uint8

// Hats.
const (
	Applicant Hat = 1 << iota // whose matter it is
	Filer                     // handed it in for the applicant
	Desk                      // a clerk in whose scope the case is
	Holder                    // deals with it
	Lead                      // an administrator in whose scope the case is
)

func (h Hat) names() string {
	var list []string
	for _, n := range []struct {
		hat  Hat
		name string
	}{{Applicant, "本人"}, {Filer, "代办人"}, {Desk, "经办人"}, {Holder, "承办人"}, {Lead, "管理员"}} {
		if h&n.hat != 0 {
			list = append(list, n.name)
		}
	}
	return strings.Join(list, "、")
}

// Need is what a move cannot do without.
type Need uint8

// Needs.
const (
	NeedReason Need = 1 << iota // Action.Note says why
	NeedText                    // Action.Text is the answer
	NeedPerson                  // Action.To is the person who is to deal with it
	NeedCase                    // Action.Into is the number it goes on under
)

// Clock names which period a move starts.
type Clock uint8

// Clocks.
const (
	ClockKeep   Clock = iota // goes on as it was
	ClockNone                // nothing is due any more
	ClockAccept              // taking it on
	ClockAnswer              // answering, counted from the day it was handed in
	ClockFollow              // asking back
)

// Move is one row of the table of what may be done.
type Move struct {
	Verb  string  // "accept"; the stored name of the step
	Name  string  // "受理"
	Who   Hat     // any of these
	From  []State // from any of these
	To    State   // "": stays
	Needs Need
	Clock Clock
}

var underway = []State{New, Accepted, Assigned, Working}

// Moves is the whole table. There is no other way for a case to change its
// state.
var Moves = []Move{
	{"accept", "受理", Desk | Lead, []State{New}, Accepted, 0, ClockAnswer},
	{"return", "退单", Desk | Lead, []State{New, Accepted}, Returned, NeedReason, ClockNone},
	{"correct", "补正", Applicant | Filer | Desk, []State{Returned}, New, NeedReason, ClockAccept},
	{"assign", "派单", Desk | Lead, []State{New, Accepted}, Assigned, NeedPerson, ClockAnswer},
	{"reassign", "改派", Desk | Lead, []State{Assigned, Working}, Assigned, NeedPerson | NeedReason, ClockKeep},
	{"decline", "退回派单", Holder, []State{Assigned, Working}, Accepted, NeedReason, ClockKeep},
	{"start", "办理", Holder, []State{Assigned}, Working, 0, ClockKeep},
	{"note", "记录", Desk | Holder | Lead, []State{Accepted, Assigned, Working, Answered, Followed}, "", NeedReason, ClockKeep},
	{"answer", "答复", Desk | Holder | Lead, []State{Accepted, Assigned, Working}, Answered, NeedText, ClockFollow},
	{"follow", "回访", Desk | Holder | Lead, []State{Answered}, Followed, NeedReason, ClockNone},
	{"redo", "重办", Applicant | Desk | Lead, []State{Answered, Followed}, Working, NeedReason, ClockAnswer},
	{"archive", "归档", Desk | Holder | Lead, []State{Answered, Followed}, Archived, 0, ClockNone},
	{"urge", "督办", Desk | Lead, underway, "", NeedReason, ClockKeep},
	{"merge", "并单", Desk | Lead, underway, Merged, NeedCase, ClockNone},
	{"withdraw", "撤回", Applicant, []State{New, Accepted, Assigned, Working, Returned}, Withdrawn, 0, ClockNone},
	{"handover", "转道", Desk | Holder | Lead, underway, "", NeedReason, ClockKeep},
}

// move finds the row for a verb, or says why there is none for this case and
// person.
func move(verb string, from State, hats Hat) (Move, error) {
	i := slices.IndexFunc(Moves, func(m Move) bool { return m.Verb == verb || m.Name == verb })
	if i < 0 {
		return Move{}, invalid("没有“%s”这个操作。", verb)
	}
	m := Moves[i]
	if m.Who&hats == 0 {
		return m, forbidden("“%s”只能由%s来做。", m.Name, m.Who.names())
	}
	if !slices.Contains(m.From, from) {
		var names []string
		for _, s := range m.From {
			names = append(names, s.Name())
		}
		return m, conflict("这件事现在是“%s”，不能“%s”；%s时才可以。", from.Name(), m.Name, strings.Join(names, "、"))
	}
	return m, nil
}

// next lists the verbs that a person with these hats may use in a state.
func next(from State, hats Hat) []string {
	var list []string
	for _, m := range Moves {
		if m.Who&hats != 0 && slices.Contains(m.From, from) {
			list = append(list, m.Verb)
		}
	}
	return list
}

// Urgency orders the queue; lower goes first.
type Urgency int

// Urgencies.
const (
	Safety  Urgency = iota // somebody may be harmed
	Limit                  // a limitation ends within seven days
	Guarded                // a minor, or an old or disabled person
	Normal
)

// Name is what people read.
func (u Urgency) Name() string {
	return [...]string{"安全", "时效将到", "重点人群", "一般"}[min(max(u, 0), Normal)]
}

// Basis is an article that a period or a rule rests on.
type Basis struct {
	Law     string   // full title
	Article string   // "43"
	Proof   []string // phrases that stand in the article
}

// Matter is a kind of case with its periods. Periods that a law sets have its
// article; the others are this office's own promise.
type Matter struct {
	Key    string // stored
	Name   string
	Accept calendar.Span // until somebody takes it on
	Answer calendar.Span // from handing in to the answer
	Basis  *Basis        // of Answer; nil: our own promise
	Note   string        // a further period that runs, in plain words
}

// Laws that matters rest on.
const (
	lawAid       = "中华人民共和国法律援助法"
	lawNotary    = "中华人民共和国公证法"
	lawMediation = "中华人民共和国人民调解法"
	lawCivil     = "中华人民共和国民事诉讼法"
	lawMinors    = "中华人民共和国未成年人保护法"
)

func days(n int) calendar.Span     { return calendar.Span{N: n, Unit: calendar.Days} }
func workdays(n int) calendar.Span { return calendar.Span{N: n, Unit: calendar.WorkDays} }

// Matters is the table of kinds of cases; the first is what a case is when
// nothing else is said. Days that a law sets count as plain days and are not
// moved behind a holiday: the office is rather early than late.
var Matters = []Matter{
	{Key: "consult", Name: "法律咨询", Accept: workdays(1), Answer: workdays(3)},
	{Key: "dispute", Name: "矛盾纠纷", Accept: workdays(1), Answer: workdays(15),
		Note: "调解达成协议后，双方可在协议生效之日起三十日内共同向法院申请司法确认（人民调解法第三十三条）。"},
	{Key: "aid", Name: "法律援助", Accept: workdays(1), Answer: days(7),
		Basis: &Basis{lawAid, "43", []string{"七日内", "三日内"}}, Note: "自收到申请之日起七日内决定；决定给予援助的，三日内指派人员（法律援助法第四十三条）。"},
	{Key: "notary", Name: "公证", Accept: workdays(1), Answer: workdays(15), Basis: &Basis{lawNotary, "30", []string{"十五个工作日"}},
		Note: "从受理公证申请起算；不可抗力、补充材料、核实情况的时间不算在内（公证法第三十条）。"},
	{Key: "wages", Name: "欠薪", Accept: workdays(1), Answer: workdays(5)},
	{Key: "lead", Name: "网格上报", Accept: workdays(1), Answer: workdays(5)},
	{Key: "firm", Name: "涉企", Accept: workdays(1), Answer: workdays(5)},
	{Key: "complaint", Name: "对本服务的投诉", Accept: workdays(1), Answer: workdays(5)},
}

// FlowBases lists every article the rules of cases rest on, for verifying.
func FlowBases() []Basis {
	list := []Basis{
		{lawAid, "44", []string{"先行提供法律援助"}},
		{lawMediation, "33", []string{"三十日内共同"}},
		{lawCivil, "205", []string{"三十日内"}},
	}
	for _, m := range Matters {
		if m.Basis != nil {
			list = append(list, *m.Basis)
		}
	}
	return append(append(list, laneBases()...), lectureBases()...)
}

// MatterOf finds a matter by key or name; the first row if there is none.
func MatterOf(key string) Matter {
	for _, m := range Matters {
		if m.Key == key || m.Name == key {
			return m
		}
	}
	return Matters[0]
}

// followAfter is when a person is asked back after an answer, in days.
const followAfter = 7

// due gives the end of the period a clock starts: the last second of the last
// day in China. exact is false if the holidays of that year are not known yet.
// A case in which somebody may be harmed is due within two hours.
func due(c Clock, m Matter, u Urgency, opened, now time.Time) (at time.Time, exact bool) {
	span, from := m.Answer, opened
	switch c {
	case ClockAccept:
		span, from = m.Accept, now
	case ClockFollow:
		span, from = days(followAfter), now
	case ClockAnswer:
	default:
		return time.Time{}, true
	}
	if u == Safety && c != ClockFollow {
		return from.Add(safetyWithin), true
	}
	if u == Limit && c != ClockFollow {
		span = workdays(1)
	}
	day, exact := calendar.Due(calendar.Day(from), span, false)
	return endOfDay(day), exact
}

// safetyWithin is how soon somebody must look at a case of danger; the person
// was told to call 110 before.
const safetyWithin = 2 * time.Hour

// endOfDay is the last second in China of a day of package calendar.
func endOfDay(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, china)
}

// limitDays is how near the end of a limitation makes a case urgent; then legal
// aid may be given before the application is decided (法律援助法 第四十四条).
const limitDays = 7

// nearLimit says whether a limitation that ends on the day is that near.
func nearLimit(day, now time.Time) bool {
	return !day.IsZero() && !day.After(calendar.Day(now).AddDate(0, 0, limitDays)) && !day.Before(calendar.Day(now))
}
