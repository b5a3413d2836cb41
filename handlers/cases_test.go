package handlers

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// desk is a small office with people who talk to one router; each keeps a
// session, which goes through JSON between messages as it does when it is kept.
type deskTalk struct {
	t        *testing.T
	db       *office.DB
	router   *Router
	sessions map[string][]byte
	n        int
}

func newDesk(t *testing.T) *deskTalk {
	t.Helper()
	return newDeskAt(t, time.Now)
}

// newDeskAt is a desk whose records and router go by a clock of the test.
func newDeskAt(t *testing.T, now func() time.Time) *deskTalk {
	t.Helper()
	b, err := base()
	if err != nil {
		t.Fatal(err)
	}
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	k := &deskTalk{t: t, db: db, sessions: map[string][]byte{}}
	k.router = New(Deps{Base: b, Answerer: knowledge.NewAnswerer(b), Safety: sharedSafety(t), Cases: db, Now: now})
	orgs := [][]string{{"上级", "类别", "名称"}, {"", "县", "青禾县"}, {"青禾县", "乡镇街道", "城东街道"}, {"城东街道", "司法所", "城东司法所"}, {"城东街道", "村社区", "三里村"}}
	if rep, err := db.ImportOrgs(t.Context(), "test", orgs, false); err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	return k
}

// hire adds a person and binds their chat by the code, as they would.
func (k *deskTalk) hire(name, role, org string) {
	k.t.Helper()
	rows := [][]string{{"姓名", "角色", "机构"}, {name, role, org}}
	if rep, err := k.db.ImportPeople(k.t.Context(), "test", rows, false); err != nil || len(rep.Errors) > 0 {
		k.t.Fatal(rep, err)
	}
	list, err := k.db.People(k.t.Context(), office.PeopleFilter{Name: name})
	if err != nil || len(list) != 1 {
		k.t.Fatal(list, err)
	}
	code, _, err := k.db.Invite(k.t.Context(), "test", list[0].ID)
	if err != nil {
		k.t.Fatal(err)
	}
	want(k.t, k.say(name, "绑定 "+code), "绑定好了", role)
}

func (k *deskTalk) say(who, text string) bot.Reply { return k.sayIn("web/user/"+who, who, text) }

func (k *deskTalk) sayIn(chat, who, text string) bot.Reply {
	k.t.Helper()
	k.n++
	s := &bot.Session{Key: chat}
	if kept, ok := k.sessions[chat+who]; ok {
		if err := json.Unmarshal(kept, s); err != nil {
			k.t.Fatal(err)
		}
	}
	m := bot.Message{ID: fmt.Sprint(k.n), Chat: bot.Address(chat), From: bot.Address("web/user/" + who), Text: text}
	r, err := k.router.Handle(k.t.Context(), m, s)
	if err != nil {
		k.t.Fatalf("%s: %v", text, err)
	}
	kept, err := json.Marshal(s)
	if err != nil {
		k.t.Fatal(err)
	}
	k.sessions[chat+who] = kept
	return r
}

// all says several things and gives the last reply.
func (k *deskTalk) all(who string, texts ...string) bot.Reply {
	k.t.Helper()
	var r bot.Reply
	for _, x := range texts {
		r = k.say(who, x)
	}
	return r
}

func unwanted(t *testing.T, r bot.Reply, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(r.Text, w) {
			t.Errorf("%q in:\n%s", w, r.Text)
		}
	}
}

var pickup = regexp.MustCompile(`取件码 ([0-9A-Z]{4}-[0-9A-Z]{4})`)

func codeIn(t *testing.T, r bot.Reply) string {
	t.Helper()
	m := pickup.FindStringSubmatch(r.Text)
	if m == nil {
		t.Fatalf("no pick-up code in:\n%s", r.Text)
	}
	return m[1]
}

func TestCases_ResidentAsksClerkAnswers(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	want(t, k.say("老李", "转人工"), "12348") // nobody to receive it yet
	k.hire("陈所", "经办人", "城东司法所")
	want(t, k.say("老李", "转人工"), "哪方面", "返回")
	want(t, k.say("老李", "9"), "1 到 7")
	want(t, k.say("老李", "1"), "发生了什么事")
	want(t, k.say("老李", "邻居砌墙占了我家过道半米，我的身份证是330102199001011234"), "哪个乡镇")
	r := k.all("老李", "城东街道三里村", "张某", "不知道", "老李", "13800000000")
	want(t, r, "请核对", "2. 经过：邻居砌墙", "证件或卡号不用写", "4. 对方：张某")
	unwanted(t, r, "330102199001011234")
	want(t, k.say("老李", "好像不太对"), "还没有提交")
	want(t, k.say("老李", "改4 张三"), "4. 对方：张三")
	want(t, k.say("老李", "返回"), "电话")
	r = k.all("老李", "13900000000", "1")
	no := "城东-0001"
	want(t, r, no, "最迟", "取件码")
	code := codeIn(t, r)

	want(t, k.say("陈所", "你好"), "新件", no)
	want(t, k.say("陈所", "待办"), "待办 1 件", no)
	want(t, k.say("陈所", "看 0001"), "邻居砌墙", "13900000000", "可以做：受理")
	want(t, k.say("陈所", "归档 1"), "不能“归档”")
	want(t, k.say("陈所", "受理 0001"), "已受理")
	want(t, k.say("陈所", "答复 0001 墙要退三十厘米，\n张某同意周五拆。"), "已答复")

	want(t, k.say("老王", "查进度 2026-"+no), "没有找到") // a stranger
	want(t, k.say("老李", "彩礼能退吗"), "您有 2 条消息", "三十厘米", "城东司法所 陈所", "彩礼")
	want(t, k.say("网页上的老李", "取件 "+strings.ToLower(code)), "三十厘米", no)
	want(t, k.say("老李", "进度"), no, "已答复")
	list, _, err := k.db.Cases(t.Context(), office.Person{Account: "web/user/老李"}, office.CaseFilter{})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	want(t, k.say("老李", "评价 "+list[0].No+" 十分"), "1 到 5")
	want(t, k.say("老李", "评价 "+list[0].No+" 2 来得晚"), "重办")
	want(t, k.say("老李", "重办 "+list[0].No+" 墙还没拆"), "办理中")
	want(t, k.say("陈所", "待办"), "得了 2 分", "重办", "办理中")
	want(t, k.say("陈所", "答复 1 今天到场，已经拆完。"), "已答复")
	want(t, k.say("陈所", "办结 1"), "已归档")
	if err := k.db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCases_HelperFilesWithConsent(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	want(t, k.say("路人", "代办"), "邀请码") // refused before the first question
	if s := k.sessions["web/user/路人路人"]; strings.Contains(string(s), "form") {
		t.Errorf("a form was begun: %s", s)
	}
	k.hire("王明", "法律明白人", "三里村")
	want(t, k.say("王明", "我要上报"), "同意码", "退出")
	want(t, k.say("王明", "待办"), "8 位", "退出") // no code: it is not asked on
	want(t, k.all("王明", "0000-0000", "欠薪", "工地干了三个月没给钱", "三里村", "包工头老钱", "把工钱要回来", "1"), "同意码不对")
	r := k.say("大娘", "同意代办")
	m := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(r.Text)
	want(t, k.say("王明", m), "请核对")
	r = k.say("王明", "1")
	want(t, r, "城东-0001", "取件码已经发给本人")
	no := regexp.MustCompile(`\d{4}-城东-0001`).FindString(r.Text)
	want(t, k.say("大娘", "在吗"), "王明", no, "取件码", "撤回")
	k.all("陈所", "受理 1", "答复 1 劳动监察已经约谈了包工头。")
	r = k.say("王明", "查进度 "+no)
	want(t, r, "已答复", "提醒本人取件")
	unwanted(t, r, "约谈")
	want(t, k.say("大娘", "分享 "+no), "也能看了")
	want(t, k.say("王明", "查进度 "+no), "约谈")
	want(t, k.say("王明", "查进度 2026-城东-0099"), "没有找到")
}

func TestCases_DangerInAForm(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.all("小芳", "人工", "1")
	r := k.say("小芳", "我老公喝了酒就打我，昨天把我打伤了")
	want(t, r, "110", "急件", "哪个乡镇")
	r = k.all("小芳", "三里村", "无", "无", "无", "无", "1")
	want(t, r, "城东-0001", "急件", "110")
	want(t, k.say("陈所", "待办"), "【安全】")
	k.all("陈所", "受理 1", "答复 1 保护令的申请书已经替您写好。")
	r = k.say("小芳", "在吗")
	want(t, r, "有一条回复")
	unwanted(t, r, "保护令") // others may see the screen
	k.all("小明", "人工", "1")
	r = k.say("小明", "我今年14岁，同学天天抢我的钱")
	want(t, r, "12355")
	r = k.all("小明", "三里村", "无", "无")
	unwanted(t, r, "称呼", "电话：")
	want(t, r, "请核对")
	k.all("小张", "人工", "1")
	r = k.say("小张", "我不想活了，药都买好了")
	if r.Answer == nil || !r.Answer.Urgent {
		t.Errorf("a form goes on: %s", r.Text)
	}
}

func TestCases_WhatWasSaidNeedNotBeToldAgain(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.say("老李", "老板拖欠我三个月工资不给怎么办")
	k.all("老李", "人工", "2")
	r := k.all("老李", "三里村", "包工头", "无", "无", "无")
	want(t, r, "经过：老板拖欠我三个月工资")
}

func TestCases_Mediation(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.hire("刘调", "调解员", "城东司法所")
	k.all("老李", "人工", "1", "邻居砌墙占了我家过道半米", "三里村", "张某", "无", "无", "无", "1")
	want(t, k.say("陈所", "看 1"), "建议走：人民调解")
	k.say("陈所", "受理 1")
	want(t, k.say("陈所", "派单 1"), "刘调", "在办 0 件")
	for _, name := range []string{"刘调", "王五"} { // a resident learns nothing of who works here
		want(t, k.say("老李", "派单 1 "+name), "只能由经办人、管理员来做")
	}
	want(t, k.say("陈所", "派单 1 刘调"), "已派单")
	want(t, k.say("刘调", "办理 1"), "派给您一件", "办理中")
	want(t, k.say("刘调", "调解记录 1 双方到场，同意量地界"), "已记下")
	want(t, k.say("刘调", "协议书 1"), "还没有达成")
	want(t, k.say("刘调", "调解结果 1 书面协议 2月30日签：张某月底前退墙三十厘米"), "没有2月30日")
	want(t, k.say("刘调", "调解结果 1 书面协议 11月1日签：张某月底前退墙三十厘米"), "不会早于这件事提交的那天")
	want(t, k.say("刘调", "调解结果 1 书面协议 张某月底前退墙三十厘米"), "司法确认", "第三十三条")
	want(t, k.say("刘调", "协议书 1"), "人民调解协议书", "张某月底前退墙")
	want(t, k.say("老李", "在吗"), "达成了书面协议", "司法确认")
	want(t, k.say("陈所", "转道 1 司法 一方反悔"), "2026-城东-0001"[5:])
	want(t, k.say("陈所", "看 1"), "司法途径")
	if err := k.db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// In a group nothing of anybody's case is said or taken.
func TestCases_NotInGroups(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	r := k.sayIn("qq/group/g", "陈所", "待办")
	unwanted(t, r, "待办 ")
	r = k.sayIn("qq/group/g", "老李", "转人工")
	unwanted(t, r, "哪方面")
}

// What only looks like a command is answered as a question.
func TestCases_QuestionsAreNoCommands(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	for _, q := range []string{"撤回起诉要怎么办", "评价不好的商家能告吗", "公证要多久办结", "答复不满意怎么办", "进度款不给怎么办", "登记结婚要带什么", "看守所能会见吗", "代办营业执照被骗了"} {
		if r := k.say("老李", q); r.Answer == nil && len(r.Choices) == 0 {
			t.Errorf("%s: %s", q, r.Text)
		}
	}
}

func TestCases_SameMessageTwice(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.all("老李", "人工", "1", "邻居砌墙占了我家过道半米", "三里村", "无", "无", "无", "无")
	before := k.sessions["web/user/老李老李"]
	a := k.say("老李", "1")
	k.n-- // the process died before the reply was kept: the same message comes again
	k.sessions["web/user/老李老李"] = before
	if b := k.say("老李", "1"); b.Text != a.Text {
		t.Errorf("first:\n%s\nthen:\n%s", a.Text, b.Text)
	}
}

func FuzzCases(f *testing.F) {
	for _, s := range []string{"受理 0012", "查进度 2026-城东-0012", "取件 ABCD-EFGH", "评价 1 5 好", "改2 x", "绑定 ABCDE-FGHJK", "上报", "1", "返回"} {
		f.Add(s)
	}
	b, err := base()
	if err != nil {
		f.Fatal(err)
	}
	safety, err := NewSafety()
	if err != nil {
		f.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "cases")
	if err != nil {
		f.Fatal(err)
	}
	db, err := office.Open(f.Context(), office.Options{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close(); os.RemoveAll(dir) })
	r := New(Deps{Base: b, Answerer: knowledge.NewAnswerer(b), Safety: safety, Cases: db})
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range []*bot.Form{nil, {Name: "case", Step: 0}, {Name: "case", Step: 7}, {Name: "gone", Step: 99}} {
			s := &bot.Session{Key: "web/user/x", Form: form}
			reply, err := r.Handle(t.Context(), bot.Message{ID: "1", Chat: "web/user/x", From: "web/user/x", Text: text}, s)
			if err != nil || reply.Text == "" {
				t.Errorf("%q: %q, %v", text, reply.Text, err)
			}
		}
	})
}

// The records cannot be written to: the person is told in plain words, nothing
// they filled in is lost, and confirming again opens the case once.
func TestCases_RecordsThatTakeNothingAreSaidSo(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.all("老李", "人工", "1", "邻居砌墙占了我家过道半米，车进不来。", "三里村", "张某", "把墙退回去", "李某", "无")
	write, _, _ := k.db.Handles()
	set := func(on int) {
		if _, err := write.Exec(fmt.Sprintf("PRAGMA query_only = %d", on)); err != nil {
			t.Fatal(err)
		}
	}
	set(1)
	want(t, k.say("老李", "确认"), "存不了记录", "12348", "再发一次")
	set(0)
	want(t, k.say("老李", "确认"), "已登记，编号")
	if list, n, err := k.db.Cases(t.Context(), office.Person{Account: "web/user/老李"}, office.CaseFilter{}); err != nil || n != 1 {
		t.Errorf("%v cases, %v", list, err)
	}
}
