package handlers

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"mingbai/bot"
	"mingbai/office"
)

// caseCommand is one row of what people say about cases. Only what begins with
// one of its words and goes on with a number, or with nothing, is a command.
type caseCommand struct {
	words  []string
	number bool // a case's number or a code follows
	told   bool // what happened may follow
	run    func(r *Router, ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error)
}

// caseArgs is what stands behind a command's word.
type caseArgs struct {
	verb string // the word
	no   string // number or code; "" if none
	rest string
}

// caseCommands is the table. Steps of office.Moves follow it.
func caseCommands() []caseCommand {
	return []caseCommand{
		{[]string{"上报", "我要上报", "我想上报"}, false, true, (*Router).report},
		{[]string{"代办", "帮老乡上报"}, false, false, startForm("proxy", office.ViaHelper)},
		{[]string{"网格上报", "苗头"}, false, true, startForm("lead", office.ViaGrid)},
		{[]string{"登记"}, false, false, startForm("desk", office.ViaDesk)},
		{[]string{"同意代办"}, false, false, (*Router).proxyConsent},
		{[]string{"我是谁", "我的身份"}, false, false, (*Router).whoami},
		{[]string{"退出身份"}, false, false, (*Router).unbindPerson},
		{[]string{"待办", "我的待办"}, false, false, (*Router).todo},
		{[]string{"查进度", "进度", "我的事项", "我要查进度", "我想查进度", "查一下进度"}, false, false, (*Router).myCases},
		{[]string{"查进度", "进度", "查", "看", "取件码", "取件"}, true, false, (*Router).show},
		{[]string{"评价"}, true, false, (*Router).rateCase},
		{[]string{"分享", "不分享"}, true, false, (*Router).share},
		{[]string{"收回聊天", "删聊天"}, true, false, (*Router).dropTalk},
		{[]string{"找顾问", "转顾问", "派顾问"}, true, false, (*Router).askAdviser},
		{[]string{"调解记录"}, true, false, (*Router).meeting},
		{[]string{"调解结果"}, true, false, (*Router).outcome},
		{[]string{"协议书"}, true, false, (*Router).agreement},
	}
}

var (
	caseLine = regexp.MustCompile(`^[/／]?(\p{Han}{1,5})[:：\s]*([0-9]{4}[-－—][\p{Han}A-Za-z0-9]{1,6}[-－—][0-9]{1,6}|[0-9A-Za-z]{4}[-－— ]?[0-9A-Za-z]{4}|[0-9]{1,6})?(?:[号件]|\s|[，,。:：]|$)+([\s\S]*)$`)
	// by hand, or by the link of an invitation, which comes in as these words
	personInvited = regexp.MustCompile(`^邀请[:：\s]*([0-9A-Za-z]{5}[-－— ]?[0-9A-Za-z]{5})$`)
	personBind    = regexp.MustCompile(`^[/／]?绑定[:：\s]*([0-9A-Za-z]{5}[-－— ]?[0-9A-Za-z]{5})$`)
	caseNo        = regexp.MustCompile(`^([0-9]{4}-.+-[0-9]+|[0-9]{1,6})$`)
)

// cases answers what is said about cases: an open form first, then commands.
// false: it is none of it.
func (r *Router) cases(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	if r.d.Cases == nil {
		return bot.Reply{}, false, nil
	}
	if reply, ok, err := r.privacy(ctx, t, text); ok || err != nil {
		return excuse(reply, true, err)
	}
	if s := t.session.Form; s != nil && s.Name == lessonForm {
		reply, ok, err := r.learn(ctx, t, text)
		if ok || err != nil {
			return excuse(reply, true, err)
		}
	}
	if t.session.Form == nil {
		if reply, ok, err := r.work(ctx, t, text); ok || err != nil {
			return excuse(reply, true, err)
		}
	}
	if t.session.Form != nil {
		reply, ok, err := r.fill(ctx, t, text)
		if ok || err != nil {
			return excuse(reply, true, err)
		}
	}
	if m := personBind.FindStringSubmatch(text); m != nil {
		reply, err := r.bindPerson(ctx, t, m[1])
		return excuse(reply, true, err)
	}
	if m := personInvited.FindStringSubmatch(text); m != nil {
		reply, err := r.invited(ctx, t, m[1])
		return excuse(reply, true, err)
	}
	if reply, ok, err := r.mine(ctx, t, text); ok || err != nil {
		return excuse(reply, true, err)
	}
	m := caseLine.FindStringSubmatch(text)
	if m == nil {
		return bot.Reply{}, false, nil
	}
	a := caseArgs{verb: m[1], no: strings.NewReplacer("－", "-", "—", "-", " ", "").Replace(m[2]), rest: strings.TrimSpace(m[3])}
	run := commandFor(a)
	if run == nil {
		return bot.Reply{}, false, nil
	}
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, true, err
	}
	v, first := r.d.Safety.Check(a.rest, t.session.Urgent)
	reports := v.Kind == KindUrgent && t.session.Urgent == "" && (p.Has(office.Grid) || p.Has(office.Helper) || p.Has(office.Clerk))
	if first && a.no == "" && !reports {
		return bot.Reply{}, false, nil // help comes before any form
	}
	t.session.Menu = nil
	reply, err := run(r, ctx, t, p, a)
	if f := t.session.Form; reports && err == nil && f != nil { // of somebody else: it must reach the office
		reply.Text = inDanger(f, v) + reply.Text
	}
	return excuse(reply, true, err)
}

func commandFor(a caseArgs) func(*Router, context.Context, *turn, office.Person, caseArgs) (bot.Reply, error) {
	for _, c := range caseCommands() {
		for _, w := range c.words {
			if w == a.verb && c.number == (a.no != "") && (c.number || c.told || a.rest == "") {
				return c.run
			}
		}
	}
	if a.no == "" || !caseNo.MatchString(a.no) {
		return nil
	}
	for _, m := range office.Moves {
		if m.Name == a.verb || a.verb == "办结" && m.Verb == "archive" {
			return (*Router).act
		}
	}
	return nil
}

// excuse turns a refusal of the records into words; that they cannot be reached
// is said, and logged, further up.
func excuse(reply bot.Reply, ok bool, err error) (bot.Reply, bool, error) {
	if words := office.Words(err); words != "" && office.KindOf(err) != office.Unavailable {
		return bot.Reply{Text: words}, ok, nil
	}
	return reply, ok, err
}

// report opens the form that fits the person: residents for themselves, grid
// members what they saw, helpers for a resident, clerks what is said at the desk.
func (r *Router) report(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	switch {
	case p.Has(office.Grid):
		return startForm("lead", office.ViaGrid)(r, ctx, t, p, a)
	case p.Has(office.Helper):
		return startForm("proxy", office.ViaHelper)(r, ctx, t, p, a)
	case p.Has(office.Clerk):
		return startForm("desk", office.ViaDesk)(r, ctx, t, p, a)
	}
	return r.handOver(ctx, t, told(a.rest))
}

// told is what stood behind a command's word, if it is enough for a story.
func told(rest string) string {
	if rest = idNumbers.ReplaceAllString(rest, "（证件或卡号不用写）"); utf8.RuneCountInString(rest) >= 4 {
		return rest
	}
	return ""
}

// startForm checks that the person may, before the first question is asked.
func startForm(name, via string) func(*Router, context.Context, *turn, office.Person, caseArgs) (bot.Reply, error) {
	return func(r *Router, ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
		if err := office.MayOpen(p, via); err != nil {
			return bot.Reply{}, err
		}
		if ok, err := r.d.Cases.Receives(ctx); err != nil || !ok {
			return bot.Reply{Text: wordsHuman + r.people(t.session.Area)}, err
		}
		return r.begin(t, name, map[string]string{"story": told(a.rest)}), nil
	}
}

// human hands the conversation over: a form that becomes a case, if there is
// somebody to receive it; else it says who can be called.
func (r *Router) human(ctx context.Context, t *turn) (bot.Reply, error) {
	return r.handOver(ctx, t, "")
}

// handOver is human with a story that was told just now.
func (r *Router) handOver(ctx context.Context, t *turn, story string) (bot.Reply, error) {
	t.session.Asked = 0
	if r.d.Cases != nil && !inGroup(t.message) && !alone(t.message) {
		ok, err := r.d.Cases.Receives(ctx)
		if err != nil {
			r.d.Log.Warn("cannot tell whether cases are received", "err", err)
		}
		if ok {
			if story == "" {
				story = said(t)
			}
			known := map[string]string{"story": story, "place": t.session.Area}
			if t.session.Urgent != "" {
				known[keyDanger] = "1"
			}
			return r.begin(t, "case", known), nil
		}
	}
	return bot.Reply{Text: wordsHuman + r.people(t.session.Area)}, nil
}

// said is what the person told so far, so that they need not tell it again.
func said(t *turn) string {
	var parts []string
	for _, past := range t.session.Turns {
		if ofMatter(past) {
			parts = append(parts, strings.TrimSpace(past.Text))
		}
	}
	parts = parts[max(0, len(parts)-4):]
	text := idNumbers.ReplaceAllString(strings.Join(parts, "；"), "（证件或卡号不用写）")
	if r := []rune(text); len(r) > 800 {
		text = string(r[:800])
	}
	if utf8.RuneCountInString(text) < 6 {
		return ""
	}
	return text
}

// submit hands the confirmed card in.
func (r *Router) submit(ctx context.Context, t *turn, f form) (bot.Reply, error) {
	if f.name == formLecture {
		return r.orderLecture(ctx, t)
	}
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, err
	}
	v := t.session.Form.Fields
	d := office.Draft{
		Request: string(t.message.Chat) + "#" + t.message.ID, Via: f.via, Matter: matterOf(v["matter"]), Name: v["name"], Phone: v["phone"],
		Place: v["place"], Parties: v["parties"], Story: v["story"], Wish: v["wish"], Consent: v["consent"],
		Danger: v[keyDanger] != "", Minor: v[keyMinor] != "",
	}
	d.Topic, d.Limit = r.topicOf(d.Story), r.limitOf(ctx, t, d.Story)
	if talked(v) && v[keyTalk] == talkYes {
		d.Talk = r.talk(t)
	}
	if f.via == office.ViaGrid {
		d.Matter, d.Danger = "lead", d.Danger || v["wish"] == "有人可能受伤害"
		d.Wish = "风险：" + v["wish"]
	}
	o, err := r.d.Cases.OpenCase(ctx, p, d)
	if office.KindOf(err) == office.Invalid && err != nil && f.via == office.ViaHelper {
		t.session.Form.Step, t.session.Form.Fields[keyCard] = 0, "1"
	}
	if err != nil {
		return bot.Reply{}, err
	}
	t.session.Form = nil
	t.handed()
	reply := bot.Reply{Text: opened(o, f.via)}
	if len(d.Talk) > 0 && !o.Repeat {
		reply.Text += fmt.Sprintf("\n聊天一起交了。想收回，随时回“收回聊天 %s”。", o.Case.No)
	}
	return reply, nil
}

// opened tells the number, when there will be an answer and how to get it.
func opened(o office.Opened, via string) string {
	c := o.Case
	var b strings.Builder
	if o.Repeat {
		fmt.Fprintf(&b, "这件事之前已经登记过，还是原来的编号 %s，现在是“%s”。", c.No, c.State.Name())
	} else {
		fmt.Fprintf(&b, "已登记，编号 %s。", c.No)
	}
	if c.State.Open() {
		if c.Urgency == office.Safety {
			fmt.Fprintf(&b, "最迟 %s 答复；已按急件通知值班人员。有危险先打 110", c.Promised.In(chinaZone).Format("1月2日 15:04"))
		} else {
			fmt.Fprintf(&b, "最迟 %s 答复", c.Promised.In(chinaZone).Format("1月2日"))
		}
		if c.Urgency == office.Limit {
			b.WriteString("；按您说的日子，法定期限可能七天内就到，已按急件转交。别只等答复：期限内先把申请或诉状交上去，拿不准马上打 12348")
		}
		b.WriteString("。")
		if !o.Exact {
			b.WriteString("（那一年的放假安排还没公布，日期可能会变。）")
		}
	}
	switch via {
	case office.ViaHelper:
		fmt.Fprintf(&b, "\n取件码已经发给本人。您可以回“查进度 %s”看办到哪一步。", c.No)
	case office.ViaGrid:
		fmt.Fprintf(&b, "\n您可以回“查进度 %s”看办到哪一步。", c.No)
	default:
		fmt.Fprintf(&b, "\n取件码 %s（别给别人）：换了手机、换到网页，凭它都能查。\n有答复我会告诉您；也可以随时回“查进度 %s”。", o.Code, c.No)
	}
	if n := office.MatterOf(c.Matter).Note; n != "" && via == office.ViaResident {
		b.WriteString("\n提示：" + n)
	}
	return b.String()
}

func (r *Router) bindPerson(ctx context.Context, t *turn, code string) (bot.Reply, error) {
	p, err := r.d.Cases.Bind(ctx, office.Account(t.message.From), code)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: "绑定好了。" + greeting(p)}, nil
}

// invited says whom an invitation is for and asks before it binds anybody: a
// link may have been passed on.
func (r *Router) invited(ctx context.Context, t *turn, typed string) (bot.Reply, error) {
	p, err := r.d.Cases.Invited(ctx, office.Account(t.message.From), typed)
	if err != nil {
		return bot.Reply{}, err
	}
	now, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, err
	}
	code := office.CleanCode(typed)
	var b strings.Builder
	fmt.Fprintf(&b, "这是发给 %s（%s）的邀请。是您本人，就回“1”确认绑定，以后在这里用这个身份办事；也可以发“绑定 %s-%s”。", p.Name, postNames(p), code[:5], code[5:])
	if now.ID != 0 && now.ID != p.ID {
		fmt.Fprintf(&b, "\n这里现在绑的是 %s，确认后换成 %s。", now.Name, p.Name)
	}
	b.WriteString("\n不是您，回“2”，不会绑定；不绑定也能直接问我法律问题。")
	menu := &bot.Menu{Kind: menuNext, Choices: []bot.Choice{{Label: "确认绑定", Value: pickBind + code}, {Label: "不是我", Value: pickLeave}}}
	t.session.Menu = menu
	return bot.Reply{Text: b.String(), Choices: labels(menu)}, nil
}

func postNames(p office.Person) string {
	var posts []string
	for _, q := range p.Posts {
		posts = append(posts, q.Org.Name+q.Name)
	}
	return strings.Join(posts, "、")
}

func greeting(p office.Person) string {
	var can []string
	for _, x := range []struct {
		role office.Role
		what string
	}{
		{office.Helper, "“代办”替老乡上报（要本人同意码）"}, {office.Grid, "“上报”报告看到的情况"}, {office.Clerk, "“待办”看要办的件，“受理 编号”“派单 编号 姓名”“答复 编号 内容”，“登记”记来访"},
		{office.Mediator, "“待办”看派给您的件，“办理 编号”“答复 编号 内容”"}, {office.Adviser, "“待办”看派给您的件"},
		{office.Officer, "“讲座待办”看讲座订单，“派讲 编号 讲师”派单"},
	} {
		if p.Has(x.role) {
			can = append(can, x.what)
		}
	}
	if can == nil {
		return fmt.Sprintf("您是%s（%s）。", p.Name, postNames(p))
	}
	return fmt.Sprintf("您是%s（%s）。可以回复：\n- %s", p.Name, postNames(p), strings.Join(can, "\n- "))
}

func (r *Router) whoami(_ context.Context, _ *turn, p office.Person, _ caseArgs) (bot.Reply, error) {
	if p.ID == 0 || p.Suspended {
		return bot.Reply{Text: "这里没有绑定工作身份。您可以直接问法律问题，或回“人工”。"}, nil
	}
	return bot.Reply{Text: greeting(p)}, nil
}

func (r *Router) unbindPerson(ctx context.Context, t *turn, p office.Person, _ caseArgs) (bot.Reply, error) {
	if err := r.d.Cases.Unbind(ctx, "person "+strconv.FormatInt(p.ID, 10), office.Account(t.message.From)); err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: "这里不再是您的工作身份了。要用的时候请管理员再发一个邀请码。"}, nil
}

func (r *Router) proxyConsent(ctx context.Context, t *turn, p office.Person, _ caseArgs) (bot.Reply, error) {
	code, until, err := r.d.Cases.Consent(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("您的同意码是 %s，%s 前有效，只能用一次。\n告诉了谁，就等于同意他替您把这一件事报上来；他看得到办到哪一步，看不到给您的答复。不想办了就别给。", code, until.In(chinaZone).Format("15:04"))}, nil
}
