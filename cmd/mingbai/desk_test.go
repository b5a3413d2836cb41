package main

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

	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
	"mingbai/office"
	"mingbai/web"
	"mingbai/web/console"
)

// desk is a browser on the office's console.
type desk struct {
	context.Context
	t   *testing.T
	url string
}

func (d *desk) run(actions ...chromedp.Action) {
	d.t.Helper()
	if err := chromedp.Run(d, actions...); err != nil {
		d.t.Fatalf("browser: %v", err)
	}
}

// see waits until the page holds a text.
func (d *desk) see(text string) {
	d.t.Helper()
	var ok bool
	ctx, cancel := context.WithTimeout(d, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Poll(fmt.Sprintf(`document.readyState === 'complete' && document.body.innerText.includes(%q)`, text), &ok)); err != nil {
		var body string
		d.run(chromedp.Text("body", &body, chromedp.ByQuery))
		d.t.Fatalf("no %q on the page: %v\n%s", text, err, body)
	}
}

func (d *desk) visit(path string) {
	d.t.Helper()
	d.run(chromedp.Navigate(d.url + path))
}

func (d *desk) fill(name, text string) {
	d.t.Helper()
	d.run(chromedp.SetValue(`[name="`+name+`"]`, text, chromedp.ByQuery))
}

// press sends a form or follows a link by what stands on it.
func (d *desk) press(selector string) {
	d.t.Helper()
	if _, err := chromedp.RunResponse(d, chromedp.Click(selector, chromedp.BySearch)); err != nil {
		d.t.Fatalf("press %s: %v", selector, err)
	}
}

func button(words string) string { return fmt.Sprintf(`//button[contains(., %q)]`, words) }

func (d *desk) signIn(login, password string) {
	d.t.Helper()
	d.visit("/console/sign-in")
	d.fill("_login", login)
	d.fill("_password", password)
	d.press(button("登录"))
}

// shoot stores a picture of the page if dir names a directory.
func (d *desk) shoot(dir, name string, width int64) {
	d.t.Helper()
	if dir == "" {
		return
	}
	var picture []byte
	height := int64(900)
	if width > 1000 {
		height = 1500
	}
	for try := 0; len(picture) == 0; try++ { // headless Chromium now and then draws nothing
		ctx, cancel := context.WithTimeout(d, 10*time.Second)
		err := chromedp.Run(ctx, chromedp.EmulateViewport(width, height), chromedp.CaptureScreenshot(&picture))
		cancel()
		if err != nil && try == 3 {
			d.t.Fatalf("picture %s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// startDesk serves the console of the records and opens a browser on it.
func startDesk(t *testing.T, db *office.DB, now func() time.Time, draft func(context.Context, office.Person, office.Case, bool) (office.CaseDraft, error)) *desk {
	t.Helper()
	pages, err := console.New(console.Options{Office: db, Loopback: true, Now: now, Draft: draft, Place: func() string { return "青禾县" }})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Options{API: http.NotFoundHandler(), Console: pages})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	ctx, cancel := chromedp.NewContext(servers.StartChromium(t))
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	return &desk{Context: ctx, t: t, url: s.URL}
}

// demoPerson is who signs in under a name.
func demoPerson(t *testing.T, db *office.DB, login string) office.Person {
	t.Helper()
	account, err := db.ConsoleAccountNamed(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	p, err := db.Person(t.Context(), account.Person)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDemoOffice fills a small county and looks at its pages; with
// DESK_SCREENSHOTS it is the county of make demo-office, and pictures of the
// pages are stored in that directory.
func TestDemoOffice(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	shots, n := os.Getenv("DESK_SCREENSHOTS"), 150
	if shots != "" {
		n = 2000
	}
	var progress strings.Builder
	a := &app{out: &progress, err: &progress, now: time.Now}
	dir := t.TempDir()
	logins, err := fillDemo(t.Context(), a, dir, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	db, err := office.Open(t.Context(), office.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("the made-up records do not hold: %v", err)
	}
	admin := demoPerson(t, db, "admin")
	for _, s := range office.States {
		if _, k, err := db.Cases(t.Context(), admin, office.CaseFilter{States: []office.State{s}}); err != nil || k == 0 && s != office.Merged && n > 1000 {
			t.Errorf("%s: %d cases, %v", s, k, err)
		}
	}
	d := startDesk(t, db, nil, func(context.Context, office.Person, office.Case, bool) (office.CaseDraft, error) {
		return office.CaseDraft{Text: "先保留欠条和转账记录。\n去司法所申请调解，谈不成可以向法院起诉。", Sources: []string{"《民法典》第六百七十五条（现行有效）"}}, nil
	})
	d.signIn(logins[0].login, logins[0].password)
	d.see("等着办的事")
	d.shoot(shots, "overview", 1200)
	d.visit("/console/cases")
	d.see("在办")
	d.shoot(shots, "queue", 1200)
	d.shoot(shots, "queue-phone", 390)
	d.visit("/console/cases?q=" + "砌墙" + "&state=all")
	d.see("全部")
	d.shoot(shots, "search", 1200)
	for _, s := range []office.State{office.Working, office.Answered, office.New} {
		list, _, err := db.Cases(t.Context(), admin, office.CaseFilter{States: []office.State{s}, Matter: "dispute"})
		if err != nil || len(list) == 0 {
			t.Fatal(s, len(list), err)
		}
		d.visit("/console/cases/" + list[len(list)-1].No)
		d.see("办理过程")
		d.shoot(shots, "case-"+string(s), 1200)
		d.shoot(shots, "case-"+string(s)+"-phone", 390)
	}
	d.press(`//button[contains(., "受理")]`)
	d.see("现在是“已受理”")
	d.press(button("起草"))
	d.see("从审核过的条目摘的草稿")
	d.press(button("先看看"))
	d.see("本人会看到")
	d.shoot(shots, "draft", 1200)
	d.press(button("发出答复"))
	d.see("发出的答复")
	d.press(`//a[contains(., "打印页")]`)
	d.see("按 Ctrl+P 打印")
	d.shoot(shots, "print", 1200)
	d.press(button("退出"))
	d.signIn(logins[1].login, logins[1].password)
	d.visit("/console/cases/new")
	d.see("登记来访")
	d.shoot(shots, "new", 1200)
	d.fill("story", "邻居老周的羊吃了我家麦苗，说好赔三百没给。")
	d.fill("place", "城东街道三里村")
	d.press(button("登记"))
	d.see("取件码")
	d.shoot(shots, "opened", 1200)
	d.press(button("退出"))
	d.signIn(logins[3].login, logins[3].password)
	if _, k, err := db.Cases(t.Context(), demoPerson(t, db, logins[3].login), office.CaseFilter{}); err != nil || k == 0 {
		t.Fatalf("the helper has %d cases, %v", k, err)
	}
	d.visit("/console/cases?state=all")
	d.see("全部")
	d.shoot(shots, "helper-list", 1200)
	var no string
	d.run(chromedp.Text(".queue tbody a", &no, chromedp.ByQuery))
	d.visit("/console/cases/" + no)
	d.see("办理过程")
	var body string
	d.run(chromedp.Text("main", &body, chromedp.ByQuery))
	if strings.Contains(body, "经过") || strings.Contains(body, "称呼") {
		t.Errorf("a helper reads what the resident told the office: %s", body)
	}
	d.shoot(shots, "helper", 1200)
}
