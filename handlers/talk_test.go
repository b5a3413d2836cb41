package handlers

import (
	"regexp"
	"strings"
	"testing"

	"mingbai/office"
)

// talkOf is what somebody who works on a case reads of the conversation.
func (k *deskTalk) talkOf(who, no string) []office.TalkLine {
	k.t.Helper()
	p, err := k.db.PersonByAccount(k.t.Context(), office.Account("web/user/"+who))
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := k.db.Case(k.t.Context(), p, no)
	if err != nil {
		k.t.Fatal(err)
	}
	list, err := k.db.Talk(k.t.Context(), c)
	if err != nil {
		k.t.Fatal(err)
	}
	return list
}

func joined(list []office.TalkLine) string {
	var b strings.Builder
	for _, l := range list {
		b.WriteString(l.Speaker(office.ViaResident) + "：" + l.Text + "\n")
	}
	return b.String()
}

var saidConsent = regexp.MustCompile(`同意码是 ([0-9A-Z]{4}-[0-9A-Z]{4})`)

const toldBefore = "我叫李桂芳，电话13812345678，老板欠我三个月工资不给怎么办？"

// The card says that the conversation goes along and what is masked; who confirms
// it agrees. The next case does not hand the same words in again.
func TestTalk_GoesWithTheCaseMasked(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	want(t, k.say("老李", toldBefore), "工资")
	want(t, k.all("老李", "老板叫张大彪，他说没钱", "人工", "2"), "乡镇")
	r := k.all("老李", "三里村", "张大彪", "不知道", "无", "无")
	want(t, r, "8. 聊天：附上", "句会一起给办事的人看", "先遮住", "不附聊天")
	if len(r.Choices) != 3 || r.Choices[2] != "不附聊天" {
		t.Errorf("choices: %q", r.Choices)
	}
	shown := k.say("老李", "看聊天")
	want(t, shown, "本人：我叫〔姓名", "〔手机", "明白：", "还没有提交")
	unwanted(t, shown, "李桂芳", "13812345678")
	r = k.say("老李", "1")
	no := anyNo.FindString(r.Text)
	want(t, r, "收回聊天 "+no)
	got := joined(k.talkOf("陈所", no))
	for _, w := range []string{"老板欠我三个月工资", "明白：", "〔姓名1〕", "〔手机1〕"} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
	for _, w := range []string{"李桂芳", "张大彪", "13812345678", "取件码"} {
		if strings.Contains(got, w) {
			t.Errorf("%q in\n%s", w, got)
		}
	}
	want(t, k.say("老李", "导出我的资料"), "附的聊天：本人：我叫〔姓名1〕")
	want(t, k.say("路人", "收回聊天 "+no), "没有")
	want(t, k.say("老李", "收回聊天 "+no), "已经删掉")
	if got := k.talkOf("陈所", no); got != nil {
		t.Errorf("taken back and still read: %v", got)
	}
	r = k.all("老李", "人工", "5", "改1 问问低保怎么申请，找谁办。", "三里村", "不知道", "无", "无", "改2 问问低保怎么申请，找谁办。")
	unwanted(t, r, "聊天")
}

// Left out if the person says so, and never taken of a child.
func TestTalk_IsLeftOut(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	for who, said := range map[string][]string{"甲": {"不附聊天"}, "乙": {"3"}, "丙": {"改8 2"}, "丁": {"不附聊天", "3", "返回", "不附聊天"}} {
		k.all(who, toldBefore, "人工", "2", "三里村", "张大彪", "不知道", "无", "无")
		r := k.all(who, said...)
		want(t, r, "8. 聊天：不附聊天", "聊天：没有附", "附上聊天")
		r = k.say(who, "1")
		unwanted(t, r, "收回聊天")
		if got := k.talkOf("陈所", anyNo.FindString(r.Text)); got != nil {
			t.Errorf("%s: kept %v", who, got)
		}
	}
	k.say("小孩", "同学总是抢我的钱怎么办")
	r := k.all("小孩", "人工", "改不了", "1", "三里村", "同学", "不知道", "无", "无")
	want(t, r, "聊天：刚才和我说的")
	r = k.say("小孩", "改2 我今年13岁，同学天天抢我的钱")
	want(t, r, "请核对")
	unwanted(t, r, "聊天")
}

// A helper may have asked for several people: their conversation goes along only
// if they say so.
func TestTalk_OfAHelperIsAskedFor(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.hire("王明", "法律明白人", "三里村")
	for _, give := range []bool{false, true} {
		code := saidConsent.FindStringSubmatch(k.say("大娘", "同意代办").Text)[1]
		story := map[bool]string{false: "老板拖欠大娘三个月工资", true: "老板把大娘辞了不给补偿"}[give]
		r := k.all("王明", "老板欠工资不给怎么办", "代办", code, "2", story, "三里村", "张老板", "要回工资")
		want(t, r, "7. 聊天：不附聊天", "刚才和我聊的就是这件事")
		if give {
			want(t, k.say("王明", "附上聊天"), "7. 聊天：附上")
		}
		r = k.say("王明", "1")
		if got := k.talkOf("陈所", anyNo.FindString(r.Text)); (got != nil) != give {
			t.Errorf("give %v: kept %v", give, got)
		}
	}
}
