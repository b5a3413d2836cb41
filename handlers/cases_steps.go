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
	"mingbai/knowledge"
	"mingbai/office"
)

// chinaZone is the zone of times that people read.
var chinaZone = time.FixedZone("Asia/Shanghai", 8*60*60)

// maxNotices is how many waiting messages one reply begins with.
const maxNotices = 3

// withNotices puts what waits for a person before the reply to what they said.
func (r *Router) withNotices(ctx context.Context, t *turn, reply bot.Reply) bot.Reply {
	if r.d.Cases == nil || inGroup(t.message) {
		return reply
	}
	list, err := r.d.Cases.Contact(ctx, office.Account(t.message.From), string(t.message.Chat)+"#"+t.message.ID, maxNotices)
	if err != nil {
		r.d.Log.Warn("waiting notices not read", "err", err) // they wait on
		return reply
	}
	if len(list) == 0 {
		return reply
	}
	var b strings.Builder
	behind := reply.Answer != nil && reply.Answer.Urgent || bot.Shown(ctx) != "" // what was shown is the beginning
	if behind {
		b.WriteString(reply.Text + "\n\n")
	}
	fmt.Fprintf(&b, "【您有 %d 条消息】\n", len(list))
	for _, n := range list {
		b.WriteString(n.Body + "\n")
	}
	if !behind {
		b.WriteString("\n" + reply.Text)
	}
	reply.Text = strings.TrimSpace(b.String())
	return reply
}

// find reads a case by number, or by its pick-up code.
func (r *Router) find(ctx context.Context, t *turn, p office.Person, no string) (office.Case, error) {
	if caseNo.MatchString(no) {
		return r.d.Cases.Case(ctx, p, no)
	}
	return r.d.Cases.CaseByCode(ctx, office.Account(t.message.From), no)
}

// show says how a case stands, as much of it as the person may know.
func (r *Router) show(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.find(ctx, t, p, a.no)
	if err != nil {
		return bot.Reply{}, err
	}
	events, err := r.d.Cases.Events(ctx, c)
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s（%s）：%s", c.No, office.MatterOf(c.Matter).Name, c.State.Name())
	if !c.Due.IsZero() && c.State.Open() {
		fmt.Fprintf(&b, "，最迟 %s 答复", c.Promised.Format("1月2日"))
	}
	inside := c.Hats&(office.Desk|office.Holder|office.Lead) != 0
	if inside {
		b.WriteString("\n" + factCard(c))
		if c.Lane != "" {
			way, err := r.d.Cases.Proposal(ctx, c)
			if err != nil {
				return bot.Reply{}, err
			}
			b.WriteString("\n建议走：" + way.Text())
		}
	}
	b.WriteString("\n办理过程：")
	for _, e := range events {
		fmt.Fprintf(&b, "\n- %s %s", e.At.Format("1月2日 15:04"), e.Name())
		if e.Note != "" {
			b.WriteString("：" + e.Note)
		}
	}
	if c.Answer != "" {
		b.WriteString("\n\n" + c.AnswerText())
		if err := r.d.Cases.Take(ctx, c); err != nil {
			r.d.Log.Warn("not noted as taken", "err", err)
		}
	}
	if inside {
		b.WriteString("\n可以做：" + strings.Join(verbNames(c.Next), "、"))
	}
	return bot.Reply{Text: b.String()}, nil
}

func verbNames(verbs []string) []string {
	var names []string
	for _, m := range office.Moves {
		if slices.Contains(verbs, m.Verb) {
			names = append(names, m.Name)
		}
	}
	return names
}

// factCard is what somebody who works on a case needs to know.
func factCard(c office.Case) string {
	var b strings.Builder
	for _, f := range []struct{ label, value string }{
		{"急缓", c.Urgency.Name()}, {"称呼", c.Name}, {"电话", c.Phone}, {"地点", c.Place}, {"对方", c.Parties}, {"经过", c.Story}, {"诉求", c.Wish},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, "%s：%s\n", f.label, f.value)
		}
	}
	return strings.TrimSpace(b.String())
}

// myCases lists a person's own matters.
func (r *Router) myCases(ctx context.Context, t *turn, p office.Person, _ caseArgs) (bot.Reply, error) {
	list, n, err := r.d.Cases.Cases(ctx, p, office.CaseFilter{Mine: true, Limit: 8})
	if err != nil {
		return bot.Reply{}, err
	}
	if n == 0 {
		return bot.Reply{Text: "这里没有您的事项。有取件码的话回“查进度 取件码”；想找人办，回“人工”。"}, nil
	}
	return bot.Reply{Text: fmt.Sprintf("您有 %d 件：%s\n回“查进度 编号”看详细。", n, lines(list))}, nil
}

func lines(list []office.Case) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "\n- %s %s，%s", c.No, office.MatterOf(c.Matter).Name, c.State.Name())
		if !c.Due.IsZero() && c.State.Open() {
			fmt.Fprintf(&b, "，%s 前", c.Due.Format("1月2日"))
		}
		if c.Urgency < office.Normal {
			fmt.Fprintf(&b, "【%s】", c.Urgency.Name())
		}
	}
	return b.String()
}

// todo lists what waits for somebody who works on cases, the most urgent first.
func (r *Router) todo(ctx context.Context, t *turn, p office.Person, _ caseArgs) (bot.Reply, error) {
	if !p.Staff() && !p.Has(office.Helper) && !p.Has(office.Grid) {
		return bot.Reply{Text: "“待办”是工作人员用的。查自己的事请回“查进度”。"}, nil
	}
	list, n, err := r.d.Cases.Cases(ctx, p, office.CaseFilter{Open: true, Mine: !p.Has(office.Clerk) && !p.Has(office.Admin), Limit: 8})
	if err != nil {
		return bot.Reply{}, err
	}
	_, late, err := r.d.Cases.Cases(ctx, p, office.CaseFilter{Open: true, Overdue: true, Mine: !p.Has(office.Clerk) && !p.Has(office.Admin), Limit: 1})
	if err != nil {
		return bot.Reply{}, err
	}
	if n == 0 {
		return bot.Reply{Text: "没有待办的件。"}, nil
	}
	return bot.Reply{Text: fmt.Sprintf("待办 %d 件，超期 %d 件：%s\n回“看 编号”看内容。", n, late, lines(list))}, nil
}

// act takes a step of office.Moves.
func (r *Router) act(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	x := office.Action{Verb: a.verb, Request: string(t.message.Chat) + "#" + t.message.ID}
	if a.verb == "办结" {
		x.Verb = "archive"
	}
	for _, m := range office.Moves {
		if m.Verb != x.Verb && m.Name != x.Verb {
			continue
		}
		words := strings.Fields(a.rest)
		switch {
		case m.Needs&office.NeedText != 0:
			x.Text = a.rest
		case m.Needs&office.NeedPerson != 0:
			if len(words) == 0 {
				return r.whom(ctx, p, a.no)
			}
			if c, err := r.d.Cases.Case(ctx, p, a.no); err != nil {
				return bot.Reply{}, err
			} else if !slices.Contains(c.Next, m.Verb) {
				break // who may not hand it on learns nothing of who works here
			}
			to, err := r.named(ctx, words[0])
			if err != nil {
				return bot.Reply{}, err
			}
			x.To, x.Note = to.ID, strings.TrimSpace(strings.TrimPrefix(a.rest, words[0]))
		case m.Verb == "handover":
			lane, why, _ := strings.Cut(a.rest, " ")
			x.Lane, x.Note = lane, why
		case m.Needs&office.NeedCase != 0:
			if len(words) > 0 {
				x.Into = words[0]
			}
		default:
			x.Note = a.rest
		}
	}
	c, err := r.d.Cases.Act(ctx, p, a.no, x)
	if err != nil {
		return bot.Reply{}, err
	}
	out := fmt.Sprintf("%s 现在是“%s”。", c.No, c.State.Name())
	if names := verbNames(c.Next); len(names) > 0 && c.Hats&^office.Applicant != 0 {
		out += "接下来可以：" + strings.Join(names, "、") + "。"
	}
	return bot.Reply{Text: out}, nil
}

// named finds the one person of that name who may be given cases.
func (r *Router) named(ctx context.Context, name string) (office.Person, error) {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		return r.d.Cases.Person(ctx, id)
	}
	list, err := r.d.Cases.People(ctx, office.PeopleFilter{Name: name})
	if err != nil {
		return office.Person{}, err
	}
	list = slices.DeleteFunc(list, func(p office.Person) bool { return !p.Staff() })
	switch {
	case len(list) == 0:
		return office.Person{}, &office.Error{Kind: office.NotFound, Msg: fmt.Sprintf("没有找到可以派的“%s”。", name)}
	case len(list) > 1:
		var b strings.Builder
		for _, p := range list {
			fmt.Fprintf(&b, "\n- %d %s（%s）", p.ID, p.Name, p.Posts[0].Org.Name)
		}
		return office.Person{}, &office.Error{Kind: office.Invalid, Msg: "有几位，请用前面的编号来派：" + b.String()}
	}
	return list[0], nil
}

// whom suggests who could deal with a case.
func (r *Router) whom(ctx context.Context, p office.Person, no string) (bot.Reply, error) {
	c, err := r.d.Cases.Case(ctx, p, no)
	if err != nil {
		return bot.Reply{}, err
	}
	list, err := r.d.Cases.Suggest(ctx, c)
	if err != nil {
		return bot.Reply{}, err
	}
	if len(list) == 0 {
		return bot.Reply{Text: fmt.Sprintf("派给谁？请回“派单 %s 姓名”。没有合适的调解员可以推荐。", c.No)}, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "派给谁？回“派单 %s 姓名”。推荐（无回避，在办少的在前）：", c.No)
	for _, m := range list {
		fmt.Fprintf(&b, "\n- %d %s（%s，在办 %d 件）", m.ID, m.Name, m.Posts[0].Org.Name, m.Load)
	}
	return bot.Reply{Text: b.String()}, nil
}

// scored is a score with the reason behind it: "5分很快", "５，答得清楚".
var scored = regexp.MustCompile(`^([1-5１-５])(?:$|[分星\s，,。：:]+)([\s\S]*)$`)

// rateCase takes "评价 2026-城东-0012 5 很快".
func (r *Router) rateCase(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.find(ctx, t, p, a.no)
	if err != nil {
		return bot.Reply{}, err
	}
	m := scored.FindStringSubmatch(a.rest)
	if m == nil {
		return bot.Reply{Text: fmt.Sprintf("请打 1 到 5 分，例如“评价 %s 5 答得清楚”。", c.No)}, nil
	}
	n, _ := strconv.Atoi(knowledge.Normalize(m[1])) // a digit
	if err := r.d.Cases.RateCase(ctx, c, n, m[2]); err != nil {
		return bot.Reply{}, err
	}
	if n < 3 {
		return bot.Reply{Text: fmt.Sprintf("谢谢，已记下并告诉了经办的人。没解决的话，回“重办 %s 原因”。", c.No)}, nil
	}
	return bot.Reply{Text: "谢谢，已记下。"}, nil
}

// meeting takes "调解记录 0012 双方到场…".
func (r *Router) meeting(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.d.Cases.AddSession(ctx, p, a.no, string(t.message.Chat)+"#"+t.message.ID, "", a.rest)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: fmt.Sprintf("%s 的调解记录已记下。结果回“调解结果 %s 书面协议 内容”（不是今天签的，内容前面写“11月20日签：”），或“不成”“撤回”“转出”。", c.No, c.No)}, nil
}

// signedOn is how one says that an agreement took effect on another day than
// today: "11月20日签：…".
var signedOn = regexp.MustCompile(`^([0-9]{1,2})月([0-9]{1,2})[日号](?:签订?|生效|达成|说定)[的了]?[，,。：:\s]*([\s\S]*)$`)

// outcome takes "调解结果 0012 书面协议 张某月底前…", or with the day it was signed:
// "调解结果 0012 书面协议 11月20日签：张某月底前…".
func (r *Router) outcome(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	what, terms, _ := strings.Cut(a.rest, " ")
	became := office.Mediation{Outcome: strings.Trim(what, "，,：:"), Terms: strings.TrimSpace(terms)}
	if s := signedOn.FindStringSubmatch(became.Terms); s != nil {
		month, _ := strconv.Atoi(s[1]) // digits
		day, _ := strconv.Atoi(s[2])
		now := r.d.Now().In(chinaZone)
		became.Effective, became.Terms = time.Date(now.Year(), time.Month(month), day, 0, 0, 0, 0, chinaZone), s[3]
		if became.Effective.After(now) {
			became.Effective = became.Effective.AddDate(-1, 0, 0)
		}
		if int(became.Effective.Month()) != month {
			return bot.Reply{Text: fmt.Sprintf("没有%s月%s日这一天，请核对协议是哪天生效的。", s[1], s[2])}, nil
		}
	}
	c, m, err := r.d.Cases.SetOutcome(ctx, p, a.no, string(t.message.Chat)+"#"+t.message.ID, became)
	if err != nil {
		return bot.Reply{}, err
	}
	out := fmt.Sprintf("%s：%s，已记下。", c.No, m.Outcome)
	if !m.ConfirmBy.IsZero() {
		out += fmt.Sprintf("双方共同申请司法确认最迟 %s（人民调解法第三十三条），快到期时会提醒。回“协议书 %s”看协议文本。", m.ConfirmBy.In(chinaZone).Format("1月2日"), c.No)
	} else {
		out += "请告诉双方还可以走仲裁、行政、诉讼（人民调解法第二十六条）。"
	}
	return bot.Reply{Text: out + fmt.Sprintf("最后回“答复 %s 内容”把结果告诉本人。", c.No)}, nil
}

func (r *Router) agreement(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.find(ctx, t, p, a.no)
	if err != nil {
		return bot.Reply{}, err
	}
	m, _, ok, err := r.d.Cases.Mediation(ctx, c)
	if err != nil {
		return bot.Reply{}, err
	}
	if !ok || m.ConfirmBy.IsZero() {
		return bot.Reply{Text: c.No + " 还没有达成协议。"}, nil
	}
	return bot.Reply{Text: c.Agreement(m)}, nil
}

func (r *Router) share(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.d.Cases.Share(ctx, p, a.no, a.verb == "分享")
	if err != nil {
		return bot.Reply{}, err
	}
	if c.Shared {
		return bot.Reply{Text: c.No + " 的答复，代办人现在也能看了。要收回请回“不分享 " + c.No + "”。"}, nil
	}
	return bot.Reply{Text: c.No + " 的答复，代办人看不到。"}, nil
}

// How the entries that fit a story best vote on its topic: how many are asked,
// which share one lane needs, and which share of danger is enough for it.
const (
	voters      = 8
	voteMost    = 0.55
	voteDanger  = 0.3
	voteAtLeast = 0.35 // of the fit that is sure, the best hit must have
)

// limitOf is the nearest day by which the person has to act, as their story
// dates it: a case near it goes first. Zero: none is known, or it is over.
func (r *Router) limitOf(ctx context.Context, t *turn, story string) (limit time.Time) {
	a, err := r.d.Answerer.Answer(ctx, knowledge.Question{Text: story, Area: t.session.Area, On: t.on})
	if err != nil || a.Kind != knowledge.KindAnswer {
		return limit
	}
	for _, c := range a.Clocks {
		if c.Rule.Mine && !c.Due.Before(calendar.Day(r.d.Now())) && (limit.IsZero() || c.Due.Before(limit)) {
			limit = c.Due
		}
	}
	return limit
}

// topicOf is the topic of the entry that fits a text surely; without one, the
// topic on whose lane the entries that fit best agree. "": neither.
func (r *Router) topicOf(text string) string {
	hits := r.d.Base.Search(knowledge.Query{Text: text, Kind: knowledge.KindEntry, N: voters})
	votes, first, all := map[string]float64{}, map[string]string{}, 0.0
	for i, h := range hits {
		e := r.d.Base.Entry(h.Doc.ID)
		if e == nil {
			continue
		}
		if i == 0 && h.Fit >= sure {
			return e.Topic
		}
		if i == 0 && h.Fit < sure*voteAtLeast {
			return ""
		}
		lane := office.LaneOfTopic(e.Topic)
		votes[lane] += h.Score
		all += h.Score
		if first[lane] == "" {
			first[lane] = e.Topic
		}
	}
	if all > 0 && votes[office.LaneReport]/all >= voteDanger {
		return first[office.LaneReport]
	}
	for lane, n := range votes {
		if lane != "" && n/all >= voteMost {
			return first[lane]
		}
	}
	return ""
}
