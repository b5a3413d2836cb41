package handlers

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

var anyNo = regexp.MustCompile(`2\d{3}-城东-\d{4}`)

func TestDuty_RosterCallsAlertsFirmsAndComplaints(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	k.hire("甲律师", "法律顾问", "三里村")
	rows := [][]string{{"机构", "顾问", "顺序", "星期", "开始", "结束"}, {"三里村", "甲律师", "1", "", "", ""}}
	if rep, err := k.db.ImportRoster(t.Context(), "test", rows, false); err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	want(t, k.say("老李", "谁值班 三里村"), "甲律师")
	want(t, k.say("老李", "谁值班 城东街道"), "没有值班")
	want(t, k.say("老李", "谁值班？"), "请写上村")
	no := anyNo.FindString(k.all("老李", "人工", "1", "邻居砌墙占了我家过道半米，车进不来。", "三里村", "张某", "退回去", "李某", "无", "确认").Text)
	want(t, k.say("陈所", "找顾问 "+no), "已派给值班法律顾问甲律师")
	want(t, k.say("甲律师", "办理 "+no), "办理中")
	want(t, k.say("陈所", "找顾问 "+no), "没有值班的法律顾问")
	want(t, k.say("老李", "找顾问 "+no), "由经办人来做")
	want(t, k.say("陈所", "电话单"), "没有要打电话的")
	want(t, k.say("陈所", "预警"), "没有预警")
	want(t, k.say("老李", "预警"), "工作人员用的")
	firm := k.all("老张", "人工", "7", "想问开店办执照要哪些材料。", "三里村", "不确定", "张某", "无", "确认")
	want(t, firm, "已登记")
	want(t, k.say("陈所", "涉企"), "涉企待办 1 件", anyNo.FindString(firm.Text))
	r := k.all("老王", "我要投诉机器人", "答得不对，耽误我的事了。", "三里村", "改好它", "王某", "无", "确认")
	want(t, r, "已登记")
	list, _, err := k.db.Cases(t.Context(), office.Person{Account: "web/user/老王"}, office.CaseFilter{})
	if err != nil || len(list) != 1 || list[0].Matter != "complaint" || list[0].Promised.Sub(list[0].Opened) < 4*24*time.Hour {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestLesson_ThreeQuestionsIntoTheLedger(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("王明", "法律明白人", "三里村")
	want(t, k.say("老李", "本周一学"), "给法律明白人")
	r := k.say("王明", "本周一学")
	want(t, r, "第 1 题")
	if len(r.Choices) != 3 {
		t.Fatalf("got %q", r.Choices)
	}
	want(t, k.say("王明", "9"), "1 到 3")
	right := 0
	for range 3 {
		r = k.say("王明", "1")
		if strings.HasPrefix(r.Text, "对。") {
			right++
		} else {
			want(t, r, "不对，是第")
		}
		want(t, r, "依据：")
	}
	want(t, r, "学完了")
	want(t, k.say("王明", "我的台账"), "学习 1 周")
	want(t, k.say("王明", "记台账 走访 3人 60分钟 看了独居老人"), "走访，3 人，60 分钟")
	want(t, k.say("王明", "我的台账"), "走访 1 次", "共 3 人、70 分钟", "看了独居老人")
	want(t, k.say("王明", "记台账 喝茶 3人"), "类别写其中一个")
	want(t, k.say("老李", "我的台账"), "工作人员用的")
	k.say("王明", "本周一学")
	unwanted(t, k.say("王明", "老板三个月没发工资怎么办"), "第 1 题", "学完了") // another matter ends the lesson
}
