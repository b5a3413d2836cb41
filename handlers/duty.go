package handlers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/calendar"
	"mingbai/office"
)

// What people who work for the office say besides steps of cases, and how a
// complaint about the bot begins.
var (
	asksDuty     = regexp.MustCompile(`^(?:现在|今天)?谁值班[？?：:，,\s]*(.{0,30}?)[？?。]*$|^(?:值班|村居法律|村)顾问[是找]?谁?[：:，,\s]*(.{0,30}?)[？?。]*$`)
	asksCalls    = regexp.MustCompile(`^(?:电话单|待打电话|要打的电话|回访电话)[。]*$`)
	asksAlerts   = regexp.MustCompile(`^(?:预警|纠纷预警|看预警)[。]*$`)
	asksFirms    = regexp.MustCompile(`^涉企(?:待办|的件|件)?[。]*$`)
	asksLedger   = regexp.MustCompile(`^(?:我的|看)?台账[。]*$`)
	addsDeed     = regexp.MustCompile(`^记(?:一笔)?台账[：:，,\s]*(\p{Han}{2,3})[：:，,\s]*(?:(\d{1,4})\s*人)?[，,\s]*(?:(\d{1,4})\s*分钟?)?[：:，,\s]*([\s\S]*)$`)
	complains    = regexp.MustCompile(`^(?:我要|我想)?投诉(?:本服务|这个服务|机器人|你们?|明白|AI|智能客服|客服)[。！!]*$`)
	complainsOf  = regexp.MustCompile(`^(?:我要|我想|怎么)?(?:投诉|举报)[。！!？?]*$`)
	wordsWhom    = "投诉谁？投诉我这个服务（答错了、没人理），回“投诉本服务”。投诉别的（单位、商家、物业、律师、办事的人），请说是谁、为了什么事，我告诉您归哪个部门管、怎么投诉。"
	callAfter    = 24 * time.Hour
	maxAlerts    = 5
	wordsNoDuty  = "那里现在没有值班的法律顾问。可以打 12348（免费），或者回“人工”。"
	wordsNotHere = "这一项是工作人员用的。您可以直接问法律问题，或回“人工”。"
)

// work answers what is said about rosters, lists of the desk, ledgers and
// lessons; ok is false when the text is about something else.
func (r *Router) work(ctx context.Context, t *turn, text string) (reply bot.Reply, ok bool, err error) {
	var run func(*Router, context.Context, *turn, office.Person, []string) (bot.Reply, error)
	var m []string
	for _, row := range []struct {
		words *regexp.Regexp
		run   func(*Router, context.Context, *turn, office.Person, []string) (bot.Reply, error)
	}{
		{asksDuty, (*Router).onDuty}, {asksCalls, (*Router).callList}, {asksAlerts, (*Router).alerts}, {asksFirms, (*Router).firms},
		{asksLedger, (*Router).ledger}, {addsDeed, (*Router).addDeed}, {complains, (*Router).complain}, {complainsOf, (*Router).complainOf}, {asksLesson, (*Router).lesson},
	} {
		if m = row.words.FindStringSubmatch(text); m != nil {
			run = row.run
			break
		}
	}
	if run == nil {
		return bot.Reply{}, false, nil
	}
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, true, err
	}
	t.session.Menu = nil
	reply, err = run(r, ctx, t, p, m)
	return reply, true, err
}

// onDuty says who advises a village now.
func (r *Router) onDuty(ctx context.Context, t *turn, p office.Person, m []string) (bot.Reply, error) {
	place := strings.TrimSpace(m[1] + m[2])
	if place == "" {
		place = t.session.Area
	}
	if place == "" && len(p.Posts) > 0 {
		place = p.Posts[0].Org.Name
	}
	if place == "" {
		return bot.Reply{Text: "请写上村（社区）的名字，例如“谁值班 三里村”。"}, nil
	}
	o, err := r.d.Cases.OrgNamed(ctx, place)
	if err != nil {
		return bot.Reply{}, err
	}
	list, err := r.d.Cases.Roster(ctx, o.ID)
	if err != nil {
		return bot.Reply{}, err
	}
	list = slices.DeleteFunc(list, func(x office.Turn) bool { return !x.Now })
	if len(list) == 0 {
		return bot.Reply{Text: o.Name + wordsNoDuty}, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s现在值班的法律顾问：", o.Name)
	for _, x := range list {
		fmt.Fprintf(&b, "\n- %s %s", x.Person.Name, x.Person.Phone)
	}
	return bot.Reply{Text: b.String()}, nil
}

// askAdviser hands a case to the adviser on duty.
func (r *Router) askAdviser(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, to, err := r.d.Cases.AskAdviser(ctx, p, a.no, string(t.message.Chat)+"#"+t.message.ID)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("%s 已派给值班法律顾问%s。一个工作日内没有回应，会自动转给下一位。", c.No, to.Name)}, nil
}

// clerk says whether a person works at the desk.
func clerk(p office.Person) bool { return p.Has(office.Clerk) || p.Has(office.Admin) }

func (r *Router) callList(ctx context.Context, _ *turn, p office.Person, _ []string) (bot.Reply, error) {
	if !clerk(p) {
		return bot.Reply{Text: wordsNotHere}, nil
	}
	list, err := r.d.Cases.CallList(ctx, p, callAfter)
	if err != nil || len(list) == 0 {
		return bot.Reply{Text: "没有要打电话的：答复了的都取走了。"}, err
	}
	return bot.Reply{Text: fmt.Sprintf("答复了一天还没人取的 %d 件，请打电话：%s\n回“看 编号”看电话。", len(list), lines(list[:min(len(list), 8)]))}, nil
}

func (r *Router) alerts(ctx context.Context, _ *turn, p office.Person, _ []string) (bot.Reply, error) {
	if !clerk(p) {
		return bot.Reply{Text: wordsNotHere}, nil
	}
	list, err := r.d.Cases.Alerts(ctx, p)
	if err != nil || len(list) == 0 {
		return bot.Reply{Text: "没有预警。"}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "预警 %d 条：", len(list))
	for _, a := range list[:min(len(list), maxAlerts)] {
		b.WriteString("\n- " + a.Text())
	}
	return bot.Reply{Text: b.String()}, nil
}

func (r *Router) firms(ctx context.Context, _ *turn, p office.Person, _ []string) (bot.Reply, error) {
	if !clerk(p) {
		return bot.Reply{Text: wordsNotHere}, nil
	}
	list, n, err := r.d.Cases.Cases(ctx, p, office.CaseFilter{Matter: "firm", Open: true, Limit: 8})
	if err != nil || n == 0 {
		return bot.Reply{Text: "没有待办的涉企件。"}, err
	}
	return bot.Reply{Text: fmt.Sprintf("涉企待办 %d 件：%s", n, lines(list))}, nil
}

// complain begins a complaint about the bot: a case with its own clock.
func (r *Router) complain(ctx context.Context, t *turn, _ office.Person, _ []string) (bot.Reply, error) {
	ok, err := r.d.Cases.Receives(ctx)
	if err != nil || !ok {
		return bot.Reply{Text: "对不住您。" + wordsHuman + r.people(t.session.Area)}, err
	}
	return r.begin(t, "case", map[string]string{"matter": kindComplaint, "parties": "本服务"}), nil
}

// complainOf asks of whom: the words alone fit everything and nothing.
func (r *Router) complainOf(context.Context, *turn, office.Person, []string) (bot.Reply, error) {
	return bot.Reply{Text: wordsWhom}, nil
}

// year is the days from the first of this year to today, of China.
func (r *Router) year() (from, to time.Time) {
	to = calendar.Day(r.d.Now())
	return time.Date(to.Year(), 1, 1, 0, 0, 0, 0, time.UTC), to
}

func (r *Router) ledger(ctx context.Context, _ *turn, p office.Person, _ []string) (bot.Reply, error) {
	if p.ID == 0 || p.Suspended {
		return bot.Reply{Text: wordsNotHere}, nil
	}
	from, to := r.year()
	l, err := r.d.Cases.Ledger(ctx, p, from, to)
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s今年的台账：代办 %d 件，答复 %d 件，学习 %d 周", p.Name, l.Filed, l.Handled, l.Lessons)
	for _, k := range office.DeedKinds {
		if l.Kinds[k] > 0 && k != "学习" {
			fmt.Fprintf(&b, "，%s %d 次", k, l.Kinds[k])
		}
	}
	fmt.Fprintf(&b, "；共 %d 人、%d 分钟。", l.People, l.Minutes)
	for _, d := range l.Latest {
		fmt.Fprintf(&b, "\n- %s %s %s", d.Day, d.Kind, d.Note)
	}
	b.WriteString("\n记一笔：回“记台账 走访 3人 60分钟 内容”。")
	return bot.Reply{Text: b.String()}, nil
}

func (r *Router) addDeed(ctx context.Context, t *turn, p office.Person, m []string) (bot.Reply, error) {
	d := office.Deed{Person: p, Kind: m[1], Note: idNumbers.ReplaceAllString(m[4], "（证件号不用写）")}
	d.People, _ = strconv.Atoi(m[2])  // digits or nothing
	d.Minutes, _ = strconv.Atoi(m[3]) // as above
	if err := r.d.Cases.AddDeed(ctx, d, "chat "+string(t.message.Chat)+"#"+t.message.ID); err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("记好了：%s，%d 人，%d 分钟。回“我的台账”看合计。", d.Kind, d.People, d.Minutes)}, nil
}
