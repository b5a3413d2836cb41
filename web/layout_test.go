package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// payloads are texts that became code somewhere once.
var payloads = []string{
	`<script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`<svg onload=alert(1)>`,
	`"><script>alert(1)</script>`,
	`' autofocus onfocus=alert(1) x='`,
	`<iframe src="javascript:alert(1)"></iframe>`,
	`<a href="javascript:alert(1)">点</a>`,
	`[点](javascript:alert(1))`,
	`<math><mtext></mtext><script>alert(1)</script></math>`,
	`<style>*{display:none}</style>`,
	`</textarea><script>alert(1)</script>`,
	`<template><script>alert(1)</script></template>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`${alert(1)}{{constructor.constructor('alert(1)')()}}`,
	"\u202e<b>倒</b>\u0000javascript:alert(1)",
}

// testHostile: such texts in the question and in every field of the reply are
// shown letter by letter. The page then has as many elements as with tame ones.
func testHostile(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.run(chromedp.Evaluate(`window.breaches = []; document.addEventListener('securitypolicyviolation', (e) => breaches.push(e.violatedDirective));`, nil))
	count := `document.querySelector('#log').querySelectorAll('*').length`
	b.ask("毒无毒")
	b.replies(1)
	tame := eval[int](b, count)
	for i, x := range payloads {
		b.ask("毒" + x)
		b.replies(i + 2)
		if got, want := eval[int](b, count), tame*(i+2); got != want {
			t.Errorf("after %q: %d elements, want %d", x, got, want)
		}
	}
	if !eval[bool](b, `document.querySelector('.text').offsetHeight > 0`) {
		t.Error("a reply's style hides the page")
	}
	got := eval[string](b, `document.querySelectorAll('.text')[1].textContent`)
	if !strings.Contains(got, payloads[0]) {
		t.Errorf("%q is not shown as it was written: %s", payloads[0], got)
	}
	b.run(chromedp.Reload())
	b.replies(len(payloads) + 1)
	if got, want := eval[int](b, count), tame*(len(payloads)+1); got != want {
		t.Errorf("after a reload: %d elements, want %d", got, want)
	}
	if got := eval[int](b, `document.querySelectorAll('#log script, #log img, #log iframe, #log style, #log a:not([href^="tel:"])').length`); got != 0 {
		t.Errorf("%d elements came from text", got)
	}
	if got := eval[string](b, `(window.breaches || []).join()`); got != "" {
		t.Errorf("breaches of the policy: %s", got)
	}
}

// filled is a page with every kind of reply.
func filled(t *testing.T, browser context.Context) *tab {
	t.Helper()
	s := newSite(t)
	b := open(t, browser, s.URL)
	for i, q := range []string{wagesQuestion, "想离婚", "他又打我", "问模型", strings.Repeat("长", 300) + strings.Repeat("W", 300)} {
		b.ask(q)
		b.replies(i + 1)
	}
	b.run(chromedp.Click(`.actions button:nth-child(2)`, chromedp.ByQuery))
	b.until(`document.querySelector('.reason')`)
	b.run(chromedp.Evaluate(`for (const d of document.querySelectorAll('.source')) d.open = true;
		for (const id of ['typing', 'status']) document.getElementById(id).hidden = false;
		document.getElementById('status').textContent = '网络断了，正在重连…'`, nil))
	return b
}

func testNarrow(t *testing.T, browser context.Context) {
	b := filled(t, browser)
	for _, width := range []int64{320, 390, 768} {
		for _, size := range []string{"", "large"} {
			b.run(chromedp.EmulateViewport(width, 568), chromedp.Evaluate(fmt.Sprintf(`document.documentElement.dataset.size = %q`, size), nil))
			got := eval[string](b, `document.documentElement.scrollWidth <= innerWidth ? '' : [...document.querySelectorAll('body *')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1).map((n) => n.tagName + '.' + n.className).slice(0, 5).join()`)
			if got != "" {
				t.Errorf("at %d px %s: wider than the screen: %s", width, size, got)
			}
		}
	}
	b.run(chromedp.EmulateViewport(320, 568), chromedp.Evaluate(`delete document.documentElement.dataset.size; document.querySelector('#menu').open = true`, nil))
	if got := eval[float64](b, `Math.min(...[...document.querySelectorAll('.menu-list > *')].map((n) => n.getBoundingClientRect().left))`); got < 0 {
		t.Errorf("the menu begins at %v px", got)
	}
}

// contrasts lists every text whose contrast to what is behind it is too low:
// 7:1 for what answers say, 4.5:1 for all else (WCAG 2.2, 1.4.3 and 1.4.6).
const contrasts = `(() => {
	const rgb = (text) => { const m = text.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (n) => { if (!n) return [255, 255, 255, 1]; const c = rgb(getComputedStyle(n).backgroundColor); return c[3] === 1 ? c : over(c, behind(n.parentElement)); };
	const bad = [];
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	while (walk.nextNode()) {
		const n = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !n.offsetParent && getComputedStyle(n).position !== 'fixed' || n.closest('.sr, noscript, script')) continue;
		seen++;
		const ground = behind(n), ink = over(rgb(getComputedStyle(n).color), ground);
		const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05), want = n.closest('.text, .said, .source, .card p') ? 7 : 4.5;
		if (ratio < want) bad.push(ratio.toFixed(2) + ' ' + (n.className || n.tagName) + ' ' + n.textContent.slice(0, 12));
	}
	return seen < 60 ? 'only ' + seen + ' texts seen' : bad.join('\n');
})()`

func testContrast(t *testing.T, browser context.Context) {
	b := filled(t, browser)
	b.run(chromedp.Evaluate(`document.querySelector('#welcome').hidden = false; document.querySelector('#menu').open = true; document.querySelector('#ask-erase').show()`, nil))
	for _, scheme := range []string{"light", "dark"} {
		b.run(media("prefers-color-scheme", scheme))
		b.until(fmt.Sprintf(`matchMedia('(prefers-color-scheme: %s)').matches`, scheme))
		if got := eval[string](b, contrasts); got != "" {
			t.Errorf("%s: too little contrast:\n%s", scheme, got)
		}
	}
	b.run(media("prefers-reduced-motion", "reduce"))
	b.until(`getComputedStyle(document.querySelector('.dots i')).animationName === 'none'`)
}

func testPrint(t *testing.T, browser context.Context) {
	b := filled(t, browser)
	b.run(chromedp.Evaluate(`for (const d of document.querySelectorAll('.source')) d.open = false; window.dispatchEvent(new Event('beforeprint'))`, nil),
		emulation.SetEmulatedMedia().WithMedia("print"))
	seen := `[...document.querySelectorAll('button:not(.mark), textarea, .composer, .emergency, .typing, .foot, .menu, .calls')].filter((n) => n.offsetParent).map((n) => n.className || n.textContent).join()`
	if got := eval[string](b, seen); got != "" {
		t.Errorf("controls on paper: %s", got)
	}
	paper := eval[string](b, `document.body.innerText`)
	for _, want := range []string{wagesQuestion, "您说：", "〔1〕", "请求支付劳动报酬", "2021年8月20日公布", "AI生成，请核对", "依据截至 2026-11-22", "我是机器，不是律师"} {
		if !strings.Contains(paper, want) {
			t.Errorf("%q is missing on paper: %s", want, paper)
		}
	}
	b.run(chromedp.Evaluate(`window.dispatchEvent(new Event('afterprint')); window.print = () => {}; document.querySelectorAll('.actions')[3].lastElementChild.click()`, nil))
	one := eval[string](b, `document.body.innerText`)
	if !strings.Contains(one, "AI生成，请核对") || !strings.Contains(one, "问模型") || strings.Contains(one, "欠条") {
		t.Errorf("one answer on paper: %s", one)
	}
	b.run(chromedp.Evaluate(`window.dispatchEvent(new Event('afterprint'))`, nil), chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := page.PrintToPDF().Do(ctx)
		if err == nil && len(pdf) < 10_000 {
			err = fmt.Errorf("a PDF of %d bytes", len(pdf))
		}
		return err
	}))
}
