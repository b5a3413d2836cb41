package main

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
	"mingbai/office"
)

// hostileStory is what somebody writes who wants the office's browser to run it.
const hostileStory = `工地干了三个月没给钱<img src=x onerror=alert(1)>"><script>alert(2)</script><svg/onload=alert(3)>{{.}}`

// staffOf makes the office of the journey: a helper with a code to bind their
// chat, and a clerk who can sign in to the console.
func staffOf(t *testing.T, db *office.DB) (code, password string) {
	t.Helper()
	ctx := t.Context()
	rep, err := db.ImportOrgs(ctx, "test", [][]string{{"上级", "类别", "名称"}, {"", "县", "青禾县"}, {"青禾县", "乡镇街道", "城东街道"}, {"城东街道", "司法所", "城东司法所"}, {"城东街道", "村社区", "三里村"}}, false)
	if err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	if rep, err = db.ImportPeople(ctx, "test", [][]string{{"姓名", "角色", "机构"}, {"王明", "法律明白人", "三里村"}, {"陈所", "经办人", "城东司法所"}}, false); err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	list, err := db.People(ctx, office.PeopleFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Has(office.Helper) {
			if code, _, err = db.Invite(ctx, "test", p.ID); err != nil {
				t.Fatal(err)
			}
			continue
		}
		first, err := db.AddConsoleAccount(ctx, "test", p.ID, "chen")
		if err != nil {
			t.Fatal(err)
		}
		password = ownPassword(t, db, p.ID, first)
	}
	return code, password
}

// ownPassword changes a console's first password, as its owner must.
func ownPassword(t *testing.T, db *office.DB, person int64, first string) (password string) {
	t.Helper()
	token, err := db.OpenConsole(t.Context(), person, "test")
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.ConsoleSession(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	password = "xigua qiaoliang 42"
	if _, err := db.ChangeConsolePassword(t.Context(), s, first, password); err != nil {
		t.Fatal(err)
	}
	return password
}

// A helper files a case on QQ with the resident's consent; a clerk drafts and
// answers it at the console after the platform's window for replies has closed;
// the resident gets the answer when they write again, and rates it.
func TestJourney_HelperClerkResident(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	t.Parallel()
	r := newQQRig(t, "webhook")
	code, password := staffOf(t, r.server.records)
	wang, mei := r.platform.User(r.bot, "王明"), r.platform.User(r.bot, "李梅")
	wang.Say("绑定 " + code)
	r.shown(wang.SeenTexts, "绑定好了")
	mei.Say("同意代办")
	consent := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(r.shown(mei.SeenTexts, "您的同意码"))
	for said, next := range steps("代办", "本人的同意码", consent, "哪方面", "欠薪", "发生了什么事", hostileStory, "在哪个乡镇", `三里村"><script>alert(4)</script>`, "对方", "包工头老钱", "希望", "把工钱要回来", "请核对", "1", "城东-0001") {
		wang.Say(said)
		r.shown(wang.SeenTexts, next)
	}
	mei.SetPush(false)
	r.platform.Advance(2 * time.Hour) // nobody may be answered any more

	d := &desk{t: t, url: "http://" + r.address}
	browser, cancel := chromedp.NewContext(servers.StartChromium(t))
	t.Cleanup(cancel)
	d.Context = browser
	dialogs := make(chan string, 10)
	chromedp.ListenTarget(browser, func(e any) {
		if x, ok := e.(*page.EventJavascriptDialogOpening); ok {
			dialogs <- x.Message
		}
	})
	d.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`window.breaches = []; document.addEventListener('securitypolicyviolation', (e) => breaches.push(e.violatedDirective))`).Do(ctx)
		return err
	}))
	quiet := func() {
		t.Helper()
		var breaches string
		d.run(chromedp.Evaluate(`breaches.join()`, &breaches))
		if breaches != "" || len(dialogs) > 0 {
			t.Errorf("the page ran what a resident wrote: %s, %d dialogs", breaches, len(dialogs))
		}
	}
	d.signIn("chen", password)
	d.see("等着办的事")
	for _, path := range []string{"/console/cases?q=" + "三个月没给钱", "/console/cases"} {
		d.visit(path)
		d.see("城东-0001")
		quiet()
	}
	d.press(`//a[contains(., "城东-0001")]`)
	d.see("<script>alert(2)</script>")
	quiet()
	d.press(button("受理"))
	d.see("现在是“已受理”")
	d.press(button("起草"))
	d.see("从审核过的条目摘的草稿")
	d.fill("text", "老钱已经答应月底前付清。他不付，劳动监察会责令他付（12333）。"+hostileStory)
	d.press(button("先看看"))
	d.see("本人会看到")
	quiet()
	d.press(button("发出答复"))
	d.see("本人还没取")
	quiet()
	d.press(`//a[contains(., "打印页")]`)
	d.see("按 Ctrl+P 打印")
	quiet()

	seen := strings.Join(mei.SeenTexts(), "\n")
	if strings.Contains(seen, "老钱已经答应") {
		t.Errorf("the answer came although the platform lets nobody be written to: %s", seen)
	}
	mei.Say("在吗")
	got := r.shown(mei.SeenTexts, "老钱已经答应月底前付清")
	if !strings.Contains(got, "城东司法所 陈所") {
		t.Errorf("the answer does not say who answers for it: %s", got)
	}
	mei.Say("评价 5 办得快")
	r.shown(mei.SeenTexts, "谢谢，已记下")
	d.visit("/console/cases")
	d.visit("/console/cases?state=answered")
	d.press(`//a[contains(., "城东-0001")]`)
	d.see("看到")
	if err := r.server.records.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// steps pairs what is said with what is answered, in order.
func steps(list ...string) func(yield func(said, next string) bool) {
	return func(yield func(said, next string) bool) {
		for i := 0; i+1 < len(list); i += 2 {
			if !yield(list[i], list[i+1]) {
				return
			}
		}
	}
}
