package main

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mingbai/bot/qqtest"
	"mingbai/office"
)

var shareHref = regexp.MustCompile(`href="(https://qun\.qq\.com/[^"]+)"`)

// An administrator invites a helper at the console; the helper opens the link in
// QQ, which adds the bot, and is bound once they confirm.
func TestInvite_ByLinkInQQ(t *testing.T) {
	t.Parallel()
	r := newQQRig(t, "webhook")
	staffOf(t, r.records)
	admin, first, err := r.records.AddAdmin(t.Context(), "test", "zhu", office.Person{Name: "朱主任"})
	if err != nil {
		t.Fatal(err)
	}
	p := signedIn(t, "http://"+r.address, "zhu", ownPassword(t, r.records, admin.ID, first))
	helpers, err := r.records.People(t.Context(), office.PeopleFilter{Name: "王明"})
	if err != nil || len(helpers) != 1 {
		t.Fatal(helpers, err)
	}
	invite := func() string {
		return p.post("/console/people/"+strconv.FormatInt(helpers[0].ID, 10)+"/invite", url.Values{})
	}
	bound := func() int {
		w, err := r.records.Person(t.Context(), helpers[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return w.Bound
	}
	page := invite()
	p.expect(page, "用手机 QQ 扫这个码", "<svg", "绑定 ")
	m := shareHref.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no link for QQ on the page, which says %q", pageSays.FindAllString(page, -1))
	}
	stranger := func(name string) *qqtest.User {
		u := r.platform.User(r.bot, name)
		u.Unfriend()
		return u
	}
	lost, wang, late := stranger("路人"), stranger("王明"), stranger("迟来的")
	open := func(u *qqtest.User) {
		t.Helper()
		if _, err := u.OpenLink(m[1]); err != nil {
			t.Fatal(err)
		}
	}
	open(lost)
	r.shown(lost.SeenTexts, "这是发给 王明（三里村法律明白人）的邀请")
	lost.Say("2")
	r.shown(lost.SeenTexts, "没有绑定")
	open(wang)
	r.shown(wang.SeenTexts, "确认绑定")
	if n := bound(); n != 0 {
		t.Errorf("bound to %d chats before anybody confirmed", n)
	}
	if _, err := wang.Press("确认绑定"); err != nil {
		t.Fatal(err)
	}
	r.shown(wang.SeenTexts, "绑定好了。您是王明")
	if n := bound(); n != 1 {
		t.Errorf("bound to %d chats", n)
	}
	open(late)
	r.shown(late.SeenTexts, "用过了或过期了")
	late.Unfriend()
	late.Befriend("bind-<script>0")
	r.shown(late.SeenTexts, "我是法律服务助手")

	r.platform.Arm(qqtest.Fault{Kind: "500", Endpoint: "link"}, 3)
	page = invite()
	p.expect(page, "QQ 的链接这会儿拿不到", "绑定 ")
	if strings.Contains(page, "qun.qq.com") {
		t.Error("a link though QQ gave none")
	}
}
