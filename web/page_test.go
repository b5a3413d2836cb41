package web_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
)

// TestPage drives the page in a headless browser as a person does.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes half a minute")
	}
	b := servers.StartChromium(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"a question is answered", testAnswer},
		{"sources open by keyboard", testSources},
		{"choices and next questions are buttons", testChoices},
		{"feedback reaches the hook", testFeedback},
		{"a crisis shows what to call", testCrisis},
		{"numbers to call are links, sums are not", testNumbers},
		{"a model's words are labelled", testModel},
		{"copy takes the sources along", testCopy},
		{"a link offers words and sends none", testOffered},
		{"delete", testErase},
		{"pick up", testPickup},
		{"large type is kept", testLarge},
		{"keyboard order", testOrder},
		{"enter while composing", testComposing},
		{"hostile text stays text", testHostile},
		{"narrow screens", testNarrow},
		{"contrast", testContrast},
		{"print", testPrint},
		{"no script", testNoScript},
		{"connections are cut", testCut},
		{"an answer to a send is lost", testLostAnswer},
		{"the server is full", testBusy},
		{"reload", testReload},
		{"expired", testExpired},
		{"two tabs", testTabs},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, b) })
	}
}

const wagesQuestion = "老板三个月没发工资，我是外地来打工的，能请免费律师吗"

func testAnswer(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("慢慢来，工资的事")
	b.until(`!document.querySelector('#typing').hidden && document.querySelector('.mine').dataset.state === 'sent'`)
	close(s.gate)
	b.replies(1)
	b.until(`document.querySelector('#typing').hidden`)
	for what, expression := range map[string]string{
		"the entry's title":         `document.querySelector('.about').textContent === '答的是：农民工讨薪，能请免费律师吗'`,
		"headings":                  `[...document.querySelectorAll('.text h4')].map((n) => n.textContent).join() === '怎么办,要带什么'`,
		"ordered list":              `document.querySelectorAll('.text ol > li').length === 3`,
		"bold":                      `document.querySelector('.text b').textContent === '欠条'`,
		"marks":                     `[...document.querySelectorAll('.mark')].map((n) => n.textContent).join('') === '〔1〕〔2〕〔3〕〔1〕'`,
		"sources in place of text":  `document.querySelectorAll('.source').length === 3 && !document.querySelector('.text').textContent.includes('现行有效')`,
		"article in words":          `document.querySelector('.source summary').textContent === '〔1〕《法律援助法》第三十一条'`,
		"as-of date":                `document.querySelector('.bot > .body > .asof').textContent.startsWith('依据截至 2026-11-22')`,
		"the period that runs":      `document.querySelectorAll('.clock').length === 1 && document.querySelector('.clock').textContent.includes('2027年8月31日')`,
		"the local office":          `document.querySelector('.text').textContent.includes('人民路1号')`,
		"numbers to call":           `[...document.querySelectorAll('.text a')].map((n) => n.getAttribute('href')).join() === 'tel:12333,tel:057112345678'`,
		"reviewed words: no label":  `!document.querySelector('.ai-label')`,
		"who speaks, for listeners": `document.querySelector('.mine .sr').textContent === '您说：' && document.querySelector('.bot .who').textContent === '明白回答：'`,
		"log":                       `document.querySelector('#log').getAttribute('role') === 'log' && document.querySelector('#log').getAttribute('aria-live') === 'polite'`,
		"welcome gone":              `document.querySelector('#welcome').hidden`,
	} {
		if !eval[bool](b, expression) {
			t.Errorf("%s: not so: %s\npage: %s", what, expression, b.snapshot())
		}
	}
}

func testOffered(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL+"/#say=%E7%BB%91%E5%AE%9A%20AB12C")
	b.until(`document.querySelector('#words').value === '绑定 AB12C' && location.hash === ''`)
	if got := s.asked(); got != "" {
		t.Errorf("the link sent %q", got)
	}
	b.run(chromedp.Evaluate(`location.hash = '#say=%E7'`, nil)) // half a character
	b.until(`location.hash === ''`)
	b.key("Enter", 0)
	b.replies(1)
	if got := s.asked(); got != "绑定 AB12C" {
		t.Errorf("asked %q", got)
	}
}

func testSources(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask(wagesQuestion)
	b.replies(1)
	b.run(chromedp.Focus(`.mark`, chromedp.ByQuery))
	b.key("Enter", 0)
	b.until(`document.querySelector('.source').open && document.activeElement === document.querySelector('.source summary')`)
	if got := eval[string](b, `document.querySelector('.source .in').innerText.replace(/\s+/g, ' ')`); !strings.Contains(got, "中华人民共和国法律援助法 条文 第三十一条 版本 2021年8月20日公布 施行 2022年1月1日 状态 现行有效") || !strings.Contains(got, "请求支付劳动报酬") {
		t.Errorf("the source says %q", got)
	}
	b.key("Enter", 0)
	b.until(`!document.querySelector('.source').open`)
	b.key("Tab", 0)
	b.key(" ", 0)
	b.until(`document.querySelectorAll('.source')[1].open`)
}

func testChoices(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("想离婚")
	b.replies(1)
	b.run(chromedp.Click(`.choices li:nth-child(2) button`, chromedp.ByQuery))
	b.replies(2)
	b.ask(wagesQuestion)
	b.replies(3)
	if n := eval[int](b, `document.querySelectorAll('.turn:last-child .choices').length`); n != 0 {
		t.Errorf("next questions are shown twice")
	}
	b.run(chromedp.Click(`.chips button`, chromedp.ByQuery))
	b.replies(4)
	b.run(chromedp.Click(`#human`, chromedp.ByQuery))
	b.replies(5)
	if want := "想离婚|一方不同意，起诉离婚要多久|" + wagesQuestion + "|劳动仲裁怎么申请|转人工"; s.asked() != want {
		t.Errorf("asked %q, want %q", s.asked(), want)
	}
}

func testFeedback(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask(wagesQuestion)
	b.replies(1)
	b.run(chromedp.Click(`.actions button:nth-child(1)`, chromedp.ByQuery))
	if got, want := b.vote(s), (vote{"a1", true, ""}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	b.until(`document.querySelector('.actions button').getAttribute('aria-pressed') === 'true'`)
	b.run(chromedp.Click(`.actions button:nth-child(2)`, chromedp.ByQuery))
	if got, want := b.vote(s), (vote{"a1", false, ""}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	b.until(`document.activeElement.id === 'why-a1' && document.activeElement.maxLength === 200`)
	b.run(insert("没说去哪办"), chromedp.Click(`.reason .send`, chromedp.ByQuery))
	if got, want := b.vote(s), (vote{"a1", false, "没说去哪办"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	b.until(`!document.querySelector('.reason')`)
}

func testCrisis(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("他又打我")
	b.replies(1)
	got := eval[string](b, `[...document.querySelectorAll('.urgent a')].map((n) => n.getAttribute('href')).join(' ')`)
	if want := "tel:110 tel:120 tel:110 tel:120 tel:12338 tel:12355 tel:12356"; got != want {
		t.Errorf("calls: got %s, want %s", got, want)
	}
	if first := eval[string](b, `document.querySelector('.urgent .body').firstElementChild.textContent`); !strings.HasPrefix(first, "先打 110") {
		t.Errorf("the first words are %q", first)
	}
	if n := eval[int](b, `[...document.querySelectorAll('.actions button')].filter((n) => n.textContent === '没用').length`); n != 0 {
		t.Error("somebody in danger is asked for a rating")
	}
}

func testNumbers(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("有哪些号码")
	b.replies(1)
	got := eval[string](b, `[...document.querySelectorAll('.text a')].map((n) => n.getAttribute('href')).join(' ')`)
	if want := "tel:110 tel:120 tel:119 tel:12348 tel:02112345678 tel:96110 sms:12110"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func testModel(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("问模型")
	b.replies(1)
	if !eval[bool](b, `document.querySelector('.ai-label').offsetHeight > 20 && document.querySelector('.ai-label').textContent === 'AI生成，请核对'`) {
		t.Error("the label is not to be seen")
	}
	b.run(chromedp.Evaluate(copiedByHand, nil))
	if got := eval[string](b, `window.copied`); !strings.HasPrefix(got, "AI生成，请核对\n") || !strings.Contains(got, "模型写的") {
		t.Errorf("copied by hand: %q", got)
	}
	if got := b.copied(`.actions button:nth-last-child(2)`); !strings.Contains(got, "AI生成，请核对") {
		t.Errorf("copied: %q", got)
	}
}

// copiedByHand chooses the words of the answer and copies them.
const copiedByHand = `
	getSelection().selectAllChildren(document.querySelector('.text p'));
	document.addEventListener('copy', (e) => { window.copied = e.clipboardData.getData('text/plain'); }, { once: true });
	document.execCommand('copy');`

// copied presses a button and gives what it put on the clipboard.
func (b *tab) copied(selector string) string {
	b.t.Helper()
	c := chromedp.FromContext(b)
	allow := browser.SetPermission(&browser.PermissionDescriptor{Name: "clipboard-write"}, browser.PermissionSettingGranted).WithBrowserContextID(b.person)
	b.run(chromedp.ActionFunc(func(ctx context.Context) error { return allow.Do(withBrowser(ctx, c)) }),
		chromedp.Evaluate(`navigator.clipboard.writeText = async (words) => { window.copied = words; }; window.copied = ''`, nil),
		chromedp.Click(selector, chromedp.ByQuery))
	b.until(`window.copied !== ''`)
	return eval[string](b, `window.copied`)
}

func testCopy(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask(wagesQuestion)
	b.replies(1)
	got := b.copied(`.actions button:nth-last-child(2)`)
	for _, want := range []string{"问：" + wagesQuestion, "答的是：农民工讨薪", "〔1〕《法律援助法》第三十一条（2022-01-01起施行，现行有效）", "依据截至 2026-11-22", "不是律师", "微信聊天、欠条。"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from what was copied: %s", want, got)
		}
	}
	if strings.Contains(got, "有用") || strings.Contains(got, "AI生成") {
		t.Errorf("copied too much: %s", got)
	}
}

func testErase(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("你好")
	b.replies(1)
	b.run(chromedp.Click(`#menu summary`, chromedp.ByQuery), chromedp.Click(`#erase`, chromedp.ByQuery))
	b.until(`document.querySelector('#ask-erase').open`)
	b.key("Escape", 0)
	b.until(`!document.querySelector('#ask-erase').open`)
	if got := b.turns(); got != ">你好 <听到了：你好" {
		t.Errorf("after saying no: %s", got)
	}
	b.run(chromedp.Click(`#menu summary`, chromedp.ByQuery), chromedp.Click(`#erase`, chromedp.ByQuery), chromedp.Click(`#ask-erase .danger`, chromedp.ByQuery))
	b.until(`!document.querySelector('.turn') && !document.querySelector('#welcome').hidden`)
	b.run(chromedp.Reload())
	b.until(`!document.querySelector('#welcome').hidden && !document.querySelector('.turn')`)
	b.ask("又来了")
	b.replies(1)
	if got := b.turns(); got != ">又来了 <听到了：又来" {
		t.Errorf("after the new start: %s", got)
	}
}

// testPickup fetches a reply that waits, with its code.
func testPickup(t *testing.T, browser context.Context) {
	s := newSite(t)
	now := time.Now().UnixMilli()
	_, err := s.rows.Exec(`INSERT INTO held (code, chat, sender, ref, text, mode, made, expires) VALUES ($1, 'qq/user/U', 'qq/user/U', 'm:1', $2, 0, $3, $4)`,
		"ABCDEFGHJK", "先说结论。〔1〕\n\n怎么办\n1. 打 12348\n2. <b>别急</b>", now, now+3600_000)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, browser, s.URL)
	b.run(chromedp.Click(`#menu summary`, chromedp.ByQuery), chromedp.Click(`#pickup`, chromedp.ByQuery))
	b.until(`document.querySelector('#pickup-dialog').open`)
	b.run(chromedp.SendKeys(`#pickup-code`, "22222-22222", chromedp.ByQuery), chromedp.Click(`#pickup-dialog .send`, chromedp.ByQuery))
	b.until(`document.querySelector('#pickup-words').textContent.includes('没有找到')`)
	b.run(chromedp.SetValue(`#pickup-code`, "abcde fghjk", chromedp.ByQuery), chromedp.Focus(`#pickup-code`, chromedp.ByQuery))
	b.key("Enter", 0)
	b.until(`document.querySelector('#pickup-found ol li:nth-child(2)')`)
	if got := eval[string](b, `document.querySelector('#pickup-found').innerText`); !strings.Contains(got, "<b>别急</b>") || !strings.Contains(got, "怎么办") {
		t.Errorf("got %q", got)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		b.run(chromedp.EmulateViewport(390, 844))
		b.shoot(filepath.Join(dir, "pickup.png"))
	}
	b.run(chromedp.Click(`#pickup-close`, chromedp.ByQuery))
	b.until(`!document.querySelector('#pickup-dialog').open && !document.querySelector('#pickup-found').textContent`)
}

func testLarge(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	size := `parseFloat(getComputedStyle(document.querySelector('#welcome p')).fontSize)`
	if got := eval[float64](b, size); got < 18 {
		t.Errorf("type is %v px, want 18 or more", got)
	}
	b.until(`!document.querySelector('#larger').hidden`)
	b.run(chromedp.Click(`#larger`, chromedp.ByQuery), chromedp.Reload())
	b.until(`!document.querySelector('#larger').hidden`)
	if got := eval[float64](b, size); got < 22 {
		t.Errorf("large type is %v px, want 22 or more", got)
	}
	if !eval[bool](b, `document.querySelector('#larger').getAttribute('aria-pressed') === 'true'`) {
		t.Error("the switch does not say that it is on")
	}
}

func testOrder(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.until(`!document.querySelector('#welcome').hidden`)
	var got []string
	for range 16 {
		b.key("Tab", 0)
		got = append(got, eval[string](b, `(document.activeElement.id || document.activeElement.textContent).trim()`))
		if !eval[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== 'none'`) {
			t.Errorf("%q does not show that it has the focus", got[len(got)-1])
		}
	}
	want := "跳到提问框 larger 更多 110 报警 120 急救 12348 法律 老板欠工资怎么办 请律师没钱怎么办 想离婚，孩子归谁 借出去的钱要不回来 和邻居有纠纷找谁调解 办公证要带什么 隐私说明 words send human"
	if strings.Join(got, " ") != want {
		t.Errorf("tab order: got %s\nwant %s", strings.Join(got, " "), want)
	}
	b.run(chromedp.Focus(`.skip`, chromedp.ByQuery))
	b.key("Enter", 0)
	b.until(`document.activeElement.id === 'words'`)
	small := eval[string](b, `[...document.querySelectorAll('button, summary, .emergency a, .starters button')].filter((n) => n.offsetParent && n.getBoundingClientRect().height < 44).map((n) => n.textContent).join()`)
	if small != "" {
		t.Errorf("lower than 44 px: %s", small)
	}
}

func testComposing(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.until(`!document.querySelector('#composer').hidden`)
	b.run(chromedp.Focus(`#words`, chromedp.ByQuery), chromedp.ActionFunc(func(ctx context.Context) error {
		return input.ImeSetComposition("gongzi", 6, 6).Do(ctx)
	}))
	// What browsers send while an input method has the key, and Safari after.
	b.run(chromedp.Evaluate(`for (const init of [{ isComposing: true, keyCode: 13 }, { isComposing: false, keyCode: 229 }]) {
		document.querySelector('#words').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init }));
	}`, nil))
	if n := eval[int](b, `document.querySelectorAll('.turn').length`); n != 0 {
		t.Error("Enter sent what was being composed")
	}
	b.run(insert("公证"))
	b.key("Enter", input.ModifierShift)
	b.run(insert("要多久"))
	b.until(`document.querySelector('#words').value === '公证\n要多久'`)
	b.key("Enter", 0)
	b.replies(1)
	if got := s.asked(); got != "公证\n要多久" {
		t.Errorf("asked %q", got)
	}
}

func testNoScript(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, "about:blank")
	b.run(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(s.URL))
	var text string
	b.run(chromedp.Text(`main`, &text, chromedp.ByQuery))
	if !strings.Contains(text, "12348") || !strings.Contains(text, "司法所") {
		t.Errorf("without script the page says %q", text)
	}
	b.run(chromedp.WaitNotVisible(`#composer`, chromedp.ByQuery))
}
