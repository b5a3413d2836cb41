package console

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"mingbai/office"
)

// menuOf is the menu that a person has on a page: groups as "name[entries]", with
// * behind what is marked as where one is.
func (m *matrix) menuOf(p office.Person, at string) string {
	c := &call{Console: m.console, r: httptest.NewRequest("GET", at, nil), me: p}
	var parts []string
	for _, g := range c.nav() {
		var items []string
		for _, i := range g.Items {
			mark := map[string]string{"page": "*", "true": "~"}[i.Current]
			items = append(items, i.Label+mark)
		}
		text := strings.Join(items, " ")
		if g.Label != "" {
			mark := ""
			if g.Current {
				mark = "*"
			}
			text = fmt.Sprintf("%s%s[%s]", g.Label, mark, text)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// The county's administrator has few groups; who has few entries has them side
// by side; where one is is marked, and nothing else.
func TestMenu(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	for _, x := range []struct {
		p        office.Person
		at, want string
	}{
		{m.county, "/console/people/4", "首页 办件 跟进[工单 通知 评价 预警 月通报] 人员*[人员~ 机构 明白人覆盖 调解员库] 普法[普法内容 发布计划 发布日历 送达台账 定时的活 点单普法 普法责任 普法效果] 记录与安全[审计 查看记录 专题开关 模型拦截 个人资料] 我的[给我的通知 我的账号]"},
		{m.actors[office.Clerk], "/console/cases", "首页 办件* 跟进[工单 通知 评价 预警 月通报] 人员[人员 机构 明白人覆盖 调解员库] 普法[点单普法 普法责任] 我的[给我的通知 我的账号]"},
		{m.actors[office.Helper], "/console", "首页* 办件 给我的通知 我的账号"},
		{m.actors[office.Mediator], "/console/account", "首页 办件 调解员库 点单普法 普法责任 给我的通知 我的账号*"},
	} {
		if got := m.menuOf(x.p, x.at); got != x.want {
			t.Errorf("%s at %s:\n got %s\nwant %s", x.p.Name, x.at, got, x.want)
		}
	}
	letters := map[string]string{}
	for to, key := range shortcuts {
		if other := letters[key]; other != "" || len(key) != 1 || key == "g" {
			t.Errorf("%s and %s go by %q", to, other, key)
		}
		letters[key] = to
	}
}
