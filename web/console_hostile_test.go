package web_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"mingbai/office"
)

// infest fills the records with texts: of every field that somebody outside or
// inside can write, one row a text. It gives what stands for wildcards in the
// addresses of pages.
func (u *bureau) infest(t *testing.T, texts []string) map[string]string {
	t.Helper()
	ctx := t.Context()
	root := u.plain.Posts[0].Org
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var no string
	var last office.Person
	for i, x := range texts {
		short := []rune(x)
		short = short[:min(38, len(short))]
		_, err := u.db.Found(ctx, u.plain, office.Org{Parent: root.ID, Kind: "部门", Name: fmt.Sprint(i) + string(short), Short: fmt.Sprint("短", i)})
		must(err)
		last, err = u.db.Hire(ctx, u.plain, office.Person{Name: string(short) + fmt.Sprint(i), Fields: []string{x}, Languages: []string{x}, Conflicts: []string{x},
			Posts: []office.Post{{Role: office.Mediator, Org: root}}})
		must(err)
		who := office.Person{Account: office.Account(fmt.Sprint("web/user/", i))}
		o, err := u.db.OpenCase(ctx, who, office.Draft{Request: fmt.Sprint(i), Via: office.ViaResident, Matter: "dispute", Name: string(short), Phone: "13800000000",
			Place: "三里村" + x, Parties: x, Story: "邻居吵架 " + x, Wish: x, Talk: []office.TalkLine{{Text: x}, {Bot: true, Text: x}}})
		must(err)
		no = o.Case.No
		for j, a := range []office.Action{{Verb: "accept"}, {Verb: "assign", To: u.plain.ID}, {Verb: "note", Note: x}, {Verb: "start"}, {Verb: "answer", Text: "答复 " + x}} {
			a.Request = fmt.Sprint(i, " ", j)
			if _, err := u.db.Act(ctx, u.plain, no, a); err != nil && office.KindOf(err) != office.Conflict && office.KindOf(err) != office.Forbidden {
				t.Fatalf("%s: %v", a.Verb, err)
			}
		}
		c, err := u.db.Case(ctx, who, no)
		must(err)
		must(u.db.RateCase(ctx, c, 2, x))
		must(u.db.NoteDetail(ctx, x, x, x, x))
		must(u.db.SwitchTopic(ctx, "T"+fmt.Sprint(i), x, x))
	}
	return map[string]string{"/console/people/{id}": fmt.Sprint(last.ID), "/console/cases/{no}": no}
}

// testConsoleHostile: each text in every field of every page is shown letter by
// letter. A page then has as many elements as with tame texts, no dialog opens
// and the policy is not broken.
func testConsoleHostile(t *testing.T, browser context.Context) {
	var bad, tame []string
	for i, x := range payloads {
		x = strings.NewReplacer("\u202e", "", "\u0000", "", "、", "").Replace(x)
		bad = append(bad, x)
		tame = append(tame, strings.Repeat("字", len([]rune(x))-1)+string(rune('一'+i)))
	}
	var counts [2]map[string]int
	for i, texts := range [][]string{tame, bad} {
		u := newBureau(t)
		counts[i] = u.tour(t, browser, texts, u.infest(t, texts), i == 1)
	}
	for at, want := range counts[0] {
		if got := counts[1][at]; got != want || got < 20 {
			t.Errorf("%s: %d elements, want %d", at, got, want)
		}
	}
	if len(counts[0]) < 20 {
		t.Errorf("only %d pages seen", len(counts[0]))
	}
}

// watched opens a tab of the administrator's that notes what breaks the policy.
func (u *bureau) watched(t *testing.T, browser context.Context, token string) *tab {
	t.Helper()
	b := u.holding(t, browser, token, "/static/icon.svg")
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`window.breaches = []; document.addEventListener('securitypolicyviolation', (e) => breaches.push(e.violatedDirective + ' ' + e.sourceFile))`).Do(ctx)
		return err
	}))
	return b
}

// queries are the names of what pages read from their addresses.
var queries = []string{"name", "text", "q", "no", "from", "to", "field", "language", "which", "role", "org", "state", "matter", "lane", "next", "page", "as"}

// tour opens every page with what the records hold and counts its elements; if
// deep also with the texts in the address and in every field of its forms, which
// are many more pages.
func (u *bureau) tour(t *testing.T, browser context.Context, texts []string, objects map[string]string, deep bool) map[string]int {
	token, err := u.db.OpenConsole(t.Context(), u.plain.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	var b *tab
	visits := 0
	visit := func(address string) (page bool) {
		t.Helper()
		if visits%15 == 0 { // a tab has its time
			b = u.watched(t, browser, token)
		}
		visits++
		err := chromedp.Run(b, chromedp.Navigate(u.URL+address))
		if err != nil && !strings.Contains(err.Error(), "ERR_ABORTED") { // a file is kept, not shown
			t.Fatalf("%s: %v", address, err)
		}
		return err == nil
	}
	seen := map[string]int{}
	look := func(at string) {
		t.Helper()
		if got := eval[string](b, `window.breaches.join() + [...document.querySelectorAll('main script, main img, main iframe, main style, main math, main [onerror], main [onload], main [onfocus], a[href^="javascript:"]')].map((n) => n.tagName).join()`); got != "" {
			t.Errorf("%s: %s", at, got)
		}
	}
	query := url.Values{}
	for i, name := range queries {
		query.Set(name, "问"+texts[i%len(texts)])
	}
	for _, path := range u.pages.Pages() {
		if strings.Contains(path, "export") || path == "/console/sign-in" {
			continue
		}
		if a := strings.Index(path, "{"); a >= 0 {
			object, known := objects[path]
			if !known {
				continue
			}
			path = path[:a] + url.PathEscape(object)
		}
		if !visit(path) {
			continue
		}
		name := strings.NewReplacer(objects["/console/cases/{no}"], "{no}", objects["/console/people/{id}"], "{id}").Replace(path)
		look(name)
		seen[name] = eval[int](b, `document.querySelectorAll('*').length`)
		if !deep {
			continue
		}
		forms := eval[int](b, writable+`.length`)
		visit(path + "?" + query.Encode())
		look(name + " with a query")
		for i := range forms {
			visit(path)
			if eval[int](b, writable+`.length`) <= i {
				break // what was sent before took a step
			}
			b.submit(i, texts)
			look(fmt.Sprintf("%s after form %d", name, i))
		}
	}
	return seen
}

// writable are the forms of a page in which somebody can write.
const writable = `[...document.querySelectorAll('main form')].filter((f) => f.method === 'post' && !f.querySelector('[type=file], [type=password]') && f.querySelector('textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])'))`

// submit fills all fields of the form with the texts, one behind the other, and sends it.
func (b *tab) submit(form int, texts []string) {
	b.t.Helper()
	all := strings.Join(texts, "")
	send := chromedp.Evaluate(fmt.Sprintf(`(() => { const f = %s[%d]; f.noValidate = true;
		for (const n of f.querySelectorAll('textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])')) n.value = %q;
		HTMLFormElement.prototype.submit.call(f); })()`, writable, form, all), nil)
	if _, err := chromedp.RunResponse(b, send); err != nil {
		b.t.Fatalf("send form %d: %v\npage: %s", form, err, b.snapshot())
	}
}
