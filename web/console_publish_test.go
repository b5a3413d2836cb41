package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"mingbai/office"
)

// as signs the tab in as another person.
func (u *bureau) as(b *tab, p office.Person) {
	b.t.Helper()
	token, err := u.db.OpenConsole(b.t.Context(), p.ID, "test")
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("mingbai-loopback", token).WithURL(u.URL).WithPath("/").Do(ctx)
	}))
}

// testPublishing goes the way of docs/guide-officer.md: one officer writes,
// another approves, the first plans, and in the end recalls.
func testPublishing(t *testing.T, browser context.Context) {
	u := newBureau(t)
	second, err := u.db.AddPerson(t.Context(), "test", office.Person{Name: "吴审", Posts: []office.Post{{Role: office.Officer, Org: u.plain.Posts[0].Org}}})
	if err != nil {
		t.Fatal(err)
	}
	b := u.signed(t, browser, "/console/content")
	b.titled("普法内容")
	b.check("content-empty")
	b.press("写一条")
	b.titled("写一条")
	b.fill("title", "打借条，写清五件事")
	b.fill("body", "太短")
	b.press("预览和检查")
	b.until(`document.querySelector('.findings').textContent.includes('要选给谁看') && document.querySelector('[name=body]').value === '太短'`)
	b.check("content-preview")
	u.testLive(b)
	b.fill("body", "借钱给人要打借条，口头说的难证明。\n\n## 写清五件事\n\n- 谁借给谁，写身份证上的名字\n- 金额，用大写再写一遍\n- 利率，**不写就是没有利息**\n- 哪天还\n- 双方签名、按手印、写日期\n")
	b.run(chromedp.Click(`input[name=audience][value=乡村]`, chromedp.ByQuery))
	b.press("存为草稿")
	b.titled("打借条，写清五件事")
	b.check("content-draft")
	b.press("送审")
	b.until(`document.querySelector('.note').textContent.includes('要请另一位')`)
	b.check("content-review-own")
	u.as(b, second)
	b.run(chromedp.Navigate(u.URL + "/console/content?state=review"))
	b.check("content-list")
	b.press("打借条")
	b.check("content-review")
	b.press("通过")
	b.until(`document.querySelector('.flash').textContent.includes('审核通过')`)
	u.as(b, u.plain)
	b.press("排进发布计划")
	b.titled("发布计划")
	b.fill("name", "每周普法")
	b.fill("spec", "每周一上午三点")
	b.press("先看接下来五次")
	b.until(`document.querySelector('form .note').textContent.includes('没有可以发布的时间')`)
	b.fill("spec", "每周一上午九点")
	b.press("先看接下来五次")
	b.until(`document.querySelectorAll('form .note li').length === 5`)
	b.check("plans-preview")
	b.press("定下来")
	b.until(`document.querySelector('.flash').textContent.includes('计划已定')`)
	b.check("plans")
	b.run(chromedp.Navigate(u.URL + "/console/month"))
	b.until(`document.querySelector('table.month')`)
	b.check("month")
	u.testLedger(t, b)
}

// testLive types without pressing anything: checks, places and lengths follow,
// and what is typed last is what is shown.
func (u *bureau) testLive(b *tab) {
	b.run(chromedp.Evaluate(`window.same = true; for (const text of ['一', '一二', '口说无凭。'.repeat(120)]) {
		const body = document.querySelector('[name=body]');
		body.value = text;
		body.dispatchEvent(new InputEvent('input', { bubbles: true }));
	}`, nil))
	b.until(`document.querySelector('#preview-said').textContent.includes('预览跟上了：要改 1 处')`)
	b.until(`[...document.querySelectorAll('#preview figcaption')].some((n) => n.textContent.includes('QQ 群 6') && n.textContent.includes('/ 500 字 放不下')) && window.same`)
	b.check("content-live")
	b.run(chromedp.Click(`input[name=audience][value=乡村]`, chromedp.ByQuery))
	b.until(`document.querySelector('#preview-said').textContent.includes('要改 0 处')`)
	b.run(chromedp.Click(`input[name=audience][value=乡村]`, chromedp.ByQuery))
}

// testLedger looks at a ledger with everything in it.
func (u *bureau) testLedger(t *testing.T, b *tab) {
	write, _, _ := u.db.Handles()
	for state, code := range map[string]string{office.Sent: "", office.Refused: "40034105", office.Uncertain: "crash", office.Failed: "gave up"} {
		if _, err := write.ExecContext(t.Context(), `INSERT INTO deliveries (item, version, act, sink, target, keyed, plan, slot, state, due, lease, attempts, ref, code, created, changed, sent, expires, settled)
			VALUES (1, 1, 'publish', 'chat', $1, 0, 0, 0, $2, 0, 0, 1, '', $3, 1, 1796000000, 0, 0, '')`, "qq/user/E4F4A1B2C3-"+state, state, code); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.db.EndRun(t.Context(), office.Run{Job: "publish", Process: "p", State: "failed", Note: "no disk"}); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.Navigate(u.URL + "/console/deliveries"))
	b.titled("送达台账")
	b.check("ledger")
	if got := eval[string](b, `document.body.textContent`); strings.Contains(got, "E4F4A1B2C3") {
		t.Error("the page shows a whole chat address")
	}
	b.press("送到了")
	b.until(`document.querySelector('.flash') && !document.body.textContent.includes('程序不会自己重发')`)
	b.run(chromedp.Navigate(u.URL + "/console/jobs"))
	b.titled("定时的活")
	b.check("jobs")
	b.run(chromedp.Navigate(u.URL + "/console/plans"))
	b.run(chromedp.SetValue(`form[action$="/stop"] [name=why]`, "发现错误", chromedp.ByQuery))
	b.press("全部停发")
	b.until(`document.querySelector('.fault').textContent.includes('发现错误')`)
	b.check("plans-stopped")
}
