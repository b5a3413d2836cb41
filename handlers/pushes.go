package handlers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mingbai/bot"
	"mingbai/office"
)

// What people say about published items.
var (
	subscribeLine   = regexp.MustCompile(`^[/／]?(?:我要|我想)?(订阅|退订)(?:普法)?[:：\s]*([\p{Han}、，, ]{0,40})[。！!]*$`)
	wishesLine      = regexp.MustCompile(`^[/／]?(?:我的订阅|我订阅了什么|订阅了什么)[。？?！!]*$`)
	todayLine       = regexp.MustCompile(`^[/／]?(?:看看?)?(?:今日普法|每日普法|今天普法)[:：\s]*([0-9]{0,2})[。！!]*$`)
	pushLine        = regexp.MustCompile(`^[/／]?(推送|看稿|通过|退回|撤回内容|停发|恢复发送)(?:[:：\s]*([0-9]{1,9}))?(?:[:：，,\s]+([\s\S]*))?[。！!]*$`)
	pickSubscribe   = "subscribe:"
	everything      = "全部"
	subscribeChoice = []string{everything, "乡村", "社区", "企业", "学校", "老年人", "农民工", "妇女"}
)

// maxToday is how many items 今日普法 lists.
const maxToday = 5

// pushes answers what is said about published items. false: it is none of it.
func (r *Router) pushes(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	if r.d.Cases == nil {
		return bot.Reply{}, false, nil
	}
	var reply bot.Reply
	var err error
	switch {
	case wishesLine.MatchString(text):
		reply, err = r.wishes(ctx, office.Account(t.message.Chat))
	case todayLine.MatchString(text):
		reply, err = r.today(ctx, t, todayLine.FindStringSubmatch(text)[1])
	case subscribeLine.MatchString(text):
		m := subscribeLine.FindStringSubmatch(text)
		if r.otherMatter(m[2]) {
			return bot.Reply{}, false, nil
		}
		reply, err = r.subscribe(ctx, t, m[1] == "退订", strings.TrimSpace(m[2]))
	case pushLine.MatchString(text):
		m := pushLine.FindStringSubmatch(text)
		if m[2] == "" && m[3] == "" && m[1] != "推送" && m[1] != "停发" && m[1] != "恢复发送" {
			return bot.Reply{}, false, nil // "通过" alone is an answer to something else
		}
		if m[1] == "停发" && stoppedPay.MatchString(m[3]) {
			return bot.Reply{}, false, nil
		}
		p, findErr := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
		if findErr != nil {
			return bot.Reply{}, true, findErr
		}
		if !p.MayPublish() {
			if m[1] != "推送" || m[3] != "" {
				return bot.Reply{}, false, nil
			}
			return bot.Reply{Text: "“推送”是普法干部用的。想收普法内容，回“订阅”；想看今天的，回“今日普法”。"}, true, nil
		}
		reply, err = r.pushDesk(ctx, t, p, m[1], m[2], strings.TrimSpace(m[3]))
	default:
		return bot.Reply{}, false, nil
	}
	return excuse(reply, true, err)
}

// stoppedPay is what may be stopped other than messages: a question.
var stoppedPay = regexp.MustCompile(`工资|薪|补贴|低保|养老|社保|抚恤|生活费|奖金|怎么办|合法吗|违法|[?？]`)

// otherMatter says that what follows "订阅" or "退订" is no list of wishes but
// part of a question: "退订套餐被扣费怎么办".
func (r *Router) otherMatter(what string) bool {
	what = strings.TrimSpace(what)
	if len([]rune(what)) <= 6 {
		return false
	}
	first, _, _ := strings.Cut(strings.NewReplacer("，", "、", ",", "、", " ", "、").Replace(what), "、")
	_, _, ok := r.wishNamed(first)
	return !ok
}

// wishNamed finds what somebody may subscribe to by what people call it: an
// audience, or a domain of the knowledge base.
func (r *Router) wishNamed(name string) (key, label string, ok bool) {
	switch {
	case name == everything || name == "所有":
		return "", everything, true
	case slices.Contains(office.Audiences, name):
		return name, name, true
	}
	for _, d := range r.d.Base.Domains() {
		if d.Name == name || len([]rune(name)) >= 2 && strings.Contains(d.Name, name) {
			return d.ID, d.Name, true
		}
	}
	return "", "", false
}

// wishLabel is what people call a wish.
func (r *Router) wishLabel(key string) string {
	if key == "" {
		return everything
	}
	for _, d := range r.d.Base.Domains() {
		if d.ID == key {
			return d.Name
		}
	}
	if name := r.d.Base.Topic(key); name != "" {
		return name
	}
	return key
}

// subscribe begins or ends subscriptions.
func (r *Router) subscribe(ctx context.Context, t *turn, end bool, what string) (bot.Reply, error) {
	t.session.Menu = nil
	if inGroup(t.message) {
		return r.groupSubscription(ctx, t, end, what)
	}
	a := office.Account(t.message.Chat)
	names := strings.FieldsFunc(what, func(c rune) bool { return strings.ContainsRune("、，, ", c) })
	switch {
	case len(names) == 0 && !end:
		return r.subscribeMenu(t), nil
	case len(names) == 0:
		return r.endSubscription(ctx, a)
	}
	return r.setWishes(ctx, a, names, end)
}

// setWishes begins or ends the wishes of these names.
func (r *Router) setWishes(ctx context.Context, a office.Account, names []string, end bool) (bot.Reply, error) {
	for _, n := range names {
		if _, _, ok := r.wishNamed(n); !ok {
			return bot.Reply{Text: fmt.Sprintf("没有“%s”这一类。回“订阅”看可以订什么。", n)}, nil
		}
	}
	for _, n := range names {
		key, _, _ := r.wishNamed(n)
		var err error
		if end {
			err = r.d.Cases.Unsubscribe(ctx, a, key, n == everything)
		} else {
			err = r.d.Cases.Subscribe(ctx, a, key)
		}
		if err != nil {
			return bot.Reply{}, err
		}
	}
	return r.wishes(ctx, a)
}

func (r *Router) subscribeMenu(t *turn) bot.Reply {
	menu := &bot.Menu{Kind: menuNext}
	for _, c := range subscribeChoice {
		menu.Choices = append(menu.Choices, bot.Choice{Label: c, Value: pickSubscribe + c})
	}
	t.session.Menu = menu
	var domains []string
	for _, d := range r.d.Base.Domains() {
		domains = append(domains, d.Name)
	}
	return bot.Reply{Text: "想收哪一类普法内容？回复数字，或直接回“订阅 名称”。每天最多发一条，晚上不发，随时回“退订”。\n" +
		"还可以按事情订：" + strings.Join(domains, "、") + "。", Choices: labels(menu)}
}

func (r *Router) endSubscription(ctx context.Context, a office.Account) (bot.Reply, error) {
	list, _, err := r.d.Cases.Wishes(ctx, a)
	if err != nil {
		return bot.Reply{}, err
	}
	if err := r.d.Cases.Unsubscribe(ctx, a, "", true); err != nil {
		return bot.Reply{}, err
	}
	if len(list) == 0 {
		return bot.Reply{Text: "您没有订阅。想收普法内容，回“订阅”。"}, nil
	}
	return bot.Reply{Text: "已全部退订，不再发给您。想看随时回“今日普法”。"}, nil
}

// wishes says what an address is subscribed to.
func (r *Router) wishes(ctx context.Context, a office.Account) (bot.Reply, error) {
	list, stopped, err := r.d.Cases.Wishes(ctx, a)
	if err != nil {
		return bot.Reply{}, err
	}
	if len(list) == 0 {
		out := "没有订阅。想收普法内容，回“订阅”；想看今天的，回“今日普法”。"
		if stopped != "" {
			out = "订阅已经停了：" + office.DeliveryCode(stopped) + "。在 QQ 里打开机器人的消息推送后，再回“订阅”就恢复。"
		}
		return bot.Reply{Text: out}, nil
	}
	var names []string
	for _, key := range list {
		names = append(names, r.wishLabel(key))
	}
	out := "订阅了：" + strings.Join(names, "、") + "。每天最多一条，晚上不发。退订回“退订 名称”，全退回“退订”。"
	if !strings.HasPrefix(string(a), "qq/") {
		out += "\n这里没法主动发给您，每次来回“今日普法”就能看到。"
	}
	return bot.Reply{Text: out}, nil
}

// today shows what was published lately of what somebody wants to read.
func (r *Router) today(ctx context.Context, t *turn, pick string) (bot.Reply, error) {
	list, err := r.d.Cases.Today(ctx, office.Account(t.message.Chat), maxToday)
	if err != nil {
		return bot.Reply{}, err
	}
	n, _ := strconv.Atoi(pick)
	if n == 0 {
		n = 1
	}
	if len(list) == 0 {
		return bot.Reply{Text: "还没有发布过普法内容。有法律问题可以直接问我。"}, nil
	}
	if n > len(list) {
		return bot.Reply{Text: fmt.Sprintf("只有 %d 条，回“今日普法 1”到“今日普法 %d”。", len(list), len(list))}, nil
	}
	x, err := r.d.Cases.PublishedPiece(ctx, list[n-1].ID)
	if err != nil {
		return bot.Reply{}, err
	}
	if err := r.d.Cases.CountPiece(ctx, x.Piece, office.CountPulled, t.session.Area, 1); err != nil {
		r.d.Log.Warn("a pull was not counted", "err", err)
	}
	place := office.Places[1]
	if inGroup(t.message) {
		place = office.Places[2]
	}
	var b strings.Builder
	b.WriteString(x.Words(place, x.Approver, ""))
	for i, it := range list {
		if i != n-1 {
			fmt.Fprintf(&b, "\n回“今日普法 %d”看：%s", i+1, it.Newest.Title)
		}
	}
	return bot.Reply{Text: b.String()}, nil
}

// pushDesk is where officers decide by chat.
func (r *Router) pushDesk(ctx context.Context, t *turn, p office.Person, verb, no, rest string) (bot.Reply, error) {
	id, _ := strconv.ParseInt(no, 10, 64)
	if inGroup(t.message) {
		return bot.Reply{Text: "这一项请在和我的私聊里办。"}, nil
	}
	switch {
	case verb == "停发":
		if rest == "" {
			rest = no
		}
		if err := r.d.Cases.StopAll(ctx, p, true, rest); err != nil {
			return bot.Reply{}, err
		}
		return bot.Reply{Text: "已停发：计划不再触发，排着的也不再发给人；撤回和更正照发。恢复回“恢复发送”。"}, nil
	case verb == "恢复发送":
		if err := r.d.Cases.StopAll(ctx, p, false, ""); err != nil {
			return bot.Reply{}, err
		}
		return bot.Reply{Text: "已恢复发送。停发期间错过的，按各计划的补发办法处理。"}, nil
	case id == 0:
		return r.pushList(ctx, p)
	case verb == "看稿", verb == "推送" && rest == "":
		return r.showPiece(ctx, p, id, verb == "推送")
	case verb == "推送":
		return r.planPiece(ctx, p, id, rest)
	case verb == "通过":
		seen, _ := strconv.Atoi(strings.Trim(rest, "第版 "))
		it, v, err := r.d.Cases.Approve(ctx, p, id, seen, r.d.Check)
		if err != nil {
			return bot.Reply{}, findings(err, v)
		}
		return bot.Reply{Text: fmt.Sprintf("《%s》第 %d 版通过了。发布回“推送 %d 每周一上午九点”这样的时间。", it.Newest.Title, it.Approved, id)}, nil
	case verb == "退回":
		it, err := r.d.Cases.Return(ctx, p, id, rest)
		if err != nil {
			return bot.Reply{}, err
		}
		return bot.Reply{Text: fmt.Sprintf("《%s》已退回修改，作者会看到原因。", it.Newest.Title)}, nil
	}
	it, err := r.d.Cases.Recall(ctx, p, id, rest)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("《%s》已撤回：网页撤下，收到过的人会收到更正。", it.Newest.Title)}, nil
}

// findings adds what the check found to a refusal.
func findings(err error, v office.Verdict) error {
	var e *office.Error
	if !errors.As(err, &e) || len(v.Findings) == 0 {
		return err
	}
	var b strings.Builder
	b.WriteString(e.Msg)
	for _, f := range v.Findings {
		if f.Stops && !strings.Contains(e.Msg, f.Msg) {
			b.WriteString("\n- " + f.Rule + "：" + f.Msg)
		}
	}
	return &office.Error{Kind: e.Kind, Msg: b.String(), Err: e.Err}
}

// pushList shows what waits for a reviewer and what can be planned, of the person's
// own places.
func (r *Router) pushList(ctx context.Context, p office.Person) (bot.Reply, error) {
	var b strings.Builder
	if why, is, err := r.d.Cases.Stopped(ctx); err != nil {
		return bot.Reply{}, err
	} else if is {
		b.WriteString("现在停发中（" + why + "）。\n")
	}
	for _, part := range []struct {
		lead   string
		states []office.PieceState
	}{
		{"等审的（先“看稿 编号”，再“通过 编号”或“退回 编号 原因”）：", []office.PieceState{office.PieceReview}},
		{"可以排期的（“推送 编号 时间”，例如“推送 3 每周一上午九点”）：", []office.PieceState{office.PieceApproved}},
	} {
		list, n, err := r.d.Cases.Pieces(ctx, office.PieceFilter{States: part.states, For: &p, Limit: 8})
		if err != nil {
			return bot.Reply{}, err
		}
		if n == 0 {
			continue
		}
		b.WriteString(part.lead)
		for _, it := range list {
			fmt.Fprintf(&b, "\n- %d 《%s》第 %d 版，%s", it.ID, it.Newest.Title, it.Newest.Version, it.Newest.By)
		}
		if n > len(list) {
			fmt.Fprintf(&b, "\n……共 %d 条", n)
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return bot.Reply{Text: "没有等审的，也没有可以排期的。内容在后台写，或用 mingbai content 命令。"}, nil
	}
	return bot.Reply{Text: strings.TrimSpace(b.String())}, nil
}

// pieceFor reads an item of the person's own places; one of elsewhere is not there.
func (r *Router) pieceFor(ctx context.Context, p office.Person, id int64) (office.Piece, error) {
	it, err := r.d.Cases.Piece(ctx, id)
	if err == nil && !p.Covers(it.Path(), office.Officer, office.Admin) {
		return office.Piece{}, &office.Error{Kind: office.NotFound, Msg: fmt.Sprintf("没有编号 %d 的内容。", id)}
	}
	return it, err
}

// showPiece shows an item as its readers will see it, with what the check found.
func (r *Router) showPiece(ctx context.Context, p office.Person, id int64, plan bool) (bot.Reply, error) {
	it, err := r.pieceFor(ctx, p, id)
	if err != nil {
		return bot.Reply{}, err
	}
	v, err := office.Review(ctx, it.Newest, r.d.Check, r.d.Now())
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "编号 %d，%s，第 %d 版，给：%s\n", it.ID, it.State.Name(), it.Newest.Version, strings.Join(it.Newest.Audience, "、"))
	b.WriteString(it.Newest.Words(office.Places[1], "（待审）", ""))
	for _, f := range v.Findings {
		b.WriteString("\n· " + f.Rule + "：" + f.Msg)
	}
	next := it.Next(p)
	switch {
	case slices.Contains(next, "approve"):
		fmt.Fprintf(&b, "\n没问题回“通过 %d %d”，要改回“退回 %d 原因”。", id, it.Newest.Version, id)
	case slices.Contains(next, "plan") && plan:
		fmt.Fprintf(&b, "\n什么时候发？回“推送 %d 12月4日上午9点”或“推送 %d 每周一上午九点”。", id, id)
	}
	return bot.Reply{Text: b.String()}, nil
}

// planPiece puts an approved item on a plan in plain words.
func (r *Router) planPiece(ctx context.Context, p office.Person, id int64, when string) (bot.Reply, error) {
	it, err := r.pieceFor(ctx, p, id)
	if err != nil {
		return bot.Reply{}, err
	}
	name := []rune(it.Newest.Title)
	plan, err := r.d.Cases.AddPlan(ctx, p, office.Plan{Name: string(name[:min(len(name), 20)]), Spec: when, Pieces: []int64{id}})
	if err != nil {
		return bot.Reply{}, err
	}
	slots, err := r.d.Cases.Upcoming(ctx, plan, 5)
	if err != nil { // the plan stands: to fail now would have it made again
		r.d.Log.Warn("the times of a plan are not shown", "plan", plan.ID, "err", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "《%s》排好了（计划 %d）。发布时间：", it.Newest.Title, plan.ID)
	for _, s := range slots {
		fmt.Fprintf(&b, "\n- %s %s", office.TimeName(s.At), s.Mark)
	}
	b.WriteString("\n到点发布到网页、推送接口和订阅的人。有问题回“停发 原因”。")
	return bot.Reply{Text: b.String()}, nil
}

// aboutSubscription begins what a door from a group leads to when the group is to
// be subscribed: "subscribe qq/group/… 乡村".
const aboutSubscription = "subscribe "

// groupSubscription gives the code with which an officer, a 网格员 or a 法律明白人
// subscribes the group from their private chat: a group does not show who in it
// is what.
func (r *Router) groupSubscription(ctx context.Context, t *turn, end bool, what string) (bot.Reply, error) {
	if r.d.Codes == nil {
		return bot.Reply{Text: "这里不能订阅，请在和我的私聊里订。"}, nil
	}
	verb := "+"
	if end {
		verb = "-"
	}
	if what == "" {
		what = everything
	}
	if _, _, ok := r.wishNamed(what); !ok {
		return bot.Reply{Text: fmt.Sprintf("没有“%s”这一类；可以是：%s。", what, strings.Join(subscribeChoice, "、"))}, nil
	}
	code, err := r.d.Codes.Door(ctx, aboutSubscription+string(t.message.Chat)+" "+verb+what)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("群里的订阅由普法干部、网格员或法律明白人来定：请他在和我的私聊里回“私聊码 %s”（30 分钟内有效）。群主还要在机器人资料里打开“主动消息”。", code)}, nil
}

// enteredSubscription subscribes the group that a code came from. false: the code
// is about something else.
func (r *Router) enteredSubscription(ctx context.Context, t *turn, about string) (bot.Reply, bool, error) {
	rest, ok := strings.CutPrefix(about, aboutSubscription)
	if !ok {
		return bot.Reply{}, false, nil
	}
	if r.d.Cases == nil {
		return bot.Reply{Text: wordsDoorGone}, true, nil
	}
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, true, err
	}
	if !p.MayPublish() && !p.Has(office.Grid) && !p.Has(office.Helper) {
		return bot.Reply{Text: "群里的订阅要由绑定了身份的普法干部、网格员或法律明白人来定。"}, true, nil
	}
	group, what, _ := strings.Cut(rest, " ")
	reply, err := r.setWishes(ctx, office.Account(group), []string{strings.TrimLeft(what, "+-")}, strings.HasPrefix(what, "-"))
	reply.Text = "这个群现在：" + reply.Text
	reply, _, err = excuse(reply, true, err)
	return reply, true, err
}
