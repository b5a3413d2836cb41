package jobs_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
	"mingbai/jobs"
)

// audit lists what is wrong with a page for people who see badly, use a
// keyboard or listen (WCAG 2.2: 1.1.1, 1.3.1, 1.4.3, 1.4.10, 2.4.1, 2.4.2, 2.4.6,
// 2.5.8, 3.1.1, 4.1.2).
const audit = `(() => {
	const bad = [];
	const all = (s) => [...document.querySelectorAll(s)];
	const name = (n) => (n.getAttribute('aria-label') || n.textContent || '').trim();
	if (document.documentElement.lang !== 'zh-CN') bad.push('lang ' + document.documentElement.lang);
	if (!document.title.trim()) bad.push('no title');
	if (all('h1').length !== 1) bad.push(all('h1').length + ' h1');
	let level = 0;
	for (const h of all('h1, h2, h3, h4, h5, h6')) {
		const l = Number(h.tagName[1]);
		if (l > level + 1) bad.push('a heading skips a level: ' + h.textContent);
		if (!h.textContent.trim()) bad.push('an empty heading');
		level = l;
	}
	for (const s of ['header', 'main', 'footer']) if (all('body > ' + s).length !== 1) bad.push(all('body > ' + s).length + ' ' + s);
	const navs = all('nav').map((n) => n.getAttribute('aria-label'));
	if (navs.some((n) => !n) || new Set(navs).size !== navs.length) bad.push('navigations without names of their own: ' + navs);
	for (const n of all('a, button')) if (!name(n)) bad.push('a link or button without words: ' + n.outerHTML.slice(0, 60));
	for (const n of all('img')) if (!n.hasAttribute('alt') || !n.complete || n.naturalWidth === 0) bad.push('a picture without words or not shown: ' + n.src);
	for (const n of all('input, select, textarea')) if (!n.labels || n.labels.length === 0) bad.push('a field without a label');
	const ids = all('[id]').map((n) => n.id);
	if (new Set(ids).size !== ids.length) bad.push('an id twice');
	for (const n of all('[aria-labelledby]')) if (!document.getElementById(n.getAttribute('aria-labelledby'))) bad.push('a label that is not there');
	if (document.documentElement.scrollWidth > innerWidth) bad.push('wider than the screen: ' + all('body *').filter((n) => n.getBoundingClientRect().right > innerWidth + 1).map((n) => n.tagName + '.' + n.className).slice(0, 4));
	for (const n of all('a, button, input')) {
		const r = n.getBoundingClientRect();
		const inline = n.closest('p, li, td') && getComputedStyle(n).display === 'inline';
		if (!inline && !n.matches('.skip') && r.width && (r.height < 24 || r.width < 24)) bad.push('too small to hit: ' + name(n) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height));
	}
	const rgb = (text) => { const m = text.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (n) => { if (!n) return [255, 255, 255, 1]; const c = rgb(getComputedStyle(n).backgroundColor); return c[3] === 1 ? c : over(c, behind(n.parentElement)); };
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	while (walk.nextNode()) {
		const n = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !n.offsetParent || n.closest('noscript, script')) continue;
		seen++;
		if (!n.closest('header, main, footer, .skip')) bad.push('words outside every landmark: ' + n.textContent.slice(0, 20));
		const ground = behind(n), ink = over(rgb(getComputedStyle(n).color), ground);
		const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05), want = n.closest('.text, .lead, .mark') ? 7 : 4.5;
		if (ratio < want) bad.push('contrast ' + ratio.toFixed(2) + ' ' + n.textContent.slice(0, 12));
	}
	if (seen < 8) bad.push('only ' + seen + ' texts seen');
	return bad.join('\n');
})()`

// reader is one tab.
type reader struct {
	context.Context
	t *testing.T

	mu     sync.Mutex
	faults []string // exceptions, breaches of the policy, files that are missing
	hosts  map[string]bool
}

func newReader(t *testing.T, browser context.Context) *reader {
	t.Helper()
	ctx, shut := chromedp.NewContext(browser)
	t.Cleanup(shut)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	r := &reader{Context: ctx, t: t, hosts: map[string]bool{}}
	chromedp.ListenTarget(ctx, func(e any) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			r.faults = append(r.faults, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "410 (Gone)") {
				r.faults = append(r.faults, e.Entry.Text+" "+e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			host, _, _ := strings.Cut(strings.TrimPrefix(e.Request.URL, "http://"), "/")
			r.hosts[host] = true
		}
	})
	r.run(network.Enable(), log.Enable())
	return r
}

func (r *reader) run(actions ...chromedp.Action) {
	r.t.Helper()
	if err := chromedp.Run(r, actions...); err != nil {
		r.t.Fatalf("browser: %v", err)
	}
}

func (r *reader) text(expression string) (s string) {
	r.t.Helper()
	r.run(chromedp.Evaluate(`String(`+expression+`)`, &s))
	return s
}

func (r *reader) key(name string, code int64) {
	r.t.Helper()
	r.run(chromedp.ActionFunc(func(ctx context.Context) error {
		down := input.DispatchKeyEvent(input.KeyDown).WithKey(name).WithCode(name).WithWindowsVirtualKeyCode(code)
		if name == "Enter" {
			down = down.WithText("\r")
		}
		if err := down.Do(ctx); err != nil {
			return err
		}
		return input.DispatchKeyEvent(input.KeyUp).WithKey(name).WithWindowsVirtualKeyCode(code).Do(ctx)
	}))
}

// served builds a site with something of everything and serves it under the
// server's own policy.
func served(t *testing.T) string {
	t.Helper()
	from := many(120)
	from.add(wages())
	from.change("p00119", func(a *jobs.Article) {
		a.Updated, a.Note = first.Add(2000*time.Hour), "第二步的电话改为 12345。"
	})
	from.change("p00118", func(a *jobs.Article) {
		a.Withdrawn, a.Updated, a.Note = true, first.Add(2001*time.Hour), "条文已修改，请以新内容为准。"
	})
	dir := mustDir(t, t.TempDir())
	srv := httptest.NewServer(dir.Handler("/pufa/"))
	t.Cleanup(srv.Close)
	o := options()
	o.Base = srv.URL + "/pufa/"
	site, err := jobs.NewSite(from, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	sync1(t, site)
	return o.Base
}

// TestSite_ForEverybody looks at every kind of page as people with different
// eyes, hands and phones do.
func TestSite_ForEverybody(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes some seconds")
	}
	r := newReader(t, servers.StartChromium(t))
	url := served(t)
	topic := "topic/2f8a84e9.html"
	pages := []string{"index.html", "a/wages.html", "large/wages.html", "a/p00119.html", "a/p00118.html", "list/0001.html", topic, "search.html?q=" + "%E5%B7%A5%E8%B5%84", "404.html"}
	for _, key := range pages {
		r.run(chromedp.EmulateViewport(390, 844), chromedp.Navigate(url+key))
		if strings.HasPrefix(key, "search") {
			r.run(chromedp.Poll(`document.querySelector('#said').textContent.startsWith('找到')`, nil, chromedp.WithPollingInterval(20*time.Millisecond)))
		}
		for _, view := range []struct {
			name          string
			width, height int64
			scheme        string
			zoom          string // of the text alone
		}{
			{"phone", 390, 844, "light", ""},
			{"small phone, dark", 320, 568, "dark", ""},
			{"desk at 200 %", 640, 450, "light", ""},
			{"text at 200 %", 390, 844, "light", "225%"},
		} {
			r.run(chromedp.EmulateViewport(view.width, view.height),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: view.scheme}}),
				chromedp.Evaluate(fmt.Sprintf(`document.documentElement.style.fontSize = %q`, view.zoom), nil))
			if got := r.text(audit); got != "" {
				t.Errorf("%s, %s:\n%s", key, view.name, got)
			}
		}
		r.keyboard(key)
	}
	if len(r.hosts) != 1 {
		t.Errorf("pages ask more hosts than their own: %v", r.hosts)
	}
	if len(r.faults) > 0 {
		t.Errorf("the browser complains: %q", r.faults)
	}
}

// keyboard walks a page with the Tab key: the first stop skips to the text, every
// link can be come to, and where one is can be seen.
func (r *reader) keyboard(key string) {
	r.t.Helper()
	r.run(chromedp.EmulateViewport(1000, 800), chromedp.Evaluate(`document.documentElement.style.fontSize = ''; document.activeElement.blur(); scrollTo(0, 0); window.stops = []`, nil))
	n := 0
	r.run(chromedp.Evaluate(`[...document.querySelectorAll('a[href], button, input')].filter((n) => n.offsetParent || n.matches('.skip')).length`, &n))
	n = min(n, 25)
	for range n {
		r.key("Tab", 9)
		r.run(chromedp.Evaluate(`(() => { const n = document.activeElement, s = getComputedStyle(n); stops.push([n.className, n.matches(':focus-visible') && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, n.getBoundingClientRect().top >= 0]); })()`, nil))
	}
	if got := r.text(`stops[0][0]`); got != "skip" {
		r.t.Errorf("%s: the first stop is %q, want the link that skips to the text", key, got)
	}
	if got := r.text(`stops.filter((s) => !s[1] || !s[2]).length`); got != "0" {
		r.t.Errorf("%s: at %s of %d stops one does not see where one is", key, got, n)
	}
}

func TestSite_SearchAndWithoutScript(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes some seconds")
	}
	r := newReader(t, servers.StartChromium(t))
	url := served(t)
	found := func(want string) {
		t.Helper()
		r.run(chromedp.Poll(`!document.querySelector('#said').textContent.startsWith('正在')`, nil, chromedp.WithPollingInterval(20*time.Millisecond)))
		if got := r.text(`document.querySelector('#said').textContent + '|' + [...document.querySelectorAll('#found a')].map((a) => a.textContent).slice(0, 2).join()`); !strings.HasPrefix(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	r.run(chromedp.Navigate(url+"search.html"), chromedp.SendKeys("#q", "工资  三件"))
	r.key("Enter", 13)
	r.run(chromedp.WaitVisible("#found a"))
	found("找到 1 篇。|老板拖欠工资，先做这三件事")
	r.run(chromedp.Navigate(url + "search.html?q=%E7%AC%AC"))
	found("先列出最新的 50 篇，多写几个字可以找得更准。|第120篇")
	r.run(chromedp.Navigate(url + "search.html?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"))
	found("没有找到。")
	r.run(chromedp.Navigate(url + "search.html?q=118%E7%AF%87"))
	found("没有找到。") // it was withdrawn
	if len(r.faults) > 0 {
		t.Errorf("the browser complains: %q", r.faults)
	}
	r.run(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(url+"search.html"))
	var html string
	r.run(chromedp.OuterHTML("html", &html))
	if !strings.Contains(html, "没有开脚本") || !strings.Contains(html, `href="list/0002.html"`) {
		t.Errorf("without script the page says %s", html)
	}
}
