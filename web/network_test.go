package web_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// withBrowser has a command go to the browser, not to a tab.
func withBrowser(ctx context.Context, c *chromedp.Context) context.Context {
	return cdp.WithExecutor(ctx, c.Browser)
}

// testCut: connections are cut before and while an answer is on its way, and
// nothing gets through for a time. All comes once, in its order.
func testCut(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("一")
	b.replies(1)
	s.CloseClientConnections()
	b.ask("二")
	b.replies(2)
	b.ask("慢三")
	b.until(`document.querySelectorAll('.mine[data-state=sent]').length === 3`)
	s.down.Store(true)
	s.CloseClientConnections()
	close(s.gate)
	b.until(`!document.querySelector('#status').hidden && document.querySelector('#status').textContent.includes('正在重连')`)
	b.ask("四")
	b.until(`document.querySelector('.mine[data-state=waiting] button').textContent === '现在重发'`)
	s.down.Store(false)
	b.run(chromedp.Click(`.mine[data-state=waiting] button`, chromedp.ByQuery))
	b.replies(4)
	b.until(`document.querySelector('#status').hidden && !document.querySelector('.mine:not([data-state=sent])')`)
	if got, want := b.turns(), ">一 <听到了：一 >二 <听到了：二 >慢三 <听到了：慢三 >四 <听到了：四"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.asked(); got != "一|二|慢三|四" {
		t.Errorf("asked %s", got)
	}
}

// testLostAnswer: the server takes a message and the page never hears so. It
// sends it again with its id, and it is answered once.
func testLostAnswer(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("先")
	b.replies(1)
	s.swallow.Store(1)
	b.ask("丢")
	b.replies(2)
	b.until(`!document.querySelector('.mine:not([data-state=sent])')`)
	b.ask("后")
	b.replies(3)
	if got, want := b.turns(), ">先 <听到了：先 >丢 <听到了：丢 >后 <听到了：后"; got != want || s.asked() != "先|丢|后" {
		t.Errorf("got %s (asked %s), want %s", got, s.asked(), want)
	}
}

func testBusy(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	s.busy.Store(1)
	b.watch(".state") // it is shown for a second, which a busy machine may sleep through
	b.ask("忙")
	b.replies(1)
	if said := b.watched(); !strings.Contains(said, "咨询的人太多，请稍后再试。 1 秒后自动重发") {
		t.Errorf("the page said %q", said)
	}
	if got := b.turns(); got != ">忙 <听到了：忙" || s.posts.Load() != 2 {
		t.Errorf("got %s after %d tries", got, s.posts.Load())
	}
}

// testReload: what was said is there again, and what was not sent is sent.
func testReload(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("一")
	b.replies(1)
	b.run(chromedp.Reload())
	b.replies(1)
	if got := b.turns(); got != ">一 <听到了：一" {
		t.Errorf("after a reload: %s", got)
	}
	s.swallow.Store(1) // taken, but the page does not know
	s.busy.Store(1)    // not taken
	b.ask("二")
	b.ask("三")
	b.until(`document.querySelectorAll('.mine').length === 3`)
	b.run(chromedp.Reload())
	b.replies(3)
	b.until(`!document.querySelector('.mine:not([data-state=sent])')`)
	got := strings.Fields(b.turns()) // the third was said before or after the second was answered
	slices.Sort(got)
	if want := "<听到了：一 <听到了：三 <听到了：二 >一 >三 >二"; strings.Join(got, " ") != want || s.asked() != "一|二|三" {
		t.Errorf("got %s (asked %s), want %s", got, s.asked(), want)
	}
	if got := eval[string](b, `[...document.querySelectorAll('.turn')].map((n) => n.dataset.seq || n.dataset.event).join()`); got != "1,2,3,4,5,6" {
		t.Errorf("numbers on the server: %s, want 1 to 6 in their order", got)
	}
	if got := eval[string](b, `sessionStorage.getItem('mingbai.unsent')`); got != "[]" {
		t.Errorf("still kept as unsent: %s", got)
	}
}

// testExpired: the server no longer knows the conversation. The page says so
// and begins a new one with the same words.
func testExpired(t *testing.T, browser context.Context) {
	s := newSite(t)
	b := open(t, browser, s.URL)
	b.ask("旧")
	b.replies(1)
	s.down.Store(true)
	s.CloseClientConnections()
	b.until(`!document.querySelector('#status').hidden`)
	s.forget(t, b)
	s.down.Store(false)
	b.ask("新")
	b.replies(2)
	if got := eval[string](b, `document.querySelector('.note').textContent`); !strings.Contains(got, "过期") {
		t.Errorf("the note says %q", got)
	}
	if got := b.turns(); got != ">旧 <听到了：旧 >新 <听到了：新" {
		t.Errorf("got %s", got)
	}
}

// forget deletes the page's conversation behind its back.
func (s *site) forget(t *testing.T, b *tab) {
	t.Helper()
	id := eval[string](b, `performance.getEntriesByType('resource').map((e) => /conversations\/([0-9a-f]{32})/.exec(e.name)).filter(Boolean).pop()[1]`)
	w := &discard{header: http.Header{}}
	r, err := http.NewRequest("DELETE", "/api/v1/conversations/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.api.ServeHTTP(w, r)
	if w.status != http.StatusNoContent {
		t.Fatalf("forget: %d", w.status)
	}
}

// discard is a ResponseWriter that keeps the status only.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// testTabs: two tabs of one person show one conversation, and deleting it in
// one clears the other.
func testTabs(t *testing.T, browser context.Context) {
	s := newSite(t)
	a := open(t, browser, s.URL)
	a.until(`!document.querySelector('#welcome').hidden`)
	b := a.beside(s.URL)
	b.until(`!document.querySelector('#welcome').hidden`)
	a.ask("甲")
	b.replies(1)
	b.ask("乙")
	a.replies(2)
	b.replies(2)
	if got, want := a.turns(), ">甲 <听到了：甲 >乙 <听到了：乙"; got != want || b.turns() != want {
		t.Errorf("got %s and %s, want %s", got, b.turns(), want)
	}
	b.run(chromedp.Click(`#menu summary`, chromedp.ByQuery), chromedp.Click(`#erase`, chromedp.ByQuery), chromedp.Click(`#ask-erase .danger`, chromedp.ByQuery))
	a.until(`!document.querySelector('.turn') && !document.querySelector('#welcome').hidden`)
}
