package handlers

import (
	"regexp"
	"testing"

	"mingbai/office"
)

func TestPrivacy_OwnDataByChat(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.hire("陈所", "经办人", "城东司法所")
	want(t, k.say("老李", "我的资料"), "事项 0 件", "导出我的资料", "删除我的资料")
	r := k.all("老李", "人工", "5", "想问问村里的低保怎么申请，谁家能办。", "三里村", "不知道", "李某", "13800000000", "确认")
	want(t, r, "已登记，编号")
	no := regexp.MustCompile(`2\d{3}-城东-\d{4}`).FindString(r.Text)
	want(t, k.say("老李", "我的资料"), "事项 1 件")
	want(t, k.say("老李", "导出我的资料"), no, "13800000000", "低保怎么申请")
	unwanted(t, k.say("老王", "导出我的资料"), no, "低保怎么申请")
	want(t, k.say("老李", "删除我的资料"), "会删掉", no, "还在办理", "撤回", "确认删除我的资料")
	k.all("陈所", "受理 "+no, "答复 "+no+" 带身份证去村委会填表。", "办结 "+no)
	want(t, k.say("老李", "把我的资料都删了"), "事项 1 条", "确认删除我的资料")
	want(t, k.say("老李", "确认删除我的资料"), "已经删掉", "回执号 删-")
	unwanted(t, k.say("老李", "导出我的资料"), no, "低保怎么申请", "13800000000")
	if list, n, err := k.db.Cases(t.Context(), office.Person{Account: "web/user/老李"}, office.CaseFilter{}); err != nil || n != 0 {
		t.Errorf("still theirs: %v, %v", list, err)
	}
}
