package handlers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// formLecture is the form with which a village, school or firm orders a lecture.
const formLecture = "lecture"

// Keys under which the form keeps the menu it offered: lines, and their ids.
const (
	keyMenu    = "_menu"
	keyMenuIDs = "_ids"
)

// maxMenu bounds the menu that one message shows.
const maxMenu = 20

var lectureFields = []field{
	{key: "item", label: "讲座", ask: "想听哪一个？回复数字：", from: keyMenu},
	{key: "when", label: "时间", ask: "什么时候？例如“12月8日上午9点”“下周三下午2点半”。", check: (*Router).checkWhen},
	{key: "heads", label: "人数", ask: "大约多少人听？", check: (*Router).checkHeads},
	{key: "unit", label: "单位和地点", ask: "哪个单位、在哪里？例如“城东街道三里村村委会”。"},
	{key: "contact", label: "联系人", ask: "联系人和电话？例如“张三 13800000000”。", check: (*Router).checkContact},
	{key: "wish", label: "要求", ask: "有什么要求吗（方言、大字、有没有投影）？没有就回“无”。", optional: true, max: 300},
}

var (
	lectureMenu    = regexp.MustCompile(`^[/／]?(?:我要|我想)?(?:点单普法|普法点单|点单|预约讲座|约讲座|订讲座|讲座菜单)[:：\s]*(\p{Han}{2,4})?[。！!]*$`)
	lectureLine    = regexp.MustCompile(`^[/／]?(派讲|改派讲师|接单|改期|同意改期|改约|谢绝|完成讲座|评讲座|取消讲座|看讲座)[:：\s]*(?:讲)?((?:[0-9]{4}[-－—])?[0-9]{1,6})(?:号|\s|[，,。:：]|$)+([\s\S]*)$`)
	lectureByCode  = regexp.MustCompile(`^[/／]?(同意改期|改约|评讲座|取消讲座|看讲座)[:：\s]*([0-9A-Za-z]{4}[-－—][0-9A-Za-z]{4})(?:\s|[，,。:：]|$)+([\s\S]*)$`)
	lectureMine    = regexp.MustCompile(`^[/／]?(我的讲座|讲座进度|讲座待办|讲座订单)[。！!]*$`)
	promptLine     = regexp.MustCompile(`^[/／]?普法反馈[:：\s]*([0-9]{1,6})[:：，,\s]+([\s\S]+)$`)
	contactPattern = regexp.MustCompile(`^(.*?)[\s，,、：:]*([0-9][0-9 \-]{6,19})$`)
)

// lectures answers what is said about ordered lectures. false: it is none of it.
func (r *Router) lectures(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	if r.d.Cases == nil {
		return bot.Reply{}, false, nil
	}
	run := func(f func(p office.Person) (bot.Reply, error)) (bot.Reply, bool, error) {
		p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
		if err != nil {
			return bot.Reply{}, true, err
		}
		t.session.Menu = nil
		reply, err := f(p)
		return excuse(reply, true, err)
	}
	if m := lectureMenu.FindStringSubmatch(text); m != nil {
		return run(func(p office.Person) (bot.Reply, error) { return r.lectureMenu(ctx, t, m[1]) })
	}
	if lectureMine.MatchString(text) {
		return run(func(p office.Person) (bot.Reply, error) { return r.myLectures(ctx, p) })
	}
	if m := promptLine.FindStringSubmatch(text); m != nil {
		return run(func(p office.Person) (bot.Reply, error) { return r.answerPrompt(ctx, p, m[1], m[2]) })
	}
	m, coded := lectureLine.FindStringSubmatch(text), false
	if m == nil {
		m, coded = lectureByCode.FindStringSubmatch(text), true
	}
	if m == nil {
		return bot.Reply{}, false, nil
	}
	a := caseArgs{verb: m[1], no: strings.NewReplacer("－", "-", "—", "-").Replace(m[2]), rest: strings.TrimSpace(m[3])}
	return run(func(p office.Person) (bot.Reply, error) {
		if a.verb == "看讲座" {
			return r.showLecture(ctx, p, a, coded)
		}
		return r.actLecture(ctx, t, p, a, coded)
	})
}

// lectureMenu shows the menu and opens the form.
func (r *Router) lectureMenu(ctx context.Context, t *turn, audience string) (bot.Reply, error) {
	if audience != "" && !slices.Contains(office.Audiences, audience) {
		return bot.Reply{Text: "可以看这几类的菜单：" + strings.Join(office.Audiences, "、") + "。例如“点单普法 学校”。"}, nil
	}
	list, err := r.d.Cases.Menu(ctx, audience, false)
	if err != nil {
		return bot.Reply{}, err
	}
	if len(list) == 0 {
		return bot.Reply{Text: "现在没有可以点的讲座。想请人来讲，" + r.people(t.session.Area)}, nil
	}
	var lines, ids []string
	for _, l := range list[:min(len(list), maxMenu)] {
		lines, ids = append(lines, l.Line()), append(ids, strconv.FormatInt(l.ID, 10))
	}
	reply := r.begin(t, formLecture, map[string]string{keyMenu: strings.Join(lines, "\n"), keyMenuIDs: strings.Join(ids, ";")})
	if audience == "" && len(list) > 6 {
		reply.Text += "\n（只看一类：退出后回“点单普法 学校”“点单普法 企业”。）"
	}
	return reply, nil
}

// pickedLecture gives the id of the lecture that was picked from the menu.
func pickedLecture(f map[string]string) int64 {
	i := slices.Index(strings.Split(f[keyMenu], "\n"), f["item"])
	ids := strings.Split(f[keyMenuIDs], ";")
	if i < 0 || i >= len(ids) {
		return 0
	}
	id, _ := strconv.ParseInt(ids[i], 10, 64)
	return id
}

func (r *Router) checkWhen(ctx context.Context, f map[string]string, v string) (string, string) {
	at, err := office.ParseWhen(v, r.d.Now())
	if err == nil {
		_, err = r.d.Cases.Bookable(ctx, pickedLecture(f), at)
	}
	if err != nil {
		return "", r.fault(err)
	}
	return office.TimeName(at), ""
}

// fault is what a person is told of an error while a form goes on.
func (r *Router) fault(err error) string {
	reply, _, err := excuse(bot.Reply{}, true, err)
	if err != nil {
		r.d.Log.Warn("a form's field could not be checked", "err", err)
		return "现在查不了，请过一会儿再试。"
	}
	return reply.Text
}

func (r *Router) checkHeads(_ context.Context, _ map[string]string, v string) (string, string) {
	n, err := strconv.Atoi(strings.Trim(knowledge.Normalize(v), "约大概左右多来个人名位 "))
	if err != nil || n < 1 {
		return "", "人数请写一个数字，例如 50。"
	}
	return strconv.Itoa(n), ""
}

func (r *Router) checkContact(_ context.Context, _ map[string]string, v string) (string, string) {
	m := contactPattern.FindStringSubmatch(strings.TrimSpace(v))
	if m == nil || m[1] == "" {
		return "", "请写姓名和电话，例如“张三 13800000000”。"
	}
	return m[1] + " " + m[2], ""
}

// orderLecture hands the confirmed card in.
func (r *Router) orderLecture(ctx context.Context, t *turn) (bot.Reply, error) {
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, err
	}
	f := t.session.Form.Fields
	at, err := office.ParseWhen(f["when"], r.d.Now())
	if err != nil {
		return bot.Reply{}, err
	}
	heads, _ := strconv.Atoi(f["heads"]) // was checked
	name, phone, _ := strings.Cut(f["contact"], " ")
	out, err := r.d.Cases.PlaceOrder(ctx, p, office.OrderDraft{Request: string(t.message.Chat) + "#" + t.message.ID,
		Lecture: pickedLecture(f), At: at, Heads: heads, Unit: f["unit"], Contact: name, Phone: phone, Wish: f["wish"]})
	if err != nil {
		return bot.Reply{}, err // the card stays, to be corrected
	}
	t.session.Form = nil
	o := out.Order
	text := fmt.Sprintf("已下单，编号 %s：%s，%s，%s。\n讲师定下来我会告诉您；随时回“我的讲座”。不去了回“取消讲座 %s 原因”。\n查询码 %s：换了手机凭它查（“看讲座 查询码”）。",
		o.No, o.Topic, office.TimeName(o.At), o.Unit, o.No, out.Code)
	if !out.Exact {
		text += "\n（那一年的放假安排还没公布，日期可能要再商量。）"
	}
	return bot.Reply{Text: text}, nil
}

// myLectures lists what a person ordered, has to hold or has to see to.
func (r *Router) myLectures(ctx context.Context, p office.Person) (bot.Reply, error) {
	list, n, err := r.d.Cases.Orders(ctx, p, office.OrderFilter{Open: true, Limit: 8})
	if err != nil {
		return bot.Reply{}, err
	}
	if n == 0 {
		return bot.Reply{Text: "没有还没讲的讲座。想请人来讲，回“点单普法”。"}, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "有 %d 场：", n)
	for _, o := range list {
		fmt.Fprintf(&b, "\n- %s %s，%s，%s，%s", o.No, o.Topic, office.TimeName(o.At), o.Unit, o.State.Name())
		if names := orderVerbs(o.Next); len(names) > 0 {
			b.WriteString("（可以：" + strings.Join(names, "、") + "）")
		}
	}
	b.WriteString("\n回“看讲座 编号”看详细。")
	return bot.Reply{Text: b.String()}, nil
}

func orderVerbs(verbs []string) []string {
	var names []string
	for _, m := range office.OrderMoves {
		if slices.Contains(verbs, m.Verb) && m.To != "" { // photos are for the console
			names = append(names, m.Name)
		}
	}
	return names
}

// photoLine says where the photo of a lecture is.
func photoLine(o office.Order) string {
	if o.Picture != "" {
		return "已存，普法干部和讲师在后台能看"
	}
	return o.Photo
}

func (r *Router) showLecture(ctx context.Context, p office.Person, a caseArgs, coded bool) (bot.Reply, error) {
	var o office.Order
	var err error
	if coded {
		o, err = r.d.Cases.OrderByCode(ctx, p.Account, a.no)
	} else {
		o, err = r.d.Cases.Order(ctx, p, a.no)
	}
	if err != nil {
		return bot.Reply{}, err
	}
	events, err := r.d.Cases.OrderEvents(ctx, o)
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s：%s\n%s，%d 分钟\n%s，约 %d 人\n时间：%s\n联系人：%s %s", o.No, o.State.Name(), o.Topic, o.Minutes, o.Unit, o.Heads, office.TimeName(o.At), o.Contact, o.Phone)
	for _, x := range []struct{ label, value string }{{"要求", o.Wish}, {"承接", strings.TrimSpace(o.OrgName + " " + o.By)}, {"照片", photoLine(o)}, {"评语", o.Reason}} {
		if x.value != "" {
			b.WriteString("\n" + x.label + "：" + x.value)
		}
	}
	if !o.NewAt.IsZero() {
		b.WriteString("\n想改到：" + office.TimeName(o.NewAt))
	}
	if o.Came > 0 {
		fmt.Fprintf(&b, "\n签到：%d 人", o.Came)
	}
	b.WriteString("\n经过：")
	for _, e := range events {
		fmt.Fprintf(&b, "\n- %s %s", e.At.Format("1月2日 15:04"), e.Name())
		if e.Note != "" {
			b.WriteString("：" + e.Note)
		}
	}
	if names := orderVerbs(o.Next); len(names) > 0 {
		b.WriteString("\n可以做：" + strings.Join(names, "、"))
	}
	return bot.Reply{Text: b.String()}, nil
}

// whenAhead finds where a time ends in "12月8日上午9点 那天开会".
var whenAhead = regexp.MustCompile(`^(.*?(?:[0-9一二三四五六七八九十两]+\s*[点时:：]\s*(?:半|一刻|三刻|[0-9]{1,2})?分?|上午|下午|晚上|早上))([，,。\s]+|$)([\s\S]*)$`)

// actLecture takes a step of office.OrderMoves.
func (r *Router) actLecture(ctx context.Context, t *turn, p office.Person, a caseArgs, coded bool) (bot.Reply, error) {
	x := office.OrderAction{Verb: a.verb, Request: string(t.message.Chat) + "#" + t.message.ID}
	if coded {
		x.Code = a.no
	}
	var need office.OrderNeed
	for _, m := range office.OrderMoves {
		if m.Name == a.verb {
			need = m.Needs
		}
	}
	first, rest, _ := strings.Cut(a.rest, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case need&office.NeedTime != 0:
		text := a.rest
		if m := whenAhead.FindStringSubmatch(a.rest); m != nil {
			text, x.Note = m[1], strings.TrimSpace(m[3])
		}
		at, err := office.ParseWhen(text, r.d.Now())
		if err != nil {
			return bot.Reply{}, err
		}
		x.At = at
	case need&office.NeedProvider != 0, a.verb == "接单":
		x.Note = rest
		if first != "" {
			if err := r.provider(ctx, first, &x); err != nil {
				return bot.Reply{}, err
			}
		}
	case need&office.NeedCount != 0:
		x.Came, _ = strconv.Atoi(strings.TrimSuffix(first, "人"))
		x.Photo = rest
	case need&office.NeedScore != 0:
		x.Score, _ = strconv.Atoi(strings.TrimRight(first, "分，,。"))
		x.Note = rest
	default:
		x.Note = a.rest
	}
	o, err := r.d.Cases.ActOrder(ctx, p, a.no, x)
	if err != nil {
		return bot.Reply{}, err
	}
	out := fmt.Sprintf("%s 现在是“%s”。", o.No, o.State.Name())
	switch {
	case o.State == office.RatedOrder:
		out = "谢谢，已记下。"
	case o.State.Open() && !o.NewAt.IsZero():
		out += "等对方同意改到 " + office.TimeName(o.NewAt) + "。"
	case o.State.Open():
		out += office.TimeName(o.At) + "。"
	}
	return bot.Reply{Text: out}, nil
}

// provider reads who is to hold a lecture: a lecturer's name or number, else a
// department's name.
func (r *Router) provider(ctx context.Context, name string, x *office.OrderAction) error {
	l, err := r.d.Cases.LecturerNamed(ctx, name)
	if err == nil {
		x.Lecturer = l.ID
		return nil
	}
	if office.KindOf(err) != office.NotFound {
		return err
	}
	o, orgErr := r.d.Cases.OrgNamed(ctx, name)
	if orgErr != nil {
		return err
	}
	x.Org = o.ID
	return nil
}

func (r *Router) answerPrompt(ctx context.Context, p office.Person, no, text string) (bot.Reply, error) {
	id, err := strconv.ParseInt(no, 10, 64)
	if err != nil {
		return bot.Reply{}, err
	}
	d, err := r.d.Cases.AnswerPrompt(ctx, p, id, text)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("已记下%s对%s普法提示的反馈。活动开展了也请登记，缺口才会消。", d.Org.Name, d.Quarter.Name())}, nil
}
