package handlers

import (
	"strings"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// Whoever asks something else where a name is wanted gets an answer; the form
// waits, and neither the question nor half a number is taken for what was asked.
func TestForm_QuestionInBetween(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.all("老李", "人工", "1", "邻居砌墙占了我家过道", "三里村")
	want(t, k.say("老李", "劳动仲裁要多久"), "还没填完", "对方是谁")
	r := k.all("老李", "张某", "不知道", "老李", "我晚上才有空")
	want(t, r, "电话看不懂", "例如 13800000000")
	want(t, k.say("老李", "330102199001011234"), "电话看不懂")
	r = k.say("老李", "我的电话是 138 0000 0000，晚上打")
	want(t, r, "4. 对方：张某", "7. 电话：138 0000 0000")
	unwanted(t, r, "劳动仲裁", "晚上打")
	want(t, k.say("老李", "好的"), "已登记")
}

// What is told at the first question, where a number is wanted, is not lost.
func TestForm_SentenceWhereANumberIsWanted(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	want(t, k.all("老李", "人工", "邻居砌墙占了我家过道半米"), "记到“经过”里", "1 到 7")
	want(t, k.say("老李", "1"), "哪个乡镇")
	want(t, k.all("老李", "三里村", "张某", "不知道", "老李", "无"), "2. 经过：邻居砌墙占了我家过道半米")
	want(t, k.all("老王", "人工", "不懂"), "1 到 7")
	want(t, k.say("老王", "1"), "发生了什么事")
}

// Who sends a picture into a form is told that the form still waits.
func TestForm_Picture(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	unwanted(t, k.say("老李", bot.Unreadable), "还等着")
	want(t, k.all("老李", "人工", "1", bot.Unreadable), "看不懂", "还等着", "退出")
	want(t, k.say("老李", "邻居砌墙占了我家过道"), "哪个乡镇")
}

// A mother who speaks of her child is no child.
func TestForm_ParentIsNoMinor(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	r := k.all("妈妈", "人工", "1", "我15岁的女儿在学校被同学抢钱", "三里村", "同学", "不知道")
	want(t, r, "怎么称呼您")
	r = k.all("孩子", "人工", "1", "我15岁，在学校被同学抢钱")
	want(t, r, "不用留姓名和电话")
}

// What a grid member reports of somebody who wants to die reaches the office,
// urgent; whoever says it of themselves gets help and no form.
func TestForm_ReportOfSomebodyInDanger(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.hire("网格", "网格员", "三里村")
	for _, texts := range [][]string{{"苗头 老张媳妇说她不想活了，要喝农药"}, {"苗头", "老王媳妇说她不想活了，要跳河"}} {
		r := k.all("网格", texts...)
		want(t, r, "12356", "按急件转给工作人员", "哪个乡镇")
		r = k.all("网格", "三里村", "老张媳妇", "3", "1")
		want(t, r, "已登记", "已按急件通知值班人员")
	}
	want(t, k.say("陈所", "在吗"), "安全", "受理")
	r := k.all("老李", "人工", "1", "我不想活了，要喝农药")
	unwanted(t, r, "接着说", "哪个乡镇")
	if s := k.sessions["web/user/老李老李"]; strings.Contains(string(s), `"form"`) {
		t.Errorf("the form goes on: %s", s)
	}
}

// A case of danger is promised within hours: the hour is named, and in China.
func TestForm_DangerIsPromisedInChineseTime(t *testing.T) {
	t.Parallel()
	k := newDeskAt(t, func() time.Time { return time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC) })
	k.hire("陈所", "经办人", "城东司法所")
	r := k.all("小芳", "人工", "1", "我老公又打我了，我现在很害怕", "三里村", "老公", "不知道", "无", "无", "1")
	want(t, r, "最迟 11月30日 06:00 答复")
}

// A question without a conversation begins no form, and tries no code: each
// would come from an address whose tries nobody counts.
func TestForm_QuestionWithoutConversation(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	r := k.all("老李", "人工", "1", "邻居砌墙占了我家过道", "三里村", "张某", "不知道", "老李", "无", "1")
	code, no := codeIn(t, r), anyNo.FindString(r.Text)
	unwanted(t, k.sayIn("web/ask/1", "某人", "取件 "+code), no)
	for i, text := range []string{"人工", "上报", "点单普法", "同意代办"} {
		r := k.sayIn("web/ask/"+string(rune('a'+i)), "某人", text)
		unwanted(t, r, "哪方面", "想听哪一个", "同意码是")
	}
	want(t, k.sayIn("web/ask/z", "某人", "人工"), "12348")
}

// A rating is read as people write it.
func TestForm_RatingWithItsReason(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	r := k.all("老李", "人工", "1", "邻居砌墙占了我家过道", "三里村", "张某", "不知道", "老李", "无", "1")
	no := anyNo.FindString(r.Text)
	k.all("陈所", "受理 "+no, "答复 "+no+" 墙要退三十厘米。")
	want(t, k.say("老李", "评价 "+no+" 十分"), "1 到 5")
	want(t, k.say("老李", "评价 "+no+" 50"), "1 到 5")
	want(t, k.say("老李", "评价 "+no+" 5分，很快"), "谢谢")
}

// A case whose legal limit is near by the days of the story goes first, and the
// person is told not to wait for the answer.
func TestForm_LimitIsNear(t *testing.T) {
	t.Parallel()
	k := newDeskAt(t, func() time.Time { return time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC) })
	k.hire("陈所", "经办人", "城东司法所")
	for story, near := range map[string]bool{"2025年12月3日在工地受伤，单位没报工伤": true, "2026年11月3日在工地受伤，单位没报工伤": false} {
		r := k.all("老李"+story[:4], "人工", "2", story, "三里村", "公司", "不知道", "无", "无", "1")
		want(t, r, "已登记", "最迟")
		if strings.Contains(r.Text, "七天内就到") != near {
			t.Errorf("%s: near %v:\n%s", story, near, r.Text)
		}
	}
	want(t, k.say("陈所", "待办"), "【"+office.Limit.Name()+"】")
}

// Who only says that they want to complain is asked of whom; who wants plain
// words gets them.
func TestComplaint_OfWhom(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	for _, text := range []string{"我要投诉", "投诉", "我要举报！"} {
		want(t, k.say("老李", text), "投诉谁", "投诉本服务")
	}
	want(t, k.say("老李", "投诉本服务"), "发生了什么事")
	k.say("老王", "工作半年没签合同，能要多少双倍工资")
	want(t, k.say("老王", "说人话"), "先说最要紧的")
	k.hire("王明", "法律明白人", "三里村")
	want(t, k.all("王明", "代办", "他没有手机"), "司法所窗口登记")
}
