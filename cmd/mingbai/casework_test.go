package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

// The commands of the office as a clerk's colleague types them: each says what
// became of it, bad rows are named, nothing is taken twice.
func TestCasework_Commands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, body string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	roster := file("roster.csv", "机构,顾问,顺序,星期,开始,结束\n三里村,甲律师,1,,,\n")
	bad := file("bad.csv", "工单编号,诉求内容,事发地点\nGD1,楼下烧烤摊半夜还吵睡不着,城东街道\nGD2,短,\n")
	good := file("good.csv", "工单编号,诉求内容,事发地点,来电人\nGD1,楼下烧烤摊半夜还吵睡不着,城东街道,=1+1\n")
	month := string(office.MonthOf(time.Now()))
	for _, step := range []struct {
		args, want string
		code       int
	}{
		{"org add 县 青禾县", "已加", 0},
		{"org add 乡镇街道 城东街道 --under 青禾县", "已加", 0},
		{"org add 村社区 三里村 --under 城东街道", "已加", 0},
		{"person add 陈所 --role 经办人 --org 城东街道 --email chen@example.gov.cn", "已加", 0},
		{"person add 甲律师 --role 法律顾问 --org 三里村", "已加", 0},
		{"person add 王明 --role 法律明白人 --org 三里村", "已加", 0},
		{"person invite 王明", "邀请码", 0},
		{"person invite 李四", "没有叫“李四”的人", 1},
		{"person add 王明 --role 网格员 --org 城东街道", "已加", 0},
		{"person add 孙普 --role 普法干部 --org 青禾县", "已加", 0},
		{"person suspend 4", "已停用", 0},
		{"person invite 王", "3 王明（三里村 法律明白人）\n  4 王明（城东街道 网格员，已停用）", 1},
		{"console add 陈所 chen", "登录名：chen", 0},
		{"console add 2 jia", "登录名：jia", 0},
		{"console add 王明 wang", "有 2 个人叫“王明”，请用前面的编号：\n  3 王明", 1},
		{"console add 3", "编号或姓名", 2},
		{"console add 李四 li", "没有叫“李四”的人", 1},
		{"console password 陈所", "登录名：chen", 0},
		{"console password jia", "登录名：jia", 0},
		{"console password 3", "还没有开通后台登录", 1},
		{"console password 李四", "没有叫“李四”的人", 1},
		{"plan stop 试试 --by 孙普", "停", 0},
		{"plan stop 试试 --by 王明", "有 2 个人叫“王明”，请用前面的编号", 1},
		{"plan stop 试试", "要写 --by", 2},
		{"roster import " + roster, "导入 1 行", 0},
		{"roster now 三里村", "甲律师", 0},
		{"roster off 甲律师 2026-01-01 2126-01-01", "记好了", 0},
		{"roster now", "没有人值班", 0},
		{"ticket import " + bad, "第 3 行", 1},
		{"ticket import --dry-run " + good, "没有保存", 0},
		{"ticket import " + good, "导入 1 行", 0},
		{"ticket import " + good, "以前导入过", 0},
		{"ticket export -", "GD1", 0},
		{"case list", "共 1 件", 0},
		{"case list --matter 涉企", "共 0 件", 0},
		{"case calls", "共 0 件", 0},
		{"case alerts", "共 0 条", 0},
		{"ledger add 3 --kind 走访 --people 3 看望老人", "记好了", 0},
		{"ledger export -", "看望老人", 0},
		{"report monthly --unit 城东街道 --month " + month, "| 登记（件） | 1 |", 0},
		{"report monthly --format csv --month " + month, "办件,登记,件,1,", 0},
		{"report monthly --json --month " + month, `"unit": "青禾县"`, 0},
		{"report monthly --cases --month " + month, "城东街道,", 0},
		{"report monthly --unit 三里村 --month " + month, "没有您能看的单位", 1},
		{"report monthly --format docx", "没有“docx”这种格式", 2},
		{"audit list", "report cases " + month, 0},
		{"notify list", "", 0},
		{"notify test", "没有设提醒", 0},
		{"privacy retain --dry-run", "没有到期的", 0},
		{"privacy erase", "要写 --case 或 --account", 2},
		{"privacy consents", "还没有人", 0},
		{"audit verify", "前后相连", 0},
	} {
		code, out, errs := try(t, dir, "", strings.Fields(step.args)...)
		if code != step.code || !strings.Contains(out+errs, step.want) {
			t.Errorf("%s: %d, want %d and %q in %s%s", step.args, code, step.code, step.want, out, errs)
		}
	}
}
