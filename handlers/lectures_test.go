package handlers

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

// lectureDesk is a desk with a menu, its lecturer and an officer, on Wednesday
// 25 November 2026; pass moves the clock.
func lectureDesk(t *testing.T) (k *deskTalk, pass func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, chinaZone)
	k = newDeskAt(t, func() time.Time { return now })
	keep := func(rep office.Import, err error) {
		t.Helper()
		if err != nil || len(rep.Errors) > 0 {
			t.Fatal(rep, err)
		}
	}
	ctx := t.Context()
	keep(k.db.ImportOrgs(ctx, "test", [][]string{{"上级", "类别", "名称"}, {"青禾县", "部门", "人社局"}}, false))
	k.hire("赵干部", "普法干部", "青禾县")
	k.hire("钱讲师", "经办人", "人社局")
	keep(k.db.ImportLecturers(ctx, "test", [][]string{{"姓名", "部门", "电话"}, {"钱讲师", "人社局", ""}}, false))
	keep(k.db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长", "对象", "讲师", "语言", "晚上周末", "责任编号"},
		{"讨薪怎么办", "人社局", "60", "企业", "钱讲师", "", "", ""}, {"防诈骗", "人社局", "45", "学校、乡村", "", "普通话、方言", "是", ""}}, false))
	return k, func(d time.Duration) { now = now.Add(d) }
}

func TestLectures_OrderedInEightSteps(t *testing.T) {
	t.Parallel()
	k, pass := lectureDesk(t)
	r := k.say("村长", "点单普法")
	want(t, r, "想听哪一个")
	if len(r.Choices) != 2 || !strings.HasPrefix(r.Choices[0], "讨薪怎么办（60分钟") {
		t.Fatalf("menu %q", r.Choices)
	}
	steps := []struct{ say, want string }{
		{"1", "什么时候"}, {"12月4日上午9点", "多少人"}, {"大约40人", "哪个单位"}, {"城东街道三里村村委会", "联系人和电话"}, {"村长 13900000000", "有什么要求"},
		{"要大字的", "5. 联系人：村长 13900000000"}, {"1", "已下单，编号 讲2026-0001"},
	}
	if len(steps)+1 > 8 {
		t.Errorf("an order takes %d messages", len(steps)+1)
	}
	for _, s := range steps {
		r = k.say("村长", s.say)
		want(t, r, s.want)
	}
	want(t, k.say("赵干部", "讲座待办"), "新的讲座订单", "三里村", "可以：派讲、取消讲座")
	want(t, k.say("赵干部", "派讲 1"), "已派单")
	want(t, k.say("钱讲师", "你好"), "请您接一场讲座", "要求：要大字的")
	want(t, k.say("钱讲师", "改期 1 12月7日下午2点半 那天要开会"), "待同意改期", "12月7日（周一）14:30")
	want(t, k.say("村长", "我的讲座"), "那天要开会", "同意改期、改约、取消讲座")
	want(t, k.say("村长", "同意改期 1"), "已接单", "12月7日（周一）14:30")
	want(t, k.say("钱讲师", "完成讲座 1 38"), "才开讲")
	pass(13 * 24 * time.Hour)
	want(t, k.say("钱讲师", "完成讲座 讲2026-0001 38人 签到表.jpg"), "已完成")
	want(t, k.say("村长", "看讲座 1"), "签到 38 人", "照片：签到表.jpg", "评讲座")
	want(t, k.say("村长", "评讲座 1 5 讲得明白"), "谢谢")
	want(t, k.say("村长", "评讲座 1 4"), "已评价”，不能")
	if f, err := k.db.LectureFigures(t.Context(), time.Date(2026, 12, 1, 0, 0, 0, 0, chinaZone), time.Date(2026, 12, 31, 0, 0, 0, 0, chinaZone)); err != nil || f.Held != 1 || f.Heads != 38 || f.Satisfied != 1 {
		t.Errorf("figures %+v, %v", f, err)
	}
}

func TestLectures_RefusesAndCorrects(t *testing.T) {
	t.Parallel()
	k, _ := lectureDesk(t)
	want(t, k.say("村长", "点单普法 外星"), "可以看这几类")
	if r := k.say("村长", "点单普法 学校"); len(r.Choices) != 1 || !strings.HasPrefix(r.Choices[0], "防诈骗") {
		t.Errorf("for schools: %q", r.Choices)
	}
	want(t, k.say("村长", "退出"), "没有提交")
	k.all("村长", "点单普法", "1")
	want(t, k.say("村长", "2月30日9点"), "没看懂是哪一天")
	want(t, k.say("村长", "明天上午9点"), "最早可以约 11月30日")
	want(t, k.say("村长", "12月5日上午9点"), "是周末", "12月7日")
	want(t, k.say("村长", "12月4日晚上7点"), "8:30 到 17:30")
	want(t, k.say("村长", "12月4日9点"), "多少人")
	want(t, k.say("村长", "很多"), "写一个数字")
	want(t, k.say("村长", "50"), "哪个单位")
	want(t, k.say("村长", "三里村村委会"), "联系人")
	want(t, k.say("村长", "张三"), "姓名和电话")
	want(t, k.all("村长", "张三，13800000000", "无"), "请核对", "2. 时间：12月4日（周五）09:00", "6. 要求：（没有写）")
	want(t, k.say("村长", "改2 12月3日下午3点"), "2. 时间：12月3日（周四）15:00")
	r := k.say("村长", "1")
	want(t, r, "已下单")
	code := regexp.MustCompile(`查询码 (\S{9})`).FindStringSubmatch(r.Text)
	// the lecturer is taken now: the next one hears it before they fill in the rest
	k.all("校长", "点单普法", "1")
	want(t, k.say("校长", "12月3日15:30"), "已经有一场")
	k.say("校长", "退出")
	want(t, k.say("校长", "看讲座 1"), "没有找到")
	want(t, k.say("校长", "取消讲座 1 不听了"), "没有找到")
	want(t, k.say("校长", "派讲 1"), "没有找到")
	want(t, k.say("校长", "我的讲座"), "没有还没讲的讲座")
	if code == nil {
		t.Fatal(r.Text)
	}
	want(t, k.say("村长换手机", "看讲座 "+code[1]), "讨薪怎么办", "13800000000")
	want(t, k.say("村长换手机", "取消讲座 "+code[1]), "写明原因")
	want(t, k.say("村长换手机", "取消讲座 "+code[1]+" 村里停电"), "已取消")
	// words that only look like it are questions
	unwanted(t, k.say("老李", "我接单送外卖被撞了怎么办"), "没有找到", "讲座")
}
