package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"mingbai/office"
)

type auditPage struct {
	Form    *form
	Entries []auditRow
	Pager   pager
}

// auditRow is an entry with who and what in words.
type auditRow struct {
	office.AuditEntry
	Who, What, About string
}

// actions are what people read of an entry's action and of some details; the
// names of steps of cases are Event's.
var actions = map[string]string{
	"add org": "加机构", "add person": "加人员", "edit person": "改资料", "add post": "加岗位", "remove post": "去掉岗位", "suspend person": "停用", "resume person": "恢复",
	"invite": "发邀请码", "bind": "绑定聊天", "unbind": "解除绑定", "sign in": "登录后台", "sign out": "退出后台", "sign in failed": "登录失败", "denied": "越权被拒", "wrong code": "码不对", "proof failed": "再次确认失败",
	"change password": "改密码", "codes on": "设手机验证码", "codes off": "关手机验证码", "recovery codes": "换备用码", "add console account": "开通后台", "reset console account": "重置后台密码",
	"export": "导出", "password": "密码", "password and code": "密码和手机验证码", "password and recovery code": "密码和备用码", "vouched for": "统一登录", "topic on": "恢复专题", "topic off": "关闭专题", "take": "取件", "read": "查看", "clear person": "授权看限看件", "unclear person": "收回授权", "read log": "看了查看记录", "rate": "评价",
}

// audit shows who did what.
func audit(c *call) error {
	f := c.form()
	filter := office.AuditFilter{Text: f.Get("text"), Limit: perPage, Offset: c.paged()}
	filter.From, filter.To = f.period()
	list, n, err := c.o.Office.SearchAudit(c.r.Context(), filter)
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "audit", auditPage{Form: f, Pager: c.pager(n), Entries: c.auditRows(list)})
}

// auditRows puts entries into words.
func (c *call) auditRows(list []office.AuditEntry) (rows []auditRow) {
	names := map[string]string{}
	for _, e := range list {
		what := actions[e.Action]
		if what == "" {
			what = office.Event{Verb: e.Action}.Name()
		}
		if word := actions[e.Detail]; word != "" {
			e.Detail = word
		}
		if e.Action == "read" {
			e.Detail = office.Read{What: e.Detail}.WhatName()
		}
		rows = append(rows, auditRow{e, c.named(names, e.Actor), what, c.named(names, e.Object)})
	}
	return rows
}

// named puts a person's name to what the audit calls them.
func (c *call) named(known map[string]string, key string) string {
	if name, ok := known[key]; ok {
		return name
	}
	name := map[string]string{"resident": "居民", "console": "登录页"}[key]
	if number, ok := strings.CutPrefix(key, "person "); ok {
		if id, err := strconv.ParseInt(number, 10, 64); err == nil {
			if p, err := c.o.Office.Person(c.r.Context(), id); err == nil {
				name = fmt.Sprintf("%s（%d）", p.Name, id)
			}
		}
	}
	if name == "" {
		name = key
	}
	known[key] = name
	return name
}

type readsPage struct {
	Form  *form
	Rows  []office.Read
	Pager pager
}

// reads shows who looked at what.
func reads(c *call) error {
	f := c.form()
	page := readsPage{Form: f}
	filter := office.ReadFilter{By: f.Get("by"), About: f.Get("about"), Limit: perPage, Offset: c.paged()}
	filter.From, filter.To = f.period()
	list, n, err := c.o.Office.Reads(c.r.Context(), c.me, filter)
	page.Rows, page.Pager = list, c.pager(n)
	if err != nil {
		return c.again(err, "reads", f, page)
	}
	return c.show(http.StatusOK, "reads", page)
}

// verifyAudit walks the whole chain and says whether it holds.
func verifyAudit(c *call) error {
	n, err := c.o.Office.VerifyAudit(c.r.Context())
	if err == nil {
		err = c.o.Office.Check(c.r.Context())
	}
	if err != nil {
		return err
	}
	return c.done("/console/audit", fmt.Sprintf("审计记录 %d 条，前后相连，没有被改过；每一件的步骤和通知都完整。", n))
}
