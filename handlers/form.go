package handlers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// field is one question of a form.
type field struct {
	key, label, ask string
	choices         []string // picked by number or by their words; nil: free text
	optional        bool     // "无" and "不知道" leave it empty
	only            func(f map[string]string) bool
	max             int                                                                                       // runes; 0: 100
	aside           bool                                                                                      // a name or a place: a question of law is none, and is answered beside it
	from            string                                                                                    // key under which the session keeps the choices, one a line
	check           func(r *Router, ctx context.Context, f map[string]string, v string) (value, fault string) // after read; may put v differently
}

// form is a row of the table of forms. After the last field the person sees a
// card of all answers, to correct and to confirm.
type form struct {
	name   string // also kept in the session
	via    string // how the case comes in
	lead   string
	fields []field
}

// Keys of fields that are not asked for.
const (
	keyDanger = "danger" // words of danger were said
	keyMinor  = "minor"  // the person said that they are under 18
	keyCard   = "card"   // a single field is being corrected
)

// kinds offers what a case can be about, in the words of office.Matters.
var kinds = []string{"矛盾纠纷（邻里、家庭、借贷…）", "欠薪", "法律援助", "公证", "法律咨询", kindComplaint, "涉企（企业、个体户的事）"}

// kindComplaint is the kind of complaints about the bot itself.
const kindComplaint = "投诉本服务"

// matterOf gives the key of a kind.
func matterOf(choice string) string {
	keys := []string{"dispute", "wages", "aid", "notary", "consult", "complaint", "firm"}
	if i := slices.Index(kinds, choice); i >= 0 {
		return keys[i]
	}
	return office.Matters[0].Key
}

func grown(f map[string]string) bool { return f[keyMinor] == "" }

func against(f map[string]string) bool {
	k := matterOf(f["matter"])
	return f["matter"] == "" || k == "dispute" || k == "wages"
}

var (
	askMatter  = field{key: "matter", label: "事项", ask: "是哪方面的事？回复数字：", choices: kinds}
	askStory   = field{key: "story", label: "经过", ask: "发生了什么事？用自己的话说就行：什么时候、什么人、为了什么。不要写身份证号和银行卡号。", max: 1500}
	askPlace   = field{key: "place", label: "地点", ask: "在哪个乡镇（街道）、哪个村（社区）？", optional: true, aside: true}
	askParties = field{key: "parties", label: "对方", ask: "对方是谁？写称呼就行，没有就回“无”。", optional: true, aside: true, only: against}
	askWish    = field{key: "wish", label: "诉求", ask: "您希望怎么解决？不确定就回“不知道”。", optional: true, max: 500}
	askName    = field{key: "name", label: "称呼", ask: "怎么称呼您？不想说就回“无”。", optional: true, aside: true, only: grown}
	askPhone   = field{key: "phone", label: "电话", ask: "留个方便联系的电话吗？不留就回“无”。", optional: true, aside: true, only: grown, check: (*Router).checkPhone}
	askTalk    = field{key: keyTalk, label: "聊天", ask: "刚才和我的聊天，要一起给工作人员看吗？姓名、电话、证件号、住址会先遮住。回复数字：", choices: []string{talkYes, talkNo}, only: talked}
)

// forms is the table of forms.
var forms = []form{
	{"case", office.ViaResident, "好，我把这件事转给工作人员。问几句就好；随时可以回“返回”“退出”。\n", []field{askMatter, askStory, askPlace, askParties, askWish, askName, askPhone, askTalk}},
	{"proxy", office.ViaHelper, "替老乡代办，要本人同意：请他在自己的聊天里给我发“同意代办”，把码告诉您。随时可以回“返回”“退出”。\n", []field{
		{key: "consent", label: "同意码", ask: "请写本人的同意码："}, askMatter, askStory, askPlace, askParties, askWish, askTalk}},
	{"lead", office.ViaGrid, "报告看到的情况。随时可以回“返回”“退出”。\n", []field{
		{key: "story", label: "情况", ask: "看到了什么情况？谁和谁、为了什么。不要写身份证号。", max: 1500}, askPlace,
		{key: "parties", label: "涉及的人", ask: "涉及哪些人？没有就回“无”。", optional: true},
		{key: "wish", label: "风险", ask: "风险怎么样？回复数字：", choices: []string{"一般", "可能激化", "有人可能受伤害"}}}},
	{"desk", office.ViaDesk, "登记来访、来电。随时可以回“返回”“退出”。\n", []field{askMatter, askStory, askPlace, askParties, askWish,
		{key: "name", label: "姓名", ask: "来人怎么称呼？", optional: true}, {key: "phone", label: "电话", ask: "电话？没有就回“无”。", optional: true, check: (*Router).checkPhone}}},
	{formLecture, "", "请人来讲法，不收钱。问几句就好；随时可以回“返回”“退出”。\n", lectureFields},
}

func formNamed(name string) (form, bool) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.name == name })
	if i < 0 {
		return form{}, false
	}
	return forms[i], true
}

var (
	formQuit    = regexp.MustCompile(`^(退出|取消|不填了|算了|不提交了?|不办了)[。！!]*$`)
	formBack    = regexp.MustCompile(`^(返回|上一步|后退)[。！!]*$`)
	formAgain   = regexp.MustCompile(`^(重来|重新填|重新开始)[。！!]*$`)
	formNone    = regexp.MustCompile(`^(无|没有|没|不知道|不清楚|不确定|不想说|跳过|不留|不说)[。！!]*$`)
	formConfirm = regexp.MustCompile(`^(1|确认|提交吧?|确认提交|对的?|是的?|没错|可以的?|好的?|好吧|行|行吧|嗯+|没问题)[。！!]*$`)
	formChange  = regexp.MustCompile(`^改\s*([1-9１-９])\s*[:：，, ]*([\s\S]*)$`)
	consentCode = regexp.MustCompile(`^[0-9A-Za-z]{4}[-－— ]?[0-9A-Za-z]{4}$`)
	idNumbers   = regexp.MustCompile(`[0-9０-９]{15,19}[xX]?`)
	saysMinor   = regexp.MustCompile(`我(今年|才|是|刚)?([0-9]|1[0-7]|[一二三四五六七八九]|十[一二三四五六七]?)(周)?岁([^的]|$)|我(是|上|读|在上|在读)?(一个)?(小学|初中|初一|初二|初三|高一|高二)生?|我(是|还|还是)?未成年`)
)

// begin starts a form with what is known already.
func (r *Router) begin(t *turn, name string, known map[string]string) bot.Reply {
	f, _ := formNamed(name)
	s := t.session
	s.Menu, s.Form = nil, &bot.Form{Name: name, Fields: map[string]string{}}
	for k, v := range known {
		if v != "" {
			s.Form.Fields[k] = v
		}
	}
	r.offerTalk(t)
	s.Form.Step = -1
	reply := r.forward(t, f)
	reply.Text = f.lead + reply.Text
	return reply
}

// forward goes to the next field that has no answer yet, or to the card.
func (r *Router) forward(t *turn, f form) bot.Reply {
	s := t.session.Form
	for s.Step++; s.Step < len(f.fields); s.Step++ {
		q := f.fields[s.Step].in(s)
		if _, known := s.Fields[q.key]; !known && (q.only == nil || q.only(s.Fields)) {
			return bot.Reply{Text: q.ask, Choices: q.choices}
		}
	}
	return card(s, f)
}

// card shows all answers.
func card(s *bot.Form, f form) bot.Reply {
	s.Step = len(f.fields)
	delete(s.Fields, keyCard)
	var b strings.Builder
	b.WriteString("请核对一遍：\n")
	for i, q := range f.fields {
		if q.only != nil && !q.only(s.Fields) || q.key == "consent" {
			continue
		}
		v := s.Fields[q.key]
		if v == "" {
			v = "（没有写）"
		}
		fmt.Fprintf(&b, "%d. %s：%s\n", i+1, q.label, v)
	}
	if s.Fields[keyDanger] != "" {
		b.WriteString("会按“有危险”的急件转交。\n")
	}
	b.WriteString("对的话回“1”提交；要改就回“改”加序号和新内容，例如“改2 …”。提交后由工作人员看到，用来办理这件事。")
	reply := bot.Reply{Text: b.String(), Choices: []string{"确认提交", "不提交了"}}
	if talked(s.Fields) {
		reply = aboutTalk(s, reply)
	}
	return reply
}

// fill takes one message for the form that is open. false: it was no answer.
func (r *Router) fill(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	s := t.session.Form
	f, ok := formNamed(s.Name)
	if !ok {
		t.session.Form = nil
		return bot.Reply{}, false, nil
	}
	if s.Fields == nil {
		s.Fields = map[string]string{} // a session that is kept leaves an empty map out
	}
	lead, leave := r.alarm(t, f, text)
	if leave {
		t.session.Form = nil
		return bot.Reply{}, false, nil
	}
	reply, err := r.step(ctx, t, f, text)
	reply.Text = lead + reply.Text
	return reply, true, err
}

func (r *Router) step(ctx context.Context, t *turn, f form, text string) (bot.Reply, error) {
	s := t.session.Form
	switch {
	case formQuit.MatchString(text), s.Step >= len(f.fields) && text == "2":
		t.session.Form = nil
		return bot.Reply{Text: "好，没有提交，刚才写的我不留。要找人工随时再说，急事打 12348。"}, nil
	case formAgain.MatchString(text):
		return r.begin(t, s.Name, nil), nil
	case formBack.MatchString(text):
		return stepBack(s, f), nil
	case s.Step >= len(f.fields):
		return r.atCard(ctx, t, f, text)
	}
	q := f.fields[s.Step].in(s)
	if reply, ok := r.beside(ctx, t, q, text); ok {
		return reply, nil
	}
	v, fault := r.read(ctx, s, q, text)
	if fault != "" {
		return bot.Reply{Text: keptStory(s, f, q, text) + fault, Choices: q.choices}, nil
	}
	s.Fields[q.key] = v
	if s.Fields[keyCard] != "" {
		return card(s, f), nil
	}
	return r.forward(t, f), nil
}

// beside answers a question of law that comes where a name, a place or a number
// is asked for; the form waits. false: it is none.
func (r *Router) beside(ctx context.Context, t *turn, q field, text string) (bot.Reply, bool) {
	if !q.aside || !r.d.Safety.asksLaw(text) {
		return bot.Reply{}, false
	}
	if _, ok := r.d.Safety.Check(text, ""); ok {
		return bot.Reply{}, false
	}
	s := t.session
	t.calm = s.Urgent != "" || s.Form.Fields[keyDanger] != ""
	reply, err := r.ask(ctx, t, text, "")
	s.Menu = nil // a number answers the form
	if n := len(s.Turns); n > 0 {
		s.Turns[n-1].Handed = true // it was not said before
	}
	if err != nil || reply.Answer == nil || reply.Answer.Kind != knowledge.KindAnswer {
		return bot.Reply{Text: "这句像是在问别的事，没有填进去。\n" + q.ask}, true
	}
	reply.Text, reply.Choices = reply.Text+"\n\n（刚才要转给工作人员的事还没填完；不填了回“退出”。）\n"+q.ask, nil
	return reply, true
}

// keptStory takes a sentence that came where a number was asked for as what
// happened, if that is not known yet, so that nobody has to say it twice.
func keptStory(s *bot.Form, f form, q field, text string) string {
	tells := slices.ContainsFunc(f.fields, func(x field) bool { return x.key == "story" })
	if q.key != "matter" || !tells || s.Fields["story"] != "" || utf8.RuneCountInString(text) < minStory {
		return ""
	}
	v, fault := askStory.read(text)
	if fault != "" {
		return ""
	}
	s.Fields["story"] = v
	return "这句我记到“经过”里了。"
}

// minStory is from how many runes on a text at the first question tells
// something, rather than naming a kind wrongly.
const minStory = 8

// phoneIn finds the number in what is said about a phone.
var phoneIn = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){4,14}`)

// checkPhone takes the number out of "我的电话是 138 0000 0000".
func (r *Router) checkPhone(_ context.Context, _ map[string]string, v string) (string, string) {
	number := phoneIn.FindString(knowledge.Normalize(v))
	if n := len(strings.NewReplacer(" ", "", "-", "").Replace(number)); n < 5 || n > 14 || idNumbers.MatchString(knowledge.Normalize(v)) {
		return "", "电话看不懂，请只写数字，例如 13800000000；不留就回“无”。"
	}
	return number, ""
}

func stepBack(s *bot.Form, f form) bot.Reply {
	for s.Step = min(s.Step, len(f.fields)) - 1; s.Step > 0; s.Step-- {
		if q := f.fields[s.Step]; q.only == nil || q.only(s.Fields) {
			break
		}
	}
	s.Step = max(s.Step, 0)
	delete(s.Fields, f.fields[s.Step].key)
	q := f.fields[s.Step].in(s)
	return bot.Reply{Text: q.ask, Choices: q.choices}
}

// atCard submits or corrects.
func (r *Router) atCard(ctx context.Context, t *turn, f form, text string) (bot.Reply, error) {
	s := t.session.Form
	if formConfirm.MatchString(text) {
		return r.submit(ctx, t, f)
	}
	if reply, ok := r.talkAtCard(t, f, text); ok {
		return reply, nil
	}
	m := formChange.FindStringSubmatch(text)
	if m == nil {
		return bot.Reply{Text: "还没有提交。对的话回“1”提交；要改就回“改”加序号和新内容，例如“改2 …”；不提交就回“取消”。", Choices: []string{"确认提交", "不提交了"}}, nil
	}
	i, _ := strconv.Atoi(knowledge.Normalize(m[1]))
	if i > len(f.fields) {
		return bot.Reply{Text: fmt.Sprintf("没有第 %d 项。", i)}, nil
	}
	q := f.fields[i-1].in(s)
	if strings.TrimSpace(m[2]) == "" {
		s.Step, s.Fields[keyCard] = i-1, "1"
		return bot.Reply{Text: q.ask, Choices: q.choices}, nil
	}
	v, fault := r.read(ctx, s, q, m[2])
	if fault != "" {
		return bot.Reply{Text: fault, Choices: q.choices}, nil
	}
	s.Fields[q.key] = v
	return card(s, f), nil
}

// in fills in the choices that the session keeps for the field.
func (q field) in(s *bot.Form) field {
	if q.from != "" {
		q.choices = strings.Split(s.Fields[q.from], "\n")
	}
	return q
}

// read takes an answer and has the field's own rule look at it.
func (r *Router) read(ctx context.Context, s *bot.Form, q field, text string) (value, fault string) {
	value, fault = q.read(text)
	if fault != "" || q.check == nil || value == "" {
		return value, fault
	}
	return q.check(r, ctx, s.Fields, value)
}

// read takes an answer, or says what is wrong with it. Numbers of identity cards
// and bank cards are left out: nobody needs them for this.
func (q field) read(text string) (value, fault string) {
	text = strings.TrimSpace(text)
	if q.choices != nil {
		n := strings.Trim(knowledge.Normalize(text), " .。、)）(（第个选项号")
		for i, c := range q.choices {
			if n == strconv.Itoa(i+1) || i < len(hanDigits) && n == hanDigits[i] || text == c || utf8.RuneCountInString(text) > 1 && strings.HasPrefix(c, text) {
				return c, ""
			}
		}
		return "", fmt.Sprintf("请回复 1 到 %d 的数字；不填了回“退出”。", len(q.choices))
	}
	if formNone.MatchString(text) {
		if q.optional {
			return "", ""
		}
		return "", "这一项要写一下。" + q.ask
	}
	most := q.max
	if most == 0 {
		most = 100
	}
	if n := utf8.RuneCountInString(text); n > most {
		return "", fmt.Sprintf("写得太长了（%d 个字），请在 %d 个字以内说。", n, most)
	}
	if q.key == "consent" && !consentCode.MatchString(text) {
		return "", "同意码是 8 位数字和字母，像 1A2B-3C4D。请本人发“同意代办”后把码告诉您；本人没有手机的，请陪他到司法所窗口登记。不填了回“退出”。"
	}
	if q.key == "story" && utf8.RuneCountInString(text) < 4 {
		return "", "请多说一两句经过。"
	}
	if q.key != "phone" && q.key != "consent" {
		text = idNumbers.ReplaceAllString(text, "（证件或卡号不用写）")
	}
	return text, ""
}

// alarm looks for danger in what is written into a form: help comes first, the
// case is marked, the form goes on. leave: a person wants to harm themselves;
// then nothing else counts. What a helper or a clerk reports of somebody else is
// no reason to leave: it must reach the office.
func (r *Router) alarm(t *turn, f form, text string) (lead string, leave bool) {
	s := t.session
	own := f.via == office.ViaResident // who writes it, it is about
	if saysMinor.MatchString(knowledge.Normalize(text)) && s.Form.Fields[keyMinor] == "" {
		s.Form.Fields[keyMinor] = "1"
		if own {
			lead = "（你不用留姓名和电话。可以请爸妈、老师陪你一起，也可以打 12355。）\n"
		}
	}
	if s.Urgent != "" {
		if v, _ := r.d.Safety.Check(text, s.Urgent); v.SafeAgain {
			s.Urgent = ""
			return lead, false
		}
	}
	v, ok := r.d.Safety.Check(text, "")
	if !ok || v.Kind != KindUrgent {
		return lead, false
	}
	if v.Category == "selfharm" && (own || f.via == "") {
		return "", true
	}
	first := s.Form.Fields[keyDanger] == ""
	marked := inDanger(s.Form, v)
	if !first {
		return lead, false
	}
	return marked + lead, false
}

// inDanger marks the case that a form becomes, and gives what is said first.
func inDanger(s *bot.Form, v Verdict) string {
	if v.Category == "child" {
		s.Fields[keyMinor] = "1"
	}
	s.Fields[keyDanger] = "1"
	return v.Reply.Text + "\n\n（这件事会按急件转给工作人员，接着说：）\n"
}
