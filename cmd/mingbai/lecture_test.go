package main

import (
	"strings"
	"testing"
)

func TestLectureAndDutyCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must := func(in string, code int, want string, args ...string) {
		t.Helper()
		got, out, errs := try(t, dir, in, args...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Fatalf("%v: exit %d, want %d with %q:\n%s%s", args, got, code, want, out, errs)
		}
	}
	must("上级,类别,名称\n,县,青禾县\n青禾县,部门,人社局\n青禾县,村社区,三里村\n", 0, "导入 3 行", "org", "import", "-")
	must("姓名,角色,机构\n赵干部,普法干部,青禾县\n孙科长,经办人,人社局\n", 0, "导入 2 行", "person", "import", "-")
	duties := "部门,法律法规,普法内容,对象,频次\n人社局,劳动合同法,签合同,企业,每季度\n人社局,x,y,外星人,\n"
	must(duties, 1, "第 3 行：对象“外星人”", "duty", "import", "--dry-run", "-")
	must(strings.TrimSuffix(duties, "人社局,x,y,外星人,\n"), 0, "导入 1 行", "duty", "import", "-")
	must("姓名,部门,电话\n孙科长,人社局,13800000000\n", 0, "导入 1 行", "lecture", "lecturers", "import", "-")
	must("主题,部门,时长,讲师,晚上周末,责任编号\n讨薪,人社局,60,孙科长,是,1\n", 0, "导入 1 行", "lecture", "menu", "import", "-")
	must("", 0, "讨薪（60分钟", "lecture", "menu")
	must("", 1, "最早可以约", "lecture", "order", "1", "--at", "明天上午9点", "--heads", "40", "--unit", "三里村", "--contact", "张三", "--phone", "13900000000")
	must("", 2, "菜单编号", "lecture", "order")
	must("", 0, `"topic": "讨薪"`, "lecture", "menu", "--json")
	must("", 0, "共 0 张", "lecture", "list")
	must("日期,类型,名称,部门,地点,人次,责任编号\n2026-03-15,主题宣传,维权日,人社局,广场,200,1\n", 0, "导入 1 行", "lecture", "activity", "import", "-")
	must("", 0, "2026-03,主题宣传,1,200", "lecture", "activity", "export", "-", "--counts", "--from", "2026-01-01", "--to", "2026-12-31")
	must("", 0, "没有开展", "duty", "gaps", "--quarter", "2099Q4")
	must("", 0, "第五十七条", "duty", "prompts", "--draft", "--quarter", "2099Q4")
	must("", 0, "已发给人社局", "duty", "send", "1", "--as", "1")
	must("", 0, "已记下人社局", "duty", "answer", "1", "本月开展两场。", "--as", "2")
	must("", 0, "已反馈", "duty", "prompts", "--quarter", "2099年第4季度")
}
