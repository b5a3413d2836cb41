package web_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"mingbai/bot"
	"mingbai/office"
	"mingbai/web"
)

// vote is one call of the feedback hook.
type vote struct {
	answer string
	useful bool
	reason string
}

// site is the whole product without its knowledge: the real API on a real
// store behind the real server, with scripted replies.
type site struct {
	*httptest.Server
	api   http.Handler
	rows  *sql.DB // of the store
	votes chan vote
	gate  chan struct{} // what a person asks with 慢 is answered when this is closed

	mu      sync.Mutex
	handled []string

	down    atomic.Bool  // connections are cut as soon as they come
	swallow atomic.Int32 // so many messages are taken and their answer is lost
	busy    atomic.Int32 // so many messages are refused with a 503
	posts   atomic.Int32 // messages sent, repeats too
}

func newSite(t *testing.T) *site {
	t.Helper()
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(t.Context(), write, read, dialect)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{rows: write, votes: make(chan vote, 10), gate: make(chan struct{})}
	api := bot.NewWebChat(store, bot.WebOptions{
		Heartbeat: 200 * time.Millisecond,
		Feedback: func(_ context.Context, answer string, useful bool, reason string) error {
			s.votes <- vote{answer, useful, reason}
			return nil
		},
	})
	s.api = api
	b := bot.New(bot.HandlerFunc(s.handle), bot.NewLocalSessions(store, time.Hour), bot.NewInbox(store), bot.Options{PerPerson: bot.Rate{Burst: 1000, Every: time.Millisecond}})
	b.Attach(api)
	h, err := web.New(web.Options{API: s.faults(api)})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.cut(h))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *site) handle(ctx context.Context, m bot.Message, _ *bot.Session) (bot.Reply, error) {
	s.mu.Lock()
	s.handled = append(s.handled, m.Text)
	s.mu.Unlock()
	if strings.Contains(m.Text, "慢") {
		select {
		case <-s.gate:
		case <-ctx.Done():
		}
	}
	return script(m.Text), nil
}

// asked is what the handler was asked so far.
func (s *site) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.handled, "|")
}

// cut drops every connection while the site is down.
func (s *site) cut(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// faults plays a proxy that loses answers and a server that is full.
func (s *site) faults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
			next.ServeHTTP(w, r)
			return
		}
		s.posts.Add(1)
		if s.busy.Add(-1) >= 0 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"code":"busy","message":"现在咨询的人太多，请稍后再试。"}`, http.StatusServiceUnavailable)
			return
		}
		if s.swallow.Add(-1) >= 0 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// tab is one person's browser: cookies and storage of its own.
type tab struct {
	context.Context
	t       *testing.T
	browser context.Context
	person  cdp.BrowserContextID

	mu      sync.Mutex
	dialogs []string // dialogs of the page: there must be none
	errors  []string // exceptions that nobody caught, and breaches of the policy
}

// open loads the page in a new tab of phone size.
func open(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	c := chromedp.FromContext(browser)
	person, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(cdp.WithExecutor(browser, c.Browser))
	if err != nil {
		t.Fatalf("new person: %v", err)
	}
	return visit(t, browser, person, url)
}

// beside opens another tab of the same person.
func (b *tab) beside(url string) *tab {
	b.t.Helper()
	return visit(b.t, b.browser, b.person, url)
}

func visit(t *testing.T, browser context.Context, person cdp.BrowserContextID, url string) *tab {
	t.Helper()
	c := chromedp.FromContext(browser)
	// A window of its own: a person who has none cannot be given a tab.
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(person).WithNewWindow(true).Do(cdp.WithExecutor(browser, c.Browser))
	if err != nil {
		t.Fatalf("new tab: %v", err)
	}
	ctx, shut := chromedp.NewContext(browser, chromedp.WithTargetID(id))
	t.Cleanup(shut)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, t: t, browser: browser, person: person}
	chromedp.ListenTarget(ctx, b.heard)
	b.run(chromedp.EmulateViewport(390, 844), media("prefers-reduced-motion", "reduce"), chromedp.Navigate(url))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.dialogs)+len(b.errors) > 0 {
			t.Errorf("dialogs %q, errors %q; want none", b.dialogs, b.errors)
		}
	})
	return b
}

func (b *tab) heard(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *page.EventJavascriptDialogOpening:
		b.dialogs = append(b.dialogs, e.Message)
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Error())
	}
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		b.t.Fatalf("browser: %v\npage: %s", err, b.snapshot())
	}
}

// media sets what the page's media queries see; without movement, what a test
// clicks on stays where it is.
func media(name, value string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: name, Value: value}})
}

// snapshot is what the page shows, for messages of failed tests.
func (b *tab) snapshot() string {
	var text string
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b), 3*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text)) // best effort
	return text
}

// eval gives the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	var v T
	b.run(chromedp.Evaluate(expression, &v))
	return v
}

// until waits until an expression is true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	var ok bool
	err := chromedp.Run(b, chromedp.Poll(`(() => { try { return !!(`+expression+`); } catch { return false; } })()`, &ok, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(time.Minute)))
	if err != nil {
		b.t.Fatalf("waiting for %s: %v\npage: %s", expression, err, b.snapshot())
	}
}

// watch has the page write down every text that elements of a selector show.
func (b *tab) watch(selector string) {
	b.t.Helper()
	eval[bool](b, `(() => {
		window.watched = new Set();
		new MutationObserver(() => document.querySelectorAll('`+selector+`').forEach((n) => window.watched.add(n.textContent)))
			.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
		return true;
	})()`)
}

// watched is what was written down since watch, a line a text.
func (b *tab) watched() string {
	b.t.Helper()
	return eval[string](b, `[...window.watched].join('\n')`)
}

// vote waits for the next call of the feedback hook.
func (b *tab) vote(s *site) vote {
	b.t.Helper()
	select {
	case v := <-s.votes:
		return v
	case <-time.After(time.Minute):
		b.t.Fatalf("no feedback came\npage: %s", b.snapshot())
		return vote{}
	}
}

// ask types a question and sends it with Enter.
func (b *tab) ask(text string) {
	b.t.Helper()
	b.until(`!document.querySelector('#composer').hidden`)
	b.run(chromedp.Focus(`#words`, chromedp.ByQuery), insert(text))
	b.key("Enter", 0)
}

// insert types text as an input method does.
func insert(text string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error { return input.InsertText(text).Do(ctx) })
}

// codes are the key codes that a page sees.
var codes = map[string]int64{"Enter": 13, "Tab": 9, "Escape": 27, " ": 32}

// key presses one key.
func (b *tab) key(name string, with input.Modifier) {
	b.t.Helper()
	down := input.DispatchKeyEvent(input.KeyDown).WithKey(name).WithCode(strings.ReplaceAll(name, " ", "Space")).
		WithWindowsVirtualKeyCode(codes[name]).WithModifiers(with)
	if name == "Enter" {
		down = down.WithText("\r")
	}
	if len(name) == 1 {
		down = down.WithText(name)
	}
	up := input.DispatchKeyEvent(input.KeyUp).WithKey(name).WithWindowsVirtualKeyCode(codes[name]).WithModifiers(with)
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		if err := down.Do(ctx); err != nil {
			return err
		}
		return up.Do(ctx)
	}))
}

// replies waits for n replies.
func (b *tab) replies(n int) {
	b.t.Helper()
	b.until(`document.querySelectorAll('.turn.bot').length >= ` + itoa(n))
}

// turns is what was said, one line a turn: > for the person, < for the reply's
// first words.
func (b *tab) turns() string {
	b.t.Helper()
	return eval[string](b, `[...document.querySelectorAll('.turn')].map((n) => n.classList.contains('mine')
		? '>' + n.querySelector('.said').textContent
		: '<' + n.querySelector('.text').textContent.slice(0, 6)).join(' ')`)
}

// awaitPromise has an expression's promise waited for.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
