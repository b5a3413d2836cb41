package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"mingbai/internal/servers"
	"mingbai/office"
	"mingbai/web"
	"mingbai/web/console"
)

// bureau is the console of a small county behind the real server.
type bureau struct {
	*httptest.Server
	db    *office.DB
	pages *console.Console
	first string        // password of the administrator chen
	plain office.Person // an administrator for whom the test vouches
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rep, err := db.ImportOrgs(t.Context(), "test", [][]string{
		{"上级", "类别", "名称", "简称"}, {"", "县", "青禾县", ""}, {"青禾县", "乡镇街道", "城东街道", ""}, {"城东街道", "司法所", "城东司法所", ""}, {"城东街道", "村社区", "三里村", ""},
	}, false)
	if err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	u := &bureau{db: db}
	chen, first, err := db.AddAdmin(t.Context(), "test", "chen", office.Person{Name: "陈主任"})
	if err != nil {
		t.Fatal(err)
	}
	u.first = first
	if u.plain, err = db.AddPerson(t.Context(), "test", office.Person{Name: "林股长", Posts: chen.Posts}); err != nil {
		t.Fatal(err)
	}
	u.pages, err = console.New(console.Options{Office: db, Loopback: true, Place: func() string { return "青禾县" }})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Options{API: http.NotFoundHandler(), Console: u.pages})
	if err != nil {
		t.Fatal(err)
	}
	u.Server = httptest.NewServer(h)
	t.Cleanup(u.Close)
	return u
}

// fill types into a field of the console.
func (b *tab) fill(name, text string) {
	b.t.Helper()
	b.run(chromedp.SetValue(`[name="`+name+`"]`, text, chromedp.ByQuery))
}

// press clicks the button or link with these words and waits for the next page.
func (b *tab) press(words string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b, chromedp.Click(fmt.Sprintf(`//button[contains(., %q)] | //a[contains(., %q)]`, words, words), chromedp.BySearch)); err != nil {
		b.t.Fatalf("press %s: %v\npage: %s", words, err, b.snapshot())
	}
}

// titled waits for the page with this heading.
func (b *tab) titled(h1 string) {
	b.t.Helper()
	b.shown(fmt.Sprintf(`document.readyState === 'complete' && document.querySelector('main h1').textContent === %q`, h1))
}

// shown is until over pages that are still being left for the next.
func (b *tab) shown(expression string) {
	b.t.Helper()
	var err error
	for range 20 {
		err = chromedp.Run(b, chromedp.Poll(`(() => { try { return !!(`+expression+`); } catch { return false; } })()`, nil, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(15*time.Second)))
		if err == nil {
			return
		}
		if text := err.Error(); !strings.Contains(text, "navigated") && !strings.Contains(text, "context") {
			break
		}
	}
	b.t.Fatalf("waiting for %s: %v\npage: %s", expression, err, b.snapshot())
}

const chosen = "xigua qiaoliang 42"

// enter signs the administrator in for the first time.
func (u *bureau) enter(b *tab) {
	b.t.Helper()
	b.titled("登录")
	b.fill("_login", "chen")
	b.fill("_password", u.first)
	b.press("登录")
	b.titled("改密码")
	b.fill("_password", u.first)
	b.fill("password", chosen)
	b.fill("password2", chosen)
	b.press("改密码")
	b.titled("我的账号")
}

// faults lists what a page lacks for who uses a keyboard or a screen reader.
const faults = `(() => {
	const bad = [];
	const name = (n) => (n.getAttribute('aria-label') || n.textContent || '').trim();
	if (!document.documentElement.lang) bad.push('no language');
	if (document.querySelectorAll('main').length !== 1 || document.querySelectorAll('h1').length !== 1) bad.push('not one main and one h1');
	for (const n of document.querySelectorAll('input:not([type=hidden]), select, textarea')) if (!n.labels.length) bad.push('no label: ' + n.name);
	for (const n of document.querySelectorAll('button, a[href]')) {
		if (!name(n)) bad.push('no name: ' + n.outerHTML.slice(0, 60));
		const r = n.getBoundingClientRect();
		if (n.matches('button, nav a') && r.height && r.height < 43) bad.push('only ' + r.height + ' px high: ' + name(n));
	}
	for (const n of document.querySelectorAll('th')) if (!n.scope) bad.push('no scope: ' + name(n));
	for (const n of document.querySelectorAll('[aria-describedby]')) if (!document.getElementById(n.getAttribute('aria-describedby'))) bad.push('describes nothing: ' + n.name);
	const ids = [...document.querySelectorAll('[id]')].map((n) => n.id);
	if (new Set(ids).size !== ids.length) bad.push('ids twice: ' + ids.filter((x, i) => ids.indexOf(x) !== i));
	let level = 1;
	for (const n of document.querySelectorAll('h1, h2, h3, h4')) { const l = +n.tagName[1]; if (l > level + 1) bad.push('heading skips: ' + name(n)); level = l; }
	if (document.documentElement.scrollWidth > innerWidth) bad.push('wider than the screen: ' + document.documentElement.scrollWidth);
	return bad.join('\n');
})()`

// check looks at the page as it is now, on a phone and on a desk, in light and dark.
func (b *tab) check(what string) {
	b.t.Helper()
	dir := os.Getenv("CONSOLE_SCREENSHOTS")
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		b.run(chromedp.EmulateViewport(size.width, size.height))
		if got := eval[string](b, faults); got != "" {
			b.t.Errorf("%s, %s:\n%s", what, size.name, got)
		}
		for _, scheme := range []string{"light", "dark"} {
			b.run(media("prefers-color-scheme", scheme))
			if got := eval[string](b, strings.Replace(contrasts, "seen < 60", "seen < 5", 1)); got != "" {
				b.t.Errorf("%s, %s: too little contrast:\n%s", what, scheme, got)
			}
			if dir != "" && (scheme == "light" || size.name == "desktop") {
				var picture []byte
				b.run(chromedp.FullScreenshot(&picture, 100))
				if err := os.WriteFile(filepath.Join(dir, what+"-"+size.name+"-"+scheme+".png"), picture, 0o644); err != nil {
					b.t.Fatal(err)
				}
			}
		}
	}
}

// TestConsole drives the console in a headless browser as an officer does.
func TestConsole(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes half a minute")
	}
	b := servers.StartChromium(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"signing in for the first time", testFirstSignIn},
		{"signing in by another system", testOtherSystem},
		{"people and places", testPeople},
		{"menu and keys", testKeys},
		{"hostile text stays text", testConsoleHostile},
		{"content and plans", testPublishing},
		{"lectures, duties and effect", testLectures},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, b) })
	}
}

func testFirstSignIn(t *testing.T, browser context.Context) {
	u := newBureau(t)
	b := open(t, browser, u.URL+"/console/account")
	b.titled("登录")
	b.check("sign-in")
	b.fill("_login", "chen")
	b.fill("_password", "falsch")
	b.press("登录")
	b.shown(`document.querySelector('.fault') && document.activeElement === document.querySelector('.fault')`)
	if got := eval[string](b, `document.querySelector('[name=_login]').value + '|' + document.querySelector('[name=_password]').value`); got != "chen|" {
		t.Errorf("after a mistake the form has %q", got)
	}
	b.check("sign-in-fault")
	u.enter(b)
	b.check("account")
	b.press("现在设")
	b.titled("手机验证码")
	b.check("codes")
	b.run(chromedp.Navigate(u.URL + "/console"))
	b.titled("等着办的事")
	b.check("overview")
	b.press("退出")
	b.titled("登录")
}

// testOtherSystem: a browser that comes back from another site keeps the strict
// cookie that it gets there, and the person arrives at the page they wanted.
func testOtherSystem(t *testing.T, browser context.Context) {
	u := newBureau(t)
	other := servers.NewOIDC(t)
	other.Back, other.Subject = u.URL+"/console/oidc/back", "chen@county"
	pages, err := console.New(console.Options{Office: u.db, Loopback: true, OIDC: console.OIDC{Name: "省统一认证", Issuer: other.URL, ClientID: other.ClientID, Secret: other.Secret, Back: other.Back}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Options{API: http.NotFoundHandler(), Console: pages})
	if err != nil {
		t.Fatal(err)
	}
	u.Config.Handler = h
	a, err := u.db.ConsoleAccountNamed(t.Context(), "chen")
	if err != nil {
		t.Fatal(err)
	}
	if err := u.db.LinkConsole(t.Context(), "test", a.Person, "chen@county"); err != nil {
		t.Fatal(err)
	}
	b := open(t, browser, u.URL+"/console/people")
	b.titled("登录")
	b.check("sign-in-other")
	b.press("用省统一认证登录")
	b.titled("人员")
}

// signed opens a page of the console as the administrator, without the form.
func (u *bureau) signed(t *testing.T, browser context.Context, path string) *tab {
	t.Helper()
	token, err := u.db.OpenConsole(t.Context(), u.plain.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	return u.holding(t, browser, token, path)
}

// holding opens a page with the token of a session.
func (u *bureau) holding(t *testing.T, browser context.Context, token, path string) *tab {
	t.Helper()
	b := open(t, browser, u.URL+"/static/icon.svg")
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("mingbai-loopback", token).WithURL(u.URL).WithPath("/").Do(ctx)
	}), chromedp.Navigate(u.URL+path))
	return b
}

// choose takes the option with this text of a field.
func (b *tab) choose(name, text string) {
	b.t.Helper()
	if !eval[bool](b, fmt.Sprintf(`(() => { const o = [...document.querySelector('[name="%s"]').options].find((o) => o.text.trim() === %q); if (o) o.selected = true; return !!o; })()`, name, text)) {
		b.t.Fatalf("no option %s of %s", text, name)
	}
}

func testPeople(t *testing.T, browser context.Context) {
	u := newBureau(t)
	b := u.signed(t, browser, "/console/people/new")
	b.titled("加一个人")
	b.check("person-new")
	b.fill("name", "王明")
	b.fill("fields", "邻里、赡养")
	b.press("加上")
	b.shown(`document.querySelector('.fault')`)
	if got := eval[string](b, `document.querySelector('[name=name]').value + document.querySelector('[name=fields]').value`); got != "王明邻里、赡养" {
		t.Errorf("after a mistake the form has %q", got)
	}
	b.choose("role", "调解员")
	b.choose("org", "城东街道")
	b.press("加上")
	b.titled("王明")
	b.check("person")
	b.press("发邀请码")
	b.shown(`/^[0-9A-Z]{5}-[0-9A-Z]{5}$/.test(document.querySelector('.big code').textContent)`)
	b.fill("login", "wangming")
	b.press("开通后台登录")
	b.shown(`document.querySelector('.big code').textContent.length > 15`)
	b.check("person-secret")
	u.infest(t, []string{"邻居修围墙占了我家两尺地", "干了三个月没发工资", strings.Repeat("很长的一句话没有标点", 3)})
	for path, title := range map[string]string{"": "等着办的事", "people": "人员", "orgs": "机构", "coverage": "法律明白人覆盖", "mediators": "调解员库", "audit": "审计", "reads": "查看记录", "people/import": "导入人员",
		"inbox": "给我的通知", "notices": "通知", "notices?which=calls": "通知", "ratings": "评价", "alerts": "预警", "topics": "专题开关", "drops": "模型的话被拦下的", "privacy": "个人资料：查看、导出、删除"} {
		b.run(chromedp.Navigate(u.URL + strings.TrimSuffix("/console/"+path, "/")))
		b.titled(title)
		b.check("page-" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
	}
	b.run(chromedp.Navigate(u.URL + "/console/audit"))
	b.press("核对整条记录")
	b.shown(`document.querySelector('.flash').textContent.includes('没有被改过')`)
}

// testKeys goes through the console without a mouse.
func testKeys(t *testing.T, browser context.Context) {
	u := newBureau(t)
	b := u.signed(t, browser, "/console/people")
	b.titled("人员")
	b.run(chromedp.Click(`//summary[contains(., "普法")]`, chromedp.BySearch))
	b.check("menu")
	b.run(chromedp.KeyEvent(kb.Escape))
	if got := eval[string](b, `document.querySelectorAll('.menu details[open]').length + document.activeElement.innerText`); got != "0普法" {
		t.Errorf("after Esc: %q", got)
	}
	b.keys("j", "j", "k", "?")
	b.check("keys")
	b.run(chromedp.KeyEvent(kb.Escape))
	b.keys("Enter")
	b.shown(`/\/people\/\d+$/.test(location.pathname)`)
	b.keys("g", "p")
	b.titled("人员")
	b.keys("/", "g", "p", "j", "?") // they go into the field
	if got := eval[string](b, `document.activeElement.value + document.querySelector('#keys').open`); got != "gpj?false" {
		t.Errorf("typed into the search: %q", got)
	}
	b.run(chromedp.Blur(`[name=name]`, chromedp.ByQuery), chromedp.Click(`#keys-open`, chromedp.ByQuery), chromedp.Click(`#keys-on`, chromedp.ByQuery), chromedp.KeyEvent(kb.Escape))
	b.keys("j", "?") // they are switched off
	if got := eval[string](b, `document.activeElement.tagName + document.querySelector('#keys').open`); got != "BUTTONfalse" {
		t.Errorf("switched off: %q", got)
	}
}

func (b *tab) keys(list ...string) {
	b.t.Helper()
	for _, k := range list {
		b.key(k, 0)
	}
}
