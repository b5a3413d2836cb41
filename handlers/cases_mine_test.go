package handlers

import (
	"strings"
	"testing"

	"mingbai/office"
)

func TestCases_WhatPeopleSayOfTheirCaseWithoutNamingIt(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	if got := k.say("老王", "我的事办到哪一步了").Text; strings.Contains(got, "城东-") {
		t.Errorf("without a case: %s", got)
	}
	if got := k.say("老王", "你好").Text; strings.Contains(got, "回“人工”") || strings.Contains(got, "回\"人工\"") {
		t.Errorf("with nobody to come a person is offered: %s", got)
	}
	k.hire("陈所", "经办人", "城东司法所")
	if got := k.say("老王", "谢谢").Text; !strings.Contains(got, "人工") {
		t.Errorf("with a clerk: %s", got)
	}
	k.say("老李", "上报 邻居砌墙占了我家过道半米，三轮车进不来")
	want(t, k.all("老李", "1", "三里村", "张某", "无", "无", "无"), "经过：邻居砌墙占了我家过道半米")
	want(t, k.say("老李", "1"), "编号")
	for _, said := range []string{"我的事办到哪一步了", "我的案子处理得怎么样了？", "帮我查一下我那件事到哪了", "我上报的事情办得咋样了", "请问我的申请办好了吗"} {
		want(t, k.say("老李", said), "城东-0001", "待受理")
	}
	want(t, k.say("老李", "评价"), "还没有答复")
	p, err := k.db.PersonByAccount(t.Context(), "web/user/陈所")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []office.Action{{Verb: "accept"}, {Verb: "answer", Text: "双方同意退回三十厘米。"}} {
		if _, err := k.db.Act(t.Context(), p, "0001", a); err != nil {
			t.Fatal(err)
		}
	}
	want(t, k.say("老李", "评价"), "1 到 5 分", "城东-0001")
	want(t, k.say("老李", "评价 5 答得清楚"), "已记下")
	for _, said := range []string{"案子到法院多久能办好", "离婚官司打到哪一步要请律师", "我的工资怎么还没发"} {
		if got := k.say("老李", said).Text; strings.Contains(got, "城东-0001") {
			t.Errorf("%s was taken for a case: %s", said, got)
		}
	}
	if got := k.say("老张", "上报 他喝了酒又在打我，我快被打死了").Text; !strings.Contains(got, "110") || strings.Contains(got, "怎么称呼") {
		t.Errorf("a crisis behind the word: %s", got)
	}
}
